"""Changes of documents as values: pure functions from one state of a document to the next,
and what they changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from catalog.domain.copies import MISSING, OK, flat
from catalog.domain.derivation import with_derived, without_derived
from catalog.domain.document import (
    AssetDocument,
    Captured,
    CopyRow,
    EventNote,
    EventSide,
    FileRow,
    InodeFields,
    PersonFields,
    SidecarRow,
    only,
    with_value,
    without,
)
from catalog.domain.person import lay_over, merge, without_person
from catalog.domain.stacks import stack_row

File = TypeVar("File", bound=FileRow)
Change = Callable[[AssetDocument | None], AssetDocument | None]
"""From the document as it is (None where there is none) to what it shall be (None:
it is forgotten).
"""

_UNTOLD = frozenset({"updated", "run", "stores", "copy_count", "paths"})
"""Fields that no event tells of, besides those that `domain.derivation` lays on."""
_NUMBERS = ("device", "inode", "host", "ctime_ns")
"""The fields of a row that `copies.numbers_of` gives."""
_OF_CONTENT = "checksums"
"""The field that is true of a content for good: it is added to, and never taken back."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one asset, told in the history as one event.

    `event` holds what the event says besides. An edit that is `untold` is too small a thing for
    the history.
    """

    hash: str
    action: str
    change: Change
    event: EventNote = field(default_factory=EventNote)
    untold: bool = False


# --- changes --------------------------------------------------------------------------------------


def created(document: AssetDocument) -> Change:
    """A new asset; where another program was faster, its copies and sidecars are added."""

    def change(before: AssetDocument | None) -> AssetDocument | None:
        if before is None:
            return document
        after = with_checksums(document.get("checksums", {}))(before) or before
        for row in document["copies"]:
            after = with_copy(row)(after) or after
        return with_sidecars((), document.get("sidecars", []))(after)

    return change


def with_copy(row: CopyRow, instead_of: str | None = None) -> Change:
    """A copy more, or anew; `instead_of` is the path in the same store from which it was moved
    here. Copies of that store that are missing are recorded no longer: there is one again.
    """

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return None
        gone = {row["path"], instead_of}
        old = {
            c["path"]: c
            for c in document["copies"]
            if c["store"] == row["store"] and c["path"] in gone
        }
        before = old.get(row["path"]) or old.get(instead_of or "")
        new: CopyRow = {**row, "added": before["added"]} if before else row
        lost = superseded(document, row)
        kept = [
            c
            for c in document["copies"]
            if not (c["store"] == row["store"] and c["path"] in gone) and c not in lost
        ]
        return {**document, **flat([*kept, new])}

    return change


def superseded(document: AssetDocument, row: CopyRow) -> list[CopyRow]:
    """The copies elsewhere in a store that are missing, and that one which is there makes up for:
    a record of what is missing is kept only while the store has nothing else of it.
    """
    return [
        c
        for c in document["copies"]
        if row["state"] == OK
        and c["state"] == MISSING
        and c["store"] == row["store"]
        and c["path"] != row["path"]
    ]


def moved_copy(store: str, old: str, row: CopyRow) -> Change:
    """A copy that was renamed and not read: it was last verified when it was at its old path."""

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return None
        before = next(
            (c for c in document["copies"] if (c["store"], c["path"]) == (store, old)), None
        )
        kept = before if before is not None else row
        return with_copy({**row, **only(kept, ("verified", "state"))}, old)(document)

    return change


def without_copy(store: str, path: str) -> Change:
    """A copy less; the asset stays, if without any."""

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return None
        return {
            **document,
            **flat(c for c in document["copies"] if (c["store"], c["path"]) != (store, path)),
        }

    return change


def marked(
    store: str, path: str, state: str, *, added: str | None = None, verified: str | None = None
) -> Change:
    """A copy in another state, or added or verified at another time."""

    def with_state(row: CopyRow) -> CopyRow:
        new: CopyRow = {**row, "state": state}
        if added is not None:
            new["added"] = added
        if verified is not None:
            new["verified"] = verified
        return new

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return None
        rows = [
            with_state(c) if (c["store"], c["path"]) == (store, path) else c
            for c in document["copies"]
        ]
        return {**document, **flat(rows)}

    return change


def with_numbers(store: str, path: str, numbers: InodeFields) -> Change:
    """A copy, or a sidecar, that was read and is as it was, with the numbers it has now."""

    def renumbered(row: File) -> File:
        if (row["store"], row["path"]) != (store, path):
            return row
        return cast("File", {**without(row, *_NUMBERS), **numbers})

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return None
        sidecars = [renumbered(row) for row in document.get("sidecars", [])]
        copies = flat(renumbered(row) for row in document["copies"])
        return _with_sidecars({**document, **copies}, sidecars)

    return change


def with_sidecars(gone: Iterable[tuple[str, str]], rows: Sequence[SidecarRow]) -> Change:
    """The sidecars at some (store, path) less, and others more, or anew."""
    without = {*gone, *((r["store"], r["path"]) for r in rows)}

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return None
        kept = [s for s in document.get("sidecars", []) if (s["store"], s["path"]) not in without]
        return _with_sidecars(
            document, sorted([*kept, *rows], key=lambda s: (s["store"], s["path"]))
        )

    return change


def with_saying(
    saying: Callable[[PersonFields, AssetDocument], PersonFields],
) -> Change:
    """What a person says, made from what was said before and from the document as its bytes alone
    would make it.

    See `domain.person`.
    """

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            raise ValueError("the asset was forgotten meanwhile")
        return lay_over(document, saying(document.get("person", {}), without_person(document)))

    return change


def with_album(album: str) -> Change:
    """Part of one more album.

    What a person said of albums is kept, and added to; an album that a person took away stays so.
    """

    def change(document: AssetDocument | None) -> AssetDocument | None:
        base: AssetDocument = without_person(document) if document is not None else {}
        if document is None or album in base.get("albums", []):
            return document
        said = document.get("person", {})
        if "albums" in said:
            said = {**said, "albums": sorted({*said["albums"], album})}
        return lay_over({**base, "albums": sorted({*base.get("albums", []), album})}, said)

    return change


_OF_WHOLE = (
    "image_hash",
    "width",
    "height",
    "duration",
    "video",
    "frames",
    "parts",
    "resized",
    "phash",
    "phash_inner",
    "look",
    "frames_look",
    "quality",
    "problem",
)
"""What a file tells better, or only, where all of its bytes are there."""


def described_anew(facts: AssetDocument, *, in_part: bool = False) -> Change:
    """What the bytes state, read again; copies, sidecars, stack, and what a person said stay.

    Where they were there `in_part` only, so do its look and its size, as far as they are known.

    So does what links it to other assets, and who sent it. What a sidecar says for a person counts
    only where the index knows of nothing said: the index is newer.
    """
    linked = ("stack", "renditions", "rendition_of", "owner", "device", "place_removed")
    kept = ("copies", "sidecars", "added", "original", "albums", *linked)

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return None
        read, base = without_person(facts), without_person(document)
        if in_part:
            read = without(read, "problem") | only(base, _OF_WHOLE)
        fresh = without(read, *kept) | only(base, kept)
        said = document.get("person") or facts.get("person", {})
        whole = with_checksums(base.get("checksums", {}))({**fresh, **flat(document["copies"])})
        return lay_over(whole or fresh, said)

    return change


def with_captured(captured: Captured, notes: Sequence[str] = ()) -> Change:
    """Another capture time than the bytes were said to state, and the notes that go with it, if
    any; what a person said stays over it.
    """

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return None
        base: AssetDocument = {**without_person(document), "captured": captured}
        if notes:
            base["notes"] = list(notes)
        return lay_over(base, document.get("person", {}))

    return change


def with_checksums(checksums: Mapping[str, str]) -> Change:
    """Further checksums of the content, by kind; one that is there already is left."""

    def change(document: AssetDocument | None) -> AssetDocument | None:
        known = document.get("checksums", {}) if document is not None else {}
        if document is None or not checksums.keys() - known.keys():
            return document
        return {**document, "checksums": {**checksums, **known}}

    return change


def with_stack(stack: str, role: str) -> Change:
    """Part of a stack."""
    row = stack_row(stack, role)
    return lambda document: {**document, "stack": row} if document is not None else None


def without_stack() -> Change:
    """No longer part of a stack."""
    return lambda document: without(document, "stack") if document is not None else None


def forgotten() -> Change:
    """No document any more; its event keeps it whole."""
    return lambda _document: None


def forgotten_without(store: str, path: str) -> Change:
    """A copy less, and no document any more where it was the last that may be anywhere,
    in whatever state.
    """

    def change(document: AssetDocument | None) -> AssetDocument | None:
        rest = without_copy(store, path)(document)
        return (
            rest
            if rest is not None and any(c["state"] != MISSING for c in rest["copies"])
            else None
        )

    return change


def _with_sidecars(document: AssetDocument, rows: list[SidecarRow]) -> AssetDocument:
    return with_value(document, "sidecars", rows or None)


# --- what a change did, and its reverse -----------------------------------------------------------


def difference(
    before: AssetDocument | None, after: AssetDocument | None
) -> tuple[EventSide, EventSide] | None:
    """What was taken away and what came: rows of copies and sidecars, values of other fields;
    None where nothing did.
    """
    if before is None or after is None:
        if before is after:
            return None
        return ({"document": before} if before else {}), ({"document": after} if after else {})
    old, new = without_derived(before), without_derived(after)
    names = sorted(name for name in {*old, *new} - _UNTOLD if old.get(name) != new.get(name))
    if not names:
        return None
    return _side(names, old, new), _side(names, new, old)


def _side(names: Iterable[str], document: AssetDocument, other: AssetDocument) -> EventSide:
    """What one of two states has of some fields, and of rows those that the other has not."""
    side = cast("EventSide", {name: document.get(name) for name in names})
    if "copies" in side:
        side["copies"] = _rows_without(document.get("copies", []), other.get("copies", []))
    if "sidecars" in side:
        side["sidecars"] = _rows_without(document.get("sidecars", []), other.get("sidecars", []))
    return side


def _rows_without(rows: Iterable[File], others: Iterable[File]) -> list[File]:
    """The rows that are not among others; an asset may lie at very many places."""
    at: dict[tuple[str, str], list[File]] = {}
    for other in others:
        at.setdefault((other["store"], other["path"]), []).append(other)
    return [row for row in rows if row not in at.get((row["store"], row["path"]), ())]


def reversed_change(before: EventSide, after: EventSide) -> Change:
    """The change that takes back what an event tells; what is true of the content stays.

    Raises ValueError, with the reason, where later changes forbid it.
    """

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if "document" in before:
            if (
                document is not None
            ):  # it was added again since: what a person had said of it comes back
                said = merge(document.get("person", {}), before["document"].get("person", {}))
                return lay_over(document, said)
            return with_derived(before["document"])
        if document is None:
            raise ValueError("the asset was forgotten since")
        result = without_derived(document)
        for name in sorted({*before, *after} - {"document", _OF_CONTENT}):
            if name == "copies":
                rows = before.get("copies") or [], after.get("copies") or []
                result["copies"] = _rows_back(result.get("copies", []), *rows, name)
            elif name == "sidecars":
                others = before.get("sidecars") or [], after.get("sidecars") or []
                result = _with_sidecars(
                    result, _rows_back(result.get("sidecars", []), *others, name)
                )
            elif result.get(name) != after.get(name):
                raise ValueError(f"{name} was changed since")
            else:
                result = with_value(result, name, before.get(name))
        if "document" in after:
            return _uncreated(document, after["document"])
        return with_derived({**result, **flat(result.get("copies", []))})

    return change


def relocated(back: Change, places: Mapping[tuple[str, str], str]) -> Change:
    """A change after which some files, by store and path, are recorded at another path."""

    def change(document: AssetDocument | None) -> AssetDocument | None:
        after = back(document)
        if after is None:
            return None
        sidecars = [_at(row, places) for row in after.get("sidecars", [])]
        copies = [_at(row, places) for row in after.get("copies", [])]
        return with_derived({**_with_sidecars(after, sidecars), **flat(copies)})

    return change


def _at(row: File, places: Mapping[tuple[str, str], str]) -> File:
    path = places.get((row["store"], row["path"]), row["path"])
    return cast("File", {**row, "path": path})


def _rows_back(rows: list[File], gone: list[File], come: list[File], name: str) -> list[File]:
    places = [(r["store"], r["path"]) for r in rows]
    for row in come:
        if (row["store"], row["path"]) not in places:
            raise ValueError(f"{row['path']} is not among its {name} any more")
    away = {(r["store"], r["path"]) for r in come}
    back = {(r["store"], r["path"]) for r in gone}
    return [r for r in rows if (r["store"], r["path"]) not in away | back] + gone


def _uncreated(document: AssetDocument, made: AssetDocument) -> AssetDocument | None:
    """An asset without the copies it was made with; nothing where no other copy came since."""
    rows = [*made.get("copies", []), *made.get("sidecars", [])]
    away = {(r["store"], r["path"]) for r in rows}
    copies = [c for c in document["copies"] if (c["store"], c["path"]) not in away]
    if not any(c["state"] == OK for c in copies):
        return None
    sidecars = [s for s in document.get("sidecars", []) if (s["store"], s["path"]) not in away]
    return {**_with_sidecars(document, sidecars), **flat(copies)}
