"""Tests of one field of a row: a word, a range of values, a pattern, nearly a word, a phrase."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from itertools import product
from typing import Any

from . import analysis, values
from .mapping import NUMBERS, STRINGS, Field, Row
from .refusals import NotEmulated, QueryRefused, Refused

Test = Callable[[Row], bool]
MOST_EXPANSIONS = 50
"""Words that a fuzzy query may stand for."""


def nothing(_row: Row) -> bool:
    """Matches no row."""
    return False


def everything(_row: Row) -> bool:
    """Matches every row."""
    return True


def any_of(tests: list[Test]) -> Test:
    """Matches what one of the tests does."""
    return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)


def all_of(tests: list[Test]) -> Test:
    """Matches what each of the tests does."""
    return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def exists(field: Field) -> Test:
    """Rows that have a value in a field."""
    name = field.name
    if field.type == "binary":  # of which nothing is indexed
        return nothing
    return lambda row: name in row.values


def term(field: Field, wanted: Any, now: datetime) -> Test:
    """Rows with a value, or one of several given as a list."""
    given = wanted if isinstance(wanted, list) else [wanted]
    name = field.name
    if field.type == "date":
        return any_of([within(field, {"gte": v, "lte": v}, now) for v in given] or [nothing])
    if field.type == "text":
        return any_word(field, set(map(_word, given)).__contains__)
    try:
        looked = frozenset(_VALUES[field.type](v) for v in given)
    except KeyError:
        raise NotEmulated(f"a term of {name}, which is a {field.type}") from None
    except ValueError as error:
        raise QueryRefused(str(wanted), "number_format_exception", str(error)) from error
    return lambda row: not looked.isdisjoint(row.values.get(name, ()))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | str):
        raise NotEmulated(f"a word that is {value!r}")
    return str(value)


_VALUES: dict[str, Callable[[Any], Any]] = {
    "keyword": _word,
    "flattened": _word,
    "long": values.number,
    "integer": values.number,
    "float": values.single,
    "boolean": values.boolean,
}


def within(field: Field, bounds: dict[str, Any], now: datetime) -> Test:
    """Rows with a value between bounds: `gt`, `gte`, `lt`, `lte`."""
    if field.type == "date":
        return _between(field.name, _moments(bounds, now))
    if field.type in NUMBERS:
        read = values.single if field.type == "float" else values.number
        try:
            return _between(field.name, {relation: read(v) for relation, v in bounds.items()})
        except ValueError as error:
            raise QueryRefused(str(bounds), "number_format_exception", str(error)) from error
    if field.type == "boolean":
        limits = {relation: values.boolean(v) for relation, v in bounds.items()}
        return _between(field.name, limits)
    if field.type in STRINGS:
        ends = {relation: _bytes(v) for relation, v in bounds.items()}
        return any_word(field, lambda word: _is_between(_bytes(word), ends))
    raise NotEmulated(f"a range of {field.name}, which is a {field.type}")


def _moments(bounds: dict[str, Any], now: datetime) -> dict[str, int]:
    found = {}
    for relation, value in bounds.items():
        upper = relation in ("gt", "lte")
        try:
            found[relation] = (
                value if isinstance(value, int) else values.calculated(value, now, upper=upper)
            )
        except ValueError as error:
            raise QueryRefused(str(value), "parse_exception", str(error)) from error
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _between(name: str, limits: dict[str, Any]) -> Test:
    return lambda row: any(_is_between(v, limits) for v in row.values.get(name, ()))


def _is_between(value: Any, limits: dict[str, Any]) -> bool:
    return (
        ("gte" not in limits or value >= limits["gte"])
        and ("gt" not in limits or value > limits["gt"])
        and ("lte" not in limits or value <= limits["lte"])
        and ("lt" not in limits or value < limits["lt"])
    )


# --- words ----------------------------------------------------------------------------------------


def any_word(field: Field, fits: Callable[[str], bool]) -> Test:
    """Rows with a word of a text, or a whole keyword, that fits."""
    name = field.name
    if field.type == "keyword":
        return lambda row: any(map(fits, row.values.get(name, ())))
    if field.type == "text":
        return lambda row: any(map(fits, analysis.positions(row.values.get(name, ()))))
    raise NotEmulated(f"words of {name}, which is a {field.type}")


def normalized(field: Field, text: str) -> str:
    """A part of a word as the field would hold it."""
    return analysis.lower(text) if field.type == "text" else text


def starting(field: Field, text: str) -> Test:
    """Rows with a word that starts so."""
    return any_word(field, lambda word: word.startswith(text))


def fitting(field: Field, pattern: str) -> Test:
    """Rows with a word that a pattern fits, in which `*`, `?` and a backslash mean what they do."""
    wanted = ""
    spot = 0
    while spot < len(pattern):
        char = pattern[spot]
        if char == "\\" and spot + 1 < len(pattern):
            spot += 1
            wanted += re.escape(normalized(field, pattern[spot]))
        else:
            wanted += {"*": ".*", "?": "."}.get(char) or re.escape(normalized(field, char))
        spot += 1
    found = re.compile(wanted, re.DOTALL)
    return any_word(field, lambda word: found.fullmatch(word) is not None)


_CLASS = r"\[\^?(?:\\.|[^\]\\\[])+\]"
_EXPRESSION = re.compile(
    rf"(?:\\[dDsSwW\W]|{_CLASS}|\{{\d+(?:,\d*)?\}}|[^\\\[\]{{}}~<>&@#\"])*", re.DOTALL
)
_STACKED = re.compile(r"(?<!\\)[*+?}][*+?{]|\(\?|^[*+?{]|[(|][*+?{]")


def expressed(field: Field, expression: str, query: str) -> Test:
    """Rows with a word that a regular expression fits."""
    if re.search(r"(?<!\\)\[[^\]]*$", expression):
        raise QueryRefused(query, "illegal_argument_exception", "unexpected end-of-string")
    if not _EXPRESSION.fullmatch(expression) or _STACKED.search(expression):
        raise NotEmulated(f"the regular expression {expression}")
    try:
        found = re.compile(
            re.sub(r"(?<!\\)[\^$](?![^\[]*\])", r"\\\g<0>", expression), re.DOTALL | re.ASCII
        )
    except re.error as error:
        raise NotEmulated(f"the regular expression {expression} ({error})") from error
    return any_word(field, lambda word: found.fullmatch(word) is not None)


def nearly(field: Field, text: str, edits: int) -> Test:
    """Rows with a word that differs by so many letters, or less."""
    met: set[str] = set()

    def fits(word: str) -> bool:
        if not _is_near(text, word, edits):
            return False
        met.add(word)
        if len(met) > MOST_EXPANSIONS:
            raise NotEmulated(f"more than {MOST_EXPANSIONS} words near {text}")
        return True

    return any_word(field, fits)


def _is_near(one: str, other: str, edits: int) -> bool:
    """Whether at most so many letters must be put in, left out, replaced, or change places."""
    if abs(len(one) - len(other)) > edits:
        return False
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, char in enumerate(one, 1):
        now = [row]
        for column, letter in enumerate(other, 1):
            cost = min(last[column] + 1, now[-1] + 1, last[column - 1] + (char != letter))
            if row > 1 and column > 1 and char == other[column - 2] and one[row - 2] == letter:
                cost = min(cost, before[column - 2] + 1)
            now.append(cost)
        before, last = last, now
    return last[-1] <= edits


def phrase(field: Field, text: str, slop: int) -> Test | None:
    """Rows with these words side by side, as far as `slop` apart; None where there is no word."""
    if field.type == "keyword":
        return any_word(field, text.__eq__)
    words = analysis.tokens(text)
    if not words:
        return None
    name = field.name

    def fits(row: Row) -> bool:
        there = analysis.positions(row.values.get(name, ()))
        if any(word not in there for word in words):
            return False
        spots = product(*({at - n for at in there[word]} for n, word in enumerate(words)))
        return any(
            max(found) - min(found) <= slop
            and len({at + n for n, at in enumerate(found)}) == len(found)
            for found in spots
        )

    return fits


def refuse_sort(field: Field) -> None:
    """Raise Refused for a field that nothing can be sorted or counted by."""
    if field.type == "text":
        raise Refused(
            400,
            "illegal_argument_exception",
            f"Fielddata is disabled on [{field.name}]. Text fields are not optimised for "
            "operations that require per-document field data",
        )
    if field.type not in ("keyword", "date", "boolean", *NUMBERS):
        raise NotEmulated(f"an order by {field.name}, which is a {field.type}")
