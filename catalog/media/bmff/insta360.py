"""What Insta360's cameras write behind the last box of a film: records, each with its kind and
length at its own end, so that they are read from the last to the first.

At the very end are 32 characters by which it is known; before them the length of all of it.
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta

from catalog.domain.capture_time import DateCandidate
from catalog.media.findings import Findings
from catalog.media.source import ByteSource

_MARK = b"8db42d694ccc418790edff439fe026bf"
_TAIL = 78
_LENGTH_AT = 38
_MOST_RECORDS = 64
_DEVICE, _SATELLITES = 0x101, 0x700
_MODEL = 0x12
_FIX = struct.Struct("<IIHcdcdcddd")
"""Seconds since 1970, milliseconds, status, latitude and longitude with their directions, speed,
heading, altitude in metres.
"""
_MOST_FIXES = 2400
"""That are looked at: ten or less a second, so that they are of the film's first minutes."""
_NEAR_FIXES = 60
"""Up to here a fix is of the film's first minute, so that its clock is that of the film."""


def read_insta360(source: ByteSource, findings: Findings) -> None:
    """Add device, position and clock of the first fix; nothing of films of other cameras."""
    tail = source.read(source.size - _TAIL, _TAIL)
    if not tail.endswith(_MARK) or len(tail) < _TAIL:
        return
    findings.add("make", "Insta360", "insta360")
    begin = source.size - int.from_bytes(tail[_LENGTH_AT : _LENGTH_AT + 4], "little")
    end, head = source.size - _TAIL, tail[:6]
    for _ in range(_MOST_RECORDS):
        kind, length = struct.unpack("<HI", head)
        start = end - length
        if start < max(begin, 0):
            return
        if kind == _DEVICE:
            _read_device(source.read(start, min(length, 1024)), findings)
        elif kind == _SATELLITES:
            _read_fixes(source.read(start, min(length, _MOST_FIXES * _FIX.size)), findings)
        end = start - 6
        head = source.read(end, 6)
        if end < max(begin, 0) or len(head) < 6:
            return


def _read_device(record: bytes, findings: Findings) -> None:
    """Of texts, each with its kind and length before it."""
    at = 0
    while at + 2 <= len(record):
        kind, length = record[at], record[at + 1]
        if kind == _MODEL:
            text = record[at + 2 : at + 2 + length].decode("utf-8", "replace")
            findings.add("model", text, "insta360")
            return
        at += 2 + length


def _read_fixes(record: bytes, findings: Findings) -> None:
    for at in range(0, len(record) - _FIX.size + 1, _FIX.size):
        fix = _FIX.unpack_from(record, at)
        seconds, status, latitude, north, longitude, east, altitude = fix[0], *fix[3:8], fix[10]
        if status != b"A":
            continue
        if north not in b"NS" or east not in b"EWO":  # "O" is west in some languages
            return
        clock = datetime(1970, 1, 1) + timedelta(seconds=seconds)
        if at < _NEAR_FIXES * _FIX.size:
            findings.add_date(DateCandidate("gps", clock, is_utc=True))
        findings.add_position(
            -abs(latitude) if north == b"S" else latitude,
            longitude if east == b"E" else -abs(longitude),
            round(altitude, 3),
            "insta360",
        )
        return
