"""From the facts of a file and its name to the asset: capture time, local zone, place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from catalog.domain.asset import Asset, Entry, Facts
from catalog.domain.capture_time import (
    CaptureTime,
    DateCandidate,
    choose,
    file_time,
    in_zone,
    offset_between,
    offset_of_wall,
)
from catalog.domain.checksums import select_kept
from catalog.domain.dated_names import from_file_name, from_folders, is_messenger_name
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
        by_home_zone = False
        if captured is not None and captured.zone == "UTC":
            captured, by_home_zone = self._local(captured, facts, entry)
        elif captured is not None and captured.has_time and captured.offset_minutes is None:
            captured = self._with_offset(captured, facts)
        place = self.gazetteer.place_of(facts.position) if facts.position else None
        messenger = is_messenger_name(entry.name)
        return Asset(facts, captured, place, notes, messenger, by_home_zone)

    def describe_again(self, facts: Facts, entry: Entry, original: str, now: datetime) -> Asset:
        """The asset that a file of the catalog holds: its name and folder before it came (absolute)
        say when it was taken, those here were made of what was known then.
        """
        path = original.lstrip("/") or entry.path
        return replace(self, base="").describe(facts, replace(entry, path=path), now)

    def _candidates(self, facts: Facts, entry: Entry) -> list[DateCandidate]:
        by_name = from_file_name(entry.name)
        by_folder = from_folders(f"{self.base}/{entry.folder}".rstrip("/"))
        modified = DateCandidate("mtime", file_time(entry.mtime_ns), is_utc=True)
        return [*facts.dates, *(c for c in (by_name, by_folder) if c), modified]

    def _local(self, captured: CaptureTime, facts: Facts, entry: Entry) -> tuple[CaptureTime, bool]:
        """A UTC time as the wall clock where the shot was taken, else at home; whether it is so.

        The device's own clock, in the file's name or in XMP, says best which that is.
        """
        zone = self.gazetteer.zone_of(facts.position) if facts.position else None
        offset = self._offset_of_device(captured, facts, entry)
        if offset is not None:
            agrees = zone and self.gazetteer.offset_at(zone, captured.wall) == offset
            return in_zone(captured, zone if agrees else None, offset), False
        offset = self.gazetteer.offset_at(zone or self.home_zone, captured.wall)
        if offset is None:
            return captured, False
        return in_zone(captured, zone or self.home_zone, offset), not zone

    def _offset_of_device(self, captured: CaptureTime, facts: Facts, entry: Entry) -> int | None:
        if captured.source in _NOT_OF_A_DEVICE:
            return None
        slack = timedelta(seconds=min(facts.duration or 0, _LONGEST_SLACK))
        by_name = from_file_name(entry.name)
        for clock in (
            *(d for d in facts.dates if d.source.startswith(("xmp:", "sidecar:"))),
            by_name,
        ):
            if clock is None or not clock.has_time or clock.is_utc:
                continue
            offset = offset_between(clock.wall, captured.wall, slack)
            if offset is not None and clock.offset_minutes in (None, offset):
                return offset
        return None

    def _with_offset(self, captured: CaptureTime, facts: Facts) -> CaptureTime:
        """A wall clock without offset with that of the place; else, where the satellites' clock
        shows the same, with that of UTC.
        """
        zone = self.gazetteer.zone_of(facts.position) if facts.position else None
        offset = offset_of_wall(zone, captured.wall, self.gazetteer.offset_at) if zone else None
        if offset is None and any(
            d.source == "gps" and offset_between(captured.wall, d.wall) == 0 for d in facts.dates
        ):
            zone, offset = None, 0
        return captured if offset is None else replace(captured, offset_minutes=offset, zone=zone)


_NOT_OF_A_DEVICE = frozenset({"filename", "takeout:photoTakenTime", "mtime", "gps"})
_LONGEST_SLACK = 600
"""Seconds: of a longer film it is not told whether its clock is of the begin or the end."""


def utc_now() -> datetime:
    """The present as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
