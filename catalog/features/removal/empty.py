"""Emptying the trash of the stores: the only way in which files of the catalog go for good."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.domain.amounts import age, size_text
from catalog.domain.document import EventRow
from catalog.errors import ConfirmationNeeded, StoreError
from catalog.features.removal.trash import choose_stores
from catalog.index import queries
from catalog.stores.protocol import ManagedStore
from catalog.stores.trash import Trashed
from catalog.work.outcome import Outcome, RunResult
from catalog.work.proof import Prover
from catalog.work.session import Session, session
from catalog.work.sink import Question, Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

COMMAND = "trash empty"


@dataclass(frozen=True, slots=True)
class EmptyRequest:
    """What goes for good: all, or what one `run` took away, or lies in the trash of one `store`.

    `older_than`: only what was taken away so long ago, such as 90d. `last_copies`: also what has no
    good copy elsewhere. `yes`: it need not be asked.
    """

    store: str | None = None
    run: str | None = None
    older_than: str | None = None
    last_copies: bool = False
    yes: bool = False


def run_empty(workspace: Workspace, request: EmptyRequest, sink: Sink) -> RunResult:
    """Remove what lies in the trash for good. Raises ConfirmationNeeded where nobody agrees."""
    repository = workspace.existing_repository
    book = StoreBook(workspace, repository)
    with book.open_present(writes=True) as there:
        stores = choose_stores(there, request.store)
        if request.store is None:
            book.tell_absent(there, sink)
        found = _found(stores, request)
        if found and not request.yes:
            _confirm(found, sink)
        with session(workspace, sink, COMMAND) as run:
            _empty(run, stores, found, None if request.last_copies else there)
        return run.result


def _found(stores: Mapping[str, ManagedStore], request: EmptyRequest) -> list[tuple[str, Trashed]]:
    limit = datetime.now(UTC) - age(request.older_than) if request.older_than else None
    return [
        (name, trashed)
        for name, store in stores.items()
        for trashed in store.trashed()
        if (request.run is None or trashed.batch == request.run)
        and (limit is None or _moment(trashed) < limit)
    ]


def _confirm(found: Sequence[tuple[str, Trashed]], sink: Sink) -> None:
    size = sum(trashed.size for _name, trashed in found)
    what = f"{len(found):,} files, {size_text(size)}, would be removed for good."
    if not sink.ask(Question("empty", (f"{what} Go on?",), yes_no=True)):
        raise ConfirmationNeeded(f"{what} Nothing was changed.", hint="Add --yes if that is meant.")


def _empty(
    run: Session,
    stores: Mapping[str, ManagedStore],
    found: Sequence[tuple[str, Trashed]],
    proving: Mapping[str, ManagedStore] | None,
) -> None:
    """Empty the trash; with `proving` (stores) only of what is proved to be there, or is rotten."""
    run.repository.refresh()
    rotten = queries.find_repaired(run.repository)
    for name, trashed in found:
        needs_proof = proving is not None and trashed.key not in rotten
        run.report.add(_removed(run, stores[name], trashed, proving if needs_proof else None))


def _removed(
    run: Session, store: ManagedStore, trashed: Trashed, proving: Mapping[str, ManagedStore] | None
) -> Outcome:
    run.journal.started("empty", store=store.name, path=trashed.key)
    try:
        digest = store.trash_checksum(trashed.key)
        if proving is not None and not _is_elsewhere(run, digest, proving):
            reason = "no good copy of it is elsewhere; --last-copies removes it all the same"
            return Outcome("empty", trashed.key, "kept", store.name, hash=digest, reason=reason)
        event: EventRow = {
            "action": "empty",
            "hash": digest,
            "store": store.name,
            "path": trashed.path,
            "trash": trashed.key,
            "effect": "file",
            "before": {},
            "after": {},
        }
        run.tell([event])
        store.empty(trashed.key)
    except StoreError as error:
        run.journal.failed("empty", store=store.name, path=trashed.key, reason=str(error))
        return Outcome("empty", trashed.key, "failed", store.name, reason=str(error))
    run.journal.done("empty", store=store.name, path=trashed.key)
    return Outcome("empty", trashed.key, "emptied", store.name, hash=digest, stored=trashed.size)


def _is_elsewhere(run: Session, digest: str, stores: Mapping[str, ManagedStore]) -> bool:
    """Whether a content has a copy that answers, as an asset or as a sidecar."""
    found = run.repository.documents([digest]).get(digest)
    prover = Prover(stores)
    if found is not None:
        return bool(prover.prove(digest, found[0].get("copies", []), 1).good)
    return bool(prover.prove(digest, queries.sidecar_rows(run.repository, digest), 1).good)


def _moment(trashed: Trashed) -> datetime:
    """When a file went to the trash: its batch begins with the time; else its last change."""
    match = re.match(r"(\d{8}T\d{6})\d*Z", trashed.batch)
    if match:
        return datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return datetime.fromtimestamp(trashed.mtime_ns / 1e9, UTC)
