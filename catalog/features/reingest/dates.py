"""The dates of a report: of files, as they are written into it, and of its rows, as a spreadsheet
and a person left them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from catalog.domain.capture_time import (
    DAY,
    EARLIEST_YEAR,
    MAX_OFFSET,
    SECOND,
    file_time,
    parse_date,
)
from catalog.domain.spreadsheets import Row, is_reformatted, local_date, proof_date, read_proof_date
from catalog.features.reingest.row_state import Dated, is_skipped
from catalog.work.description import utc_now
from catalog.work.workspace import Workspace

FORM = "write it as 2019-07-12 18:30:15"


def local_time(workspace: Workspace, mtime_ns: int) -> datetime:
    """A file's time as the wall clock at home."""
    utc = file_time(mtime_ns)
    return utc + timedelta(minutes=workspace.gazetteer.offset_at(workspace.home_zone, utc) or 0)


def format_modified(mtime_ns: int) -> str:
    """A file's time in UTC, to the second, in a form that no spreadsheet changes."""
    return f"{proof_date(file_time(mtime_ns).replace(tzinfo=UTC))}Z"


def parse_row_date(row: Row) -> Dated:
    """The date of a row, whatever a spreadsheet made of it.

    Raises ValueError with the reason where nobody can tell. A date that a person wrote without an
    offset has that of the column `offset`.
    """
    proposed, text = read_proof_date(row.get("taken")), row.get("datetime")
    offset = offset_of(row)
    if not text:
        return Dated(None, None, proposed is not None)
    if proposed is not None and is_as_proposed(row, "datetime", proposed, FORM):
        return Dated(proposed, offset)
    parsed = parse_date(text) if text[:4].isdigit() else None
    if parsed is not None and parsed.precision in (SECOND, DAY):
        wall, stated = parsed[0], parsed[1]
        if proposed == wall.replace(microsecond=0):
            return Dated(wall, offset if stated is None else stated)
    else:
        local = local_date(text, row.order)
        if local is None:
            raise ValueError(f"its datetime {text} cannot be understood for certain: {FORM}")
        wall, stated = local, None
    if wall.year < EARLIEST_YEAR or wall > utc_now() + timedelta(days=1):
        raise ValueError(f"its datetime {text} is no possible date of a shot")
    return Dated(wall, offset if stated is None else stated, edited=True)


def is_as_proposed(row: Row, column: str, proposed: datetime, form: str) -> bool:
    """Whether a date is the proposed one as a spreadsheet writes it.

    Raises ValueError where nobody can tell.
    """
    text = row.get(column)
    try:
        return is_reformatted(text, proposed, row.order)
    except ValueError as error:
        raise ValueError(
            f"its {column} {text} cannot be understood for certain, {error}: {form}"
        ) from None


def offset_of(row: Row) -> int | None:
    """The column `offset`, in minutes east of UTC; None where it is empty.

    Raises ValueError with the reason.
    """
    text = row.get("offset")
    if not text:
        return None
    minutes = int(text.partition(".")[0]) if re.fullmatch(r"-?[0-9]{1,3}(\.0)?", text) else None
    if minutes is None or abs(minutes) > MAX_OFFSET:
        raise ValueError(
            f"its offset {text[:40]} is none: write minutes east of UTC, {-MAX_OFFSET} to "
            f"{MAX_OFFSET}, or leave it empty"
        )
    return minutes


def date_problem(row: Row) -> str:
    """Why the date of a row cannot be used, or ""."""
    if is_skipped(row):
        return ""
    try:
        parse_row_date(row)
    except ValueError as error:
        return str(error)
    return ""
