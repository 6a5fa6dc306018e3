"""The history: what happened to assets, run by run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from catalog.domain.document import AssetDocument, EventRow
from catalog.index import schema
from catalog.index.client import Connection, Query
from catalog.index.requests import scan_pages

_BY_TIME = [{"at": "asc"}]


class History:
    """The events of one catalog, as of the last refresh."""

    def __init__(self, connection: Connection, alias: str) -> None:
        self._connection = connection
        self._index = schema.companion(alias, "events")

    def of_asset(self, content_hash: str) -> list[EventRow]:
        """What happened to an asset, oldest first."""
        return self._events({"term": {"hash": content_hash}}, sort=_BY_TIME)

    def forgotten_document(self, content_hash: str) -> AssetDocument | None:
        """The document of an asset as it was when it was last forgotten, or None."""
        for event in reversed(self.of_asset(content_hash)):
            document = (event.get("before") or {}).get("document")
            if document:
                return document
        return None

    def of_run(self, run: str) -> list[EventRow]:
        """What one run did, oldest first."""
        return self._events({"term": {"run": run}}, sort=_BY_TIME)

    def undoing(self, run: str) -> list[EventRow]:
        """What was done to take a run back."""
        return self._events({"term": {"undoes": run}})

    def of_trash(self, keys: Sequence[str]) -> list[EventRow]:
        """What is told of files by their names in the trash, of whatever store."""
        found = []
        for start in range(0, len(keys), 500):
            found += self._events({"terms": {"trash": list(keys[start : start + 500])}})
        return found

    def taken_files(self, hashes: Sequence[str]) -> list[EventRow]:
        """What of some assets was brought to the trash, or removed from a store without one."""
        trash = {"bool": {"filter": [{"term": {"action": "trash"}}, {"term": {"effect": "file"}}]}}
        found = []
        for start in range(0, len(hashes), 500):
            some = {"terms": {"hash": list(hashes[start : start + 500])}}
            found += self._events({"bool": {"filter": [some, trash]}}, sort=_BY_TIME)
        return found

    def of_assets(self, hashes: Sequence[str], fields: Sequence[str]) -> list[EventRow]:
        """Some fields of what happened to some assets (up to some hundred)."""
        return self._events({"terms": {"hash": list(hashes)}}, source=fields)

    def of_action(self, action: str, fields: Sequence[str]) -> list[EventRow]:
        """Some fields of everything that was done by one action."""
        return self._events({"term": {"action": action}}, source=fields)

    def _events(self, query: Query, **order: Any) -> list[EventRow]:
        pages = scan_pages(self._connection, self._index, query, **order)
        return [hit["_source"] for page in pages for hit in page]
