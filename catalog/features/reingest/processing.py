"""What every processing has: rows checked before anything is done, the files they name, and the dates a person wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.capture_time import EARLIEST_YEAR, MAX_OFFSET, parse_date
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import from_text
from catalog.domain.spreadsheets import Row, Table, is_reformatted, local_date, read_proof_date
from catalog.errors import StoreError, UsageError
from catalog.features.reingest.archive import Located, Locations
from catalog.features.reingest.evaluation import modified_text
from catalog.features.reingest.handover import HANDED_OVER, told
from catalog.features.reingest.images.plan import SKIP
from catalog.features.reingest.staging import stem
from catalog.index.handovers import Handovers, Record
from catalog.work.description import utc_now

FORM = "write it as 2019-07-12 18:30:15"


@dataclass(frozen=True, slots=True)
class Dated:
    """The date of a row: its wall clock, None where it has none; the offset in minutes, if known; whether a person set it."""

    wall: datetime | None
    offset: int | None = None
    edited: bool = False


def dated(row: Row) -> Dated:
    """The date of a row, whatever a spreadsheet made of it. Raises ValueError with the reason where nobody can tell.

    A date that a person wrote without an offset has that of the column `offset`.
    """
    proposed, text = read_proof_date(row.get("taken")), row.get("datetime")
    offset = offset_of(row)
    if not text:
        return Dated(None, None, proposed is not None)
    if proposed is not None and is_as_proposed(row, "datetime", proposed, FORM):
        return Dated(proposed, offset)
    parsed = parse_date(text) if text[:4].isdigit() else None
    if parsed is not None:
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
    """Whether a date is the proposed one as a spreadsheet writes it. Raises ValueError where nobody can tell."""
    text = row.get(column)
    try:
        return is_reformatted(text, proposed, row.order)
    except ValueError as error:
        raise ValueError(f"its {column} {text} cannot be understood for certain, {error}: {form}") from None


def offset_of(row: Row) -> int | None:
    """The column `offset`, in minutes east of UTC; None where it is empty. Raises ValueError with the reason."""
    text = row.get("offset")
    if not text:
        return None
    minutes = int(text.partition(".")[0]) if re.fullmatch(r"-?[0-9]{1,3}(\.0)?", text) else None
    if minutes is None or abs(minutes) > MAX_OFFSET:
        raise ValueError(
            f"its offset {text[:40]} is none: write minutes east of UTC, {-MAX_OFFSET} to {MAX_OFFSET}, or leave it empty"
        )
    return minutes


@dataclass(slots=True)
class Sources:
    """The files that the rows of a report name, looked up once, by name: `found` those that can be used."""

    locations: Locations
    found: dict[str, tuple[Located, Entry]] = field(default_factory=dict)

    def check(self, row: Row) -> str:
        """Why the file of a row cannot be used, or "": it must be there, and be what it was when it was evaluated.

        Rows that are skipped are not looked at.
        """
        if row.get("action").lower() == SKIP:
            return ""
        file = row.cells["file"]
        try:
            located, entry = self.locations.entry(file)
        except UsageError as error:
            return error.message
        if problem := changed_since(row, located, entry):
            return problem
        self.found[file] = located, entry
        return ""


def folders_of(table: Table) -> list[Path]:
    """The folders on this machine that the files of a report lie in, and the archive they are of."""
    files = [row.cells.get("file", "") for row in table.rows]
    archives = [row.cells.get("archive", "") for row in table.rows]
    folders = [file.rpartition("/")[0] for file in files] + archives
    return sorted({Path(from_text(folder)) for folder in set(folders) if folder.startswith("/") and "\0" not in folder})


def changed_since(row: Row, located: Located, entry: Entry) -> str:
    """Why a file is not the one that was evaluated, or "". It is read only where its time is another."""
    size, modified, digest = (row.get(name) for name in ("size", "modified", "hash"))
    changed = "its content changed since it was evaluated; evaluate again"
    if size.isdecimal() and int(size) != entry.size:
        return changed
    if digest and not is_content_hash(digest.lower()):
        return "its hash is none; evaluate again"
    if digest and modified != modified_text(entry.mtime_ns):
        try:
            return "" if located.store.checksum(located.path) == digest.lower() else changed
        except StoreError as error:
            return str(error)
    return ""


def date_problem(row: Row) -> str:
    """Why the date of a row cannot be used, or ""."""
    if row.get("action").lower() == SKIP:
        return ""
    try:
        dated(row)
    except ValueError as error:
        return str(error)
    return ""


def was_overruled(row: Row) -> bool:
    """Whether a person hands something over again though the report says that the cloud has it."""
    return row.get("reason").startswith(HANDED_OVER)


def edited_since(row: Row, when: Dated, record: Record, before: Dated | None) -> str:
    """Why a handover is not what its row asks for now, or "".

    `before` is what an earlier run understood of the row, None where it did none. A row without a date asks for none.
    """
    named, wanted = str(record["name"]), stem(when.wall, "x")[:-1]
    own = record.get("source") == row.cells["file"]
    dated_otherwise = not named.startswith(wanted) and (when.wall is not None or own)
    offsets = before is not None and None not in (when.offset, before.offset) and when.offset != before.offset
    return amend_hint(record, "its date was changed since") if dated_otherwise or offsets else ""


def amend_hint(record: Record, what: str) -> str:
    """What to do where a handover is not as a person wants it now."""
    return f"{told(record)}, {what}: take that back with `catalog undo {record['run']}`, and process it again"


def done_before(rows: Sequence[Row], handovers: Handovers, target: str) -> dict[str, Record]:
    """The handovers of the contents of rows, by hash, as they are now."""
    return handovers.known(target, sorted({digest for row in rows if is_content_hash(digest := row.get("hash").lower())}))


def hashed(row: Row, located: Located) -> str:
    """The content hash of a row's file: as evaluated, else by reading it. What is copied is verified against it."""
    return row.get("hash").lower() or located.store.checksum(located.path)
