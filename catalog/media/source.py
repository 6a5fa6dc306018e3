"""Random access to a file's bytes, whether in memory or on disk, so that a reader never needs to know which."""

from __future__ import annotations

import os
from typing import Protocol


class ByteSource(Protocol):
    """The bytes of one file. `read` returns fewer bytes than asked, or none, past the end; it never raises for that."""

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
