"""From the facts of a file and its name to the asset: capture time, local zone, place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from catalog.domain.asset import Asset, Entry, Facts
from catalog.domain.capture_time import (
    CaptureTime,
    DateCandidate,
    choose,
    file_time,
    format_offset,
    in_zone,
    offset_between,
    offset_of_wall,
)
from catalog.domain.checksums import select_kept
from catalog.domain.dated_names import from_file_name, from_folders, is_messenger_name
from catalog.domain.geo import Position
from catalog.domain.neighbour_clocks import (
    Moment,
    NeighbourClock,
    SeenClocks,
    choose_neighbour,
    device_of,
    home_of,
)
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


ClocksAround = Callable[[Moment], Sequence[NeighbourClock]]
"""What the catalog knows of the clocks around a moment."""


def _nothing_known(_moment: Moment) -> Sequence[NeighbourClock]:
    return ()


@dataclass(frozen=True, slots=True)
class Describer:
    """Turns facts into assets.

    `home_zone` is for UTC times for which nothing tells another; `base` is the absolute source
    folder; videos in a `video_folder` are neighbours of the photos above it; `around` asks the
    catalog for neighbours.
    """

    gazetteer: Gazetteer
    home_zone: str
    base: str = ""
    video_folder: str = ""
    around: ClocksAround = _nothing_known
    _seen: SeenClocks = field(default_factory=SeenClocks)

    def describe(self, facts: Facts, entry: Entry, now: datetime) -> Asset:
        """The asset by itself; `now` is naive UTC, later dates are no dates.

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

    def describe_all(
        self, files: Sequence[tuple[Facts, Entry, Sequence[str]]], now: datetime
    ) -> list[Asset]:
        """The assets of files that are read together, each with the folders of stores in which it
        lies: they are neighbours of each other, of those of the calls before, and of those that
        the catalog knows.
        """
        assets = [self.look(facts, entry, now) for facts, entry, _beside in files]
        return [
            self.settle(asset, entry, beside)
            for asset, (_facts, entry, beside) in zip(assets, files, strict=True)
        ]

    def look(self, facts: Facts, entry: Entry, now: datetime) -> Asset:
        """As `describe`; what it states of its clock is remembered for its neighbours."""
        asset = self.describe(facts, entry, now)
        self._seen.note(home_of(self._folder(entry), self.video_folder), asset, entry.name)
        return asset

    def settle(self, asset: Asset, entry: Entry, beside: Sequence[str] = ()) -> Asset:
        """The asset, with the offset that its neighbours tell, where it states none."""
        if not is_open(asset):
            return asset
        moment = self._moment(asset, entry, beside)
        return _settle(asset, [*self._seen.around(moment), *self.around(moment)])

    def _folder(self, entry: Entry) -> str:
        return f"{self.base}/{entry.folder}".rstrip("/") if self.base else entry.folder

    def _moment(self, asset: Asset, entry: Entry, beside: Sequence[str]) -> Moment:
        folder, *stores = (home_of(f, self.video_folder) for f in (self._folder(entry), *beside))
        device = device_of(asset.facts.values)
        return Moment(asset.hash, device, _utc_of(asset), folder, tuple(stores), self.video_folder)

    def describe_again(
        self, files: Sequence[tuple[Facts, Entry, str, Sequence[str]]], now: datetime
    ) -> list[Asset]:
        """The assets that files of the catalog hold, each with where it was (absolute) before it
        came, and the folders of stores in which it lies: its name and folder there say when it was
        taken, those here were made of what was known then.
        """
        named = [
            (facts, replace(e, path=path or e.path), beside) for facts, e, path, beside in files
        ]
        return replace(self, base="").describe_all(named, now)

    def _candidates(self, facts: Facts, entry: Entry) -> list[DateCandidate]:
        by_name = from_file_name(entry.name)
        by_folder = from_folders(self._folder(entry))
        modified = DateCandidate("mtime", file_time(entry.mtime_ns), is_utc=True)
        return [*facts.dates, *(c for c in (by_name, by_folder) if c), modified]

    def _local(self, captured: CaptureTime, facts: Facts, entry: Entry) -> tuple[CaptureTime, bool]:
        """A UTC time as the wall clock where the shot was taken, else at home; whether it is so.

        The device's own clock, in the file's name or in XMP, says best which that is.
        """
        zone = self.gazetteer.zone_of(facts.position) if facts.position else None
        offset, is_stated = self._offset_of_device(captured, facts, entry)
        if (
            offset == 0
            and not is_stated
            and self.gazetteer.offset_at(zone or self.home_zone, captured.wall) != 0
        ):
            # the device keeps local time where UTC belongs, or its clock shows UTC far from there
            local = replace(captured, offset_minutes=None, zone=None)
            return self._with_offset(local, facts), False
        if offset is not None:
            agrees = zone and self.gazetteer.offset_at(zone, captured.wall) == offset
            return in_zone(captured, zone if agrees else None, offset), False
        offset = self.gazetteer.offset_at(zone or self.home_zone, captured.wall)
        if offset is None:
            return captured, False
        return in_zone(captured, zone or self.home_zone, offset), not zone

    def _offset_of_device(
        self, captured: CaptureTime, facts: Facts, entry: Entry
    ) -> tuple[int | None, bool]:
        """The offset that the device's own clock shows, and whether it states it as well."""
        if captured.source in _NOT_OF_A_DEVICE:
            return None, False
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
                return offset, clock.offset_minutes is not None
        return None, False

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


def is_open(asset: Asset) -> bool:
    """Whether neighbours may tell the offset of an asset: it has none but that of home, and says
    of which device it is. What the file's own time was is nobody's clock.
    """
    captured = asset.captured
    return (
        asset.by_home_zone
        and captured is not None
        and captured.source != "mtime"
        and any(device_of(asset.facts.values))
    )


def _utc_of(asset: Asset) -> datetime:
    assert asset.captured is not None and asset.captured.instant is not None
    return asset.captured.instant.replace(tzinfo=None)


def _settle(asset: Asset, clocks: Sequence[NeighbourClock]) -> Asset:
    """By the clock of a neighbour: sure as a conclusion is at most, and a note says which."""
    utc = _utc_of(asset)
    clock = choose_neighbour(utc, clocks)
    if clock is None or asset.captured is None:
        return asset
    captured = in_zone(asset.captured, None, clock.offset_minutes)
    if captured.confidence == "high":
        captured = replace(captured, confidence="medium")
    distance = timedelta(minutes=round(abs(clock.utc - utc).total_seconds() / 60))
    same = "device" if device_of(asset.facts.values).model else "make"
    side = "before" if clock.utc < utc else "after"
    note = (
        f"{format_offset(clock.offset_minutes)} is what {clock.name} of the same {same} states, "
        f"taken {distance} {side}; this file states its time in UTC alone"
    )
    return replace(asset, captured=captured, notes=(*asset.notes, note), by_home_zone=False)


def utc_now() -> datetime:
    """The present as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)
