"""Requests that more than one part of the index makes."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from catalog.errors import CatalogIndexError, IndexUnavailable
from catalog.index.client import Connection, Hit, Query, Reply, Sort

SCAN_PAGE = 1000
"""Documents of one page."""
FIELDS_PAGE = 2000
"""The same where only single fields are asked for."""
KEPT = "5m"
"""How long an index is kept as it was at one moment."""
Fields: TypeAlias = dict[str, list[Any]]
"""The values of some fields of a document, each a list; what has no value is left out."""


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

    `limit` 0 means all.
    """
    body: Query = {"sort": sort, "_source": source, "query": query or {"match_all": {}}}
    with point_in_time(connection, index) as pit:
        yield from _pages(connection, pit, body, SCAN_PAGE, limit)


@contextlib.contextmanager
def point_in_time(connection: Connection, index: str) -> Iterator[str]:
    """The id of an index as it is now.

    What is left before its end asks no more: that may be as a program ends and has no line any
    more, so that it would wait for ever. It ends by itself.
    """
    pit = connection.request("POST", f"/{quote(index)}/_pit", keep_alive=KEPT)["id"]
    is_left = False
    try:
        yield pit
    except GeneratorExit:
        is_left = True
        raise
    finally:
        # it ends by itself; what went wrong before must be told
        if not is_left:
            with contextlib.suppress(CatalogIndexError):
                connection.request("DELETE", "/_pit", {"id": pit})


def _pages(
    connection: Connection, pit: str, body: Query, size: int, limit: int = 0
) -> Generator[list[Any], None, None]:
    """Every hit of a search at a point in time, in pages of at most `size`."""
    body = {**body, "track_total_hits": False}
    left = limit
    while True:
        body |= {
            "size": min(size, left) if limit else size,
            "pit": {"id": pit, "keep_alive": KEPT},
        }
        reply = connection.request("POST", "/_search", body)
        hits = reply["hits"]["hits"]
        if hits:
            yield hits
        left -= len(hits)
        if len(hits) < body["size"] or (limit and left <= 0):
            return
        pit, body["search_after"] = reply["pit_id"], hits[-1]["sort"]


def scan_fields(
    connection: Connection,
    pit: str,
    query: Query,
    fields: Sequence[str | Query],
    *,
    slices: int = 1,
) -> Iterator[list[Fields]]:
    """Single fields of every hit at a point in time, in pages, as they come: from the columns of
    the index, without reading documents. With `slices` so many pages are asked for at a time.
    """
    body: Query = {
        "sort": "_shard_doc",
        "_source": False,
        "stored_fields": "_none_",
        "docvalue_fields": list(fields),
        "query": query,
    }
    if slices == 1:
        for page in _pages(connection, pit, body, FIELDS_PAGE):
            yield [hit.get("fields", {}) for hit in page]
        return
    parts = [{**body, "slice": {"id": number, "max": slices}} for number in range(slices)]
    pages = (_pages(connection, pit, part, FIELDS_PAGE) for part in parts)
    for page in _at_once(list(pages)):
        yield [hit.get("fields", {}) for hit in page]


def _at_once(sources: Sequence[Iterator[Any]]) -> Iterator[Any]:
    """What several iterators give, each in a thread of its own. Raises what one of them raises."""
    found: queue.Queue[tuple[bool, Any]] = queue.Queue(len(sources))
    is_over = threading.Event()

    def put(is_value: bool, what: Any) -> None:
        while not is_over.is_set():
            with contextlib.suppress(queue.Full):
                found.put((is_value, what), timeout=0.2)
                return

    def follow(source: Iterator[Any]) -> None:
        try:
            for value in source:
                put(True, value)
                if is_over.is_set():
                    return
            put(False, None)
        except BaseException as error:
            put(False, error)

    threads = [threading.Thread(target=follow, args=(s,), daemon=True) for s in sources]
    for thread in threads:
        thread.start()
    try:
        left = len(threads)
        while left:
            is_value, what = found.get()
            if is_value:
                yield what
            elif what is not None:
                raise what
            else:
                left -= 1
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far an index was written: the ids of the concrete index and of its history, and for each
    of its shards the number up to which every change is in it. `is_settled`: none is under way
    beyond that.
    """

    index: str
    reached: tuple[int, ...]
    is_settled: bool


def read_progress(connection: Connection, index: str) -> IndexProgress:
    """How far the one index behind a name was written; searches see all of that after a refresh."""
    path, wanted = f"/{quote(index)}/_stats/docs", "indices.*.uuid,indices.*.shards"
    reply = connection.request("GET", path, level="shards", filter_path=wanted)
    (about,) = reply["indices"].values()
    copies = (copy for shard in sorted(about["shards"].items()) for copy in shard[1])
    primaries = [copy for copy in copies if copy["routing"]["primary"]]
    histories = [copy["commit"]["user_data"]["history_uuid"] for copy in primaries]
    numbers = [copy["seq_no"] for copy in primaries]
    reached = tuple(number["local_checkpoint"] for number in numbers)
    return IndexProgress(
        " ".join([about["uuid"], *histories]),
        reached,
        reached == tuple(number["max_seq_no"] for number in numbers),
    )


def changed_since(reached: Sequence[int]) -> Query:
    """The query for documents that were written after an index had come so far."""
    return {"range": {"_seq_no": {"gt": min(reached, default=-1)}}}


def count_at(connection: Connection, pit: str, query: Query) -> int:
    """How many documents match at a point in time."""
    body = {
        "size": 0,
        "track_total_hits": True,
        "query": query,
        "pit": {"id": pit, "keep_alive": KEPT},
    }
    return int(connection.request("POST", "/_search", body)["hits"]["total"]["value"])


def refresh(connection: Connection, *indexes: str) -> None:
    """Make what was written visible to searches."""
    connection.request("POST", f"/{','.join(quote(name) for name in indexes)}/_refresh")
