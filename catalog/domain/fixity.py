"""Content hashes: what an asset is known by, and how a copy is proved."""

from __future__ import annotations

import hashlib

BLOCK_SIZE = 4 * 1024 * 1024
"""Bytes in one block of the content hash (Dropbox's content_hash definition)."""
CHECKSUM_KINDS = ("md5", "sha1", "sha256")
"""Checksums of a whole content that the catalog keeps beside its content hash, as other programs and stores state them."""


class ContentHasher:
    """Incremental content hash: SHA-256 over the concatenated SHA-256 digests of each 4 MiB block.

    Pieces may have any length. This is the hash Dropbox states for every file.
    """

    def __init__(self) -> None:
        self._overall = hashlib.sha256()
        self._block = hashlib.sha256()
        self._in_block = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add the next bytes of the content."""
        view = memoryview(data)
        while len(view):
            room = BLOCK_SIZE - self._in_block
            piece = view[:room]
            self._block.update(piece)
            self._in_block += len(piece)
            view = view[room:]
            if self._in_block == BLOCK_SIZE:
                self._close_block()

    def hexdigest(self) -> str:
        """The hash of all bytes so far, 64 hex digits; more bytes may still be added."""
        overall = self._overall.copy()
        if self._in_block:
            overall.update(self._block.digest())
        return overall.hexdigest()

    def _close_block(self) -> None:
        self._overall.update(self._block.digest())
        self._block = hashlib.sha256()
        self._in_block = 0


def content_hash(data: bytes | bytearray | memoryview) -> str:
    """The content hash of bytes already in memory, 64 hex digits."""
    hasher = ContentHasher()
    hasher.update(data)
    return hasher.hexdigest()


def is_content_hash(text: str) -> bool:
    """Whether the text has the form of a content hash (64 lower-case hex digits)."""
    return len(text) == 64 and all(c in "0123456789abcdef" for c in text)
