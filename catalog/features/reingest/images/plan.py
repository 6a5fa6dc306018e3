"""What becomes of photos: which of them are offered, and which of the rows of their report are
handed over."""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.domain.spreadsheets import Row
from catalog.features.reingest.plan import (
    SKIP,
    EvaluatedFile,
    Proposal,
    Rules,
    date_of,
    why_not_offered,
)
from catalog.features.reingest.row_state import (
    HAND_OVER,
    Dated,
    LeftRow,
    RowState,
    Stage,
    amend_hint,
    describe_earlier,
    redating_problem,
    was_overruled,
)

ICLOUD_IMAGES = frozenset(
    {"jpeg", "mpo", "heic", "heif", "png", "gif", "tiff", "webp", "avif", "dng"}
)
"""Types that Apple's Photos takes and shows on a phone.

Raw pictures of other makers are taken by some versions only.
"""
OWN_DATE = "exif:DateTimeOriginal"
"""The source of a date that stands in the picture where every cloud reads it."""
_ERROR = "error: "


def decide_image(shot: EvaluatedFile, rules: Rules) -> Proposal:
    """Whether a photo is offered."""
    if shot.problem:
        return Proposal(SKIP, shot.problem)
    dated = date_of(shot)
    reason = why_not_offered(shot, rules, dated.wall)
    if not reason and shot.type not in ICLOUD_IMAGES:
        reason = f"wrong type: {shot.type or 'unknown'} is none that a phone surely shows"
    return replace(dated, action=SKIP, reason=reason) if reason else dated


@dataclass(frozen=True, slots=True)
class StagePhoto(Stage):
    """A photo of which a copy comes into the staging folder.

    `staged` is the content hash of the copy, `size` its bytes, and `mtime_ns` its time.
    `is_looked_into`: its date is written, or compared, within the picture.
    """

    staged: str
    mtime_ns: int
    is_looked_into: bool

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.key} as {self.target}"


def states_date(row: Row, when: Dated) -> bool:
    """Whether the picture states the date of its row where every cloud reads it, as the evaluation
    found."""
    return row.get("source") == OWN_DATE and not when.edited


def is_told(standing: RowState) -> bool:
    """Whether what an earlier run said of a row is still true."""
    record, earlier = standing.record, standing.earlier.get("processed")
    if record is None or standing.is_wanted_again or not earlier or earlier != record["name"]:
        return False
    row = standing.row
    return not was_overruled(row) or standing.earlier.get("reason", "").strip() == row.get("reason")


def is_handed_over(standing: RowState) -> bool:
    """Whether there is nothing left to do: the cloud has the content, and nobody asks for it once
    more."""
    if standing.record is None or standing.is_wanted_again:
        return False
    return is_told(standing) or not was_overruled(standing.row)


def amendment(standing: RowState) -> str:
    """Why the date of what was handed over is not what a row asks for now, or ""."""
    assert standing.record is not None
    before = standing.before if is_told(standing) else None
    return redating_problem(standing.row, standing.when, standing.record, before)


def may_lack_date(standing: RowState, *, write_dates: bool) -> bool:
    """Whether the date that is to be written may not be in the copy that was handed over: it is the
    very file."""
    record = standing.record
    assert record is not None
    is_bare = record["staged"] == record["hash"] and write_dates and standing.when.wall is not None
    return is_bare and not states_date(standing.row, standing.when)


def lacks_date(standing: RowState) -> str:
    """What is told of a copy that lacks the date which is to be written."""
    assert standing.record is not None
    return amend_hint(standing.record, "its date is not in the copy")


def leave(standing: RowState, problem: str) -> LeftRow:
    """A row that was handed over, or the problem that what was handed over is not what it asks for
    now."""
    row, record = standing.row, standing.record
    assert record is not None
    stays = is_told(standing)
    if problem:
        left = fail(row, problem)
        return replace(left, cells=None) if stays else left
    cells = None if stays else {"processed": record["name"], "processed_hash": record["staged"]}
    reason = describe_earlier(record, lies_staged=standing.lies_staged)
    return LeftRow(
        HAND_OVER, row, "already", reason, target=record["name"], hash=record["hash"], cells=cells
    )


def skip(row: Row) -> LeftRow:
    """A row that says so."""
    return LeftRow(HAND_OVER, row, "skipped", cells={"processed": "", "processed_hash": ""})


def fail(row: Row, reason: str) -> LeftRow:
    """A row whose file cannot be handed over."""
    cells = {"processed": f"{_ERROR}{reason}", "processed_hash": ""}
    return LeftRow(HAND_OVER, row, "failed", f"line {row.line}: {reason}", cells=cells)
