"""Decisions as a CSV that spreadsheet programs open: written with `;` in UTF-8 with a mark,
read in any usual form.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from catalog.domain.decisions import (
    COLUMNS,
    Decision,
    contradictions,
    parse_decision,
    with_chosen_keepers,
)
from catalog.errors import UsageError

REQUIRED = ("group", "kind", "decision", "hash", "keeper")
"""Columns without which nothing can be told; `path` may be missing where no row needs it."""
EXTRA = ("reason", "files")
"""Columns that are written for people, and not read."""
MOST_BYTES = 256 * 1024 * 1024
LONGEST_CELL = 131_072
"""Characters; what is longer is no cell of ours.

The limit of the module csv is shared by all that read one here.
"""
_MARK = "\ufeff"


@dataclass(slots=True)
class DecisionFile:
    """What a CSV holds: the sound decisions with their line numbers,
    and for each bad row why it is refused.
    """

    rows: list[tuple[int, Decision]] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)

    @property
    def decisions(self) -> list[Decision]:
        """The sound ones, in order."""
        return [decision for _line, decision in self.rows]


def write_decisions(
    path: Path,
    decisions: Iterable[Decision],
    notes: Mapping[tuple[str, str, str], Sequence[str]] | None = None,
) -> None:
    """Write a new file; `notes` gives the values of EXTRA by `Decision.member`.

    Raises UsageError where it is there already.
    """
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(_MARK)
            writer = csv.writer(file, delimiter=";")
            writer.writerow([*COLUMNS, *EXTRA])
            for decision in decisions:
                extra = (notes or {}).get(decision.member, ("",) * len(EXTRA))
                writer.writerow([*asdict(decision).values(), *extra])
    except FileExistsError:
        raise UsageError(
            f"{path} is there already; nothing is overwritten.", hint="Name another file."
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", hint="Name a file in another folder."
        ) from None


def read_decisions(path: Path) -> DecisionFile:
    """The decisions of a CSV, its columns in any order; rows without a decision are passed over.

    Raises UsageError where the file is none, or lacks a column.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(
                f"{path} is too large to be a list of decisions.",
                hint="Name the CSV that was saved.",
            )
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the file's name."
        ) from None
    return parse_decisions(data, str(path))


def parse_decisions(data: bytes, name: str) -> DecisionFile:
    """The same of the bytes of a CSV; `name` is for complaints."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name} is not UTF-8 ({error.reason} at byte {error.start}).",
            hint="Save it as CSV UTF-8.",
        ) from None
    header = text.splitlines()[0] if text else ""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(";,\t", key=header.count))
    found = DecisionFile()
    sound: list[tuple[int, Decision]] = []
    columns: list[str] = []
    line = 1
    try:
        columns = [column.strip().lower() for column in next(rows, [])]
        _check_columns(columns, name)
        line = rows.line_num + 1
        for values in rows:
            if max(map(len, values), default=0) > LONGEST_CELL:
                raise csv.Error(f"a cell is longer than {LONGEST_CELL:,} characters")
            row = dict(zip(columns, values, strict=False))
            if (row.get("decision") or "").strip():
                try:
                    sound.append((line, parse_decision(row)))
                except ValueError as error:
                    found.problems[line] = str(error)
            line = rows.line_num + 1
    except csv.Error as error:
        raise UsageError(
            f"{name} is no CSV that can be read (line {line}: {error}).",
            hint="Save it as CSV UTF-8.",
        ) from None
    decisions = with_chosen_keepers([decision for _line, decision in sound])
    clashes = contradictions(decisions)
    for number, ((line, _read), decision) in enumerate(zip(sound, decisions, strict=True)):
        if number in clashes:
            found.problems[line] = clashes[number]
        else:
            found.rows.append((line, decision))
    return found


def _check_columns(columns: Sequence[str], name: str) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        known = ", ".join(c for c in columns if c) or "none"
        raise UsageError(f"{name} has no column {missing[0]}.", hint=f"Its columns are: {known}.")
    twice = next((c for c in COLUMNS if columns.count(c) > 1), None)
    if twice:
        raise UsageError(f"{name} has the column {twice} twice.", hint="Remove one of them.")
