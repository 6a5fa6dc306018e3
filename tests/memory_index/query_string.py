"""`query_string`: the syntax of Lucene's classic query parser, as this program writes it.

Words side by side must all match (`default_operator` AND), each of them in one of the fields that
are looked into (`type` cross_fields).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import analysis, terms
from .mapping import STRINGS, Field, Mapping, Row
from .refusals import NotEmulated, QueryRefused, known
from .terms import Test

_BLANKS = re.compile(r"[ \t\n\r\u3000]+")
_ESCAPED = r"\\."
_START = rf"(?:{_ESCAPED}|[^ \t\n\r\u3000+\-!():^\[\]\"{{}}~*?\\/])"
_CHAR = rf"(?:{_START}|[-+])"
# In the order of the grammar: of two that match as much, the first one is meant
_TOKENS = [
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        ("AND", r"AND|&&"),
        ("OR", r"OR|\|\|"),
        ("NOT", r"NOT|!"),
        ("+", r"\+"),
        ("-", r"-"),
        ("BARE", r"[-+!][ \t\n\r\u3000]+"),
        ("(", r"\("),
        (")", r"\)"),
        (":", r":"),
        ("*", r"\*"),
        ("^", r"\^\d+(?:\.\d+)?"),
        ("QUOTED", r'"(?:\\.|[^"\\])*"'),
        ("TERM", rf"{_START}{_CHAR}*"),
        ("~", r"~(?:\d+(?:\.\d+)?)?"),
        ("PREFIX", rf"\*|{_START}{_CHAR}*\*"),
        ("WILD", rf"(?:{_START}|[*?])(?:{_CHAR}|[*?])*"),
        ("REGEXP", r"/(?:\\/|[^/])*/"),
        (
            "RANGE",
            r'[\[{]\s*(?:"(?:\\.|[^"\\])*"|[^ \]}]+)\s+TO\s+(?:"(?:\\.|[^"\\])*"|[^ \]}]+)\s*[\]}]',
        ),
    )
]
_RANGE = re.compile(
    r'([\[{])\s*("(?:\\.|[^"\\])*"|[^ \]}]+)\s+TO\s+("(?:\\.|[^"\\])*"|[^ \]}]+)\s*([\]}])',
    re.DOTALL,
)
_ENDS_WORDS = (":", "*", "~", "^", "AND", "OR")
"""What may not follow a word that goes together with the one before it."""
_VALUES = ("TERM", "*", "PREFIX", "WILD", "REGEXP", "QUOTED", "RANGE", "BARE")
MUST, MUST_NOT, SHOULD = "must", "must_not", "should"
_END = ("END", "", 0)


@dataclass(slots=True)
class _Clause:
    occur: str
    test: Test


class QueryString:
    """One query string, read from left to right."""

    def __init__(self, mapping: Mapping, now: datetime, body: dict[str, Any]) -> None:
        known("query_string", body, "query", "default_operator", "fields", "type", *_LENIENT)
        if (body.get("default_operator"), body.get("type")) != ("AND", "cross_fields"):
            raise NotEmulated("query_string but for AND and cross_fields")
        self.mapping = mapping
        self.now = now
        self.query: str = body["query"]
        self.fields = [field for name in body["fields"] for field in mapping.matching(name)]
        if any(field.type != "text" for field in self.fields):
            raise NotEmulated("query_string over other fields than texts")
        self._tokens = list(self._read())
        self._at = 0

    def test(self) -> Test:
        """What tells whether a row matches."""
        found = self._group(None)
        if self._peek()[0] != "END":
            raise self._unexpected()
        return found or terms.nothing

    # --- tokens -----------------------------------------------------------------------------------

    def _read(self) -> Any:
        spot = 0
        while True:
            blanks = _BLANKS.match(self.query, spot)
            spot = blanks.end() if blanks else spot
            if spot >= len(self.query):
                return
            matches = [(kind, token.match(self.query, spot)) for kind, token in _TOKENS]
            found = [(match.end(), kind) for kind, match in matches if match]
            if not found:
                raise NotEmulated(f"query_string at {self.query[spot:]!r}")
            longest = max(end for end, _kind in found)
            kind = next(kind for end, kind in found if end == longest)
            yield kind, self.query[spot:longest], spot
            spot = longest

    def _peek(self, ahead: int = 0) -> tuple[str, str, int]:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else _END

    def _next(self) -> tuple[str, str, int]:
        token = self._peek()
        self._at += 1
        return token

    def _taken(self, *kinds: str) -> str:
        return self._next()[0] if self._peek()[0] in kinds else ""

    def _unexpected(self) -> NotEmulated:
        return NotEmulated(f"query_string {self.query!r} at {self._peek()}")

    # --- grammar ----------------------------------------------------------------------------------

    def _group(self, field: str | None) -> Test | None:
        """What stands side by side, up to the end or a closing parenthesis; None for nothing."""
        clauses: list[_Clause] = []
        is_first = True
        while is_first or self._peek()[0] not in ("END", ")"):
            if self._are_words():
                self._add(clauses, "", "", self._words(field))
            else:
                joint = "" if is_first else self._taken("AND", "OR")
                sign = self._taken("+", "-", "NOT")
                self._add(clauses, joint, sign, self._clause(field))
            is_first = False
        return _combined(clauses)

    def _are_words(self) -> bool:
        """Whether at least two words stand side by side, which are looked for together."""
        return self._peek()[0] == self._peek(1)[0] == "TERM" and self._peek(2)[0] not in _ENDS_WORDS

    def _words(self, field: str | None) -> Test | None:
        text = self._next()[1]
        while self._peek()[0] == "TERM" and self._peek(1)[0] not in _ENDS_WORDS:
            text += f" {self._next()[1]}"
        return self._match(field, self._plain(text))

    @staticmethod
    def _add(clauses: list[_Clause], joint: str, sign: str, test: Test | None) -> None:
        """As Lucene does where words side by side must all match."""
        last = clauses[-1] if clauses else None
        if last and joint and last.occur != MUST_NOT:
            last.occur = MUST if joint == "AND" else SHOULD
        if test is None:
            return
        if sign in ("-", "NOT"):
            clauses.append(_Clause(MUST_NOT, test))
        else:
            clauses.append(_Clause(SHOULD if joint == "OR" else MUST, test))

    def _clause(self, field: str | None) -> Test | None:
        if self._peek()[0] in ("TERM", "*") and self._peek(1)[0] == ":":
            field = self._plain(self._next()[1])
            self._next()
        if not self._taken("("):
            return self._value(field)
        found = self._group(field)
        if not self._taken(")"):
            raise self._unexpected()
        self._taken("^")
        return found

    def _value(self, field: str | None) -> Test | None:
        kind, text, _spot = self._next()
        if kind not in _VALUES:
            self._at -= 1
            raise self._unexpected()
        fuzzy = ""
        for _turn in range(2):
            if self._peek()[0] == "~":
                fuzzy = self._next()[1]
            self._taken("^")
        if kind == "QUOTED":
            return self._phrase(field, self._plain(text[1:-1]), int(float(fuzzy[1:] or 0)))
        if kind == "RANGE":
            return self._range(field, text)
        if kind == "REGEXP":
            wanted = text[1:-1]
            return self._any(field, lambda f: terms.expressed(f, wanted, self.query))
        if kind in ("*", "PREFIX") and text == "*" and field is not None:
            return self._exists(field)
        if kind == "PREFIX":
            begun = self._plain(text[:-1])
            return self._any(field, lambda f: terms.starting(f, terms.normalized(f, begun)))
        if kind in ("WILD", "*"):
            return self._any(field, lambda f: terms.fitting(f, text))
        word = self._plain(text.strip() if kind == "BARE" else text)
        if fuzzy:
            return self._any(field, lambda f: self._nearly(f, word, fuzzy))
        return self._compared(field, word) or self._match(field, word)

    def _plain(self, text: str) -> str:
        """A text without the backslashes that take its signs their meaning."""
        if re.search(r"(?<!\\)(?:\\\\)*\\u", text):
            raise NotEmulated("a letter by its number, \\u")
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)

    # --- values -----------------------------------------------------------------------------------

    def _targets(self, field: str | None) -> list[Field]:
        """The fields that a name means; without a name, those that are looked into."""
        if field is None:
            return self.fields
        found = self.mapping.matching(field)
        if "*" not in field:
            return found
        if any(f.type not in STRINGS and not f.nested for f in found):
            raise NotEmulated(f"values of other fields than texts and keywords in {field}")
        return [f for f in found if not f.nested]

    def _any(self, field: str | None, make: Callable[[Field], Test]) -> Test:
        return terms.any_of([make(f) for f in self._targets(field)] or [terms.nothing])

    def _exists(self, field: str) -> Test:
        if field == "*":
            return terms.everything
        found = self.mapping.matching(field) or self.mapping.matching(f"{field}.*")
        return terms.any_of([terms.exists(f) for f in found] or [terms.nothing])

    def _match(self, field: str | None, text: str) -> Test | None:
        """Rows with every word of a text, each in one of the fields."""
        if field == "_exists_":
            return self._exists(text)
        targets = self._targets(field)
        if not targets:
            return terms.nothing
        texts = [f for f in targets if f.type == "text"]
        ways = [terms.term(f, text, self.now) for f in targets if f.type != "text"]
        words = dict.fromkeys(analysis.tokens(text)) if texts else {}
        if words:
            ways.append(terms.all_of([_in_one(texts, word) for word in words]))
        return terms.any_of(ways) if ways else None

    def _phrase(self, field: str | None, text: str, slop: int) -> Test | None:
        targets = self._targets(field)
        if not targets:
            return terms.nothing
        strings = [f for f in targets if f.type in STRINGS]
        ways = [terms.term(f, text, self.now) for f in targets if f.type not in STRINGS]
        ways += [test for f in strings if (test := terms.phrase(f, text, slop))]
        return terms.any_of(ways) if ways else None

    def _compared(self, field: str | None, word: str) -> Test | None:
        """`>a`, `>=a`, `<a`, `<=a` after the name of a field."""
        found = re.fullmatch(r"(>=|<=|>|<)(.+)", word, re.DOTALL)
        if field is None or not found:
            return None
        relation = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[found[1]]
        return self._bounded(field, {relation: found[2]})

    def _range(self, field: str | None, text: str) -> Test:
        found = _RANGE.fullmatch(text)
        assert found
        bounds = {}
        for relation, bound in (
            ("gte" if found[1] == "[" else "gt", found[2]),
            ("lte" if found[4] == "]" else "lt", found[3]),
        ):
            if bound != "*":
                bounds[relation] = self._plain(bound[1:-1] if bound[0] == '"' else bound)
        return self._bounded(field, bounds)

    def _bounded(self, field: str | None, bounds: dict[str, str]) -> Test:
        def make(target: Field) -> Test:
            own = {relation: terms.normalized(target, v) for relation, v in bounds.items()}
            return terms.within(target, own, self.now) if own else terms.exists(target)

        return self._any(field, make)

    def _nearly(self, field: Field, word: str, fuzzy: str) -> Test:
        length = len(word)
        edits = int(float(fuzzy[1:])) if fuzzy[1:] else (length > 2) + (length > 5)
        if edits > 2:
            raise QueryRefused(self.query, "illegal_argument_exception", f"fuzziness {fuzzy}")
        return terms.nearly(field, terms.normalized(field, word), edits)


_LENIENT = ("allow_leading_wildcard",)


def _in_one(fields: list[Field], word: str) -> Test:
    names = [field.name for field in fields]

    def matches(row: Row) -> bool:
        return any(word in analysis.positions(row.values.get(name, ())) for name in names)

    return matches


def _combined(clauses: list[_Clause]) -> Test | None:
    """One test of clauses; None where there is none."""
    if not clauses:
        return None
    must, must_not, should = (
        [clause.test for clause in clauses if clause.occur == occur]
        for occur in (MUST, MUST_NOT, SHOULD)
    )

    def matches(row: Row) -> bool:
        return (
            all(test(row) for test in must)
            and not any(test(row) for test in must_not)
            and (bool(must) or not should or any(test(row) for test in should))
        )

    return matches
