"""Every still picture among the samples, against the truth file that stands beside them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from still_makers import read_typed

from catalog.domain.capture_time import choose, format_offset

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


@pytest.mark.parametrize("name", sorted(TRUTH) or ["none"])
def test_a_sample_gives_what_its_truth_says(name: str) -> None:
    truth, found = TRUTH[name], _found(name)
    for key in ("make", "model", "live_id", "taken", "off", "orient", "mime"):
        assert found[key] == truth.get(key), key
    if "modify" in truth:
        assert found["modify"] == truth["modify"]
    for key in ("lat", "lon"):
        assert found[key] == (pytest.approx(truth[key], abs=1e-4) if key in truth else None), key
    for key in ("w", "h"):
        accepted = {truth[key], truth.get(f"{key}2", truth[key])}
        assert min(abs(found[key] - size) for size in accepted) <= TOLERANT.get(name, 0), key
