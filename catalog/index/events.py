"""The history: what happened to assets, run by run."""

from __future__ import annotations

from typing import Any

from catalog.index import schema
from catalog.index.repository import Repository


def events_of_asset(repository: Repository, content_hash: str) -> list[dict[str, Any]]:
    """What happened to an asset, oldest first."""
    return _events(repository, {"term": {"hash": content_hash}}, sort=[{"at": "asc"}])


def forgotten_document(repository: Repository, content_hash: str) -> dict[str, Any] | None:
    """The document of an asset as it was when it was last forgotten, or None."""
    for event in reversed(events_of_asset(repository, content_hash)):
        document = (event.get("before") or {}).get("document")
        if document:
            return dict(document)
    return None


def events_of_run(repository: Repository, run: str) -> list[dict[str, Any]]:
    """What one run did, oldest first."""
    return _events(repository, {"term": {"run": run}}, sort=[{"at": "asc"}])


def events_undoing(repository: Repository, run: str) -> list[dict[str, Any]]:
    """What was done to take a run back."""
    return _events(repository, {"term": {"undoes": run}})


def _events(repository: Repository, query: dict[str, Any], **order: Any) -> list[dict[str, Any]]:
    index = schema.companion(repository.alias, "events")
    pages = repository.scan_pages(query, index=index, **order)
    return [hit["_source"] for page in pages for hit in page]
