"""The history: what happened to assets, run by run."""

from __future__ import annotations

from typing import Any

from catalog.index import schema
from catalog.index.client import Connection
from catalog.index.requests import scan_pages

_BY_TIME = [{"at": "asc"}]


class History:
    """The events of one catalog, as of the last refresh."""

    def __init__(self, connection: Connection, alias: str) -> None:
        self._connection = connection
        self._index = schema.companion(alias, "events")

    def of_asset(self, content_hash: str) -> list[dict[str, Any]]:
        """What happened to an asset, oldest first."""
        return self._events({"term": {"hash": content_hash}}, sort=_BY_TIME)

    def forgotten_document(self, content_hash: str) -> dict[str, Any] | None:
        """The document of an asset as it was when it was last forgotten, or None."""
        for event in reversed(self.of_asset(content_hash)):
            document = (event.get("before") or {}).get("document")
            if document:
                return dict(document)
        return None

    def of_run(self, run: str) -> list[dict[str, Any]]:
        """What one run did, oldest first."""
        return self._events({"term": {"run": run}}, sort=_BY_TIME)

    def undoing(self, run: str) -> list[dict[str, Any]]:
        """What was done to take a run back."""
        return self._events({"term": {"undoes": run}})

    def _events(self, query: dict[str, Any], **order: Any) -> list[dict[str, Any]]:
        pages = scan_pages(self._connection, self._index, query, **order)
        return [hit["_source"] for page in pages for hit in page]
