"""Random access to a file's bytes, whether in memory, on disk or fetched in part,
so that a reader never needs to know which.
"""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, BinaryIO, Protocol, cast


class ByteSource(Protocol):
    """The bytes of one file.

    `read` returns fewer bytes than asked, or none, past the end; it never raises for that.
    """

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`."""
        ...


class MemorySource:
    """A file whose bytes were read already."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`."""
        if offset < 0 or length <= 0:
            return b""
        return self.data[offset : offset + length]


class Window:
    """A stretch of another source, with offsets counted from its start (bytes)."""

    def __init__(self, source: ByteSource, start: int, size: int) -> None:
        self._source = source
        self._start = max(0, start)
        self.size = max(0, min(size, source.size - self._start))

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; none outside the window."""
        if offset < 0 or offset >= self.size:
            return b""
        return self._source.read(self._start + offset, min(length, self.size - offset))


class FileSource:
    """An open file, read piece by piece; the descriptor stays the caller's to close."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` (at most to the size given)."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        return os.pread(self._descriptor, length, offset)

    def stream(self) -> BinaryIO:
        """The file from its beginning, for libraries that want a stream."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return open(os.dup(self._descriptor), "rb")


class Hole(BaseException):
    """Bytes are wanted that were not fetched yet.

    No error of the file: no reader may take it for one and go on.
    """


class Unfetched(Exception):
    """Bytes are wanted that were not fetched, and will not be."""


class PartSource:
    """An open sparse file of which some ranges are there.

    A zero of a hole is never given for a byte of the file.

    What is asked for beyond them is kept in `touched`, as (offset, length), whatever becomes of the
    exception: a library may swallow it. The exception is `Hole`, and `Unfetched` where no more
    bytes will come (`last`).
    """

    def __init__(
        self, descriptor: int, size: int, have: Iterable[tuple[int, int]], *, last: bool = False
    ) -> None:
        self._descriptor = descriptor
        self._last = last
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, length in sorted(have):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], start + length)
            else:
                self._starts.append(start)
                self._ends.append(start + length)
        self.size = size
        self.touched: list[tuple[int, int]] = []

    @property
    def is_whole(self) -> bool:
        """Whether every byte is there."""
        return self._covers(0, self.size)

    def _covers(self, offset: int, length: int) -> bool:
        at = bisect_right(self._starts, offset) - 1
        return at >= 0 and offset + length <= self._ends[at]

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`.

        Raises Hole or Unfetched where one of them is not there.
        """
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        if not self._covers(offset, length):
            self.touched.append((offset, length))
            if self._last:
                raise Unfetched(f"the {length} bytes at {offset} were not fetched")
            raise Hole
        return os.pread(self._descriptor, length, offset)


class SourceStream(io.RawIOBase):
    """A source as a stream, for libraries that want one.

    A hole is an OSError for them, which they can handle.
    """

    def __init__(self, source: ByteSource, name: str = "") -> None:
        super().__init__()
        self._source = source
        self._at = 0
        self.name = name

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; the new position. Negative ones are refused, as files do."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size}[whence]
        if start + offset < 0:
            raise OSError("a position before the start")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as there are bytes. Raises OSError at a hole."""
        view = memoryview(buffer).cast("B")
        try:
            data = self._source.read(self._at, len(view))
        except (Hole, Unfetched) as error:
            raise OSError("bytes that were not fetched") from error
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def stream_of(source: ByteSource, name: str = "") -> BinaryIO:
    """A source as a seekable binary stream."""
    return (
        io.BytesIO(source.data)
        if isinstance(source, MemorySource)
        else cast("BinaryIO", SourceStream(source, name))
    )
