"""What a person said, in XMP sidecars beside the copies, so that disks alone can rebuild it."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from catalog.domain.asset import Entry
from catalog.domain.copies import OK, sidecar_row
from catalog.domain.document import AssetDocument, EventNote
from catalog.domain.edits import Edit, with_sidecars
from catalog.domain.fixity import content_hash
from catalog.errors import FATAL, StoreError, StoreGuard
from catalog.features.annotations.plan import (
    EVENT,
    KEEP,
    RECORD,
    SKIP,
    SUFFIX,
    WITHDRAW,
    WRITE,
    SidecarAction,
    SidecarsHere,
    decide,
    sidecar_path,
)
from catalog.features.inspection.search import mark_errors
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.media.write.xmp import OWN_HEAD_BYTES, is_own, is_worth_writing, sidecar_bytes
from catalog.stores.protocol import ManagedStore
from catalog.work.driver import execute, limit_plans
from catalog.work.outcome import Outcome, RunResult
from catalog.work.replaced_files import UntoldReplacements, give_way
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

COMMAND = "sidecars write"
AT_ONCE = 200
"""Sidecars that are recorded in one request."""
_BECAME = {
    WRITE: "written",
    RECORD: "recorded",
    WITHDRAW: "withdrawn",
    KEEP: "unchanged",
    SKIP: "skipped",
}
_CANDIDATES = {
    "bool": {
        "should": [{"exists": {"field": name}} for name in ("manual", "albums", "sidecars.path")]
    }
}


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Beside which copies: of assets that match `query`, in one `store` or ("") in all.

    `limit`: sidecars that are written at most, 0 means all.
    """

    query: str = ""
    store: str = ""
    dryrun: bool = False
    limit: int = 0


def run_write(workspace: Workspace, request: WriteRequest, sink: Sink) -> RunResult:
    """Write the sidecars of what matches."""
    repository = workspace.existing_repository
    repository.refresh()
    with mark_errors(request.query):
        queries.count(repository, request.query)
    book = StoreBook(workspace, repository, sink.notice)
    with _stores(book, request) as stores:
        for name in book.list_absent(stores) if not request.store else ():
            sink.notice(f"Store {name} is not there now; its copies get no sidecars in this run.")
        work = SidecarWork(repository, stores, request)
        details = {"query": request.query}
        return execute(workspace, work, sink, COMMAND, dry=request.dryrun, details=details)


@contextlib.contextmanager
def _stores(book: StoreBook, request: WriteRequest) -> Iterator[dict[str, ManagedStore]]:
    """The store that is named, proved to be it; without a name every store that is there now."""
    with contextlib.ExitStack() as stack:
        if request.store:
            store = stack.enter_context(book.open(request.store, dry=request.dryrun))
            if not request.dryrun:
                store.sweep()
            yield {request.store: store}
            return
        stores = stack.enter_context(book.open_present(writes=not request.dryrun))
        if not stores:
            raise StoreGuard(
                "No store of the catalog is there; nothing was changed.",
                hint="Mount one; `catalog status` says where they lie.",
            )
        yield stores


class SidecarWork:
    """The sidecars of some assets in some stores."""

    def __init__(
        self, repository: Repository, stores: Mapping[str, ManagedStore], request: WriteRequest
    ) -> None:
        self._repository = repository
        self._stores = stores
        self._request = request

    def plans(self) -> Iterator[Sequence[SidecarAction]]:
        """Sidecar by sidecar, each looked at when its turn comes."""
        planned = _planned(self._repository, self._stores, self._request.query)
        return limit_plans(([action] for action in planned), self._request.limit)

    def foresee(self, action: SidecarAction) -> Outcome:
        """What will become of a sidecar."""
        return _outcome(action, "planned" if action.counts else _BECAME[action.action])

    def apply(self, run: Session, plans: Iterator[Sequence[SidecarAction]]) -> None:
        """Write them; what was written is recorded, also where something ends the run."""
        writer = _Writer(self._stores, run)
        try:
            for plan in plans:
                for action in plan:
                    writer.add(action)
        finally:
            writer.record()

    def conclude(self, report: Report) -> None:
        """Nothing more."""


# --- survey and plan ------------------------------------------------------------------------------


def _planned(
    repository: Repository, stores: Mapping[str, ManagedStore], query: str
) -> Iterator[SidecarAction]:
    """What is to be done, asset by asset in the order of their hashes;
    each is looked at when its turn comes.
    """
    written = cache(lambda: _written(repository))
    for page in queries.search_pages(repository, query, also=_CANDIDATES):
        for hit in page:
            yield from _planned_for(stores, hit["_source"], written)


def _planned_for(
    stores: Mapping[str, ManagedStore],
    document: AssetDocument,
    written: Callable[[], set[tuple[str, str, str]]],
) -> Iterator[SidecarAction]:
    """`written` are the sidecars (hash, store, path) that this catalog itself wrote."""
    recorded = {(row["store"], row["path"]): row["hash"] for row in document.get("sidecars", [])}
    data = sidecar_bytes(document) if is_worth_writing(document) else b""
    wanted = (data, content_hash(data)) if data else None
    for copy in document["copies"]:
        path = sidecar_path(copy["path"])
        known = recorded.get((copy["store"], path), "")
        if copy["store"] not in stores or copy["state"] != OK:
            continue
        if wanted or (known and (document["hash"], copy["store"], path) in written()):
            there = _beside(stores[copy["store"]], copy["path"], path)
            yield decide(document["hash"], copy["store"], path, wanted, known, there)


def _written(repository: Repository) -> set[tuple[str, str, str]]:
    """The sidecars that this catalog ever wrote, also where they were renamed since;
    one that came with a file may say what the catalog never read.
    """
    events = repository.history.of_action(EVENT, ["hash", "store", "path"])
    found = {(event["hash"], event["store"], event["path"]) for event in events}
    names = ["hash", "store", "path", "source", "at"]
    renames = repository.history.of_action("move", names) if found else []
    for event in sorted(renames, key=lambda event: event["at"]):
        if (event["hash"], event["store"], event.get("source", "")) in found:
            found.add((event["hash"], event["store"], event["path"]))
    return found


def _beside(store: ManagedStore, copy: str, path: str) -> SidecarsHere:
    """What lies there at this moment."""
    try:
        copy_there = store.stat(copy) is not None
        entry = store.stat(path)
        if entry is None:
            return SidecarsHere(copy_there)
        with store.open(path) as stream:
            own = is_own(stream.read(OWN_HEAD_BYTES))
        return SidecarsHere(copy_there, store.checksum(path), own)
    except StoreError as error:
        if isinstance(error, FATAL):
            raise
        return SidecarsHere(copy_there=False, problem=str(error))


def _outcome(action: SidecarAction, became: str, reason: str = "") -> Outcome:
    size = len(action.data) if became in ("planned", "written") else 0
    copy = action.path.removesuffix(SUFFIX)
    return Outcome(
        EVENT,
        copy,
        became,
        action.store,
        action.path,
        action.hash,
        reason or action.reason,
        stored=size,
    )


# --- apply ----------------------------------------------------------------------------------------


class _Writer:
    """Writes sidecars one by one, and records them some at a time:
    a document never claims one that is not on the disk.
    """

    def __init__(self, stores: Mapping[str, ManagedStore], run: Session) -> None:
        self._stores = stores
        self._run = run
        self._pending: list[tuple[SidecarAction, Edit]] = []
        self._untold = UntoldReplacements(run.workspace.journal_dir, run.repository)

    def add(self, action: SidecarAction) -> None:
        """Do what the action says.

        A file that fails does not end the run, a store that does ends it.
        """
        if not action.counts:
            self._run.report.add(_outcome(action, _BECAME[action.action]))
            return
        self._run.journal.started(EVENT, **_details(action))
        try:
            edit = self._done(action)
        except StoreError as error:
            self._failed(action, str(error))
            if isinstance(error, FATAL):
                raise
            return
        self._pending.append((action, edit))
        if len(self._pending) >= AT_ONCE:
            self.record()

    def _done(self, action: SidecarAction) -> Edit:
        store = self._stores[action.store]
        event: EventNote = {"store": action.store, "path": action.path, "effect": "file"}
        trashed = ""
        if action.action != RECORD and action.older:
            about = (store, action.path, action.older, self._run.run, self._run.journal)
            with give_way(*about) as trashed:
                self._put(store, action)
        else:
            self._put(store, action)
        if trashed := trashed or self._untold.find_key(store, action.path):
            event["trash"] = trashed
        if action.action == WITHDRAW:
            return Edit(action.hash, EVENT, with_sidecars([(action.store, action.path)], []), event)
        digest = content_hash(action.data) if action.data else store.checksum(action.path)
        row = sidecar_row(
            action.store, store.stat(action.path) or Entry(action.path, len(action.data)), digest
        )
        return Edit(action.hash, EVENT, with_sidecars([], [row]), event)

    def _put(self, store: ManagedStore, action: SidecarAction) -> None:
        if action.action == WRITE:
            digest, size = content_hash(action.data), len(action.data)
            with self._run.journal.coming(action.store, action.path, digest, ""):
                store.put(action.path, io.BytesIO(action.data), size, time.time_ns(), digest)

    def record(self) -> None:
        """Bring what was written to the disk, then into the index."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        for name in {action.store for action, _edit in pending}:
            self._stores[name].settle(
                [action.path for action, _edit in pending if action.store == name]
            )
        became = self._run.edit([edit for _action, edit in pending])
        for (action, edit), result in zip(pending, became, strict=True):
            if result in ("done", "unchanged"):
                self._run.journal.done(EVENT, **_details(action), trash=edit.event.get("trash", ""))
                self._run.report.add(_outcome(action, _BECAME[action.action]))
            else:
                self._failed(action, result)

    def _failed(self, action: SidecarAction, reason: str) -> None:
        self._run.journal.failed(EVENT, **_details(action), reason=reason)
        self._run.report.add(_outcome(action, "failed", reason))


def _details(action: SidecarAction) -> dict[str, object]:
    """What the journal says of a sidecar."""
    return {
        "what": action.action,
        "store": action.store,
        "target": action.path,
        "hash": action.hash,
    }
