"""Which stores there are: where each lies, whether it is there now, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.errors import ConfigError, StoreGuard, StoreUnavailable, UnknownKind
from catalog.index import queries
from catalog.index.queries import StoreTotals
from catalog.stores import registry
from catalog.stores.root import Root
from catalog.work import store_book as storing
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class StoreState:
    """One store. `state`: `there`, `offline`, `other disk` where its folder has another marker, or `unknown kind`.

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
    found = []
    for name, record in sorted(storing.known_stores(repository).items()):
        shown, state = _where(workspace, name, record)
        last_run = str(record.get("last_run", ""))
        found.append(StoreState(name, shown, state, totals.get(name, StoreTotals()), last_run))
    return found


def _where(workspace: Workspace, name: str, record: dict[str, Any]) -> tuple[str, str]:
    """Where a store lies, for a person, and whether it is there."""
    try:
        root = storing.root_of(workspace, name, record)
    except UnknownKind:
        return registry.shown(record), "unknown kind"
    return root.shown, _state(name, root, record)


def _state(name: str, root: Root, record: dict[str, Any]) -> str:
    try:
        if not root.is_there():
            return "offline"
        storing.check_present(name, root, record)
    except StoreGuard:
        return "other disk"
    except (StoreUnavailable, ConfigError):
        return "offline"
    return "there"
