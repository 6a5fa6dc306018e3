"""Bad shots: found by their scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.amounts import size_text
from catalog.domain.copies import OK
from catalog.domain.decisions import NOT_BAD
from catalog.errors import DONE, QuerySyntaxError
from catalog.features.ask.search import pointed, print_paths
from catalog.features.lookalikes.bad_shots import NAMES as FAULTS
from catalog.features.lookalikes.bad_shots import Condition, Fault, faults
from catalog.features.lookalikes.decisions import decided
from catalog.features.lookalikes.measure import LACKING
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.work.workspace import Workspace

__all__ = ["FAULTS", "BadShot", "found_bad", "run_bad"]


@dataclass(frozen=True, slots=True)
class BadShot:
    """An asset, and what is wrong with it."""

    document: Mapping[str, Any]
    faults: tuple[Fault, ...]

    @property
    def hash(self) -> str:
        """Its content hash."""
        return str(self.document["hash"])

    @property
    def paths(self) -> list[str]:
        """Where its copies are: `store:path`."""
        return [f"{row['store']}:{row['path']}" for row in self.document.get("copies", []) if row["state"] == OK]

    @property
    def reason(self) -> str:
        """In words."""
        return ", ".join(fault.reason(self.document) for fault in self.faults)


def run_bad(workspace: Workspace, query: str, names: Sequence[str], screen: Screen, *, paths: bool) -> int:
    """Print the bad shots, the worst first."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    found = found_bad(workspace, repository, query, names)
    if paths:
        print_paths(iter([shot.document for shot in found]), repository)
        return DONE
    for shot in found:
        if screen.json:
            screen.out_json(_event(shot))
        else:
            screen.out_line(f"{shot.reason:<44} {size_text(shot.document['size']):>9}  {next(iter(shot.paths), shot.hash)}")
    counts = Counter(fault.name for shot in found for fault in shot.faults)
    unmeasured = repository.count(LACKING)
    if screen.json:
        screen.out_json(
            {"event": "summary", "found": len(found), **{name: counts[name] for name in FAULTS}, "unmeasured": unmeasured}
        )
    else:
        screen.out(f"{len(found):,} found." if found else "Nothing found.")
        if unmeasured:
            screen.complain(
                f"{unmeasured:,} pictures were catalogued by an earlier version, without scores: run `catalog measure`."
            )
    return DONE


def found_bad(workspace: Workspace, repository: Repository, query: str, names: Sequence[str]) -> list[BadShot]:
    """The bad shots that match a query, those with most faults first, and then by how bad they are."""
    wanted = faults(workspace.settings.bad_shots, names or FAULTS)
    also = {"bool": {"should": [_clause(way) for fault in wanted for way in fault.ways], "minimum_should_match": 1}}
    try:
        found = list(_matching(repository, query, also, wanted))
    except QuerySyntaxError as error:
        raise pointed(error, query) from error
    fine = decided(repository, [NOT_BAD])
    found = [shot for shot in found if (shot.hash, shot.hash) not in fine]
    return sorted(found, key=lambda shot: (-len(shot.faults), shot.document.get("quality", {}).get("focus", 0.0), shot.hash))


def _matching(repository: Repository, query: str, also: dict[str, Any], wanted: Sequence[Fault]) -> Iterator[BadShot]:
    for page in queries.matching(repository, query, also=also):
        for hit in page:
            document = hit["_source"]
            applying = tuple(fault for fault in wanted if fault.applies(document))
            if applying and document.get("stack", {}).get("role") != "live":
                yield BadShot(document, applying)


def _clause(way: Sequence[Condition]) -> dict[str, Any]:
    return {"bool": {"filter": [_range(condition) for condition in way]}}


def _range(condition: Condition) -> dict[str, Any]:
    if condition.relation == "term":
        return {"term": {condition.field: condition.value}}
    return {"range": {condition.field: {condition.relation: condition.value}}}


def _event(shot: BadShot) -> dict[str, Any]:
    return {
        "hash": shot.hash, "faults": [fault.name for fault in shot.faults], "reason": shot.reason,
        "quality": shot.document.get("quality", {}), "paths": shot.paths,
    }  # fmt: skip
