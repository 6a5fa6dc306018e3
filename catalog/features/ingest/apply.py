"""The only writer of an upload: journal, check again, copy, verify, record,
and only then remove a source.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.copies import copy_row, sidecar_row
from catalog.domain.document import CopyRow, SidecarRow
from catalog.domain.filetypes import extension_of
from catalog.domain.layout import file_name, sidecar_names
from catalog.domain.names import comparison_key
from catalog.errors import (
    FATAL,
    AlreadyExists,
    CatalogError,
    Interrupted,
    StoreError,
)
from catalog.features.ingest.actions import Action, CopyToStore, SkipDuplicate
from catalog.features.ingest.sources import Safe, SourceRemoval, SourceStore
from catalog.index.client import BulkReply, Line
from catalog.work.carriage import carry
from catalog.work.contents import content_of, states_contents
from catalog.work.journal import Journal
from catalog.work.outcome import Outcome
from catalog.work.recorder import Record, Recorder
from catalog.work.report import Report

MAX_SUFFIX = 10_000
AHEAD = 256
"""Actions under way at most: two batches, so that the next one is read while this one is copied."""


class Writing(Protocol):
    """What applying needs of the index: the lines to send, and an answer to a refusal."""

    def create_lines(
        self, action: CopyToStore, copy: CopyRow, sidecars: list[SidecarRow], run: str
    ) -> list[Line]:
        """Bulk lines that record a copy: its asset created, if it is new, and the event."""
        ...

    def duplicate_lines(self, action: SkipDuplicate, run: str) -> list[Line]:
        """Bulk lines of a duplicate: the event."""
        ...

    def source_lines(self, content_hash: str, path: str, fingerprint: str, run: str) -> list[Line]:
        """Bulk lines that remember a source file, so that it is not read again;
        only once all about it is recorded.
        """
        ...

    def retraction_lines(self, lines: list[Line]) -> list[Line]:
        """Bulk lines that take back what refused `create_lines` said beside the asset."""
        ...

    def add_copy(
        self,
        content_hash: str,
        copy: CopyRow,
        judge: Callable[[list[str]], Verdict],
        run: str,
        sidecars: Sequence[SidecarRow],
        album: str,
    ) -> str:
        """Add a copy, sidecars, and an album it is part of, to an asset whose document exists,
        by a conditional change.

        `judge` is asked about the paths of its other copies in the same store. Returns `added`;
        `ours` or `present` where the document has this very copy already, from this run or another;
        `refused` where another one is proved.
        """
        ...

    def amend(
        self, content_hash: str, sidecars: Sequence[SidecarRow], stack: tuple[str, str] | None
    ) -> list[str]:
        """Add sidecars, and the stack it belongs to, to an asset.

        Returns the paths of its copies and sidecars.
        """
        ...

    def join_album(self, content_hash: str, album: str, run: str) -> None:
        """Make an asset part of an album, if it is not."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an asset's other copies in a store: one is proved and enough; these are gone,
    those damaged.
    """

    proved: bool
    missing: frozenset[str] = frozenset()
    damaged: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Stored:
    """What a copy has put into the store: its target, its sidecars,
    and which of the files are of this run's making.
    """

    action: CopyToStore
    copy: CopyRow
    sidecars: list[SidecarRow]
    written: list[str]
    problem: str = ""

    @property
    def placed_sidecars(self) -> list[tuple[Entry, str]]:
        """Source entry and path in the store."""
        entries = (entry for entry, _target in self.action.sidecars)
        return [(entry, s["path"]) for entry, s in zip(entries, self.sidecars, strict=False)]


@dataclass(slots=True)
class Applier:
    """Applies the plans of one run.

    `apply` returns while copies are still under way; `finish` waits for all of it.
    """

    source: SourceStore
    target: SourceStore
    index: Writing
    recorder: Recorder
    journal: Journal
    report: Report
    run: str
    on_file: Callable[[int], None]
    threads: int = 2
    hold_sources: bool = False
    _pool: ThreadPoolExecutor = field(init=False)
    _slots: threading.Semaphore = field(init=False)
    _in_flight: dict[str, str] = field(default_factory=dict)
    _copying: dict[str, Future[str]] = field(default_factory=dict)
    _under_way: set[Future[str]] = field(default_factory=set)
    _failed: set[str] = field(default_factory=set)
    _removal: SourceRemoval = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _fatal: CatalogError | None = None

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="copy")
        self._slots = threading.Semaphore(AHEAD)
        threads = self.threads if states_contents(self.source) else 0
        self._removal = SourceRemoval(
            self.source, self.target, self.journal, self._tell, threads, self.hold_sources
        )

    def in_flight(self) -> dict[str, str]:
        """Content hash to target of what is planned and not yet in the index."""
        with self._lock:
            return dict(self._in_flight)

    def apply(self, actions: Sequence[Action]) -> None:
        """Apply one plan. Raises what must stop the whole run."""
        for action in actions:
            self._raise_fatal()
            if isinstance(action, Skip):
                self._tell(
                    Outcome("skip", action.source.path, action.outcome, reason=action.reason)
                )
            elif isinstance(action, CopyToStore):
                with self._lock:
                    self._in_flight[action.asset.hash] = action.target
                copying = self._submit(self._copy, action)
                with self._lock:
                    if action.asset.hash in self._in_flight:
                        self._copying[action.asset.hash] = copying
        for action in actions:
            if isinstance(action, SkipDuplicate):
                with self._lock:
                    first = self._copying.get(
                        action.hash
                    )  # was submitted before, so that waiting for it never locks up
                self._submit(partial(self._repeat, copying=first), action)

    def finish(self, *, at_once: bool = False) -> None:
        """Wait for every copy and its record; `at_once`: for those under way only.

        Raises what stopped the run.
        """
        self._pool.shutdown(wait=False, cancel_futures=at_once)
        for work in tuple(
            self._under_way
        ):  # joining threads, when interrupted, takes them for ended ever after
            with contextlib.suppress(CancelledError):
                work.exception()
        try:
            self.recorder.close()
        finally:
            self._removal.finish()
        self._raise_fatal()

    def release(self, lacking: Callable[[list[str]], Mapping[str, str]]) -> None:
        """Let the sources go that `hold_sources` kept, when all is finished;
        see `SourceRemoval.release`.
        """
        self._removal.release(lacking)

    def _submit(self, work: Callable[[Any], str], action: Action) -> Future[str]:
        self._slots.acquire()

        def guarded() -> str:
            try:
                if self._fatal is None:
                    return work(action)
            except CatalogError as error:
                self._fatal = self._fatal or error
            except BaseException as error:  # never lost in a thread, whatever a sink raises
                self._fatal = self._fatal or CatalogError(
                    f"{action.source.path}: {type(error).__name__}: {error}"
                )
            finally:
                self._slots.release()
            return ""

        future = self._pool.submit(guarded)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        return future

    def _raise_fatal(self) -> None:
        if self._fatal is not None:
            raise self._fatal
        if self.recorder.error is not None:
            raise self.recorder.error

    def _tell(self, outcome: Outcome) -> None:
        self.report.add(outcome)
        self.on_file(1)

    # --- copying ----------------------------------------------------------------------------------

    def _copy(self, action: CopyToStore) -> str:
        """Where the copy came to lie; "" where there is none."""
        self.journal.started("copy", **_details(action))
        try:
            placed, there = self._place(action)
        except Interrupted:
            self._landed(action)
            raise
        except FATAL as error:
            self._give_up(action, str(error))
            raise
        except StoreError as error:
            self._give_up(action, str(error))
            return ""
        now = datetime.now(UTC)
        lies = replace(there, path=placed.target, size=placed.source.size)
        copy = copy_row(placed.store, lies, now, now)
        stored = _Stored(placed, copy, [], [] if placed.present else [placed.target])
        fatal: StoreError | None = None
        for (
            entry,
            target,
        ) in placed.sidecars:  # the photo counts even where one of them cannot be had
            wanted = target if placed.target == action.target else ""
            try:
                stored.sidecars.append(
                    self._place_sidecar(
                        entry, action.source.name, placed.target, wanted, stored.written
                    )
                )
            except StoreError as error:
                fatal = error if isinstance(error, FATAL) else None
                stored.problem = f"stored, but not its sidecar {entry.name}: {error}"
                break
        lines = self.index.create_lines(placed, copy, stored.sidecars, self.run)
        paths = [placed.target, *(s["path"] for s in stored.sidecars)]
        settled = partial(self._recorded, stored, lines)
        self.recorder.add(Record(lines, settled, paths, partial(self._tell_mates, placed)))
        if fatal:
            raise fatal
        return placed.target

    def _place(self, action: CopyToStore) -> tuple[CopyToStore, Entry]:
        """The action with the target it got, and what lies there: where other content has the name,
        the next free number.
        """
        folder, _, name = action.target.rpartition("/")
        stem = name[: -len(extension_of(name)) - 1] if extension_of(name) else name
        for number in itertools.count():
            target = action.target if number == 0 else f"{folder}/{file_name(stem, name, number)}"
            placed = replace(action, target=target, present=False)
            looked = (
                number > 0 or action.present or not states_contents(self.target)
            )  # else the plan has it from a listing
            if looked and (there := self._held(target, action)) is not None:
                return replace(placed, present=True), there
            try:
                return placed, carry(
                    self.source, action.source, self.target, target, action.asset.hash
                )
            except AlreadyExists:
                if (
                    there := self._held(target, action)
                ) is not None:  # another program was faster, with the same content
                    return replace(placed, present=True), there
                if number >= MAX_SUFFIX:
                    raise
        raise AssertionError("unreachable")

    def _held(self, target: str, action: CopyToStore) -> Entry | None:
        """What lies at the target, if it is the very content: as the store states it,
        else by reading it.
        """
        entry = self.target.stat(target)
        if (
            entry is None
            or entry.size != action.source.size
            or content_of(self.target, entry) != action.asset.hash
        ):
            return None
        return entry

    def _place_sidecar(
        self, entry: Entry, owner: str, beside: str, wanted: str, written: list[str]
    ) -> SidecarRow:
        """Copy a sidecar of the source file `owner` to where its photo lies.

        `written` learns the path of a new file.
        """
        digest = content_of(self.source, entry)
        for path in itertools.chain(
            [wanted] if wanted else (), sidecar_names(entry.name, owner, beside)
        ):
            there = self.target.stat(path)
            if there is None:
                with contextlib.suppress(AlreadyExists):
                    there = carry(self.source, entry, self.target, path, digest)
                    written.append(path)
                    break
                there = self.target.stat(path)
            if there is not None and content_of(self.target, there) == digest:
                break
        assert there is not None  # there are always further names
        return sidecar_row(self.target.name, there, digest)

    def _give_up(self, action: CopyToStore, reason: str) -> None:
        with self._lock:
            self._failed.add(action.asset.hash)
        self._landed(action)
        self.journal.failed("copy", **_details(action), reason=reason)
        self._tell(
            Outcome(
                "copy",
                action.source.path,
                "failed",
                action.store,
                action.target,
                action.asset.hash,
                reason,
            )
        )

    def _landed(self, action: CopyToStore) -> None:
        with self._lock:
            self._in_flight.pop(action.asset.hash, None)
            self._copying.pop(action.asset.hash, None)

    # --- recording --------------------------------------------------------------------------------

    def _recorded(self, stored: _Stored, lines: list[Line], replies: list[BulkReply]) -> list[Line]:
        """The index has answered: now the copy counts, and only now a source may go.

        What may be remembered of it.
        """
        action = stored.action
        refused = next((r for r in replies if r["status"] >= 300 and r["status"] != 409), None)
        reason = refused["error"].get("reason", refused["error"]) if refused else ""
        if refused is replies[0] and action.is_new:
            self.recorder.send(self.index.retraction_lines(lines))
            self._discard(stored.written)
            self._give_up(action, f"the index refused the record: {reason}")
            return []
        if refused:
            stored.problem = stored.problem or f"stored, but not in the history: {reason}"
        outcome, path = "new", action.target
        if not action.is_new or replies[0]["status"] == 409:
            outcome, path = self._merge(stored)
        with self._lock:
            self._failed.discard(action.asset.hash)
        self.journal.done("copy", **_details(action), outcome=outcome)
        self._landed(action)
        size = action.source.size if outcome == "new" and not action.present else 0
        told = Outcome(
            "copy",
            action.source.path,
            outcome,
            action.store,
            path,
            action.asset.hash,
            "",
            action.source.size,
            size,
        )
        if stored.problem:
            self._tell(replace(told, outcome="failed", reason=stored.problem))
        elif action.shot:
            safe = Safe(
                action.source,
                action.asset.hash,
                path,
                told,
                stored.placed_sidecars,
                prove=path != action.target,
            )
            self._removal.settle(action.shot, safe)
        else:
            self._tell(told)
        if stored.problem:
            return []
        return self.index.source_lines(
            action.asset.hash, action.source.path, action.fingerprint, self.run
        )

    def _tell_mates(self, action: CopyToStore) -> None:
        """Make known members part of the stack.

        Before the new one is: once it is known, nobody looks at the stack again.
        """
        for mate, role in action.mates:
            self.index.amend(mate, (), (action.stack[0], role) if action.stack else None)

    def _merge(self, stored: _Stored) -> tuple[str, str]:
        """Add the copy to a document that exists: the outcome, and where the copy that counts lies.

        Where another program was faster and its copy is proved, ours goes, and our sidecars move
        beside that one.
        """
        action = stored.action
        proved: list[str] = []

        def judge(others: list[str]) -> Verdict:
            paths = [p for p in others if not action.album or _are_neighbours(p, action.target)]
            there = {p for p in paths if self.target.stat(p) is not None}
            proved[:] = sorted(p for p in there if self._is_proved(p, action.asset.hash))
            return Verdict(
                bool(proved) and not action.present,
                frozenset(paths) - there,
                frozenset(there.difference(proved)),
            )

        result = self.index.add_copy(
            action.asset.hash, stored.copy, judge, self.run, stored.sidecars, action.album
        )
        if result == "refused":
            if action.album:
                self.index.join_album(action.asset.hash, action.album, self.run)
            self._move_sidecars(stored, proved[0])
            return "duplicate", proved[0]
        if action.stack:
            self.index.amend(action.asset.hash, (), action.stack)
        # "present": another run recorded it first, unless the document was known before and its
        # copy had been lost
        written_again = result == "present" and not (action.present or action.is_new)
        return "new" if written_again or result in ("added", "ours") else "duplicate", action.target

    def _move_sidecars(self, stored: _Stored, beside: str) -> None:
        """Place the sidecars beside another copy, record them there,
        and take away what this run wrote elsewhere.
        """
        action, written = stored.action, list[str]()
        owner = action.source.name
        try:
            stored.sidecars = [
                self._place_sidecar(e, owner, beside, "", written) for e, _target in action.sidecars
            ]
        except StoreError as error:
            stored.problem = f"a duplicate, but its sidecars cannot be stored: {error}"
            return
        self.target.settle([s["path"] for s in stored.sidecars])
        claimed = self.index.amend(action.asset.hash, stored.sidecars, action.stack)
        self._discard(path for path in stored.written if path not in claimed)

    def _discard(self, paths: Iterable[str]) -> None:
        """Take away files of this run's own making that nothing claims."""
        for path in paths:
            self.journal.started("discard", store=self.target.name, target=path)
            self.target.discard(path)
            self.journal.done("discard", store=self.target.name, target=path)

    def _is_proved(self, path: str, content_hash: str) -> bool:
        with contextlib.suppress(StoreError):
            return self.target.checksum(path) == content_hash
        return False

    def _repeat(self, action: SkipDuplicate, copying: Future[str] | None) -> str:
        """Record a duplicate behind its first copy, which is safe before:
        records are sent in the order they are added.
        """
        if copying is not None:
            with contextlib.suppress(CancelledError):
                action = replace(action, existing=copying.result() or action.existing)
            if self._fatal is not None or copying.cancelled():
                return ""
        problem, sidecars, written = "", list[SidecarRow](), list[str]()
        if action.hash not in self._failed and (action.shot or not action.remembered):
            try:
                for entry in action.sidecars:
                    sidecars.append(
                        self._place_sidecar(entry, action.source.name, action.existing, "", written)
                    )
            except StoreError as error:
                problem = f"a duplicate, but its sidecar cannot be stored: {error}"
        is_told = action.remembered or action.hash in self._failed
        lines = [] if is_told else self.index.duplicate_lines(action, self.run)
        paths = [s["path"] for s in sidecars]
        self.recorder.add(
            Record(
                lines, lambda _replies: self._repeated(action, sidecars, written, problem), paths
            )
        )
        return action.existing

    def _repeated(
        self,
        action: SkipDuplicate,
        sidecars: list[SidecarRow],
        written: list[str],
        problem: str,
    ) -> list[Line]:
        if action.hash in self._failed:
            problem = "its first copy failed"
            self._discard(written)
        else:
            self._amend_repeated(action, sidecars)
        size = action.source.size if action.shot or not action.remembered else 0
        told = Outcome(
            "duplicate",
            action.source.path,
            "failed" if problem else "duplicate",
            action.store,
            action.existing,
            action.hash,
            problem,
            size,
        )
        if action.shot and not problem:
            placed = [
                (entry, s["path"]) for entry, s in zip(action.sidecars, sidecars, strict=True)
            ]
            self._removal.settle(
                action.shot,
                Safe(action.source, action.hash, action.existing, told, placed, prove=True),
            )
        else:
            self._tell(told)
        if problem or action.remembered:
            return []
        return self.index.source_lines(
            action.hash, action.source.path, action.fingerprint, self.run
        )

    def _amend_repeated(self, action: SkipDuplicate, sidecars: list[SidecarRow]) -> None:
        if sidecars:
            self.index.amend(action.hash, sidecars, None)
        if action.album and not action.remembered:
            self.index.join_album(action.hash, action.album, self.run)


def _are_neighbours(path: str, other: str) -> bool:
    """Whether two paths lie in one folder, of whatever spelling."""
    return comparison_key(path.rpartition("/")[0]) == comparison_key(other.rpartition("/")[0])


def _details(action: CopyToStore) -> dict[str, object]:
    """What the journal says of a copy."""
    return {
        "source": action.source.path,
        "store": action.store,
        "target": action.target,
        "hash": action.asset.hash,
    }
