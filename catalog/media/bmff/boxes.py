"""The one walker over boxes (ISO/IEC 14496-12 section 4.2).

MP4, QuickTime, HEIF, AVIF, CR3, JPEG 2000 and JPEG XL are made of them; every reader and writer of
such files walks with it. It never loads media data, and it ends whatever a file claims: each step
goes at least eight bytes forward, no box reaches past the one that holds it, and the boxes of one
file are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from catalog.media.source import ByteSource

MAX_BOXES = 60_000
"""Boxes looked at in one file, at all levels; real files stay far below."""
MAX_PAYLOAD = 1 << 20
"""Bytes of a payload that are read at once, unless its reader sets another limit."""


class Box(NamedTuple):
    """One box: its four-character kind, and the offsets where its payload begins and ends."""

    kind: bytes
    start: int
    end: int

    @property
    def size(self) -> int:
        """Length of the payload in bytes."""
        return self.end - self.start


class Walk:
    """A walk over the boxes of one source. `left` is how many more will be looked at."""

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.left = MAX_BOXES

    def top(self) -> Iterator[Box]:
        """The boxes of the file itself. Here alone a size of 0 means "to the end of the file"."""
        return self._between(0, self.source.size, open_end=True)

    def inside(self, box: Box, skip: int = 0) -> Iterator[Box]:
        """The boxes in a box, after `skip` bytes of its own fields.

        A size of 0 ends them, as QuickTime ends a list.
        """
        return self._between(box.start + skip, box.end, open_end=False)

    def child(self, box: Box, *path: bytes) -> Box | None:
        """The first descendant along a path of kinds, or None."""
        for kind in path:
            found = next((b for b in self.inside(box) if b.kind == kind), None)
            if found is None:
                return None
            box = found
        return box

    def payload(self, box: Box, limit: int = MAX_PAYLOAD) -> bytes:
        """The payload's first bytes, at most `limit`."""
        return self.source.read(box.start, min(box.size, limit))

    def _between(self, start: int, end: int, *, open_end: bool) -> Iterator[Box]:
        """The boxes side by side. One that runs past the end is cut to it; junk ends the walk."""
        end = min(end, self.source.size)
        while start + 8 <= end and self.left > 0:
            self.left -= 1
            head = self.source.read(start, 16)
            size, header = int.from_bytes(head[:4], "big"), 8
            if size == 1 and len(head) == 16:
                size, header = int.from_bytes(head[8:], "big"), 16
            elif size == 0 and open_end and _looks_like_kind(head[4:8]):
                size = end - start
            if size < header or len(head) < 8:
                return
            following = min(start + size, end)
            yield Box(head[4:8], start + header, following)
            start = following


def _looks_like_kind(kind: bytes) -> bool:
    return all(32 <= byte < 127 or byte == 0xA9 for byte in kind)
