"""Values of fields as Elasticsearch indexes and compares them: numbers, moments, positions."""

from __future__ import annotations

import calendar
import math
import re
import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from .refusals import NotEmulated

WHOLE = {"long": 2**63, "integer": 2**31}
"""Whole numbers go from minus this to one less than this."""
EARTH_RADIUS_M = 6371008.7714

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"(Z|[+-]\d\d(?::?\d\d)?)?)?)?)?"
)
_STEP = re.compile(r"([+-])(\d+)([yMwdhHms])|/([yMwdhHms])")
_METRES = {"m": 1.0, "km": 1000.0}
_DISTANCE = re.compile(r"(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(m|km)")


class Misread(ValueError):
    """A value of JSON that is none for a field at all, before its text is looked at."""


def whole(value: Any, kind: str) -> int:
    """A whole number of a kind; fractions are cut off. Raises ValueError."""
    if isinstance(value, bool):
        raise Misread("Current token not numeric, can not use numeric value accessors")
    if not isinstance(value, int | float | str):
        raise ValueError("not a number")
    try:
        number = value if isinstance(value, int) else int(Decimal(value))
    except (InvalidOperation, OverflowError) as error:
        raise ValueError(f'For input string: "{value}"') from error
    if not -WHOLE[kind] <= number < WHOLE[kind]:
        kind_of_error = ValueError if isinstance(value, str) else Misread
        raise kind_of_error(f"Numeric value ({value}) out of range of {kind}")
    return number


def single(value: Any) -> float:
    """A number of 32 bits. Raises ValueError."""
    if isinstance(value, bool):
        raise Misread("Current token not numeric, can not use numeric value accessors")
    if not isinstance(value, int | float | str):
        raise ValueError("not a number")
    try:
        (number,) = struct.unpack("f", struct.pack("f", float(value)))
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"[float] supports only finite values, but got [{value}]")
    return float(number)


def number(value: Any) -> Decimal | int | float:
    """A number to compare with, exactly. Raises ValueError."""
    if isinstance(value, str):
        try:
            return Decimal(value)
        except InvalidOperation as error:
            raise ValueError(f'For input string: "{value}"') from error
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError(f'For input string: "{value}"')


def boolean(value: Any) -> bool:
    """Yes or no. Raises ValueError."""
    if value is True or value == "true":
        return True
    if value is False or value in ("false", ""):
        return False
    error = ValueError if isinstance(value, str) else Misread
    raise error(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")


def moment(value: Any, *, upper: bool = False) -> int:
    """Milliseconds since 1970 of `strict_date_optional_time||epoch_millis`.

    `upper`: the last one of what is named, not the first. Raises ValueError.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"failed to parse date field [{value}]")
    if isinstance(value, int):
        return value
    found = _DATE.fullmatch(value)
    if not found:
        if re.fullmatch(r"-?\d+", value):
            return int(value)
        raise ValueError(f"failed to parse date field [{value}] with format")
    if found[1] == "0000":
        raise NotEmulated("the year 0")
    parts = [int(part) if part else None for part in found.groups()[:6]]
    filled = [part if part is not None else low for part, low in zip(parts, _LOWEST, strict=True)]
    fraction = int((found[7] or "0").ljust(9, "0")[:3])
    try:
        at = datetime(*filled, fraction * 1000, tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError as error:
        raise ValueError(f"failed to parse date field [{value}]: {error}") from error
    if upper:
        given = sum(part is not None for part in parts)
        at = at if found[7] or given > 6 else _last(at, "yMdhms"[given - 1])
    return (at - _EPOCH) // timedelta(milliseconds=1) - _zone(found[8])


_LOWEST = (1970, 1, 1, 0, 0, 0)


def _zone(text: str | None) -> int:
    """The milliseconds of an offset."""
    if not text or text == "Z":
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = int(digits[:2]) * 3_600_000 + int(digits[2:]) * 60_000
    return -size if text[0] == "-" else size


def calculated(text: str, now: datetime, *, upper: bool) -> int:
    """A moment, or one with date math: `now-7d/d`, `2019||/y`. Raises ValueError."""
    if text.startswith("now"):
        at, rest = now, text[3:]
    elif "||" in text:
        begun, _, rest = text.partition("||")
        at = _EPOCH + timedelta(milliseconds=moment(begun))
    else:
        return moment(text, upper=upper)
    spot = 0
    while spot < len(rest):
        step = _STEP.match(rest, spot)
        if not step:
            raise ValueError(f"operator not supported for date math [{rest[spot:]}]")
        spot = step.end()
        if step[4]:
            at = _last(_first(at, step[4]), step[4]) if upper else _first(at, step[4])
        else:
            at = _moved(at, int(step[2]) * (1 if step[1] == "+" else -1), step[3])
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _moved(at: datetime, count: int, unit: str) -> datetime:
    if unit in "yM":
        months = at.year * 12 + at.month - 1 + count * (12 if unit == "y" else 1)
        year, month = divmod(months, 12)
        day = min(at.day, calendar.monthrange(year, month + 1)[1])
        return at.replace(year=year, month=month + 1, day=day)
    return at + count * _LENGTH[unit]


_LENGTH = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "H": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def _first(at: datetime, unit: str) -> datetime:
    """The first moment of the year, month ... that a moment lies in."""
    if unit == "w":
        at -= timedelta(days=at.weekday())
    zeros = {"microsecond": 0}
    for name, units in (("second", "yMwdhHm"), ("minute", "yMwdhH"), ("hour", "yMwd")):
        zeros |= {name: 0} if unit in units else {}
    zeros |= {"day": 1} if unit in "yM" else {}
    zeros |= {"month": 1} if unit == "y" else {}
    return at.replace(**zeros)  # type: ignore[arg-type]


def _last(first: datetime, unit: str) -> datetime:
    """The last millisecond of the year, month ... that begins with a moment."""
    return _moved(first, 1, unit) - timedelta(milliseconds=1)


def written(milliseconds: int) -> str:
    """A moment as `strict_date_optional_time` writes it."""
    at = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def year_of(milliseconds: int) -> int:
    """The year that a moment lies in."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).year


def start_of_year(year: int) -> int:
    """The first millisecond of a year."""
    return (datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def point(value: Any) -> tuple[float, float]:
    """Latitude and longitude. Raises ValueError."""
    if not isinstance(value, dict) or value.keys() != {"lat", "lon"}:
        raise NotEmulated(f"a position written as {value!r}")
    lat, lon = float(value["lat"]), float(value["lon"])
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise ValueError(f"illegal latitude or longitude value for {value}")
    return lat, lon


def metres(text: str) -> float:
    """A distance. Raises NotEmulated."""
    found = _DISTANCE.fullmatch(text)
    if not found:
        raise NotEmulated(f"the distance {text}")
    return float(found[1]) * _METRES[found[2]]


def distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two positions, on a globe."""
    lat_1, lon_1, lat_2, lon_2 = map(math.radians, (*one, *other))
    part = (
        math.sin((lat_2 - lat_1) / 2) ** 2
        + math.cos(lat_1) * math.cos(lat_2) * math.sin((lon_2 - lon_1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(part)))
