"""Between assets and their documents: what is written, and in which form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeAlias, cast

from catalog.domain.asset import Asset
from catalog.domain.copies import flat, timestamp
from catalog.domain.derivation import write_captured
from catalog.domain.document import AssetDocument, CopyRow, SidecarRow
from catalog.domain.filetypes import extension_of
from catalog.domain.person import lay_over
from catalog.domain.stacks import stack_row
from catalog.index import schema
from catalog.index.schema import Definition

_CAMERA = ("make", "model", "lens")
_EXPOSURE = {
    "exposure_time": "time",
    "f_number": "f_number",
    "iso": "iso",
    "focal_length": "focal_length",
    "focal_length_35mm": "focal_length_35mm",
    "flash": "flash",
}
_VIDEO = {
    "video_codec": "codec",
    "audio_codec": "audio_codec",
    "frame_rate": "frame_rate",
    "rotation": "rotation",
}
_PLAIN = (
    "orientation",
    "live_id",
    "motion_photo",
    "frames",
    "parts",
    "resized",
    "software",
    "favorite",
    "rating",
    "title",
    "description",
    "rendition_of",
)

_OWN = frozenset({"copies", "sidecars", "location", "sources", "person", "extracted"})
"""Values that the program makes, or has checked before."""
_WHOLE = {"integer": 2**31, "long": 2**63}
LARGEST_FLOAT = 3.4028234e38
"""The largest number of 32 bits (IEEE 754); NaN, too, is not below it."""
LONGEST_TERM = 32_766
"""Bytes of the longest term that Lucene takes (`IndexWriter.MAX_TERM_LENGTH`)."""

Fields: TypeAlias = dict[str, object]
"""A document in the making: what its values are is checked against the mapping."""


READER_VERSION = 4
"""Counts the changes to readers and to what is concluded from them that make other dates, places or
kinds of the same bytes. A document without it is of the first.
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an asset came from: its source path (text form), and the run that brought it, at an
    aware moment.
    """

    path: str
    run: str
    now: datetime


def asset_document(
    asset: Asset,
    origin: Origin,
    *,
    copies: Sequence[CopyRow] = (),
    sidecars: Sequence[SidecarRow] = (),
    stack: tuple[str, str] | None = None,
    albums: Sequence[str] = (),
) -> AssetDocument:
    """The document of a new asset, with what its sidecar says for a person laid over it.

    Fields without a value are left out.

    `stack` is its id and this asset's role.
    """
    facts = asset.facts
    values = facts.values
    document: Fields = {
        "hash": facts.hash,
        "image_hash": facts.image_hash,
        "checksums": dict(facts.checksums),
        "size": facts.size,
        "kind": facts.kind,
        "type": facts.type,
        "mime": facts.mime,
        "extension": extension_of(origin.path),
        "captured": dict(write_captured(asset.captured)) if asset.captured else None,
        "location": {"lat": facts.position.lat, "lon": facts.position.lon}
        if facts.position
        else None,
        "altitude": facts.position.altitude if facts.position else None,
        "place": _place(asset),
        "camera": {key: values.get(key) for key in _CAMERA},
        "exposure": {to: values.get(key) for key, to in _EXPOSURE.items()},
        "width": facts.width,
        "height": facts.height,
        "duration": facts.duration,
        "video": {to: values.get(key) for key, to in _VIDEO.items()},
        **{key: values.get(key) for key in _PLAIN},
        "phash": facts.phash,
        "phash_inner": facts.phash_inner,
        "look": facts.look,
        "frames_look": facts.frames_look,
        "quality": _quality(asset),
        "albums": sorted({*values.get("albums", ()), *albums}),
        "tags": list(facts.tags),
        "stack": stack_row(*stack) if stack else None,
        "sidecars": list(sidecars),
        **flat(copies),
        "original": {"name": origin.path.rpartition("/")[2], "path": origin.path},
        "sources": dict(facts.sources),
        "notes": list(dict.fromkeys([*asset.notes, *facts.notes])),
        "problem": facts.problem,
        "reader": READER_VERSION,
        "added": timestamp(origin.now),
        "updated": timestamp(origin.now),
        "run": origin.run,
    }
    clean = without_blanks(drop_misfits(without_blanks(document)))
    return lay_over(cast("AssetDocument", clean), values.get("person", {}))


def without_blanks(document: Fields) -> Fields:
    """The document without None, empty texts, lists and objects; False and 0 are values."""
    clean = {k: without_blanks(v) if isinstance(v, dict) else v for k, v in document.items()}
    return {k: v for k, v in clean.items() if v is not None and v != "" and v != [] and v != {}}


def drop_misfits(document: Fields) -> Fields:
    """The document without the values that its mapping cannot hold, and a note on each:
    a file is not lost for one field.
    """
    misfits: list[str] = []
    clean = _fitting(document, schema.ASSET_PROPERTIES, "", misfits)
    if misfits:
        notes = [f"{name} is left out: not a value for the index" for name in misfits]
        return {**clean, "notes": [*cast("list[str]", clean.get("notes", [])), *notes]}
    return clean


def _fitting(document: Fields, properties: Definition, prefix: str, misfits: list[str]) -> Fields:
    clean: Fields = {}
    for name, value in document.items():
        inner = properties.get(name, {})
        if isinstance(value, dict) and "properties" in inner:
            clean[name] = _fitting(value, inner["properties"], f"{prefix}{name}.", misfits)
        elif name not in properties or name in _OWN:
            clean[name] = value
        elif _fits(value, inner):
            clean[name] = _encodable(value)
        else:
            misfits.append(f"{prefix}{name}")
    return clean


def _fits(value: object, definition: Definition) -> bool:
    """Whether Elasticsearch takes the value for a field, or refuses the whole document for it."""
    kind = definition.get("type")
    if isinstance(value, list):
        return all(not isinstance(v, list) and _fits(v, definition) for v in value)
    if kind in _WHOLE:
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and -_WHOLE[kind] <= value < _WHOLE[kind]
        )
    if kind == "float":
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and abs(value) <= LARGEST_FLOAT
        )
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "keyword" and isinstance(value, str):
        return "ignore_above" in definition or len(value) <= LONGEST_TERM // 4
    return isinstance(value, str)


def _encodable(value: object) -> object:
    """A text, or a list of them, that can be written as UTF-8; anything else as it is."""
    if isinstance(value, list):
        return [_encodable(v) for v in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _place(asset: Asset) -> Fields | None:
    place = asset.place
    if place is None:
        return None
    return {
        f: getattr(place, f)
        for f in ("country", "country_code", "region", "city", "name", "source")
    }


def _quality(asset: Asset) -> Fields | None:
    quality = asset.facts.quality
    if quality is None:
        return None
    return asdict(quality)
