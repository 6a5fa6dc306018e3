"""What DJI's drones write as subtitles, into films and beside them (SRT): position, and the local
time of the remote control, in the several forms of their models.
"""

from __future__ import annotations

import re

from catalog.domain.capture_time import parse_date
from catalog.media.findings import Findings

SEARCHED = 1 << 16
"""Bytes; a caption has some hundred, and there is one a second or one a frame."""
_NUMBER = r"\s*([-+]?\d{1,3}(?:\.\d+)?)\s*"
_MARK = re.compile(r"\b(?:FrameCnt|SrtCnt|DiffTime) ?:|\b(?:HOME|GPS) ?\(\s*[-+]?\d|\[latitude ?:")
_NAMED = re.compile(rf"\[latitude ?:{_NUMBER}\] ?\[long(?:i|ti)tude ?:{_NUMBER}\]")
_IN_BRACKETS = re.compile(rf"\bGPS ?\({_NUMBER},{_NUMBER},")
"""Longitude first, then latitude; what comes third is a height, or a number of satellites."""
_HEIGHT = re.compile(r"(?:\babs_alt|\[altitude) ?:\s*([-+]?\d+(?:\.\d+)?)")
_CLOCK = re.compile(r"\b\d{4}[-./]\d\d?[-./]\d\d? +\d\d?:\d\d:\d\d(?:[.,]\d{1,3})?")


def read_dji_captions(
    captions: bytes, findings: Findings, source: str = "quicktime:DateTimeOriginal"
) -> bool:
    """Add the first time, as that of a `source`, and the first position; whether these are captions
    of DJI's, which the first of them tells.
    """
    text = captions[:SEARCHED].decode("utf-8", "replace").replace("\r\n", "\n").lstrip()
    if not _MARK.search(text.partition("\n\n")[0]):
        return False
    findings.add("make", "DJI", "captions")
    if (clock := _CLOCK.search(text)) and (parsed := parse_date(clock[0])):
        findings.add_date(parsed.as_candidate(source))
    for latitude, longitude, at in _positions(text):
        if latitude or longitude:  # zeros until satellites are seen
            end = text.find("\n\n", at)
            height = _HEIGHT.search(text, at, end if end > 0 else len(text))
            altitude = float(height[1]) if height else None
            findings.add_position(latitude, longitude, altitude, "captions")
            break
    return True


def _positions(text: str) -> list[tuple[float, float, int]]:
    """Latitude, longitude, and where in the text they stand."""
    named = [(float(m[1]), float(m[2]), m.start()) for m in _NAMED.finditer(text)]
    return named or [(float(m[2]), float(m[1]), m.start()) for m in _IN_BRACKETS.finditer(text)]
