"""Contents on disk: what a request's body becomes, content hashes, and reading pieces back.

A content is a list of segments: (offset in the content, file or None, offset in that file, length).
Files lie in `blobs/` and are never changed once a transaction refers to them; a gap between
segments reads as zeros. So an upload session is finished without copying a byte, and a process
killed at any moment leaves at most files nobody refers to, which the next start removes.
"""

from __future__ import annotations

import functools
import hashlib
import io
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

BLOCK = 4 * 1024 * 1024
CHUNK = 256 * 1024
_HOLE = 64 * 1024
_ZEROS = bytes(_HOLE)


class Segment(NamedTuple):
    """A piece of a content: where it belongs, and the file (None:
    zeros) and place it is read from.
    """

    offset: int
    file: str | None
    base: int
    length: int


class ContentHasher:
    """Dropbox' content hash: SHA-256 of the SHA-256 digests of each 4 MiB block.

    Blocks of zeros are hashed once for all.

    With a `skew` the bytes begin so far inside a block; the digest of that first block is then of
    no use.
    """

    def __init__(self, skew: int = 0) -> None:
        self.digests: list[bytes] = []
        self._block = hashlib.sha256()
        self._filled = skew
        self._zeros = 0

    def update(self, data: bytes | memoryview) -> None:
        """The next bytes."""
        view = memoryview(data)
        while view:
            part = view[: BLOCK - self._filled]
            self._settle()
            self._block.update(part)
            self._grow(len(part))
            view = view[len(part) :]

    def add_zeros(self, count: int) -> None:
        """The next bytes, all of them zeros;
        nothing is computed while the block holds nothing else.
        """
        while count:
            step = min(count, BLOCK - self._filled)
            if self._zeros == self._filled:
                self._zeros += step
            else:
                self._block.update(bytes(step))
            self._grow(step)
            count -= step

    def _settle(self) -> None:
        """Compute the zeros the block begins with."""
        self._block.update(bytes(self._zeros))
        self._zeros = 0

    def _grow(self, count: int) -> None:
        self._filled += count
        if self._filled == BLOCK:
            self._close()

    def _close(self) -> None:
        if self._zeros == BLOCK:
            self.digests.append(_zero_block())
        else:
            self._settle()
            self.digests.append(self._block.digest())
        self._block = hashlib.sha256()
        self._filled = self._zeros = 0

    def finish(self) -> None:
        """No more bytes come: end the last block."""
        if self._filled:
            self._close()

    def hexdigest(self) -> str:
        """The hash of everything so far; ends the last block."""
        self.finish()
        return hashlib.sha256(b"".join(self.digests)).hexdigest()


@functools.cache
def _zero_block() -> bytes:
    return hashlib.sha256(bytes(BLOCK)).digest()


def content_hash(data: bytes) -> str:
    """The content hash of bytes at hand."""
    hasher = ContentHasher()
    hasher.update(data)
    return hasher.hexdigest()


class Spool:
    """A body on its way to disk: hashed as it comes, blocks of zeros left out as holes.

    `skew`: where inside a block of the final content it begins, so that `digests` are those of the
    content's blocks.
    """

    def __init__(self, folder: Path, skew: int = 0) -> None:
        self.name = uuid.uuid4().hex
        self.size = 0
        self.kept = False
        self._path = folder / self.name
        self._file: BinaryIO | None = None
        self._hasher = ContentHasher()
        self._aligned = ContentHasher(skew) if skew else self._hasher
        self._hashers = (self._hasher, self._aligned) if skew else (self._hasher,)
        self._hash: str | None = None

    def write(self, data: bytes | memoryview) -> None:
        """The next bytes of the body."""
        if not data:
            return
        if self._file is None:
            self._file = open(self._path, "xb", buffering=0)  # noqa: SIM115 - closed with the spool
        view = memoryview(data)
        for start in range(0, len(view), _HOLE):
            piece = view[start : start + _HOLE]
            if not piece[0] and not piece[-1] and bytes(piece) == _ZEROS[: len(piece)]:
                for hasher in self._hashers:
                    hasher.add_zeros(len(piece))
                self._file.seek(len(piece), io.SEEK_CUR)
            else:
                for hasher in self._hashers:
                    hasher.update(piece)
                self._file.write(piece)
        self.size += len(view)

    def close(self) -> None:
        """No more bytes come; now `hash` and `digests` may be asked for."""
        self._hash = self._hasher.hexdigest()
        self._aligned.finish()
        if self._file is not None:
            self._file.truncate(self.size)
            self._file.close()
            self._file = None

    @property
    def hash(self) -> str:
        """The content hash of the whole body."""
        assert self._hash is not None
        return self._hash

    @property
    def digests(self) -> bytes:
        """The digests of the content's 4 MiB blocks that it touches, one after another."""
        return b"".join(self._aligned.digests)

    def segments(self, offset: int = 0) -> list[Segment]:
        """The body as segments of a content, beginning at `offset` there."""
        return [Segment(offset, self.name, 0, self.size)] if self.size else []

    def discard(self) -> None:
        """Remove the file unless somebody refers to it (`kept`)."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if not self.kept:
            self._path.unlink(missing_ok=True)


def read(folder: Path, segments: Iterable[Segment], start: int, stop: int) -> Iterator[bytes]:
    """The bytes [start, stop) of a content in chunks; what no segment covers is zeros."""
    place = start
    for segment in segments:
        if segment.offset + segment.length <= place or segment.offset >= stop:
            continue
        yield from _zeros(segment.offset - place)
        place = max(place, segment.offset)
        end = min(segment.offset + segment.length, stop)
        if segment.file is None:
            yield from _zeros(end - place)
        else:
            with open(folder / segment.file, "rb") as file:
                file.seek(segment.base + place - segment.offset)
                left = end - place
                while left and (data := file.read(min(CHUNK, left))):
                    left -= len(data)
                    yield data
        place = end
    yield from _zeros(stop - place)


def _zeros(count: int) -> Iterator[bytes]:
    zeros = bytes(min(CHUNK, max(count, 0)))
    while count > 0:
        yield zeros[:count]
        count -= len(zeros)
