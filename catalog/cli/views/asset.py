"""All that is known of an asset: values and where they came from, copies, and history."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.cli.console import Console
from catalog.domain.assignments import describe_change
from catalog.domain.document import AssetDocument
from catalog.domain.names import printable
from catalog.errors import DONE
from catalog.features.inspection.events import Event
from catalog.features.inspection.facts import PERSON, Fact, list_facts
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
    for fact in list_facts(document):
        yield _row(fact.name, fact.value, _origin(fact))
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


def _row(name: str, value: object, origin: str = "") -> str:
    return printable(f"  {name:<26}{value}" + (f"   {origin}" if origin else ""))


def _origin(fact: Fact) -> str:
    """Who gave a value, and how sure that is."""
    if fact.source == PERSON:
        told = "the same" if fact.same else fact.stated or "nothing"
        return f"set by you; the file says {told}"
    if not fact.source:
        return ""
    sure = f", confidence {fact.confidence}" if fact.confidence else ""
    return f"from {fact.source}{sure}"
