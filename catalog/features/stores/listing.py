"""Which stores there are: where each lies, whether it is there now, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.domain.document import StoreRecord
from catalog.errors import (
    ConfigError,
    StoreGuard,
    StoreUnavailable,
    UnknownCatalog,
    UnknownKind,
)
from catalog.index import queries
from catalog.index.queries import StoreTotals
from catalog.stores import registry
from catalog.stores.root import Root
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class StoreState:
    """One store.

    `state`: `there`, `offline`, `other disk` where its folder has another marker, `other catalog`
    where its marker names one that this index does not know, or `unknown kind`.

    `shown` is its folder for a person, `last_run` when it was last looked at (ISO 8601 UTC), or "".
    """

    name: str
    shown: str
    state: str
    totals: StoreTotals
    last_run: str


def list_stores(workspace: Workspace) -> list[StoreState]:
    """Every store that the catalog knows, by name."""
    repository = workspace.existing_repository
    repository.refresh()
    totals = queries.totals(repository, 1).stores
    book, found = StoreBook(workspace, repository), []
    for name, record in sorted(book.known.items()):
        shown, state = _where(book, name, record)
        last_run = record.get("last_run", "")
        found.append(StoreState(name, shown, state, totals.get(name, StoreTotals()), last_run))
    return found


def _where(book: StoreBook, name: str, record: StoreRecord) -> tuple[str, str]:
    """Where a store lies, for a person, and whether it is there."""
    try:
        root = book.root(name)
    except UnknownKind:
        return registry.show_root(record), "unknown kind"
    return root.shown, _state(book, name, root)


def _state(book: StoreBook, name: str, root: Root) -> str:
    try:
        if not root.is_there():
            return "offline"
        book.prove(name, root)
    except UnknownCatalog:
        return "other catalog"
    except StoreGuard:
        return "other disk"
    except (StoreUnavailable, ConfigError):
        return "offline"
    return "there"
