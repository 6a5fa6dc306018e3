"""What happened: to one asset, at one path, in one run; or which runs there were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog.domain.fixity import is_content_hash
from catalog.domain.names import to_text
from catalog.errors import AssetNotFound
from catalog.features.inspection.events import Event
from catalog.features.inspection.lookup import find
from catalog.index import schema
from catalog.index.client import Query, Reply
from catalog.index.repository import Repository
from catalog.work.workspace import Workspace

_RUNS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Which events: of an asset, by its hash or a path it has or had, of a run, or of both.

    `limit` is how many are given at most; 0 means all.
    """

    what: str | None = None
    run: str | None = None
    limit: int = 0


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run: when it began (ISO 8601 UTC), its command, and how many events it has, by action."""

    run: str
    began: str
    command: str
    actions: Mapping[str, int]


def find_events(workspace: Workspace, request: HistoryRequest) -> Iterator[Event]:
    """The events that were asked for, oldest first. Raises AssetNotFound where there is none."""
    repository = workspace.existing_repository
    repository.refresh()
    conditions = [{"term": {"run": request.run}}] if request.run else []
    if request.what is not None:
        conditions.append(_about(repository, request.what))
    index = schema.companion(repository.alias, "events")
    pages = repository.scan_pages(
        {"bool": {"filter": conditions}}, index=index, sort=[{"at": "asc"}], limit=request.limit
    )
    is_empty = True
    for hit in (hit for page in pages for hit in page):
        is_empty = False
        yield Event(hit["_source"])
    if is_empty:
        raise AssetNotFound(
            "Nothing in the history fits.", hint="`catalog history` lists the runs."
        )


def _about(repository: Repository, what: str) -> Query:
    """The events of an asset: by its hash, by a path of now, or by a path it once had."""
    forms = sorted({what, to_text(what), what.partition(":")[2] or what})
    paths = {"bool": {"should": [{"terms": {"path": forms}}, {"terms": {"source": forms}}]}}
    if is_content_hash(what.lower()):
        return {"term": {"hash": what.lower()}}
    try:
        return {"bool": {"should": [{"term": {"hash": find(repository, what)}}, paths]}}
    except AssetNotFound:
        return paths


def list_runs(workspace: Workspace, limit: int = 0) -> list[RunSummary]:
    """The last runs, or all of them for a limit of 0, the latest last."""
    repository = workspace.existing_repository
    repository.refresh()
    runs = sorted(_summaries(repository), key=lambda run: (run.began, run.run))
    return runs[-limit:] if limit else runs


def _summaries(repository: Repository) -> Iterator[RunSummary]:
    """Every run, by its id; in pages, so that none is left out."""
    after: Query = {}
    by_run = [{"run": {"terms": {"field": "run"}}}]
    sums = {
        "began": {"min": {"field": "at"}},
        "command": {"terms": {"field": "command", "size": 1}},
        "actions": {"terms": {"field": "action", "size": 50}},
    }
    index = schema.companion(repository.alias, "events")
    while True:
        runs = {"composite": {"size": _RUNS_AT_ONCE, "sources": by_run, **after}, "aggs": sums}
        reply = repository.search({"size": 0, "aggs": {"runs": runs}}, index)
        found = reply["aggregations"]["runs"]
        yield from map(_summary, found["buckets"])
        if not found["buckets"]:
            return
        after = {"after": found["after_key"]}


def _summary(bucket: Reply) -> RunSummary:
    commands = bucket["command"]["buckets"]
    return RunSummary(
        bucket["key"]["run"],
        bucket["began"].get("value_as_string", ""),
        commands[0]["key"] if commands else "",
        {b["key"]: b["doc_count"] for b in bucket["actions"]["buckets"]},
    )
