"""Applies a mirror's plan: files are copied or renamed in the other store, verified, and only then recorded."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog.domain import edits
from catalog.domain.copies import copy_row, sidecar_row
from catalog.domain.edits import Edit
from catalog.errors import AlreadyExists, NotFound, ReadOnlyStore, StoreError, StoreFull, StoreUnavailable
from catalog.execution.journal import Journal
from catalog.execution.report import Outcome, Report
from catalog.plans.mirror import Follow, Mirroring, Transfer
from catalog.stores.protocol import Store

OUTCOMES = ("copied", "moved", "failed")
FATAL = (StoreFull, ReadOnlyStore, StoreUnavailable)
BATCH = 128
THREADS = 4


@dataclass(slots=True)
class Mirrorer:
    """Makes `target` hold what `source` holds. Several files travel at once; each batch is recorded before the next."""

    source: Store
    target: Store
    edit: Callable[[Sequence[Edit]], list[str]]
    journal: Journal
    report: Report
    advance: Callable[[int], None] = lambda _count: None

    def apply(self, plan: Iterable[Mirroring]) -> None:
        """All of it; renames of a batch go before its copies. Raises what must stop the run, after recording what was done."""
        stream = iter(plan)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="mirror") as pool:
            while batch := list(itertools.islice(stream, BATCH)):
                moved = [self._attempt(a) for a in batch if isinstance(a, Follow)]
                copied = list(pool.map(self._attempt, (a for a in batch if isinstance(a, Transfer))))
                done = [*moved, *copied]
                self._record([action for action, error in done if error is None])
                for action, error in done:
                    if error is not None:
                        self._fail(action, error)
                fatal = next((e for _a, e in done if isinstance(e, FATAL)), None)
                if fatal is not None:
                    raise fatal

    def _attempt(self, action: Mirroring) -> tuple[Mirroring, StoreError | None]:
        self.journal.started(action.name, store=self.target.name, path=action.path, hash=action.hash)
        try:
            if isinstance(action, Follow):
                self.target.move(action.old, action.path)
            else:
                self._copy(action)
        except StoreError as error:
            return action, error
        return action, None

    def _copy(self, action: Transfer) -> None:
        entry = self.source.stat(action.path)
        if entry is None:
            raise NotFound(
                f"{action.path} is not in store {self.source.name} any more.", hint="Run sync_catalog_with_disk for it."
            )
        try:
            with self.source.open(action.path) as stream:
                self.target.put(action.path, stream, entry.size, entry.mtime_ns, action.hash)
        except AlreadyExists:
            if self.target.checksum(action.path) != action.hash:  # else it came there by another way, and only is not recorded
                raise

    def _record(self, done: Sequence[Mirroring]) -> None:
        self.target.settle([a.path for a in done])
        wanted = [edit for a in done if (edit := self._edit(a)) is not None]
        answers = dict(zip((e.event["path"] for e in wanted), self.edit(wanted), strict=True))
        for action in done:
            problem = answers.get(action.path, "it vanished before it was recorded")
            if problem not in ("done", "unchanged"):
                self._fail(action, StoreError(problem))
                continue
            self.journal.done(action.name, store=self.target.name, path=action.path, hash=action.hash)
            moved = isinstance(action, Follow)
            path, target = (action.old, action.path) if isinstance(action, Follow) else (action.path, "")
            size = action.size if isinstance(action, Transfer) else 0
            outcome = "moved" if moved else "copied"
            self.report.add(Outcome(action.name, path, outcome, self.target.name, target, action.hash, size=size, stored=size))
            self.advance(1)

    def _edit(self, action: Mirroring) -> Edit | None:
        store = self.target.name
        entry = self.target.stat(action.path)
        if entry is None:
            return None
        now = datetime.now(UTC)
        event: dict[str, Any] = {"store": store, "path": action.path, "effect": "file"}
        old = action.old if isinstance(action, Follow) else None
        event["source"] = old or f"{self.source.name}:{action.path}"
        if action.is_sidecar:
            gone = [(store, old)] if old else []
            change = edits.with_sidecars(gone, [sidecar_row(store, entry, action.hash)])
        elif old:
            change = edits.moved_copy(store, old, copy_row(store, entry, now, now))
        else:
            change = edits.with_copy(copy_row(store, entry, now, now))
        return Edit(action.owner, action.name, change, event)

    def _fail(self, action: Mirroring, error: StoreError) -> None:
        self.journal.failed(action.name, store=self.target.name, path=action.path, hash=action.hash, reason=str(error))
        hint = " (the catalog's copy is damaged: see `catalog verify`)" if type(error).__name__ == "FixityMismatch" else ""
        reason = f"{error}{hint}"
        self.report.add(Outcome(action.name, action.path, "failed", self.target.name, hash=action.hash, reason=reason))
