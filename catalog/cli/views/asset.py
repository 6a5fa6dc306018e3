"""All that is known of an asset: values and where they came from, copies, and history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from catalog.cli.console import Console
from catalog.cli.views.search import NOT_TO_READ
from catalog.domain.amounts import size_text
from catalog.domain.assignments import describe_change, format_taken
from catalog.domain.document import AssetDocument
from catalog.domain.names import printable
from catalog.errors import DONE
from catalog.features.inspection.events import Event
from catalog.features.inspection.lookup import AssetRecord


def show(console: Console, record: AssetRecord) -> int:
    """One JSON object, or a line a value."""
    if console.json:
        history = [event.document for event in record.history]
        console.out_json({**record.document, "history": history})
        return DONE
    for line in _description(record.document, record.history):
        console.out(line)
    return DONE


def _description(document: AssetDocument, history: tuple[Event, ...]) -> Iterator[str]:
    yield f"{document['kind']} {document['type']}  {document['hash']}"
    captured = document.get("captured")
    if captured:
        wall = format_taken(captured)
        offset = (
            f" (UTC{_offset_text(captured['offset_minutes'])})"
            if "offset_minutes" in captured
            else ""
        )
        origin = f"from {captured['source']}, confidence {captured['confidence']}"
        yield _row("taken", f"{wall}{offset}", _taken_by_person(document) or origin)
        yield from _plain_lines(
            {k: captured[k] for k in ("instant", "zone") if k in captured}, {}, "taken."
        )
    yield from _plain_lines(
        document, document.get("sources", {}), extracted=document.get("extracted", {})
    )
    yield from _taken_away(document)
    for copy in document.get("copies", []):
        yield _row(
            "copy", f"{copy['store']}:{copy['path']}  {copy['state']}, verified {copy['verified']}"
        )
    for sidecar in document.get("sidecars", []):
        yield _row("sidecar", f"{sidecar['store']}:{sidecar['path']}")
    for note in document.get("notes", []):
        yield _row("note", note)
    if history:
        yield "history"
    yield from map(_event_line, history)


def _event_line(event: Event) -> str:
    source = f"  from {event.source}" if event.source else ""
    where = (
        f"{event.store}:{event.path}" if event.path else describe_change(event.before, event.after)
    )
    return printable(f"  {event.at}  {event.action:<10} {where}{source}  run {event.run}")


def _offset_text(minutes: int) -> str:
    """`+05:30` for 330 minutes east."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _row(name: str, value: object, origin: str = "") -> str:
    return printable(f"  {name:<26}{value}" + (f"   {origin}" if origin else ""))


def _by_person(stated: str | None) -> str:
    return f"set by you; the file says {stated or 'nothing'}"


def _taken_by_person(document: AssetDocument) -> str:
    if "captured" not in document.get("extracted", {}):
        return ""
    covered = document["extracted"]["captured"]
    return _by_person(f"{format_taken(covered)} ({covered['source']})" if covered else None)


def _taken_away(document: AssetDocument) -> Iterator[str]:
    """Values that the file states, and that a person made to be none."""
    for name, stated in _leaves(document.get("extracted", {}), ""):
        if (
            stated is not None
            and _leaf(document, name) is None
            and not name.startswith("captured.")
        ):
            yield _row(name, "none", _by_person(_plain(name, stated)))


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


def _origin(
    name: str, value: object, sources: Mapping[str, str], extracted: Mapping[str, object]
) -> str:
    """Who gave a value: a reader of the file, or a person, and then what the file says."""
    stated = _leaf(extracted, name)
    if name.partition(".")[0] in extracted and not name.endswith(".source"):
        if stated != value:
            return _by_person(None if stated is None else _plain(name, stated))
        if "." not in name:
            return "set by you; the file says the same"
    source = sources.get(_READ_AS.get(name, name))
    return f"from {source}" if source else ""


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


def _plain_lines(
    values: Mapping[str, object],
    sources: Mapping[str, str],
    prefix: str = "",
    *,
    extracted: Mapping[str, object] = MappingProxyType({}),
) -> Iterator[str]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if name in _SHOWN_APART:
            continue
        if isinstance(value, dict) and key != "location":
            yield from _plain_lines(value, sources, f"{name}.", extracted=extracted)
        else:
            yield _row(name, _plain(name, value), _origin(name, value, sources, extracted))


def _plain(name: str, value: object) -> str:
    if name == "location" and isinstance(value, dict):
        return f"{value['lat']}, {value['lon']}"
    if name == "size" and isinstance(value, int):
        return size_text(value) + (f" ({value:,} bytes)" if value >= 1000 else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
