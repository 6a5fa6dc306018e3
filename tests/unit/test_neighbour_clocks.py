"""Films that state their time in UTC alone, and files of the same device beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asset_makers import asset, facts
from hypothesis import given
from hypothesis import strategies as st
from test_capture_time import FakeGazetteer

from catalog.domain.asset import Asset, Entry, Facts
from catalog.domain.capture_time import CaptureTime, DateCandidate
from catalog.domain.geo import Position
from catalog.domain.neighbour_clocks import (
    Device,
    Moment,
    NeighbourClock,
    SeenClocks,
    choose_neighbour,
    clock_of,
)
from catalog.work.description import Describer

UTC_CLOCK = datetime(2019, 7, 12, 16, 30, 15)
NOW = datetime(2025, 6, 1)
TOKYO, GHENT = 540, 120


def clock(hours: float, offset: int, name: str = "a.jpg") -> NeighbourClock:
    return NeighbourClock(UTC_CLOCK + timedelta(hours=hours), offset, name)


@pytest.mark.parametrize(
    ("clocks", "offset"),
    [
        ([], None),
        ([(-11, TOKYO)], TOKYO),
        ([(11, TOKYO)], TOKYO),
        ([(-13, TOKYO)], None),
        ([(-47, TOKYO), (47, TOKYO)], TOKYO),
        ([(-49, TOKYO), (49, TOKYO)], None),
        ([(-2, TOKYO), (3, GHENT)], None),
        ([(-0.5, TOKYO), (3, GHENT)], TOKYO),
        ([(-5, TOKYO), (0.5, GHENT)], GHENT),
        ([(-0.5, TOKYO), (0.5, GHENT)], None),
        ([(-9, GHENT), (-3, TOKYO), (3, TOKYO), (9, GHENT)], TOKYO),
        ([(0, TOKYO)], TOKYO),
    ],
)
def test_those_on_both_sides_agree_or_one_is_near(
    clocks: Sequence[tuple[float, int]], offset: int | None
) -> None:
    found = choose_neighbour(UTC_CLOCK, [clock(hours, minutes) for hours, minutes in clocks])
    assert (found.offset_minutes if found else None) == offset


@given(
    st.lists(st.tuples(st.integers(-60, 60), st.sampled_from([TOKYO, GHENT, -300])), max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_order_in_which_they_come_does_not_matter(clocks, random) -> None:
    found = [clock(hours, minutes, f"{at}.jpg") for at, (hours, minutes) in enumerate(clocks)]
    mixed = list(found)
    random.shuffle(mixed)
    assert choose_neighbour(UTC_CLOCK, found) == choose_neighbour(UTC_CLOCK, mixed)


def taken(source: str, offset: int | None, **known) -> Asset:
    made = CaptureTime(UTC_CLOCK, source, known.pop("confidence", "high"), offset)
    return asset("x", captured=made, **known)


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (taken("exif:DateTimeOriginal", TOKYO), True),
        (taken("exif:DateTimeOriginal", None), False),
        (taken("quicktime:creationdate", TOKYO), True),
        (taken("quicktime:CreateDate", TOKYO), False),
        (taken("quicktime:CreateDate", TOKYO, position=Position(35.7, 139.7)), True),
        (taken("exif:DateTimeOriginal", TOKYO, confidence="low"), False),
        (taken("mtime", TOKYO, confidence="low"), False),
    ],
)
def test_only_what_a_file_states_counts_and_no_conclusion(found: Asset, counts: bool) -> None:
    assert (clock_of(found, "x.jpg") is not None) is counts


def photo(content: str, hours: float, model: str = "Pixel 7") -> Facts:
    wall = UTC_CLOCK + timedelta(hours=hours, minutes=TOKYO)
    date = DateCandidate("exif:DateTimeOriginal", wall, TOKYO)
    return facts(content, dates=(date,), values={"model": model})


def film(
    content: str = "film", model: str = "Pixel 7", source: str = "quicktime:CreateDate"
) -> Facts:
    date = DateCandidate(source, UTC_CLOCK, is_utc=True)
    return facts(content, "mp4", dates=(date,), values={"model": model} if model else {})


def described(*files: tuple[Facts, str], describer: Describer | None = None) -> dict[str, Asset]:
    describer = describer or Describer(FakeGazetteer(), "Europe/Brussels", "/card")
    assets = describer.describe_all([(f, Entry(name), ()) for f, name in files], NOW)
    return {name: found for (_f, name), found in zip(files, assets, strict=True)}


def test_a_film_takes_the_offset_of_its_neighbours_whichever_comes_first() -> None:
    files = [(film(), "d/a.mp4"), (photo("1", -1), "d/b.jpg"), (photo("2", 5), "d/c.jpg")]
    for order in (files, files[::-1]):
        found = described(*order)["d/a.mp4"]
        captured = found.captured
        assert captured is not None
        assert (captured.wall, captured.offset_minutes) == (
            datetime(2019, 7, 13, 1, 30, 15),
            TOKYO,
        )
        assert (captured.confidence, captured.zone, found.by_home_zone) == ("medium", None, False)
        assert "+09:00" in found.notes[-1] and "b.jpg" in found.notes[-1]
        assert "1:00:00 before" in found.notes[-1]


def test_what_was_sure_by_itself_is_at_most_a_conclusion_then() -> None:
    source = "takeout:photoTakenTime"
    found = described((photo("1", -1), "d/b.jpg"), (film(source=source), "d/a.mp4"))["d/a.mp4"]
    assert found.captured is not None and found.captured.confidence == "medium"


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (photo("1", -1, "Pixel 6"), "d/b.jpg"),
        (photo("1", -1), "e/b.jpg"),
        (photo("1", -60), "d/b.jpg"),
        (film("other"), "d/b.mp4"),
    ],
)
def test_another_device_folder_or_day_and_other_guesses_say_nothing(
    other: Facts, name: str
) -> None:
    found = described((film(), "d/a.mp4"), (other, name))["d/a.mp4"]
    assert found.by_home_zone
    assert found.captured is not None and found.captured.zone == "Europe/Brussels"


def test_a_film_of_no_device_and_the_time_of_a_file_are_left_to_the_home_zone() -> None:
    written = Entry("d/c.jpg", 3, int(UTC_CLOCK.replace(tzinfo=UTC).timestamp() * 1e9))
    files = [
        (photo("1", -1), Entry("d/a.jpg"), ()),
        (film(model=""), Entry("d/b.mp4"), ()),
        (facts("none", values={"model": "Pixel 7"}), written, ()),
    ]
    describer = Describer(FakeGazetteer(), "Europe/Brussels", "/card")
    assert [a.by_home_zone for a in describer.describe_all(files, NOW)] == [False, True, True]


def made_by(made: Facts, make: str, model: str = "") -> Facts:
    return replace(made, values={"make": make, "model": model} if model else {"make": make})


def test_a_film_that_states_its_make_alone_goes_by_the_one_model_of_it_around() -> None:
    drone, other = made_by(photo("1", -1), "DJI", "FC220"), made_by(photo("2", 1), "DJI", "FC3582")
    alone, shown = made_by(film(), "dji"), "d/a.mp4"
    found = described((alone, shown), (drone, "d/b.jpg"))[shown]
    assert found.captured is not None and found.captured.offset_minutes == TOKYO
    assert "of the same make" in found.notes[-1]
    assert described((alone, shown), (drone, "d/b.jpg"), (other, "d/c.jpg"))[shown].by_home_zone
    stranger = made_by(photo("1", -1), "Canon", "EOS R")
    assert described((alone, shown), (stranger, "d/b.jpg"))[shown].by_home_zone


def test_models_of_one_name_and_two_makes_are_two_devices() -> None:
    names = {"a": ("NIKON CORPORATION", "Z 6"), "b": ("Nikon", "Z 6"), "c": ("Other", "Z 6")}
    a, b, c = (Device(*name) for name in names.values())
    assert a.may_be(b) and not a.may_be(c)
    assert a.may_be(Device("", "Z 6")) and not Device("", "").may_be(a)


def test_the_catalog_is_asked_for_films_that_need_it_alone() -> None:
    asked: list[Moment] = []

    def around(moment: Moment) -> list[NeighbourClock]:
        asked.append(moment)
        return [clock(-1, TOKYO, "known.jpg")]

    describer = Describer(FakeGazetteer(), "Europe/Brussels", "/card", around=around)
    found = described((film(), "d/a.mp4"), (photo("1", 9), "d/b.jpg"), describer=describer)
    assert asked == [Moment(film().hash, Device("", "Pixel 7"), UTC_CLOCK, "/card/d")]
    assert "known.jpg" in found["d/a.mp4"].notes[-1]
    in_store = [(film("2"), Entry("e/a.mp4"), ["2019/07_July"])]
    (alone,) = describer.describe_all(in_store, NOW)
    assert (alone.by_home_zone, asked[-1].beside) == (False, ("2019/07_July",))


@pytest.mark.parametrize(
    ("original", "paths", "is_one"),
    [
        ("/card/d/x.jpg", (), True),
        ("/card/d/films/x.mp4", (), True),
        ("/card/d/e/x.jpg", (), False),
        ("/card/x.jpg", (), False),
        ("/other/x.jpg", ("2019/x.jpg",), True),
        ("/other/x.jpg", ("2019/films/x.mp4", "x.jpg"), True),
        ("/other/x.jpg", ("2019/07/x.jpg", "films/x.jpg"), False),
    ],
)
def test_the_folder_of_videos_is_part_of_the_one_that_it_lies_in(
    original: str, paths: tuple[str, ...], is_one: bool
) -> None:
    moment = Moment("", Device("", "m"), UTC_CLOCK, "/card/d", ("2019",), "films")
    assert moment.is_beside(original, paths) is is_one


def test_films_of_other_calls_are_neighbours_but_not_for_ever() -> None:
    describer = Describer(FakeGazetteer(), "Europe/Brussels", "/card")
    described((photo("1", -1), "d/b.jpg"), describer=describer)
    assert not described((film(), "d/a.mp4"), describer=describer)["d/a.mp4"].by_home_zone
    for number in range(40):
        described((photo("1", -1), f"{number}/b.jpg"), describer=describer)
    assert described((film(), "d/a.mp4"), describer=describer)["d/a.mp4"].by_home_zone


def test_of_a_folder_of_ten_thousand_two_are_looked_at() -> None:
    seen = SeenClocks()
    for number in range(10_000):
        made = CaptureTime(
            UTC_CLOCK + timedelta(minutes=number - 5000.5),
            "exif:DateTimeOriginal",
            "high",
            0,
        )
        seen.note("d", asset(str(number), captured=made, values={"model": "m"}), f"{number}.jpg")
    found = seen.around(Moment("", Device("", "m"), UTC_CLOCK, "d"))
    assert [c.name for c in found] == ["5000.jpg", "5001.jpg"]
