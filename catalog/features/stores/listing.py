"""Which stores there are: where each lies, whether it is there now, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.errors import ConfigError, StoreGuard, StoreUnavailable
from catalog.index import queries
from catalog.index.queries import StoreTotals
from catalog.work import store_book as storing
from catalog.work.places import Place
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class StoreState:
    """One store. `state`: `there`, `offline`, or `other disk` where its folder has another marker.

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
        place = storing.place_of(workspace, name, record)
        state = _state(name, place, record)
        last_run = str(record.get("last_run", ""))
        found.append(StoreState(name, place.shown, state, totals.get(name, StoreTotals()), last_run))
    return found


def _state(name: str, place: Place, record: dict[str, Any]) -> str:
    try:
        if not place.is_there():
            return "offline"
        storing.check_present(name, place, record)
    except StoreGuard:
        return "other disk"
    except (StoreUnavailable, ConfigError):
        return "offline"
    return "there"
