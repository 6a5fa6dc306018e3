"""Two documents of one asset made one: what an import brings joins what the catalog holds."""

from __future__ import annotations

from catalog.domain.copies import flat, milliseconds
from catalog.domain.document import AssetDocument, FileRow, with_value
from catalog.domain.edits import Change, with_checksums
from catalog.domain.person import lay_over, merge


def with_imported(imported: AssetDocument) -> Change:
    """The change that brings an imported document in: whole where there is none,
    else merged into the one that is there.

    Copies, sidecars and checksums add up, and so does what a person said; all else stays as the
    catalog holds it. Done twice, it changes nothing the second time.
    """

    def change(document: AssetDocument | None) -> AssetDocument | None:
        if document is None:
            return imported
        more = with_checksums(imported.get("checksums", {}))(document) or document
        return _with_person(_with_sidecars(_with_copies(more, imported), imported), imported)

    return change


def _with_copies(document: AssetDocument, imported: AssetDocument) -> AssetDocument:
    """Both documents' copies; of two rows of one file the one that was verified later,
    ours where both were at once.
    """
    ours = document.get("copies", [])
    rows = {_place(row): row for row in ours}
    for row in imported.get("copies", []):
        mine = rows.get(_place(row))
        if mine is None or milliseconds(row.get("verified")) > milliseconds(mine.get("verified")):
            rows[_place(row)] = row
    return document if list(rows.values()) == ours else {**document, **flat(rows.values())}


def _with_sidecars(document: AssetDocument, imported: AssetDocument) -> AssetDocument:
    """Both documents' sidecars; ours of two rows of one file."""
    ours = document.get("sidecars", [])
    places = {_place(row) for row in ours}
    fresh = [row for row in imported.get("sidecars", []) if _place(row) not in places]
    return {**document, "sidecars": sorted([*ours, *fresh], key=_place)} if fresh else document


def _with_person(document: AssetDocument, imported: AssetDocument) -> AssetDocument:
    """What a person said in either catalog; ours where both speak of the same."""
    ours = document.get("person", {})
    theirs = imported.get("person", {})
    if theirs in ({}, ours):
        return document
    if (
        "tags_removed" in ours and "tags_added" in theirs
    ):  # a tag taken away here does not come back from there
        added = [tag for tag in theirs["tags_added"] if tag not in ours["tags_removed"]]
        theirs = {**theirs, "tags_added": added}
    said = merge(ours, theirs)
    for name, value in said.items():
        said = with_value(said, name, _as_ours(ours.get(name), value))
    return document if said == ours else lay_over(document, said)


def _as_ours(ours: object, value: object) -> object:
    """Our list where the merged one has the same elements: an order is not worth a change."""
    return (
        ours
        if isinstance(ours, list) and isinstance(value, list) and sorted(ours) == sorted(value)
        else value
    )


def _place(row: FileRow) -> tuple[str, str]:
    return row["store"], row["path"]
