"""Sony's telemetry (`rtmd`), of which there is one sample a frame: the camera's clock, and what its
receiver of satellites told, by the tags of EXIF's GPS directory from 0x8500 on.

A header whose length comes first; then of each item tag and length (two bytes each, big-endian) and
value. What the items of a set are led by is passed over, and 0x8300 holds further items.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from catalog.domain.capture_time import DateCandidate, parse_date
from catalog.media.findings import Findings

_MOST_ITEMS = 500
_LABEL, _LABEL_BYTES = 0x060E, 16
"""The first bytes of a universal label (SMPTE ST 298), which has no length before it."""
_SET = 0x8300
_NORTH_SOUTH, _LATITUDE, _EAST_WEST, _LONGITUDE = 0x8501, 0x8502, 0x8503, 0x8504
_BELOW_SEA, _ALTITUDE = 0x8505, 0x8506
_TIME, _STATUS, _DATE = 0x8507, 0x8509, 0x851D
_CLOCK = 0xE304
"""A byte of its own, then year, month, day, hour, minute, second in decimal digits of four bits."""


def read_rtmd(sample: bytes, findings: Findings) -> None:
    """Add the local clock of the first sample, and position and clock of the satellites, where
    they were seen.
    """
    items = dict(_items(sample))
    digits = items.get(_CLOCK, b"")[1:8].hex()
    if len(digits) == 14 and (local := parse_date(f"{digits[:8]} {digits[8:]}")):
        findings.add("make", "Sony", "rtmd")
        findings.add_date(local.as_candidate("quicktime:DateTimeOriginal"))
    if items.get(_STATUS, b"A")[:1] != b"A":
        return
    latitude = _degrees(items, _LATITUDE, _NORTH_SOUTH, b"S")
    longitude = _degrees(items, _LONGITUDE, _EAST_WEST, b"W")
    if latitude is None or longitude is None:
        return
    altitude = _ratios(items.get(_ALTITUDE, b""), 1)
    below = items.get(_BELOW_SEA) == b"\1"
    findings.add_position(
        latitude, longitude, (-altitude[0] if below else altitude[0]) if altitude else None, "rtmd"
    )
    clock = _ratios(items.get(_TIME, b""), 3)
    if clock:
        day = items.get(_DATE, b"").decode("latin-1").strip("\0 ")
        parsed = parse_date(f"{day} {int(clock[0]):02d}:{int(clock[1]):02d}:{clock[2]:06.3f}")
        if parsed and parsed.has_time:
            findings.add_date(DateCandidate("gps", parsed.wall, is_utc=True))


def _degrees(items: dict[int, bytes], tag: int, reference: int, negative: bytes) -> float | None:
    parts = _ratios(items.get(tag, b""), 3)
    if parts is None or not items.get(reference, b"").strip(b"\0"):
        return None
    value = parts[0] + parts[1] / 60 + parts[2] / 3600
    return -value if items[reference][:1] == negative else value


def _ratios(data: bytes, count: int) -> list[float] | None:
    """Fractions of two numbers each; None where one has no value."""
    if len(data) < 8 * count:
        return None
    numbers = struct.unpack_from(f">{2 * count}I", data)
    if not all(numbers[1::2]):
        return None
    return [n / d for n, d in zip(numbers[::2], numbers[1::2], strict=True)]


def _items(sample: bytes) -> Iterator[tuple[int, bytes]]:
    at = int.from_bytes(sample[:2], "big")
    for _ in range(_MOST_ITEMS):
        if at + 4 > len(sample):
            return
        tag, length = struct.unpack_from(">HH", sample, at)
        if tag == 0:
            return
        if tag == _LABEL:
            at += _LABEL_BYTES
            continue
        at += 4
        if tag == _SET:
            continue
        yield tag, sample[at : at + length]
        at += length
