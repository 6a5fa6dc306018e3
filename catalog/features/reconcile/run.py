"""Making the index agree with a disk store."""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.actions import Skip
from catalog.domain.asset import Asset, Facts, KnownAsset
from catalog.domain.copies import Row, flat
from catalog.domain.edits import Document
from catalog.domain.names import to_text
from catalog.errors import StoreGuard, UsageError
from catalog.features.reconcile.apply import OUTCOMES, Applier, told
from catalog.features.reconcile.comparison import Recorded, Scope
from catalog.features.reconcile.plan import Attach, Reconciliation
from catalog.features.reconcile.survey import Options, Reconciler
from catalog.index import documents, queries, schema
from catalog.index.repository import Repository
from catalog.stores.local import PRIVATE, LocalStore
from catalog.stores.protocol import ManagedStore
from catalog.work import store_book as storing
from catalog.work.description import utc_now
from catalog.work.reading import Reading, Wanted
from catalog.work.report import Outcome, Report
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

COMMAND = "sync_catalog_with_disk"
WORDS = {"outcomes": OUTCOMES, "always": ("unchanged", "moved", "new", "missing"), "done": "recorded"}


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What the command line asks for. `folders` are relative to the store's root or absolute inside it; none is all of it."""

    store: str = storing.NAS
    folders: tuple[str, ...] = ()
    recursive: bool = False
    dryrun: bool = False
    limit: int = 0
    yes: bool = False
    rehash: bool = False
    forget_missing: bool = False
    accept_losses: bool = False
    command: str = COMMAND


def run_sync(workspace: Workspace, request: SyncRequest, screen: Screen) -> int:
    """The exit status of a reconciliation."""
    repository = workspace.existing_repository if request.dryrun else workspace.repository
    with storing.opened(workspace, repository, request.store, dry=request.dryrun) as store:
        scope = scope_of(store, request)
        if request.dryrun:
            return _dry(workspace, request, screen, store, scope, repository)
        storing.note_run(workspace, repository, request.store)
        store.sweep()
        details = {"store": request.store, "root": store.place, "folders": list(scope.folders)}
        with session(workspace, screen, request.command, WORDS, **details) as run:
            return run.work(lambda: _sync(run, request, screen, store, scope))


def scope_of(store: ManagedStore, request: SyncRequest) -> Scope:
    """The part of a store that was asked for. Raises UsageError for a folder outside of it."""
    if not request.folders:
        return Scope()
    if isinstance(store, LocalStore):
        return Scope(tuple(_inside(store.root, folder) for folder in request.folders), request.recursive)
    return Scope(tuple(storing.inside_dropbox(store.place, folder) for folder in request.folders), request.recursive)


def _inside(root: Path, folder: str) -> str:
    """A folder as the store names it."""
    path = Path(folder) if os.path.isabs(folder) else root / folder  # noqa: PTH117
    real, base = os.path.realpath(path), os.path.realpath(root)
    relative = os.path.relpath(real, base)
    if relative == "..":
        relative = "../"
    if relative.startswith("../"):
        raise UsageError(
            f"{folder} does not lie in {root}.", hint="Name a folder of the store, relative to its root or absolute."
        )
    text = "" if relative == "." else to_text(relative)
    if text.split("/")[0] == PRIVATE:
        raise UsageError(f"{PRIVATE} is kept for the catalog itself.", hint="Name a folder of photos.")
    return text


def _dry(
    workspace: Workspace, request: SyncRequest, screen: Screen, store: ManagedStore, scope: Scope, repository: Repository
) -> int:
    report = screen.report(workspace.progress, **WORDS)
    report.dry = True
    judge = _Rules(screen, ask=False)
    with workspace.readers() as pool:
        reading = workspace.reading(pool, store)
        reconciler = _reconciler(workspace, request, store, scope, SyncIndex(repository, "", _at_once), reading, judge)
        for action in limited(_guarded_plan(reconciler, report), request.limit):
            report.add(_planned(action, store.name))
    workspace.progress.close()
    judge.sum_up(report)
    report.count("unchanged", reconciler.sight.unchanged)
    report.count("ignored", reconciler.sight.ignored)
    report.finish()
    return report.exit_code()


def _planned(action: Reconciliation | Skip, store: str) -> Outcome:
    if isinstance(action, Skip):
        return Outcome("skip", action.source.path, action.outcome, reason=action.reason)
    return told(action, store, "planned")


def _sync(run: Session, request: SyncRequest, screen: Screen, store: ManagedStore, scope: Scope) -> None:
    workspace, report = run.workspace, run.report
    judge = _Rules(screen, ask=screen.can_ask and not request.yes)
    index = SyncIndex(run.repository, run.run, run.patiently)
    with workspace.readers() as pool:
        reading = workspace.reading(pool, store)
        reconciler = _reconciler(workspace, request, store, scope, index, reading, judge)

        def reread(action: Attach) -> Document | None:
            return _described(action, store.place, reading, workspace, index)

        applier = Applier(store, index, run.edit, run.journal, report, reread)
        try:
            applier.apply(limited(_guarded_plan(reconciler, report), request.limit))
        finally:
            judge.sum_up(report)
            report.count("unchanged", reconciler.sight.unchanged)
            report.count("ignored", reconciler.sight.ignored)


def _reconciler(
    workspace: Workspace,
    request: SyncRequest,
    store: ManagedStore,
    scope: Scope,
    index: SyncIndex,
    reading: Reading,
    judge: _Rules,
) -> Reconciler:
    settings = workspace.settings
    options = Options(
        scope, rehash=request.rehash, forget_missing=request.forget_missing, accept_losses=request.accept_losses,
        shrink_percent=settings.shrink_percent, shrink_files=settings.shrink_files, video_folder=workspace.layout.video_folder,
    )  # fmt: skip
    return Reconciler(
        store, index, reading, workspace.describer(store.place), judge, options,
        now=utc_now, advance=workspace.progress.advance,
    )  # fmt: skip


def limited(actions: Iterable[Reconciliation | Skip], limit: int) -> Iterator[Reconciliation | Skip]:
    """The first so many actions; 0 means all. What is skipped does not count."""
    left = limit
    for action in actions:
        if limit and not isinstance(action, Skip):
            if not left:
                return
            left -= 1
        yield action


def _guarded_plan(reconciler: Reconciler, report: Report) -> Iterator[Reconciliation | Skip]:
    """The plan; where the guard refuses it, what is missing is told first."""
    try:
        yield from reconciler.plan()
    except StoreGuard:
        for path in itertools.islice(reconciler.missing(), 20):
            report.complain(f"missing     {path}")
        raise


def _described(action: Attach, base: str, reading: Reading, workspace: Workspace, index: SyncIndex) -> Document | None:
    """The document of an asset as its file and all of its sidecars state it now; None where it cannot be read.

    `base` is where its store lies.
    """
    if action.entry is None:
        return None
    (result,) = [found for _tag, found in reading.run([("", Wanted(action.entry, action.beside))])]
    if not isinstance(result, Facts) or result.hash != action.hash:
        return None
    asset = workspace.describer(base).describe(result, action.entry, utc_now())
    return index.document(asset, f"{base}/{action.entry.path}", (), (), None)


class SyncIndex:
    """The index as a reconciliation asks it."""

    def __init__(self, repository: Repository, run: str, patiently: Callable[[Callable[[], Any]], Any]) -> None:
        self._repository = repository
        self._run = run
        self._patiently = patiently
        self._forgotten: set[str] | None = None

    def recorded(self, store: str) -> Iterator[Recorded]:
        """Every document that speaks of a store."""
        self._repository.refresh()
        for page in self._repository.scan_pages(queries.of_store(store), source=["copies", "sidecars", "stack.id"]):
            for hit in page:
                document = hit["_source"]
                stack = document.get("stack", {}).get("id", "")
                yield Recorded(hit["_id"], document.get("copies", ()), document.get("sidecars", ()), stack)

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        """Assets by content hash."""
        found: dict[str, KnownAsset] = self._patiently(lambda: self._repository.known(hashes))
        return found

    def document(
        self, asset: Asset, original: str, rows: Sequence[Row], sidecars: Sequence[Row], stack: tuple[str, str] | None
    ) -> Document:
        """The document of a new asset."""
        made = documents.asset_document(
            asset, original=original, copies=[], sidecars=list(sidecars), stack=stack, run=self._run, now=datetime.now(UTC)
        )
        return {**made, **flat(rows)}

    def said_once(self, content_hash: str) -> Mapping[str, Any]:
        """What a person had said of an asset that was forgotten since."""
        if self._forgotten is None:
            index = schema.companion(self._repository.alias, "events")
            pages = self._repository.scan_pages({"term": {"action": "forget"}}, index=index, source=["hash"])
            self._forgotten = {hit["_source"]["hash"] for page in pages for hit in page}
        if content_hash not in self._forgotten:
            return {}
        past = self._repository.forgotten_document(content_hash) or {}
        return dict(past.get("person", {}))


def _at_once(call: Callable[[], Any]) -> Any:
    return call()


class _Rules:
    """Decides what is unclear: asks a person where one is there, else takes the answer that loses nothing, and reports it."""

    def __init__(self, screen: Screen, *, ask: bool) -> None:
        self._screen = screen
        self._ask = ask
        self._always: set[str] = set()
        self._unasked: dict[str, int] = defaultdict(int)

    def decide(self, kind: str, lines: Sequence[str], otherwise: bool) -> bool:
        """Whether the proposal is taken."""
        if not self._ask:
            self._unasked[kind] += 1
            return otherwise
        if kind in self._always:
            return True
        answer = self._screen.ask("\n".join(lines), "ynaq")
        if answer == "q":
            raise KeyboardInterrupt
        if answer == "a":
            self._always.add(kind)
        return answer in "ya"

    def sum_up(self, report: Report) -> None:
        """Tell how much was decided without a person."""
        for kind, count in self._unasked.items():
            report.complain(f"{count:,} unclear ({kind}): nothing was asked, and the answer that loses nothing was taken.")
