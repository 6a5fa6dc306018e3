"""Amounts as people write them: rates and sizes in units of 1024 bytes, lengths of time,
timetables of rates.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from catalog.errors import UsageError

OFF = "off"
"""What stands for no limit."""
_UNITS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SECONDS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([BKMGT])(?:i?B)?", re.IGNORECASE)
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+", re.IGNORECASE)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def byte_count(text: str) -> int:
    """Bytes of a size such as 512K, 5M or 1.5G; 0 for `off`. Raises ValueError."""
    if text.strip().lower() in (OFF, "0"):
        return 0
    match = _SIZE.fullmatch(text.strip())
    count = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if not count:
        raise ValueError(f"{text!r} is no size such as 512K, 5M or 10G")
    return count


def seconds(text: str) -> float:
    """Seconds of a length of time such as 90m, 6h or 1h30m; 0 for `off`. Raises ValueError."""
    if text.strip().lower() in (OFF, "0"):
        return 0.0
    match = _SPAN.fullmatch(text.strip())
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", text.lower()) if match else []
    length = sum(float(count) * _SECONDS[unit] for count, unit in parts)
    if not length:
        raise ValueError(f"{text!r} is no length of time such as 90m, 6h or 1h30m")
    return length


class Turn(NamedTuple):
    """From a minute of the day on, a rate in bytes a second (0: no limit)."""

    minute: int
    rate: int


class Timetable(NamedTuple):
    """Rates through the day; the last one holds until the first of the next day."""

    turns: tuple[Turn, ...] = ()

    @property
    def limits(self) -> bool:
        """Whether there is a limit at any time."""
        return any(turn.rate for turn in self.turns)

    def rate(self, moment: datetime) -> int:
        """Bytes a second at a local time; 0 is no limit."""
        if not self.turns:
            return 0
        minute = moment.hour * 60 + moment.minute
        past = [turn for turn in self.turns if turn.minute <= minute]
        return (past or self.turns)[-1].rate


def timetable(text: str) -> Timetable:
    """A rate (`5M`, `off`), or rates by local time (`08:00,512K 23:00,off`). Raises ValueError."""
    if "," not in text:
        try:
            rate = byte_count(text.strip().removesuffix("/s"))
        except ValueError:
            raise ValueError(
                f"{text!r} is no rate such as 5M, and no timetable such as '08:00,512K 23:00,off'"
            ) from None
        return Timetable((Turn(0, rate),))
    return Timetable(tuple(sorted(_turn(part) for part in text.split())))


def _turn(text: str) -> Turn:
    clock, _, rate = text.partition(",")
    match = _CLOCK.fullmatch(clock)
    if not match:
        raise ValueError(f"{text!r} is no part of a timetable such as '08:00,512K 23:00,off'")
    return Turn(int(match[1]) * 60 + int(match[2]), byte_count(rate.removesuffix("/s")))


_AGES = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


def age(text: str) -> timedelta:
    """A duration such as 90d, 12h, 30m or 45s. Raises UsageError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", text)
    if not match:
        raise UsageError(f"{text} is no duration.", hint="Write it as 90d, 12h, 30m or 45s.")
    try:
        return timedelta(seconds=float(match[1]) * _AGES[match[2]])
    except OverflowError:
        raise UsageError(
            f"{text} is longer than anything lasts.", hint="Write it as 90d, 12h, 30m or 45s."
        ) from None


def size_text(count: int) -> str:
    """Bytes for people: `1.8 MB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{count} B"
