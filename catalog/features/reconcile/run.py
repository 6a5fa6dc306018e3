"""Making the index agree with a store."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from catalog.domain.actions import Skip
from catalog.domain.asset import Asset, Facts, KnownAsset
from catalog.domain.checksums import NONE
from catalog.domain.copies import Row, flat
from catalog.domain.edits import Document
from catalog.domain.fixity import Digests
from catalog.errors import StoreGuard
from catalog.features.reconcile.apply import Applier, told
from catalog.features.reconcile.comparison import Recorded, Scope
from catalog.features.reconcile.plan import Attach, Reconciliation
from catalog.features.reconcile.questions import Judge
from catalog.features.reconcile.survey import Options, Reconciler
from catalog.index import documents, queries, schema
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.checksums import ChecksumWriter
from catalog.work.description import utc_now
from catalog.work.outcome import Outcome, RunResult
from catalog.work.plan import carry_out, first_of, in_parts
from catalog.work.reading import Reading, Wanted
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import NAS, StoreBook
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
    command: str = COMMAND


def run_sync(workspace: Workspace, request: SyncRequest, sink: Sink) -> RunResult:
    """Make the index say what lies in a store, or in some folders of it."""
    repository = workspace.existing_repository if request.dryrun else workspace.repository
    book = StoreBook(workspace, repository)
    with book.open(request.store, dry=request.dryrun) as store, workspace.readers() as pool:
        scope = scope_of(store, request.folders, recursive=request.recursive)
        if not request.dryrun:
            book.claim(request.store)
            store.sweep()
        work = Sync(
            workspace, repository, store, workspace.reading(pool, store), scope, request, sink
        )
        details = {"store": request.store, "root": store.location, "folders": list(scope.folders)}
        return carry_out(
            workspace, work, sink, request.command, dry=request.dryrun, details=details
        )


def scope_of(store: ManagedStore, folders: Sequence[str], *, recursive: bool) -> Scope:
    """The part of a store that was asked for. Raises UsageError for a folder outside of it."""
    if not folders:
        return Scope()
    return Scope(tuple(store.relative(folder) for folder in folders), recursive)


class Sync:
    """One reconciliation: what a store holds and the index does not say, or otherwise."""

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
        self._judge = Judge(sink, ask=not (request.yes or request.dryrun))
        self._index = SyncIndex(repository)
        self._repository = repository
        self._checksums: ChecksumWriter | None = None
        self._reconciler = Reconciler(
            store,
            self._index,
            reading,
            workspace.describer(store.location),
            self._judge,
            options_of(workspace, request, scope),
            now=utc_now,
            advance=sink.progress.advance,
            learn=None if request.dryrun else self._learn,
        )

    def plans(self) -> Iterator[Sequence[Reconciliation | Skip]]:
        """The plan, in parts; where the guard refuses it, what is missing is told first."""
        chosen = first_of(([action] for action in self._guarded()), self._limit)
        yield from in_parts(itertools.chain.from_iterable(chosen), BATCH)

    def _guarded(self) -> Iterator[Reconciliation | Skip]:
        try:
            yield from self._reconciler.plan()
        except StoreGuard:
            for path in itertools.islice(self._reconciler.missing(), MISSING_SHOWN):
                self._sink.notice(f"missing     {path}")
            raise

    def foresee(self, action: Reconciliation | Skip) -> Outcome:
        """What is told of a plan."""
        return planned(action, self._store.name)

    def apply(self, run: Session, plans: Iterator[Sequence[Reconciliation | Skip]]) -> None:
        """Record it, part by part."""
        self._index.serve(run)
        self._checksums = ChecksumWriter(self._repository.parts_of, run.edit)
        Applier(self._store, self._index, run, self._read_again).apply(plans)
        self._checksums.flush()

    def _learn(self, digests: Digests) -> None:
        """Record the checksums of a file that was read again, unless this is only shown."""
        if self._checksums is not None:
            self._checksums.learn(digests)

    def conclude(self, report: Report) -> None:
        """What was decided without a person, and what there was nothing to do about."""
        self._judge.sum_up(report)
        report.count("unchanged", self._reconciler.sight.unchanged)
        report.count("ignored", self._reconciler.sight.ignored)

    def _read_again(self, action: Attach) -> Document | None:
        """The document of an asset as its file and all of its sidecars state it now;
        None where it cannot be read.
        """
        if action.entry is None:
            return None
        (result,) = [
            found for _tag, found in self._reading.run([("", Wanted(action.entry, action.beside))])
        ]
        if not isinstance(result, Facts) or result.hash != action.hash:
            return None
        base = self._store.location
        asset = self._workspace.describer(base).describe(result, action.entry, utc_now())
        return self._index.document(asset, f"{base}/{action.entry.path}", (), (), None)


def options_of(workspace: Workspace, request: SyncRequest, scope: Scope) -> Options:
    """How a reconciliation looks, and from when on it believes nothing."""
    settings = workspace.settings
    return Options(
        scope,
        rehash=request.rehash,
        forget_missing=request.forget_missing,
        accept_losses=request.accept_losses,
        shrink_percent=settings.shrink_percent,
        shrink_files=settings.shrink_files,
        video_folder=workspace.layout.video_folder,
    )


def planned(action: Reconciliation | Skip, store: str) -> Outcome:
    """What is told of an action that is only shown."""
    if isinstance(action, Skip):
        return Outcome("skip", action.source.path, action.outcome, reason=action.reason)
    return replace(told(action, store), outcome="planned")


def recorded_fields(kinds: Iterable[str]) -> list[str]:
    """The fields of documents that `recorded_in` needs, with checksums of some kinds."""
    return ["copies", "sidecars", "stack.id", *(f"checksums.{kind}" for kind in kinds)]


def recorded_in(content_hash: str, document: Mapping[str, Any]) -> Recorded:
    """The part of a document that a reconciliation needs."""
    stack = document.get("stack", {}).get("id", "")
    checksums = document.get("checksums", NONE)
    return Recorded(
        content_hash, document.get("copies", ()), document.get("sidecars", ()), stack, checksums
    )


class SyncIndex:
    """The index as a reconciliation asks it."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._run = ""
        self._patiently: Callable[[Callable[[], Any]], Any] = lambda call: call()
        self._forgotten: set[str] | None = None

    def serve(self, run: Session) -> None:
        """From now on answer for a run: its id is in what is made,
        and its questions wait while Elasticsearch is away.
        """
        self._run = run.run
        self._patiently = run.patiently

    def recorded(self, store: str, kinds: Sequence[str] = ()) -> Iterator[Recorded]:
        """Every document that speaks of a store, with its checksums of some kinds."""
        self._repository.refresh()
        for page in self._repository.scan_pages(
            queries.of_store(store), source=recorded_fields(kinds)
        ):
            for hit in page:
                yield recorded_in(hit["_id"], hit["_source"])

    def known_by(self, kind: str, values: list[str]) -> dict[str, str]:
        """The content hash of the asset that has each of some checksums of a kind."""
        found: dict[str, str] = self._patiently(lambda: self._repository.known_by(kind, values))
        return found

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        """Assets by content hash."""
        found: dict[str, KnownAsset] = self._patiently(lambda: self._repository.known(hashes))
        return found

    def document(
        self,
        asset: Asset,
        original: str,
        rows: Sequence[Row],
        sidecars: Sequence[Row],
        stack: tuple[str, str] | None,
    ) -> Document:
        """The document of a new asset."""
        made = documents.asset_document(
            asset,
            documents.Origin(original, self._run, datetime.now(UTC)),
            sidecars=sidecars,
            stack=stack,
        )
        return {**made, **flat(rows)}

    def said_once(self, content_hash: str) -> Mapping[str, Any]:
        """What a person had said of an asset that was forgotten since."""
        if self._forgotten is None:
            index = schema.companion(self._repository.alias, "events")
            pages = self._repository.scan_pages(
                {"term": {"action": "forget"}}, index=index, source=["hash"]
            )
            self._forgotten = {hit["_source"]["hash"] for page in pages for hit in page}
        if content_hash not in self._forgotten:
            return {}
        past = self._repository.history.forgotten_document(content_hash) or {}
        return dict(past.get("person", {}))
