"""What the catalog knows of its stores: a record each, by name."""

from __future__ import annotations

from urllib.parse import quote

from catalog.domain.document import StoreRecord
from catalog.index import schema
from catalog.index.client import Connection
from catalog.index.requests import multi_get

MOST_STORES = 10_000
"""More than anybody has, and what one search may answer."""


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
        self._connection.request(
            "PUT", path, record, may_repeat=True, refresh="true", require_alias="true"
        )

    def read_all(self) -> list[StoreRecord]:
        """Every known store."""
        body = {"size": MOST_STORES, "sort": ["_doc"]}
        found = self._connection.request("POST", f"/{quote(self._index)}/_search", body)
        return [hit["_source"] for hit in found["hits"]["hits"]]

    def read_uuid(self) -> str:
        """The id that Elasticsearch gave the index when it was made: no other one has it."""
        reply = self._connection.request("GET", f"/{quote(self._index)}")
        (described,) = reply.values()
        return str(described["settings"]["index"]["uuid"])

    def read_ids(self) -> dict[str, str]:
        """The id of every store by name; a record that lacks either says nothing."""
        return {r["name"]: r["id"] for r in self.read_all() if "name" in r and "id" in r}
