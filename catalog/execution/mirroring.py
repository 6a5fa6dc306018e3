"""Applies a mirror's plan: files are copied or renamed in the other store, verified, and only then recorded."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from catalog.domain import edits
from catalog.domain.copies import copy_row, held, is_as_recorded, sidecar_row
from catalog.domain.edits import Edit
from catalog.domain.filetypes import extension_of
from catalog.domain.layout import file_name
from catalog.errors import AlreadyExists, FixityMismatch, NotFound, ReadOnlyStore, StoreError, StoreFull, StoreUnavailable
from catalog.execution.journal import Journal
from catalog.execution.proof import is_same_file
from catalog.execution.report import Outcome, Report
from catalog.plans.mirror import Follow, Mirroring, Transfer
from catalog.stores.protocol import Store

OUTCOMES = ("copied", "moved", "failed")
FATAL = (StoreFull, ReadOnlyStore, StoreUnavailable)
BATCH = 128
THREADS = 4
MAX_SUFFIX = 1000
AnyAction = TypeVar("AnyAction", Transfer, Follow)
Done = tuple[Mirroring, StoreError | None]


@dataclass(slots=True)
class Mirrorer:
    """Makes `target` hold what `source` holds. Several files travel at once; each batch is recorded before the next."""

    source: Store
    target: Store
    edit: Callable[[Sequence[Edit]], list[str]]
    journal: Journal
    report: Report
    run: str
    advance: Callable[[int], None] = lambda _count: None

    def apply(self, follows: Sequence[Follow], transfers: Iterable[Transfer]) -> None:
        """All of it, renames first. Raises what must stop the run, after recording what was done."""
        self._settle([(self._attempt(f, self._move)) for f in follows])
        stream = iter(transfers)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="mirror") as pool:
            while batch := list(itertools.islice(stream, BATCH)):
                self._settle(list(pool.map(lambda t: self._attempt(t, self._copy), batch)))

    def _settle(self, done: Sequence[Done]) -> None:
        """Record what was done; where a name was taken by what is to be renamed itself, give both their names."""
        crossed = [action for action, error in done if isinstance(action, Follow) and isinstance(error, AlreadyExists)]
        done = [d for d in done if d[0] not in crossed] + self._uncross(crossed)
        self._record([action for action, error in done if error is None])
        for action, error in done:
            if error is not None:
                self._fail(action, error)
        fatal = next((e for _a, e in done if isinstance(e, FATAL)), None)
        if fatal is not None:
            raise fatal

    def _attempt(self, action: AnyAction, do: Callable[[AnyAction], AnyAction]) -> tuple[AnyAction, StoreError | None]:
        self.journal.started(action.name, store=self.target.name, path=action.path, hash=action.hash)
        try:
            return do(action), None
        except StoreError as error:
            return action, error

    def _move(self, action: Follow) -> Follow:
        """Rename a file that is as recorded; one that lies at its new place already came there before a kill."""
        entry = self.target.stat(action.old)
        if entry is None and self.target.stat(action.path) is not None and self.target.checksum(action.path) == action.hash:
            return action
        if entry is None:
            raise NotFound(f"{action.old} is gone from store {self.target.name}.", hint="Run sync_catalog_with_disk for it.")
        if not is_as_recorded(entry, held(action.row, action.hash)):
            raise StoreError(f"{action.old} was changed in store {self.target.name}.", hint="Run sync_catalog_with_disk for it.")
        self.target.move(action.old, action.path)
        return action

    def _uncross(self, crossed: Sequence[Follow]) -> list[Done]:
        """Renames in a ring: each file gets a name of its own first, and goes back where that does not help."""
        done: list[Done] = []
        waiting: list[tuple[Follow, str]] = []
        for action in crossed:
            aside = f"{action.old}.{self.run}.moving"
            try:
                self.target.move(action.old, aside)
                waiting.append((action, aside))
            except StoreError as error:
                done.append((action, error))
        for action, aside in waiting:
            try:
                self.target.move(aside, action.path)
                done.append((action, None))
            except StoreError as error:
                with contextlib.suppress(StoreError):
                    self.target.move(aside, action.old)
                done.append((action, error))
        return done

    def _copy(self, action: Transfer) -> Transfer:
        """Copy a file; where its name is taken by other content it gets a number, and an older sidecar gives way."""
        entry = self.source.stat(action.path)
        if entry is None:
            raise NotFound(f"{action.path} is gone from store {self.source.name}.", hint="Run sync_catalog_with_disk for it.")
        folder, _, name = action.path.rpartition("/")
        extension = extension_of(name)
        stem = name[: -len(extension) - 1] if extension else name
        for number in range(MAX_SUFFIX):
            path = action.path if not number else f"{folder}/{file_name(stem, name, number)}".lstrip("/")
            there = self.target.stat(path)
            if there is not None and is_same_file(there, entry):
                raise StoreError(f"{path} in store {self.target.name} is the same file as in store {self.source.name}.")
            if there is not None and self.target.checksum(path) == action.hash:  # it came there by another way
                return replace(action, placed=path, found=True)
            if there is not None and action.is_sidecar and action.replaces == self.target.checksum(path):
                self.target.remove(path, self.run)
            with contextlib.suppress(AlreadyExists), self.source.open(action.path) as stream:
                self.target.put(path, stream, entry.size, entry.mtime_ns, action.hash)
                return replace(action, placed=path)
        raise AlreadyExists(f"{action.path} is taken in store {self.target.name}.", store=self.target.name, path=action.path)

    def _record(self, done: Sequence[Mirroring]) -> None:
        self.target.settle([_place(a) for a in done])
        wanted = [edit for a in done if (edit := self._edit(a)) is not None]
        answers = dict(zip(((e.hash, e.event["path"]) for e in wanted), self.edit(wanted), strict=True))
        for action in done:
            problem = answers.get((action.owner, _place(action)), "it vanished before it was recorded")
            if problem not in ("done", "unchanged"):
                self._fail(action, StoreError(problem))
                continue
            self.journal.done(action.name, store=self.target.name, path=action.path, hash=action.hash)
            self.report.add(self._told(action))
            self.advance(1)

    def _told(self, action: Mirroring) -> Outcome:
        store = self.target.name
        if isinstance(action, Follow):
            return Outcome(action.name, action.old, "moved", store, action.path, action.hash)
        target = action.placed if action.placed != action.path else ""
        return Outcome(action.name, action.path, "copied", store, target, action.hash, size=action.size, stored=action.size)

    def _edit(self, action: Mirroring) -> Edit | None:
        store, path = self.target.name, _place(action)
        entry = self.target.stat(path)
        if entry is None:
            return None
        now = datetime.now(UTC)
        is_found = isinstance(action, Transfer) and action.found
        event: dict[str, Any] = {"store": store, "path": path, "effect": "index" if is_found else "file"}
        old = action.old if isinstance(action, Follow) else None
        event["source"] = old or f"{self.source.name}:{action.path}"
        if action.is_sidecar:
            change = edits.with_sidecars([(store, old)] if old else [], [sidecar_row(store, entry, action.hash)])
        elif old:
            change = edits.moved_copy(store, old, copy_row(store, entry, now, now))
        else:
            change = edits.with_copy(copy_row(store, entry, now, now))
        return Edit(action.owner, action.name, change, event)

    def _fail(self, action: Mirroring, error: StoreError) -> None:
        self.journal.failed(action.name, store=self.target.name, path=action.path, hash=action.hash, reason=str(error))
        hint = " (the catalog's copy is damaged: see `catalog verify`)" if isinstance(error, FixityMismatch) else ""
        reason = f"{error}{hint}"
        self.report.add(Outcome(action.name, action.path, "failed", self.target.name, hash=action.hash, reason=reason))


def _place(action: Mirroring) -> str:
    """Where a file lies in the other store afterwards."""
    return action.placed or action.path if isinstance(action, Transfer) else action.path
