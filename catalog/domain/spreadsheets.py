"""Tables that a person edits in a spreadsheet: written so that it opens them unharmed,
read whatever it made of them.

Written as RFC 4180 asks, with ";" and UTF-8 with BOM. Read with ";", "," or tab; in UTF-8, UTF-16
or Windows-1252.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

SEPARATOR = ";"
SEPARATORS = (";", ",", "\t")
BOM = "\ufeff"
LONGEST_CELL = 16 * 1024 * 1024
"""Characters of one cell at most."""

_FORMULA = re.compile(r"['=+\-@\t\r]")
_NUMBER = re.compile(r"0\d+(\.\d*)?|\d{16,}|\d+(\.\d*)?[eE]\d+")
"""What a spreadsheet takes for a number and writes back as another text: leading zeros,
more than 15 digits, exponents.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    `line` is where it begins in the file, from 1; `cells` are by column; `problem` says why it
    cannot be used.

    `order` is the order of day, month and year in which the file's dates are written, "" where that
    is not known.
    """

    line: int
    cells: Mapping[str, str]
    problem: str = ""
    order: str = ""

    def get(self, column: str) -> str:
        """A cell without surrounding blanks; "" where there is none."""
        return self.cells.get(column, "").strip()


@dataclass(frozen=True, slots=True)
class Table:
    """Columns in their order, and rows.

    The columns that the program knows are in lower case, others as a person wrote them.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def protect(text: str) -> str:
    """A cell's text so that a spreadsheet takes it neither for a formula nor for a number that it
    would write differently.
    """
    return f"'{text}" if _FORMULA.match(text) or _NUMBER.fullmatch(text) else text


def unprotect(text: str) -> str:
    """The text that `protected` was given."""
    return text[1:] if text.startswith("'") and protect(text[1:]) == text else text


def encode_line(cells: Iterable[str]) -> bytes:
    """One row as bytes, with its line end."""
    stream = io.StringIO()
    csv.writer(stream, delimiter=SEPARATOR, lineterminator="\r\n").writerow(
        [protect(cell) for cell in cells]
    )
    return stream.getvalue().encode("utf-8", "backslashreplace")


def encode_header(columns: Iterable[str]) -> bytes:
    """The first line of a file, with the mark by which spreadsheets know UTF-8."""
    return BOM.encode() + encode_line(columns)


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
    """The table in a file.

    `needed` columns must be there, `known` ones may be; their names count in any case.

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
            raise ValueError(
                f"it has no column {missing[0]}; its columns are: "
                f"{', '.join(filter(None, columns)) or 'none'}"
            )
        rows = []
        begin = reader.line_num + 1
        for values in reader:
            if any(value.strip() for value in values):
                rows.append(_row(begin + skipped, columns, values))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"line {reader.line_num + skipped} is no row of a table ({error})"
        ) from error
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
    """The separator, the text without the line in which some spreadsheets state it,
    and how many lines that was.
    """
    first, _, rest = text.partition("\n")
    stated = re.fullmatch(r"sep=(.)\r?", first)
    if stated:
        return stated[1], rest, 1
    titles = {s: [cell.strip().strip('"').lower() for cell in first.split(s)] for s in SEPARATORS}
    return (
        max(SEPARATORS, key=lambda s: (sum(name in titles[s] for name in needed), first.count(s))),
        text,
        0,
    )


def _columns(header: Sequence[str], known: Sequence[str]) -> list[str]:
    columns: list[str] = []
    for number, title in enumerate(header, 1):
        name = unprotect(title.strip())
        name = name.lower() if name.lower() in known else name
        if name in columns and name in known:
            raise ValueError(f"it has the column {name} twice")
        candidates = itertools.chain(
            [name] if name else [], (f"{name or 'column'} {n}" for n in itertools.count(number))
        )
        columns.append(next(c for c in candidates if c not in columns))
    return columns


def _row(line: int, columns: Sequence[str], values: Sequence[str]) -> Row:
    cells = dict(zip(columns, map(unprotect, values), strict=False))
    beyond = any(value.strip() for value in values[len(columns) :])
    return Row(line, cells, "it has more cells than there are columns" if beyond else "")


def _without_empty_columns(columns: Sequence[str], rows: Sequence[Row]) -> Table:
    """Without the columns that have neither a title nor cells:
    a spreadsheet saves some to the right.
    """
    kept = [
        c for c in columns if not re.fullmatch(r"column \d+", c) or any(row.get(c) for row in rows)
    ]
    return Table(tuple(kept), tuple(rows))


# --- dates ----------------------------------------------------------------------------------------

_PROOF = "%Y%m%dT%H%M%S"
_LOCAL = re.compile(
    r"(?P<a>\d{1,4})([./-])(?P<b>\d{1,2})\2(?P<c>\d{1,4})\.?(?:[ "
    r"T]+(?P<H>\d{1,2})[:.](?P<M>\d{2})(?:[:.](?P<S>\d{2}))?"
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


def in_known_order(table: Table, written: str, proposed: str) -> Table:
    """The table whose rows say in which order its dates are written,
    if the column `written` shows that.

    It does by dates that can be read in one way alone, if those are what the column `proposed` says
    (as `proof_date`).
    """
    orders = set()
    for row in table.rows:
        wall, text = read_proof_date(row.get(proposed)), row.get(written)
        fitting, others = (
            _orders(text, wall) if wall is not None and not text[:4].isdigit() else (set(), set())
        )
        orders |= fitting if len(fitting) == 1 and not others else set()
    if len(orders) != 1:
        return table
    (order,) = orders
    return replace(table, rows=tuple(replace(row, order=order) for row in table.rows))


def is_reformatted(text: str, wall: datetime, order: str = "") -> bool:
    """Whether a spreadsheet has made this text of a wall clock, seconds or century left out.

    `order` is that of the file, if known. Raises ValueError where a person may as well have written
    another date.
    """
    fitting, others = _orders(text, wall, order)
    if fitting and others:
        raise ValueError("it can be read in two ways")
    return bool(fitting)


def _orders(text: str, wall: datetime, order: str = "") -> tuple[set[str], set[str]]:
    """The orders in which a text is this wall clock,
    and those in which it is another that may be meant.
    """
    readings = _readings(text, order)
    fitting = {reading.order for reading in readings if _is_of(reading, wall)}
    others = {reading.order for reading in readings} - fitting
    return fitting, others if "ymd" in fitting else others - {
        "ymd"
    }  # a year of two digits before the month is too rare


def _is_of(reading: _Reading, wall: datetime) -> bool:
    if reading.precision == "second":
        return reading.wall == wall.replace(microsecond=0)
    if reading.precision == "minute":
        return reading.wall == wall.replace(second=0, microsecond=0)
    return False


def local_date(text: str, order: str = "") -> datetime | None:
    """The wall clock of a date written as people of some country do,
    if there is only one way to read it; else None.
    """
    found = {reading.wall for reading in _readings(text, order) if reading.precision != "day"}
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class _Reading:
    """A way to read a date: in an order of its parts, and how precise it is: to the second,
    minute or day.
    """

    wall: datetime
    precision: str
    order: str


def _readings(text: str, order: str = "") -> list[_Reading]:
    """Every way to read a date, or those in one order.

    Where dots stand between its parts, the month is never the first.
    """
    match = _LOCAL.fullmatch(text.strip())
    if not match:
        return []
    a, b, c = match["a"], match["b"], match["c"]
    hour = int(match["H"] or 0)
    if match["half"] and hour <= 12:
        hour = hour % 12 + (12 if match["half"][0] in "Pp" else 0)
    precision = "second" if match["S"] else "minute" if match["H"] else "day"
    orders = (
        {"ymd": (a, b, c)}
        if len(a) == 4
        else {"dmy": (c, b, a), "mdy": (c, a, b), "ymd": (a, b, c)}
    )
    if match[2] == ".":
        orders.pop("mdy", None)
    if order in orders:
        orders = {order: orders[order]}
    found = []
    for name, (year, month, day) in orders.items():
        for full in _years(year):
            try:
                wall = datetime(
                    full, int(month), int(day), hour, int(match["M"] or 0), int(match["S"] or 0)
                )
            except ValueError:
                continue
            found.append(_Reading(wall, precision, name))
    return found


def _years(text: str) -> list[int]:
    if len(text) == 4:
        return [int(text)]
    return [1900 + int(text), 2000 + int(text)] if len(text) == 2 else []
