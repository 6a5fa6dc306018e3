"""Tracks of timed metadata by which cameras state clock and position: of each, the first sample."""

from __future__ import annotations

from collections.abc import Callable

from catalog.media.bmff.boxes import Walk
from catalog.media.bmff.djmd import read_djmd
from catalog.media.bmff.gpmf import read_gpmf
from catalog.media.bmff.rtmd import read_rtmd
from catalog.media.bmff.tags import Movie
from catalog.media.bmff.tracks import Track
from catalog.media.dji_captions import read_dji_captions
from catalog.media.findings import Findings

_MAX_BYTES = 1 << 17
"""Of one sample: GoPro's holds a second, in some 30 KB; others a frame."""
_MOST_TRACKS = 4


def read_telemetry(walk: Walk, tracks: list[Track], movie: Movie) -> None:
    """Add what they state, unless what is known already is as much."""
    findings = movie.findings
    wanted = [track for track in tracks if track.first_sample[1]]
    for track in wanted[:_MOST_TRACKS]:
        if track.codec == "gpmd":
            movie.classic = True  # who writes it sets the clock of its movies to local time
        if findings.position and any(d.offset_minutes is not None for d in findings.dates):
            continue
        offset, size = track.first_sample
        try:
            sample = walk.source.read(offset, min(size, _MAX_BYTES))
            _READERS[track.codec](sample, findings)
        except Exception as error:  # a damaged track must not cost the others
            findings.notes.append(f"telemetry not read: {error}")


def _read_caption(sample: bytes, findings: Findings) -> None:
    """A text with its length before it (two bytes), and boxes of its style behind it."""
    read_dji_captions(sample[2 : 2 + int.from_bytes(sample[:2], "big")], findings)


_READERS: dict[str, Callable[[bytes, Findings], object]] = {
    "gpmd": read_gpmf,
    "djmd": read_djmd,
    "rtmd": read_rtmd,
    "captions": _read_caption,
}
