"""Sums over what a search finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import terms, values
from .clauses import Clauses
from .mapping import Field, Row
from .refusals import NotEmulated, Refused, known


def summed(asked: Any, rows: Sequence[Row], clauses: Clauses) -> dict[str, Any]:
    """The answers to named aggregations over some rows."""
    return {name: _one(name, body, rows, clauses) for name, body in asked.items()}


def _one(name: str, body: dict[str, Any], rows: Sequence[Row], clauses: Clauses) -> dict[str, Any]:
    kinds = body.keys() - {"aggs"}
    if len(kinds) != 1 or not kinds <= _KINDS.keys():
        raise NotEmulated(f"the aggregation {name}: {', '.join(sorted(kinds))}")
    (kind,) = kinds
    return _KINDS[kind](body[kind], rows, clauses, body.get("aggs", {}))


def _field(about: dict[str, Any], clauses: Clauses) -> Field:
    field = clauses.mapping.fields.get(about["field"])
    if field is None:
        raise NotEmulated(f"an aggregation of {about['field']}, which is not there")
    terms.refuse_sort(field)
    return field


def _sum(about: Any, rows: Sequence[Row], clauses: Clauses, inner: Any) -> dict[str, Any]:
    known("sum", about, "field")
    _refuse(inner)
    name = _field(about, clauses).name
    return {"value": float(sum(v for row in rows for v in row.values.get(name, ())))}


def _min(about: Any, rows: Sequence[Row], clauses: Clauses, inner: Any) -> dict[str, Any]:
    known("min", about, "field")
    _refuse(inner)
    field = _field(about, clauses)
    found = [v for row in rows for v in row.values.get(field.name, ())]
    if not found:
        return {"value": None}
    told: dict[str, Any] = {"value": float(min(found))}
    return told | ({"value_as_string": values.written(min(found))} if field.type == "date" else {})


def _filter(about: Any, rows: Sequence[Row], clauses: Clauses, inner: Any) -> dict[str, Any]:
    test = clauses.test(about)
    return _bucket([row for row in rows if test(row)], clauses, inner)


def _nested(about: Any, rows: Sequence[Row], clauses: Clauses, inner: Any) -> dict[str, Any]:
    path = known("nested", about, "path")["path"]
    return _bucket([part for row in rows for part in row.nested.get(path, ())], clauses, inner)


def _bucket(rows: Sequence[Row], clauses: Clauses, inner: Any) -> dict[str, Any]:
    return {"doc_count": len(rows), **summed(inner, rows, clauses)}


def _grouped(
    rows: Sequence[Row], name: str, key: Callable[[Any], Any] = lambda value: value
) -> dict[Any, list[Row]]:
    """The rows of each value that they have."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        for value in dict.fromkeys(map(key, row.values.get(name, ()))):
            groups.setdefault(value, []).append(row)
    return groups


def _terms(about: Any, rows: Sequence[Row], clauses: Clauses, inner: Any) -> dict[str, Any]:
    known("terms", about, "field", "size")
    field = _field(about, clauses)
    if field.type not in ("keyword", "long", "integer"):
        raise NotEmulated(f"terms of {field.name}, which is a {field.type}")
    size = about.get("size", 10)
    if size < 1:
        raise Refused(400, "illegal_argument_exception", "[size] must be greater than 0")
    groups = _grouped(rows, field.name)
    names = sorted(groups, key=str.encode if field.type == "keyword" else None)
    names.sort(key=lambda name: -len(groups[name]))
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": sum(len(groups[name]) for name in names[size:]),
        "buckets": [{"key": n, **_bucket(groups[n], clauses, inner)} for n in names[:size]],
    }


def _composite(about: Any, rows: Sequence[Row], clauses: Clauses, inner: Any) -> dict[str, Any]:
    known("composite", about, "size", "sources", "after")
    (source,) = about["sources"]
    ((label, by),) = source.items()
    field = _field(known("terms", known("a source", by, "terms")["terms"], "field"), clauses)
    if field.type != "keyword":
        raise NotEmulated(f"composite of {field.name}, which is a {field.type}")
    groups = _grouped(rows, field.name)
    after = about.get("after", {}).get(label)
    names = sorted(groups, key=str.encode)
    wanted = [n for n in names if after is None or n.encode() > after.encode()][: about["size"]]
    buckets = [{"key": {label: n}, **_bucket(groups[n], clauses, inner)} for n in wanted]
    return ({"after_key": {label: wanted[-1]}} if wanted else {}) | {"buckets": buckets}


def _years(about: Any, rows: Sequence[Row], clauses: Clauses, inner: Any) -> dict[str, Any]:
    known("date_histogram", about, "field", "calendar_interval", "format", "min_doc_count")
    asked = tuple(about.get(k) for k in ("calendar_interval", "format", "min_doc_count"))
    if asked != ("year", "yyyy", 1):
        raise NotEmulated(f"date_histogram {about}")
    field = _field(about, clauses)
    groups = _grouped(rows, field.name, values.year_of)
    return {
        "buckets": [
            {
                "key_as_string": f"{year:04d}",
                "key": values.start_of_year(year),
                **_bucket(groups[year], clauses, inner),
            }
            for year in sorted(groups)
        ]
    }


def _refuse(inner: Any) -> None:
    if inner:
        raise NotEmulated("aggregations within a sum")


_KINDS: dict[str, Callable[[Any, Sequence[Row], Clauses, Any], dict[str, Any]]] = {
    "sum": _sum,
    "min": _min,
    "filter": _filter,
    "nested": _nested,
    "terms": _terms,
    "composite": _composite,
    "date_histogram": _years,
}
