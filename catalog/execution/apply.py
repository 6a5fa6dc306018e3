"""The only writer of an upload: journal, check again, copy, verify, record, and only then remove a source."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from catalog.domain.asset import Copy, Entry
from catalog.domain.capture_time import file_time
from catalog.domain.filetypes import extension_of
from catalog.domain.layout import file_name, sidecar_names
from catalog.errors import (
    AlreadyExists,
    CatalogError,
    FixityMismatch,
    PermissionDenied,
    ReadOnlyStore,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from catalog.execution.journal import Journal
from catalog.execution.recorder import Record, Recorder
from catalog.execution.report import Outcome, Report
from catalog.plans.actions import Action, CopyToStore, Skip, SkipDuplicate
from catalog.stores.protocol import Store

FATAL = (StoreFull, ReadOnlyStore, StoreUnavailable)
"""Errors of a store that the next file would meet as well: the run stops, and nothing is lost."""
MAX_SUFFIX = 10_000


class Writing(Protocol):
    """What applying needs of the index: the lines to send, and an answer to a refusal."""

    def create_lines(
        self, action: CopyToStore, copy: Copy, sidecars: list[dict[str, Any]], run: str, fingerprint: str
    ) -> list[Any]:
        """Bulk lines that record a copy: its asset created or amended, the source remembered, the event."""
        ...

    def duplicate_lines(self, action: SkipDuplicate, run: str, fingerprint: str) -> list[Any]:
        """Bulk lines that remember a source file as a duplicate."""
        ...

    def add_copy(self, content_hash: str, copy: Copy, judge: Callable[[list[str]], Verdict], run: str) -> str:
        """Add a copy to an asset whose document exists, by a conditional change.

        `judge` is asked about the paths of its other copies in the same store. Returns `added`; `ours` or `present`
        where the document has this very copy already, from this run or another; `refused` where another one is proved.
        """
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an asset's other copies in a store: one was proved by reading it, these are gone."""

    proved: bool
    missing: frozenset[str] = frozenset()


class SourceStore(Store, Protocol):
    """A store that files are taken from."""

    def discard(self, path: str) -> None:
        """Remove a file for good; its content is proved elsewhere."""
        ...


@dataclass(slots=True)
class Applier:
    """Applies the plans of one run. `apply` returns while copies are still under way; `finish` waits for all of it."""

    source: SourceStore
    target: SourceStore
    index: Writing
    recorder: Recorder
    journal: Journal
    report: Report
    run: str
    fingerprint: Callable[[Entry], str]
    on_file: Callable[[int], None]
    threads: int = 2
    _pool: ThreadPoolExecutor = field(init=False)
    _slots: threading.Semaphore = field(init=False)
    _in_flight: dict[str, str] = field(default_factory=dict)
    _copying: dict[str, Future[None]] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _fatal: CatalogError | None = None

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="copy")
        self._slots = threading.Semaphore(self.threads * 4)

    def in_flight(self) -> dict[str, str]:
        """Content hash to target of what is planned and not yet in the index."""
        with self._lock:
            return dict(self._in_flight)

    def apply(self, actions: Sequence[Action]) -> None:
        """Apply one plan. Raises what must stop the whole run."""
        for action in actions:
            self._raise_fatal()
            if isinstance(action, Skip):
                self._tell(Outcome("skip", action.source.path, action.outcome, reason=action.reason))
            elif isinstance(action, CopyToStore):
                with self._lock:
                    self._in_flight[action.asset.hash] = action.target
                copying = self._submit(self._copy, action)
                with self._lock:
                    if action.asset.hash in self._in_flight:
                        self._copying[action.asset.hash] = copying
        for action in actions:
            if isinstance(action, SkipDuplicate):
                self._submit(self._repeat, action)

    def finish(self) -> None:
        """Wait for every copy and its record. Raises what stopped the run."""
        self._pool.shutdown(wait=True)
        self.recorder.close()
        self._raise_fatal()

    def _submit(self, work: Callable[[Any], None], action: Action) -> Future[None]:
        self._slots.acquire()

        def guarded() -> None:
            try:
                if self._fatal is None:
                    work(action)
            except CatalogError as error:
                self._fatal = self._fatal or error
            except Exception as error:  # never lost in a thread
                self._fatal = self._fatal or CatalogError(f"{action.source.path}: {type(error).__name__}: {error}")
            finally:
                self._slots.release()

        return self._pool.submit(guarded)

    def _raise_fatal(self) -> None:
        if self._fatal is not None:
            raise self._fatal
        if self.recorder.error is not None:
            raise self.recorder.error

    def _tell(self, outcome: Outcome) -> None:
        self.report.add(outcome)
        self.on_file(1)

    # --- copying ---------------------------------------------------------------------------------------------------

    def _copy(self, action: CopyToStore) -> None:
        details = {"source": action.source.path, "store": action.store, "target": action.target, "hash": action.asset.hash}
        self.journal.started("copy", **details)
        try:
            placed = self._place(action)
            sidecars = [self._place_sidecar(placed, entry, target) for entry, target in placed.sidecars]
        except FATAL as error:
            self._give_up(action, details, str(error))
            raise
        except StoreError as error:
            self._give_up(action, details, str(error))
            return
        now = datetime.now(UTC)
        mtime = file_time(action.source.mtime_ns).replace(tzinfo=UTC)
        copy = Copy(action.store, placed.target, action.source.size, mtime, added=now, verified=now)
        lines = self.index.create_lines(placed, copy, sidecars, self.run, self.fingerprint(action.source))
        paths = [placed.target, *(s["path"] for s in sidecars)]
        self.recorder.add(Record(lines, lambda replies: self._recorded(placed, copy, replies), paths))

    def _place(self, action: CopyToStore) -> CopyToStore:
        """The action with the target it got: where the name is taken by other content, the next free number."""
        folder, _, name = action.target.rpartition("/")
        stem = name[: -len(extension_of(name)) - 1] if extension_of(name) else name
        for number in itertools.count():
            target = action.target if number == 0 else f"{folder}/{file_name(stem, name, number)}"
            placed = replace(action, target=target, present=self._holds(target, action))
            if placed.present:
                return placed
            try:
                with self.source.open(action.source.path) as stream:
                    self.target.put(target, stream, action.source.size, action.source.mtime_ns, action.asset.hash)
                return placed
            except AlreadyExists:
                if self._holds(target, action):  # another program was faster, with the same content
                    return replace(placed, present=True)
                if number >= MAX_SUFFIX:
                    raise
        raise AssertionError("unreachable")

    def _holds(self, target: str, action: CopyToStore) -> bool:
        """Whether the very content lies at the target already, by reading it."""
        entry = self.target.stat(target)
        return entry is not None and entry.size == action.source.size and self.target.checksum(target) == action.asset.hash

    def _place_sidecar(self, owner: CopyToStore, entry: Entry, target: str) -> dict[str, Any]:
        digest = self.source.checksum(entry.path)
        for path in itertools.chain([target], sidecar_names(entry.name, owner.source.name, owner.target)):
            if self.target.stat(path) is None:
                with contextlib.suppress(AlreadyExists), self.source.open(entry.path) as stream:
                    self.target.put(path, stream, entry.size, entry.mtime_ns, digest)
                    break
            if self.target.checksum(path) == digest:
                break
        return {"store": self.target.name, "path": path, "hash": digest, "size": entry.size}

    def _give_up(self, action: CopyToStore, details: Mapping[str, Any], reason: str) -> None:
        with self._lock:
            self._failed.add(action.asset.hash)
        self._landed(action)
        self.journal.failed("copy", **details, reason=reason)
        self._tell(Outcome("copy", action.source.path, "failed", action.store, action.target, action.asset.hash, reason))

    def _landed(self, action: CopyToStore) -> None:
        with self._lock:
            self._in_flight.pop(action.asset.hash, None)
            self._copying.pop(action.asset.hash, None)

    # --- recording -------------------------------------------------------------------------------------------------

    def _recorded(self, action: CopyToStore, copy: Copy, replies: list[dict[str, Any]]) -> None:
        """The index has answered: now the copy counts, and only now a source may go."""
        details = {"source": action.source.path, "store": action.store, "target": action.target, "hash": action.asset.hash}
        refused = next((r for r in replies if r["status"] >= 300 and r["status"] != 409), None)
        if refused:
            self._give_up(action, details, f"the index refused the record: {refused['error'].get('reason', refused['error'])}")
            return
        must_merge = not action.is_new or replies[0]["status"] == 409
        outcome = self._merge(action, copy) if must_merge else "new"
        reason = self._remove_source(action.source, [s for s, _t in action.sidecars]) if action.remove_source else ""
        self.journal.done("copy", **details, outcome=outcome)
        self._landed(action)
        stored = action.source.size if outcome == "new" and not action.present else 0
        self._tell(Outcome("copy", action.source.path, "failed" if reason else outcome, action.store, action.target,
                           action.asset.hash, reason, action.source.size, stored))  # fmt: skip

    def _merge(self, action: CopyToStore, copy: Copy) -> str:
        """Add the copy to a document that exists. Where another program was faster and its copy is proved, ours goes."""

        def judge(paths: list[str]) -> Verdict:
            missing = frozenset(p for p in paths if self.target.stat(p) is None)
            proved = not action.present and any(self._is_proved(p, action.asset.hash) for p in paths if p not in missing)
            return Verdict(proved, missing)

        result = self.index.add_copy(action.asset.hash, copy, judge, self.run)
        if result == "refused":
            for path in (action.target, *(target for _s, target in action.sidecars)):
                self.target.discard(path)
        written_again = result == "present" and not (action.present or action.is_new)  # the document's copy had been lost
        return "new" if written_again or result in ("added", "ours") else "duplicate"

    def _is_proved(self, path: str, content_hash: str) -> bool:
        with contextlib.suppress(StoreError):
            return self.target.checksum(path) == content_hash
        return False

    def _repeat(self, action: SkipDuplicate) -> None:
        """Record a duplicate behind its first copy, which is safe before: records are sent in the order they are added."""
        with self._lock:
            copying = self._copying.get(action.hash)
        if copying is not None:
            copying.result()  # it was begun before, so that waiting for it here never locks up
            if self._fatal is not None:
                return
        known = action.remembered or action.hash in self._failed
        lines = [] if known else self.index.duplicate_lines(action, self.run, self.fingerprint(action.source))
        self.recorder.add(Record(lines, lambda _replies: self._repeated(action)))

    def _repeated(self, action: SkipDuplicate) -> None:
        reason = ""
        if action.hash in self._failed:
            reason = "its first copy failed"
        elif action.remove_source:
            self.journal.started("remove", source=action.source.path, hash=action.hash)
            reason = self._remove_repeated(action)
            state = self.journal.failed if reason else self.journal.done
            state("remove", source=action.source.path, hash=action.hash, reason=reason)
        self._tell(Outcome("duplicate", action.source.path, "failed" if reason else "duplicate", action.store, action.existing,
                           action.hash, reason, action.source.size))  # fmt: skip

    def _remove_repeated(self, action: SkipDuplicate) -> str:
        """Remove a duplicate source once its catalog copy is proved by reading it; why not, otherwise."""
        try:
            proved = self.target.checksum(action.existing) == action.hash
            same = proved and self.source.checksum(action.source.path) == action.hash
        except StoreError as error:
            return f"kept: {error}"
        if not proved:
            return f"kept: the catalog copy {action.existing} is damaged"
        if not same:
            return "kept: the file changed during the run"
        same_sidecars = dict.fromkeys(s for s, path in action.sidecars if self._is_same(s, path))
        return self._remove_source(action.source, list(same_sidecars))

    def _is_same(self, sidecar: Entry, path: str) -> bool:
        """Whether a sidecar is unchanged and lies in the catalog as well."""
        with contextlib.suppress(StoreError):
            there, here = self.target.stat(path), self.source.stat(sidecar.path)
            return there is not None and here == sidecar and self.target.checksum(path) == self.source.checksum(sidecar.path)
        return False

    def _remove_source(self, entry: Entry, sidecars: list[Entry]) -> str:
        """Remove a source whose copy is verified and recorded, if it is still the file that was read; else why not."""
        try:
            for item in (entry, *sidecars):
                if self.source.stat(item.path) != item:
                    return "copied, but kept in the source: it changed during the run"
            for item in (*sidecars, entry):  # a run that is cut off in between finds the others by their photo
                self.source.discard(item.path)
        except (StoreError, FixityMismatch, PermissionDenied) as error:
            return f"copied, but kept in the source: {error}"
        return ""


def limited(actions: Iterator[list[Action]], limit: int) -> Iterator[list[Action]]:
    """The plans up to the first `limit` files that would be stored; 0 means all. Files that are skipped do not count."""
    left = limit
    for plan in actions:
        if not limit:
            yield plan
            continue
        kept: list[Action] = []
        for action in plan:
            if isinstance(action, CopyToStore):
                if not left:
                    break
                left -= 1
            kept.append(action)
        cut = {a.asset.hash for a in plan[len(kept) :] if isinstance(a, CopyToStore)}
        yield [a for a in kept if not (isinstance(a, SkipDuplicate) and a.hash in cut)]
        if not left:
            return
