"""Changes of documents as values: pure functions from one state of a document to the next,
and what they changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.domain.copies import MISSING, OK, Row, flat
from catalog.domain.derivation import with_derived, without_derived
from catalog.domain.person import merged, overlaid, without_person

Document = dict[str, Any]
Change = Callable[[Document | None], Document | None]
"""From the document as it is (None where there is none) to what it shall be (None:
it is forgotten).
"""

_ROWS = ("copies", "sidecars")
_UNTOLD = frozenset({"updated", "run", "stores", "copy_count", "paths"})
"""Fields that no event tells of, besides those that `domain.derivation` lays on."""
_OF_CONTENT = "checksums"
"""What is true of a content for good: it is added to, and never taken back."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one asset, told in the history as one event.

    `event` holds what the event says besides: store, path, source, reason, `effect` ("index" or
    "file"), `trash`. An edit that is `untold` is too small a thing for the history.
    """

    hash: str
    action: str
    change: Change
    event: Mapping[str, Any] = field(default_factory=dict)
    untold: bool = False


# --- changes --------------------------------------------------------------------------------------


def created(document: Document) -> Change:
    """A new asset; where another program was faster, its copies and sidecars are added."""

    def change(before: Document | None) -> Document | None:
        if before is None:
            return document
        after = with_checksums(document.get(_OF_CONTENT, {}))(before) or before
        for row in document["copies"]:
            after = with_copy(row)(after) or after
        return with_sidecars((), document.get("sidecars", []))(after)

    return change


def with_copy(row: Row, instead_of: str | None = None) -> Change:
    """A copy more, or anew; `instead_of` is the path in the same store from which it was moved
    here.
    """

    def change(document: Document | None) -> Document | None:
        if document is None:
            return None
        gone = {row["path"], instead_of}
        old = {
            c["path"]: c
            for c in document["copies"]
            if c["store"] == row["store"] and c["path"] in gone
        }
        before = old.get(row["path"]) or old.get(instead_of or "")
        new = {**row, "added": before["added"]} if before else row
        kept = [
            c for c in document["copies"] if not (c["store"] == row["store"] and c["path"] in gone)
        ]
        return {**document, **flat([*kept, new])}

    return change


def moved_copy(store: str, old: str, row: Row) -> Change:
    """A copy that was renamed and not read: it was last verified when it was at its old path."""

    def change(document: Document | None) -> Document | None:
        if document is None:
            return None
        before = next(
            (c for c in document["copies"] if (c["store"], c["path"]) == (store, old)), None
        )
        kept = {k: before[k] for k in ("verified", "state") if k in before} if before else {}
        return with_copy({**row, **kept}, old)(document)

    return change


def without_copy(store: str, path: str) -> Change:
    """A copy less; the asset stays, if without any."""

    def change(document: Document | None) -> Document | None:
        if document is None:
            return None
        return {
            **document,
            **flat(c for c in document["copies"] if (c["store"], c["path"]) != (store, path)),
        }

    return change


def marked(store: str, path: str, state: str, **values: Any) -> Change:
    """A copy in another state, or verified at another time."""

    def change(document: Document | None) -> Document | None:
        if document is None:
            return None
        rows = [
            c | {"state": state} | values if (c["store"], c["path"]) == (store, path) else c
            for c in document["copies"]
        ]
        return {**document, **flat(rows)}

    return change


def with_sidecars(gone: Iterable[tuple[str, str]], rows: Sequence[Row]) -> Change:
    """The sidecars at some (store, path) less, and others more, or anew."""
    without = {*gone, *((r["store"], r["path"]) for r in rows)}

    def change(document: Document | None) -> Document | None:
        if document is None:
            return None
        kept = [s for s in document.get("sidecars", []) if (s["store"], s["path"]) not in without]
        return _with_list(
            document, "sidecars", sorted([*kept, *rows], key=lambda s: (s["store"], s["path"]))
        )

    return change


def with_saying(
    saying: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]],
) -> Change:
    """What a person says, made from what was said before and from the document as its bytes alone
    would make it.

    See `domain.person`.
    """

    def change(document: Document | None) -> Document | None:
        if document is None:
            raise ValueError("the asset was forgotten meanwhile")
        return overlaid(document, saying(document.get("person", {}), without_person(document)))

    return change


def with_album(album: str) -> Change:
    """Part of one more album.

    What a person said of albums is kept, and added to; an album that a person took away stays so.
    """

    def change(document: Document | None) -> Document | None:
        base = without_person(document) if document is not None else {}
        if document is None or album in base.get("albums", []):
            return document
        said = dict(document.get("person", {}))
        if "albums" in said:
            said["albums"] = sorted({*said["albums"], album})
        return overlaid({**base, "albums": sorted({*base.get("albums", []), album})}, said)

    return change


def described_anew(facts: Document) -> Change:
    """What the bytes state, read again; copies, sidecars, stack, and what a person said stay.

    So does what links it to other assets, and who sent it. What a sidecar says for a person counts
    only where the index knows of nothing said: the index is newer.
    """
    linked = ("stack", "renditions", "rendition_of", "owner", "device", "place_removed")
    kept = ("copies", "sidecars", "added", "original", "albums", *linked)

    def change(document: Document | None) -> Document | None:
        if document is None:
            return None
        read, base = without_person(facts), without_person(document)
        fresh = {k: v for k, v in read.items() if k not in kept} | {
            k: base[k] for k in kept if k in base
        }
        said = document.get("person") or facts.get("person", {})
        whole = with_checksums(base.get(_OF_CONTENT, {}))({**fresh, **flat(document["copies"])})
        return overlaid(whole or fresh, said)

    return change


def with_checksums(checksums: Mapping[str, str]) -> Change:
    """Further checksums of the content, by kind; one that is there already is left."""

    def change(document: Document | None) -> Document | None:
        if document is None or not checksums.keys() - document.get(_OF_CONTENT, {}).keys():
            return document
        return {**document, _OF_CONTENT: {**checksums, **document.get(_OF_CONTENT, {})}}

    return change


def with_stack(stack: str, role: str) -> Change:
    """Part of a stack."""
    return lambda document: (
        {**document, "stack": {"id": stack, "role": role}} if document is not None else None
    )


def without_stack() -> Change:
    """No longer part of a stack."""
    return lambda document: (
        {k: v for k, v in document.items() if k != "stack"} if document is not None else None
    )


def forgotten() -> Change:
    """No document any more; its event keeps it whole."""
    return lambda _document: None


def forgotten_without(store: str, path: str) -> Change:
    """A copy less, and no document any more where it was the last that may be anywhere,
    in whatever state.
    """

    def change(document: Document | None) -> Document | None:
        rest = without_copy(store, path)(document)
        return (
            rest
            if rest is not None and any(c["state"] != MISSING for c in rest["copies"])
            else None
        )

    return change


def _with_list(document: Document, name: str, values: list[Any]) -> Document:
    rest = {k: v for k, v in document.items() if k != name}
    return {**rest, name: values} if values else rest


# --- what a change did, and its reverse -----------------------------------------------------------


def difference(
    before: Document | None, after: Document | None
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What was taken away and what came: rows of copies and sidecars, values of other fields;
    None where nothing did.
    """
    if before is None or after is None:
        if before is after:
            return None
        return ({"document": before} if before else {}), ({"document": after} if after else {})
    gone: dict[str, Any] = {}
    come: dict[str, Any] = {}
    before, after = without_derived(before), without_derived(after)
    for name in sorted({*before, *after} - _UNTOLD):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if name in _ROWS:
            gone[name], come[name] = (
                _rows_without(old or [], new or []),
                _rows_without(new or [], old or []),
            )
        else:
            gone[name], come[name] = old, new
    return (gone, come) if gone or come else None


def _rows_without(rows: Iterable[Row], others: Iterable[Row]) -> list[Row]:
    """The rows that are not among others; an asset may lie at very many places."""
    at: dict[tuple[str, str], list[Row]] = {}
    for other in others:
        at.setdefault((other["store"], other["path"]), []).append(other)
    return [row for row in rows if row not in at.get((row["store"], row["path"]), ())]


def reversed_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """The change that takes back what an event tells; what is true of the content stays.

    Raises ValueError, with the reason, where later changes forbid it.
    """

    def change(document: Document | None) -> Document | None:
        if "document" in before:
            if (
                document is not None
            ):  # it was added again since: what a person had said of it comes back
                said = merged(document.get("person", {}), before["document"].get("person", {}))
                return overlaid(document, said)
            return with_derived(before["document"])
        if document is None:
            raise ValueError("the asset was forgotten since")
        result = without_derived(document)
        for name in sorted({*before, *after} - {"document", _OF_CONTENT}):
            old, new = before.get(name), after.get(name)
            if name in _ROWS:
                result = _with_list(
                    result, name, _rows_back(result.get(name, []), old or [], new or [], name)
                )
            elif result.get(name) != new:
                raise ValueError(f"{name} was changed since")
            else:
                result = (
                    {**result, name: old}
                    if old is not None
                    else {k: v for k, v in result.items() if k != name}
                )
        if "document" in after:
            return _uncreated(document, after["document"])
        return with_derived({**result, **flat(result.get("copies", []))})

    return change


def _rows_back(rows: list[Row], gone: list[Row], come: list[Row], name: str) -> list[Row]:
    places = [(r["store"], r["path"]) for r in rows]
    for row in come:
        if (row["store"], row["path"]) not in places:
            raise ValueError(f"{row['path']} is not among its {name} any more")
    away = {(r["store"], r["path"]) for r in come}
    back = {(r["store"], r["path"]) for r in gone}
    return [r for r in rows if (r["store"], r["path"]) not in away | back] + gone


def _uncreated(document: Document, made: Document) -> Document | None:
    """An asset without the copies it was made with; nothing where no other copy came since."""
    away = {(r["store"], r["path"]) for name in _ROWS for r in made.get(name, [])}
    copies = [c for c in document["copies"] if (c["store"], c["path"]) not in away]
    if not any(c["state"] == OK for c in copies):
        return None
    sidecars = [s for s in document.get("sidecars", []) if (s["store"], s["path"]) not in away]
    return {**_with_list(document, "sidecars", sidecars), **flat(copies)}
