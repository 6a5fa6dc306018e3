"""The document of a converted file, with what its original's says beside it; pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.domain.edits import Change, Document, created
from catalog.domain.person import merged, overlaid, without_person

_INHERITED = ("rating", "favorite", "title", "description", "live_id")
_RANK = {"low": 0, "medium": 1, "high": 2}


def rendition_document(made: Mapping[str, Any], original: Mapping[str, Any]) -> Document:
    """The document of a converted file: what its bytes state, and what its original's document says
    besides.

    What a person said is theirs, tags and albums add up, and the better time and place win. It
    points to its original.
    """
    base, old = without_person(made), without_person(original)
    for name in _INHERITED:
        if name in old and name not in base:
            base[name] = old[name]
    for name in ("tags", "albums"):
        words = list(dict.fromkeys([*base.get(name, []), *old.get(name, [])]))
        if words:
            base[name] = words
    if _is_better(old.get("captured"), base.get("captured")):
        base["captured"] = old["captured"]
    if "location" in old:
        base |= {name: old[name] for name in ("location", "altitude", "place") if name in old}
    if "stack" in old:
        base["stack"] = old["stack"]
    base["rendition_of"] = original["hash"]
    return overlaid(base, merged(original.get("person", {}), made.get("person", {})))


def _is_better(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> bool:
    """Whether an original's capture time says more: the same wall clock with what is known of it,
    or a surer one."""
    if not old:
        return False
    if not new:
        return True
    if str(old["wall"])[:19] == str(new["wall"])[:19]:
        return True
    return _RANK.get(str(old.get("confidence")), 0) > _RANK.get(str(new.get("confidence")), 0)


def as_rendition(document: Document) -> Change:
    """A new asset that was made of another; one that is there already gains the copy,
    and the link.
    """

    def change(before: Document | None) -> Document | None:
        after = created(document)(before)
        return (
            after
            if after is None or "rendition_of" in after
            else {**after, "rendition_of": document["rendition_of"]}
        )

    return change


def with_rendition(content_hash: str) -> Change:
    """One more file was made of the asset."""

    def change(document: Document | None) -> Document | None:
        if document is None or content_hash in document.get("renditions", []):
            return document
        return {**document, "renditions": sorted([*document.get("renditions", []), content_hash])}

    return change


def without_rendition(content_hash: str) -> Change:
    """One file less was made of the asset."""

    def change(document: Document | None) -> Document | None:
        if document is None or content_hash not in document.get("renditions", []):
            return document
        rest = [name for name in document["renditions"] if name != content_hash]
        return (
            {**document, "renditions": rest}
            if rest
            else {k: v for k, v in document.items() if k != "renditions"}
        )

    return change
