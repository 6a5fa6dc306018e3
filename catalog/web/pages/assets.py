"""One asset: what is known of it and from where, its copies, history, shot and look-alikes."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from catalog.domain.assignments import describe_change
from catalog.domain.copies import OK
from catalog.domain.names import printable
from catalog.domain.timeline import is_panorama
from catalog.features.inspection.events import Event
from catalog.features.inspection.facts import Fact, list_facts
from catalog.features.lookalikes.similar import SimilarRequest, find_similar
from catalog.index.queries import companions
from catalog.web.call import Call
from catalog.web.pages.seen import find_document, find_hash, keep_seen

LARGEST_SHOT = 100
"""Files of one shot that are shown."""
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"})
"""Media types of pictures that browsers show as they are: with their colours and gain maps."""


_TECHNICAL = (
    *("checksums.", "quality.", "phash", "image_hash", "reader", "run", "updated", "extension"),
    *(
        "taken.instant",
        "copy_count",
        "frames",
        "resized",
        "shape",
        "stack.",
        "live_id",
        "mime",
        "parts",
    ),
)
"""Beginnings of the names of facts that say nothing to who looks at a picture."""


class ShownCopy(msgspec.Struct):
    """A copy: its store and path, whether it is there, and when that was proved."""

    store: str
    path: str
    state: str
    verified: str | None


class Show(msgspec.Struct):
    """Whether a browser shows the original itself."""

    original: bool


class AssetFacts(msgspec.Struct):
    """All that is known of an asset; `facts` say who gave each value, and how sure it is."""

    hash: str
    kind: str
    mime: str
    width: int
    height: int
    wall: str | None
    offset_minutes: int | None
    title: str
    place: str
    facts: list[Fact]
    copies: list[ShownCopy]
    shot: list[str]
    albums: list[str]
    tags: list[str]
    panorama: bool
    live: bool
    show: Show


class ShownEvent(msgspec.Struct):
    """What happened, when, and by which command or person."""

    when: str
    what: str
    who: str


class AssetHistory(msgspec.Struct):
    """What happened to an asset, oldest first."""

    events: list[ShownEvent]


class LookAlike(msgspec.Struct):
    """Another asset, and why it is taken for a look-alike."""

    hash: str
    reason: str


class AssetLookAlikes(msgspec.Struct):
    """What looks like an asset, the most alike first."""

    similar: list[LookAlike]


def tell_asset(call: Call) -> AssetFacts:
    """All that is known of an asset."""
    document = find_document(call)
    shot = companions(call.services.repository, document, source=["hash"], limit=LARGEST_SHOT)
    captured = document.get("captured", {})
    place = document.get("place", {})
    width, height = document.get("width") or 0, document.get("height") or 0
    mime = document.get("mime") or "application/octet-stream"
    return AssetFacts(
        document["hash"],
        "film" if document["kind"] == "video" else "photo",
        mime,
        width,
        height,
        captured.get("wall"),
        captured.get("offset_minutes"),
        document.get("title") or "",
        place.get("name") or place.get("city") or place.get("country") or "",
        [_printable(f) for f in list_facts(document) if not f.name.startswith(_TECHNICAL)],
        [
            ShownCopy(
                row["store"],
                printable(row["path"]),
                "present" if row["state"] == OK else row["state"],
                row.get("verified"),
            )
            for row in document.get("copies", [])
        ],
        keep_seen(call, sorted(other["hash"] for other in shot)),
        document.get("albums", []),
        document.get("tags", []),
        panorama=document["kind"] == "image" and is_panorama(width, height),
        live=bool(document.get("motion_photo") or document.get("live_id")),
        show=Show(mime in SHOWN),
    )


def tell_history(call: Call) -> AssetHistory:
    """What happened to an asset, oldest first."""
    events = map(Event, call.services.repository.history.of_asset(find_hash(call)))
    return AssetHistory([_shown_event(event) for event in events])


def tell_look_alikes(call: Call) -> AssetLookAlikes:
    """What looks like an asset."""
    asked = find_hash(call)
    alike = find_similar(call.services.workspace, SimilarRequest(asked))
    reasons = {each.member.picture.hash: each.kind for each in alike.found}
    reasons.pop(asked, None)
    return AssetLookAlikes([LookAlike(name, reasons[name]) for name in keep_seen(call, [*reasons])])


def _printable(fact: Fact) -> Fact:
    """A fact whose value shows what could steer a terminal or a reading direction."""
    return replace(fact, value=printable(fact.value), stated=printable(fact.stated))


def _shown_event(event: Event) -> ShownEvent:
    where = f"{event.store}:{event.path}" if event.path else ""
    change = "" if event.path else describe_change(event.before, event.after)
    told = " ".join(part for part in (event.action, where or change) if part)
    return ShownEvent(event.at, printable(told), event.by or event.document.get("command", ""))
