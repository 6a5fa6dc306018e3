"""Positions on the earth, and the texts that state them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """Signed degrees (WGS 84), altitude in metres where known, and the source that gave them."""

    lat: float
    lon: float
    altitude: float | None = None
    source: str = ""


def position_or_reason(
    lat: float | None, lon: float | None, altitude: float | None, source: str
) -> tuple[Position | None, str]:
    """A possible position, or None and why the numbers are no position.

    Altitudes that no camera reaches are dropped.
    """
    if lat is None or lon is None or not (math.isfinite(lat) and math.isfinite(lon)):
        return None, "no number"
    if abs(lat) > 90 or abs(lon) > 180:
        return None, f"out of range ({lat:.5f}, {lon:.5f})"
    if lat == 0 and lon == 0:
        return None, "0, 0 is an unset position"
    if altitude is not None and not (math.isfinite(altitude) and -500 <= altitude <= 20_000):
        altitude = None
    return Position(lat, lon, altitude, source), ""


_ISO_6709 = re.compile(r"([+-]\d+(?:\.\d*)?)([+-]\d+(?:\.\d*)?)([+-]\d+(?:\.\d*)?)?")


def parse_iso6709(text: str) -> tuple[float, float, float | None] | None:
    """Latitude, longitude and altitude from ISO 6709 text such as `+51.05+003.72+010.5/` (degrees,
    DDMM or DDMMSS).
    """
    match = _ISO_6709.search(text.strip())
    if not match:
        return None
    altitude = float(match[3]) if match[3] else None
    return _degrees(match[1], 2), _degrees(match[2], 3), altitude


def _degrees(text: str, digits: int) -> float:
    whole = text[1:].split(".")[0]
    value = float(text[1:])
    if len(whole) >= digits + 4:
        value = value // 10000 + (value // 100 % 100) / 60 + value % 100 / 3600
    elif len(whole) >= digits + 2:
        value = value // 100 + value % 100 / 60
    return -value if text[0] == "-" else value


def distance_km(a: Position, b: Position) -> float:
    """Great-circle distance in kilometres (haversine, mean earth radius 6371 km)."""
    lat1, lon1, lat2, lon2 = map(math.radians, (a.lat, a.lon, b.lat, b.lon))
    h = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371.0 * math.asin(min(1.0, math.sqrt(h)))
