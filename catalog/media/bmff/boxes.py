"""Boxes of the ISO base media file format (ISO/IEC 14496-12) and of JPEG 2000 and JPEG XL, which share the shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from catalog.media.source import ByteSource

_MAX_BOXES = 65_536


class Box(NamedTuple):
    """One box: its type, and where its payload lies in the source (bytes, end exclusive, never past the source's end)."""

    kind: bytes
    start: int
    end: int


def boxes(source: ByteSource, start: int, end: int) -> Iterator[Box]:
    """The boxes side by side between two offsets; a box that runs past the end is cut, and ends the walk."""
    end = min(end, source.size)
    for _ in range(_MAX_BOXES):
        head = source.read(start, 16)
        if len(head) < 8 or start + 8 > end:
            return
        size, payload = int.from_bytes(head[:4], "big"), start + 8
        if size == 1:
            size, payload = int.from_bytes(head[8:16], "big"), start + 16
        following = end if size == 0 else start + size
        if following < payload:
            return
        yield Box(head[4:8], payload, min(following, end))
        start = following


def find(source: ByteSource, parent: Box, kind: bytes, skip: int = 0) -> Box | None:
    """The first box of a type inside another, whose first `skip` payload bytes are no boxes."""
    return next((b for b in boxes(source, parent.start + skip, parent.end) if b.kind == kind), None)


def content(source: ByteSource, box: Box, cap: int) -> bytes:
    """A box's payload, at most `cap` bytes."""
    return source.read(box.start, min(box.end - box.start, cap))
