"""What `reingest` proposes for a video: leave it, hand it over as it is, or convert it; decided from facts alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from catalog.domain.video import Clip, Needs, needs, problem_of
from catalog.features.reingest.images.plan import CONVERT, MOVE, SKIP, Decision, Rules, Shot, date_of, why_not_offered

FIRST_YEAR = 2000
"""Earlier films were digitised later: their dates are not those of a phone, and a person decides."""
FIT = "fully compatible already"
NOTHING = Needs()
_IN_FILE = "quicktime:"
"""How the sources of dates begin that a film in a MOV or MP4 file states itself; any other is written into a new file."""
_IN_ITSELF = (_IN_FILE, "riff:", "avchd:", "matroska:", "asf:", "flv:", "exif:", "maker:")
"""How the sources of dates begin that a film of any type states itself. XMP may lie beside it."""


@dataclass(frozen=True, slots=True)
class VideoDecision:
    """A decision, what must be converted (also where the video is skipped), and where its date comes from."""

    decision: Decision
    needs: Needs = NOTHING
    dated: str = ""


def decide_video(shot: Shot, rules: Rules, clip: Clip | None, problem: str = "") -> VideoDecision:
    """Whether a video is offered, and how. `problem` says why its streams are not known."""
    if shot.problem:
        return VideoDecision(Decision(SKIP, shot.problem))
    dated = date_of(shot)
    problem = problem or ("its streams are not known" if clip is None else problem_of(clip))
    wanted = NOTHING if clip is None or clip.pictures is None else needs(clip)
    reason = why_not_offered(shot, rules, dated.wall) or problem or (dated.reason if dated.action == SKIP else "")
    if not reason and dated.wall is not None and dated.wall.year < FIRST_YEAR:
        reason = f"taken in {dated.wall.year}, before {FIRST_YEAR}"
    if reason:
        decision = replace(dated, action=SKIP, reason=reason)
    elif wanted:
        decision = replace(dated, action=CONVERT, reason=f"convert: {wanted.reason}")
    elif not dated.source.startswith(_IN_FILE):
        decision = replace(dated, action=CONVERT, reason="convert: date")
    else:
        decision = replace(dated, action=MOVE, reason=FIT)
    return VideoDecision(decision, wanted, dated.reason)


def row_needs(clip: Clip, cells: Mapping[str, str]) -> Needs:
    """What is encoded anew: what the clip needs, and what a person wants besides by a 1 in the columns of the report."""
    wanted = needs(clip)
    return Needs(
        video=wanted.video or is_one(cells.get("video_codec_needed", "")),
        audio=wanted.audio or (bool(clip.sounds) and is_one(cells.get("audio_codec_needed", ""))),
        container=wanted.container,
    )


def is_one(text: str) -> bool:
    """Whether a person said yes in a cell."""
    return text.strip() in ("1", "1.0")


def is_copied_along(source: str) -> bool:
    """Whether a bare copy has a date from this source: it stands in the film, or is the time of the file."""
    return source == "mtime" or source.startswith(_IN_ITSELF)


def utc_text(wall: datetime | None, offset: int | None) -> str:
    """A date as films state it: UTC with `Z`; a wall clock whose offset is not known is left as it is, without."""
    if wall is None:
        return ""
    if offset is None:
        return wall.isoformat(timespec="microseconds")
    return f"{(wall - timedelta(minutes=offset)).isoformat(timespec='microseconds')}Z"
