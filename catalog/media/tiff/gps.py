"""The GPS directory of EXIF (CIPA DC-008 section 4.6.6): position,
altitude and the satellites' clock.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta

from catalog.domain.capture_time import DateCandidate, parse_date
from catalog.media.findings import Findings
from catalog.media.tiff.ifd import Ifd, Number

GPS_TAGS = frozenset((1, 2, 3, 4, 5, 6, 7, 29))
_PART = re.compile(r"""[^\s,;:\xb0'"]+""")
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d*)?)(?:/(\d+))?[NSEW]?", re.ASCII | re.IGNORECASE)


def read_gps(gps: Ifd, findings: Findings) -> None:
    """Add the position and the UTC clock of a GPS directory;
    an empty or unset one leaves at most a note.
    """
    if 2 in gps or 4 in gps:
        lat, lon = _signed(gps, 2, 1, "S"), _signed(gps, 4, 3, "W")
        if lat is None and lon is None:
            findings.notes.append("exif position rejected: empty or undefined coordinates")
        else:
            findings.add_position(lat, lon, _altitude(gps), "exif")
    _add_clock(gps, findings)


def _signed(gps: Ifd, tag: int, ref_tag: int, negative: str) -> float | None:
    degrees = to_degrees(_components(gps, tag))
    if degrees is None:
        return None
    ref = gps.text(ref_tag).lstrip()[:1].upper()
    if ref:
        degrees = abs(degrees)
    return -degrees if ref == negative else degrees


def _components(gps: Ifd, tag: int) -> list[Number]:
    numbers = gps.numbers(tag, 3)
    data = gps.raw(tag, 64) if len(numbers) != 3 or numbers[0] > 180 else b""
    if data and (not numbers or all(c in b"0123456789./,+- \0" for c in data)):
        return _from_text(data.decode("latin-1").replace("\0", " "))
    return numbers


def _from_text(text: str) -> list[Number]:
    """The numbers of a text; a part that is none voids the whole."""
    found: list[Number] = []
    for part in [p for p in _PART.findall(text) if p.lower() != "deg"][:3]:
        match = _NUMBER.fullmatch(part)
        if not match or (match[2] and not int(match[2])):
            return [math.nan]
        found.append(float(match[1]) / int(match[2] or 1))
    return found


def to_degrees(parts: list[Number]) -> float | None:
    """Degrees from one to three numbers (degrees, minutes, seconds), to 8 decimals;
    None where one is undefined.
    """
    if not parts or not all(math.isfinite(p) for p in parts):
        return None
    degrees, minutes, seconds = [float(p) for p in parts] + [0.0] * (3 - len(parts))
    size = abs(degrees) + abs(minutes) / 60 + abs(seconds) / 3600
    return round(-size if degrees < 0 else size, 8)


def _altitude(gps: Ifd) -> float | None:
    metres = gps.number(6)
    if metres is None:
        return None
    below = gps.raw(5, 1) in (b"\1", b"1")
    return round(-abs(float(metres)) if below else float(metres), 3)


def _add_clock(gps: Ifd, findings: Findings) -> None:
    parsed = parse_date(gps.raw(29, 32).decode("latin-1")) if 29 in gps else None
    clock = gps.numbers(7, 3) if 7 in gps else []
    if (
        parsed is None
        or len(clock) != 3
        or not all(math.isfinite(c) and 0 <= c <= 60 for c in clock)
        or clock[0] > 24
    ):
        return
    midnight = parsed[0].replace(hour=0, minute=0, second=0, microsecond=0)
    wall = midnight + timedelta(
        hours=float(clock[0]), minutes=float(clock[1]), seconds=round(float(clock[2]), 3)
    )
    findings.add_date(DateCandidate("gps", wall, is_utc=True))
