"""Every video among the samples, against the truth file that stands beside them."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from catalog.domain.capture_time import choose, format_offset
from catalog.domain.filetypes import recognise
from catalog.media.clips.reader import read_clip
from catalog.media.findings import Findings
from catalog.media.source import FileSource

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
VIDEO = (".mov", ".mp4", ".3gp", ".mpg", ".avi", ".mts", ".mkv", ".wmv")


def _truth() -> dict[str, dict[str, Any]]:
    file = SAMPLES / "truth.json"
    if not file.is_file():
        return {}
    return {k: v for k, v in json.loads(file.read_text()).items() if k.lower().endswith(VIDEO)}


TRUTH = _truth()
pytestmark = pytest.mark.skipif(not TRUTH, reason=f"no sample media at {SAMPLES}")


def _read(name: str) -> tuple[Findings, str]:
    path = SAMPLES / name
    descriptor = os.open(path, os.O_RDONLY)
    try:
        source = FileSource(descriptor, os.fstat(descriptor).st_size)
        filetype = recognise(source.read(0, 4096), path.name)
        assert filetype is not None
        findings = Findings()
        read_clip(source, filetype, str(path), findings)
        return findings, filetype.mime
    finally:
        os.close(descriptor)


def test_the_samples_hold_videos() -> None:
    assert len(TRUTH) >= 7


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_a_sample_video_yields_what_its_truth_says(name: str) -> None:
    truth = TRUTH[name]
    found, mime = _read(name)
    assert mime == truth["mime"]
    taken, _ = choose(found.dates, datetime(2026, 1, 1))
    assert (taken.wall.isoformat() if taken else None) == truth.get("taken")
    if taken:
        chosen = next(c for c in found.dates if c.wall == taken.wall and c.source == taken.source)
        offset = (
            "Z" if chosen.is_utc else chosen.offset_minutes and format_offset(chosen.offset_minutes)
        )
        assert offset == truth.get("off")
    if "lat" in truth:
        assert found.position is not None
        assert abs(found.position.lat - truth["lat"]) <= 1e-4
        assert abs(found.position.lon - truth["lon"]) <= 1e-4
    else:
        assert found.position is None
    for field, key in (
        ("make", "make"),
        ("model", "model"),
        ("width", "w"),
        ("height", "h"),
        ("video_codec", "codec"),
        ("live_id", "live_id"),
    ):
        assert found.get(field) == truth.get(key), field
    if "dur" in truth:
        assert found.get("duration") == pytest.approx(truth["dur"], rel=0.02)


def test_the_panasonic_movie_is_marked_as_a_doubtful_utc_clock() -> None:
    found, _ = _read("thorsted/P1000244.MOV")
    assert [d.utc_doubtful for d in found.dates] == [True]


def test_no_clock_of_a_phone_or_a_computer_is_doubted() -> None:
    for name in (
        "drewnoakes/xmp480qt.mov",
        "sindresorhus/fixture.mov",
        "sindresorhus/fixture2.3gp",
    ):
        assert not any(d.utc_doubtful for d in _read(name)[0].dates), name
