"""What a keeper takes over from a duplicate that goes: so that nothing that was said of either is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.domain.edits import Change, Document
from catalog.domain.person import capture_time, merged, overlaid, taken_text

_CONFIDENCE = {"low": 1, "medium": 2, "high": 3}
_PLAIN = ("title", "description", "rating")


def inheriting(dropped: Document) -> Change:
    """The change of a keeper that takes over tags, albums, favorite, and what it lacks or knows less well: time, place, words.

    It is kept as what a person said, as a person decided it, so that it survives reading the file again.
    """

    def change(keeper: Document | None) -> Document | None:
        if keeper is None:
            raise ValueError("the keeper was forgotten meanwhile")
        ours, theirs = dict(keeper.get("person", {})), dict(dropped.get("person", {}))
        if "tags_removed" in ours and "tags_added" in theirs:  # a tag that was taken from the keeper does not come back
            theirs["tags_added"] = [tag for tag in theirs["tags_added"] if tag not in ours["tags_removed"]]
        said = merged(ours, _fitting(theirs, keeper, dropped))
        for name, value in _gains(keeper, dropped, said).items():
            said[name] = value
        return keeper if said == keeper.get("person", {}) else overlaid(keeper, said)

    return change


def _fitting(theirs: dict[str, Any], keeper: Document, dropped: Document) -> dict[str, Any]:
    """What a person said of the duplicate, without what would hide a better value of the keeper, or take away its tags."""
    kept = {name: value for name, value in theirs.items() if name not in ("tags_removed", "albums")}
    for name in _PLAIN:
        if keeper.get(name) is not None:
            kept.pop(name, None)
    if "taken" in kept and _certainty(keeper) >= _certainty(dropped):
        kept.pop("taken")
    return kept


def _gains(keeper: Document, dropped: Document, said: Mapping[str, Any]) -> dict[str, Any]:
    """What the duplicate has and the keeper lacks, as values that a person can set."""
    gains: dict[str, Any] = {}
    taken_away = said.get("tags_removed", [])
    tags = [tag for tag in dropped.get("tags", []) if tag not in keeper.get("tags", []) and tag not in taken_away]
    if tags:
        gains["tags_added"] = sorted({*said.get("tags_added", []), *tags})
    if not set(dropped.get("albums", [])) <= set(keeper.get("albums", [])):
        gains["albums"] = sorted({*keeper.get("albums", []), *dropped["albums"]})
    if dropped.get("favorite") and not keeper.get("favorite"):
        gains["favorite"] = True
    for name in _PLAIN:
        if keeper.get(name) is None and dropped.get(name) is not None:
            gains[name] = dropped[name]
    if "taken" not in said and _certainty(dropped) > _certainty(keeper):
        gains["taken"] = _taken(dropped["captured"])
    if "location" not in keeper and "location" in dropped and "position" not in said:
        gains |= _position(dropped)
    return gains


def _certainty(document: Document) -> tuple[int, int, int]:
    """How well a capture time is known: confidence, the time of day, the offset."""
    captured = document.get("captured") or {}
    return (
        _CONFIDENCE.get(captured.get("confidence", ""), 0),
        int(captured.get("has_time", False)),
        int("offset_minutes" in captured),
    )


def _taken(captured: Mapping[str, Any]) -> str:
    """A capture time as if a person had set it."""
    wall = str(captured["wall"])
    minutes = captured.get("offset_minutes")
    offset = "" if minutes is None else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    return taken_text(capture_time(f"{wall}{offset}" if captured.get("has_time") else wall[:10]))


def _position(document: Document) -> dict[str, Any]:
    location, place = document["location"], document.get("place", {})
    around = {name: place[name] for name in ("country", "country_code", "region", "city", "name", "source") if name in place}
    return {"position": [location["lat"], location["lon"]], **({"around": around} if around else {})}
