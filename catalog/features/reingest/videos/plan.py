"""What becomes of videos: left, handed over as they are, or converted; and which rows of their
report are done; from facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from catalog.domain.spreadsheets import Row
from catalog.domain.video import Clip, ConversionNeeds, needs, problem_of
from catalog.features.reingest.plan import (
    CONVERT,
    MOVE,
    SKIP,
    EvaluatedFile,
    Proposal,
    Rules,
    date_of,
    why_not_offered,
)
from catalog.features.reingest.row_state import (
    HAND_OVER,
    LeftRow,
    RowState,
    Stage,
    amend_hint,
    describe_earlier,
    redating_problem,
    was_overruled,
)

FIRST_YEAR = 2000
"""Earlier films were digitised later: their dates are not those of a phone, and a person decides.
"""
FIT = "fully compatible already"
SUCCESS = "SUCCESS"
"""What the progress of a report says of a row that was done."""
ENCODED = ("video_codec_needed", "audio_codec_needed")
"""Columns by which a person has more encoded than must be."""
NOTHING = ConversionNeeds()
_IN_FILE = "quicktime:"
"""How the sources of dates begin that a film in a MOV or MP4 file states itself; any other is
written into a new file."""
_IN_ITSELF = (_IN_FILE, "riff:", "avchd:", "matroska:", "asf:", "flv:", "exif:", "maker:")
"""How the sources of dates begin that a film of any type states itself. XMP may lie beside it."""


@dataclass(frozen=True, slots=True)
class VideoProposal:
    """A decision, what must be converted (also where the video is skipped), and where its date
    comes from."""

    decision: Proposal
    needs: ConversionNeeds = NOTHING
    dated: str = ""


def decide_video(
    shot: EvaluatedFile, rules: Rules, clip: Clip | None, problem: str = ""
) -> VideoProposal:
    """Whether a video is offered, and how. `problem` says why its streams are not known."""
    if shot.problem:
        return VideoProposal(Proposal(SKIP, shot.problem))
    dated = date_of(shot)
    problem = problem or ("its streams are not known" if clip is None else problem_of(clip))
    wanted = NOTHING if clip is None or clip.pictures is None else needs(clip)
    reason = (
        why_not_offered(shot, rules, dated.wall)
        or problem
        or (dated.reason if dated.action == SKIP else "")
    )
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
    return VideoProposal(decision, wanted, dated.reason)


def row_needs(clip: Clip, cells: Mapping[str, str]) -> ConversionNeeds:
    """What is encoded anew: what the clip needs, and what a person wants besides by a 1 in the
    columns of the report."""
    wanted = needs(clip)
    return ConversionNeeds(
        video=wanted.video or is_one(cells.get("video_codec_needed", "")),
        audio=wanted.audio or (bool(clip.sounds) and is_one(cells.get("audio_codec_needed", ""))),
        container=wanted.container,
    )


def is_one(text: str) -> bool:
    """Whether a person said yes in a cell."""
    return text.strip() in ("1", "1.0")


def is_copied_along(source: str) -> bool:
    """Whether a bare copy has a date from this source: it stands in the film, or is the time of the
    file."""
    return source == "mtime" or source.startswith(_IN_ITSELF)


def utc_text(wall: datetime | None, offset: int | None) -> str:
    """A date as films state it: UTC with `Z`; a wall clock whose offset is not known is left as it
    is, without."""
    if wall is None:
        return ""
    if offset is None:
        return wall.isoformat(timespec="microseconds")
    return f"{(wall - timedelta(minutes=offset)).isoformat(timespec='microseconds')}Z"


# --- rows of a report -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StageVideo(Stage):
    """A video of which a copy, or what it is converted to, comes into the staging folder.

    `original` gives the extension, `size` is that of the video. `made` is the content hash and size
    of a converted file that lies there already, as a run that was killed left it.
    """

    is_converted: bool
    original: str
    made: tuple[str, int] | None = None

    def describe(self) -> str:
        """One line for a person."""
        return f"{CONVERT if self.is_converted else MOVE} {self.key} as {self.target}"


def is_told(standing: RowState) -> bool:
    """Whether what an earlier run said of a row is still true: that it handed its content over."""
    row, earlier = standing.row, standing.earlier
    if (
        standing.record is None
        or standing.is_wanted_again
        or earlier.get("processing_status") != SUCCESS
    ):
        return False
    is_same = earlier.get("action", "") == row.cells.get("action", "")
    return is_same and earlier.get("hash", "").lower() == row.get("hash").lower()


def is_handed_over(standing: RowState) -> bool:
    """Whether there is nothing left to do: the cloud has the content, and nobody asks for it once
    more."""
    if standing.record is None or standing.is_wanted_again:
        return False
    return is_told(standing) or not was_overruled(standing.row)


def amendment(standing: RowState) -> str:
    """Why what was handed over is not what a row asks for now, or ""."""
    row, record, earlier = standing.row, standing.record, standing.earlier
    assert record is not None
    was_copied, is_own = (
        record["staged"] == record["hash"],
        record.get("source") == row.cells["file"],
    )
    if is_own and was_copied != (row.get("action").lower() == MOVE):
        return amend_hint(record, "its action was changed since")
    was_done = earlier.get("processing_status") == SUCCESS
    if was_done and any(
        is_one(row.get(column)) != is_one(earlier.get(column, "")) for column in ENCODED
    ):
        return amend_hint(record, "what is to be encoded was changed since")
    return redating_problem(row, standing.when, record, standing.before if was_done else None)


def leave(standing: RowState, problem: str, staged: str) -> LeftRow:
    """A row that was handed over, or the problem that what was handed over is not what it asks for
    now.

    `staged` is the path that the copy has, or had.
    """
    row, record = standing.row, standing.record
    assert record is not None
    reason = problem or describe_earlier(record, lies_staged=standing.lies_staged)
    if is_told(standing):
        left = LeftRow(HAND_OVER, row, "already", "" if standing.lies_staged else reason)
        return replace(left, outcome="failed", reason=problem) if problem else left
    if problem:
        return fail(row, problem)
    cells = {
        "derived_file": staged,
        "derived_hash": record["staged"],
        "derived_size": str(record["size"]),
    }
    told = {"processing_status": SUCCESS, **cells}
    return LeftRow(HAND_OVER, row, "already", reason, hash=record["hash"], cells=told)


def skip(row: Row) -> LeftRow:
    """A row that says so."""
    reason = row.get("reason")
    cells = {"processing_status": f"SKIPPED: {reason or 'a person said so'}"}
    return LeftRow(HAND_OVER, row, "skipped", reason, hash=row.get("hash"), cells=cells)


def fail(row: Row, reason: str, kind: str = "") -> LeftRow:
    """A row whose video cannot be handed over; `kind` is the error's."""
    status = ": ".join(filter(None, ("ERROR", kind, reason)))
    return LeftRow(
        HAND_OVER, row, "failed", reason, hash=row.get("hash"), cells={"processing_status": status}
    )
