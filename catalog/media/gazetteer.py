"""The place of a position, offline, from a table of populated places (GeoNames, CC BY 4.0;
see data/README.md).

The nearest centre is often the wrong answer: a suburb's or neighbourhood's centre is nearer than
the city's. So each place is a disc whose area grows with its population, and the place whose *edge*
is nearest wins, which inside a disc is the deepest one. A village just outside a city's disc is at
distance zero of its own and wins there.

Discs know no borders, so the words are chosen from the large to the small: the country first (by
time zone polygon where several countries are near), then the region (where discs count little), and
only then the city, within both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from catalog.domain.geo import Position
from catalog.domain.place import KnownPlace, Place, known_place
from catalog.media.zones import zone_of

DEFAULT_TABLE = Path(__file__).parent / "data" / "places.npz"
"""The packaged table."""

CITY_KM = 25.0
"""Farther from every centre than this, a position has a region and a country, but no city."""

COUNTRY_KM = 150.0
"""Farther from every centre than this, a position has no place at all."""

DISC_KM = 0.008
"""Disc radius in km of a population of 1; the radius grows with the root (8 km at a million:
5,000 people a km²).
"""

BANDS_PER_DEGREE = 4
"""The table is sorted by bands of this many to a degree of latitude,
and by longitude within a band.
"""

LON_STEPS = 1000
"""Steps to a degree that stored coordinates are rounded to (111 m), and that lookups are."""

POPULATION_STEPS = 14
"""Steps to a doubling in stored populations; code 0 is 100 people or fewer."""

_REGION_SHARE = 0.2
_KM_PER_DEGREE = 111.195

Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


class Places:
    """Names for positions.

    Lookups are rounded to 0.001 degree and remembered; safe to use from several threads.
    """

    def __init__(
        self,
        table_path: Path = DEFAULT_TABLE,
        *,
        known: Sequence[KnownPlace] = (),
        zone: Callable[[Position], str | None] = zone_of,
    ) -> None:
        self._table = _Table(table_path)
        self._known = tuple(known)
        self._zone = zone
        self._cached = lru_cache(maxsize=8192)(self._find)

    def lookup(self, position: Position) -> Place | None:
        """The place of a position; None on the open ocean.

        Known places win, and take missing words from the table.
        """
        place = self._cached(round(position.lat * LON_STEPS), round(position.lon * LON_STEPS))
        mine = known_place(position, self._known)
        return place if mine is None else _named(mine, place)

    def _find(self, lat_step: int, lon_step: int) -> Place | None:
        lat, lon = lat_step / LON_STEPS, lon_step / LON_STEPS
        rows, km = self._table.within(lat, lon, CITY_KM)
        if rows.size:
            rows, km = self._in_country(lat, lon, rows, km)
            rows, km = self._in_region(rows, km)
            return self._table.place(rows[np.argmin(km - self._table.radius[rows])])
        rows, km = self._table.within(lat, lon, COUNTRY_KM)
        if not rows.size:
            return None
        rows, km = self._in_country(lat, lon, rows, km)
        return replace(self._table.place(rows[np.argmin(km)]), city=None)

    def _in_country(self, lat: float, lon: float, rows: Rows, km: Floats) -> tuple[Rows, Floats]:
        """The rows of the countries that the position's time zone belongs to,
        if several are near and one of them is.
        """
        countries = self._table.country[self._table.region[rows]]
        if (countries == countries[0]).all():
            return rows, km
        allowed = self._table.zone_countries.get(self._zone(Position(lat, lon)) or "", ())
        inside = np.isin(countries, np.array(allowed, dtype=countries.dtype))
        return (rows[inside], km[inside]) if inside.any() else (rows, km)

    def _in_region(self, rows: Rows, km: Floats) -> tuple[Rows, Floats]:
        regions = self._table.region[rows]
        nearest = regions[np.argmin(km - _REGION_SHARE * self._table.radius[rows])]
        inside = regions == nearest
        return rows[inside], km[inside]


class _Table:
    """The packaged table: one row a place, sorted by latitude band, then longitude."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as stored:
            counts = stored["band_counts"].astype(np.int64)
            self._starts = np.concatenate([[0], np.cumsum(counts)])
            bands = np.repeat(np.arange(counts.size), counts)
            steps = bands * (LON_STEPS // BANDS_PER_DEGREE) + stored["lat"]
            self._lat = (steps / LON_STEPS - 90).astype(np.float32)
            lon_steps = np.cumsum(stored["lon"].astype(np.int64))
            lon_steps -= np.repeat(np.concatenate([[0], lon_steps])[self._starts[:-1]], counts)
            self._lon = (lon_steps / LON_STEPS - 180).astype(np.float32)
            population = 100 * np.exp2(stored["population"] / POPULATION_STEPS)
            self.radius = (DISC_KM * np.sqrt(population)).astype(np.float32)
            self.region: npt.NDArray[np.uint16] = stored["region"]
            self._names = stored["names"].tobytes()
            ends = np.flatnonzero(stored["names"] == ord("\n"))
            words = json.loads(stored["words"].tobytes())
        self._name_ends = np.concatenate([[-1], ends]).astype(np.int32)
        self._countries: list[tuple[str, str]] = [(code, name) for code, name in words["countries"]]
        self._regions: list[str] = [name for _, name in words["regions"]]
        self.country = np.array([country for country, _ in words["regions"]], dtype=np.int16)
        self.zone_countries: dict[str, list[int]] = words["zones"]

    def within(self, lat: float, lon: float, reach_km: float) -> tuple[Rows, Floats]:
        """The rows within a distance of a point, and how far each is (km)."""
        rows = self._box(lat, lon, reach_km / _KM_PER_DEGREE)
        km = _distances(lat, lon, self._lat[rows], self._lon[rows])
        near = km <= reach_km
        return rows[near], km[near]

    def _box(self, lat: float, lon: float, degrees: float) -> Rows:
        """The rows of a box of latitude and longitude that holds the circle."""
        first = max(0, int((lat - degrees + 90) * BANDS_PER_DEGREE))
        last = min(len(self._starts) - 2, int((lat + degrees + 90) * BANDS_PER_DEGREE))
        widest = max(abs(lat - degrees), abs(lat + degrees))
        span = 180.0 if widest >= 89 else min(180.0, degrees / float(np.cos(np.radians(widest))))
        found = [
            np.arange(*(start + np.searchsorted(self._lon[start:end], window)))
            for start, end in zip(
                self._starts[first : last + 1], self._starts[first + 1 : last + 2], strict=True
            )
            for window in _windows(lon - span, lon + span)
        ]
        return np.concatenate(found) if found else np.empty(0, dtype=np.intp)

    def place(self, row: np.intp) -> Place:
        """The words of one row."""
        region = self.region[row]
        code, country = self._countries[self.country[region]]
        name = self._names[self._name_ends[row] + 1 : self._name_ends[row + 1]].decode()
        return Place(country, code, self._regions[region] or None, name, "geonames")


def _windows(west: float, east: float) -> list[tuple[float, float]]:
    """A range of longitudes as one or two ranges within -180..180 (the last value is the first one
    excluded).
    """
    top = 180.001
    if east - west >= 360:
        return [(-180.0, top)]
    if west < -180:
        return [(-180.0, east), (west + 360, top)]
    if east > 180:
        return [(west, top), (-180.0, east - 360)]
    return [(west, east)]


def _distances(
    lat: float, lon: float, lats: npt.NDArray[np.float32], lons: npt.NDArray[np.float32]
) -> Floats:
    """Great-circle distances in km from one point to many (haversine)."""
    there = np.radians(lats.astype(np.float64))
    here = np.radians(lat)
    half_lat = np.sin((there - here) / 2)
    half_lon = np.sin(np.radians(lons.astype(np.float64) - lon) / 2)
    h = half_lat**2 + np.cos(here) * np.cos(there) * half_lon**2
    return np.asarray(2 * 6371.0 * np.arcsin(np.sqrt(np.minimum(1.0, h))))


def _named(mine: KnownPlace, place: Place | None) -> Place:
    return Place(
        country=mine.country or (place.country if place else ""),
        country_code=place.country_code if place and mine.country in (None, place.country) else "",
        region=mine.region or (place.region if place else None),
        city=mine.city or (place.city if place else None),
        source="known",
        name=mine.name,
    )
