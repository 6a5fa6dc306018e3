"""Making the index agree with a store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import cast

from catalog.domain.actions import Skip
from catalog.domain.asset import Asset, Entry, Facts
from catalog.domain.copies import timestamp
from catalog.domain.fixity import Digests
from catalog.errors import StoreGuard
from catalog.features.reconcile.apply import NOTHING_READ, Applier, ReadAgain
from catalog.features.reconcile.changes import outcome_of
from catalog.features.reconcile.file_reader import FileReader
from catalog.features.reconcile.index import SyncIndex
from catalog.features.reconcile.later_dates import LaterDates
from catalog.features.reconcile.numbers import NumberWriter
from catalog.features.reconcile.plan import Attach, Reconciliation, Relocate, Touch
from catalog.features.reconcile.questions import Questions
from catalog.features.reconcile.reconciler import Reconciler
from catalog.features.reconcile.records import Scope
from catalog.features.reconcile.survey import Options
from catalog.features.renditions.stores import open_readers
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.agreement import Agreement
from catalog.work.checksums import ChecksumWriter
from catalog.work.description import utc_now
from catalog.work.driver import execute, in_parts, limit_plans
from catalog.work.facts_reading import Reading, Wanted
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Level, Sink
from catalog.work.store_book import NAS, RESTLESS, StoreBook
from catalog.work.workspace import Workspace

COMMAND = "sync_catalog_with_disk"
BATCH = 200
"""Actions whose changes travel to the index together."""
MISSING_SHOWN = 20


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """Which store is looked at, and how.

    `folders` are relative to its root or absolute inside it; none is all of it.
    """

    store: str = NAS
    folders: tuple[str, ...] = ()
    recursive: bool = False
    dryrun: bool = False
    limit: int = 0
    yes: bool = False
    rehash: bool = False
    forget_missing: bool = False
    accept_losses: bool = False
    accept_changes: bool = False
    command: str = COMMAND


def run_sync(workspace: Workspace, request: SyncRequest, sink: Sink) -> RunResult:
    """Make the index say what lies in a store, or in some folders of it."""
    repository = workspace.existing_repository if request.dryrun else workspace.repository
    book = StoreBook(workspace, repository, sink.notice)
    with (
        book.open(request.store, dry=request.dryrun) as store,
        open_readers(workspace, dry=request.dryrun) as pool,
    ):
        scope = make_scope(store, request.folders, recursive=request.recursive)
        if not request.dryrun:
            book.claim(request.store)
            store.sweep()
        reading = workspace.reading(pool, store)
        work = Sync(workspace, repository, store, reading, scope, request, sink)
        was_stirred = book.is_stirred(request.store)
        work.options = replace(
            work.options, evidence=book.evidence(request.store), stirred=was_stirred
        )
        if store.folder is None and not request.rehash:
            keeps = not request.dryrun
            work.agreement = Agreement(
                workspace.state_dir, repository, (store,), "sync", work.options, keeps=keeps
            )
        work.numbers.on_stirred = lambda: book.remember(
            request.store, stirred_since=timestamp(datetime.now(UTC))
        )
        details = {"store": request.store, "root": store.location, "folders": list(scope.folders)}
        result = execute(
            workspace, work, sink, request.command, dry=request.dryrun, details=details
        )
        if not (request.dryrun or request.limit or request.folders):
            _settle(book, request.store, work, sink, was_stirred=was_stirred)
        return result


def _settle(book: StoreBook, name: str, work: Sync, sink: Sink, *, was_stirred: bool) -> None:
    """All files of a store were looked at: note whether most of them had another ctime."""
    before = book.known[name].get("stirs", 0)
    is_same = was_stirred or before >= RESTLESS
    count = before if is_same else (before + 1) * work.is_stirred
    if was_stirred or work.is_stirred or count != before:
        book.remember(name, stirred_since=None, stirs=count or None)
    if count == RESTLESS and before != count:
        sink.notice(
            f"Most files of store {name} had another change time (ctime) in {RESTLESS} syncs in a "
            "row, as a backup program gives them that puts access times back: it is not looked at "
            f"any more. `catalog store add {name} FOLDER` looks at it again."
        )


def make_scope(store: ManagedStore, folders: Sequence[str], *, recursive: bool) -> Scope:
    """The part of a store that was asked for. Raises UsageError for a folder outside of it."""
    if not folders:
        return Scope()
    return Scope(tuple(store.relative(folder) for folder in folders), recursive)


class Sync:
    """One reconciliation: what a store holds and the index does not say, or otherwise.

    `options` may be amended, and an `agreement` given, before the plan is made.
    """

    agreement: Agreement | None = None

    def __init__(
        self,
        workspace: Workspace,
        repository: Repository,
        store: ManagedStore,
        reading: Reading,
        scope: Scope,
        request: SyncRequest,
        sink: Sink,
    ) -> None:
        self._workspace = workspace
        self._store = store
        self._reading = reading
        self._limit = request.limit
        self._sink = sink
        self._questions = Questions(sink, ask=not (request.yes or request.dryrun))
        self._index = SyncIndex(repository)
        self._repository = repository
        self._checksums: ChecksumWriter | None = None
        self._describer = workspace.describer(store.location, repository)
        learn = self._learn if request.rehash and not request.dryrun else None
        self._files = FileReader(store, reading, sink.progress.advance, learn)
        self.numbers = NumberWriter(store.name, sink.progress)
        self.options = options_of(
            workspace,
            scope,
            rehash=request.rehash,
            forget_missing=request.forget_missing,
            accept_losses=request.accept_losses,
            accept_changes=request.accept_changes,
        )

    @cached_property
    def _reconciler(self) -> Reconciler:
        return Reconciler(
            self._index,
            self._files,
            self._describe,
            self._questions,
            self.options,
            self.numbers,
        )

    @property
    def is_stirred(self) -> bool:
        """Whether most files of the store had another ctime."""
        return self._reconciler.sight.is_stirred

    def plans(self) -> Iterator[Sequence[Reconciliation | Skip]]:
        """The plan, in parts; where the guard refuses it, what is missing is told first."""
        chosen = limit_plans(([action] for action in self._guarded()), self._limit)
        yield from in_parts(itertools.chain.from_iterable(chosen), BATCH)

    def _guarded(self) -> Iterator[Reconciliation | Skip]:
        counts = self.agreement.recall() if self.agreement is not None else None
        sight = self._reconciler.sight
        if counts is not None:
            sight.unchanged, sight.ignored = counts["unchanged"], counts["ignored"]
            return
        is_empty = True
        try:
            for action in self._reconciler.plan():
                is_empty = False
                yield action
        except StoreGuard:
            for path in itertools.islice(self._reconciler.missing(), MISSING_SHOWN):
                self._sink.notice(f"missing     {path}")
            raise
        sight = self._reconciler.sight
        if self.agreement is not None and is_empty and sight.is_as_recorded:
            counts = {"unchanged": sight.unchanged, "ignored": sight.ignored}
            self.agreement.keep(counts, {self._store.name: self._store.mark(listed=True)})

    def foresee(self, action: Reconciliation | Skip) -> Outcome:
        """What is told of a plan."""
        return foresee_outcome(action, self._store.name)

    def apply(self, run: Session, plans: Iterator[Sequence[Reconciliation | Skip]]) -> None:
        """Record it, part by part."""
        self._index.serve(run)
        self._checksums = ChecksumWriter(self._repository.parts_of, run.edit)
        self.numbers.edit = run.edit
        found: list[Relocate | Touch | Attach] = []
        later = LaterDates(self._describer)
        applier = Applier(self._store, self._index, run, self._read_again)
        applier.apply(_noting(plans, found, later))
        self._reconciler.prove_found(found)
        later.record(run)
        self.numbers.flush()
        self._checksums.flush()

    def _learn(self, digests: Digests) -> None:
        """Record the checksums of a file that was read again, unless this is only shown."""
        if self._checksums is not None:
            self._checksums.learn(digests)

    def conclude(self, report: Report) -> None:
        """What was decided without a person, and what there was nothing to do about."""
        self._questions.sum_up(report)
        self._tell_reread(report)
        report.count("unchanged", self._reconciler.sight.unchanged)
        report.count("ignored", self._reconciler.sight.ignored)

    def _tell_reread(self, report: Report) -> None:
        """How many files were read for nothing but their ctime, and why."""
        read, changed = self._reconciler.reread
        if not read:
            return
        what = "1 file was" if read == 1 else f"{read:,} files were"
        report.notice(
            f"{what} read only because the change time (ctime) is another than recorded, as after "
            "chmod, a move, a link, an edit that kept the file's time, or on a restored disk: "
            f"{read - changed:,} as recorded, which is noted, {changed:,} changed.",
            Level.INFO,
        )
        report.further["read_for_ctime"] = read

    def _read_again(self, action: Attach) -> ReadAgain:
        """What an asset, as its file and all of its sidecars state it now, and its shot become;
        nothing where it cannot be read.
        """
        if action.entry is None:
            return NOTHING_READ
        (result,) = [
            found for _tag, found in self._reading.run([("", Wanted(action.entry, action.beside))])
        ]
        if not isinstance(result, Facts) or result.hash != action.hash:
            return NOTHING_READ
        here = f"{self._store.location}/{action.entry.path}"
        original = self._index.original(action.hash) or here
        read = (result, action.entry, original, (action.entry.folder,))
        (asset,) = self._describer.describe_again([read], utc_now())
        facts = self._index.document(asset, original, (), (), None)
        return ReadAgain(*self._index.shots.settle({action.hash: facts}))

    def _describe(self, files: Sequence[tuple[Facts, Entry]]) -> list[Asset]:
        """In the folders of this store, whose photos may have come from anywhere."""
        return self._describer.describe_all(
            [(facts, entry, (entry.folder,)) for facts, entry in files], utc_now()
        )


def _noting(
    plans: Iterator[Sequence[Reconciliation | Skip]],
    found: list[Relocate | Touch | Attach],
    later: LaterDates,
) -> Iterator[Sequence[Reconciliation | Skip]]:
    """The plans as they are; `found` is added what may be recorded without having been read, and
    `later` learns what was loaded.
    """
    for plan in plans:
        yield plan
        later.note(plan)
        for action in plan:
            is_unread = isinstance(action, Relocate | Touch) and action.unread
            if is_unread or isinstance(action, Attach):
                found.append(cast("Relocate | Touch | Attach", action))


def options_of(
    workspace: Workspace,
    scope: Scope,
    *,
    rehash: bool = False,
    forget_missing: bool = False,
    accept_losses: bool = False,
    accept_changes: bool = False,
) -> Options:
    """How a reconciliation looks, and from when on it believes nothing."""
    settings = workspace.settings
    return Options(
        scope,
        rehash=rehash,
        forget_missing=forget_missing,
        accept_losses=accept_losses,
        accept_changes=accept_changes,
        shrink_percent=settings.shrink_percent,
        shrink_files=settings.shrink_files,
        change_percent=settings.change_percent,
        change_files=settings.change_files,
        video_folder=workspace.layout.video_folder,
    )


def foresee_outcome(action: Reconciliation | Skip, store: str) -> Outcome:
    """What is told of an action that is only shown."""
    if isinstance(action, Skip):
        return Outcome("skip", action.source.path, action.outcome, reason=action.reason)
    return replace(outcome_of(action, store), outcome="planned")
