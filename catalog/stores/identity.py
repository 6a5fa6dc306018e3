"""Numbers that stand for what a service calls by a text."""

from __future__ import annotations

import hashlib


def number_of(text: str, bits: int = 62) -> int:
    """A number for an id of a service where the catalog keeps device and inode; never 0."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> (64 - bits) | 1
