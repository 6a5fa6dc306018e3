"""Ids of assets as a person gives them: one by one, in a CSV file, or as CSV on stdin."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from catalog.domain.fixity import is_content_hash
from catalog.errors import UsageError

COLUMN = "_id"


def read_ids(arguments: Sequence[str]) -> tuple[str, ...]:
    """The ids that arguments mean: each an id, a CSV file, or `-` for CSV on stdin.

    The `.csv` of a file may be left out. Raises UsageError for what is neither.
    """
    found: list[str] = []
    for argument in arguments:
        path = next((p for p in (Path(argument), Path(f"{argument}.csv")) if p.is_file()), None)
        if argument == "-":
            found += _column(sys.stdin.buffer.read(), "stdin")
        elif path is not None:
            found += _column(path.read_bytes(), str(path))
        elif is_content_hash(argument.strip().lower()):
            found.append(argument.strip().lower())
        else:
            raise UsageError(
                f"{argument} is neither a file nor an id.",
                hint="An id is a content hash of 64 hex digits.",
            )
    return tuple(dict.fromkeys(found))


def _column(data: bytes, name: str) -> list[str]:
    """The column `_id` of a CSV with any of the usual separators, UTF-8 with or without BOM."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{name} is not UTF-8 ({error.reason} at byte {error.start}).", hint="Save it as UTF-8."
        ) from None
    header = text.splitlines()[0] if text else ""
    separator = max(",;\t", key=header.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=separator)
    columns = [c.strip() for c in rows.fieldnames or []]
    if COLUMN not in columns:
        raise UsageError(
            f"{name} has no column {COLUMN}.",
            hint=f"Its columns are: {', '.join(columns) or 'none'}.",
        )
    rows.fieldnames = columns
    ids: list[str] = []
    for number, row in enumerate(rows, 2):
        value = (row[COLUMN] or "").strip().lower()
        if value and not is_content_hash(value):
            raise UsageError(
                f"Line {number} of {name} has no id in column {COLUMN}: {value}.",
                hint="Nothing was changed.",
            )
        ids += [value] if value else []
    return ids
