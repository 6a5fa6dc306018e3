"""The document of a converted file, with what its original's says beside it; pure functions."""

from __future__ import annotations

from typing import Literal

from catalog.domain.document import AssetDocument, Captured, only, with_value
from catalog.domain.edits import Change, created
from catalog.domain.person import lay_over, merge, without_person

_INHERITED = ("rating", "favorite", "title", "description", "live_id")
_WORDS: tuple[Literal["tags", "albums"], ...] = ("tags", "albums")
_RANK = {"low": 0, "medium": 1, "high": 2}


def rendition_document(made: AssetDocument, original: AssetDocument) -> AssetDocument:
    """The document of a converted file: what its bytes state, and what its original's document says
    besides.

    What a person said is theirs, tags and albums add up, and the better time and place win. It
    points to its original.
    """
    base, old = without_person(made), without_person(original)
    base = {**only(old, _INHERITED), **base}
    for name in _WORDS:
        words = list(dict.fromkeys([*base.get(name, []), *old.get(name, [])]))
        if words:
            base[name] = words
    if _is_better(old.get("captured"), base.get("captured")):
        base["captured"] = old["captured"]
    if "location" in old:
        base |= only(old, ("location", "altitude", "place"))
    if "stack" in old:
        base["stack"] = old["stack"]
    base["rendition_of"] = original["hash"]
    return lay_over(base, merge(original.get("person", {}), made.get("person", {})))


def _is_better(old: Captured | None, new: Captured | None) -> bool:
    """Whether an original's capture time says more: the same wall clock with what is known of it,
    or a surer one."""
    if not old:
        return False
    if not new:
        return True
    if old["wall"][:19] == new["wall"][:19]:
        return True
    return _RANK.get(old.get("confidence", ""), 0) > _RANK.get(new.get("confidence", ""), 0)


def as_rendition(document: AssetDocument) -> Change:
    """A new asset that was made of another; one that is there already gains the copy,
    and the link.
    """

    def change(before: AssetDocument | None) -> AssetDocument | None:
        after = created(document)(before)
        return (
            after
            if after is None or "rendition_of" in after
            else {**after, "rendition_of": document["rendition_of"]}
        )

    return change


def with_rendition(content_hash: str) -> Change:
    """One more file was made of the asset."""

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None or content_hash in document.get("renditions", []):
            return document
        return {**document, "renditions": sorted([*document.get("renditions", []), content_hash])}

    return change


def without_rendition(content_hash: str) -> Change:
    """One file less was made of the asset."""

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None or content_hash not in document.get("renditions", []):
            return document
        rest = [name for name in document["renditions"] if name != content_hash]
        return with_value(document, "renditions", rest or None)

    return change
