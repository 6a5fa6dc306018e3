"""Contents: small ones in memory, others in files that are never changed.

A content is a row of pieces, so that chunks are put together without copying a byte. A file is
removed when nothing refers to it any more.
"""

from __future__ import annotations

import hashlib
import uuid
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

CHUNK = 256 * 1024
_SMALL = 64 * 1024


class _File:
    """A file that lasts as long as this object."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = size
        weakref.finalize(self, path.unlink, missing_ok=True)


class Content:
    """Bytes that do not change; `size` of them."""

    def __init__(self, pieces: Iterable[bytes | _File] = ()) -> None:
        self._pieces = tuple(pieces)
        self.size = sum(
            len(piece) if isinstance(piece, bytes) else piece.size for piece in self._pieces
        )

    def __deepcopy__(self, _known: object) -> Content:
        """Itself, since it does not change."""
        return self

    @classmethod
    def joined(cls, contents: Iterable[Content]) -> Content:
        """One after another."""
        return cls(piece for content in contents for piece in content._pieces)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes [start, stop) in chunks."""
        stop = self.size if stop is None else stop
        place = 0
        for piece in self._pieces:
            size = len(piece) if isinstance(piece, bytes) else piece.size
            first, last = max(start - place, 0), min(stop - place, size)
            if first < last:
                if isinstance(piece, bytes):
                    yield piece[first:last]
                else:
                    yield from _read_file(piece, first, last)
            place += size

    def bytes(self) -> bytes:
        """All of it."""
        return b"".join(self.read())

    def hash(self, algorithm: str) -> str:
        """The hexadecimal digest; raises ValueError for an unknown algorithm."""
        hasher = hashlib.new(algorithm)
        for chunk in self.read():
            hasher.update(chunk)
        return hasher.hexdigest()


def _read_file(piece: _File, first: int, last: int) -> Iterator[bytes]:
    with open(piece.path, "rb", buffering=0) as file:
        file.seek(first)
        while first < last and (data := file.read(min(CHUNK, last - first))):
            first += len(data)
            yield data


class Spool:
    """A content on its way: in memory until it is large."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[bytes] = []
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self.size = 0

    def write(self, data: bytes) -> None:
        """The next bytes."""
        self.size += len(data)
        if self._file is None and self.size <= _SMALL:
            self._held.append(data)
            return
        if self._file is None:
            self._path = self._folder / uuid.uuid4().hex
            self._file = open(self._path, "xb")  # noqa: SIM115 - closed with the spool
            self._file.writelines(self._held)
            self._held.clear()
        self._file.write(data)

    def close(self) -> Content:
        """What has come."""
        if self._file is None or self._path is None:
            return Content([b"".join(self._held)] if self._held else [])
        self._file.close()
        return Content([_File(self._path, self.size)])

    def discard(self) -> None:
        """Nothing of it is wanted."""
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
