"""What the catalog knows of its stores: a record each, by name."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from catalog.index import schema
from catalog.index.repository import Repository
from catalog.index.requests import multi_get

MOST_STORES = 10_000
"""More than anybody has, and what one search may answer."""


def read_store(repository: Repository, name: str) -> dict[str, Any] | None:
    """What is known of a store, or None."""
    index = schema.companion(repository.alias, "stores")
    found = multi_get(repository.connection, index, [name])[0]
    return dict(found["_source"]) if found["found"] else None


def write_store(repository: Repository, record: dict[str, Any]) -> None:
    """Write what is known of a store; the later writer wins, as both saw the same marker."""
    index = schema.companion(repository.alias, "stores")
    path = f"/{quote(index)}/_doc/{quote(record['name'], safe='')}"
    repository.connection.request("PUT", path, record, refresh="true", require_alias="true")


def read_stores(repository: Repository) -> list[dict[str, Any]]:
    """Every known store."""
    index = schema.companion(repository.alias, "stores")
    found = repository.connection.request(
        "POST", f"/{quote(index)}/_search", {"size": MOST_STORES, "sort": ["_doc"]}
    )
    return [hit["_source"] for hit in found["hits"]["hits"]]


def read_store_ids(repository: Repository) -> dict[str, str]:
    """The id of every store by name; a record that lacks either says nothing."""
    return {r["name"]: r["id"] for r in read_stores(repository) if "name" in r and "id" in r}
