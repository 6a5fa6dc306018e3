"""What is known of an asset, value by value: what it is, who gave it, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from catalog.domain.amounts import size_text
from catalog.domain.assignments import format_taken
from catalog.domain.document import AssetDocument, Captured

PERSON = "person"
NOT_TO_READ = ("look", "phash_inner")
"""Fields of a document that mean nothing to people or programs."""
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fact:
    """One value by the name of its field, as a person reads it.

    `source` is the reader of the file that gave it, PERSON, or "" where it follows from others;
    `stated` is what the file says where a person said otherwise, "" where that is nothing or the
    same. `same`: the file says the same as the person. `confidence` is that of a time.
    """

    name: str
    value: str
    source: str = ""
    confidence: str = ""
    stated: str = ""
    same: bool = False


def list_facts(document: AssetDocument) -> list[Fact]:
    """The time first, then every other value in the order of the document, then what a person made
    to be none.
    """
    return [
        *_taken(document),
        *_values(document, "", document.get("sources", {}), document.get("extracted", _NOTHING)),
        *_taken_away(document),
    ]


def _taken(document: AssetDocument) -> Iterator[Fact]:
    captured = document.get("captured")
    if not captured:
        return
    offset = (
        f" (UTC{offset_text(captured['offset_minutes'])})" if "offset_minutes" in captured else ""
    )
    covered = document.get("extracted", {}).get("captured")
    yield Fact(
        "taken",
        f"{format_taken(captured)}{offset}",
        captured["source"],
        captured["confidence"],
        _taken_as_stated(covered) if covered else "",
    )
    further: dict[str, object] = {k: captured[k] for k in ("instant", "zone") if k in captured}
    yield from _values(further, "taken.", {}, _NOTHING)


def _taken_as_stated(covered: Captured) -> str:
    return f"{format_taken(covered)} ({covered['source']})"


def _values(
    values: Mapping[str, object],
    prefix: str,
    sources: Mapping[str, str],
    extracted: Mapping[str, object],
) -> Iterator[Fact]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if name in _SHOWN_APART:
            continue
        if isinstance(value, dict) and key != "location":
            yield from _values(value, f"{name}.", sources, extracted)
        else:
            yield _fact(name, value, sources, extracted)


def _fact(
    name: str, value: object, sources: Mapping[str, str], extracted: Mapping[str, object]
) -> Fact:
    """A value with who gave it: a reader of the file, or a person, and then what the file says."""
    shown, stated = value_text(name, value), _leaf(extracted, name)
    if name.partition(".")[0] in extracted and not name.endswith(".source"):
        if stated != value:
            said = "" if stated is None else value_text(name, stated)
            return Fact(name, shown, PERSON, stated=said)
        if "." not in name:
            return Fact(name, shown, PERSON, same=True)
    return Fact(name, shown, sources.get(_READ_AS.get(name, name)) or "")


def _taken_away(document: AssetDocument) -> Iterator[Fact]:
    """Values that the file states, and that a person made to be none."""
    for name, stated in _leaves(document.get("extracted", {}), ""):
        if (
            stated is not None
            and _leaf(document, name) is None
            and not name.startswith("captured.")
        ):
            yield Fact(name, "none", PERSON, stated=value_text(name, stated))


def _leaves(values: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, dict) and key != "location":
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _leaf(values: Mapping[str, object], name: str) -> object:
    first, _, rest = name.partition(".")
    value = values.get(first)
    return _leaf(value, rest) if rest and isinstance(value, Mapping) else None if rest else value


def offset_text(minutes: int) -> str:
    """`+05:30` for 330 minutes east."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def value_text(name: str, value: object) -> str:
    """The value of a field as a person reads it."""
    if name == "location" and isinstance(value, dict):
        return f"{value['lat']}, {value['lon']}"
    if name == "size" and isinstance(value, int):
        return size_text(value) + (f" ({value:,} bytes)" if value >= 1000 else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


_READ_AS = {
    "camera.make": "make",
    "camera.model": "model",
    "camera.lens": "lens",
    "video.codec": "video_codec",
    "video.audio_codec": "audio_codec",
    "video.frame_rate": "frame_rate",
    "video.rotation": "rotation",
    "exposure.time": "exposure_time",
    "exposure.f_number": "f_number",
    "exposure.iso": "iso",
    "exposure.focal_length": "focal_length",
    "exposure.focal_length_35mm": "focal_length_35mm",
    "exposure.flash": "flash",
}
"""Fields of the document, and the names under which `sources` says who read them."""
_SHOWN_APART = frozenset(
    {
        *("hash", "kind", "type", "captured", "copies", "sidecars", "notes", "sources", "stores"),
        *("paths", "person", "extracted", "manual", "preview", *NOT_TO_READ),
    }
)
