"""What `reingest` offers to a cloud, and why not the rest: decided from facts alone, for a person
to confirm or overrule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog.domain.capture_time import CaptureTime

SKIP, MOVE, CONVERT = "skip", "move", "convert"
"""What a report can say of a file.

`move` means that a copy is handed over; the archive keeps its file.
"""

_STATED = frozenset({"filename", "folder", "exif:DateTime", "mtime"})
"""Sources of a capture time that are no statement of when the shot was taken."""
_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_YEAR = re.compile(
    rf"((?:19|20)\d\d)(?:(?=(?:0[1-9]|1[0-2]){_DAY}?(?!\d))|(?!\d)(?!\s?[x\u00d7*]\s?\d)(?!px?\b)(?!\s?[-\u2013]\s?(?:19|20)\d\d(?!\d)))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a person asks for. `until`: only what was taken before this wall clock.

    `skip`: parts of folder names, any case.
    """

    until: datetime | None = None
    skip: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluatedFile:
    """A photo or video to decide about. `modified` is the file's own time as a wall clock at home.

    `handed_over` says that and when the cloud got it, `same_as` which other file of the report has
    the same content.
    """

    folders: Sequence[str]
    type: str
    captured: CaptureTime | None
    modified: datetime
    handed_over: str = ""
    same_as: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed.

    `wall` is the date it would get, also where it is skipped, so that a person can overrule that.

    `offset` is in minutes east of UTC, None where unknown; `source` is what states the date, as in
    `domain.capture_time`.
    """

    action: str
    reason: str
    wall: datetime | None = None
    offset: int | None = None
    source: str = ""


def year_of_path(folders: Sequence[str]) -> int | None:
    """The year that the innermost folder states whose name begins with one: `2012`, `2012-07
    Italy`, not `2048x1536`."""
    years = [int(match[1]) for name in folders if (match := _YEAR.match(name))]
    return years[-1] if years else None


def find_skipped_folder(folders: Sequence[str], rules: Rules) -> str:
    """The first folder whose files are not offered, or ""."""
    parts = [part.casefold() for part in rules.skip if part]
    return next((name for name in folders if any(part in name.casefold() for part in parts)), "")


def why_not_offered(shot: EvaluatedFile, rules: Rules, wall: datetime | None) -> str:
    """Why a shot is not offered whatever its type, or ""."""
    if shot.handed_over:
        return shot.handed_over
    if shot.same_as:
        return f"same content as {shot.same_as}"
    if folder := find_skipped_folder(shot.folders, rules):
        return f"skiplist match: {folder}"
    if rules.until is not None and wall is not None and wall >= rules.until:
        return f"taken on {wall:%Y-%m-%d}, not before {rules.until:%Y-%m-%d}"
    return ""


def date_of(shot: EvaluatedFile) -> Proposal:
    """The date of a shot, and whether it can be relied on: what it states itself, else its time of
    modification.

    Both are checked against the year in the path.
    """
    year, captured = year_of_path(shot.folders), shot.captured
    if captured is not None and captured.source not in _STATED:
        return _stated(captured, year)
    if captured is not None and captured.source == "exif:DateTime" and captured.wall.year == year:
        return Proposal(
            MOVE,
            "date modified year correct (exif:DateTime)",
            captured.wall,
            captured.offset_minutes,
            captured.source,
        )
    guess = captured.wall if captured is not None and captured.source != "mtime" else None
    source = captured.source if guess and captured else "mtime"
    hint = f"; its {captured.source} says {captured.wall:%Y-%m-%d}" if guess and captured else ""
    if year is None:
        return Proposal(
            SKIP, f"no date taken, and no year in path{hint}", guess or shot.modified, source=source
        )
    if shot.modified.year != year:
        reason = (
            f"no date taken, date modified year mismatch: {shot.modified.year}, path {year}{hint}"
        )
        return Proposal(SKIP, reason, guess, source=source if guess else "")
    return Proposal(MOVE, "date modified year correct", shot.modified, source="mtime")


def _stated(captured: CaptureTime, year: int | None) -> Proposal:
    wall, offset, source = captured.wall, captured.offset_minutes, captured.source
    if source == "person":
        return Proposal(MOVE, "date taken available (person)", wall, offset, source)
    if year is not None and wall.year != year:
        return Proposal(
            SKIP,
            f"date taken year mismatch: {wall.year} ({source}), path {year}",
            wall,
            offset,
            source,
        )
    if captured.confidence == "low":
        reason = (
            f"date taken is doubtful: {wall:%Y-%m-%d %H:%M:%S} ({source}) may be an unset clock"
        )
        return Proposal(SKIP, reason, wall, offset, source)
    return Proposal(MOVE, f"date taken available ({source})", wall, offset, source)
