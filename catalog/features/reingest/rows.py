"""The rows of a report, looked at before anything is done with the files they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import from_text
from catalog.domain.spreadsheets import Row, Table
from catalog.errors import CatalogError, StoreError
from catalog.features.reingest.dates import format_modified
from catalog.features.reingest.locations import Located, Locations
from catalog.features.reingest.reports import Processed
from catalog.features.reingest.row_state import LeftRow, is_skipped
from catalog.work.outcome import Outcome
from catalog.work.report import Report

CHANGED = "its content changed since it was evaluated; evaluate again"
Check = Callable[[Row], str]
"""Why a row cannot be used, or ""."""


@dataclass(frozen=True, slots=True)
class Validated:
    """The rows of a report that can be done, and those that cannot, each with the reason."""

    rows: tuple[Row, ...]
    refused: tuple[tuple[Row, str], ...]

    def refusals(self, name: str) -> list[LeftRow]:
        """The refused rows, as actions of this name."""
        return [
            LeftRow(name, row, "refused", f"line {row.line}: {reason}")
            for row, reason in self.refused
        ]


def validate(
    table: Table, actions: Sequence[str], checks: Sequence[Check], column: str = "file"
) -> Validated:
    """Every row looked at before anything is done: known action, a file named once, and what
    `checks` say, in order."""
    lines: dict[str, int] = {}
    good: list[Row] = []
    refused: list[tuple[Row, str]] = []
    for row in table.rows:
        name = row.cells.get(column, "")
        problem = row.problem or _why_not(row, name, actions, lines, column)
        for check in checks:
            problem = problem or check(row)
        if problem:
            refused.append((row, problem))
        else:
            good.append(row)
        if name:
            lines.setdefault(name, row.line)
    return Validated(tuple(good), tuple(refused))


def _why_not(
    row: Row, name: str, actions: Sequence[str], lines: Mapping[str, int], column: str
) -> str:
    action = row.get("action").lower()
    if not name:
        return f"it names no {column}"
    if actions and action not in actions:
        return f"its action is {action or 'empty'}, which is none of {', '.join(actions)}"
    if name in lines:
        return f"it is about the same {column} as line {lines[name]}"
    return ""


def outcome_of(left: LeftRow) -> Outcome:
    """What is told of a row with which nothing is done, whether that is only shown or not."""
    return Outcome(
        left.name, left.key, left.outcome, left.store, left.target, left.hash, left.reason
    )


def leave(left: LeftRow, processed: Processed, report: Report) -> None:
    """Do nothing with a row, and say so."""
    if left.cells is not None:
        processed.add(left.row, **left.cells)
    report.add(outcome_of(left))


@dataclass(slots=True)
class Sources:
    """The files that the rows of a report name, looked up once, by name: `found` those that can be
    used."""

    locations: Locations
    found: dict[str, tuple[Located, Entry]] = field(default_factory=dict)

    def check(self, row: Row) -> str:
        """Why the file of a row cannot be used, or "": it must be there, and be what it was when it
        was evaluated.

        Rows that are skipped are not looked at.
        """
        if is_skipped(row):
            return ""
        file = row.cells["file"]
        try:
            located, entry = self.locations.entry(file)
        except CatalogError as error:
            return str(error)
        if problem := change_problem(row, located, entry):
            return problem
        self.found[file] = located, entry
        return ""


def folders_of(table: Table) -> list[Path]:
    """The folders on this machine that the files of a report lie in,
    and the archive they are of.
    """
    files = [row.cells.get("file", "") for row in table.rows]
    archives = [row.cells.get("archive", "") for row in table.rows]
    folders = [file.rpartition("/")[0] for file in files] + archives
    return sorted(
        {
            Path(from_text(folder))
            for folder in set(folders)
            if folder.startswith("/") and "\0" not in folder
        }
    )


def change_problem(row: Row, located: Located, entry: Entry) -> str:
    """Why a file is not the one that was evaluated, or "".

    It is read only where its time is another.
    """
    size, modified, digest = (row.get(name) for name in ("size", "modified", "hash"))
    if size.isdecimal() and int(size) != entry.size:
        return CHANGED
    if digest and not is_content_hash(digest.lower()):
        return "its hash is none; evaluate again"
    if digest and modified != format_modified(entry.mtime_ns):
        try:
            return "" if located.store.checksum(located.path) == digest.lower() else CHANGED
        except StoreError as error:
            return str(error)
    return ""


def hash_file(row: Row, located: Located) -> str:
    """The content hash of a row's file: as evaluated, else by reading it.

    What is copied is verified against it.
    """
    return row.get("hash").lower() or located.store.checksum(located.path)
