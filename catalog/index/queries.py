"""Searches and sums: from a parsed query to the requests that answer it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.domain.document import AssetDocument, EventRow, SidecarRow
from catalog.errors import QuerySyntaxError
from catalog.index import schema
from catalog.index.client import Hit, Query, Sort
from catalog.index.documents import READER_VERSION
from catalog.index.query_text import Near, ParsedQuery, parse_query
from catalog.index.repository import Repository
from catalog.index.schema import Definition

WORDS = [
    "title",
    "description",
    "tags",
    "albums",
    "place.city",
    "place.region",
    "place.country",
    "place.name",
    "camera.make",
    "camera.model",
    "camera.lens",
    "paths.text",
    "original.name",
]
"""Where words without a field name are looked for."""

BY_HASH: Sort = [{"hash": "asc"}]
SORTS = {
    "taken": "captured.wall",
    "added": "added",
    "size": "size",
    "path": "paths",
    "name": "paths",
    "width": "width",
    "duration": "duration",
    "rating": "rating",
    "city": "place.city.keyword",
    "camera": "camera.model.keyword",
    "copies": "copy_count",
    "sharpness": "quality.sharpness",
    "brightness": "quality.brightness",
    "hash": "hash",
}


def field_names() -> frozenset[str]:
    """Every field of the document that a query may name."""
    return frozenset(_flattened(schema.ASSET_PROPERTIES, ""))


def _flattened(properties: Definition, prefix: str) -> Iterator[str]:
    for name, definition in properties.items():
        if definition.get("type") == "nested" or definition.get("enabled") is False:
            continue
        if "properties" in definition:
            yield from _flattened(definition["properties"], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
            yield from (f"{prefix}{name}.{sub}" for sub in definition.get("fields", {}))


def build(text: str) -> Query:
    """The Elasticsearch query for what a person typed; an empty text matches everything."""
    parsed = parse_query(text, field_names())
    return _request(parsed)


def _request(parsed: ParsedQuery) -> Query:
    words = {
        "query_string": {
            "query": parsed.text,
            "default_operator": "AND",
            "fields": WORDS,
            "type": "cross_fields",
            "allow_leading_wildcard": True,
        }
    }
    must = [words] if parsed.text else [{"match_all": {}}]
    return {
        "bool": {
            "must": must,
            "filter": [_circle(n) for n in parsed.near if not n.negated],
            "must_not": [_circle(n) for n in parsed.near if n.negated],
        }
    }


def _circle(near: Near) -> Query:
    return {
        "geo_distance": {"distance": f"{near.km}km", "location": {"lat": near.lat, "lon": near.lon}}
    }


def sort_order(name: str) -> list[Query]:
    """The sort of a request for `taken` or `-taken`.

    Raises QuerySyntaxError for an unknown name.
    """
    descending, key = name.startswith("-"), name.lstrip("-+")
    if key not in SORTS:
        raise QuerySyntaxError(
            f"--sort does not know {key}",
            hint=f"It knows {', '.join(SORTS)}; with - before it, downwards.",
        )
    order = {"order": "desc" if descending else "asc", "missing": "_last"}
    return [{SORTS[key]: order}, {"hash": "asc"}]


def search(repository: Repository, text: str, *, sort: str, limit: int) -> Iterator[AssetDocument]:
    """The documents that match, streamed. Raises QuerySyntaxError that points at the spot."""
    query, order = build(text), sort_order(sort)
    with pointing_at(text):
        for page in repository.scan_pages(query, sort=order, limit=limit):
            for hit in page:
                yield hit["_source"]


OUTDATED: Query = {"bool": {"must_not": [{"range": {"reader": {"gte": READER_VERSION}}}]}}
"""What an older version of the program has read."""


def search_pages(
    repository: Repository,
    text: str,
    *,
    also: Query | None = None,
    source: Sequence[str] | bool = True,
    sort: Sort = BY_HASH,
) -> Iterator[list[Hit[AssetDocument]]]:
    """Pages of hits that match, by hash if not sorted otherwise.

    `also` is a further condition, in Elasticsearch's own words.
    """
    query = build(text)
    if also:
        query["bool"]["filter"].append(also)
    with pointing_at(text):
        yield from repository.scan_pages(query, sort=sort, source=source)


def count(repository: Repository, text: str) -> int:
    """How many documents match."""
    query = build(text)
    with pointing_at(text):
        return repository.count(query)


class pointing_at:  # noqa: N801 - reads as words: `with pointing_at(text):`
    """Turns Elasticsearch's complaint about the rewritten query into one about what was typed."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Raise the translated error."""
        if not isinstance(error, QuerySyntaxError) or error.position is not None:
            return
        match = re.search(r"at line 1, column (\d+)", str(error))
        if not match:
            return
        position = parse_query(self._text, field_names()).position(int(match[1]))
        raise QuerySyntaxError(
            "The query cannot be understood", position=min(position, len(self._text))
        ) from error


def by_path(repository: Repository, path: str, store: str | None = None) -> list[str]:
    """The hashes of the assets that have a copy at a path."""
    conditions: list[Query] = [{"term": {"copies.path": path}}]
    if store:
        conditions.append({"term": {"copies.store": store}})
    query = {"nested": {"path": "copies", "query": {"bool": {"filter": conditions}}}}
    return [hit["_id"] for page in repository.scan_pages(query, source=False) for hit in page]


MOST_NEIGHBOURS = 10_000


def neighbours(
    repository: Repository, field: str, hashes: Sequence[int], distance: int
) -> set[str]:
    """The assets whose hash in a field differs from one of some hashes in at most so many bits;
    as of the last refresh.

    The bit vectors are compared one by one (`flat`), so that none is missed, up to MOST_NEIGHBOURS
    for each hash.
    """
    found: set[str] = set()
    for value in dict.fromkeys(hashes):
        about = {
            "field": field,
            "query_vector": f"{value:016x}",
            "k": MOST_NEIGHBOURS,
            "num_candidates": MOST_NEIGHBOURS,
        }
        body = {"knn": {**about, "similarity": distance}, "size": MOST_NEIGHBOURS, "_source": False}
        found.update(hit["_id"] for hit in repository.search(body)["hits"]["hits"])
    return found


def at_paths(repository: Repository, store: str, paths: Sequence[str]) -> dict[str, AssetDocument]:
    """The document of the asset with a copy at each of some paths (up to some hundred) of a store;
    as of the last refresh.
    """
    conditions = [{"term": {"copies.store": store}}, {"terms": {"copies.path": list(paths)}}]
    query = {"nested": {"path": "copies", "query": {"bool": {"filter": conditions}}}}
    wanted = set(paths)
    return {
        row["path"]: hit["_source"]
        for page in repository.scan_pages(query)
        for hit in page
        for row in hit["_source"]["copies"]
        if row["store"] == store and row["path"] in wanted and row["state"] == "ok"
    }


def of_store(store: str) -> Query:
    """The query for the assets that have a copy or a sidecar in a store, whatever its state."""
    in_copies = {"nested": {"path": "copies", "query": {"term": {"copies.store": store}}}}
    return {"bool": {"should": [in_copies, {"term": {"sidecars.store": store}}]}}


def claimants(
    repository: Repository, places: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], set[str]]:
    """The assets that have a copy or sidecar at each (store, path); as of the last refresh."""
    found: dict[tuple[str, str], set[str]] = {place: set() for place in places}
    paths = sorted({path for _store, path in places})
    for start in range(0, len(paths), 500):
        part = paths[start : start + 500]
        in_copies = {"nested": {"path": "copies", "query": {"terms": {"copies.path": part}}}}
        query = {"bool": {"should": [in_copies, {"terms": {"sidecars.path": part}}]}}
        for hit in (
            h for page in repository.scan_pages(query, source=["copies", "sidecars"]) for h in page
        ):
            for row in (*hit["_source"].get("copies", []), *hit["_source"].get("sidecars", [])):
                if (row["store"], row["path"]) in found and row.get("state") != "missing":
                    found[row["store"], row["path"]].add(hit["_id"])
    return found


def find_repaired(repository: Repository) -> set[str]:
    """The names in the trash of files that were bad and were replaced."""
    index = schema.companion(repository.alias, "events")
    pages = repository.scan_pages({"term": {"action": "repair"}}, index=index, source=["trash"])
    return {
        hit["_source"]["trash"] for page in pages for hit in page if hit["_source"].get("trash")
    }


def renames(repository: Repository, hashes: Sequence[str], stores: Sequence[str]) -> list[EventRow]:
    """The events of renames of some assets in some stores;
    up to date when the events were refreshed.
    """
    index = schema.companion(repository.alias, "events")
    found: list[EventRow] = []
    for start in range(0, len(hashes), 500):
        about = {"terms": {"hash": list(hashes[start : start + 500])}}
        conditions = [{"term": {"action": "move"}}, {"terms": {"store": list(stores)}}, about]
        query = {"bool": {"filter": conditions}}
        pages = repository.scan_pages(
            query, index=index, source=["hash", "store", "source", "path", "at"]
        )
        found += [hit["_source"] for page in pages for hit in page]
    return found


def companions(
    repository: Repository,
    document: AssetDocument,
    *,
    source: Sequence[str] | bool = True,
    limit: int = 0,
) -> Iterator[AssetDocument]:
    """The other files of an asset's shot, or of the first `limit` of it; `source` are their fields
    that are wanted.
    """
    shot = document.get("stack", {}).get("id")
    if shot:
        query: Query = {"term": {"stack.id": shot}}
        for page in repository.scan_pages(query, source=source, limit=limit):
            yield from (hit["_source"] for hit in page if hit["_id"] != document["hash"])


def of_stores(stores: Sequence[str]) -> Query:
    """The query for the assets that have a copy or a sidecar in one of some stores,
    whatever its state.
    """
    return {
        "bool": {
            "should": [clause for store in stores for clause in of_store(store)["bool"]["should"]]
        }
    }


def sidecar_rows(repository: Repository, digest: str) -> list[SidecarRow]:
    """The recorded sidecars of a content."""
    pages = repository.scan_pages({"term": {"sidecars.hash": digest}}, source=["sidecars"])
    return [
        row
        for page in pages
        for hit in page
        for row in hit["_source"]["sidecars"]
        if row["hash"] == digest
    ]


def owners_of_sidecar(repository: Repository, store: str, path: str, digest: str) -> list[str]:
    """The assets that had a sidecar of this content at a path, by the history."""
    conditions = [
        {"term": {"store": store}},
        {"term": {"path": path}},
        {"term": {"action": "trash"}},
    ]
    index = schema.companion(repository.alias, "events")
    pages = repository.scan_pages(
        {"bool": {"filter": conditions}}, index=index, sort=[{"at": "desc"}]
    )
    found: list[EventRow] = [hit["_source"] for page in pages for hit in page]
    rows = [(e["hash"], r) for e in found for r in (e.get("before") or {}).get("sidecars", [])]
    return sorted({owner for owner, row in rows if row["hash"] == digest and row["path"] == path})


def by_prefix(repository: Repository, prefix: str) -> list[str]:
    """The hashes that begin with some hex digits (two at most are given: one is an answer,
    two are none).
    """
    body = {"query": {"prefix": {"hash": prefix}}, "size": 2, "_source": False}
    return [hit["_id"] for hit in repository.search(body)["hits"]["hits"]]


@dataclass(frozen=True, slots=True)
class Policy:
    """What assets that match a query must have: so many copies, and one in each of some stores."""

    query: str = ""
    min_copies: int = 1
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shortfall:
    """How many assets lack what a policy demands or, where there is none,
    have a copy in a bad state.
    """

    assets: int
    policy: Policy | None = None
    state: str = ""


def in_fewer_stores(repository: Repository, count: int) -> Query:
    """The assets with good copies in fewer stores than so many:
    two copies on one disk are lost with it together.
    """
    found = repository.search(
        {"size": 0, "aggs": {"stores": {"terms": {"field": "stores", "size": 1000}}}}
    )
    names = [b["key"] for b in found["aggregations"]["stores"]["buckets"]]
    if count > len(names):
        return {"match_all": {}}
    held = {
        "bool": {"should": [{"term": {"stores": n}} for n in names], "minimum_should_match": count}
    }
    return {"bool": {"must_not": held}}


def require_lacking(
    repository: Repository, query: Query, min_copies: int, stores: Sequence[str]
) -> Query:
    """Those of a query with copies in fewer stores, or none in one of some;
    all of them where nothing is demanded.

    An original that gave way to what was made of it needs none: that has its own.
    """
    faults: list[Query] = [{"bool": {"must_not": {"term": {"stores": name}}}} for name in stores]
    if min_copies:
        faults.append(in_fewer_stores(repository, min_copies))
    if not faults:
        return {"bool": {"must": [query]}}
    replaced = {
        "bool": {"must": [{"exists": {"field": "renditions"}}, {"term": {"copy_count": 0}}]}
    }
    return {
        "bool": {
            "must": [query],
            "must_not": [replaced],
            "should": faults,
            "minimum_should_match": 1,
        }
    }


def shortfalls(repository: Repository, policies: Sequence[Policy]) -> list[Shortfall]:
    """How many assets lack what each policy demands,
    and how many have missing or damaged copies.
    """
    found = []
    for policy in policies:
        with pointing_at(policy.query):
            query = require_lacking(
                repository, build(policy.query), policy.min_copies, policy.stores
            )
            found.append(Shortfall(repository.count(query), policy))
    for state in ("damaged", "missing"):
        query = {"nested": {"path": "copies", "query": {"term": {"copies.state": state}}}}
        found.append(Shortfall(repository.count(query), state=state))
    return found


@dataclass(frozen=True, slots=True)
class KindTotals:
    """Sums over the assets of one kind."""

    assets: int
    bytes: int


@dataclass(frozen=True, slots=True)
class StoreTotals:
    """Sums over the copies in one store. `not_ok` are missing or damaged."""

    copies: int = 0
    bytes: int = 0
    not_ok: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over all assets.

    `lacking_copies` are in fewer stores than `min_copies`; a weak date may be none.
    """

    assets: int
    bytes: int
    copies: int
    stores: Mapping[str, StoreTotals]
    kinds: Mapping[str, KindTotals]
    years: Mapping[str, int]
    min_copies: int
    lacking_copies: int
    weak_dates: int
    with_position: int
    with_problem: int
    outdated: int


def totals(repository: Repository, min_copies: int) -> Totals:
    """What the catalog holds: assets, bytes, copies by store, kinds, years, weak dates,
    assets with too few copies.
    """
    no_date = {"bool": {"must_not": {"exists": {"field": "captured.wall"}}}}
    weak = {"bool": {"should": [{"term": {"captured.confidence": "low"}}, no_date]}}
    years = {
        "field": "captured.wall",
        "calendar_interval": "year",
        "format": "yyyy",
        "min_doc_count": 1,
    }
    body = {
        "size": 0,
        "track_total_hits": True,
        "aggs": {
            "bytes": {"sum": {"field": "size"}},
            "kinds": {
                "terms": {"field": "kind", "size": 10},
                "aggs": {"bytes": {"sum": {"field": "size"}}},
            },
            "years": {"date_histogram": years},
            "lacking": {"filter": in_fewer_stores(repository, min_copies)},
            "weak": {"filter": weak},
            "located": {"filter": {"exists": {"field": "location"}}},
            "problems": {"filter": {"exists": {"field": "problem"}}},
            "outdated": {"filter": OUTDATED},
            "copies": {"nested": {"path": "copies"}, "aggs": {"stores": _BY_STORE}},
        },
    }
    reply = repository.search(body)
    found = reply["aggregations"]
    return Totals(
        assets=reply["hits"]["total"]["value"],
        bytes=int(found["bytes"]["value"]),
        copies=found["copies"]["doc_count"],
        stores={
            b["key"]: StoreTotals(
                b["doc_count"], int(b["bytes"]["value"]), b["missing"]["doc_count"]
            )
            for b in found["copies"]["stores"]["buckets"]
        },
        kinds={
            b["key"]: KindTotals(b["doc_count"], int(b["bytes"]["value"]))
            for b in found["kinds"]["buckets"]
        },
        years={b["key_as_string"]: b["doc_count"] for b in found["years"]["buckets"]},
        min_copies=min_copies,
        lacking_copies=found["lacking"]["doc_count"],
        weak_dates=found["weak"]["doc_count"],
        with_position=found["located"]["doc_count"],
        with_problem=found["problems"]["doc_count"],
        outdated=found["outdated"]["doc_count"],
    )


_BY_STORE = {
    "terms": {"field": "copies.store", "size": 1000},
    "aggs": {
        "bytes": {"sum": {"field": "copies.size"}},
        "missing": {"filter": {"bool": {"must_not": {"term": {"copies.state": "ok"}}}}},
    },
}
"""Copies and their bytes by store, and how many of them are not as recorded."""
