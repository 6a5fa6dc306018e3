"""Searches: hits, in pages, and sums over all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from . import aggregations, columns, sorting
from .clauses import Clauses
from .refusals import NotEmulated, Refused, known
from .shard import Document
from .sorting import Hit, Order

WINDOW = 10_000
"""Hits that one search may go through, and the count at which it stops."""
_SCORELESS = ("match_all", "prefix", "term", "terms", "exists", "range")
"""Queries to which each hit answers equally well, so that they come as they lie."""
_SHARDS = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}


def search(
    view: Sequence[Document], index: str, body: dict[str, Any], clauses: Clauses, *, pit: bool
) -> dict[str, Any]:
    """The answer to a search. `pit`: hits are told apart to the last by where they lie."""
    known(
        "search", body, "query", "sort", "size", "from", "_source", "track_total_hits", "aggs",
        "search_after", "knn", "pit", "seq_no_primary_term", "docvalue_fields", "stored_fields",
    )  # fmt: skip
    if body.get("stored_fields", "_none_") != "_none_":
        raise NotEmulated(f"stored_fields {body['stored_fields']!r}")
    size, start = body.get("size", 10), body.get("from", 0)
    if size + start > WINDOW:
        raise Refused(
            400,
            "illegal_argument_exception",
            "Result window is too large, from + size must be less than or equal to: [10000] but "
            f"was [{size + start}].",
        )
    hits = list(enumerate(view))
    if "knn" in body:
        if body.keys() - {"knn", "size", "_source"}:
            raise NotEmulated("knn beside other parts of a search")
        found = _nearest(hits, body["knn"], clauses)
        shown = [_hit(index, hit, body, score=score) for score, hit in found[:size]]
        return _reply(shown, len(found), body, found[0][0] if found else None)
    query = body.get("query", {"match_all": {}})
    test = clauses.test(query)
    hits = [hit for hit in hits if test(hit[1].row)]
    orders = sorting.read(body["sort"], clauses) if "sort" in body else []
    if orders and pit and not any(order.field is None for order in orders):
        orders.append(Order())
    if orders:
        arranged = sorting.arranged(hits, orders)
        if "search_after" in body:
            after = _after(body["search_after"], orders)
            arranged = [pair for pair in arranged if sorting.is_after(pair[1], after, orders)]
        shown = [
            _hit(index, hit, body, sort=[o.shown(v) for o, v in zip(orders, found, strict=True)])
            | columns.shown(hit[1].row, body.get("docvalue_fields", []), clauses.mapping)
            for hit, found in arranged[start : start + size]
        ]
    else:
        if size and ("search_after" in body or not query.keys() <= set(_SCORELESS)):
            raise NotEmulated("hits by their scores")
        shown = [_hit(index, hit, body, score=1.0) for hit in hits[start : start + size]]
    reply = _reply(shown, len(hits), body, None if orders or not shown else 1.0)
    if "aggs" in body:
        rows = [document.row for _at, document in hits]
        reply["aggregations"] = aggregations.summed(body["aggs"], rows, clauses)
    return reply


def _after(given: list[Any], orders: Sequence[Order]) -> list[Any]:
    if len(given) != len(orders):
        raise Refused(
            400,
            "illegal_argument_exception",
            f"search_after has {len(given)} value(s) but sort has {len(orders)}.",
        )
    return given


def _nearest(hits: list[Hit], about: Any, clauses: Clauses) -> list[tuple[float, Hit]]:
    """The hits whose vectors are nearest to one, with their scores, the best first."""
    known("knn", about, "field", "query_vector", "k", "num_candidates", "similarity")
    field = sorting.check_mapping(clauses.mapping, about["field"])
    if not about["k"] <= about["num_candidates"] <= WINDOW:
        raise Refused(400, "illegal_argument_exception", "[num_candidates] cannot be less than [k]")
    wanted, most = int(about["query_vector"], 16), about.get("similarity", field.bits)
    found = []
    for hit in hits:
        for vector in hit[1].row.values.get(field.name, ()):
            bits = (vector ^ wanted).bit_count()
            if bits <= most:
                found.append((sorting.scored(bits, field.bits), hit))
    found.sort(key=lambda pair: -pair[0])
    return found[: about["k"]]


def _reply(
    shown: list[dict[str, Any]], total: int, body: dict[str, Any], best: float | None
) -> dict[str, Any]:
    tracked = body.get("track_total_hits", WINDOW)
    hits: dict[str, Any] = {}
    if tracked is not False:
        most = total if tracked is True else min(total, int(tracked))
        hits["total"] = {"value": most, "relation": "eq" if most == total else "gte"}
    hits |= {"max_score": best, "hits": shown}
    return {"took": 1, "timed_out": False, "_shards": _SHARDS, "hits": hits}


def _hit(index: str, hit: Hit, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    _at, document = hit
    told = {"_index": index, "_id": document.key, "_score": None, **more}
    if body.get("seq_no_primary_term"):
        told |= {"_seq_no": document.seq_no, "_primary_term": 1}
    if "stored_fields" in body:
        del told["_id"]
    if "score" in told:
        told["_score"] = told.pop("score")
    return told | sourced(document, body.get("_source", True))


def sourced(document: Document, wanted: Any) -> dict[str, Any]:
    """The source of a document, or those of its fields that are wanted."""
    if wanted is True:
        return {"_source": orjson.Fragment(document.raw)}
    if wanted is False:
        return {}
    names = [wanted] if isinstance(wanted, str) else wanted
    if not all(isinstance(name, str) for name in names):
        raise NotEmulated(f"_source {wanted!r}")
    if not names:
        return {"_source": orjson.Fragment(document.raw)}
    patterns = [re.compile(".*".join(map(re.escape, name.split("*")))) for name in names]
    return {"_source": _part(document.source, patterns, "") or {}}


def _part(value: Any, patterns: list[re.Pattern[str]], path: str) -> Any:
    """What is left of a value; None where nothing is."""
    if path and any(pattern.fullmatch(path) for pattern in patterns):
        return value
    if isinstance(value, list):
        parts = [_part(part, patterns, path) for part in value if isinstance(part, dict)]
        return [part for part in parts if part is not None] or None
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        found = {k: _part(v, patterns, f"{prefix}{k}") for k, v in value.items()}
        return {k: v for k, v in found.items() if v is not None} or None
    return None
