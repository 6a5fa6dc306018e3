"""Corrections of a capture time: by how much the camera's clock was wrong, or in which zone."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from catalog.domain.capture_time import (
    DAY,
    EARLIEST_YEAR,
    SECOND,
    YEAR,
    CaptureTime,
    OffsetAt,
    offset_of_wall,
)

_PART = re.compile(r"([+-]?)(\d+)(y|mo|w|d|h|min|m|s)", re.IGNORECASE)
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "min": 60, "m": 60, "s": 1}
_FINEST = {SECOND: 1, DAY: 86_400}
_FORM = "write it as 1h, 90m, 2d, or as -1y 2d; mo is a month, m a minute"


@dataclass(frozen=True, slots=True)
class Shift:
    """A length of time, forwards or back: whole months, and seconds."""

    months: int = 0
    seconds: int = 0

    def __neg__(self) -> Shift:
        return Shift(-self.months, -self.seconds)


def parse_shift(text: str) -> Shift:
    """A length of time such as `1h` or `-1y 2d`; a sign holds until the next. Raises ValueError."""
    compact = re.sub(r"\s+", "", text)
    parts = list(_PART.finditer(compact))
    if not parts or "".join(part[0] for part in parts) != compact:
        raise ValueError(f"it is no length of time: {_FORM}")
    sign, months, seconds = 1, 0, 0
    for part in parts:
        sign = {"-": -1, "+": 1}.get(part[1], sign)
        count, unit = sign * int(part[2]), part[3].lower()
        months += count * {"y": 12, "mo": 1}.get(unit, 0)
        seconds += count * _SECONDS.get(unit, 0)
    if abs(months) > 12 * 1000 or abs(seconds) > 400_000_000_000:
        raise ValueError("it is longer than photography")
    return Shift(months, seconds)


def between(before: datetime, after: datetime) -> Shift:
    """What takes one wall clock to another."""
    return Shift(0, round((after - before).total_seconds()))


def shifted(captured: CaptureTime, shift: Shift) -> CaptureTime:
    """The capture time by a clock that was wrong by so much; the offset stays.

    A month's last days become its last where they are too many. Raises ValueError where the time is
    not known so precisely, or leaves the calendar.
    """
    step = _FINEST.get(captured.precision)
    if shift.seconds and (step is None or shift.seconds % step):
        raise ValueError("its date is not known so precisely")
    if captured.precision == YEAR and shift.months % 12:
        raise ValueError("its date is not known so precisely")
    wall = captured.wall
    month = wall.year * 12 + wall.month - 1 + shift.months
    year, month = divmod(month, 12)
    if not EARLIEST_YEAR <= year <= 9999:
        raise ValueError("it would be before photography, or beyond the calendar")
    day = min(wall.day, calendar.monthrange(year, month + 1)[1])
    try:
        wall = wall.replace(year=year, month=month + 1, day=day) + timedelta(seconds=shift.seconds)
    except OverflowError:
        raise ValueError("it would be beyond the calendar") from None
    if wall.year < EARLIEST_YEAR:
        raise ValueError("it would be before photography")
    return replace(captured, wall=wall, zone=None)


def by_zone(
    captured: CaptureTime, clock_zone: str, local_zone: str | None, offset_at: OffsetAt
) -> CaptureTime:
    """The capture time by a clock that was set to another zone: the moment is what it showed there,
    and the wall clock that of the place, where its zone is known.

    Raises ValueError where no time of day is known.
    """
    if not captured.has_time:
        raise ValueError("its time of day is not known")
    offset = offset_of_wall(clock_zone, captured.wall, offset_at)
    if offset is None:
        raise ValueError(f"{clock_zone} is no time zone such as Europe/Brussels")
    utc = captured.wall - timedelta(minutes=offset)
    local = offset if local_zone is None else offset_at(local_zone, utc)
    local = offset if local is None else local
    wall = utc + timedelta(minutes=local)
    return replace(captured, wall=wall, offset_minutes=local, zone=None)


def check_past(captured: CaptureTime, now: datetime, grace: timedelta) -> None:
    """Raise ValueError for a time that is still to come. `now` is naive UTC."""
    moment = captured.instant or captured.wall.replace(tzinfo=UTC)
    if moment > now.replace(tzinfo=UTC) + grace:
        raise ValueError("it is in the future")
