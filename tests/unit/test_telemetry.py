"""What DJI, Sony and Insta360 write beside the pictures: clocks and positions."""

from __future__ import annotations

import json
import math
import os
import shutil
import struct
import subprocess
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from clip_makers import box, movie, mvhd, read, seconds_1904, text_box, trak, with_telemetry
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.capture_time import DateCandidate, choose
from catalog.media.bmff.djmd import read_djmd
from catalog.media.bmff.insta360 import read_insta360
from catalog.media.bmff.movie import read_bmff
from catalog.media.bmff.rtmd import read_rtmd
from catalog.media.dji_captions import read_dji_captions
from catalog.media.findings import Findings
from catalog.media.source import Hole, MemorySource, PartSource

LOCAL = datetime(2019, 7, 12, 18, 30, 15)
UTC_CLOCK = datetime(2019, 7, 12, 16, 30, 15)
NOW = datetime(2025, 6, 1)
SATELLITES = DateCandidate("gps", UTC_CLOCK, is_utc=True)
OWN_CLOCK = DateCandidate("quicktime:DateTimeOriginal", LOCAL)
GHENT = (51.05, 3.72)

EXIFTOOL = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(
    EXIFTOOL is None and "CI" not in os.environ, reason="exiftool is not installed"
)


def place_of(found: Findings) -> tuple[float, float] | None:
    at = found.position
    return None if at is None else (round(at.lat, 6), round(at.lon, 6))


def said_by_exiftool(path: Path, data: bytes) -> tuple[float, float, str]:
    """Position and clock of the first sample."""
    path.write_bytes(data)
    command = [str(EXIFTOOL), "-ee", "-n", "-j", "-GPSLatitude", "-GPSLongitude"]
    command += ["-GPSDateTime", "-GPSTimeStamp", "-GPSDateStamp", "-DateTime", str(path)]
    (said,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    clock = said.get("GPSDateTime") or f"{said.get('GPSDateStamp')} {said.get('GPSTimeStamp')}"
    return round(said["GPSLatitude"], 6), round(said["GPSLongitude"], 6), clock


# --- DJI ------------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    head = b""
    while number > 0x7F:
        head, number = head + bytes([number & 0x7F | 0x80]), number >> 7
    return head + bytes([number])


def message(number: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return varint(number << 3 | 2) + varint(len(body)) + body


def nested(path: Sequence[int], *parts: bytes) -> bytes:
    body = b"".join(parts)
    for number in reversed(path):
        body = message(number, body)
    return body


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def djmd(
    schema: bytes = b"dvtm_Air3.proto",
    path: Sequence[int] = (3, 3, 4),
    *more: bytes,
    degrees: bool = False,
    unit: bool = True,
    place: tuple[float, float] = GHENT,
) -> bytes:
    latitude, longitude = place if degrees else map(math.radians, place)
    coordinates = number(1, 1) if degrees and unit else b""
    coordinates += double(2, latitude) + double(3, longitude)
    return nested((1, 1), message(1, schema), message(10, b"FC8282")) + nested(
        path, message(1, coordinates), number(2, 10_500), *more
    )


@pytest.mark.parametrize(
    "sample",
    [
        djmd(),
        djmd(degrees=True),
        djmd(b"dvtm_Mavic4.proto", degrees=True, unit=False),
        djmd(b"dvtm_AVATA2.proto", (3, 4, 4)),
        djmd(b"dvtm_ac204.proto", (3, 4, 2), degrees=True),
        djmd(b"dvtm_of_tomorrow.proto", (3, 4, 2)),
    ],
)
def test_the_position_of_a_dji_film_is_read_wherever_its_model_puts_it(sample: bytes) -> None:
    found = read(with_telemetry(b"djmd", sample, UTC_CLOCK), "DJI_0001.MP4")
    assert place_of(found) == GHENT
    assert found.position is not None and found.position.altitude == 10.5
    assert (found.get("make"), found.get("model")) == ("DJI", "FC8282")
    assert [d.source for d in found.dates] == ["quicktime:CreateDate"]


def test_a_height_below_the_sea_is_negative() -> None:
    coordinates = message(1, double(2, 0.9) + double(3, 0.1))
    sample = nested((1, 1, 1), b"dvtm_Air3.proto") + nested(
        (3, 3, 4), coordinates, number(2, (1 << 64) - 2500)
    )
    found = read(with_telemetry(b"djmd", sample, UTC_CLOCK), "DJI_0001.MP4")
    assert found.position is not None and found.position.altitude == -2.5


@pytest.mark.parametrize(
    "sample",
    [
        djmd(b"dvtm_Air3.proto", (3, 3, 4), number(3, 1)),
        djmd(place=(0.0, 0.0)),
        djmd(place=(math.nan, 3.0)),
        djmd(b"dbginfo_oq101.proto"),
        djmd()[:-20],
    ],
)
def test_what_is_marked_invalid_or_is_none_is_no_position(sample: bytes) -> None:
    found = read(with_telemetry(b"djmd", sample, UTC_CLOCK), "DJI_0001.MP4")
    assert found.position is None
    assert not found.notes


MINI = (
    "F/2.8, SS 206.14, ISO 100, EV 0, DZOOM 1.000, GPS (3.7200, 51.0500, 20), D 24.26m, H 6.00m\n"
)
AIR = (
    '<font size="36">SrtCnt : 1, DiffTime : 33ms\n2019-07-12 18:30:15,123,456\n[iso : 110] '
    "[latitude: 51.050000] [longtitude: 3.720000] [altitude: 10.500000] </font>"
)
PHANTOM = (
    "HOME(3.7200,51.0500) 2019.07.12 18:30:15\nGPS(3.7200,51.0500,16) BAROMETER:1.9\n"
    "ISO:100 Shutter:60 EV: Fnum:2.2"
)


@pytest.mark.parametrize("text", [MINI, AIR, PHANTOM])
def test_captions_of_a_dji_film_tell_where_it_was_and_in_newer_and_older_ones_when(text: str):
    sample = struct.pack(">H", len(text)) + text.encode() + box(b"styl", bytes(14))
    data = with_telemetry(b"text", sample, UTC_CLOCK, handler=b"text", name=b"\x10DJI.Subtitle\0")
    found = read(data, "DJI_0001.MP4")
    assert (place_of(found), found.get("make")) == (GHENT, "DJI")
    walls = [d.wall.replace(microsecond=0) for d in found.dates if d.source == OWN_CLOCK.source]
    assert walls == ([] if text is MINI else [LOCAL])
    captured, _notes = choose(found.dates, NOW)
    assert captured is not None
    if text is not MINI:  # its clock in UTC says of which zone the drone's own is
        assert (captured.confidence, captured.offset_minutes) == ("high", 120)


def test_chapters_and_the_captions_of_others_are_not_read() -> None:
    sample = struct.pack(">H", len(AIR)) + AIR.encode()
    data = with_telemetry(b"text", sample, UTC_CLOCK, handler=b"text", name=b"Chapters")
    assert read(data, "a.mov").position is None


def test_subtitles_in_which_people_speak_of_dates_are_none_of_dji() -> None:
    found = Findings()
    assert not read_dji_captions(b"1\n00:00:01,000 --> 00:00:02,000\n2019-07-12 18:30:15", found)
    assert not found.dates


def test_the_first_position_that_is_one_counts_and_its_own_height() -> None:
    later = AIR.replace("51.05", "52.05").replace("10.5", "11.5")
    blank = AIR.replace("51.050000", "0.000000").replace("3.720000", "0.000000")
    found = Findings()
    assert read_dji_captions("\n\n".join((blank, AIR, later)).encode(), found)
    assert found.position is not None
    assert (place_of(found), found.position.altitude) == (GHENT, 10.5)


@pytest.mark.parametrize(
    "mark", [text_box(b"\xa9xsp", "+0.00"), text_box(b"\xa9too", "DJI OsmoAction4")]
)
def test_a_dji_film_is_known_by_the_marks_in_its_user_data(mark: bytes) -> None:
    found = read(movie(mvhd(0), trak(), box(b"udta", mark)), "DJI_0001.MP4")
    assert found.get("make") == "DJI"


def test_a_dji_film_is_known_by_the_names_of_its_tracks() -> None:
    data = with_telemetry(b"priv", b"x", UTC_CLOCK, name=b"\x08DJI.Meta")
    assert read(data, "a.mp4").get("make") == "DJI"


@needs_exiftool
@pytest.mark.parametrize("text", [MINI])
def test_captions_say_what_exiftool_reads_in_them(tmp_path: Path, text: str) -> None:
    sample = struct.pack(">H", len(text)) + text.encode()
    data = with_telemetry(b"text", sample, UTC_CLOCK, handler=b"text", name=b"\x10DJI.Subtitle\0")
    assert said_by_exiftool(tmp_path / "a.mp4", data)[:2] == place_of(read(data, "a.mp4"))


@needs_exiftool
def test_a_dji_film_says_what_exiftool_reads_in_it(tmp_path: Path) -> None:
    version = subprocess.run([str(EXIFTOOL), "-ver"], capture_output=True, text=True, check=True)
    if float(version.stdout) < 13.10:
        pytest.skip("an exiftool before 13.10 may not know this format")
    data = with_telemetry(b"djmd", djmd(b"dvtm_wm265e.proto"), UTC_CLOCK)
    assert said_by_exiftool(tmp_path / "a.mp4", data)[:2] == place_of(read(data, "a.mp4"))


# --- Sony -----------------------------------------------------------------------------------------


def item(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def ratios(*values: tuple[int, int]) -> bytes:
    return b"".join(struct.pack(">II", *value) for value in values)


def rtmd(status: bytes = b"A", clock: bytes = bytes.fromhex("20190712183015")) -> bytes:
    """One frame of a camera that a phone tells its position."""
    label = bytes.fromhex("060e2b34025301010c02010101010000")
    lens = item(0x8000, b"\x7f\xff")
    camera = item(0x810B, b"\0\x64") + item(0xE304, b"\0" + clock)
    place = [
        item(0x8500, b"\2\2\0\0"),
        item(0x8501, b"N"),
        item(0x8502, ratios((51, 1), (3, 1), (0, 1000))),
        item(0x8503, b"E"),
        item(0x8504, ratios((3, 1), (43, 1), (12_000, 1000))),
        item(0x8505, b"\0"),
        item(0x8506, ratios((10_500, 1000))),
        item(0x8507, ratios((16, 1), (30, 1), (15_000, 1000))),
        item(0x8509, status),
        item(0x8512, b"WGS-84"),
        item(0x851D, b"2019:07:12"),
    ]
    sets = b"".join(label + item(0x8300, part) for part in (lens, camera, b"".join(place)))
    return b"\0\x1c" + bytes(26) + sets + bytes(8)


def test_a_sony_film_states_its_own_clock_and_that_of_the_satellites() -> None:
    found = read(with_telemetry(b"rtmd", rtmd(), UTC_CLOCK), "C0001.MP4")
    assert found.dates[:2] == [OWN_CLOCK, SATELLITES]
    assert (place_of(found), found.get("make")) == (GHENT, "Sony")
    assert found.position is not None and found.position.altitude == 10.5
    captured, _notes = choose(found.dates, NOW)
    assert captured is not None
    assert (captured.wall, captured.offset_minutes, captured.confidence) == (LOCAL, 120, "high")


def test_without_satellites_a_sony_film_states_its_clock_alone() -> None:
    found = read(with_telemetry(b"rtmd", rtmd(b"V"), UTC_CLOCK), "C0001.MP4")
    assert found.position is None
    assert [d for d in found.dates if d.source != "quicktime:CreateDate"] == [OWN_CLOCK]
    captured, _notes = choose(found.dates, NOW)
    assert captured is not None  # by the movie's own clock, which is in UTC
    assert (captured.wall, captured.offset_minutes) == (LOCAL, 120)


@pytest.mark.parametrize("clock", [bytes(7), bytes.fromhex("ffffffffffffff"), b"\x20"])
def test_a_clock_that_was_never_set_is_none(clock: bytes) -> None:
    found = read(with_telemetry(b"rtmd", rtmd(b"V", clock), UTC_CLOCK), "C0001.MP4")
    assert [d.source for d in found.dates] == ["quicktime:CreateDate"]


@pytest.mark.parametrize("in_chunk", [1, 3, 100])
@pytest.mark.parametrize("at", [1, 2, 4, 16])
def test_satellites_that_are_seen_later_tell_place_and_time_of_the_begin(
    at: int, in_chunk: int
) -> None:
    later = [*[rtmd(b"V", bytes.fromhex("20190712183019"))] * (at - 1), *[rtmd()] * 12]
    data = with_telemetry(b"rtmd", rtmd(b"V"), UTC_CLOCK, later=later, in_chunk=in_chunk)
    found = read(data, "C0001.MP4")
    assert place_of(found) == GHENT
    begin = UTC_CLOCK - timedelta(seconds=at)
    assert DateCandidate("gps", begin, is_utc=True) in found.dates
    assert [d for d in found.dates if d.source == OWN_CLOCK.source] == [OWN_CLOCK]


def test_satellites_that_are_never_seen_are_looked_for_in_some_samples_only() -> None:
    class Watched(MemorySource):
        asked = 0

        def read(self, offset: int, length: int) -> bytes:
            self.asked += offset > start
            return super().read(offset, length)

    data = with_telemetry(b"rtmd", rtmd(b"V"), UTC_CLOCK, later=[rtmd(b"V")] * 2000)
    start, source, found = data.index(b"mdat"), Watched(data), Findings()
    read_bmff(source, found)
    assert found.position is None and not found.notes
    assert source.asked <= 12


def test_the_later_samples_of_a_film_far_away_are_asked_for_at_once(tmp_path: Path) -> None:
    data = with_telemetry(b"djmd", djmd(place=(0, 0)), UTC_CLOCK, later=[djmd(place=(0, 0))] * 9)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with path.open("rb") as file:
        first = data.index(b"mdat") + 4 + len(djmd(place=(0, 0)))
        source = PartSource(file.fileno(), len(data), [(0, first)])
        with pytest.raises(Hole):
            read_bmff(source, Findings())
    assert len(source.touched) == 4  # 1, 2, 4 and 8 seconds later


@pytest.mark.parametrize("kind", [b"stsc", b"stsz", b"stco", b"stts"])
def test_a_damaged_table_of_samples_costs_the_others_nothing(kind: bytes) -> None:
    data = with_telemetry(b"rtmd", rtmd(b"V"), UTC_CLOCK, later=[rtmd()] * 9)
    at = data.rindex(kind)
    for damage in (b"\xff" * 16, bytes(16)):
        found = read(data[: at + 4] + damage + data[at + 20 :], "C0001.MP4")
        assert "quicktime:CreateDate" in [d.source for d in found.dates]


@needs_exiftool
def test_a_sony_film_says_what_exiftool_reads_in_it(tmp_path: Path) -> None:
    data = with_telemetry(b"rtmd", rtmd(), UTC_CLOCK)
    latitude, longitude, clock = said_by_exiftool(tmp_path / "a.mp4", data)
    assert (latitude, longitude) == place_of(read(data, "a.mp4"))
    assert clock == "2019:07:12 16:30:15Z"


def user_media(minutes: int) -> bytes:
    """Sony's box of user media, as it stands in a movie or in its tracks."""
    items = struct.pack(">HIHHHHH", 16, 10, 0x15C7, 0, 0, 1, 0)
    items += struct.pack(">HIHHh", 12, 11, 0x15C7, 0, minutes)
    identifier = b"USMT" + bytes.fromhex("21d24fcebb88695cfac9c740")
    return box(b"uuid", identifier, box(b"MTDT", struct.pack(">H", 2), items))


@pytest.mark.parametrize("in_track", [False, True])
def test_the_zone_that_a_sony_film_states_is_that_of_its_clock(in_track: bool) -> None:
    part = box(b"trak", user_media(120)) if in_track else user_media(120)
    found = read(movie(mvhd(seconds_1904(UTC_CLOCK)), trak(), part, brand=b"XAVC"), "C0001.MP4")
    assert found.dates == [DateCandidate("quicktime:CreateDate", LOCAL, 120)]


@pytest.mark.parametrize("minutes", [0, 900, -32768])
def test_a_zone_that_was_not_set_or_is_none_tells_nothing(minutes: int) -> None:
    found = read(movie(mvhd(seconds_1904(UTC_CLOCK)), trak(), user_media(minutes)), "C0001.MP4")
    assert [(d.wall, d.is_utc) for d in found.dates] == [(UTC_CLOCK, True)]


# --- Insta360 -------------------------------------------------------------------------------------


def fix(status: bytes = b"A", seconds: int = 1_562_949_015) -> bytes:
    return struct.pack(
        "<IIHcdcdcddd", seconds, 0, 0, status, 51.05, b"N", 3.72, b"E", 0.0, 0.0, 10.5
    )


def trailer(*fixes: bytes, length: int | None = None) -> bytes:
    """Records from first to last, each with its kind and length behind it."""
    device = b"\x0a\x03ABC\x12\x0eInsta360 ONE X"
    records = [(0x101, device), (0x300, bytes(560)), (0x700, b"".join(fixes))]
    body = b"".join(data + struct.pack("<HI", kind, len(data)) for kind, data in records)
    body, last = body[:-6], body[-6:]
    total = len(body) + 78 if length is None else length
    return body + last + bytes(32) + struct.pack("<II", total, 3) + MAGIC


MAGIC = b"8db42d694ccc418790edff439fe026bf"
FILM = movie(mvhd(seconds_1904(UTC_CLOCK)), trak(), brand=b"mp41")


@pytest.mark.parametrize("fixes", [(fix(),), (fix(b"V", 0), fix(b"V", 0), fix(), fix(b"A", 9))])
def test_an_insta360_film_states_device_clock_and_position_behind_its_end(
    fixes: tuple[bytes, ...],
) -> None:
    found = read(FILM + trailer(*fixes), "VID_20190712_183015_00_001.insv")
    assert SATELLITES in found.dates
    assert place_of(found) == GHENT
    assert (found.get("make"), found.get("model")) == ("Insta360", "Insta360 ONE X")


def test_a_fix_of_later_minutes_tells_the_place_of_an_insta360_film_alone() -> None:
    found = read(FILM + trailer(*[fix(b"V", 0)] * 100, fix()), "a.insv")
    assert place_of(found) == GHENT
    assert [d.source for d in found.dates] == ["quicktime:CreateDate"]


@pytest.mark.parametrize("length", [0, 1 << 31, 90])
def test_a_damaged_length_ends_the_records(length: int) -> None:
    found = read(FILM + trailer(fix(), length=length), "a.insv")
    assert [d.source for d in found.dates][-1:] == ["quicktime:CreateDate"]


def test_a_film_that_ends_with_its_last_box_is_not_looked_at_behind_it() -> None:
    class Watched(MemorySource):
        def __init__(self, data: bytes) -> None:
            super().__init__(data)
            self.asked: list[int] = []

        def read(self, offset: int, length: int) -> bytes:
            self.asked.append(offset)
            return super().read(offset, length)

    plain, other = Watched(FILM), Watched(FILM + trailer(fix()))
    for source in (plain, other):
        read_bmff(source, Findings())
    assert len(FILM) - 78 not in plain.asked
    assert other.size - 78 in other.asked


@needs_exiftool
def test_an_insta360_film_says_what_exiftool_reads_in_it(tmp_path: Path) -> None:
    data = FILM + trailer(fix(b"V"), fix())
    latitude, longitude, clock = said_by_exiftool(tmp_path / "a.insv", data)
    assert (latitude, longitude) == place_of(read(data, "a.insv"))
    assert clock == "2019:07:12 16:30:15Z"


# --- whatever is in them --------------------------------------------------------------------------


@given(st.binary(max_size=400))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    read_djmd(nested((1, 1, 1), b"dvtm_Air3.proto") + nested((3, 3, 4), data), Findings())
    read_djmd(data, Findings())
    read_rtmd(rtmd()[:40] + data, Findings())
    read_rtmd(data, Findings())
    read_dji_captions(b"GPS (" + data, Findings())
    read_insta360(MemorySource(data + trailer(data)), Findings())
    read_insta360(MemorySource(data + MAGIC), Findings())


def test_known_place_and_time_are_not_looked_for_again() -> None:
    position = text_box(b"\xa9xyz", "+51.05+003.72/")
    day = text_box(b"\xa9day", "2019-07-12T18:30:15+0200")
    data = with_telemetry(b"rtmd", rtmd(), UTC_CLOCK, box(b"udta", position, day))
    assert "gps" not in [d.source for d in read(data, "C0001.MP4").dates]
