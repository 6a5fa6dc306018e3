"""The movie header (`moov`): found where sizes are damaged, unpacked where it is compressed."""

from __future__ import annotations

import zlib

from catalog.media.bmff.boxes import MAX_PAYLOAD, Box, Walk
from catalog.media.source import MemorySource

MAX_MOVIE = 32 << 20
"""Largest movie header held in memory, packed or unpacked, in bytes."""


def find_movie(walk: Walk) -> Box | None:
    """A `moov` box found by its signature, for files whose sizes are wrong.

    It is looked for in the last and the first megabyte.
    """
    size = walk.source.size
    for start in dict.fromkeys((max(0, size - MAX_PAYLOAD), 0)):
        data = walk.source.read(start, MAX_PAYLOAD)
        at = data.find(b"mvhd")
        if at >= 12 and data[at - 8 : at - 4] == b"moov":
            length = int.from_bytes(data[at - 12 : at - 8], "big")
            return Box(b"moov", start + at - 4, min(start + at - 12 + max(length, 116), size))
    return None


def open_movie(walk: Walk, box: Box) -> tuple[Walk, Box]:
    """The header in memory where it is small enough, unpacked where it is compressed (`cmov`)."""
    if box.size > MAX_MOVIE:
        return walk, box
    inner = Walk(MemorySource(walk.source.read(box.start, box.size)))
    whole = Box(b"moov", 0, inner.source.size)
    packed = inner.child(whole, b"cmov", b"cmvd")
    if packed is None:
        return inner, whole
    data = inner.payload(packed, MAX_MOVIE)[4:]
    unpacked = Walk(MemorySource(zlib.decompressobj().decompress(data, MAX_MOVIE)))
    movie = next((b for b in unpacked.top() if b.kind == b"moov"), None)
    return (unpacked, movie) if movie else (inner, whole)
