"""Content hashes: what an asset is known by, and how a copy is proved.

And the checksums that others know it by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

BLOCK_SIZE = 4 * 1024 * 1024
"""Bytes in one block of the content hash (Dropbox's content_hash definition)."""
SHA256 = "sha256"


@dataclass(frozen=True, slots=True)
class Digests:
    """What one reading of some bytes gave: their content hash, and further checksums by kind,
    in hex.
    """

    content: str
    checksums: Mapping[str, str] = field(default_factory=dict)


class ContentHasher:
    """Incremental content hash: SHA-256 over the concatenated SHA-256 digests of each 4 MiB block.

    Pieces may have any length. This is the hash Dropbox states for every file. `kinds` of checksums
    are computed beside it. Where any is wanted, SHA-256 is given as well if the content is one
    block: it costs nothing.
    """

    def __init__(self, kinds: Collection[str] = ()) -> None:
        self._overall = hashlib.sha256()
        self._block = hashlib.sha256()
        self._first = self._block
        self._in_block = 0
        self._blocks = 0
        self._wants_sha256 = SHA256 in kinds
        self._further = {
            kind: hashlib.new(kind, usedforsecurity=False) for kind in kinds if kind != SHA256
        }
        self._running = list(self._further.values())

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add the next bytes of the content."""
        view = memoryview(data)
        while len(view):
            room = BLOCK_SIZE - self._in_block
            piece = view[:room]
            self._block.update(piece)
            for further in self._running:
                further.update(piece)
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

    def digests(self) -> Digests:
        """The hash and the checksums of all bytes so far."""
        made = {kind: further.hexdigest() for kind, further in self._further.items()}
        is_one_block = self._blocks + (self._in_block > 0) <= 1
        if self._wants_sha256 or (made and is_one_block):
            made[SHA256] = self._first.hexdigest()
        return Digests(self.hexdigest(), dict(sorted(made.items())))

    def _close_block(self) -> None:
        """From the first block on a SHA-256 of the whole goes on, if one is wanted:
        of that block it is the same.
        """
        self._overall.update(self._block.digest())
        if not self._blocks and self._wants_sha256:
            self._running.append(self._first)
        self._blocks += 1
        self._block = hashlib.sha256()
        self._in_block = 0


def content_hash(data: bytes | bytearray | memoryview) -> str:
    """The content hash of bytes already in memory, 64 hex digits."""
    return digests_of(data).content


def digests_of(data: bytes | bytearray | memoryview, kinds: Collection[str] = ()) -> Digests:
    """The content hash and the checksums of bytes already in memory."""
    hasher = ContentHasher(kinds)
    hasher.update(data)
    return hasher.digests()


def is_content_hash(text: str) -> bool:
    """Whether the text has the form of a content hash (64 lower-case hex digits)."""
    return len(text) == 64 and all(c in "0123456789abcdef" for c in text)
