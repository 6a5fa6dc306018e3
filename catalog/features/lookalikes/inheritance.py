"""What a keeper takes over from a duplicate that goes:
so that nothing that was said of either is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.domain.edits import Change, Document
from catalog.domain.person import capture_time, merged, overlaid, taken_text

_CONFIDENCE = {"low": 1, "medium": 2, "high": 3}
_PLAIN = ("title", "description", "rating")


def inheriting(dropped: Document, *, same_shot: bool) -> Change:
    """The change of a keeper that takes over tags, albums, favorite, words,
    and from a rendering of the same shot what is known better of time and place.

    It is kept as what a person said, as a person decided it, so that it survives reading the file
    again.
    """

    def change(keeper: Document | None) -> Document | None:
        if keeper is None:
            raise ValueError("the keeper was forgotten meanwhile")
        ours, theirs = dict(keeper.get("person", {})), dict(dropped.get("person", {}))
        if (
            "tags_removed" in ours and "tags_added" in theirs
        ):  # a tag that was taken from the keeper does not come back
            theirs["tags_added"] = [
                tag for tag in theirs["tags_added"] if tag not in ours["tags_removed"]
            ]
        said = merged(ours, _fitting(theirs, keeper, dropped, same_shot=same_shot))
        said |= _gains(keeper, dropped, said, same_shot=same_shot)
        return keeper if said == keeper.get("person", {}) else overlaid(keeper, said)

    return change


_WHERE = ("position", "around", "place")


def _fitting(
    theirs: dict[str, Any], keeper: Document, dropped: Document, *, same_shot: bool
) -> dict[str, Any]:
    """What a person said of the duplicate, without what would hide a better value of the keeper,
    or take something away.
    """
    kept = {name: value for name, value in theirs.items() if name not in ("tags_removed", "albums")}
    unwanted = {name for name in _PLAIN if keeper.get(name) is not None}
    if not kept.get("favorite"):
        unwanted.add("favorite")
    if not same_shot or _certainty(keeper) >= _certainty(dropped):
        unwanted.add("taken")
    if not same_shot or "location" in keeper:
        unwanted.update(_WHERE)
    return {name: value for name, value in kept.items() if name not in unwanted}


def _gains(
    keeper: Document, dropped: Document, said: Mapping[str, Any], *, same_shot: bool
) -> dict[str, Any]:
    """What the duplicate has and the keeper lacks, as values that a person can set."""
    gains: dict[str, Any] = {}
    taken_away = said.get("tags_removed", [])
    tags = [
        tag
        for tag in dropped.get("tags", [])
        if tag not in keeper.get("tags", []) and tag not in taken_away
    ]
    if tags:
        gains["tags_added"] = sorted({*said.get("tags_added", []), *tags})
    if not set(dropped.get("albums", [])) <= set(keeper.get("albums", [])):
        gains["albums"] = sorted({*keeper.get("albums", []), *dropped["albums"]})
    if dropped.get("favorite") and not keeper.get("favorite"):
        gains["favorite"] = True
    gains |= {
        name: dropped[name]
        for name in _PLAIN
        if keeper.get(name) is None and dropped.get(name) is not None
    }
    if same_shot and "taken" not in said and _certainty(dropped) > _certainty(keeper):
        gains["taken"] = _taken(dropped["captured"])
    if same_shot and "location" not in keeper and "location" in dropped and "position" not in said:
        gains |= _position(dropped)
    return gains


def _certainty(document: Document) -> tuple[int, int]:
    """How well a capture time is known: confidence, and the time of day.

    An offset alone makes no other time better.
    """
    captured = document.get("captured") or {}
    return _CONFIDENCE.get(captured.get("confidence", ""), 0), int(captured.get("has_time", False))


def _taken(captured: Mapping[str, Any]) -> str:
    """A capture time as if a person had set it."""
    wall = str(captured["wall"])
    minutes = captured.get("offset_minutes")
    offset = (
        ""
        if minutes is None
        else f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    )
    return taken_text(capture_time(f"{wall}{offset}" if captured.get("has_time") else wall[:10]))


def _position(document: Document) -> dict[str, Any]:
    location, place = document["location"], document.get("place", {})
    around = {
        name: place[name]
        for name in ("country", "country_code", "region", "city", "name", "source")
        if name in place
    }
    return {
        "position": [location["lat"], location["lon"]],
        **({"around": around} if around else {}),
    }
