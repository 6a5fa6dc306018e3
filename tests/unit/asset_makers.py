"""Entries, facts, assets and stack members made by hand, for the tests of rules and plans."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from catalog.domain.asset import Asset, Entry, Facts
from catalog.domain.capture_time import DAY, SECOND, CaptureTime
from catalog.domain.filetypes import BY_NAME
from catalog.domain.fixity import content_hash
from catalog.domain.place import Place
from catalog.domain.stacks import Member

SUMMER = datetime(2019, 7, 12, 18, 30, 15)


def taken(
    wall: datetime = SUMMER, source: str = "exif:DateTimeOriginal", *, has_time: bool = True
) -> CaptureTime:
    return CaptureTime(wall, source, "high", precision=SECOND if has_time else DAY)


def facts(content: str = "one", filetype: str = "jpeg", **known: Any) -> Facts:
    kind = BY_NAME[filetype]
    return Facts(
        content_hash(content.encode()),
        len(content.encode()),
        filetype,
        kind.kind,
        kind.mime,
        **known,
    )


def asset(
    content: str = "one",
    filetype: str = "jpeg",
    captured: CaptureTime | None = None,
    *,
    undated: bool = False,
    city: str | None = None,
    place: Place | None = None,
    messenger: bool = False,
    **known: Any,
) -> Asset:
    if city:
        place = Place("Belgium", "BE", "Flanders", city, "table")
    return Asset(
        facts(content, filetype, **known),
        None if undated else captured or taken(),
        place,
        (),
        messenger,
    )


def member(
    path: str, content: str = "one", filetype: str = "jpeg", *sidecars: str, **known: Any
) -> Member:
    shot = asset(content, filetype, **known)
    return Member(Entry(path, shot.facts.size), shot, tuple(Entry(name, 5) for name in sidecars))
