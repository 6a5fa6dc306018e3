"""What the layout calls the files of assets that the index describes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from catalog.domain.asset import Asset, Entry, Facts, FactValues
from catalog.domain.capture_time import CaptureTime
from catalog.domain.checksums import NONE
from catalog.domain.dated_names import is_messenger_name
from catalog.domain.derivation import read_captured
from catalog.domain.document import (
    AssetDocument,
    Captured,
    CopyRow,
    PlaceFields,
    SidecarRow,
)
from catalog.domain.filetypes import CLIP_DOCUMENT
from catalog.domain.layout import Layout, album_layout, file_name, stem_at, stem_of
from catalog.domain.names import comparison_key
from catalog.domain.place import Place
from catalog.domain.stacks import Member
from catalog.features.ingest.plan import target_folder
from catalog.features.old_catalog.plan import album_of

FIELDS = (
    "hash",
    "kind",
    "captured",
    "place",
    "camera",
    "original.name",
    "stack",
    "albums",
    "checksums",
    "copies",
    "sidecars",
    "extracted.captured",
    "extracted.place",
)
"""The fields of a document that a record is made of."""
BYWAY = 900_000
"""Numbers from here on are those of files on their way, which a killed run may leave."""
_NUMBER = re.compile(r"_([1-9]\d{0,5})$")
_LEADING_NUMBER = re.compile(r"^_[1-9]\d{0,5}(?=[._M])")
_ORDER = {"still": 0, "jpeg": 0, "": 0, "raw": 1, "live": 2}
"""Who gives a shot its name where the asset that did so is gone."""


@dataclass(frozen=True, slots=True)
class Record:
    """An asset as the index has it: `states` are what else was known of it, as assets of then;
    `stack` and `role` are "" for a shot of its own, `original` is the name that it came with.
    """

    asset: Asset
    original: str
    stack: str
    role: str
    albums: frozenset[str]
    copies: Sequence[CopyRow]
    sidecars: Sequence[SidecarRow]
    states: tuple[Asset, ...] = ()
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE)

    @property
    def hash(self) -> str:
        """The content."""
        return self.asset.hash

    @property
    def shot(self) -> str:
        """What the files of its shot have in common."""
        return self.stack or self.hash

    def knowing(self, past: Iterable[AssetDocument]) -> Record:
        """The same, with further times and places that were once known of it: parts of documents,
        that hold what was otherwise then.
        """
        further = (_once(self.asset, known) for known in past)
        return replace(self, states=(*self.states, *further))


def read_record(content_hash: str, document: AssetDocument) -> Record:
    """The record of a document that has at least FIELDS."""
    stack = document.get("stack")
    camera = document.get("camera", {})
    values: FactValues = {"make": camera.get("make", ""), "model": camera.get("model", "")}
    facts = Facts(content_hash, 0, "", document["kind"], "", values=values)
    original = document.get("original", {}).get("name", "")
    asset = Asset(
        facts,
        _captured(document.get("captured")),
        _place(document.get("place")),
        messenger=is_messenger_name(original),
    )
    bare = document.get("extracted")
    return Record(
        asset,
        original,
        stack["id"] if stack else "",
        stack["role"] if stack else "",
        frozenset(document.get("albums", ())),
        document.get("copies", ()),
        document.get("sidecars", ()),
        (_once(asset, cast("AssetDocument", bare)),) if bare else (),
        document.get("checksums", NONE),
    )


def _once(asset: Asset, known: AssetDocument) -> Asset:
    """An asset with the time and the place of a part of a document, as far as it has them."""
    return replace(
        asset,
        captured=_captured(known["captured"]) if "captured" in known else asset.captured,
        place=_place(known["place"]) if "place" in known else asset.place,
    )


def _captured(row: Captured | None) -> CaptureTime | None:
    return read_captured(row) if row else None


def _place(row: PlaceFields | None) -> Place | None:
    if not row:
        return None
    return Place(
        row.get("country", ""),
        row.get("country_code", ""),
        row.get("region"),
        row.get("city"),
        row.get("source", ""),
        row.get("name"),
    )


def find_lead(records: Sequence[Record]) -> Record:
    """The asset that gives a shot its name."""
    return min(records, key=lambda r: (r.hash != r.stack, _ORDER.get(r.role, 0), r.hash))


class Naming:
    """What a layout calls files."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def names(self, record: Record, lead: Record, album_folder: str = "") -> tuple[str, str]:
        """The folder and the stem of an asset whose shot is named after `lead`; `album_folder` is
        where the album lies that this copy is in.
        """
        return self._of(record, lead, lead.asset, album_folder)

    def _of(
        self, record: Record, lead: Record, known: Asset, album_folder: str = ""
    ) -> tuple[str, str]:
        layout = album_layout(self._layout, album_folder) if album_folder else self._layout
        if record is lead:
            stack: tuple[Member, ...] = (_member(record, known, ""),)
        else:
            stack = (_member(lead, known, ""), _member(record, record.asset, record.role))
        return target_folder(stack[-1], stack, layout), stem_of(layout, known, lead.original)

    def number(self, path: str, record: Record, lead: Record, album_folder: str = "") -> int | None:
        """The number of a copy that lies where it should, 0 for none; None for any other."""
        return number_at(path, *self.names(record, lead, album_folder))

    def album(self, path: str) -> str:
        """The album that the folder of a path may be; "" for none."""
        return album_of(path.rpartition("/")[0], self._layout)

    def was_given(self, path: str, record: Record, lead: Record) -> bool:
        """Whether the layout makes a path of what is, or was, known of the asset."""
        return any(
            number_at(path, *self._of(record, lead, known)) is not None
            for known in (lead.asset, *lead.states)
        )


def _member(record: Record, asset: Asset, role: str) -> Member:
    return Member(Entry(record.original), asset, role=role)


def number_at(path: str, folder: str, stem: str) -> int | None:
    """The number with which a path is in a folder, and has a stem; 0 for none, None where it is
    not so.
    """
    where, _, name = path.rpartition("/")
    if where != folder and comparison_key(where) != comparison_key(folder):
        return None
    if file_name(stem, name) == name:
        return 0
    found = _NUMBER.search(stem_at(name))
    if found and file_name(stem, name, int(found[1])) == name:
        return int(found[1])
    return None


def tail_beside(sidecar: str, path: str) -> str:
    """What stands behind the stem in the name of a sidecar beside a copy; "" for one that does not
    lie beside it, or is called otherwise.
    """
    stem = stem_at(path)
    return _tail(sidecar[len(stem) :]) if sidecar.startswith(stem) else ""


def tail_ahead(sidecar: str, folder: str, stem: str, name: str) -> str:
    """The same of a sidecar that was brought to where its copy, called `name`, should lie, with
    whatever number; "" for any other.
    """
    where, _, own = sidecar.rpartition("/")
    base = stem_at(file_name(stem, name))
    if comparison_key(where) != comparison_key(folder) or not own.startswith(base):
        return ""
    return _tail(_LEADING_NUMBER.sub("", own[len(base) :]))


def _tail(text: str) -> str:
    """What may stand there: `.xmp`, `.jpg.xmp`, `_01.jpg.xmp`, `M01.XML`; "" for anything else."""
    return text if text[:1] in (".", "_") or CLIP_DOCUMENT.match(text) else ""
