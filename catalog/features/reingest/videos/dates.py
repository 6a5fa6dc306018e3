"""The date of a film's row: as proposed, or as a person changed it, as a wall clock or in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from catalog.domain.capture_time import DAY, SECOND, parse_date
from catalog.domain.spreadsheets import Row, read_proof_date
from catalog.features.reingest.dates import is_as_proposed, offset_of, parse_row_date
from catalog.features.reingest.plan import MOVE
from catalog.features.reingest.row_state import Dated, is_skipped
from catalog.features.reingest.videos.plan import ENCODED, is_copied_along, utc_text

UTC_FORM = "write it as 2019-07-12T16:30:15Z"
Home = Callable[[datetime], int]
"""Minutes east of UTC that clocks at home show at a moment of UTC."""


def film_date(row: Row, home: Home) -> Dated:
    """The date of a row: as proposed, or as a person changed it in `datetime` (wall clock) or
    `creation_time` (UTC).

    Raises ValueError with the reason where nobody can tell.
    """
    found, text = parse_row_date(row), row.get("creation_time")
    proposed = read_proof_date(row.get("taken"))
    offset = offset_of(row)
    if not text or text == utc_text(proposed, offset):
        return found
    if proposed and is_as_proposed(row, "creation_time", _utc(proposed, offset), UTC_FORM):
        return found
    parsed = parse_date(text)
    if parsed is None or parsed.precision not in (SECOND, DAY):
        raise ValueError(f"its creation_time {text} cannot be understood: {UTC_FORM}")
    if found.edited and row.get("datetime"):
        raise ValueError(
            "its datetime or offset and its creation_time were both changed: empty the "
            "creation_time, or change it alone"
        )
    wall, stated, _precision = parsed
    if stated is None:
        return Dated(wall, None, edited=True)
    if stated == 0:
        stated = offset if offset is not None else home(wall)
        wall += timedelta(minutes=stated)
    return Dated(wall, stated, edited=proposed is not None)


def _utc(wall: datetime, offset: int | None) -> datetime:
    return wall - timedelta(minutes=offset or 0)


def row_problem(row: Row, home: Home) -> str:
    """Why what a row says cannot be done, or ""."""
    if is_skipped(row):
        return ""
    action = row.get("action").lower()
    try:
        found = film_date(row, home)
    except ValueError as error:
        return str(error)
    if action == MOVE and found.edited:
        return (
            "its date was changed, and can be written into a converted copy only: set its "
            "action to convert"
        )
    if action == MOVE and found.wall is not None and not is_copied_along(row.get("source")):
        told = row.get("source") or "of the report"
        return (
            f"its date ({told}) is not in the file, and can be written into a converted copy "
            "only: set its action to convert"
        )
    for column in ENCODED:
        if row.get(column) not in ("", "0", "1", "0.0", "1.0"):
            return f"its {column} is {row.get(column)}, and not 0 or 1"
    return ""
