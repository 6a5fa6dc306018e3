"""What happened: to one asset, at one path, in one run; or which runs there were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.cli.console import Screen
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import to_text
from catalog.errors import DONE, AssetNotFound
from catalog.features.ask.search import find
from catalog.index import schema
from catalog.index.repository import Repository
from catalog.work.workspace import Workspace


def run_history(workspace: Workspace, what: str | None, run: str | None, limit: int, screen: Screen) -> int:
    """Print events, oldest first, or a line a run, latest last."""
    repository = workspace.existing_repository
    repository.refresh()
    if what is None and run is None:
        return _runs(repository, limit, screen)
    conditions = [{"term": {"run": run}}] if run else []
    if what is not None:
        conditions.append(_about(repository, what))
    index = schema.companion(repository.alias, "events")
    count = 0
    pages = repository.scan_pages({"bool": {"filter": conditions}}, index=index, sort=[{"at": "asc"}], limit=limit)
    for event in (hit["_source"] for page in pages for hit in page):
        count += 1
        if screen.json:
            screen.out_json(event)
        else:
            screen.out_line(_line(event))
    if not count:
        raise AssetNotFound("Nothing in the history fits.", hint="`catalog history` lists the runs.")
    return DONE


def _about(repository: Repository, what: str) -> dict[str, Any]:
    """The events of an asset: by its hash, by a path of now, or by a path it once had."""
    forms = sorted({what, to_text(what), what.partition(":")[2] or what})
    paths = {"bool": {"should": [{"terms": {"path": forms}}, {"terms": {"source": forms}}]}}
    if is_content_hash(what.lower()):
        return {"term": {"hash": what.lower()}}
    try:
        return {"bool": {"should": [{"term": {"hash": find(repository, what)}}, paths]}}
    except AssetNotFound:
        return paths


def _line(event: Mapping[str, Any]) -> str:
    where = f"{event['store']}:{event.get('path', '')}" if event.get("store") else event.get("path", "")
    source = f"  from {event['source']}" if event.get("source") else ""
    trash = f"  in the trash as {event['trash']}" if event.get("trash") else ""
    undoes = f"  takes back {event['undoes']}" if event.get("undoes") else ""
    return f"{event['at']}  {event['action']:<10} {event['hash'][:12]}  {where}{source}{trash}{undoes}  run {event['run']}"


def _runs(repository: Repository, limit: int, screen: Screen) -> int:
    runs = sorted(_summaries(repository), key=lambda r: (r["began"], r["run"]))
    for run in runs[-limit:] if limit else runs:
        if screen.json:
            screen.out_json(run)
        else:
            counts = ", ".join(f"{n:,} {action}" for action, n in run["actions"].items())
            screen.out_line(f"{run['run']}  {run['began']}  {run['command']}: {counts}")
    if not runs and not screen.json:
        screen.out("Nothing has happened yet.")
    return DONE


def _summaries(repository: Repository) -> Iterator[dict[str, Any]]:
    """Every run with its command and what it did, oldest first; in pages, so that none is left out."""
    after: dict[str, Any] = {}
    while True:
        body = {
            "size": 0,
            "aggs": {
                "runs": {
                    "composite": {"size": 500, "sources": [{"run": {"terms": {"field": "run"}}}], **after},
                    "aggs": {
                        "began": {"min": {"field": "at"}},
                        "command": {"terms": {"field": "command", "size": 1}},
                        "actions": {"terms": {"field": "action", "size": 50}},
                    },
                }
            },
        }
        found = repository.search(body, schema.companion(repository.alias, "events"))["aggregations"]["runs"]
        for bucket in found["buckets"]:
            commands = bucket["command"]["buckets"]
            yield {
                "run": bucket["key"]["run"],
                "began": bucket["began"].get("value_as_string", ""),
                "command": commands[0]["key"] if commands else "",
                "actions": {b["key"]: b["doc_count"] for b in bucket["actions"]["buckets"]},
            }
        if not found["buckets"]:
            return
        after = {"after": found["after_key"]}
