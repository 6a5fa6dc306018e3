"""What the catalog holds, in figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.domain.document import StoreRecord
from catalog.domain.roots import seen_from
from catalog.index import queries
from catalog.index.queries import Shortfall, Totals
from catalog.stores.machine import machine_id
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class CatalogStatus:
    """Sums over all assets, the records of all stores that ever were, and what falls short."""

    totals: Totals
    known_stores: Sequence[StoreRecord]
    shortfalls: Sequence[Shortfall]


def summarize(workspace: Workspace) -> CatalogStatus:
    """What the catalog holds."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    return CatalogStatus(
        queries.totals(repository, workspace.settings.min_copies),
        [seen_from(record, machine_id()) for record in repository.stores.read_all()],
        queries.shortfalls(repository, workspace.policies),
    )
