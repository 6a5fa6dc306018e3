"""When a shot was taken: which source wins, what is no date at all,
and what names and folders tell.
"""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from asset_makers import facts
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.asset import Entry
from catalog.domain.capture_time import (
    DAY,
    EARLIEST_YEAR,
    MONTH,
    ORDER,
    PRECISIONS,
    SECOND,
    YEAR,
    CaptureTime,
    DateCandidate,
    choose,
    format_offset,
    in_zone,
    offset_between,
    parse_date,
    parse_offset,
    with_subseconds,
)
from catalog.domain.dated_names import from_file_name, from_folders, is_messenger_name
from catalog.domain.geo import Position
from catalog.domain.place import Place
from catalog.work.description import Describer

NOW = datetime(2025, 6, 1, 12)
SHOT = datetime(2019, 7, 12, 18, 30, 15)
MEDIA = Path(__file__).parents[2] / "catalog" / "media"


class FakeGazetteer:
    """Belgium is everywhere on earth; zones are real."""

    def place_of(self, position: Position) -> Place | None:
        return Place("Belgium", "BE", None, "Ghent", "fake")

    def zone_of(self, position: Position) -> str | None:
        return "Europe/Brussels" if position.lat > 0 else None

    def offset_at(self, zone: str, utc: datetime) -> int | None:
        offset = utc.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
        return None if offset is None else round(offset.total_seconds() / 60)


@pytest.fixture(
    params=["UTC", "Europe/Brussels", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata"]
)
def machine_zone(request: pytest.FixtureRequest) -> Iterator[str]:
    """The machine's own zone, which must not matter."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        os.environ.pop("TZ")
    else:
        os.environ["TZ"] = before
    time.tzset()


def best(*candidates: DateCandidate) -> CaptureTime:
    found, _notes = choose(candidates, NOW)
    assert found is not None
    return found


def described(
    name: str = "a.mov", *dates: DateCandidate, position: Position | None = None, mtime_ns: int = 0
) -> CaptureTime:
    describer = Describer(FakeGazetteer(), "Asia/Tokyo")
    found = describer.describe(
        facts(dates=dates, position=position), Entry(name, 3, mtime_ns), NOW
    ).captured
    assert found is not None
    return found


# --- order of sources -----------------------------------------------------------------------------


def test_each_source_loses_to_every_better_one_whatever_the_order_they_come_in():
    walls = {source: SHOT + timedelta(days=rank) for rank, source in enumerate(ORDER)}
    for rank, source in enumerate(ORDER):
        rest = [DateCandidate(s, walls[s]) for s in ORDER[rank:]]
        assert best(*reversed(rest)).source == source
        assert best(*rest).wall == walls[source]


def test_the_order_is_the_one_that_was_agreed():
    agreed = [
        "exif:DateTimeOriginal",
        "exif:DateTimeDigitized",
        "quicktime:creationdate",
        "quicktime:CreateDate",
        "xmp:DateTimeOriginal",
        "iptc:DateCreated",
        "takeout:photoTakenTime",
        "gps",
        "filename",
        "folder",
        "mtime",
    ]
    assert [source for source in ORDER if source in agreed] == agreed


def test_every_source_that_a_reader_names_has_a_place_in_the_order():
    named = set()
    for path in MEDIA.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "DateCandidate":
                named |= {a.value for a in call.args[:1] if isinstance(a, ast.Constant)}
    assert len(named) > 5
    assert named <= set(ORDER)


def test_of_two_statements_by_one_source_the_first_counts():
    later = SHOT + timedelta(hours=1)
    assert (
        best(
            DateCandidate("exif:DateTimeOriginal", SHOT),
            DateCandidate("exif:DateTimeOriginal", later),
        ).wall
        == SHOT
    )


def test_without_any_statement_there_is_no_capture_time():
    assert choose([], NOW) == (None, ())


@pytest.mark.parametrize(
    ("source", "confidence"),
    [
        ("exif:DateTimeOriginal", "high"),
        ("quicktime:creationdate", "high"),
        ("gps", "high"),
        ("quicktime:CreateDate", "medium"),
        ("matroska:DateUTC", "medium"),
        ("filename", "medium"),
        ("folder", "low"),
        ("exif:DateTime", "low"),
        ("mtime", "low"),
    ],
)
def test_confidence_follows_the_source(source: str, confidence: str):
    assert best(DateCandidate(source, SHOT)).confidence == confidence


def test_a_date_without_a_time_of_day_is_at_most_of_medium_confidence():
    found = best(DateCandidate("iptc:DateCreated", SHOT, precision=DAY))
    assert (found.confidence, found.has_time) == ("medium", False)


def test_a_utc_time_of_a_make_that_writes_local_time_is_weak_and_stays_as_it_is():
    found = described(
        "a.mov", DateCandidate("quicktime:CreateDate", SHOT, is_utc=True, utc_doubtful=True)
    )
    assert (found.wall, found.confidence, found.offset_minutes) == (SHOT, "low", None)


# --- limits of the possible -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wall", "reason"),
    [
        (datetime(1904, 1, 1), "an unset clock"),
        (datetime(1970, 1, 1), "an unset clock"),
        (datetime(1970, 1, 1, 1), "an unset clock"),
        (datetime(1899, 12, 30), "an unset clock"),
        (datetime(1, 1, 1), "before photography"),
        (datetime(1825, 12, 31, 23, 59), "before photography"),
        (datetime(2025, 6, 3), "in the future"),
        (datetime(9999, 12, 31), "in the future"),
    ],
)
def test_impossible_dates_are_no_dates_and_leave_a_note(wall: datetime, reason: str):
    found, notes = choose([DateCandidate("exif:DateTimeOriginal", wall)], NOW)
    assert found is None
    assert notes == (f"exif:DateTimeOriginal {wall.isoformat()}: {reason}",)


@pytest.mark.parametrize(
    "wall",
    [datetime(1904, 1, 1, 5, 3), datetime(1970, 1, 1, 0, 0, 9), datetime(1980, 1, 6, 0, 0, 19)],
)
@pytest.mark.parametrize("source", ["quicktime:CreateDate", "matroska:DateUTC", "gps"])
def test_a_container_clock_that_started_at_its_epoch_was_never_set(source: str, wall: datetime):
    assert choose([DateCandidate(source, wall, is_utc=True)], NOW)[0] is None


def test_a_rejected_date_gives_way_to_the_next_source():
    found, notes = choose(
        [
            DateCandidate("exif:DateTimeOriginal", datetime(2099, 1, 1)),
            DateCandidate("filename", SHOT),
        ],
        NOW,
    )
    assert found is not None
    assert found.source == "filename"
    assert len(notes) == 1


def test_a_day_ahead_is_still_possible_since_clocks_run_ahead_of_utc():
    assert best(
        DateCandidate("exif:DateTimeOriginal", NOW + timedelta(hours=14))
    ).wall == NOW + timedelta(hours=14)


def test_old_photographs_with_dates_set_by_hand_are_accepted():
    assert (
        best(DateCandidate("exif:DateTimeOriginal", datetime(1906, 4, 18, 5, 12))).confidence
        == "high"
    )


@pytest.mark.parametrize(
    "wall", [datetime(2000, 1, 1), datetime(1980, 1, 1), datetime(2010, 1, 1, 0, 0, 20)]
)
def test_a_reset_clock_is_kept_but_doubted(wall: datetime):
    found, notes = choose([DateCandidate("exif:DateTimeOriginal", wall)], NOW)
    assert found is not None
    assert (found.wall, found.confidence) == (wall, "low")
    assert notes == (f"exif:DateTimeOriginal {wall.isoformat()}: looks like a reset clock",)


def test_a_reset_clock_gives_way_to_a_statement_of_some_weight_but_not_to_the_time_of_the_file():
    reset = DateCandidate("exif:DateTimeOriginal", datetime(2000, 1, 1))
    assert best(reset, DateCandidate("gps", SHOT, is_utc=True)).source == "gps"
    assert best(reset, DateCandidate("mtime", SHOT, is_utc=True)).source == "exif:DateTimeOriginal"


@pytest.mark.parametrize("source", ["exif:DateTimeOriginal", "filename", "folder", "exif:DateTime"])
def test_a_file_time_of_new_years_midnight_never_beats_a_better_source(source: str):
    found = best(
        DateCandidate(source, SHOT), DateCandidate("mtime", datetime(2010, 1, 1), is_utc=True)
    )
    assert (found.source, found.wall) == (source, SHOT)


def test_the_offset_of_the_last_change_speaks_for_the_capture_in_the_same_second_alone():
    changed = DateCandidate("exif:DateTime", SHOT + timedelta(days=30), 60)
    assert best(DateCandidate("exif:DateTimeOriginal", SHOT), changed).offset_minutes is None
    same = DateCandidate("exif:DateTime", SHOT, 60)
    assert best(DateCandidate("exif:DateTimeOriginal", SHOT), same).offset_minutes == 60


def test_a_clock_of_satellites_before_there_were_any_is_no_date():
    early = DateCandidate("gps", datetime(1899, 12, 30, 1, 0, 14), is_utc=True)
    found, notes = choose([early], NOW)
    assert found is None
    assert "before there were GPS clocks" in notes[0]


@pytest.mark.parametrize("default", [datetime(2002, 12, 8, 12), datetime(2005, 3, 1)])
def test_a_default_of_the_firmware_gives_way_to_the_name_and_what_agrees_with_it(
    default: datetime,
):
    found = best(
        DateCandidate("exif:DateTimeOriginal", default),
        DateCandidate("exif:DateTimeDigitized", default),
        DateCandidate("exif:DateTime", SHOT),
        DateCandidate("filename", SHOT),
    )
    assert (found.wall, found.source, found.confidence) == (SHOT, "filename", "medium")


def test_a_known_default_alone_is_of_low_confidence_and_noted():
    default = DateCandidate("exif:DateTimeOriginal", datetime(2002, 12, 8, 12))
    mtime = DateCandidate("mtime", SHOT, is_utc=True)
    found, notes = choose([default, mtime], NOW)
    assert found is not None
    assert (found.source, found.confidence) == ("exif:DateTimeOriginal", "low")
    assert "default of the firmware" in notes[0]


def test_noon_is_no_default_where_the_name_is_of_that_day():
    noon = datetime(2019, 7, 12, 12)
    found = best(
        DateCandidate("exif:DateTimeOriginal", noon),
        DateCandidate("exif:DateTime", SHOT),
        DateCandidate("filename", SHOT),
    )
    assert (found.wall, found.confidence) == (noon, "high")


@pytest.mark.parametrize(
    ("wall", "is_date"),
    [
        (datetime(1970, 5, 31, 12), True),
        (datetime(1970, 1, 1), False),
        (datetime(1969, 7, 20), True),
    ],
)
def test_a_person_may_date_a_scan_in_takeout_before_clocks_began(wall: datetime, is_date: bool):
    found, _notes = choose([DateCandidate("takeout:photoTakenTime", wall, is_utc=True)], NOW)
    assert (found is not None) is is_date


def test_a_sidecar_corrects_what_the_camera_wrote():
    scanned = DateCandidate("exif:DateTimeOriginal", SHOT)
    said = DateCandidate("sidecar:DateTimeOriginal", datetime(1975, 8, 1, 12))
    found = best(scanned, said)
    assert (found.wall, found.source, found.confidence) == (said.wall, said.source, "high")
    by_an_hour = DateCandidate("sidecar:DateTimeOriginal", SHOT + timedelta(hours=1))
    assert best(scanned, by_an_hour).wall == by_an_hour.wall


@pytest.mark.parametrize(
    "copy",
    [
        DateCandidate("sidecar:DateTimeOriginal", SHOT),
        DateCandidate("sidecar:DateTimeOriginal", SHOT.replace(second=0)),
        DateCandidate("sidecar:DateCreated", SHOT.replace(hour=0, minute=0), precision=DAY),
        DateCandidate("sidecar:DateCreated", SHOT - timedelta(hours=2), 0),
    ],
)
def test_a_sidecar_that_repeats_the_camera_corrects_nothing(copy: DateCandidate):
    camera = DateCandidate("exif:DateTimeOriginal", SHOT.replace(microsecond=70_000))
    found = best(camera, copy)
    assert (found.wall, found.source) == (camera.wall, camera.source)


def test_a_films_clock_in_utc_is_no_other_date_than_the_local_one_of_its_sidecar():
    created = DateCandidate("quicktime:CreateDate", SHOT, is_utc=True)
    local = DateCandidate("sidecar:DateTimeOriginal", SHOT + timedelta(hours=2))
    assert best(created, local).source == "quicktime:CreateDate"


def test_a_month_gives_way_to_a_finer_statement_of_the_same_month_alone():
    month = DateCandidate("xmp:DateCreated", datetime(2019, 7, 1), precision=MONTH)
    same, other = DateCandidate("filename", SHOT), DateCandidate("exif:DateTime", NOW)
    assert best(month, same, other).wall == SHOT
    found = best(month, other)
    assert (found.wall, found.precision, found.confidence) == (datetime(2019, 7, 1), MONTH, "low")


def test_the_files_time_refines_a_year_that_a_folder_tells_and_no_other():
    mtime = DateCandidate("mtime", SHOT, is_utc=True)
    year = DateCandidate("folder", datetime(2019, 1, 1), precision=YEAR)
    assert best(year, mtime).source == "mtime"
    scan = DateCandidate("xmp:DateCreated", datetime(2019, 1, 1), precision=YEAR)
    assert best(scan, mtime).source == "xmp:DateCreated"


@pytest.mark.parametrize(
    ("local", "minutes"),
    [
        (SHOT + timedelta(hours=2), 120),
        (SHOT + timedelta(hours=2, seconds=80), 120),
        (SHOT + timedelta(hours=5, minutes=45), 345),
        (SHOT - timedelta(hours=7), -420),
        (SHOT, 0),
        (SHOT + timedelta(hours=2, minutes=10), None),
        (SHOT + timedelta(hours=30), None),
    ],
)
def test_two_clocks_of_one_moment_tell_the_offset(local: datetime, minutes: int | None):
    assert offset_between(local, SHOT) == minutes


def test_a_film_may_be_named_by_its_begin_and_dated_by_its_end():
    begin = SHOT + timedelta(hours=2, minutes=-8)
    assert offset_between(begin, SHOT) is None
    assert offset_between(begin, SHOT, timedelta(minutes=9)) == 120


def test_a_new_years_midnight_without_a_known_time_is_no_reset_clock():
    assert choose([DateCandidate("folder", datetime(2010, 1, 1), precision=DAY)], NOW)[1] == ()


# --- offsets --------------------------------------------------------------------------------------


def test_an_offset_is_lent_only_between_statements_of_the_same_wall_clock():
    plain = DateCandidate("exif:DateTimeOriginal", SHOT.replace(microsecond=70_000))
    assert best(plain, DateCandidate("xmp:DateCreated", SHOT, 120)).offset_minutes == 120
    assert (
        best(plain, DateCandidate("xmp:DateCreated", SHOT + timedelta(hours=1), 120)).offset_minutes
        is None
    )


def test_the_instant_is_known_only_with_an_offset():
    assert best(DateCandidate("exif:DateTimeOriginal", SHOT)).instant is None
    assert best(DateCandidate("exif:DateTimeOriginal", SHOT, 120)).instant == datetime(
        2019, 7, 12, 16, 30, 15, tzinfo=UTC
    )


def test_an_impossible_offset_is_dropped():
    assert best(DateCandidate("maker:DateTimeOriginal", SHOT, 5000)).offset_minutes is None


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("+01:00", 60),
        ("-0330", -210),
        ("+1", 60),
        ("Z", 0),
        ("+14:00", 840),
        ("+05:45\0", 345),
        ("\u221208:00", -480),
        ("+15:00", None),
        ("+01:75", None),
        ("", None),
        ("CEST", None),
        ("01:00", None),
    ],
)
def test_offsets_are_read_as_written(text: str, minutes: int | None):
    assert parse_offset(text) == minutes


@given(st.integers(-14 * 60, 14 * 60))
def test_an_offset_survives_being_written_and_read(minutes: int):
    assert parse_offset(format_offset(minutes)) == minutes


# --- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wall", "offset", "precision"),
    [
        ("2019:07:12 18:30:15", SHOT, None, SECOND),
        ("2019-07-12T18:30:15Z", SHOT, 0, SECOND),
        ("2019-07-12T18:30:15.070+02:00", SHOT.replace(microsecond=70_000), 120, SECOND),
        ("2019-07-12T18:30:15+0200", SHOT, 120, SECOND),
        ("20190712", datetime(2019, 7, 12), None, DAY),
        ("20190712T183015-0330", SHOT, -210, SECOND),
        ("2019:07:12", datetime(2019, 7, 12), None, DAY),
        ("2019:07:12 24:30:15", datetime(2019, 7, 12, 0, 30, 15), None, SECOND),
        ("2019:07:12 18:30:60", datetime(2019, 7, 12, 18, 30, 59), None, SECOND),
        ("2019:07:12 18:30:15\0", SHOT, None, SECOND),
        ("2019:07:12 18:30:15.123456789", SHOT.replace(microsecond=123456), None, SECOND),
    ],
)
def test_dates_are_read_from_exif_and_iso_texts(
    text: str, wall: datetime, offset: int | None, precision: str
):
    assert parse_date(text) == (wall, offset, precision)


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "",
        "2019:13:01 00:00:00",
        "2019:02:30 10:00:00",
        "2019:00:10",
        "hello",
        "2019:07:12 25:00:00",
        "2019:07:12 10:61:00",
        "\0" * 20,
    ],
)
def test_texts_that_hold_no_possible_date_are_none(text: str):
    assert parse_date(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-12-22T23:03-05:00", (datetime(2018, 12, 22, 23, 3), -300, SECOND)),
        ("2018-12-22T23:03-0500", (datetime(2018, 12, 22, 23, 3), -300, SECOND)),
        ("2018-12-22T23:03-05", (datetime(2018, 12, 22, 23, 3), -300, SECOND)),
        ("2018-12-22 23-03-05", (datetime(2018, 12, 22, 23, 3, 5), None, SECOND)),
        ("2018-12-22 23-03-05-05:00", (datetime(2018, 12, 22, 23, 3, 5), -300, SECOND)),
        ("20111006 17:47:14.264", (datetime(2011, 10, 6, 17, 47, 14, 264_000), None, SECOND)),
        ("2012:06:15 06:30 PM", (datetime(2012, 6, 15, 18, 30), None, SECOND)),
        ("2012:06:15 12:05:09 am", (datetime(2012, 6, 15, 0, 5, 9), None, SECOND)),
        ("2012-06-15 06:30:15 p.m.", (datetime(2012, 6, 15, 18, 30, 15), None, SECOND)),
        ("2024-04-22T14:38:09GMT+02:00", (datetime(2024, 4, 22, 14, 38, 9), 120, SECOND)),
        ("2024-04-22T14:38:09 GMT+2", (datetime(2024, 4, 22, 14, 38, 9), 120, SECOND)),
        ("1975:00:00 00:00:00", (datetime(1975, 1, 1), None, YEAR)),
        ("1975:08:00 00:00:00", (datetime(1975, 8, 1), None, MONTH)),
        ("1975:08:  :  :  ", (datetime(1975, 8, 1), None, MONTH)),
        ("1975:  :     :  :  ", (datetime(1975, 1, 1), None, YEAR)),
        ("1975", (datetime(1975, 1, 1), None, YEAR)),
        ("1975-08", (datetime(1975, 8, 1), None, MONTH)),
        ("19750800", (datetime(1975, 8, 1), None, MONTH)),
    ],
)
def test_what_a_text_states_is_neither_lost_nor_made_up(
    text: str, expected: tuple[datetime, int | None, str]
):
    assert parse_date(text) == expected


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_none(text: str):
    found = parse_date(text)
    assert found is None or isinstance(found[0], datetime)


@pytest.mark.parametrize(
    ("digits", "micro"),
    [
        ("07", 70_000),
        ("5", 500_000),
        ("123456789", 123_456),
        ("000", 0),
        ("", 0),
        ("x", 0),
        (" 12 \0", 120_000),
    ],
)
def test_subseconds_are_decimal_digits(digits: str, micro: int):
    assert with_subseconds(SHOT, digits).microsecond == micro


def test_a_capture_time_is_written_with_a_fraction_and_an_offset_only_where_they_are_known():
    assert CaptureTime(SHOT, "gps", "high").isoformat() == "2019-07-12T18:30:15"
    fine = CaptureTime(SHOT.replace(microsecond=70_000), "gps", "high", -210)
    assert fine.isoformat() == "2019-07-12T18:30:15.070-03:30"


# --- file names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wall"),
    [
        ("IMG_20190712_183015.jpg", SHOT),
        ("IMG20190712183015.jpg", SHOT),
        ("20190712_183015.jpg", SHOT),
        ("20190712_183015(1).jpg", SHOT),
        ("VID_20190712_183015.mp4", SHOT),
        ("2019-07-12 18.30.15.jpg", SHOT),
        ("2019-07-12 18.30.15-1.jpg", SHOT),
        ("2019-07-12_18-30-15.png", SHOT),
        ("Photo 2019-07-12 18 30 15.jpg", SHOT),
        ("Screenshot 2020-01-05 at 18.30.15.png", datetime(2020, 1, 5, 18, 30, 15)),
        ("Screen Shot 2020-01-05 at 6.30.15 PM.png", datetime(2020, 1, 5, 18, 30, 15)),
        ("Screenshot 2020-01-05 at 11.30.15\u202fPM.png", datetime(2020, 1, 5, 23, 30, 15)),
        ("Screenshot 2020-01-05 at 12.30.15 AM.png", datetime(2020, 1, 5, 0, 30, 15)),
        ("Screenshot 2020-01-05 at 12.30.15 PM.png", datetime(2020, 1, 5, 12, 30, 15)),
        ("Screenshot_20200105-183015.png", datetime(2020, 1, 5, 18, 30, 15)),
        ("Screenshot_20200105-183015_Chrome.jpg", datetime(2020, 1, 5, 18, 30, 15)),
        ("Screenshot_2020-01-05-18-30-15.png", datetime(2020, 1, 5, 18, 30, 15)),
        ("signal-2021-03-04-050607.jpg", datetime(2021, 3, 4, 5, 6, 7)),
        ("signal-2021-03-04-05-06-07-123.jpg", datetime(2021, 3, 4, 5, 6, 7, 123_000)),
        ("WhatsApp Image 2020-01-01 at 12.34.56.jpeg", datetime(2020, 1, 1, 12, 34, 56)),
        ("WhatsApp Video 2020-01-01 at 1.34.56 PM.mp4", datetime(2020, 1, 1, 13, 34, 56)),
        ("2019-07-12 18-30-15 Ghent_1.jpg", SHOT),
    ],
)
def test_file_names_tell_the_wall_clock(name: str, wall: datetime):
    found = from_file_name(name)
    assert found == DateCandidate("filename", wall)


@pytest.mark.parametrize(
    "name",
    [
        # dashcams: Viofo, Rexing, 70mai, BlackVue, Nextbase, Tesla, Thinkware, Mio, DDPai, Vantrue
        "2023_0405_123456_001F.MP4",
        "2023_0405_123456_00001A.MP4",
        "NO20230405-123456-000123F.MP4",
        "20230405_123456_NF.mp4",
        "230405_123456_123_FH.MP4",
        "2023-04-05_12-34-56-front.mp4",
        "REC_2023_04_05_12_34_56_F.MP4",
        "REC_230405-123456-000123F.TS",
        "FILE230405-123456F.MP4",
        "G_20230405123456_0060.mp4",
        "20230405_123456_0001_N_A.MP4",
        # screen recordings and screenshots
        "screen-20230405-123456.mp4",
        "screen-20230405-123456-1680697996123.mp4",
        "Screen_Recording_20230405_123456_YouTube.mp4",
        "Screen Recording 2023-04-05 123456.mp4",
        "ScreenRecording_04-05-2023 12-34-56_1.MP4",
        "Record_2023-04-05-12-34-56_0123456789abcdef0123456789abcdef.mp4",
        "Bildschirmaufnahme 2023-04-05 um 12.34.56.mov",
        "Enregistrement de l\u2019\u00e9cran 2023-04-05 \u00e0 12.34.56.mov",
        "Enregistrement de l\u2019e\u0301cran 2023-04-05 a\u0300 12.34.56.mov",
        "Grabaci\u00f3n de pantalla 2023-04-05 a las 12.34.56.mov",
        "Captura de pantalla 2023-04-05 a la(s) 12.34.56 p.m..png",
        "Captura de pantalla 2023-04-05 a les 12.34.56.png",
        "Captura de pantalla_20230405-123456_Chrome.jpg",
        "Registrazione schermo 2023-04-05 alle 12.34.56.mov",
        "Schermata 2023-04-05 alle ore 12.34.56.png",
        "Captura de ecr\u00e3 2023-04-05, \u00e0s 12.34.56.png",
        "Schermafbeelding 2023-04-05 om 12.34.56.png",
        "Sk\u00e6rmbillede 2023-04-05 kl. 12.34.56.png",
        "N\u00e4ytt\u00f6kuva 2023-04-05 klo 12.34.56.png",
        "Zrzut ekranu 2023-04-05 o 12.34.56.png",
        "Sn\u00edmek obrazovky 2023-04-05 v 12.34.56.png",
        "Snimka zaslona 2023-04-05 u 12.34.56.png",
        "Captur\u0103 de ecran 2023-04-05 la 12.34.56.png",
        "Ekran Resmi 2023-04-05 \u00d6S 12.34.56.png",
        "\u0421\u043d\u0438\u043c\u043e\u043a 2023-04-05 \u0432 12.34.56.png",
        "\u0417\u043d\u0456\u043c\u043e\u043a 2023-04-05 \u043e 12.34.56.png",
        "\u03a3\u03c4\u03b9\u03b3\u03bc\u03cc 2023-04-05, 12.34.56 \u03bc.\u03bc..png",
        "\u05e6\u05d9\u05dc\u05d5\u05dd 2023-04-05 \u05d1-12.34.56.png",
        "\u0644\u0642\u0637\u0629 \u0662\u0660\u0662\u0663-\u0660\u0664-\u0660\u0665 \u0641\u064a "
        "\u0661\u0662.\u0663\u0664.\u0665\u0666.png",
        "\u1ea2nh m\u00e0n h\u00ecnh 2023-04-05 l\u00fac 12.34.56.png",
        "Cuplikan Layar 2023-04-05 pukul 12.34.56.png",
        "\u30b9\u30af\u30ea\u30fc\u30f3\u30b7\u30e7\u30c3\u30c8 2023-04-05 \u5348\u5f8c0.34.56.png",
        "\u753b\u9762\u53ce\u9332 2023-04-05 12.34.56.mov",
        "\uc2a4\ud06c\ub9b0\uc0f7 2023-04-05 \uc624\ud6c4 12.34.56.png",
        "\u622a\u5c4f2023-04-05 12.34.56.png",
        "\u622a\u5c4f2023-04-05 \u4e0b\u534812.34.56.png",
        "\u5c4f\u5e55\u622a\u56fe 2023-04-05 123456.png",
        "\u5fae\u4fe1\u56fe\u7247_20230405123456.jpg",
        "2023\u5e744\u67085\u65e5 12\u65f634\u520656\u79d2.jpg",
        # messengers, games
        "photo_1@05-04-2023_12-34-56.jpg",
        "KakaoTalk_Photo_2023-04-05-12-34-56 001.jpeg",
        "2023040512345600-0123456789ABCDEF0123456789ABCDEF.jpg",
        "Game 2023.04.05 - 12.34.56.78.DVR.mp4",
        "WP_20230405_12_34_56_Pro.jpg",
    ],
)
def test_the_names_of_many_makers_and_languages_tell_the_wall_clock(name: str):
    assert from_file_name(name) == DateCandidate("filename", datetime(2023, 4, 5, 12, 34, 56))


def test_halves_of_the_day_stand_before_or_behind_the_hour():
    for name, hour in (
        ("\u622a\u5c4f2023-04-05 \u4e0b\u53487.34.56.png", 19),
        ("\u622a\u5c4f2023-04-05 \u4e0a\u534812.34.56.png", 0),
        ("2023-04-05 \uc624\uc804 9.34.56.png", 9),
        ("2023-04-05 \u5348\u5f8c11.34.56.png", 23),
        ("Captura 2023-04-05 a la(s) 1.34.56 p. m..png", 13),
        ("2023-04-05, 1.34.56 \u03bc.\u03bc..png", 13),
        ("2023-04-05, 1.34.56 \u03c0.\u03bc..png", 1),
        ("2023-04-05 13.34.56 PM.png", 13),
    ):
        found = from_file_name(name)
        assert found is not None and found.wall == datetime(2023, 4, 5, hour, 34, 56), name


@pytest.mark.parametrize(
    "name",
    [
        "20230405T123456Z.jpg",
        "2023-04-05T12:34:56Z.jpg",
        "2023-04-05_12-34-56_UTC.jpg",
        "2023-04-05_12-34-56_UTC_1.jpg",
        "2023-04-05 12-34-56 GMT.jpg",
        "GMT20230405-123456_Recording_1920x1080.mp4",
        "PXL_20230405_123456.jpg",
        "copy of PXL_20230405_123456.jpg",
        "RPReplay_Final1680698096.mp4",
        "screencapture-example-org-1680698096000.png",
    ],
)
def test_a_name_that_says_utc_gives_an_instant(name: str):
    assert from_file_name(name) == DateCandidate(
        "filename", datetime(2023, 4, 5, 12, 34, 56), is_utc=True
    )


def test_a_name_in_utc_is_shown_by_the_clock_of_the_place_else_of_home():
    entry = Entry("2023-04-05_12-34-56_UTC.jpg", mtime_ns=0)
    for position, zone in ((Position(51, 3.7), "Europe/Brussels"), (None, "Asia/Tokyo")):
        describer = Describer(FakeGazetteer(), "Asia/Tokyo")
        captured = describer.describe(facts(position=position), entry, NOW).captured
        assert captured is not None
        assert (captured.instant, captured.zone) == (
            datetime(2023, 4, 5, 12, 34, 56, tzinfo=UTC),
            zone,
        )


def test_a_name_with_hours_from_utc_states_its_offset():
    for name, minutes in (("20230405_123456 UTC+02", 120), ("20230405_123456_GMT-0330", -210)):
        assert from_file_name(f"{name}.jpg") == DateCandidate(
            "filename", datetime(2023, 4, 5, 12, 34, 56), minutes
        )


@pytest.mark.parametrize(
    "name",
    ["PXL_20210102_030405678.jpg", "PXL_20210102_030405678.MP.jpg", "PXL_20210102_030405678~2.jpg"],
)
def test_the_pixel_camera_names_its_files_in_utc(name: str):
    assert from_file_name(name) == DateCandidate(
        "filename", datetime(2021, 1, 2, 3, 4, 5, 678_000), is_utc=True
    )


@pytest.mark.parametrize(
    "name",
    ["VID-20200101-WA0001.mp4", "IMG-20200101-WA0001.jpg", "scan 2020-01-01.tif", "20200101.jpg"],
)
def test_file_names_may_tell_the_day_alone(name: str):
    assert from_file_name(name) == DateCandidate("filename", datetime(2020, 1, 1), precision=DAY)


@pytest.mark.parametrize(
    "name",
    [
        "2019-07-12-1920x1080.png",
        "2019-07-12-1015x768.jpg",
        "20190712_0001.jpg",
        "IMG-20190712-1830.jpg",
        "2019-07-12 v 1.20.png",
        "2019\u5e747\u670812\u65e5.jpg",
    ],
)
def test_sizes_and_counters_behind_a_date_are_no_time(name: str):
    assert from_file_name(name) == DateCandidate("filename", datetime(2019, 7, 12), precision=DAY)


def test_a_name_may_state_its_zone():
    assert from_file_name("20190712T163015Z.png") == DateCandidate(
        "filename", datetime(2019, 7, 12, 16, 30, 15), is_utc=True
    )
    stated = DateCandidate("filename", datetime(2019, 7, 12, 18, 30, 15), 120)
    assert from_file_name("2019-07-12T18-30-15+0200.jpg") == stated
    assert from_file_name("20190712_183015Zoo.jpg") == DateCandidate(
        "filename", datetime(2019, 7, 12, 18, 30, 15)
    )


def test_a_folder_named_for_a_backup_dates_no_older_file():
    """`/backup/2026-11-21/DCIM` holds files of all years."""
    folder = DateCandidate("folder", datetime(2019, 7, 12), precision=DAY)
    for wall, winner in (
        (datetime(2018, 5, 6, 7, 8), "mtime"),
        (datetime(2019, 7, 11, 23, 0), "folder"),
        (datetime(2019, 8, 1), "folder"),
        (datetime(1980, 1, 5), "folder"),
    ):
        assert best(folder, DateCandidate("mtime", wall, is_utc=True)).source == winner
    notes = choose([folder, DateCandidate("mtime", datetime(2018, 5, 6, 7, 8), is_utc=True)], NOW)[
        1
    ]
    assert notes == ("folder 2019-07-12T00:00:00: the file is older",)


def test_a_folder_that_names_a_span_gives_its_first_day():
    assert from_folders("2017-01-01/2019-07-12 - 2019-08-01 Trip") == DateCandidate(
        "folder", datetime(2019, 7, 12), precision=DAY
    )


@pytest.mark.parametrize(
    ("name", "milliseconds"),
    [
        ("1562956215000.jpg", 0),
        ("FB_IMG_1562956215123.jpg", 123),
        ("mmexport1562956215123.jpg", 123),
        ("1562956215.jpg", 0),
        ("IMG_1562956215123.jpg", 123),
        ("mmexport1562956215123(1).jpg", 123),
        ("wx_camera_1562956215123.mp4", 123),
    ],
)
def test_names_that_count_seconds_since_1970_are_utc(name: str, milliseconds: int):
    wall = datetime(2019, 7, 12, 18, 30, 15, milliseconds * 1000)
    assert from_file_name(name) == DateCandidate("filename", wall, is_utc=True)


@pytest.mark.parametrize(
    "name",
    [
        "1000012345.jpg",
        "IMG_1000067890.jpg",
        "1000012345.mp4",
        "IMG_0007.jpg",
        "DSC01234.jpg",
        "P1010101.JPG",
        "2048x1536.jpg",
        "IMG_2048x1536.jpg",
        "20191399.jpg",
        "20190230.jpg",
        "20190230_101010.jpg",
        "+32 475 12 34 56.jpg",
        "15551234567.jpg",
        "0475123456.jpg",
        "951234567.jpg",
        "00491701234567.jpg",
        "5f3a2b1c-9d8e-4f70-8123-456789abcdef.jpg",
        "20190712-1830-4abc-8def-0123456789ab.jpg",
        "1562956215a3b4c5d6e7f8091a2b3c4d.jpg",
        "1562956215_10152345678901234_3456789_n.jpg",
        "received_10203456789012345.jpeg",
        "IMG_1234567.jpg",
        "GRMN0001.MP4",
        "FILE0405-123456.MP4",
        "2023_1305_123456_001F.MP4",
        "2023_0405_253456_001F.MP4",
        "20230405123456789012.jpg",
        "2023040512345600-0123456789ABCDEF.jpg",
        "1@35-04-2023_12-34-56.jpg",
        "1920x1080_120000.jpg",
        "Snapchat-1234567890.jpg",
        "SM-G973F 20191080.jpg",
        "4047443420230405.jpg",
        "a1b2c3d4e5f6071829304a5b.jpg",
        "ScreenRecording_13-35-2023 12-34-56_1.MP4",
        "UTC.jpg",
        "scan 1999.tif",
        "holiday.jpg",
        "",
        ".jpg",
    ],
)
def test_names_that_only_look_like_numbers_are_no_dates(name: str):
    assert from_file_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "Photo 12.07.2019 18.30.15.jpg",
        "12.07.2019, 18.30.15.jpg",
        "Foto vom 12.07.2019 um 18.30.15.png",
        "12.07.2019_18-30-15.jpg",
    ],
)
def test_a_name_by_dots_has_the_day_first(name: str):
    assert from_file_name(name) == DateCandidate("filename", SHOT)


def test_a_name_with_the_year_last_is_read_where_one_order_is_possible():
    for name in ("31-12-2019", "IMG_12_31_2019", "Photo 31.12.2019", "31-12-2019 (2)"):
        wall = datetime(2019, 12, 31)
        assert from_file_name(f"{name}.jpg") == DateCandidate("filename", wall, precision=DAY)
    assert from_file_name("24-12-2018-10-11-05.jpg") == DateCandidate(
        "filename", datetime(2018, 12, 24, 10, 11, 5)
    )
    # whose order is not told, tells the year
    for name in ("03-04-2019.jpg", "Scan 03_04_2019 2.jpg"):
        wall = datetime(2019, 1, 1)
        assert from_file_name(name) == DateCandidate("filename", wall, precision=YEAR)
    assert from_file_name("05-05-2019.jpg") == DateCandidate(
        "filename", datetime(2019, 5, 5), precision=DAY
    )


@pytest.mark.parametrize(
    "name",
    ["32.12.2019.jpg", "13-13-2019.jpg", "00-12-2019.jpg", "1.31.12.2019.jpg", "31-02-2019.jpg"],
)
def test_what_is_no_day_with_the_year_last_is_no_date(name: str):
    assert from_file_name(name) is None


@pytest.mark.parametrize(
    "name",
    ["25620712_183015.jpg", "IMG_2562-07-12 18.30.15.jpg", "Photo 12.07.2562 18.30.15.jpg"],
)
def test_a_year_of_the_buddhist_era_is_ours_where_another_clock_shows_that_day(name: str):
    stated = from_file_name(name)
    assert stated is not None and stated.wall == SHOT.replace(year=2562)
    found, notes = choose([stated, DateCandidate("mtime", SHOT, is_utc=True)], NOW)
    assert found == CaptureTime(SHOT, "filename", "medium")
    assert any("2562 is 2019" in note for note in notes)
    found, notes = choose([stated, DateCandidate("mtime", datetime(2024, 1, 1), is_utc=True)], NOW)
    assert found is not None and found.source == "mtime"
    assert any("in the future" in note for note in notes)


def test_a_year_of_the_buddhist_era_in_a_file_is_never_sure():
    camera = DateCandidate("exif:DateTimeOriginal", SHOT.replace(year=2562), 7 * 60)
    assert best(camera) == CaptureTime(SHOT, "exif:DateTimeOriginal", "medium", 7 * 60)
    elsewhere = DateCandidate("exif:DateTimeOriginal", SHOT.replace(year=2562), 2 * 60)
    assert choose([elsewhere], NOW)[0] is None
    gps = DateCandidate("gps", SHOT, is_utc=True)
    assert best(elsewhere, gps).wall == SHOT
    # a lost clock, however far ahead, is not of another era
    lost = DateCandidate("exif:DateTimeOriginal", datetime(2611, 7, 12), 7 * 60)
    assert choose([lost], NOW)[0] is None


def test_a_day_that_only_our_calendar_has_is_not_lost_from_a_name():
    assert from_file_name("25670229_101010.jpg") is None


def test_an_impossible_date_does_not_hide_a_possible_one_behind_it():
    assert from_file_name("20190230_101010 2019-07-12 18.30.15.jpg") == DateCandidate(
        "filename", SHOT
    )


@given(
    st.from_regex(
        r"[0-9a-f]{12}20[0-3][0-9]1[0-2]2[0-8][a-f][0-9a-f]{11,19}|[0-9a-f]{23,63}[a-f]"
        r"|[1-9][0-9]{2,3}x[1-9][0-9]{2,3}|\+[0-9]{9,13}|0[0-9]{9}",
        fullmatch=True,
    )
)
def test_hashes_phone_numbers_and_sizes_are_no_dates(stem: str):
    for name in (stem, f"IMG_{stem}", f"{stem}_n"):
        assert from_file_name(f"{name}.jpg") is None


@given(st.text(max_size=60))
def test_any_name_and_any_folder_can_be_asked_for_a_date(text: str):
    for found in (from_file_name(text), from_folders(text)):
        assert found is None or found.wall.year > 1900


@given(st.datetimes(datetime(1940, 1, 1), datetime(2099, 12, 31)))
def test_the_catalogs_own_names_tell_their_date_again(wall: datetime):
    found = from_file_name(f"{wall:%Y-%m-%d %H-%M-%S} Ghent.jpg")
    assert found == DateCandidate("filename", wall.replace(microsecond=0))


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("IMG-20200101-WA0001.jpg", True),
        ("VID-20200101-WA0001.mp4", True),
        ("WhatsApp Image 2020-01-01 at 12.34.56.jpeg", True),
        ("signal-2021-03-04-050607.jpg", True),
        ("Imagen de WhatsApp 2020-01-01 a las 12.34.56.jpg", True),
        ("Immagine WhatsApp 2020-01-01 ore 12.34.56_1a2b3c4d.jpg", True),
        ("all of my WhatsApp 2020.jpg", False),
        ("IMG_20200101_123456.jpg", False),
        ("signal.jpg", False),
        ("a IMG-20200101-WA1", False),
    ],
)
def test_messengers_are_known_by_their_names(name: str, is_one: bool):
    assert is_messenger_name(name) is is_one


# --- folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "wall"),
    [
        ("2019/07/12", datetime(2019, 7, 12)),
        ("photos/2019/07/12/raw", datetime(2019, 7, 12)),
        ("2019-07-12 Party", datetime(2019, 7, 12)),
        ("2019/2019-07-12", datetime(2019, 7, 12)),
        ("Trip 2019.07.12", datetime(2019, 7, 12)),
        ("2018/01/01/2019-07-12 Party", datetime(2019, 7, 12)),
    ],
)
def test_folders_tell_a_day(folder: str, wall: datetime):
    assert from_folders(folder) == DateCandidate("folder", wall, precision=DAY)


@pytest.mark.parametrize(
    ("folder", "month"),
    [
        ("2019/07_July", 7),
        ("2019/07", 7),
        ("2019/07 - Juli", 7),
        ("2019/07/123", 7),
        ("2019-07", 7),
        ("2019-07 Party", 7),
        ("Takeout/Google Photos/Photos from 2019", 0),
        ("Takeout/Google Foto's/Fotos von 2019", 0),
        ("archive/2019", 0),
        ("2019/Summer", 0),
        ("2019 Summer/raw", 0),
        ("2019/13", 0),
        ("2019/07_August", 0),
    ],
)
def test_folders_tell_a_month_or_a_year(folder: str, month: int):
    expected = DateCandidate(
        "folder", datetime(2019, month or 1, 1), precision=MONTH if month else YEAR
    )
    assert from_folders(folder) == expected


@pytest.mark.parametrize(
    "folder",
    [
        "",
        "2048x1536",
        "photos/2048x1536/b",
        "2019/02/30",
        "12019/07/12",
        "100CANON",
        "v2019/07",
    ],
)
def test_folders_that_are_no_date_tell_nothing(folder: str):
    assert from_folders(folder) is None


# --- the whole: file, name, folder and place ------------------------------------------------------


def test_a_utc_video_shows_the_wall_clock_of_the_place_where_it_was_shot():
    found = described(
        "a.mov",
        DateCandidate("quicktime:CreateDate", SHOT, is_utc=True),
        position=Position(51, 3.7),
    )
    assert found.isoformat() == "2019-07-12T20:30:15+02:00"
    assert (found.zone, found.instant) == ("Europe/Brussels", SHOT.replace(tzinfo=UTC))


@pytest.mark.parametrize("position", [None, Position(-40, 20)])
def test_a_utc_video_without_a_known_zone_shows_the_clock_at_home(position: Position | None):
    found = described(
        "a.mov", DateCandidate("quicktime:CreateDate", SHOT, is_utc=True), position=position
    )
    assert (found.isoformat(), found.zone) == ("2019-07-13T03:30:15+09:00", "Asia/Tokyo")


def test_a_utc_video_shows_the_clock_by_which_its_device_named_it():
    created = DateCandidate("quicktime:CreateDate", datetime(2024, 7, 1, 17), is_utc=True)
    found = described("20240701_100000.mp4", created)
    assert (found.isoformat(), found.zone) == ("2024-07-01T10:00:00-07:00", None)
    assert found.source == "quicktime:CreateDate"


@pytest.mark.parametrize(
    ("position", "shown", "zone"),
    [
        (Position(51, 3.7), "2024-07-01T10:00:00+02:00", "Europe/Brussels"),
        (None, "2024-07-01T10:00:00", None),
    ],
)
def test_a_device_that_names_a_video_by_its_utc_clock_keeps_local_time_there(
    position: Position | None, shown: str, zone: str | None
):
    """Many cameras do; where it is UTC after all, the wall clock is the same."""
    created = DateCandidate("quicktime:CreateDate", datetime(2024, 7, 1, 10), is_utc=True)
    found = described("20240701_100000.mp4", created, position=position)
    assert (found.isoformat(), found.zone) == (shown, zone)


def test_a_clock_that_states_utc_is_utc_wherever_it_was():
    created = DateCandidate("quicktime:CreateDate", datetime(2024, 7, 1, 10), is_utc=True)
    stated = DateCandidate("xmp:CreateDate", datetime(2024, 7, 1, 10), 0)
    found = described("a.mp4", created, stated, position=Position(51, 3.7))
    assert found.isoformat() == "2024-07-01T10:00:00+00:00"


def test_a_device_at_home_in_utc_names_its_videos_by_it():
    created = DateCandidate("quicktime:CreateDate", datetime(2024, 1, 1, 10), is_utc=True)
    asset = Describer(FakeGazetteer(), "UTC").describe(
        facts(dates=(created,)), Entry("20240101_100000.mp4", 3), NOW
    )
    assert asset.captured is not None and asset.captured.isoformat() == "2024-01-01T10:00:00+00:00"


def test_a_name_that_no_zone_explains_says_nothing_of_a_videos_clock():
    created = DateCandidate("quicktime:CreateDate", SHOT, is_utc=True)
    assert described("20240701_100000.mp4", created).zone == "Asia/Tokyo"


def test_a_clock_of_satellites_beside_the_cameras_states_the_offset():
    local = DateCandidate("exif:DateTimeOriginal", SHOT)
    clock = DateCandidate("gps", SHOT - timedelta(hours=2), is_utc=True)
    assert described("a.jpg", local, clock).isoformat() == "2019-07-12T18:30:15+02:00"
    off = DateCandidate("gps", SHOT - timedelta(hours=2, minutes=20), is_utc=True)
    assert described("a.jpg", local, off).offset_minutes is None


def test_the_place_tells_the_offset_of_a_cameras_clock():
    local = DateCandidate("exif:DateTimeOriginal", SHOT)
    copied = DateCandidate("gps", SHOT, is_utc=True)
    for dates in ((local,), (local, copied)):
        found = described("a.jpg", *dates, position=Position(51, 3.7))
        assert (found.isoformat(), found.zone) == ("2019-07-12T18:30:15+02:00", "Europe/Brussels")


def test_a_wall_clock_is_never_shifted_by_the_place():
    found = described(
        "a.jpg", DateCandidate("exif:DateTimeOriginal", SHOT, 0), position=Position(51, 3.7)
    )
    assert found.isoformat() == "2019-07-12T18:30:15+00:00"


def test_the_clock_of_a_zone_keeps_the_instant():
    utc = best(DateCandidate("gps", SHOT, is_utc=True))
    assert in_zone(utc, "Asia/Kolkata", 330).instant == utc.instant


@pytest.mark.parametrize("mtime_ns", [2**63 - 1, 2**80, -(2**80), -(10**20)])
def test_a_file_time_beyond_every_calendar_is_no_date_and_no_crash(mtime_ns: int):
    asset = Describer(FakeGazetteer(), "UTC").describe(facts(), Entry("a.jpg", 3, mtime_ns), NOW)
    assert asset.captured is None


def test_name_and_folder_are_asked_where_the_file_states_nothing(machine_zone: str):
    describer = Describer(FakeGazetteer(), "Europe/Brussels", "/home/anna/2018/05/06")
    mtime = Entry("IMG_0007.jpg", 3, 1_562_956_215 * 10**9)
    by_name = describer.describe(facts(), Entry("b/IMG_20190712_183015.jpg"), NOW).captured
    assert by_name == CaptureTime(SHOT, "filename", "medium")
    by_folder = describer.describe(facts(), mtime, NOW).captured
    assert by_folder == CaptureTime(datetime(2018, 5, 6), "folder", "low", precision=DAY)
    by_mtime = (
        Describer(FakeGazetteer(), "Europe/Brussels", "/home/anna")
        .describe(facts(), mtime, NOW)
        .captured
    )
    assert by_mtime == CaptureTime(
        SHOT + timedelta(hours=2), "mtime", "low", 120, "Europe/Brussels"
    )


def test_the_zone_of_the_machine_changes_no_result(machine_zone: str):
    results = [
        described(
            "a.mov",
            DateCandidate("quicktime:CreateDate", SHOT, is_utc=True),
            position=Position(51, 3.7),
        ),
        described("a.mov", DateCandidate("quicktime:creationdate", SHOT, 120)),
        described("1562956215000.jpg"),
        described("PXL_20210102_030405678.jpg"),
        described("IMG_0007.jpg", mtime_ns=1_562_956_215 * 10**9),
        described("a.jpg", DateCandidate("exif:DateTimeOriginal", SHOT)),
    ]
    assert [r.isoformat() for r in results] == [
        "2019-07-12T20:30:15+02:00",
        "2019-07-12T18:30:15+02:00",
        "2019-07-13T03:30:15+09:00",
        "2021-01-02T12:04:05.678+09:00",
        "2019-07-13T03:30:15+09:00",
        "2019-07-12T18:30:15",
    ]


CANDIDATES = st.builds(
    DateCandidate,
    source=st.sampled_from(ORDER),
    wall=st.datetimes()
    | st.sampled_from([datetime(1904, 1, 1), datetime(2000, 1, 1), NOW, NOW + timedelta(days=2)]),
    offset_minutes=st.none() | st.integers(-100_000, 100_000),
    is_utc=st.booleans(),
    utc_doubtful=st.booleans(),
    precision=st.sampled_from(PRECISIONS),
)


@given(st.lists(CANDIDATES, max_size=8))
def test_whatever_is_stated_the_choice_is_a_possible_date_with_a_possible_instant(
    candidates: list[DateCandidate],
):
    found, notes = choose(candidates, NOW)
    assert all(isinstance(note, str) for note in notes)
    if found is None:
        return
    assert found.wall.year >= EARLIEST_YEAR
    assert found.wall <= NOW + timedelta(days=1, hours=1)
    sources = {found.source, found.source.replace("xmp:", "sidecar:")}
    assert found.wall in {c.wall for c in candidates if c.source in sources}
    assert found.confidence in ("high", "medium", "low")
    assert found.instant is None or found.instant.tzinfo is UTC
    assert found.isoformat().startswith(f"{found.wall.year:04d}")


@given(st.lists(CANDIDATES, max_size=6), st.randoms())
def test_the_choice_among_different_sources_does_not_depend_on_their_order(
    candidates: list[DateCandidate], random
):
    distinct = list({c.source: c for c in candidates}.values())
    shuffled = random.sample(distinct, len(distinct))
    assert choose(distinct, NOW) == choose(shuffled, NOW)
