"""Places, known places and time zones of positions that everybody knows."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.domain.geo import Position
from catalog.domain.place import KnownPlace, known_place
from catalog.media.gazetteer import DEFAULT_TABLE, Places
from catalog.media.zones import offset_at, zone_of

CITIES = [
    ("Eiffel Tower", 48.85837, 2.29448, "Paris", "FR"),
    ("Sacré-Cœur, by a nearer suburb", 48.8867, 2.3431, "Paris", "FR"),
    ("Versailles, a town of its own", 48.8049, 2.1204, "Versailles", "FR"),
    ("Brooklyn Bridge, between four neighbourhoods", 40.70608, -73.99687, "New York", "US"),
    ("Times Square, which is in the data as a place", 40.758, -73.9855, "New York", "US"),
    ("Newark airport, in another state than New York", 40.6895, -74.1745, "Newark", "US"),
    ("Arlington cemetery, across the river from Washington", 38.8783, -77.0687, "Arlington", "US"),
    ("Santa Monica Pier, by Los Angeles", 34.0089, -118.4973, "Santa Monica", "US"),
    ("Hollywood sign", 34.1341, -118.3215, "Los Angeles", "US"),
    ("Golden Gate Bridge, nearer to Sausalito", 37.8199, -122.4783, "San Francisco", "US"),
    ("Gent-Sint-Pieters station", 51.0357, 3.7105, "Ghent", "BE"),
    ("Ledeberg, a district of Ghent", 51.0386, 3.7446, "Ghent", "BE"),
    ("Merelbeke, a village by Ghent", 50.9945, 3.7462, "Merelbeke", "BE"),
    ("Melle, a village by Ghent", 51.002, 3.803, "Melle", "BE"),
    ("Bruges", 51.2085, 3.2247, "Bruges", "BE"),
    ("Manneken Pis", 50.845, 4.35, "Brussels", "BE"),
    ("Winterthur, by a nearer district", 47.50632, 8.69123, "Winterthur", "CH"),
    ("Zurich airport, which lies in Kloten", 47.4515, 8.5646, "Kloten", "CH"),
    ("Seebach, a district of Zürich", 47.4215, 8.545, "Zürich", "CH"),
    ("Jet d'Eau", 46.2074, 6.1559, "Geneva", "CH"),
    ("Zermatt", 46.0207, 7.7491, "Zermatt", "CH"),
    ("Hallstatt", 47.5622, 13.6493, "Hallstatt", "AT"),
    ("Schönbrunn", 48.1845, 16.3122, "Vienna", "AT"),
    ("Peleș castle", 45.36, 25.5426, "Sinaia", "RO"),
    ("Big Ben", 51.5007, -0.1246, "London", "GB"),
    ("Windsor Castle", 51.4839, -0.6044, "Windsor", "GB"),
    ("Cologne cathedral", 50.9413, 6.9583, "Cologne", "DE"),
    ("Brandenburg Gate", 52.5163, 13.3777, "Berlin", "DE"),
    ("Sanssouci", 52.4042, 13.0385, "Potsdam", "DE"),
    ("Colosseum", 41.8902, 12.4922, "Rome", "IT"),
    ("Castel Sant'Angelo, nearer to the Vatican", 41.9031, 12.4663, "Rome", "IT"),
    ("St Mark's Square", 45.4341, 12.3388, "Venice", "IT"),
    ("Sagrada Família, which is in the data as a place", 41.4036, 2.1744, "Barcelona", "ES"),
    ("Hungarian Parliament, in Pest", 47.5071, 19.0456, "Budapest", "HU"),
    ("Sensō-ji", 35.7148, 139.7967, "Tokyo", "JP"),
    ("Sydney Opera House", -33.8568, 151.2153, "Sydney", "AU"),
    ("Victoria Peak", 22.2759, 114.1455, "Hong Kong", "HK"),
    ("Taj Mahal", 27.1751, 78.0421, "Agra", "IN"),
    ("Table Mountain", -33.9628, 18.4098, "Cape Town", "ZA"),
]

BORDERS = [
    ("Kehl, at the bridge to Strasbourg", 48.5735, 7.8035, "Kehl", "DE"),
    ("Port du Rhin, nearer to Kehl's centre", 48.5722, 7.795, "Strasbourg", "FR"),
    ("San Diego", 32.7157, -117.1611, "San Diego", "US"),
    ("Tijuana, at the fence", 32.533, -117.02, "Tijuana", "MX"),
    ("Monte-Carlo", 43.7384, 7.4246, "Monaco", "MC"),
    ("Beausoleil, one street above Monaco", 43.7434, 7.4236, "Beausoleil", "FR"),
    ("Niagara Falls, Canadian bank", 43.0799, -79.0747, "Niagara Falls", "CA"),
    ("Niagara Falls, American bank", 43.0828, -79.0653, "Niagara Falls", "US"),
    ("Detroit, by the river", 42.3293, -83.0398, "Detroit", "US"),
    ("Windsor, by the river", 42.3173, -83.0353, "Windsor", "CA"),
    ("Johor Bahru, facing Singapore", 1.4655, 103.7578, "Johor Bahru", "MY"),
]


@pytest.fixture(scope="module")
def places() -> Places:
    return Places()


def _ids(spots):
    return [spot[0] for spot in spots]


@pytest.mark.parametrize(("spot", "lat", "lon", "city", "country"), CITIES, ids=_ids(CITIES))
def test_a_well_known_spot_is_in_the_city_that_people_would_say(
    places, spot, lat, lon, city, country
):
    place = places.lookup(Position(lat, lon))
    assert (place.city, place.country_code) == (city, country)


@pytest.mark.parametrize(("spot", "lat", "lon", "city", "country"), BORDERS, ids=_ids(BORDERS))
def test_a_spot_by_a_border_stays_on_its_side(places, spot, lat, lon, city, country):
    place = places.lookup(Position(lat, lon))
    assert (place.city, place.country_code) == (city, country)


def test_a_place_has_country_region_and_source(places):
    place = places.lookup(Position(51.05, 3.72))
    assert (place.country, place.region, place.source) == ("Belgium", "Flanders", "geonames")


def test_a_position_far_from_every_centre_has_a_region_and_no_city(places):
    place = places.lookup(Position(44.4605, -110.8281))
    assert place.city is None
    assert (place.region, place.country) == ("Montana", "United States")


@pytest.mark.parametrize(
    ("lat", "lon"), [(0.5, -30.0), (90.0, 0.0), (-90.0, 0.0), (90.0, 180.0), (-60.0, -180.0)]
)
def test_the_open_ocean_and_the_poles_are_no_place(places, lat, lon):
    assert places.lookup(Position(lat, lon)) is None


def test_both_sides_of_the_date_line_find_the_same_places(places):
    assert places.lookup(Position(-16.8, -179.99)).country_code == "FJ"
    assert places.lookup(Position(-16.8, 179.99)).country_code == "FJ"


def test_positions_that_round_alike_have_the_same_place_in_any_order():
    first, second = Position(48.57351, 7.80349), Position(48.57349, 7.80351)
    one, other = Places(), Places()
    assert [one.lookup(first), one.lookup(second)] == [other.lookup(second), other.lookup(first)][
        ::-1
    ]


def test_the_time_zone_is_asked_only_where_several_countries_are_near():
    asked = []

    def zone(position):
        asked.append(position)
        return "Europe/Berlin"

    places = Places(zone=zone)
    places.lookup(Position(48.85837, 2.29448))
    assert asked == []
    places.lookup(Position(48.5722, 7.795))
    assert len(asked) == 1


def test_without_a_zone_the_nearest_edge_decides_the_country():
    assert Places(zone=lambda position: None).lookup(Position(48.5735, 7.8035)).city == "Kehl"


def test_a_table_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        Places(tmp_path / "none.npz")


def test_the_packaged_table_stays_small_and_names_its_source():
    assert DEFAULT_TABLE.stat().st_size <= 3_500_000
    words = (DEFAULT_TABLE.parent / "README.md").read_text(encoding="utf-8")
    assert "GeoNames" in words
    assert "licenses/by/4.0" in words


HOME = KnownPlace("Home", 51.05, 3.72, 0.2)
QUARTER = KnownPlace("Our quarter", 51.05, 3.72, 2.0, city="Gent")


def test_of_several_known_places_the_smallest_circle_wins():
    assert known_place(Position(51.0501, 3.7201), [QUARTER, HOME]) is HOME
    assert known_place(Position(51.055, 3.72), [QUARTER, HOME]) is QUARTER


def test_outside_every_circle_there_is_no_known_place():
    assert known_place(Position(51.2, 3.72), [QUARTER, HOME]) is None


def test_a_known_place_wins_and_takes_the_words_it_lacks_from_the_table():
    place = Places(known=[QUARTER]).lookup(Position(51.05, 3.72))
    assert (place.name, place.city, place.region, place.country_code, place.source) == (
        "Our quarter",
        "Gent",
        "Flanders",
        "BE",
        "known",
    )


def test_a_known_place_at_sea_stands_alone():
    place = Places(known=[KnownPlace("Race buoy", 0.5, -30.0, 5, country="High seas")]).lookup(
        Position(0.5, -30.0)
    )
    assert (place.name, place.country, place.country_code, place.city) == (
        "Race buoy",
        "High seas",
        "",
        None,
    )


def test_the_words_after_names_of_another_country_claim_no_code_of_it():
    place = Places(known=[KnownPlace("Embassy", 51.05, 3.72, 1, country="Japan")]).lookup(
        Position(51.05, 3.72)
    )
    assert (place.country, place.country_code) == ("Japan", "")


@pytest.mark.parametrize(
    ("lat", "lon", "zone"),
    [
        (51.05, 3.72, "Europe/Brussels"),
        (32.5446, -117.0295, "America/Los_Angeles"),
        (0.5, -30.0, None),
        (54.5, 3.0, None),
    ],
)
def test_a_position_has_the_zone_of_its_land_and_none_at_sea(lat, lon, zone):
    assert zone_of(Position(lat, lon)) == zone


def test_a_zone_has_the_offset_of_the_season():
    assert offset_at("Europe/Brussels", datetime(2020, 1, 15, 12, tzinfo=UTC)) == 60
    assert offset_at("Europe/Brussels", datetime(2020, 7, 15, 12, tzinfo=UTC)) == 120


def test_offsets_change_at_the_instant_and_not_at_the_wall_clock():
    assert offset_at("Europe/Brussels", datetime(2020, 3, 29, 0, 59, 59, tzinfo=UTC)) == 60
    assert offset_at("Europe/Brussels", datetime(2020, 3, 29, 1, 0, 0, tzinfo=UTC)) == 120


def test_a_naive_instant_is_utc_whatever_the_machine_thinks():
    assert offset_at("Asia/Kathmandu", datetime(2020, 1, 1)) == 345


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "Europe"])
def test_an_unknown_zone_has_no_offset(zone):
    assert offset_at(zone, datetime(2020, 1, 1, tzinfo=UTC)) is None
