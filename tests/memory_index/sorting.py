"""Orders of hits, and going on after one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import terms
from .clauses import Clauses
from .mapping import Field, Mapping
from .refusals import NotEmulated, Refused, known
from .shard import Document
from .terms import Test

Hit = tuple[int, Document]
"""Where a document lies, and the document."""
_LARGEST = 2**63 - 1
_BY_PLACE = ("_doc", "_shard_doc")


@dataclass(frozen=True, slots=True)
class Order:
    """One part of an order; `field` None means where the documents lie."""

    field: Field | None = None
    descending: bool = False
    missing_first: bool = False
    chosen: Test | None = None
    """Which of the nested objects count."""

    def value(self, hit: Hit) -> Any:
        """What a hit is sorted by; None where it has no value."""
        at, document = hit
        if self.field is None:
            return at
        rows = [document.row]
        if self.field.nested and self.chosen:
            rows = [r for r in document.row.nested.get(self.field.nested, []) if self.chosen(r)]
        found = [value for row in rows for value in row.values.get(self.field.name, ())]
        if not found:
            return None
        key = _utf8 if self.field.type == "keyword" else None
        return max(found, key=key) if self.descending else min(found, key=key)

    def key(self, value: Any) -> tuple[bool, Any]:
        """What compares two values, in this direction."""
        if value is None:
            return self.missing_first == self.descending, 0
        return self.missing_first != self.descending, _utf8(value) if isinstance(
            value, str
        ) else value

    def shown(self, value: Any) -> Any:
        """A value as it is told in a hit."""
        if value is not None or self.field is None or self.field.type == "keyword":
            return value
        is_low = self.missing_first != self.descending
        if self.field.type == "float":
            return "-Infinity" if is_low else "Infinity"
        return -_LARGEST - 1 if is_low else _LARGEST

    def read(self, shown: Any) -> Any:
        """A value that was told."""
        if self.field and self.field.type != "keyword":
            return None if shown in (_LARGEST, -_LARGEST - 1, "Infinity", "-Infinity") else shown
        return shown


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def read(given: Any, clauses: Clauses) -> list[Order]:
    """The parts of a `sort`."""
    parts = given if isinstance(given, list) else [given]
    return [_read_one(part, clauses) for part in parts]


def _read_one(part: Any, clauses: Clauses) -> Order:
    if isinstance(part, str):
        part = {part: "asc"}
    if not isinstance(part, dict) or len(part) != 1:
        raise NotEmulated(f"the sort {part!r}")
    ((name, about),) = part.items()
    about = {"order": about} if isinstance(about, str) else about
    known("sort", about, "order", "missing", "nested")
    order, missing = about.get("order", "asc"), about.get("missing", "_last")
    if order not in ("asc", "desc") or missing not in ("_first", "_last"):
        raise NotEmulated(f"the sort {part!r}")
    descending = order == "desc"
    if name in _BY_PLACE:
        return Order(None, descending)
    field = clauses.mapping.fields.get(name)
    if field is None:
        raise Refused(
            400, "query_shard_exception", f"No mapping found for [{name}] in order to sort on"
        )
    terms.refuse_sort(field)
    chosen = None
    if field.nested and "nested" not in about:
        raise Refused(
            400,
            "query_shard_exception",
            f"it is mandatory to set the [nested] context on the nested sort field: [{name}].",
        )
    if "nested" in about:
        nested = known("the nested of a sort", about["nested"], "path", "filter")
        if nested["path"] != field.nested:
            raise NotEmulated(f"the sort {part!r}")
        chosen = clauses.test(nested.get("filter", {"match_all": {}}))
    return Order(field, descending, missing == "_first", chosen)


def arranged(hits: list[Hit], orders: Sequence[Order]) -> list[tuple[Hit, list[Any]]]:
    """Hits in an order, each with what it is sorted by; those of the same as they lie."""
    found = [(hit, [order.value(hit) for order in orders]) for hit in hits]
    for number in reversed(range(len(orders))):
        order = orders[number]
        found.sort(key=_keyed(order, number), reverse=order.descending)
    return found


def _keyed(order: Order, number: int) -> Callable[[tuple[Hit, list[Any]]], Any]:
    return lambda pair: order.key(pair[1][number])


def is_after(values: Sequence[Any], given: Sequence[Any], orders: Sequence[Order]) -> bool:
    """Whether a hit comes after another one, of which the values are given."""
    for order, value, other in zip(orders, values, given, strict=True):
        mine, its = order.key(value), order.key(order.read(other))
        if mine != its:
            return (mine > its) != order.descending
    return False


def scored(distance: int, bits: int) -> float:
    """The score of a vector of bits that differs in some of them."""
    return math.fsum((bits, -distance)) / bits


def check_mapping(mapping: Mapping, name: str) -> Field:
    """A field of vectors. Raises NotEmulated."""
    field = mapping.fields.get(name)
    if field is None or field.type != "dense_vector":
        raise NotEmulated(f"knn of {name}")
    return field
