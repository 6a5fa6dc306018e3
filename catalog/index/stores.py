"""What the catalog knows of its stores: a record each, by name; and which catalog it is."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from catalog.domain.document import CatalogRow, StoreRecord
from catalog.errors import CatalogIndexError, IndexUnavailable
from catalog.index import schema
from catalog.index.client import Connection
from catalog.index.requests import multi_get

MOST_STORES = 10_000
"""More than anybody has, and what one search may answer."""
THIS_CATALOG = "@catalog"
"""The id of the document that says which catalog it is; no store has that name."""


class StoreRecords:
    """The records of the stores of one catalog."""

    def __init__(self, connection: Connection, alias: str) -> None:
        self._connection = connection
        self._index = schema.companion(alias, "stores")

    def read(self, name: str) -> StoreRecord | None:
        """What is known of a store, or None; up to date without a refresh."""
        found = multi_get(self._connection, self._index, [name])[0]
        return found["_source"] if found["found"] else None

    def write(self, record: StoreRecord) -> None:
        """Write what is known of a store; the later writer wins, as both saw the same marker."""
        path = f"/{quote(self._index)}/_doc/{quote(record['name'], safe='')}"
        self._connection.request("PUT", path, record, refresh="true", require_alias="true")

    def read_all(self) -> list[StoreRecord]:
        """Every known store."""
        return [hit["_source"] for hit in self._hits() if hit["_id"] != THIS_CATALOG]

    def read_with_catalog(self) -> tuple[list[StoreRecord], str]:
        """Every known store; and the id of the catalog, or "", where it has none yet."""
        found = {hit["_id"]: hit["_source"] for hit in self._hits()}
        own = found.pop(THIS_CATALOG, {}).get("catalog", "")
        return list(found.values()), own or self._read_catalog()

    def _read_catalog(self) -> str:
        """The id of the catalog, or "", up to date without a refresh."""
        row = multi_get(self._connection, self._index, [THIS_CATALOG])[0]
        return str(row["_source"]["catalog"]) if row["found"] else ""

    def _hits(self) -> list[Any]:
        body = {"size": MOST_STORES, "sort": ["_doc"]}
        found = self._connection.request("POST", f"/{quote(self._index)}/_search", body)
        hits: list[Any] = found["hits"]["hits"]
        return hits

    def name_catalog(self, row: CatalogRow) -> str:
        """Say which catalog it is, once; the id that it has, if another program was faster."""
        where = {"_index": self._index, "_id": THIS_CATALOG, "require_alias": True}
        try:
            (reply,) = self._connection.bulk([{"create": where}, row], refresh="true")
        except IndexUnavailable:
            if own := self._read_catalog():  # it arrived, though nobody said so
                return own
            raise
        if reply["status"] not in (201, 409):
            raise CatalogIndexError(f"The catalog could not be given an id ({reply['error']}).")
        return self._read_catalog()

    def read_ids(self) -> dict[str, str]:
        """The id of every store by name; a record that lacks either says nothing."""
        return {r["name"]: r["id"] for r in self.read_all() if "name" in r and "id" in r}
