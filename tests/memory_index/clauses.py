"""Queries in Elasticsearch's own words, as tests of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import terms, values
from .mapping import Mapping, Row
from .query_string import QueryString
from .refusals import NotEmulated, Refused, known
from .terms import Test

MOST_TERMS = 65_536


@dataclass(frozen=True, slots=True)
class Clauses:
    """Reads queries about rows of one mapping, at one moment."""

    mapping: Mapping
    now: datetime

    def test(self, query: Any) -> Test:
        """What tells whether a row matches. Raises Refused, NotEmulated."""
        if not isinstance(query, dict) or len(query) != 1:
            raise NotEmulated(f"the query {query!r}")
        ((name, body),) = query.items()
        if name != "match_all" and not self.mapping.is_strict:
            raise NotEmulated("questions about an index whose mapping is not strict")
        if name not in _CLAUSES:
            raise NotEmulated(f"the query {name}")
        return _CLAUSES[name](self, body)

    def tests(self, queries: Any) -> list[Test]:
        """The same for one query, or for each of several."""
        return [self.test(q) for q in (queries if isinstance(queries, list) else [queries])]

    def _one(self, name: str, body: Any) -> tuple[str, Any]:
        """The field that a clause is about, and what it says of it."""
        if not isinstance(body, dict) or len(body) != 1:
            raise NotEmulated(f"{name} with {body!r}")
        return next(iter(body.items()))

    def _bool(self, body: Any) -> Test:
        known("bool", body, "must", "filter", "must_not", "should", "minimum_should_match")
        must = self.tests(body.get("must", [])) + self.tests(body.get("filter", []))
        must_not = self.tests(body.get("must_not", []))
        should = self.tests(body.get("should", []))
        least = body.get("minimum_should_match", int(bool(should) and not must))
        if not isinstance(least, int) or least < 0:
            raise NotEmulated(f"minimum_should_match {least!r}")

        def matches(row: Row) -> bool:
            return (
                all(test(row) for test in must)
                and not any(test(row) for test in must_not)
                and (not least or sum(test(row) for test in should) >= least)
            )

        return matches

    def _match_all(self, body: Any) -> Test:
        known("match_all", body)
        return terms.everything

    def _term(self, body: Any) -> Test:
        name, value = self._one("term", body)
        if isinstance(value, dict):
            value = known("term", value, "value")["value"]
        if isinstance(value, list):
            raise Refused(400, "parsing_exception", "[term] query does not support array of values")
        found = self.mapping.fields.get(name)
        return terms.term(found, value, self.now) if found else terms.nothing

    def _terms(self, body: Any) -> Test:
        name, wanted = self._one("terms", body)
        if not isinstance(wanted, list):
            raise NotEmulated(f"terms with {wanted!r}")
        if len(wanted) > MOST_TERMS:
            raise Refused(400, "illegal_argument_exception", "too many terms")
        found = self.mapping.fields.get(name)
        return terms.term(found, wanted, self.now) if found else terms.nothing

    def _prefix(self, body: Any) -> Test:
        name, value = self._one("prefix", body)
        if not isinstance(value, str):
            raise NotEmulated(f"prefix with {value!r}")
        found = self.mapping.fields.get(name)
        return terms.starting(found, value) if found else terms.nothing

    def _range(self, body: Any) -> Test:
        name, bounds = self._one("range", body)
        known("range", bounds, "gt", "gte", "lt", "lte")
        found = self.mapping.fields.get(name)
        return terms.within(found, bounds, self.now) if found else terms.nothing

    def _exists(self, body: Any) -> Test:
        name = known("exists", body, "field")["field"]
        found = self.mapping.fields.get(name)
        if found:
            return terms.exists(found)
        inner = self.mapping.matching(f"{name}.*")
        return terms.any_of([terms.exists(field) for field in inner] or [terms.nothing])

    def _nested(self, body: Any) -> Test:
        known("nested", body, "path", "query")
        path, test = body["path"], self.test(body["query"])
        return lambda row: any(test(inner) for inner in row.nested.get(path, ()))

    def _geo_distance(self, body: Any) -> Test:
        (name,) = known("geo_distance", body, "distance", *(body.keys() - {"distance"})).keys() - {
            "distance"
        }
        radius, centre = values.metres(body["distance"]), values.point(body[name])
        found = self.mapping.fields.get(name)
        if not found or found.type != "geo_point":
            raise NotEmulated(f"geo_distance of {name}")
        return lambda row: any(
            values.distance(centre, at) <= radius for at in row.values.get(name, ())
        )

    def _query_string(self, body: Any) -> Test:
        return QueryString(self.mapping, self.now, body).test()


_CLAUSES: dict[str, Callable[[Clauses, Any], Test]] = {
    "bool": Clauses._bool,
    "match_all": Clauses._match_all,
    "term": Clauses._term,
    "terms": Clauses._terms,
    "prefix": Clauses._prefix,
    "range": Clauses._range,
    "exists": Clauses._exists,
    "nested": Clauses._nested,
    "geo_distance": Clauses._geo_distance,
    "query_string": Clauses._query_string,
}
