"""The time zone of a position, and the offset of a zone at an instant; both offline."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

from catalog.domain.geo import Position

if TYPE_CHECKING:
    from timezonefinder import TimezoneFinder


def zone_of(position: Position) -> str | None:
    """The IANA zone of the land or coastal water at the position (`Europe/Brussels`),
    or None over the open sea.
    """
    with _lock:
        name = _finder().timezone_at(lng=position.lon, lat=position.lat)
    return None if not name or name.startswith("Etc/") else name


def offset_at(zone: str, utc: datetime) -> int | None:
    """Minutes east of UTC that clocks of the zone showed at an instant;
    None for a zone that nobody knows.

    A naive `utc` is taken as UTC. Zone rules are the system's, or those of the PyPI package
    `tzdata` where it has none.
    """
    rules = _rules(zone)
    if rules is None:
        return None
    aware = utc.replace(tzinfo=UTC) if utc.tzinfo is None else utc
    offset = aware.astimezone(rules).utcoffset()
    return None if offset is None else round(offset.total_seconds() / 60)


def machine_zone() -> str:
    """The IANA zone that this machine is set to (`TZ`, else the system's); UTC where it names none
    that is known.
    """
    try:
        name = tzlocal.get_localzone_name()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"
    return "UTC" if name in _NAMES_OF_UTC or _rules(name) is None else name


_NAMES_OF_UTC = ("Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu")


_lock = threading.Lock()
"""The finder reads its polygons from a file and is not made for several threads."""


@lru_cache(maxsize=1)
def _finder() -> TimezoneFinder:
    from timezonefinder import TimezoneFinder  # 12 MB once loaded, and most files never ask

    return TimezoneFinder()


@lru_cache(maxsize=512)
def _rules(zone: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
