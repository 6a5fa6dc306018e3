"""What files of the same device around a moment say of its clock: of a film that states its time in
UTC alone, they tell the offset.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from catalog.domain.asset import Asset, FactValues

IN_UTC = frozenset(
    {
        "quicktime:CreateDate",
        "matroska:DateUTC",
        "asf:CreationDate",
        "flv:CreationDate",
        "takeout:photoTakenTime",
        "gps",
        "filename",
        "mtime",
    }
)
"""Sources of times in UTC: how those became local is a conclusion, unless by a position."""
AROUND = timedelta(days=2)
"""How far a neighbour may be where there is one before and one after that agree."""
ALONE = timedelta(hours=12)
"""How far it may be where there are others on one side only."""
CLOSE = timedelta(hours=1)
"""How far it may be where the next one on the other side says otherwise: somebody travelled."""
_MOST_FOLDERS = 32


class Device(NamedTuple):
    """By what a device is known: its make and its model, each "" where not stated."""

    make: str
    model: str

    @property
    def brand(self) -> str:
        """The make as the photos and the films of a device may both state it."""
        return self.make.casefold().partition(" ")[0]

    def may_be(self, other: Device) -> bool:
        """Whether another one may be this: by its model, else by its make alone."""
        if self.model:
            return self.model == other.model and (
                not self.make or not other.make or self.brand == other.brand
            )
        return bool(self.make) and self.brand == other.brand


def device_of(values: FactValues) -> Device:
    """The device that took what states these values."""
    return Device(values.get("make", ""), values.get("model", ""))


class NeighbourClock(NamedTuple):
    """What one file states: the moment as naive UTC, minutes east of UTC, and its name."""

    utc: datetime
    offset_minutes: int
    name: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Of which neighbours are wanted: the asset's hash, its device, naive UTC; the folder it comes
    from, and those of stores in which it lies. A `video_folder` in one of them counts as part of
    it.
    """

    hash: str
    device: Device
    utc: datetime
    folder: str
    beside: tuple[str, ...] = ()
    video_folder: str = ""

    def is_beside(self, original: str, paths: Iterable[str]) -> bool:
        """Whether an asset that comes from one path, and lies at others, is a neighbour."""
        return self._home(original) == self.folder or any(
            self._home(path) in self.beside for path in paths
        )

    def _home(self, path: str) -> str:
        return home_of(path.rpartition("/")[0], self.video_folder)


def home_of(folder: str, video_folder: str) -> str:
    """A folder, or the one above it if it is for the videos of that."""
    above, _, last = folder.rpartition("/")
    return above if video_folder and last == video_folder else folder


def is_told_apart(devices: Iterable[Device]) -> bool:
    """Whether there are several models: which of them one is that states its make alone is not
    told.
    """
    return len({device.model for device in devices} - {""}) > 1


def clock_of(asset: Asset, name: str) -> NeighbourClock | None:
    """What an asset states of the clock of its device; None where that is a conclusion itself."""
    captured = asset.captured
    if (
        captured is None
        or captured.instant is None
        or captured.offset_minutes is None
        or not captured.has_time
        or captured.confidence == "low"
        or (captured.source in IN_UTC and asset.facts.position is None)
    ):
        return None
    return NeighbourClock(captured.instant.replace(tzinfo=None), captured.offset_minutes, name)


def choose_neighbour(utc: datetime, clocks: Iterable[NeighbourClock]) -> NeighbourClock | None:
    """The nearest before or after a moment, where its offset is likely that of the moment.

    That is where the nearest on both sides agree, or only one side has any, or it is very near.
    """
    near = sorted((abs(c.utc - utc), c) for c in clocks if abs(c.utc - utc) <= AROUND)
    if not near:
        return None
    distance, first = near[0]
    other = next((c for c in near if (c[1].utc < utc) != (first.utc < utc)), None)
    if other is None:
        return first if distance <= ALONE else None
    if other[1].offset_minutes == first.offset_minutes:
        return first
    return first if distance <= CLOSE and distance < other[0] else None


@dataclass(slots=True)
class SeenClocks:
    """The clocks of the files that one run has seen, of the last folders only."""

    _by_folder: OrderedDict[str, dict[Device, list[NeighbourClock]]] = field(
        default_factory=OrderedDict
    )

    def note(self, folder: str, asset: Asset, name: str) -> None:
        """Keep what an asset states, if that is anything."""
        device, clock = device_of(asset.facts.values), clock_of(asset, name)
        if not any(device) or clock is None:
            return
        insort(self._by_folder.setdefault(folder, {}).setdefault(device, []), clock)
        self._by_folder.move_to_end(folder)
        while len(self._by_folder) > _MOST_FOLDERS:
            self._by_folder.popitem(last=False)

    def around(self, moment: Moment) -> list[NeighbourClock]:
        """The nearest of the same folder and device, before and after a moment."""
        there = self._by_folder.get(moment.folder, {})
        devices = [device for device in there if moment.device.may_be(device)]
        if is_told_apart(devices):
            return []
        found: list[NeighbourClock] = []
        for device in devices:
            clocks = there[device]
            at = bisect_left(clocks, (moment.utc,))
            found += clocks[max(at - 1, 0) : at + 1]
        return found
