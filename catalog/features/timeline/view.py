"""Views of a column: positions in an order, for one person, of one query; and what a page is sent
of them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import numpy.typing as npt

from catalog.domain.timeline import NO_DATE, UNDATED
from catalog.errors import UsageError
from catalog.features.inspection.search import mark_errors
from catalog.features.timeline.index import find_hashes
from catalog.features.timeline.rows import prefixes

if TYPE_CHECKING:
    from catalog.features.timeline.column import Column
    from catalog.work.workspace import Workspace

SORTS = ("taken", "added", "size", "quality", "random")
GROUPS = ("day", "place", "folder", "camera", "none")
MOST_KEPT = 8
"""Views of one column that are kept: of a million assets each takes some 6 MB."""
NEW_GROUP = 0x80
"""The bit of a layout byte with which a group begins."""
_DAY = 1440
_YEAR_ALONE = 2
_TABLES = {"place": "places", "folder": "folders", "camera": "cameras"}
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)

Positions = npt.NDArray[np.uint32]
Keys = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """What is to be seen, and in which order.

    Groups come first, days from the newest to the oldest (if `taken` is not ascending), others by
    their names; within them, or over all where `group` is none, the assets by `sort`. `query` is in
    the words of `catalog search`; `seed` mixes what is `random`.
    """

    sort: str = "taken"
    group: str = "day"
    query: str = ""
    seed: int = 0
    descending: bool = True


class Mark(TypedDict):
    """Where a part of a view begins, and what it is called."""

    key: str
    position: int


class View:
    """Assets of a column in an order; positions here count from 0 to `count`."""

    def __init__(self, column: Column, request: ViewRequest, positions: Positions | None) -> None:
        self.column = column
        self.request = request
        self._positions = positions
        self.count = column.count if positions is None else len(positions)
        self.etag = _etag(column, request, positions)

    @property
    def positions(self) -> Positions:
        """Where each asset stands in the column."""
        if self._positions is None:
            return np.arange(self.count, dtype=np.uint32)
        return self._positions

    @cached_property
    def _starts(self) -> npt.NDArray[np.bool_]:
        """Where a group begins."""
        if self.request.group == "none":
            return np.zeros(self.count, bool)
        if self.request.group == "day":
            return _changes(_day_codes(self._of("minutes"), self._of("precisions")))
        return _changes(self._of(_TABLES[self.request.group]))

    def _of(self, name: str) -> npt.NDArray[Any]:
        """An array of the column, in the order of the view."""
        found: npt.NDArray[Any] = getattr(self.column, name)
        return found if self._positions is None else found[self._positions]

    def layout(self) -> bytes:
        """One byte an asset: its ratio in the low seven bits (`domain.timeline.ratio_of`), and
        NEW_GROUP."""
        return (self._of("aspects") | (self._starts * np.uint8(NEW_GROUP))).tobytes()

    def window(self, start: int, stop: int) -> bytes:
        """Of the assets from one position up to another, 16 bytes each, column by column and
        little-endian: ids (8), minutes (4), colours (2), flags (1), layout (1).
        """
        start = max(0, min(start, self.count))
        stop = max(start, min(stop, self.count))
        at = self._at(start, stop)
        column = self.column
        layout = column.aspects[at] | (self._starts[start:stop] * np.uint8(NEW_GROUP))
        minutes = column.minutes[at]
        parts = (column.ids(at), minutes, column.colours[at], column.flags[at], layout)
        return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)

    def _at(self, start: int, stop: int) -> Positions:
        if self._positions is None:
            return np.arange(start, stop, dtype=np.uint32)
        return self._positions[start:stop]

    def hash_at(self, position: int) -> str:
        """The content hash of the asset at a position, in hex. Raises IndexError."""
        return str(self.column.hashes[self._at(position, position + 1)][0].tobytes().hex())

    def marks(self) -> list[Mark]:
        """Where each part of the whole begins: a month (2019-07) or a year of which no more is
        known (1975), else a group by its name; the key of what has none is "".
        """
        return self._marks

    @cached_property
    def _marks(self) -> list[Mark]:
        """Found once: a page that is open asks for them again and again."""
        if self.request.group in _TABLES:
            table = _TABLES[self.request.group]
            names, numbers = self.column.names(table), self._of(table)
            begins = np.flatnonzero(self._starts).tolist()
            return [{"key": names[int(numbers[at])], "position": at} for at in begins]
        if self.request.group == "none" and self.request.sort != "taken":
            return []
        codes = _month_codes(self._of("minutes"), self._of("precisions"))
        begins = np.flatnonzero(_changes(codes)).tolist()
        return [{"key": _month_name(int(codes[at])), "position": at} for at in begins]

    def position_of(self, hash_prefix: bytes) -> int | None:
        """Where an asset stands, by its content hash or its id; None for one that is not seen."""
        at = self.column.position_of(hash_prefix)
        if at is None or self._positions is None:
            return at
        found = np.flatnonzero(self._positions == at)
        return int(found[0]) if len(found) else None

    def position_at(self, date: str) -> int:
        """The first asset of a day, a month or a year (2019-07-12, 2019-07, 2019), else the one
        that was taken nearest to its beginning. Raises UsageError for what is no date.
        """
        first, end = _span(date)
        minutes = self._of("minutes")
        inside = np.flatnonzero((minutes >= first) & (minutes < end))
        if len(inside):
            return int(inside[0])
        apart = np.abs(minutes.astype(np.int64) - first)
        apart[minutes == NO_DATE] = np.iinfo(np.int64).max
        return int(apart.argmin()) if self.count else 0


def open_view(
    column: Column, workspace: Workspace, request: ViewRequest, person: str | None
) -> View:
    """What a person sees of a column; one that was opened before is given again.

    `person` None sees only what is private to nobody. Raises UsageError for a sort or group that is
    none, QuerySyntaxError for a query that is not understood, in the words of the command line.
    """
    if request.sort not in SORTS or request.group not in GROUPS:
        raise UsageError(
            f"There is no order {request.sort} by {request.group}.",
            hint=f"Sort by {', '.join(SORTS)}; group by {', '.join(GROUPS)}.",
        )
    key = (request, person)
    with column.lock:
        if key in column.kept:
            column.kept.move_to_end(key)
            found: View = column.kept[key]
            return found
    view = View(column, request, _positions(column, workspace, request, person))
    with column.lock:
        column.kept[key] = view
        while len(column.kept) > MOST_KEPT:
            column.kept.popitem(last=False)
    return view


def _positions(
    column: Column, workspace: Workspace, request: ViewRequest, person: str | None
) -> Positions | None:
    """Positions in the order of the view; None where they are those of the column."""
    seen: Keys | None = None
    if request.query.strip():
        with mark_errors(request.query):
            seen = column.positions_of(find_hashes(workspace.existing_repository, request.query))
    allowed = np.array(column.shown_to(person), bool)
    if not allowed.all():
        seen = np.arange(column.count) if seen is None else seen
        seen = seen[allowed[column.owners[seen]]]
    is_as_it_lies = (request.sort, request.descending) == ("taken", True)
    if is_as_it_lies and request.group in ("day", "none"):
        return None if seen is None else seen.astype(np.uint32)
    return _sorted(column, request, np.arange(column.count) if seen is None else seen)


def _sorted(column: Column, request: ViewRequest, seen: Keys) -> Positions:
    """Positions by group, then by what is asked for, then as they lie."""
    keys = [seen, _sort_keys(column, request, seen)]
    if request.group != "none":
        keys.append(_group_ranks(column, request, seen))
    return seen[np.lexsort(keys)].astype(np.uint32)


def _sort_keys(column: Column, request: ViewRequest, seen: Keys) -> npt.NDArray[Any]:
    if request.sort == "random":
        return _mixed(prefixes(column.hashes[seen]), request.seed)
    if request.sort == "taken":
        walls = column.walls[seen]
        clocks = -walls if request.descending else walls.copy()
        clocks[walls == UNDATED] = np.iinfo(np.int64).max
        return clocks
    names = {"added": "added", "size": "sizes", "quality": "qualities"}
    values: Keys = getattr(column, names[request.sort])[seen].astype(np.int64)
    return -values if request.descending else values


def _mixed(values: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.uint64]:
    """Numbers mixed so that each seed orders them otherwise (the finalizer of SplitMix64)."""
    mixed = values ^ np.uint64((seed * 0x9E3779B97F4A7C15) & (2**64 - 1))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _group_ranks(column: Column, request: ViewRequest, seen: Keys) -> Keys:
    """The place of each asset's group among all groups."""
    if request.group == "day":
        days = _day_codes(column.minutes[seen], column.precisions[seen])
        ascending = request.sort == "taken" and not request.descending
        ranks = days if ascending else -days
        ranks[column.minutes[seen] == NO_DATE] = np.iinfo(np.int64).max
        return ranks
    table = _TABLES[request.group]
    names = column.names(table)
    ranks = np.empty(len(names), np.int64)
    ranks[
        sorted(range(len(names)), key=lambda n: (not names[n], names[n].casefold(), names[n]))
    ] = np.arange(len(names))
    numbers: npt.NDArray[np.uint32] = getattr(column, table)[seen]
    return ranks[numbers]


def _day_codes(minutes: npt.NDArray[np.int32], precisions: npt.NDArray[np.uint8]) -> Keys:
    """A number for each day, and others for a month and a year of which no day is known, so that
    they come after all that is known better of the same time."""
    return (minutes // _DAY).astype(np.int64) * 4 - precisions


def _month_codes(minutes: npt.NDArray[np.int32], precisions: npt.NDArray[np.uint8]) -> Keys:
    """A number for each month (twice those since 1970, and one), for a year of which no month is
    known (one less), and for what has no date (the smallest)."""
    months = (
        minutes.astype(np.int64).astype("datetime64[m]").astype("datetime64[M]").astype(np.int64)
    )
    codes: Keys = months * 2 + (precisions != _YEAR_ALONE)
    codes[minutes == NO_DATE] = np.iinfo(np.int64).min
    return codes


def _month_name(code: int) -> str:
    if code == np.iinfo(np.int64).min:
        return ""
    year, month = divmod(code // 2, 12)
    return f"{year + 1970:04d}-{month + 1:02d}" if code % 2 else f"{year + 1970:04d}"


def _changes(codes: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a value is another than the one before it; so is the first."""
    found = np.ones(len(codes), bool)
    found[1:] = codes[1:] != codes[:-1]
    return found


def _span(date: str) -> tuple[int, int]:
    """The minutes since 1970 in which a day, a month or a year begins and ends."""
    found = _DATE.fullmatch(date)
    try:
        day: np.datetime64[Any] | None = np.datetime64(date) if found else None
    except ValueError:
        day = None
    if day is None:
        raise UsageError(
            f"{date[:40]} is no date.", hint="Write it as 2019-07-12, 2019-07 or 2019."
        )
    first, end = (int(each.astype("datetime64[m]").astype(np.int64)) for each in (day, day + 1))
    return first, end


def _etag(column: Column, request: ViewRequest, positions: Positions | None) -> str:
    made = hashlib.blake2b(repr((column.etag, astuple(request))).encode(), digest_size=12)
    if positions is not None:
        made.update(positions.tobytes())
    return made.hexdigest()
