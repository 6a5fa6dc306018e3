"""Requests that more than one part of the index makes."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any
from urllib.parse import quote

from catalog.errors import CatalogIndexError, IndexUnavailable
from catalog.index.client import Connection, Hit, Query, Reply, Sort

SCAN_PAGE = 1000
"""Documents of one page."""


def multi_get(connection: Connection, index: str, ids: Sequence[str], **params: Any) -> list[Reply]:
    """One reply an id, with no request for none.

    Raises IndexUnavailable where one cannot be had: that is not the same as not found.
    """
    if not ids:
        return []
    reply = connection.request("POST", f"/{quote(index)}/_mget", {"ids": list(ids)}, **params)
    documents: list[Reply] = reply["docs"]
    failed = next((d["error"] for d in documents if "error" in d), None)
    if failed:
        reason = failed.get("reason") or failed.get("type")
        raise IndexUnavailable(
            f"Elasticsearch cannot read the index {index} ({reason}).", hint="Try again later."
        )
    return documents


def scan_pages(
    connection: Connection,
    index: str,
    query: Query | None = None,
    *,
    sort: Sort = "_shard_doc",
    source: Sequence[str] | bool = True,
    limit: int = 0,
) -> Generator[list[Hit[Any]], None, None]:
    """Every hit, in pages, from one point in time; nothing stops at 10,000.

    `limit` 0 means all. What is left before its end asks no more: that may be as a program ends and
    has no line any more, so that it would wait for ever.
    """
    name = quote(index)
    pit = connection.request("POST", f"/{name}/_pit", keep_alive="5m")["id"]
    body: Query = {
        "sort": sort,
        "_source": source,
        "track_total_hits": False,
        "query": query or {"match_all": {}},
    }
    left, is_left = limit, False
    try:
        while True:
            body |= {
                "size": min(SCAN_PAGE, left) if limit else SCAN_PAGE,
                "pit": {"id": pit, "keep_alive": "5m"},
            }
            reply = connection.request("POST", "/_search", body)
            hits = reply["hits"]["hits"]
            if hits:
                yield hits
            left -= len(hits)
            if len(hits) < body["size"] or (limit and left <= 0):
                return
            pit, body["search_after"] = reply["pit_id"], hits[-1]["sort"]
    except GeneratorExit:
        is_left = True
        raise
    finally:
        # it ends by itself; what went wrong before must be told
        if not is_left:
            with contextlib.suppress(CatalogIndexError):
                connection.request("DELETE", "/_pit", {"id": pit})


def refresh(connection: Connection, *indexes: str) -> None:
    """Make what was written visible to searches."""
    connection.request("POST", f"/{','.join(quote(name) for name in indexes)}/_refresh")
