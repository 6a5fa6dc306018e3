"""The subtitles that DJI's drones write beside a film: a cue a second, or a frame, with the clock
of the drone or its phone, the position, and the camera's settings.

There is no specification: the forms are those that models from the Phantom 3 on have written.

    HOME(149.0251,-20.2532) 2017.08.05 14:11:51    2019-09-25 01:22:35,118,697
    GPS(149.0251,-20.2533,16) BAROMETER:1.9        [iso : 100] [latitude: 36.0] [longtitude: -75.7]

In `GPS(...)` the longitude comes first, and what comes third is an altitude or the number of
satellites: it is not read.
"""

from __future__ import annotations

import re

from catalog.domain.capture_time import parse_date
from catalog.media.findings import Findings

_HEAD = 256 * 1024
"""Bytes that are read: some hundred cues, within which the satellites are found or never."""
_CUE = re.compile(r"\ufeff?\s*\d+\s*\n\s*\d+:\d\d:\d\d[,.]\d+\s*-->\s*\d+:\d\d:\d\d[,.]\d+.*\n")
_TELEMETRY = re.compile(
    r"\[(?:iso|latitude)\s*:|\bDiffTime\s*:|\b(?:HOME|GPS)\s*\(\s*-?\d|\bF/[\d.]+, SS [\d.]+"
)
_CLOCK = re.compile(r"\b\d{4}([-.])\d{1,2}\1\d{1,2} \d\d:\d\d:\d\d(?:[.,]\d{3})?")
_DEGREES = r"\s*([-+]?\d+(?:\.\d+)?)\s*"
_NAMED = re.compile(rf"\[latitude\s*:{_DEGREES}\]\s*\[long?t?itude\s*:{_DEGREES}\]")
_ALTITUDE = re.compile(rf"\babs_alt:{_DEGREES}\]")
_PAIR = re.compile(rf"\bGPS\s*\({_DEGREES},{_DEGREES}[,)]")


def read_flight_subtitles(document: bytes, findings: Findings) -> bool:
    """Add when and where the film began; whether the bytes are such subtitles, and not those of
    what is said in a film.
    """
    text = document[:_HEAD].decode("utf-8", "replace").replace("\r\n", "\n")
    first = _CUE.match(text)
    if not first or not _TELEMETRY.search(text[first.end() :].partition("\n\n")[0]):
        return False
    clock = _CLOCK.search(text)
    if clock and (parsed := parse_date(clock[0])):
        findings.add_date(parsed.as_candidate("srt:DateTime"))
    _add_position(text, findings)
    return True


def _add_position(text: str, findings: Findings) -> None:
    """The first one that the satellites gave: until then it is 0, 0."""
    for match in _NAMED.finditer(text):
        latitude, longitude = float(match[1]), float(match[2])
        if latitude or longitude:
            altitude = _ALTITUDE.search(text[match.end() :].partition("\n\n")[0])
            findings.add_position(
                latitude, longitude, float(altitude[1]) if altitude else None, "srt"
            )
            return
    for match in _PAIR.finditer(text):
        longitude, latitude = float(match[1]), float(match[2])
        if latitude or longitude:
            findings.add_position(latitude, longitude, None, "srt")
            return
