"""Where on earth, in words: the place of a position, and the places that a person named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.domain.geo import Position, distance_km


@dataclass(frozen=True, slots=True)
class Place:
    """The words for a position.

    `city` is None far from any; `country_code` is ISO 3166 alpha-2; `source` says who named it.
    """

    country: str
    country_code: str
    region: str | None
    city: str | None
    source: str
    name: str | None = None
    """The person's own name for it ("Grandma's garden"), where a known place matched."""


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """A circle (degrees, kilometres) with a name of the person's own;
    its words win over those of the table.
    """

    name: str
    lat: float
    lon: float
    radius_km: float
    city: str | None = None
    region: str | None = None
    country: str | None = None


def known_place(position: Position, known: Sequence[KnownPlace]) -> KnownPlace | None:
    """The known place whose circle holds the position; of several the smallest circle,
    of equal ones the first.
    """
    holding = [
        place
        for place in known
        if distance_km(position, Position(place.lat, place.lon)) <= place.radius_km
    ]
    return min(holding, key=lambda place: place.radius_km, default=None)
