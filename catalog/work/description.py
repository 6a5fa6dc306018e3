"""From the facts of a file and its name to the asset: capture time, local zone, place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from catalog.domain.asset import Asset, Entry, Facts
from catalog.domain.capture_time import (
    CaptureTime,
    DateCandidate,
    choose,
    file_time,
    from_file_name,
    from_folders,
    in_zone,
    is_messenger_name,
)
from catalog.domain.checksums import select_kept
from catalog.domain.geo import Position
from catalog.domain.place import Place


class Gazetteer(Protocol):
    """What is where on the earth, offline."""

    def place_of(self, position: Position) -> Place | None:
        """Country, region and city of a position."""
        ...

    def zone_of(self, position: Position) -> str | None:
        """The time zone of a position."""
        ...

    def offset_at(self, zone: str, utc: datetime) -> int | None:
        """Minutes east of UTC that a zone has at a moment (naive UTC)."""
        ...


@dataclass(frozen=True, slots=True)
class Describer:
    """Turns facts into assets.

    `home_zone` is for UTC times without a position; `base` is the absolute source folder.
    """

    gazetteer: Gazetteer
    home_zone: str
    base: str = ""

    def describe(self, facts: Facts, entry: Entry, now: datetime) -> Asset:
        """The asset; `now` is naive UTC, later dates are no dates.

        What its store states of a content is kept with it.
        """
        if stated := select_kept(entry.checksums):
            facts = replace(facts, checksums={**stated, **facts.checksums})
        captured, notes = choose(self._candidates(facts, entry), now)
        if captured is not None and captured.zone == "UTC":
            captured = self._local(captured, facts.position)
        place = self.gazetteer.place_of(facts.position) if facts.position else None
        return Asset(facts, captured, place, notes, is_messenger_name(entry.name))

    def _candidates(self, facts: Facts, entry: Entry) -> list[DateCandidate]:
        by_name = from_file_name(entry.name)
        by_folder = from_folders(f"{self.base}/{entry.folder}".rstrip("/"))
        modified = DateCandidate("mtime", file_time(entry.mtime_ns), is_utc=True)
        return [*facts.dates, *(c for c in (by_name, by_folder) if c), modified]

    def _local(self, captured: CaptureTime, position: Position | None) -> CaptureTime:
        """A UTC time as the wall clock where the shot was taken, else at home."""
        zone = (self.gazetteer.zone_of(position) if position else None) or self.home_zone
        offset = self.gazetteer.offset_at(zone, captured.wall)
        return captured if offset is None else in_zone(captured, zone, offset)


def utc_now() -> datetime:
    """The present as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
