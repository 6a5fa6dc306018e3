"""Taking a store out of the catalog: its records go, its files are not touched."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.domain import edits
from catalog.domain.copies import OK
from catalog.domain.document import AssetDocument, EventNote
from catalog.domain.edits import Edit
from catalog.errors import ConfirmationNeeded
from catalog.index import queries
from catalog.index.client import Hit
from catalog.index.repository import Repository
from catalog.work.outcome import Outcome, RunResult
from catalog.work.session import Session, session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

COMMAND = "store remove"
BATCH = 500
"""Documents whose changes travel to the index together."""


@dataclass(frozen=True, slots=True)
class RemoveRequest:
    """Which store is taken out. `forget_copies`: with the records of its copies, if it has some."""

    name: str
    forget_copies: bool = False


def run_remove(workspace: Workspace, request: RemoveRequest, sink: Sink) -> RunResult:
    """Drop a store's records, one outcome for each.

    Raises ConfirmationNeeded where copies would be forgotten unasked.
    """
    repository, name = workspace.existing_repository, request.name
    repository.refresh()
    book = StoreBook(workspace, repository)
    book.check_known(name)
    if not request.forget_copies:
        _check_empty(repository, name)
    with session(workspace, sink, COMMAND, details={"store": name}) as run:
        _drop(run, name)
        book.remember(name, removed=True)
    return run.result


def _check_empty(repository: Repository, name: str) -> None:
    """Raise ConfirmationNeeded where good copies are recorded in a store."""
    count = only = 0
    for hit in _documents(repository, name):
        rows = [r for r in hit["_source"].get("copies", []) if r["state"] == OK]
        mine = [r for r in rows if r["store"] == name]
        count += len(mine)
        only += bool(mine) and len(mine) == len(rows)
    if count:
        raise ConfirmationNeeded(
            f"Store {name} has {count:,} recorded copies, {only:,} of them the only one of their "
            "asset; nothing was changed.",
            hint="An offline store can stay known. To drop its records (no file is touched), add "
            "--forget-copies.",
        )


def _documents(repository: Repository, name: str) -> Iterator[Hit[AssetDocument]]:
    pages = repository.scan_pages(queries.of_store(name), source=["copies", "sidecars"])
    return (hit for page in pages for hit in page)


def _drop(run: Session, name: str) -> None:
    stream = _documents(run.repository, name)
    while part := list(itertools.islice(stream, BATCH)):
        wanted = [edit for hit in part for edit in _edits(hit["_id"], hit["_source"], name)]
        for edit, answer in zip(wanted, run.edit(wanted), strict=True):
            problem = "" if answer in ("done", "unchanged") else answer
            outcome = "failed" if problem else "dropped"
            path = edit.event["path"]
            run.report.add(Outcome("drop", path, outcome, name, hash=edit.hash, reason=problem))


def _edits(content_hash: str, document: AssetDocument, name: str) -> list[Edit]:
    """What takes a store's copies and sidecars out of a document."""
    copies = [r["path"] for r in document.get("copies", []) if r["store"] == name]
    sidecars = [r["path"] for r in document.get("sidecars", []) if r["store"] == name]
    changes = [
        *((path, edits.without_copy(name, path)) for path in copies),
        *((path, edits.with_sidecars([(name, path)], ())) for path in sidecars),
    ]
    event: EventNote = {"store": name, "effect": "index"}
    return [Edit(content_hash, "drop", change, {**event, "path": path}) for path, change in changes]
