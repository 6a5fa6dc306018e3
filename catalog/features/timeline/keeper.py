"""The timeline of a catalog, kept in step with its index: built in the background, and from then on
brought up to date by what was changed.

Every change of a document has a number in its index (`_seq_no`), whoever made it and whether it was
told as an event or not; what is numbered higher than the column has come is read anew. What was
forgotten has no document to be found so: it is missed in the count, and named by the history.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from catalog.domain.copies import timestamp
from catalog.domain.privacy import PrivacyRule
from catalog.domain.timeline import Row
from catalog.errors import CatalogError, IndexUnavailable, NoCatalog
from catalog.features.timeline.column import (
    Column,
    NoColumn,
    Standing,
    empty_column,
    merged_order,
    open_column,
    write_column,
)
from catalog.features.timeline.index import EVERYTHING, MANY, find_gone, scan_rows
from catalog.features.timeline.rows import TABLES, RowBuffer, sorted_order
from catalog.index import schema
from catalog.index.privacy import read_rules, ruled_by
from catalog.index.requests import changed_since, count_at, point_in_time, read_progress

if TYPE_CHECKING:
    from catalog.index.repository import Repository
    from catalog.work.workspace import Workspace

log = logging.getLogger(__name__)
PAUSE, LONGEST_PAUSE = 1.0, 5.0
"""Seconds between two looks at how far the index was written."""
SHARE = 10
"""For so many times as long as a look took, and the change of the file after it, there is none."""
FAR, FAR_SHARE = 20_000, 10
"""Where more documents than this, and than this part of all, were changed, they are not read one by
one: the column is built anew."""
BUILD_SHARE = 4
"""For so many times as long as a build took, none follows it."""
STOP_SECONDS = 10.0
"""What is waited for at the end: a question to an index that is away may take longer."""
UNCOLLECTED = 100_000
"""Objects that may be made in a build before Python looks for circles among them."""
_SLACK = timedelta(minutes=2)
"""By so much may the clocks of those who write the history differ."""


@dataclass(frozen=True, slots=True)
class KeeperState:
    """Whether a column is being built, and how many assets of how many are in it; why the last look
    at the index failed, or "".
    """

    building: bool = False
    done: int = 0
    of: int = 0
    problem: str = ""


class TimelineKeeper:
    """Keeps the column file of a workspace's catalog in a folder. One a program; `column` and
    `state` may be asked for from several threads.
    """

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self._workspace = workspace
        alias = workspace.settings.index
        name = hashlib.blake2b(alias.encode(), digest_size=8).hexdigest()
        self.path = folder / f"timeline-{name}.column"
        self._alias = alias
        self._column: Column | None = None
        self._error: CatalogError | None = None
        self._ready = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.state = KeeperState()
        self._rules: tuple[tuple[int, ...], tuple[PrivacyRule, ...]] | None = None
        self._next_build = 0.0

    def start(self) -> None:
        """Begin to keep it, in a thread of its own."""
        self._thread = threading.Thread(target=self._keep, name="timeline", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let it be; a build that is under way leaves nothing."""
        self._stopping.set()
        with self._ready:
            self._ready.notify_all()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def column(self, patience: float | None = None) -> Column:
        """The newest whole column; the first is waited for, for so many seconds at most.

        Raises what came in between where there is none yet, IndexUnavailable where it is still
        being built.
        """
        with self._ready:
            self._ready.wait_for(
                lambda: self._column is not None or self._error or self._stopping.is_set(),
                patience,
            )
            if self._column is not None:
                return self._column
            raise self._error or IndexUnavailable(
                "The timeline is not ready yet.", hint="Ask again in a moment."
            )

    # --- the thread -------------------------------------------------------------------------------

    def _keep(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            began = time.monotonic()
            try:
                self.bring_up_to_date()
            except (CatalogError, OSError) as error:
                self._failed(error)
            except Exception as error:
                log.exception("The timeline cannot be brought up to date.")
                self._failed(error)
            pause = min(LONGEST_PAUSE, max(PAUSE, SHARE * (time.monotonic() - began)))

    def _failed(self, error: Exception) -> None:
        if self._stopping.is_set():
            return
        told = error if isinstance(error, CatalogError) else CatalogError(str(error))
        log.warning("The timeline is not up to date: %s", told)
        self.state = replace(self.state, building=False, problem=str(told))
        with self._ready:
            self._error = told
            self._ready.notify_all()

    def _publish(self, column: Column) -> None:
        with self._ready:
            self._column, self._error = column, None
            self._ready.notify_all()
        self.state = KeeperState(False, column.count, column.count)

    def bring_up_to_date(self) -> Column:
        """Look once at the index, and make the column as it is: what the thread does again and
        again. Raises CatalogError, OSError.
        """
        try:
            repository = self._workspace.existing_repository
        except NoCatalog:
            column = empty_column(self._alias)
            self._publish(column)
            return column
        column = self._brought(repository, self._column or self._opened())
        if column is not self._column or self.state.problem:
            self._publish(column)
        return column

    def _opened(self) -> Column | None:
        """The column that an earlier program left, if it is one of this catalog."""
        try:
            column = open_column(self.path)
        except FileNotFoundError:
            return None
        except (NoColumn, ValueError, KeyError, OSError) as error:
            log.warning("%s is made anew: %s.", self.path, error)
            return None
        return column if column.standing.alias == self._alias else None

    def _brought(self, repository: Repository, column: Column | None) -> Column:
        began = timestamp(datetime.now(UTC))
        progress = read_progress(repository.connection, self._alias)
        rules = self._current_rules(repository)
        wanted = Standing(self._alias, progress.index, progress.reached, began, rules)
        if column is None or not _follows(column.standing, wanted):
            return self._built(repository, wanted)
        if (column.standing.reached, column.standing.rules) == (wanted.reached, wanted.rules):
            return column
        return self._updated(repository, column, wanted) or self._rebuilt(
            repository, column, wanted
        )

    def _current_rules(self, repository: Repository) -> tuple[PrivacyRule, ...]:
        index = schema.companion(self._alias, "decisions")
        reached = read_progress(repository.connection, index).reached
        if self._rules is None or self._rules[0] != reached:
            repository.refresh(index)
            self._rules = reached, read_rules(repository)
        return self._rules[1]

    def _rebuilt(self, repository: Repository, column: Column, wanted: Standing) -> Column:
        """Another column in place of one that is too far behind, but not without a pause."""
        if time.monotonic() < self._next_build:
            return column
        return self._built(repository, wanted)

    def _built(self, repository: Repository, standing: Standing) -> Column:
        began = time.monotonic()
        repository.refresh(self._alias)
        rows = RowBuffer()
        with point_in_time(repository.connection, self._alias) as pit, _few_collections():
            count = count_at(repository.connection, pit, EVERYTHING)
            self.state = KeeperState(True, 0, count)
            slices = 2 if count >= MANY else 1
            for page in scan_rows(repository, pit, EVERYTHING, standing.rules, slices=slices):
                for row in page:
                    rows.add(row)
                self.state = KeeperState(True, len(rows), count)
                if self._stopping.is_set():
                    raise IndexUnavailable("The timeline is not kept any more.")
        column = write_column(self.path, sorted_order(rows.sections()), None, rows, standing)
        self._next_build = time.monotonic() + BUILD_SHARE * (time.monotonic() - began)
        return column

    def _updated(self, repository: Repository, column: Column, wanted: Standing) -> Column | None:
        """The column with what was changed since; None where that is too much, or unclear."""
        repository.refresh(self._alias)
        since = changed_since(column.standing.reached)
        other = set(wanted.rules) ^ set(column.standing.rules)
        query = {"bool": {"should": [since, ruled_by(other)]}} if other else since
        with point_in_time(repository.connection, self._alias) as pit:
            changed = count_at(repository.connection, pit, since)
            if changed > max(FAR, column.count // FAR_SHARE):
                return None
            pages = scan_rows(repository, pit, query, wanted.rules)
            rows = {row.hash: row for page in pages for row in page}
            count = count_at(repository.connection, pit, EVERYTHING)
        fresh = sum(column.position_of(name) is None for name in rows)
        gone: set[bytes] = set()
        if column.count + fresh != count:
            before = datetime.fromisoformat(column.standing.as_of) - _SLACK
            lost = find_gone(repository, timestamp(before)) - rows.keys()
            gone = {name for name in lost if column.position_of(name) is not None}
            if column.count + fresh - len(gone) != count:
                return None
        return apply_changes(self.path, column, rows.values(), gone, wanted)


@contextlib.contextmanager
def _few_collections() -> Iterator[None]:
    """While very many short-lived objects are made, none of which is part of a circle, Python looks
    for circles less often: that takes a third of the time otherwise.
    """
    usual = gc.get_threshold()
    gc.set_threshold(UNCOLLECTED, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _follows(old: Standing, new: Standing) -> bool:
    """Whether one is of the same index, and no farther."""
    return (
        old.index == new.index
        and len(old.reached) == len(new.reached)
        and all(a <= b for a, b in zip(old.reached, new.reached, strict=True))
    )


def apply_changes(
    path: Path, column: Column, rows: Iterable[Row], gone: Iterable[bytes], standing: Standing
) -> Column:
    """A column with some rows in place of those of the same assets, or besides, and without others.

    Where nothing of it is another, nothing is written. Raises OSError.
    """
    given = list(rows)
    names = {table: column.names(table) for table in TABLES}
    buffer = RowBuffer(names)
    before = [column.position_of(row.hash) for row in given]
    for row in given:
        buffer.add(row)
    changed = _are_others(column, before, buffer)
    if not all(changed):
        buffer = RowBuffer(names)
        for row, is_other in zip(given, changed, strict=True):
            if is_other:
                buffer.add(row)
    replaced = [
        at for at, is_other in zip(before, changed, strict=True) if is_other and at is not None
    ]
    lost = [at for name in gone if (at := column.position_of(name)) is not None]
    if not buffer and not lost:
        return column.advanced(standing)
    order = merged_order(column, [*replaced, *lost], buffer)
    return write_column(path, order, column, buffer, standing)


def _are_others(column: Column, before: Sequence[int | None], rows: RowBuffer) -> list[bool]:
    """Which rows differ from those that stand at some positions, or stand nowhere."""
    known = np.array([at is not None for at in before], bool)
    at = np.array([at or 0 for at in before], np.int64)
    same = known.copy()
    if column.count:
        for name, values in rows.sections().items():
            equal = getattr(column, name)[at] == values
            same &= equal.all(axis=1) if name == "hashes" else equal
    return [not each for each in same.tolist()]
