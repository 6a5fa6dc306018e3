"""Every still picture among the samples, against the truth file that stands beside them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from still_makers import read_typed

from catalog.domain.capture_time import choose, format_offset
from catalog.domain.geo import Position
from catalog.media.zones import zone_of

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
TOLERANT = {"drewnoakes/Issue 247-1.nef": 1}
"""Pixels by which a size may differ: the truth says 1999 where the frame header and
EXIF say 2000.
"""


def _truth() -> dict[str, dict[str, Any]]:
    file = SAMPLES / "truth.json"
    stills = json.loads(file.read_text()) if file.is_file() else {}
    return {name: facts for name, facts in stills.items() if facts["mime"].startswith("image/")}


TRUTH = _truth()
pytestmark = pytest.mark.skipif(not TRUTH, reason=f"no sample media at {SAMPLES}")


def _found(name: str) -> dict[str, Any]:
    findings, filetype = read_typed((SAMPLES / name).read_bytes(), name)
    facts: dict[str, Any] = {k: findings.get(k) for k in ("make", "model", "live_id")}
    width, height = findings.get("width"), findings.get("height")
    if not findings.displayed and findings.get("orientation", 1) >= 5:
        width, height = height, width
    captured, _ = choose(findings.dates, datetime.now(UTC).replace(tzinfo=None))
    kind = "modify" if captured and captured.source == "exif:DateTime" else "taken"
    facts |= {"taken": None, "off": None, "modify": None, "lat": None, "lon": None}
    if captured:
        facts[kind] = captured.wall.isoformat(timespec="seconds")
        facts["off"] = (
            None if captured.offset_minutes is None else format_offset(captured.offset_minutes)
        )
    if findings.position:
        facts |= {"lat": findings.position.lat, "lon": findings.position.lon}
    return facts | {
        "w": width,
        "h": height,
        "orient": findings.get("orientation"),
        "mime": filetype.mime,
    }


def _offset_by_place(found: dict[str, Any]) -> str | None:
    """What the clocks at the position showed: an offset that the truth, which knows what tags
    state, does not have.
    """
    zone = found["lat"] is not None and zone_of(Position(found["lat"], found["lon"]))
    if not zone:
        return None
    wall = datetime.fromisoformat(found["taken"]).replace(tzinfo=ZoneInfo(zone))
    offset = wall.utcoffset()
    return None if offset is None else format_offset(round(offset.total_seconds() / 60))


@pytest.mark.parametrize("name", sorted(TRUTH) or ["none"])
def test_a_sample_gives_what_its_truth_says(name: str) -> None:
    truth, found = TRUTH[name], _found(name)
    for key in ("make", "model", "live_id", "taken", "orient", "mime"):
        assert found[key] == truth.get(key), key
    assert found["off"] == truth.get("off") or found["off"] == _offset_by_place(found), "off"
    if "modify" in truth:
        assert found["modify"] == truth["modify"]
    for key in ("lat", "lon"):
        assert found[key] == (pytest.approx(truth[key], abs=1e-4) if key in truth else None), key
    for key in ("w", "h"):
        accepted = {truth[key], truth.get(f"{key}2", truth[key])}
        assert min(abs(found[key] - size) for size in accepted) <= TOLERANT.get(name, 0), key
