"""What a person says of an asset: kept apart from what its bytes state, laid over it, and never lost by reading again.

A document holds `person` (what was set, by name), `extracted` (the values it covers, None where there were none) and
`manual` (the names, for searches). Everything else of the document is what is in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Document = dict[str, Any]

_PLAIN = ("title", "description", "rating", "favorite", "albums")
NAMES = ("taken", "position", "place", "tags_added", "tags_removed", *_PLAIN)
"""What a person can set. `taken` is the wall clock as ISO text, `position` is [lat, lon], `place` is a name."""

_COVERED = {"taken": ("captured",), "position": ("location", "altitude"), "place": ("place",),
            "tags_added": ("tags",), "tags_removed": ("tags",)}  # fmt: skip


def without_person(document: Mapping[str, Any]) -> Document:
    """The document as its bytes alone would make it."""
    base = {k: v for k, v in document.items() if k not in ("person", "extracted", "manual")}
    for field, value in document.get("extracted", {}).items():
        if value is None:
            base.pop(field, None)
        else:
            base[field] = value
    return base


def overlaid(document: Mapping[str, Any], person: Mapping[str, Any]) -> Document:
    """The document with exactly what `person` says over what its bytes state."""
    base = without_person(document)
    said = {name: person[name] for name in NAMES if name in person}
    if not said:
        return base
    changed = dict(base)
    for name, value in said.items():
        changed |= _MADE.get(name, _plain(name))(value, changed)
    covered = sorted({field for name in said for field in _COVERED.get(name, (name,))})
    extracted = {field: base.get(field) for field in covered}
    document_ = {k: v for k, v in changed.items() if v is not None and v != []}
    return {**document_, "person": said, "extracted": extracted, "manual": sorted(said)}


def merged(mine: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What two documents of one asset hold that a person said: `mine` wins, tags and albums add up."""
    both = dict(other) | dict(mine)
    for name in ("tags_added", "tags_removed", "albums"):
        if name in mine and name in other:
            both[name] = sorted({*mine[name], *other[name]})
    if "tags_added" in mine and "tags_removed" in both:
        both["tags_removed"] = [t for t in both["tags_removed"] if t not in mine["tags_added"]]
    return {k: v for k, v in both.items() if v != []}


def _taken(value: str, _document: Document) -> Document:
    has_time = "T" in value
    wall = value if has_time else f"{value}T00:00:00"
    return {"captured": {"wall": _with_milliseconds(wall), "source": "person", "confidence": "high", "has_time": has_time}}


def _with_milliseconds(wall: str) -> str:
    whole = wall if wall.count(":") == 2 else f"{wall}:00"
    return whole if "." in whole else f"{whole}.000"


def _position(value: list[float], _document: Document) -> Document:
    return {"location": {"lat": value[0], "lon": value[1]}, "altitude": None}


def _place(value: str, document: Document) -> Document:
    return {"place": {**document.get("place", {}), "name": value, "source": "person"}}


def _tags_added(value: list[str], document: Document) -> Document:
    return {"tags": list(dict.fromkeys([*document.get("tags", []), *value]))}


def _tags_removed(value: list[str], document: Document) -> Document:
    return {"tags": [t for t in document.get("tags", []) if t not in value]}


def _plain(name: str) -> Callable[[Any, Document], Document]:
    return lambda value, _document: {name: value}


_MADE: dict[str, Callable[[Any, Document], Document]] = {
    "taken": _taken, "position": _position, "place": _place, "tags_added": _tags_added, "tags_removed": _tags_removed,
}  # fmt: skip
