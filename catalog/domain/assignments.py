"""From the words of a command (`rating=4`, `albums+=Paris`,
`--add sea`) to what a person then says of an asset.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from catalog.domain.capture_time import CaptureTime, OffsetAt
from catalog.domain.derivation import known_wall, read_captured
from catalog.domain.document import (
    AssetDocument,
    Captured,
    EventSide,
    PersonFields,
    with_value,
    without,
)
from catalog.domain.geo import Position
from catalog.domain.person import CHECKS, capture_time
from catalog.domain.place import Place
from catalog.domain.time_shift import Shift, by_zone, check_past, parse_shift, shifted
from catalog.errors import UsageError

Saying = Callable[[PersonFields, AssetDocument], PersonFields]
"""From what was said before, and the document as its bytes alone would make it,
to what is said now.
"""

KEYS = (
    "taken",
    "position",
    "place",
    "title",
    "description",
    "rating",
    "favorite",
    "albums",
    "private",
)
"""What `catalog set` sets."""

_ASSIGNMENT = re.compile(rf"({'|'.join(KEYS)})(\+=|-=|=)(.*)", re.DOTALL)
_LIKE_ONE = re.compile(r"([A-Za-z_]+)(\+=|-=|=).*", re.DOTALL)
_LISTS = ("albums", "private")
"""Keys with several values, to which some can be added, and from which some can be taken."""
_ZONE = "zone:"
_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_GRACE = timedelta(days=1)
"""By so much may a clock somewhere on earth be ahead."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One KEY=VALUE, understood.

    `value` None takes back what a person said; `operator` is "=", "+=" or "-=".
    """

    key: str
    operator: str
    value: Any


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What names assets, and what says something of them:
    that begins with a known key and an equals sign.
    """
    says = [word for word in words if _ASSIGNMENT.fullmatch(word)]
    return [word for word in words if not _ASSIGNMENT.fullmatch(word)], says


def check_name(word: str) -> None:
    """Raise UsageError for a word that looks like KEY=VALUE, but has a key that is none."""
    match = _LIKE_ONE.fullmatch(word)
    if not match:
        return
    if match[1] in ("tag", "tags"):
        raise UsageError(
            "Tags are not set as a whole.", hint="Use `catalog tag WHAT --add TAG --remove TAG`."
        )
    close = difflib.get_close_matches(match[1].lower(), KEYS, 1)
    hint = f"Did you mean {close[0]}?" if close else f"It knows {', '.join(KEYS)}."
    raise UsageError(f"There is no key {match[1]} in {word[:80]}; nothing was changed.", hint=hint)


def parse_assignments(texts: Sequence[str], now: datetime) -> tuple[Assignment, ...]:
    """Every KEY=VALUE. `now` is naive UTC. Raises UsageError that says what is wrong with which."""
    found = [_parsed(text, now) for text in texts]
    if not found:
        raise UsageError(
            "There is nothing to set.",
            hint=f"Give KEY=VALUE, such as rating=4; it knows {', '.join(KEYS)}.",
        )
    for number, one in enumerate(found):
        if any(
            one.key == other.key and "=" in (one.operator, other.operator)
            for other in found[:number]
        ):
            raise UsageError(
                f"{one.key} is given twice; nothing was changed.", hint="Give it once."
            )
    return tuple(found)


def _parsed(text: str, now: datetime) -> Assignment:
    match = _ASSIGNMENT.fullmatch(text)
    if not match:
        raise UsageError(f"{text} is no KEY=VALUE.")
    key, operator, value = match[1], match[2], match[3].strip()
    if operator != "=" and key not in (*_LISTS, "taken"):
        raise UsageError(
            f"{key}{operator} is not understood: only {', '.join(_LISTS)} and taken can be added "
            "to.",
            hint=f"Write {key}=VALUE.",
        )
    if not value and operator == "=":
        return Assignment(key, operator, None)
    try:
        if key == "taken" and operator != "=":
            shift = parse_shift(value)
            return Assignment(key, operator, shift if operator == "+=" else -shift)
        return Assignment(key, operator, _value(key, value, now))
    except ValueError as error:
        shown = value if len(value) <= 80 else f"{value[:80]}..."
        raise UsageError(
            f"{key}{operator}{shown} cannot be set: {error}; nothing was changed.",
            hint=_FORMS.get(key, ""),
        ) from error


_FORMS = {
    "position": "Write it as position=51.05,3.72.",
    "rating": "Write it as rating=4.",
    "favorite": "Write favorite=yes.",
}


def _value(key: str, text: str, now: datetime) -> Any:
    """The value as it is kept. Raises ValueError with the reason."""
    if key == "taken" and text.startswith(_ZONE):
        return ClockZone(text.removeprefix(_ZONE).strip())
    if key == "taken":
        _check_past(text, now)
        return CHECKS[key](text)
    if key == "position":
        return CHECKS[key](_numbers(text))
    if key == "rating":
        return CHECKS[key](int(text) if re.fullmatch(r"-?\d", text, re.ASCII) else text)
    if key == "favorite":
        return CHECKS[key](_ANSWERS.get(text.lower(), text))
    if key in _LISTS:
        return CHECKS[key]([part for part in text.split(",") if part.strip()])
    return CHECKS[key](text)


def _check_past(text: str, now: datetime) -> None:
    check_past(capture_time(text), now, _GRACE)


def _numbers(text: str) -> list[float] | str:
    parts = text.split(",")
    try:
        return [float(part) for part in parts]
    except ValueError:
        return text


def with_surroundings(
    assignments: Sequence[Assignment], place_of: Callable[[Position], Place | None]
) -> tuple[Assignment, ...]:
    """The assignments, and with a position the words for it,
    so that searches for its city find the asset.
    """
    position = next((one.value for one in assignments if one.key == "position" and one.value), None)
    if position is None:
        return tuple(assignments)
    place = place_of(Position(*position))
    fields = ("country", "country_code", "region", "city", "name", "source")
    words = {name: getattr(place, name) for name in fields if getattr(place, name)} if place else {}
    return (*assignments, Assignment("around", "=", words))


@dataclass(frozen=True, slots=True)
class ClockZone:
    """What is said of a time: the camera's clock was set to this IANA zone."""

    name: str


@dataclass(frozen=True, slots=True)
class Clocks:
    """What a correction of times needs: the zone of a position, the offset of a zone at a moment
    (naive UTC), and the present (naive UTC).
    """

    zone_of: Callable[[Position], str | None]
    offset_at: OffsetAt
    now: datetime

    def check_zone(self, name: str) -> None:
        """Raise UsageError for a zone that is none."""
        if self.offset_at(name, self.now) is None:
            raise UsageError(
                f"taken={_ZONE}{name} cannot be set: {name} is no time zone; nothing was changed.",
                hint="Write it as taken=zone:Europe/Brussels.",
            )


def assign_fields(assignments: Sequence[Assignment], clocks: Clocks) -> Saying:
    """What `catalog set` makes of what was said.

    What corrects a time is worked out once for each asset, however often the change is asked for:
    one that is sent again must not shift again.
    """
    for one in assignments:
        if isinstance(one.value, ClockZone):
            clocks.check_zone(one.value.name)
    corrected: dict[str, str] = {}

    def said(person: PersonFields, base: AssetDocument) -> PersonFields:
        now = person
        for one in assignments:
            if isinstance(one.value, Shift | ClockZone):
                if base["hash"] not in corrected:
                    corrected[base["hash"]] = _corrected(one.value, person, base, clocks)
                now = with_value(now, one.key, corrected[base["hash"]])
            elif one.operator != "=":
                now = _with_more(now, base, one)
            else:
                now = with_value(now, one.key, one.value)
                if one.key == "position" and one.value is None:
                    now = without(now, "around")
        return now

    return said


def _corrected(
    correction: Shift | ClockZone, person: PersonFields, base: AssetDocument, clocks: Clocks
) -> str:
    """The corrected time. Raises ValueError where there is none, or it is not precise enough."""
    captured = _current_time(person, base)
    if captured is None:
        raise ValueError("it has no date that could be corrected")
    if isinstance(correction, Shift):
        found = shifted(captured, correction)
    else:
        place = person.get("position")
        if place is None and "location" in base:
            place = [base["location"]["lat"], base["location"]["lon"]]
        zone = clocks.zone_of(Position(place[0], place[1])) if place else None
        found = by_zone(captured, correction.name, zone, clocks.offset_at)
    check_past(found, clocks.now, _GRACE)
    return found.isoformat()


def _current_time(person: PersonFields, base: AssetDocument) -> CaptureTime | None:
    """The capture time that an asset has now: what a person said, else what its bytes state."""
    if "taken" in person:
        return capture_time(person["taken"])
    captured = base.get("captured")
    return read_captured(captured) if captured else None


def _with_more(person: PersonFields, base: AssetDocument, one: Assignment) -> PersonFields:
    """More or fewer words of a list than there are;
    what comes to the same as without a person is no longer said by one.
    """
    stated = list(cast("list[str]", base.get(one.key, [])))
    before = cast("list[str]", person.get(one.key, stated))
    if one.operator == "+=":
        after = list(dict.fromkeys([*before, *one.value]))
    else:
        after = [word for word in before if word not in one.value]
    return with_value(person, one.key, None if after == stated else CHECKS[one.key](after))


def assign_tags(add: Sequence[str], remove: Sequence[str]) -> Saying:
    """What `catalog tag` makes of what was said. Raises UsageError for a tag that cannot be one."""
    more, fewer = _tags(add), _tags(remove)
    if not more and not fewer:
        raise UsageError(
            "There is no tag to add or remove.", hint="Give --add TAG or --remove TAG."
        )
    both = [tag for tag in more if tag in fewer]
    if both:
        raise UsageError(
            f"The tag {both[0]} cannot be added and removed at once; nothing was changed."
        )

    def said(person: PersonFields, base: AssetDocument) -> PersonFields:
        stated = base.get("tags", [])
        added = [t for t in person.get("tags_added", []) if t not in fewer]
        removed = [t for t in person.get("tags_removed", []) if t not in more]
        added += [t for t in more if t not in added and t not in stated]
        removed += [t for t in fewer if t not in removed and t in stated]
        added, removed = CHECKS["tags_added"](added), CHECKS["tags_removed"](removed)
        with_added = with_value(person, "tags_added", added or None)
        return with_value(with_added, "tags_removed", removed or None)

    return said


def _tags(texts: Sequence[str]) -> list[str]:
    try:
        found: list[str] = CHECKS["tags_added"](list(texts))
    except ValueError as error:
        raise UsageError(f"A tag cannot be used: {error}; nothing was changed.") from error
    return found


def describe_change(gone: EventSide, come: EventSide) -> str:
    """A change on one line: `rating: 3 -> 5, tags: sea -> sea, sun`."""
    fields = sorted({*gone, *come} - {"person", "extracted", "manual", "sources", "reader"})
    return "; ".join(
        f"{field}: {_shown(field, gone.get(field))} -> {_shown(field, come.get(field))}"
        for field in fields
    )


def _shown(field: str, value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if not isinstance(value, dict):
        return str(value)
    if field == "captured":
        return format_taken(cast("Captured", value))
    if field == "location":
        return f"{value['lat']}, {value['lon']}"
    return ", ".join(
        str(value[name]) for name in ("name", "city", "region", "country") if value.get(name)
    )


def format_taken(captured: Captured) -> str:
    """A document's capture time for a person: `2019-07-12 18:30:15`, or as much as is known."""
    return known_wall(captured).replace("T", " ").removesuffix(".000")
