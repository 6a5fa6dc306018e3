"""Rows in columns, as they are gathered before they are sorted and written."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from catalog.domain.timeline import UNDATED, Row

Sections: TypeAlias = dict[str, npt.NDArray[np.generic]]
"""Columns by name, one entry an asset."""
Order: TypeAlias = npt.NDArray[np.int64]
"""Numbers of rows, in the order in which they are to stand."""

SECTIONS: dict[str, str] = {
    "hashes": "(32,)u1",
    "walls": "<i8",
    "sizes": "<i8",
    "added": "<i4",
    "owners": "<u4",
    "places": "<u4",
    "folders": "<u4",
    "cameras": "<u4",
    "colours": "<u2",
    "qualities": "<u2",
    "precisions": "u1",
    "flags": "u1",
    "aspects": "u1",
}
"""The columns of a file and their types, little-endian. `owners`, `places`, `folders` and `cameras`
are numbers of a table of names; 0 is none."""
TABLES = ("owners", "places", "folders", "cameras")
OWNERS_BETWEEN = "\x00"
"""Between the persons of one entry of the owners' table."""
_CODES = {"<i8": "q", "<i4": "i", "<u4": "I", "<u2": "H", "u1": "B"}


class RowBuffer:
    """Rows that are added one by one; `tables` are the names that have numbers already."""

    def __init__(self, tables: Mapping[str, Sequence[str]] | None = None) -> None:
        self._hashes = bytearray()
        self._columns = {n: array(_CODES[t]) for n, t in SECTIONS.items() if n != "hashes"}
        known = tables or dict.fromkeys(TABLES, ("",))
        self._numbers = {t: {name: n for n, name in enumerate(known[t])} for t in TABLES}

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._hashes) // 32

    def add(self, row: Row) -> None:
        """One more."""
        self._hashes += row.hash
        put = self._columns
        put["walls"].append(row.wall)
        put["sizes"].append(row.size)
        put["added"].append(row.added)
        put["owners"].append(self._number("owners", OWNERS_BETWEEN.join(row.persons)))
        put["places"].append(self._number("places", row.place))
        put["folders"].append(self._number("folders", row.folder))
        put["cameras"].append(self._number("cameras", row.camera))
        put["colours"].append(row.colour)
        put["qualities"].append(row.quality)
        put["precisions"].append(row.precision)
        put["flags"].append(row.flags)
        put["aspects"].append(row.aspect)

    def _number(self, table: str, name: str) -> int:
        numbers = self._numbers[table]
        return numbers.setdefault(name, len(numbers))

    @property
    def tables(self) -> dict[str, list[str]]:
        """The names of each table, by their numbers."""
        return {table: list(numbers) for table, numbers in self._numbers.items()}

    def sections(self) -> Sections:
        """The rows as columns, in the order in which they were added; none is added while they are
        looked at.
        """
        hashes = np.frombuffer(self._hashes, np.uint8).reshape(-1, 32)
        return {
            "hashes": hashes,
            **{
                name: np.frombuffer(column, np.dtype(SECTIONS[name]))
                for name, column in self._columns.items()
            },
        }


def prefixes(hashes: npt.NDArray[np.generic], first: int = 0) -> npt.NDArray[np.uint64]:
    """Eight bytes of each hash from one on, as numbers that sort as the bytes do."""
    head = np.ascontiguousarray(hashes[:, first : first + 8])
    return head.view(">u8").reshape(-1).astype(np.uint64)


def newest_first(walls: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Keys by which wall clocks are sorted, the newest first and the undated last."""
    clocks = walls.astype(np.int64)
    return np.where(clocks == UNDATED, np.iinfo(np.int64).max, -clocks)


def sorted_order(sections: Sections) -> Order:
    """The order of a timeline: the newest first, of one moment the more precise, then by hash."""
    hashes = sections["hashes"]
    heads = prefixes(hashes)
    are_told_apart = len(np.unique(heads)) == len(heads)
    rest = () if are_told_apart else tuple(prefixes(hashes, first) for first in (24, 16, 8))
    return np.lexsort((*rest, heads, sections["precisions"], newest_first(sections["walls"])))
