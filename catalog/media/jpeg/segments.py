"""The one walker over the segments of a JPEG (ITU-T T.81 annex B).

Readers, the hash of the picture and writers share it. It looks at each marker and skips the
payload, which is read only for those who ask. It ends whatever a file claims: each step goes
forward, and steps as well as searches behind damage are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from catalog.media.source import ByteSource, MemorySource

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
"""Second bytes of the markers that begin and end a picture, and of the one that begins a scan."""
APP0, APP1, APP2, APP12, APP13, APP15, COM = 0xE0, 0xE1, 0xE2, 0xEC, 0xED, 0xEF, 0xFE
FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))
"""Markers of frame headers, which state the size."""
MAX_STEPS = 2000
"""Markers, with the fill bytes before them, that are looked at in one file."""
MAX_MENDED = 32
"""Damages behind which a segment is looked for."""

_BARE = frozenset((0x01, *range(0xD0, SOI + 1)))
_LONG = frozenset(range(0xC0, 0xFF)) - _BARE - {EOI}
_CHUNK = 65536
_AHEAD = 8192
_SEGMENT = re.compile(rb"\xff[\xc0-\xcf\xdb-\xfe]")


Segment = tuple[int, int, int]
"""The second byte of a segment's marker, and the offsets where marker and payload begin and end."""


class Segments:
    """The segments of one JPEG, up to the header of its first scan (SOS) as the last.

    One that runs past the end of the file is given with the end that it claims. Damage ends the
    walk; with `mend` it goes on at the next place that looks like a segment. `is_broken` says
    afterwards whether there was damage; a file that just ends between two segments has none.
    """

    def __init__(self, source: ByteSource, *, mend: bool = False) -> None:
        self.is_broken = False
        self._source = source
        self._read = (source if isinstance(source, MemorySource) else _ReadAhead(source)).read
        self._mend = mend

    def payload(self, segment: Segment) -> bytes:
        """What a segment holds behind its length; less where the file is cut short."""
        _, start, end = segment
        return self._read(start + 4, end - start - 4)

    def __iter__(self) -> Iterator[Segment]:
        read, at, mended = self._read, 2, 0
        for _ in range(MAX_STEPS):
            head = read(at, 4)
            marker = head[1] if head[:1] == b"\xff" and len(head) > 1 else 0
            length = head[2] << 8 | head[3] if len(head) == 4 else 0
            if marker in _LONG and length >= 2:
                yield marker, at, at + 2 + length
                if marker == SOS:
                    return
                at += 2 + length
            elif marker == 0xFF or marker in _BARE:
                at += 1 if marker == 0xFF else 2
            elif marker == EOI:
                return
            else:
                at, mended = self._behind_damage(at, mended), mended + 1
                if at < 0:
                    return

    def _behind_damage(self, at: int, mended: int) -> int:
        """The next place within 32 kB that looks like a segment; -1 if none does, or is wanted."""
        self.is_broken = self.is_broken or at != self._source.size
        ahead = self._read(at, _CHUNK // 2) if self._mend and mended < MAX_MENDED else b""
        for match in _SEGMENT.finditer(ahead):
            length = int.from_bytes(ahead[match.start() + 2 : match.start() + 4], "big")
            following = at + match.start() + 2 + length
            if length >= 2 and self._source.read(following, 1) == b"\xff":
                return at + match.start()
        return -1


class _ReadAhead:
    """A source seen through a chunk read ahead, since segments are small and many.

    Later chunks are small: what follows may have to be fetched from far away.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._start = 0
        self._chunk = source.read(0, _CHUNK)

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`."""
        at = offset - self._start
        if at < 0 or at + length > len(self._chunk):
            if length > _CHUNK // 2:
                return self._source.read(offset, length)
            self._start, at = offset, 0
            self._chunk = self._source.read(offset, max(length, _AHEAD))
        return self._chunk[at : at + length]
