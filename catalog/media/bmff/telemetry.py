"""Tracks of timed metadata by which cameras state clock and position: of each, the first sample;
and where satellites were not seen by then, the first of some later ones that knows them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from catalog.media.bmff.boxes import Walk
from catalog.media.bmff.djmd import read_djmd
from catalog.media.bmff.gpmf import read_gpmf
from catalog.media.bmff.rtmd import read_rtmd
from catalog.media.bmff.samples import Sample
from catalog.media.bmff.tags import Movie
from catalog.media.bmff.tracks import Track
from catalog.media.dji_captions import read_dji_captions
from catalog.media.findings import Findings
from catalog.media.source import ByteSource, Hole

_MAX_BYTES = 1 << 17
"""Of one sample: GoPro's holds a second, in some 30 KB; others a frame."""
_MOST_TRACKS = 4


def read_telemetry(walk: Walk, tracks: list[Track], movie: Movie) -> None:
    """Add what they state, unless what is known already is as much."""
    findings = movie.findings
    wanted = [track for track in tracks if track.samples]
    for track in wanted[:_MOST_TRACKS]:
        if track.codec == "gpmd":
            movie.classic = True  # who writes it sets the clock of its movies to local time
        if findings.position and any(d.offset_minutes is not None for d in findings.dates):
            continue
        try:
            _read_track(walk.source, track, findings)
        except Exception as error:  # a damaged track must not cost the others
            findings.notes.append(f"telemetry not read: {error}")


def _read_track(source: ByteSource, track: Track, findings: Findings) -> None:
    """Satellites may be seen only later: then position and clock are those of the first of some
    later samples that has them.
    """
    first, *later = track.samples
    found = _read_sample(source.read(first.offset, min(first.size, _MAX_BYTES)), track)
    findings.notes += found.notes
    for name, value in found.values.items():
        findings.add(name, value, found.sources[name])
    for date in found.dates:
        findings.add_date(date)
    seconds = 0.0
    if found.position is None:
        for sample, data in zip(later, _read_together(source, later), strict=True):
            found, seconds = _read_sample(data, track), sample.seconds
            if found.position is not None:
                break
    if found.position is None:
        return
    for date in found.dates:
        if date.source == "gps":
            wall = date.wall - timedelta(seconds=seconds)
            findings.add_date(replace(date, wall=wall))
    if findings.position is None:
        findings.position = found.position
        findings.sources["location"] = found.sources["location"]


def _read_sample(data: bytes, track: Track) -> Findings:
    found = Findings()
    _READERS[track.codec](data, found)
    return found


def _read_together(source: ByteSource, samples: Sequence[Sample]) -> list[bytes]:
    """The bytes of samples; of a file that is fetched in part, what is not there of all of them is
    asked for at once.
    """
    read: list[bytes] = []
    hole: Hole | None = None
    for sample in samples:
        try:
            read.append(source.read(sample.offset, min(sample.size, _MAX_BYTES)))
        except Hole as missing:
            hole = missing
    if hole is not None:
        raise hole
    return read


def _read_caption(sample: bytes, findings: Findings) -> None:
    """A text with its length before it (two bytes), and boxes of its style behind it."""
    read_dji_captions(sample[2 : 2 + int.from_bytes(sample[:2], "big")], findings)


_READERS: dict[str, Callable[[bytes, Findings], object]] = {
    "gpmd": read_gpmf,
    "djmd": read_djmd,
    "rtmd": read_rtmd,
    "captions": _read_caption,
}
