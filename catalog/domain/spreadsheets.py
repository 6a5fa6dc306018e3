"""Tables that a person edits in a spreadsheet: written so that it opens them unharmed, read whatever it made of them.

Written as RFC 4180 asks, with ";" and UTF-8 with BOM. Read with ";", "," or tab; in UTF-8, UTF-16 or Windows-1252.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

SEPARATOR = ";"
SEPARATORS = (";", ",", "\t")
BOM = "\ufeff"
LONGEST_CELL = 16 * 1024 * 1024
"""Characters of one cell at most."""

_FORMULA = re.compile(r"['=+\-@\t\r]")
_NUMBER = re.compile(r"0\d+(\.\d*)?|\d{16,}|\d+(\.\d*)?[eE]\d+")
"""What a spreadsheet takes for a number and writes back as another text: leading zeros, more than 15 digits, exponents."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `line` is where it begins in the file, from 1; `cells` are by column; `problem` says why it cannot be used."""

    line: int
    cells: Mapping[str, str]
    problem: str = ""

    def get(self, column: str) -> str:
        """A cell without surrounding blanks; "" where there is none."""
        return self.cells.get(column, "").strip()


@dataclass(frozen=True, slots=True)
class Table:
    """Columns in their order, and rows. The columns that the program knows are in lower case, others as a person wrote them."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def protected(text: str) -> str:
    """A cell's text so that a spreadsheet takes it neither for a formula nor for a number that it would write differently."""
    return f"'{text}" if _FORMULA.match(text) or _NUMBER.fullmatch(text) else text


def unprotected(text: str) -> str:
    """The text that `protected` was given."""
    return text[1:] if text.startswith("'") and protected(text[1:]) == text else text


def encoded_line(cells: Iterable[str]) -> bytes:
    """One row as bytes, with its line end."""
    stream = io.StringIO()
    csv.writer(stream, delimiter=SEPARATOR, lineterminator="\r\n").writerow([protected(cell) for cell in cells])
    return stream.getvalue().encode("utf-8", "backslashreplace")


def encoded_header(columns: Iterable[str]) -> bytes:
    """The first line of a file, with the mark by which spreadsheets know UTF-8."""
    return BOM.encode() + encoded_line(columns)


def whole_rows(data: bytes) -> int:
    """How many bytes at the beginning are whole rows: a line end within quotes ends none."""
    end = quotes = at = 0
    while (found := data.find(b"\n", at)) >= 0:
        quotes += data.count(b'"', at, found)
        at = found + 1
        if quotes % 2 == 0:
            end = at
    return end


def parse(data: bytes, needed: Sequence[str], known: Sequence[str] = ()) -> Table:
    """The table in a file. `needed` columns must be there, `known` ones may be; their names count in any case.

    Raises ValueError with the reason where the whole file cannot be used.
    """
    text = _decoded(data)
    separator, text, skipped = _separator(text, needed)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = next(reader, [])
        columns = _columns(header, [*needed, *known])
        missing = [name for name in needed if name not in columns]
        if missing:
            raise ValueError(f"it has no column {missing[0]}; its columns are: {', '.join(filter(None, columns)) or 'none'}")
        rows = []
        begin = reader.line_num + 1
        for values in reader:
            if any(value.strip() for value in values):
                rows.append(_row(begin + skipped, columns, values))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num + skipped} is no row of a table ({error})") from error
    return _without_empty_columns(columns, rows)


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif data[:1] and data[1:2] == b"\0":
        encodings = ["utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError(f"it is no text in {' or '.join(encodings)}; save it as CSV in UTF-8")


def _separator(text: str, needed: Sequence[str]) -> tuple[str, str, int]:
    """The separator, the text without the line in which some spreadsheets state it, and how many lines that was."""
    first, _, rest = text.partition("\n")
    stated = re.fullmatch(r"sep=(.)\r?", first)
    if stated:
        return stated[1], rest, 1
    titles = {s: [cell.strip().strip('"').lower() for cell in first.split(s)] for s in SEPARATORS}
    return max(SEPARATORS, key=lambda s: (sum(name in titles[s] for name in needed), first.count(s))), text, 0


def _columns(header: Sequence[str], known: Sequence[str]) -> list[str]:
    columns: list[str] = []
    for number, title in enumerate(header, 1):
        name = unprotected(title.strip())
        name = name.lower() if name.lower() in known else name
        if name in columns and name in known:
            raise ValueError(f"it has the column {name} twice")
        candidates = itertools.chain([name] if name else [], (f"{name or 'column'} {n}" for n in itertools.count(number)))
        columns.append(next(c for c in candidates if c not in columns))
    return columns


def _row(line: int, columns: Sequence[str], values: Sequence[str]) -> Row:
    cells = dict(zip(columns, map(unprotected, values), strict=False))
    beyond = any(value.strip() for value in values[len(columns) :])
    return Row(line, cells, "it has more cells than there are columns" if beyond else "")


def _without_empty_columns(columns: Sequence[str], rows: Sequence[Row]) -> Table:
    """Without the columns that have neither a title nor cells: a spreadsheet saves some to the right."""
    kept = [c for c in columns if not re.fullmatch(r"column \d+", c) or any(row.get(c) for row in rows)]
    return Table(tuple(kept), tuple(rows))


# --- dates ---------------------------------------------------------------------------------------------------------------

_PROOF = "%Y%m%dT%H%M%S"
_LOCAL = re.compile(
    r"(?P<a>\d{1,4})([./-])(?P<b>\d{1,2})\2(?P<c>\d{1,4})\.?(?:[ T]+(?P<H>\d{1,2})[:.](?P<M>\d{2})(?:[:.](?P<S>\d{2}))?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
)


def proof_date(wall: datetime | None) -> str:
    """A wall clock as text that no spreadsheet takes for a date: `20190712T183015`."""
    return f"{wall:{_PROOF}}" if wall else ""


def read_proof_date(text: str) -> datetime | None:
    """What `proof_date` wrote, or None."""
    try:
        return datetime.strptime(text, _PROOF)
    except ValueError:
        return None


def is_reformatted(text: str, wall: datetime) -> bool:
    """Whether a spreadsheet may have made this text of a wall clock: any order of its parts, seconds or century left out."""
    return any(_differs_by_seconds_at_most(found, precision, wall) for found, precision in _readings(text))


def _differs_by_seconds_at_most(found: datetime, precision: str, wall: datetime) -> bool:
    if precision == "second":
        return found == wall.replace(microsecond=0)
    if precision == "minute":
        return found == wall.replace(second=0, microsecond=0)
    return False


def local_date(text: str) -> datetime | None:
    """The wall clock of a date written as people of some country do, if there is only one way to read it; else None."""
    found = {moment for moment, precision in _readings(text) if precision != "day"}
    return found.pop() if len(found) == 1 else None


def _readings(text: str) -> list[tuple[datetime, str]]:
    """Every way to read a date, and how precise it is: to the second, minute or day."""
    match = _LOCAL.fullmatch(text.strip())
    if not match:
        return []
    a, b, c = match["a"], match["b"], match["c"]
    hour = int(match["H"] or 0)
    if match["half"] and hour <= 12:
        hour = hour % 12 + (12 if match["half"][0] in "Pp" else 0)
    precision = "second" if match["S"] else "minute" if match["H"] else "day"
    orders = [(a, b, c)] if len(a) == 4 else [(c, b, a), (c, a, b), *([(a, b, c)] if len(c) < 4 else [])]
    found = []
    for year, month, day in orders:
        for full in [int(year)] if len(year) == 4 else [1900 + int(year), 2000 + int(year)] if len(year) == 2 else []:
            try:
                found.append((datetime(full, int(month), int(day), hour, int(match["M"] or 0), int(match["S"] or 0)), precision))
            except ValueError:
                continue
    return found
