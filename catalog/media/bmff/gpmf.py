"""GoPro's telemetry (GPMF): the satellites' clock, in UTC, and the position at the first second.

Key, type, size and count of each entry, then its values, big-endian and padded to four bytes; type
0 holds further entries. HERO5 to HERO10 write GPS5 beside GPSU and GPSF, HERO11 and later GPS9.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.domain.capture_time import DateCandidate, parse_date
from catalog.media.findings import Findings

_MOST_ENTRIES = 5000
_EPOCH_OF_GPS9 = datetime(2000, 1, 1)
_LOCKED = 2
"""The fix (GPSF) from which a position is one in two dimensions."""


@dataclass(slots=True)
class _Stream:
    """What one stream says of position and time; `fix` is 0 without satellites."""

    scale: tuple[int, ...] = ()
    fix: int | None = None
    clock: datetime | None = None
    first: bytes = b""
    key: bytes = b""


def read_gpmf(sample: bytes, findings: Findings) -> None:
    """Add clock and position of the first sample of a track, where satellites were seen."""
    for stream in _streams(sample):
        if stream.key == b"GPS9" and len(stream.first) >= 32 and len(stream.scale) >= 9:
            values = struct.unpack(">7i2H", stream.first[:32])
            days, seconds = values[5] / stream.scale[5], values[6] / stream.scale[6]
            stream.fix = values[8]
            if 0 < days < 1e5 and 0 <= seconds < 86_401:
                stream.clock = _EPOCH_OF_GPS9 + timedelta(days=int(days), seconds=round(seconds, 3))
        elif stream.key != b"GPS5" or len(stream.first) < 20 or len(stream.scale) < 3:
            continue
        if stream.fix is None or stream.fix < _LOCKED:
            continue
        if stream.clock is not None:
            findings.add_date(DateCandidate("gps", stream.clock, is_utc=True))
        place = struct.unpack(">3i", stream.first[:12])
        latitude, longitude, altitude = (n / s for n, s in zip(place, stream.scale, strict=False))
        findings.add_position(latitude, longitude, round(altitude, 3), "gpmf")
        return


def _streams(sample: bytes) -> Iterator[_Stream]:
    for key, _kind, _size, device in _entries(sample):
        if key == b"DEVC":
            for inner, _k, _s, body in _entries(device):
                if inner == b"STRM":
                    yield _read_stream(body)


def _read_stream(body: bytes) -> _Stream:
    stream = _Stream()
    for key, kind, size, value in _entries(body):
        if key == b"SCAL" and kind in (b"l", b"s") and len(value) >= size:
            width = 4 if kind == b"l" else 2
            count = len(value) // width
            numbers = struct.unpack(f">{count}{'i' if width == 4 else 'h'}", value[: count * width])
            stream.scale = tuple(n or 1 for n in numbers)
        elif key == b"GPSF" and len(value) >= 4:
            stream.fix = int.from_bytes(value[:4], "big")
        elif key == b"GPSU":
            text = value[:16].decode("latin-1").strip("\0 ")
            parsed = parse_date(f"20{text[:6]} {text[6:]}")
            stream.clock = parsed.wall if parsed and parsed.has_time else None
        elif key in (b"GPS5", b"GPS9"):
            stream.key, stream.first = key, value[:size]
    return stream


def _entries(data: bytes) -> Iterator[tuple[bytes, bytes, int, bytes]]:
    """Key, type, bytes of one value, and the values, of each entry."""
    at = 0
    for _ in range(_MOST_ENTRIES):
        if at + 8 > len(data):
            return
        key, kind, size = data[at : at + 4], data[at + 4 : at + 5], data[at + 5]
        length = size * int.from_bytes(data[at + 6 : at + 8], "big")
        yield key, kind, size, data[at + 8 : at + 8 + length]
        at += 8 + (length + 3) // 4 * 4
