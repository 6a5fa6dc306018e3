"""What a keeper takes over from a duplicate that goes:
so that nothing that was said of either is lost.
"""

from __future__ import annotations

from catalog.domain.capture_time import PRECISIONS
from catalog.domain.derivation import precision_of, read_captured
from catalog.domain.document import AssetDocument, PersonFields, with_value, without
from catalog.domain.edits import Change
from catalog.domain.person import lay_over, merge

_CONFIDENCE = {"low": 1, "medium": 2, "high": 3}
_PLAIN = ("title", "description", "rating")
_WORDS = ("title", "description")


def with_inheritance(dropped: AssetDocument, *, same_shot: bool) -> Change:
    """The change of a keeper that takes over tags, albums, favorite, words,
    and from a rendering of the same shot what is known better of time and place.

    It is kept as what a person said, as a person decided it, so that it survives reading the file
    again.
    """

    def change(keeper: AssetDocument | None) -> AssetDocument | None:
        if keeper is None:
            raise ValueError("the keeper was forgotten meanwhile")
        ours, theirs = keeper.get("person", {}), dropped.get("person", {})
        # a tag that was taken from the keeper does not come back
        if "tags_removed" in ours and "tags_added" in theirs:
            added = [tag for tag in theirs["tags_added"] if tag not in ours["tags_removed"]]
            theirs = {**theirs, "tags_added": added}
        said = merge(ours, _fitting(theirs, keeper, dropped, same_shot=same_shot))
        said |= _gains(keeper, dropped, said, same_shot=same_shot)
        return keeper if said == ours else lay_over(keeper, said)

    return change


_WHERE = ("position", "around", "place")


def _fitting(
    theirs: PersonFields, keeper: AssetDocument, dropped: AssetDocument, *, same_shot: bool
) -> PersonFields:
    """What a person said of the duplicate, without what would hide a better value of the keeper,
    or take something away.
    """
    unwanted = {"tags_removed", "albums"}
    unwanted.update(name for name in _PLAIN if keeper.get(name) is not None)
    if not theirs.get("favorite"):
        unwanted.add("favorite")
    if not same_shot or _certainty(keeper) >= _certainty(dropped):
        unwanted.add("taken")
    if not same_shot or "location" in keeper:
        unwanted.update(_WHERE)
    return without(theirs, *unwanted)


def _gains(
    keeper: AssetDocument, dropped: AssetDocument, said: PersonFields, *, same_shot: bool
) -> PersonFields:
    """What the duplicate has and the keeper lacks, as values that a person can set."""
    gains: PersonFields = {}
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
    for name in _PLAIN:
        if keeper.get(name) is None:
            gains = with_value(gains, name, dropped.get(name))
    if words := _further_words(keeper, dropped):
        mine = said.get("description") or keeper.get("description") or gains.get("description")
        gains["description"] = "\n".join(filter(None, [mine, *words]))
    if same_shot and "taken" not in said and _certainty(dropped) > _certainty(keeper):
        gains["taken"] = read_captured(dropped["captured"]).isoformat()
    if same_shot and "location" not in keeper and "location" in dropped and "position" not in said:
        gains |= _position(dropped)
    return gains


def _further_words(keeper: AssetDocument, dropped: AssetDocument) -> list[str]:
    """Title and description of the duplicate, where the keeper has others that do not hold them."""
    ours = [str(keeper.get(name) or "") for name in _WORDS]
    return [
        words
        for name, mine in zip(_WORDS, ours, strict=True)
        if (words := str(dropped.get(name) or "")) and mine and not any(words in o for o in ours)
    ]


def _certainty(document: AssetDocument) -> tuple[int, int]:
    """How well a capture time is known: confidence, and how precisely.

    An offset alone makes no other time better.
    """
    captured = document.get("captured")
    if not captured:
        return 0, 0
    fineness = -PRECISIONS.index(precision_of(captured))
    return _CONFIDENCE.get(captured.get("confidence", ""), 0), fineness


def _position(document: AssetDocument) -> PersonFields:
    location, around = document["location"], document.get("place", {})
    position: PersonFields = {"position": [location["lat"], location["lon"]], "around": around}
    return position if around else without(position, "around")
