"""What a person says of an asset: kept apart from what its bytes state, laid over it,
and never lost by reading again.

A document holds `person` (what was set, by name), `extracted` (the values it covers, None where
there were none) and `manual` (the names, for searches). Everything else of the document is what is
in force.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, cast

from catalog.domain.capture_time import (
    DAY,
    EARLIEST_YEAR,
    MONTH,
    SECOND,
    YEAR,
    CaptureTime,
    parse_offset,
)
from catalog.domain.derivation import with_derived, without_derived, write_captured
from catalog.domain.document import (
    AssetDocument,
    Extracted,
    PersonFields,
    PlaceFields,
    only,
    with_value,
    without,
)
from catalog.domain.geo import position_or_reason

_PLAIN = ("title", "description", "rating", "favorite", "albums", "private")
NAMES = ("taken", "position", "around", "place", "tags_added", "tags_removed", *_PLAIN)
"""What a person can set, in the order in which it is laid over."""

MAX_TEXT, MAX_DESCRIPTION, MAX_WORDS = 1000, 10_000, 1000
"""Characters of a title, tag, album or place; of a description; tags or albums of one asset."""

_ADDED_UP: tuple[Literal["tags_added", "tags_removed", "albums", "private"], ...] = (
    "tags_added",
    "tags_removed",
    "albums",
    "private",
)
_COVERED = {
    "taken": ("captured",),
    "position": ("location", "altitude"),
    "around": ("place",),
    "place": ("place",),
    "tags_added": ("tags",),
    "tags_removed": ("tags",),
}


def without_person(document: AssetDocument) -> AssetDocument:
    """The document as its bytes alone would make it."""
    return with_derived(_uncovered(document))


def _uncovered(document: AssetDocument) -> AssetDocument:
    return _laid_over(
        without(document, "person", "extracted", "manual"), document.get("extracted", {})
    )


def _laid_over(document: AssetDocument, fields: Extracted) -> AssetDocument:
    """The document with other values of some fields, or without those that have none."""
    for field, value in fields.items():
        document = with_value(document, field, value)
    return document


def lay_over(document: AssetDocument, person: PersonFields) -> AssetDocument:
    """The document with exactly what `person` says over what its bytes state,
    and with what follows from both.
    """
    base = without_derived(_uncovered(document))
    said = only(person, NAMES)
    if not said:
        return with_derived(base)
    changed = base
    for name, value in said.items():
        changed = _laid_over(changed, _MADE.get(name, _plain(name))(value, changed))
    covered = sorted({field for name in said for field in _COVERED.get(name, (name,))})
    emptied = [field for field in covered if changed.get(field) == []]
    return with_derived(
        {
            **without(changed, *emptied),
            "person": said,
            "extracted": cast("Extracted", {field: base.get(field) for field in covered}),
            "manual": sorted(said.keys() - {"around"}),
        }
    )


def merge(mine: PersonFields, other: PersonFields) -> PersonFields:
    """What two documents of one asset hold that a person said: `mine` wins,
    tags and albums add up.
    """
    both: PersonFields = {**other, **mine}
    if (
        "position" in mine and "around" not in mine
    ):  # the words of the other position are not this one's
        both.pop("around", None)
    for name in _ADDED_UP:
        if name in mine and name in other:
            both[name] = sorted({*mine[name], *other[name]})
    if "tags_added" in mine and "tags_removed" in both:
        both["tags_removed"] = [t for t in both["tags_removed"] if t not in mine["tags_added"]]
    return without(both, *(k for k, v in both.items() if v == [] and k != "albums"))


# --- how each value is laid over ------------------------------------------------------------------


def _taken(value: str, _document: AssetDocument) -> Extracted:
    return {"captured": write_captured(capture_time(value))}


def _position(value: list[float], _document: AssetDocument) -> Extracted:
    return {"location": {"lat": value[0], "lon": value[1]}, "altitude": None}


def _around(value: PlaceFields, _document: AssetDocument) -> Extracted:
    return {"place": value or None}


def _place(value: str, document: AssetDocument) -> Extracted:
    return {"place": {**document.get("place", {}), "name": value, "source": "person"}}


def _tags_added(value: list[str], document: AssetDocument) -> Extracted:
    return {"tags": list(dict.fromkeys([*document.get("tags", []), *value]))}


def _tags_removed(value: list[str], document: AssetDocument) -> Extracted:
    return {"tags": [t for t in document.get("tags", []) if t not in value]}


def _plain(name: str) -> Callable[[Any, AssetDocument], Extracted]:
    return lambda value, _document: with_value(Extracted(), name, value)


_MADE: dict[str, Callable[[Any, AssetDocument], Extracted]] = {
    "taken": _taken,
    "position": _position,
    "around": _around,
    "place": _place,
    "tags_added": _tags_added,
    "tags_removed": _tags_removed,
}


# --- what is a value, and what is none ------------------------------------------------------------

_TAKEN = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)? "
    r"?(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def capture_time(text: str) -> CaptureTime:
    """A capture time from `2019-07-12T18:30:15+02:00` or the first part of it,
    down to the year.

    Raises ValueError with the reason.
    """
    match = _TAKEN.fullmatch(text.strip())
    if not match:
        raise ValueError(
            "it is no date like 2019-07-12, or 2019-07-12 18:30:15, with +02:00 behind it if that "
            "is known, nor a month like 2019-07, nor a year"
        )
    year, month, day = (int(part or 1) for part in match.groups()[:3])
    hour, minute, second = (int(part or 0) for part in match.groups()[3:6])
    try:
        wall = datetime(year, month, day, hour, minute, second, int((match[7] or "").ljust(6, "0")))
    except ValueError as error:
        raise ValueError("there is no such day or time") from error
    if year < EARLIEST_YEAR:
        raise ValueError("it is before photography")
    offset = parse_offset(match[8]) if match[8] else None
    if match[8] and offset is None:
        raise ValueError(f"no clocks are set by {match[8]}")
    precision = SECOND if match[4] else DAY if match[3] else MONTH if match[2] else YEAR
    return CaptureTime(wall, "person", "high", offset, precision=precision)


def text_or_reason(value: object, longest: int = MAX_TEXT) -> str:
    """A text without blanks around it.

    Raises ValueError where it is none, empty, too long, or holds control characters.
    """
    if not isinstance(value, str):
        raise ValueError("it is no text")
    clean = value.strip()
    if not clean:
        raise ValueError("it is empty")
    if len(clean) > longest:
        raise ValueError(f"it is longer than {longest:,} characters")
    if _CONTROL.search(clean) or ("\n" in clean and longest == MAX_TEXT):
        raise ValueError("it holds characters that are no text")
    return clean


def _checked_taken(value: object) -> str:
    return capture_time(text_or_reason(value)).isoformat()


def _checked_position(value: object) -> list[float]:
    if not (
        isinstance(value, list) and len(value) == 2 and all(type(v) in (int, float) for v in value)
    ):
        raise ValueError("it is no latitude,longitude")
    position, reason = position_or_reason(float(value[0]), float(value[1]), None, "person")
    if position is None:
        raise ValueError(reason)
    return [position.lat, position.lon]


def _checked_around(value: object) -> dict[str, str]:
    known = ("country", "country_code", "region", "city", "name", "source")
    if not isinstance(value, dict) or not value.keys() <= set(known):
        raise ValueError("it is no place")
    return {name: text_or_reason(value[name]) for name in known if name in value}


def _checked_words(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_WORDS:
        raise ValueError(f"it is no list of at most {MAX_WORDS:,} texts")
    return list(dict.fromkeys(text_or_reason(v) for v in value))


def _checked_rating(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= 5:
        raise ValueError("it is no number from 0 to 5, or -1 for rejected")
    return value


def _checked_favorite(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("it is neither yes nor no")
    return value


CHECKS: dict[str, Callable[[object], Any]] = {
    "taken": _checked_taken,
    "position": _checked_position,
    "around": _checked_around,
    "place": text_or_reason,
    "tags_added": _checked_words,
    "tags_removed": _checked_words,
    "title": text_or_reason,
    "description": lambda value: text_or_reason(value, MAX_DESCRIPTION),
    "rating": _checked_rating,
    "favorite": _checked_favorite,
    "albums": _checked_words,
    "private": _checked_words,
}
"""The value as it is kept, by name; each raises ValueError with the reason where it is none."""


def parse_fields(values: object) -> tuple[PersonFields, list[str]]:
    """What can be believed of values that were read from a file,
    and a reason for each that cannot.
    """
    if not isinstance(values, dict):
        return {}, ["what a person said is no object"]
    good: PersonFields = {}
    reasons = []
    for name, value in values.items():
        try:
            good = with_value(good, name, CHECKS[name](value))
        except KeyError:
            reasons.append(f"a person cannot set {str(name)[:40]!r}")
        except ValueError as error:
            reasons.append(f"{name} is left out: {error}")
    if "position" not in good:
        good.pop("around", None)
    return only(good, NAMES), reasons
