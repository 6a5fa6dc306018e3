"""Boxes of an ISO base media file (ISO/IEC 14496-12) or QuickTime movie: bounded walks that never load media data."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.media.source import ByteSource, MemorySource

MAX_BOXES = 60_000
"""Boxes looked at in one file, at all levels; real files stay far below."""
MAX_PAYLOAD = 1 << 20
"""Largest payload read into memory at once, in bytes."""
MAX_MOVIE = 32 << 20
"""Largest movie header held in memory, packed or unpacked, in bytes."""

_MAC_EPOCH = datetime(1904, 1, 1)
_UNIX_EPOCH = datetime(1970, 1, 1)
_EPOCH_GAP = 2_082_844_800


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its four-character kind and where its payload lies (`start` to `end`, absolute)."""

    kind: bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        """Length of the payload in bytes."""
        return self.end - self.start


class Walk:
    """A walk over the boxes of one source, which ends once MAX_BOXES were seen whatever the file claims."""

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.left = MAX_BOXES

    def children(self, start: int, end: int, *, top: bool = False) -> Iterator[Box]:
        """The boxes between two offsets. Sizes beyond the end are cut to it; junk ends the walk.

        Size 0 means "to the end of the file" at the top level only; inside, it is QuickTime's list terminator.
        """
        end = min(end, self.source.size)
        while start + 8 <= end and self.left > 0:
            self.left -= 1
            box = self._box(start, end, top)
            if box is None:
                return
            yield box
            start = box.end

    def _box(self, start: int, end: int, top: bool) -> Box | None:
        head = self.source.read(start, 16)
        if len(head) < 8:
            return None
        size, header = int.from_bytes(head[:4], "big"), 8
        if size == 1 and len(head) == 16:
            size, header = int.from_bytes(head[8:16], "big"), 16
        elif size == 0 and top and _looks_like_kind(head[4:8]):
            size = end - start
        if size < header:
            return None
        return Box(head[4:8], start + header, min(start + size, end))

    def payload(self, box: Box, limit: int = MAX_PAYLOAD) -> bytes:
        """The payload's first bytes, at most `limit`."""
        return self.source.read(box.start, min(box.size, limit))

    def inside(self, box: Box, skip: int = 0) -> Iterator[Box]:
        """The boxes in a box, after `skip` bytes of its own fields."""
        return self.children(box.start + skip, box.end)

    def child(self, box: Box, *path: bytes) -> Box | None:
        """The first descendant along a path of kinds, or None."""
        for kind in path:
            found = next((b for b in self.inside(box) if b.kind == kind), None)
            if found is None:
                return None
            box = found
        return box


def _looks_like_kind(kind: bytes) -> bool:
    return all(32 <= byte < 127 or byte == 0xA9 for byte in kind)


def find_movie(walk: Walk) -> Box | None:
    """A `moov` box found by its signature in the file's first and last megabyte, for files whose box sizes are wrong."""
    size = walk.source.size
    for start in dict.fromkeys((max(0, size - MAX_PAYLOAD), 0)):
        data = walk.source.read(start, MAX_PAYLOAD)
        at = data.find(b"mvhd")
        if at >= 12 and data[at - 8 : at - 4] == b"moov":
            length = int.from_bytes(data[at - 12 : at - 8], "big")
            return Box(b"moov", start + at - 4, min(start + at - 12 + max(length, 116), size))
    return None


def open_movie(walk: Walk, box: Box) -> tuple[Walk, Box]:
    """The movie header in memory where it is small enough, unpacked where it is compressed (QuickTime `cmov`)."""
    if box.size > MAX_MOVIE:
        return walk, box
    inner = Walk(MemorySource(walk.source.read(box.start, box.size)))
    whole = Box(b"moov", 0, inner.source.size)
    packed = inner.child(whole, b"cmov", b"cmvd")
    if packed is None:
        return inner, whole
    unpacked = Walk(MemorySource(zlib.decompressobj().decompress(inner.payload(packed, MAX_MOVIE)[4:], MAX_MOVIE)))
    movie = next((b for b in unpacked.children(0, unpacked.source.size) if b.kind == b"moov"), None)
    return (unpacked, movie) if movie else (inner, whole)


def clock(value: int) -> datetime | None:
    """A QuickTime clock (seconds since 1904) as naive UTC, or None where it is unset or impossible.

    Some writers count from 1970 by mistake: a value whose year is sensible only that way is taken so.
    """
    if not 0 < value < 1 << 33:
        return None
    for epoch, first in ((_MAC_EPOCH, 1990), (_UNIX_EPOCH, 1990), (_MAC_EPOCH, 1971)):
        moment = epoch + timedelta(seconds=value)
        if first <= moment.year < 2036:
            return None if value == _EPOCH_GAP else moment
    return None


def full_box_times(payload: bytes) -> tuple[int, int, int] | None:
    """Creation clock, time scale and duration (in units of it) of an `mvhd` or `mdhd` payload, version 0 or 1."""
    if len(payload) >= 32 and payload[0] == 1:
        created, _, scale, duration = struct.unpack_from(">QQIQ", payload, 4)
        return created, scale, 0 if duration == (1 << 64) - 1 else duration
    if len(payload) >= 20 and payload[0] != 1:
        created, _, scale, duration = struct.unpack_from(">IIII", payload, 4)
        return created, scale, 0 if duration == 0xFFFFFFFF else duration
    return None
