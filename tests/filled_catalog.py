"""Assets of which everything is known, and catalogs that are filled with them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from running import MTIME, Lab

from catalog.domain.asset import Asset, Entry, Facts, Quality
from catalog.domain.capture_time import CaptureTime
from catalog.domain.checksums import KEPT
from catalog.domain.copies import copy_row
from catalog.domain.document import CopyRow
from catalog.domain.fixity import content_hash
from catalog.domain.geo import Position
from catalog.domain.place import Place
from catalog.index.documents import Origin, asset_document

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


def behind(lab: Lab) -> dict[str, list[str]]:
    """The aliases of every index whose name begins with the test's."""
    return {
        name: sorted(about["aliases"])
        for name, about in lab.ask("GET", f"{lab.index}*/_alias").items()
    }


def a_copy(path: str, store: str = "nas") -> CopyRow:
    return copy_row(store, Entry(path, 1234, int(MTIME) * 1_000_000_000), NOW, NOW)


VALUES = {
    "rendition_of": "f" * 64,
    "make": "Apple",
    "model": "iPhone 12",
    "lens": "back camera 4.2mm f/1.6",
    "exposure_time": 0.008,
    "f_number": 1.6,
    "iso": 32,
    "focal_length": 4.2,
    "focal_length_35mm": 26,
    "flash": 16,
    "video_codec": "hevc",
    "audio_codec": "aac",
    "frame_rate": 29.97,
    "rotation": 90,
    "orientation": 6,
    "live_id": "3F2504E0-4F89",
    "motion_photo": True,
    "frames": 3,
    "parts": ["depth", "gain-map"],
    "resized": True,
    "software": "15.1",
    "favorite": False,
    "rating": -1,
    "title": "Snow in Ghent",
    "description": "Nobody was there.",
    "albums": ["Winter"],
    "person": {"rating": 5, "tags_added": ["white"]},
}
"""Every value that a reader of files may find, and that is not kept elsewhere in the facts."""


def an_asset(number: int) -> Asset:
    """An asset of which everything is known; another number, another one."""
    chance = random.Random(number)
    facts = Facts(
        hash=content_hash(b"%d" % number),
        size=4_000_000_000 + number,
        type="jpeg",
        kind="image",
        mime="image/jpeg",
        image_hash=content_hash(b"image %d" % number),
        width=4032,
        height=3024,
        duration=2.5,
        phash=f"{chance.getrandbits(64):016x}",
        phash_inner=f"{chance.getrandbits(64):016x}",
        look="UklGRg==",
        frames_look="UklGRg==",
        quality=Quality(
            chance.uniform(0, 900), 127.5, 33.25, False, True, 900.5, 0.25, 0.125, 0.5, 12.5
        ),
        position=Position(51.05, 3.72, 12.5, "exif"),
        tags=("snow", "Straße", "\U0001f642"),
        values=VALUES,
        sources={"make": "exif", "location": "exif"},
        notes=("a note",),
        problem="the picture is cut off",
        checksums=dict.fromkeys(KEPT, f"{number:08x}"),
    )
    captured = CaptureTime(
        datetime(1900, 1, 1) + timedelta(days=number, milliseconds=number),
        "exif:DateTimeOriginal",
        "high",
        120,
        "Europe/Brussels",
    )
    return Asset(
        facts, captured, Place("Belgium", "BE", "Flanders", "Ghent", "table", "Home"), ("doubtful",)
    )


def a_document(number: int) -> dict[str, Any]:
    copies = [a_copy(f"2019/07_July/{number}.jpg"), a_copy(f"{number}.jpg", "dropbox")]
    sidecars = [
        {
            "store": "nas",
            "path": f"2019/07_July/{number}.xmp",
            "hash": content_hash(b"x"),
            "size": 5,
        }
    ]
    return asset_document(
        an_asset(number),
        Origin(f"/home/me/IMG_{number}.JPG", "20260102T030405Z-abcdef", NOW),
        copies=copies,
        sidecars=sidecars,
        stack=("s1", "primary"),
    )


def fill(lab: Lab, count: int) -> dict[str, dict[str, Any]]:
    """Put so many assets, and an event of each, into the catalog; the assets' documents by id."""
    documents = {d["hash"]: d for d in map(a_document, range(count))}
    send(lab, ((lab.index, key, document) for key, document in documents.items()))
    send(lab, ((f"{lab.index}-events", key, {"action": "add", "hash": key}) for key in documents))
    return documents


def send(lab: Lab, writes: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
    lines = [
        json.dumps(line)
        for index, key, body in writes
        for line in ({"create": {"_index": index, "_id": key}}, body)
    ]
    headers = {"content-type": "application/x-ndjson"}
    reply = lab.ask("POST", "_bulk?refresh=true", data="\n".join(lines) + "\n", headers=headers)
    assert not reply["errors"], [
        item for item in reply["items"] if item["create"]["status"] != 201
    ][:1]
