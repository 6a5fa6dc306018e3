"""Bad shots: found by their scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.domain.copies import OK
from catalog.domain.decisions import NOT_BAD
from catalog.domain.document import AssetDocument, CopyRow
from catalog.features.inspection.search import mark_errors, paths_of
from catalog.features.lookalikes.decisions import find_decided
from catalog.features.lookalikes.faults import NAMES, Condition, Fault, faults
from catalog.features.lookalikes.measure import LACKING
from catalog.index import queries
from catalog.index.client import Query
from catalog.index.repository import Repository
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class BadRequest:
    """Which faults are looked for in what matches a query: some of `bad_shots.NAMES`,
    none is all.
    """

    query: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadShot:
    """An asset, and what is wrong with it."""

    document: AssetDocument
    faults: tuple[Fault, ...]

    @property
    def hash(self) -> str:
        """Its content hash."""
        return self.document["hash"]

    @property
    def copies(self) -> list[CopyRow]:
        """The rows of its copies that are there."""
        return [row for row in self.document.get("copies", []) if row["state"] == OK]

    @property
    def copy(self) -> CopyRow | None:
        """The first of them, if there is one."""
        return next(iter(self.copies), None)

    @property
    def paths(self) -> list[str]:
        """Where they are: `store:path`."""
        return [f"{row['store']}:{row['path']}" for row in self.copies]

    @property
    def reason(self) -> str:
        """In words."""
        return ", ".join(fault.reason(self.document) for fault in self.faults)


@dataclass(frozen=True, slots=True)
class BadShots:
    """The bad shots of a search: those with most faults first, and then by how bad they are.

    `unmeasured` pictures of the catalog were catalogued by an earlier version, without scores.
    """

    repository: Repository
    shots: tuple[BadShot, ...]
    unmeasured: int

    def paths(self) -> Iterator[str]:
        """Where each one that has a good copy lies; see `search.paths_of`."""
        return paths_of((shot.copy for shot in self.shots), self.repository)


def find_bad(workspace: Workspace, request: BadRequest) -> BadShots:
    """The bad shots among what matches a query, by their scores. Raises QuerySyntaxError."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    wanted = faults(workspace.settings.bad_shots, request.faults or NAMES)
    also = {
        "bool": {
            "should": [_clause(way) for fault in wanted for way in fault.ways],
            "minimum_should_match": 1,
        }
    }
    with mark_errors(request.query):
        found = list(_matching(repository, request.query, also, wanted))
    fine = find_decided(repository, [NOT_BAD])
    shots = [shot for shot in found if (shot.hash, shot.hash) not in fine]
    return BadShots(repository, tuple(sorted(shots, key=_badness)), repository.count(LACKING))


def _badness(shot: BadShot) -> tuple[int, float, str]:
    return -len(shot.faults), shot.document.get("quality", {}).get("focus", 0.0), shot.hash


def _matching(
    repository: Repository, query: str, also: Query, wanted: Sequence[Fault]
) -> Iterator[BadShot]:
    for page in queries.search_pages(repository, query, also=also):
        for hit in page:
            document = hit["_source"]
            applying = tuple(fault for fault in wanted if fault.applies(document))
            if applying and document.get("stack", {}).get("role") != "live":
                yield BadShot(document, applying)


def _clause(way: Sequence[Condition]) -> Query:
    return {"bool": {"filter": [_range(condition) for condition in way]}}


def _range(condition: Condition) -> Query:
    if condition.relation == "term":
        return {"term": {condition.field: condition.value}}
    return {"range": {condition.field: {condition.relation: condition.value}}}
