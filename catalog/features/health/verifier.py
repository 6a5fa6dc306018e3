"""Fixity: copies are read again; bad ones are marked, and replaced by good ones."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from catalog.domain import edits
from catalog.domain.asset import Entry
from catalog.domain.checksums import NONE, agree, select_recorded
from catalog.domain.copies import (
    DAMAGED,
    MISSING,
    OK,
    copy_row,
    is_as_recorded,
    numbers_of,
    read_recorded,
    sidecar_row,
    timestamp,
)
from catalog.domain.document import AssetDocument, CopyRow, EventNote, SidecarRow
from catalog.domain.edits import Change, Edit
from catalog.domain.events import REPAIR
from catalog.domain.evidence import NO_CTIME, Evidence, is_untouched
from catalog.domain.fixity import Digests
from catalog.errors import AlreadyExists, FixityMismatch, NotFound, StoreError, reason_kind
from catalog.stores.protocol import ComputingStore, Store
from catalog.work.journal import Journal
from catalog.work.outcome import Outcome
from catalog.work.proof import Prover
from catalog.work.replaced_files import Replaced, UntoldReplacements
from catalog.work.report import Report
from catalog.work.transfer import copy_between

EDITED = "edited"
"""A file that was written to since: what it holds is a person's, and for a sync to take up."""
HELD = "held"
"""A file with other bytes of which nothing tells whether somebody wrote to it: for a person."""
REPAIRED = "repaired"
"""A file that is good, and was put in the place of a bad one."""
BATCH = 128
_HOW_TO_GO_ON = (
    "`catalog sync {} --rehash --accept-changes` takes it as new, `catalog verify --repair "
    "--repair-unclear` puts a good copy in its place"
)
_KINDS = {DAMAGED: reason_kind(FixityMismatch), MISSING: reason_kind(NotFound)}
THREADS = 2
"""Files read at once: the second keeps a disk busy while the hash of the first is finished."""


class Verifiable(Store, Protocol):
    """A store with a trash, whose files can be read from the medium itself."""

    def restore(self, key: str, path: str) -> None:
        """Move a file from the trash back."""
        ...

    def checksum(self, path: str, *, anew: bool = False) -> str:
        """The content hash of a file."""
        ...

    def digests(self, path: str, kinds: Sequence[str], *, anew: bool = False) -> Digests:
        """The same, and checksums of these kinds."""
        ...

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash."""
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """A file to be read: its row, the hash it must have, and all rows of the same content.

    `checksums` are what else is known of the content. `is_due`: else it is read only where a killed
    run was about to repair it.
    """

    owner: str
    hash: str
    row: CopyRow | SidecarRow
    others: Sequence[CopyRow | SidecarRow]
    is_sidecar: bool = False
    is_due: bool = True
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE)

    @property
    def recorded(self) -> Mapping[str, str]:
        """All checksums that are known of the content."""
        return select_recorded(self.hash, self.checksums)

    @property
    def store_path(self) -> tuple[str, str]:
        """Store and path."""
        return self.row["store"], self.row["path"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What reading gave. `state` is one of those of a copy, or "" where it could not be told.

    `checksums` are those that its asset lacked. `bad` is the file that a killed run has replaced by
    this one.
    """

    due: Due
    state: str
    entry: Entry | None = None
    reason: str = ""
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE)
    bad: Replaced | None = None


@dataclass(slots=True)
class Verifier:
    """Reads what is due.

    `until` (monotonic seconds, 0 is never) is when it stops; then `finished` is False. `is_claimed`
    says that the path of a file is recorded with another asset as well. `listed` are the listings
    of stores that state the content of their files; `evidence` says, by store, which numbers of
    files tell anything; in those that are `stirred` other numbers are no sign of an edit. `untold`
    are the bad files that killed runs took away. `repair_unclear`: what is held is repaired, too.
    `kinds` of checksums are what each asset is to have. `computed` counts, by store, the files that
    were not read here.
    """

    stores: Mapping[str, Verifiable]
    edit: Callable[[Sequence[Edit]], list[str]]
    journal: Journal
    report: Report
    run: str
    is_claimed: Callable[[Due], bool] = lambda _due: False
    listed: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict)
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    stirred: Collection[str] = ()
    untold: UntoldReplacements | None = None
    repair: bool = False
    repair_unclear: bool = False
    until: float = 0.0
    kinds: Sequence[str] = ()
    finished: bool = True
    computed: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    advance: Callable[[int], None] = lambda _count: None

    def verify(self, due: Iterable[Due]) -> None:
        """Read all that is due, some at once; each batch is recorded before the next is read."""
        stream = iter(due)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="verify") as pool:
            while batch := list(itertools.islice(stream, BATCH)):
                self._record(list(self._read(pool, batch)))
                if not self.finished:
                    return

    def is_begun(self, due: Due) -> bool:
        """Whether a killed run was about to repair a file."""
        return self.untold is not None and self.untold.knows(due.store_path)

    def _read(self, pool: ThreadPoolExecutor, batch: Sequence[Due]) -> Iterator[Verdict]:
        for found in pool.map(self._look, batch):
            if found is not None:
                self.advance(1)
                yield found

    def _look(self, due: Due) -> Verdict | None:
        if self.until and time.monotonic() > self.until:
            self.finished = False
            return None
        store, path = due.store_path
        try:
            entry = (
                self.listed[store].get(path)
                if store in self.listed
                else self.stores[store].stat(path)
            )
            if entry is None:
                return self._absent(due)
            if entry.problem:
                return Verdict(due, "", entry, entry.problem)
            same, learned = agree(self._told_now(entry, due), due.recorded), NONE
            if same is None:
                read = self.stores[store].digests(path, self._lacking(due), anew=True)
                same, learned = read.content == due.hash, read.checksums
            if same:
                return self._good(due, entry, learned)
            if store not in self.listed:
                # as it is now: it may have been written to while it was read
                entry = self.stores[store].stat(path) or entry
        except NotFound:
            return Verdict(due, MISSING, reason="it went away")
        except StoreError as error:
            return Verdict(due, "", reason=str(error))
        return self._judged(due, entry)

    def _absent(self, due: Due) -> Verdict:
        """A file that is not there. Raises StoreError for what lies behind a link."""
        if self.repair and (due.row.get("state") == DAMAGED or self._bad_one(due) is not None):
            return Verdict(due, DAMAGED, reason="it was taken away to be repaired")
        store, path = due.store_path
        with contextlib.suppress(NotFound), self.stores[store].open(path):
            return Verdict(due, "", reason="it came there in this moment")
        return Verdict(
            due,
            MISSING,
            reason="it is not there; a sync of the catalog with its store finds out where it went",
        )

    def _good(self, due: Due, entry: Entry, learned: Mapping[str, str]) -> Verdict:
        """A file that is right, perhaps since a killed run repaired it."""
        bad = self._bad_one(due)
        if bad is None:
            return Verdict(due, OK, entry, checksums=learned)
        return Verdict(due, REPAIRED, entry, f"from {bad.source}", bad=bad)

    def _bad_one(self, due: Due) -> Replaced | None:
        """The bad file that a killed run has taken away, and told nobody of."""
        store, path = due.store_path
        return self.untold.find(self.stores[store], path) if self.untold is not None else None

    def _told_now(self, entry: Entry, due: Due) -> Mapping[str, str]:
        """The checksums that prove a file without reading it here: as its store computes them now,
        where it can and the index knows one of the kind; else as it states them of every file.
        """
        store = self.stores[due.row["store"]]
        if not isinstance(store, ComputingStore):
            return entry.checksums
        if not any(due.recorded.get(kind) for kind in store.capabilities.checksums):
            return NONE  # what was stated once is no proof of what is there now
        computed = store.compute_checksums(entry.path)
        with self._lock:
            self.computed[store.name] += 1
        return computed

    def _lacking(self, due: Due) -> list[str]:
        """The checksums that an asset is to have and has not; of a sidecar none are kept."""
        return [] if due.is_sidecar else [kind for kind in self.kinds if kind not in due.checksums]

    def _judged(self, due: Due, entry: Entry) -> Verdict:
        """A file with other bytes: rotten where nobody wrote to it.

        That is told by all that a file system keeps of it, and by nothing in its bytes: an edit may
        change a single one.
        """
        known = read_recorded(due.row, due.hash, due.checksums)
        store, _path = due.store_path
        evidence = self.evidence.get(store, NO_CTIME)
        is_recorded = is_as_recorded(entry, known)
        untouched = is_recorded and is_untouched(entry, known, evidence)
        if untouched is False and is_recorded and store in self.stirred:
            untouched = None
        if untouched:
            return Verdict(due, DAMAGED, entry, "its bytes changed though nobody wrote to it")
        if untouched is None:
            reason = "its bytes changed, and nothing tells whether somebody wrote to it"
            return Verdict(due, HELD, entry, reason)
        return Verdict(
            due,
            EDITED,
            entry,
            "somebody wrote to it; a sync of the catalog with its store takes it as new",
        )

    def _record(self, batch: Sequence[Verdict]) -> None:
        now = timestamp(datetime.now(UTC))
        silent: list[Edit] = []
        for found in batch:
            store, path = found.due.store_path
            if found.state == OK and found.due.is_sidecar and (noted := _noted(found)) is not None:
                silent.append(Edit(found.due.owner, "numbers", noted, untold=True))
            if found.bad is not None and found.entry is not None:
                silent.append(_repair(found.due, found.entry, found.bad.source, found.bad.trash))
            if found.due.is_sidecar or found.state not in (OK, DAMAGED, MISSING):
                continue
            row_state = found.due.row.get("state")
            event: EventNote = {"store": store, "path": path, "effect": "index"}
            if found.state in _KINDS:
                event |= {"reason": found.reason, "reason_kind": _KINDS[found.state]}
            if found.state == OK:
                change = _verified(found, now)
                silent.append(
                    Edit(found.due.owner, "verify", change, event, untold=row_state == OK)
                )
            elif row_state != found.state:
                silent.append(
                    Edit(
                        found.due.owner, found.state, edits.marked(store, path, found.state), event
                    )
                )
        self.edit(silent)
        for found in batch:
            self._tell(found)

    def _tell(self, found: Verdict) -> None:
        due = found.due
        store, path = due.store_path
        size = found.entry.size if found.entry else 0
        if found.state == OK:
            self.report.add(Outcome("verify", path, "verified", store, hash=due.hash, size=size))
        elif found.state == DAMAGED or (found.state == HELD and self._repairs_unclear):
            self._damaged(found, size)
        elif found.state == HELD:
            reason = f"{found.reason}; look at it: {_HOW_TO_GO_ON.format(store)}"
            self.report.add(Outcome("verify", path, HELD, store, hash=due.hash, reason=reason))
        else:
            name, outcome = ("verify" if found.bad is None else "repair"), found.state or "failed"
            self.report.add(Outcome(name, path, outcome, store, hash=due.hash, reason=found.reason))

    @property
    def _repairs_unclear(self) -> bool:
        return self.repair and self.repair_unclear

    def _damaged(self, found: Verdict, size: int) -> None:
        due = found.due
        store, path = due.store_path
        good = self._good_copy(due)
        if good is None:
            reason = f"{found.reason}; no good copy is to be had"
            self.report.add(
                Outcome("verify", path, "damaged", store, hash=due.hash, reason=reason, size=size)
            )
        elif not self.repair:
            reason = f"{found.reason}; --repair would take {good[0]}:{good[1]}"
            self.report.add(
                Outcome("verify", path, "damaged", store, hash=due.hash, reason=reason, size=size)
            )
        else:
            problem = self._repaired(found, good)
            outcome, reason = (
                ("damaged", problem) if problem else (REPAIRED, f"from {good[0]}:{good[1]}")
            )
            self.report.add(
                Outcome(REPAIR, path, outcome, store, hash=due.hash, reason=reason, size=size)
            )

    def _good_copy(self, due: Due) -> tuple[str, str] | None:
        others = [row for row in due.others if (row["store"], row["path"]) != due.store_path]
        proof = Prover(self.stores).prove(due.hash, others, 1, due.checksums)
        return proof.good[0] if proof.good else None

    def _repaired(self, found: Verdict, good: tuple[str, str]) -> str:
        """Trash the bad file and put a good one in its place; why that could not be, or ""."""
        due = found.due
        store, path = due.store_path
        if self.is_claimed(due):
            return (
                f"another asset is recorded at its path, too: run catalog sync {store} --rehash "
                "first"
            )
        target, source, earlier = self.stores[store], self.stores[good[0]], self._bad_one(due)
        key: str | None = None
        about = {"store": store, "path": path, "hash": due.hash}
        came, trash = f"{good[0]}:{good[1]}", f"{self.run}/{path}" if found.entry else ""
        self.journal.started(REPAIR, **about, source=came, trash=trash)
        try:
            entry = source.stat(good[1])
            if target.stat(path) != found.entry:
                return "it was written to in this moment"
            key = target.remove(path, self.run)
            if entry is None:
                raise NotFound(f"{good[1]} is not in store {good[0]}.")
            there = copy_between(source, entry, target, path, due.hash)
            target.settle([path])
        except (StoreError, AlreadyExists) as error:
            self.journal.failed(REPAIR, **about, reason=str(error))
            if key:
                with contextlib.suppress(StoreError):
                    target.restore(key, path)
            return f"cannot be repaired: {error}"
        self.edit([_repair(due, there, came, key or (earlier.trash if earlier else ""))])
        self.journal.done(REPAIR, **about)
        return ""


def _repair(due: Due, there: Entry, source: str, trash: str) -> Edit:
    """The record of a good file in the place of a bad one, which is called `trash` in the trash."""
    store, path = due.store_path
    now = datetime.now(UTC)
    event: EventNote = {
        "store": store,
        "path": path,
        "source": source,
        "effect": "file",
        "trash": trash,
    }
    if due.is_sidecar:
        change = edits.with_sidecars((), [sidecar_row(store, there, due.hash)])
    else:
        change = edits.with_copy(copy_row(store, there, now, now))
    return Edit(due.owner, REPAIR, change, event)


def _verified(found: Verdict, now: str) -> Change:
    """A copy that was read and is right, with the checksums that its asset lacked,
    and the numbers that it has now.
    """
    seen, noted = edits.marked(*found.due.store_path, OK, verified=now), _noted(found)

    def change(document: AssetDocument | None) -> AssetDocument | None:
        after = edits.with_checksums(found.checksums)(seen(document))
        return noted(after) if noted is not None else after

    return change


def _noted(found: Verdict) -> Change | None:
    """The numbers of a file that was read and is right, where they are others than recorded."""
    entry, row = found.entry, found.due.row
    numbers = numbers_of(entry) if entry is not None else {}
    if entry is None or all(row.get(name) == value for name, value in numbers.items()):
        return None
    if not is_as_recorded(entry, read_recorded(row, found.due.hash)):
        return None  # a sync takes up its time as well
    return edits.with_numbers(*found.due.store_path, numbers)
