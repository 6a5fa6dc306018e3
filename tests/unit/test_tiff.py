"""EXIF and TIFF-shaped files: odd dates, odd positions, RAW sizes, and data that means harm."""

from __future__ import annotations

import struct
from datetime import datetime

import pytest
from still_makers import (
    CAMERA,
    PLACE,
    TAKEN,
    camera_exif,
    degrees,
    exif_segment,
    jpeg,
    plain,
    read,
    read_typed,
    tiff,
)

from catalog.media.findings import Findings
from catalog.media.tiff.exif import lens_from_spec, read_exif


def _exif(block: bytes) -> Findings:
    findings = Findings()
    read_exif(block, findings)
    return findings


@pytest.mark.parametrize("order", ["<", ">"])
def test_camera_date_exposure_and_position_are_read_in_both_byte_orders(order: str) -> None:
    found = _exif(camera_exif(order))
    assert (found.get("make"), found.get("model"), found.get("orientation")) == (
        "Acme",
        "Shot 1",
        6,
    )
    assert (found.get("exposure_time"), found.get("f_number"), found.get("iso")) == (
        0.004,
        2.8,
        400,
    )
    assert (found.get("focal_length"), found.get("lens")) == (35, "35mm f/2")
    date = found.dates[0]
    assert date.source == "exif:DateTimeOriginal"
    assert date.wall == datetime(2012, 3, 4, 5, 6, 7, 250_000)
    assert date.offset_minutes == 180
    assert found.position is not None
    assert (found.position.lat, found.position.lon) == (
        pytest.approx(-33.8568),
        pytest.approx(151.2153),
    )
    assert found.position.altitude == 12.5


@pytest.mark.parametrize(
    ("text", "wall"),
    [
        ("2004: 1: 2  3:04:05", datetime(2004, 1, 2, 3, 4, 5)),
        ("2004-01-02T03:04:05", datetime(2004, 1, 2, 3, 4, 5)),
        ("2004:01:02:03:04:05", datetime(2004, 1, 2, 3, 4, 5)),
        ("20040102030405", datetime(2004, 1, 2, 3, 4, 5)),
        ("200401020304", datetime(2004, 1, 2, 3, 4)),
        ("2012:01:01 24:10:00", datetime(2012, 1, 1, 0, 10)),
        ("2004.01.02 03.04.05", datetime(2004, 1, 2, 3, 4, 5)),
    ],
)
def test_odd_dates_of_real_cameras_are_understood(text: str, wall: datetime) -> None:
    assert _exif(tiff({}, exif={0x9003: (2, text)})).dates[0].wall == wall


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "",
        "2004:13:01 00:00:00",
        "2004:01:02 25:00:00",
    ],
)
def test_impossible_dates_are_no_dates(text: str) -> None:
    assert _exif(tiff({}, exif={0x9003: (2, text)})).dates == []


def test_the_offset_of_the_last_change_is_that_of_its_date_alone() -> None:
    found = _exif(
        tiff(
            {0x132: (2, "2020:01:02 03:04:05")},
            exif={0x9003: (2, "2012:03:04 05:06:07"), 0x9010: (2, "-08:00")},
        )
    )
    assert {d.source: d.offset_minutes for d in found.dates} == {
        "exif:DateTimeOriginal": None,
        "exif:DateTime": -480,
    }


@pytest.mark.parametrize("text", ["NaN,0,0.00", "4,NaN,0", "3,1/0,0", "east"])
def test_a_part_of_a_position_that_is_no_number_voids_the_whole(text: str) -> None:
    found = _exif(tiff({}, gps={1: (2, "N"), 2: (2, "45,32,38.27"), 3: (2, "E"), 4: (2, text)}))
    assert found.position is None


def test_a_position_may_be_written_as_text() -> None:
    found = _exif(
        tiff({}, gps={1: (2, "N"), 2: (2, "45,32,38.27"), 3: (2, "E"), 4: (2, "3 7/2 0")})
    )
    assert found.position is not None
    assert (found.position.lat, found.position.lon) == (45.54396389, 3.05833333)


def test_the_date_of_the_last_change_never_passes_for_the_capture() -> None:
    found = _exif(tiff({0x132: (2, "2020:01:02 03:04:05")}))
    assert [d.source for d in found.dates] == ["exif:DateTime"]


def test_a_capture_date_in_the_first_directory_counts() -> None:
    assert (
        _exif(tiff({0x9003: (2, "2020:01:02 03:04:05")})).dates[0].source == "exif:DateTimeOriginal"
    )


def test_the_satellites_clock_is_kept_as_utc() -> None:
    found = _exif(tiff({}, gps={7: (5, [(5, 1), (6, 1), (75, 10)]), 29: (2, "2012:03:04")}))
    assert (found.dates[0].source, found.dates[0].is_utc) == ("gps", True)
    assert found.dates[0].wall == datetime(2012, 3, 4, 5, 6, 7, 500_000)


@pytest.mark.parametrize(
    "changes",
    [
        {2: (5, [(0, 0)] * 3), 4: (5, [(0, 0)] * 3)},
        {2: (5, [(0, 1)] * 3), 4: (5, [(0, 1)] * 3)},
        {2: (12, [float("nan")] * 3)},
        {2: (5, [(95, 1), (0, 1), (0, 1)])},
        {2: (2, ""), 4: (2, "")},
    ],
)
def test_an_unset_or_impossible_position_is_none_and_leaves_a_note(
    changes: dict[int, tuple[int, object]],
) -> None:
    found = _exif(tiff({}, gps=PLACE | changes))
    assert found.position is None
    assert found.notes


@pytest.mark.parametrize(
    ("lat", "ref", "expected"),
    [
        ((5, [(52, 1)]), "N", 52.0),
        ((5, [(52, 1), (30, 1)]), "N", 52.5),
        ((5, degrees(52.5)), "South", -52.5),
        ((2, "52 0 50"), "North", 52.013889),
        ((2, "52/1,30/1,0/1"), "N", 52.5),
        ((10, [(-52, 1), (30, 1), (0, 1)]), "S", -52.5),
        ((12, [52.25]), "N", 52.25),
        ((5, degrees(52.5)), "", 52.5),
    ],
)
def test_positions_come_in_many_forms(lat: tuple[int, object], ref: str, expected: float) -> None:
    found = _exif(tiff({}, gps=PLACE | {1: (2, ref), 2: lat}))
    assert found.position is not None
    assert found.position.lat == pytest.approx(expected, abs=1e-6)


def test_a_longitude_near_zero_is_real() -> None:
    found = _exif(tiff({}, gps=PLACE | {3: (2, "W"), 4: (5, degrees(0.004178))}))
    assert found.position is not None
    assert found.position.lon == pytest.approx(-0.004178)


def test_an_altitude_below_the_sea_is_negative() -> None:
    found = _exif(tiff({}, gps=PLACE | {5: (7, b"\1")}))
    assert found.position is not None
    assert found.position.altitude == -12.5


def test_what_every_camera_writes_is_no_description() -> None:
    assert _exif(tiff({0x10E: (2, "OLYMPUS DIGITAL CAMERA         ")})).get("description") is None
    assert _exif(tiff({0x10E: (2, "Sony sunset")})).get("description") == "Sony sunset"


def test_a_lens_is_told_from_its_lengths_and_apertures() -> None:
    assert lens_from_spec([18, 55, 3.5, 5.6]) == "18-55mm f/3.5-5.6"
    assert lens_from_spec([50, 50, float("nan"), float("nan")]) == "50mm"
    assert lens_from_spec([0, 0, 0, 0]) is None


@pytest.mark.parametrize(
    "data", [b"Caf\xe9 \x93Nord\x94\0", "Caf\u00e9 \u201cNord\u201d\0".encode()]
)
def test_texts_of_exif_are_utf_8_or_the_latin_of_windows(data: bytes) -> None:
    assert _exif(tiff({0x10E: (2, data)})).get("description") == "Caf\u00e9 \u201cNord\u201d"


def test_a_lens_is_named_by_its_name_and_by_its_lengths_only_without_one() -> None:
    lengths = [(18, 1), (55, 1), (35, 10), (56, 10)]
    dng = {0xC630: (5, lengths), 0x10F: (2, "Canon")}
    named = {0xA434: (2, "EF-S18-55mm f/3.5-5.6 IS"), 0xA432: (5, lengths)}
    assert _exif(tiff(dng, exif=named)).get("lens") == "EF-S18-55mm f/3.5-5.6 IS"
    assert _exif(tiff(dng, exif={0x829D: (5, [(28, 10)])})).get("lens") == "18-55mm f/3.5-5.6"
    assert _exif(tiff({}, exif={0xA432: (5, lengths)})).get("lens") == "18-55mm f/3.5-5.6"


def test_an_apple_note_gives_the_live_photo_id() -> None:
    text = b"CD28D161-D5EC-4CDE-8B60-DACCC1363B6B\0"
    note = b"Apple iOS\0\0\1MM" + struct.pack(">HHHII", 1, 0x11, 2, len(text), 32) + bytes(4) + text
    assert note[32 : 32 + len(text)] == text
    found = _exif(tiff({0x10F: (2, "Apple")}, exif={0x927C: (7, note)}))
    assert found.get("live_id") == "CD28D161-D5EC-4CDE-8B60-DACCC1363B6B"


def test_a_trap_cameras_note_gives_its_date() -> None:
    note = (
        b"\x01\xf1\x03\x00".ljust(22, b"\0") + struct.pack("<6H", 7, 6, 5, 3, 4, 2012) + bytes(20)
    )
    found = _exif(tiff({0x10F: (2, "RECONYX")}, exif={0x927C: (7, note)}))
    assert [(d.source, d.wall) for d in found.dates] == [
        ("maker:DateTimeOriginal", datetime(2012, 3, 4, 5, 6, 7))
    ]


def test_a_million_values_at_wild_offsets_are_none() -> None:
    entries = b"".join(
        struct.pack("<HHII", tag, 5, 1_000_000 + tag, 0xFFFFFF00 - tag)
        for tag in (0x829A, 0x829D, 0x9003, 0x10F, 0x8769)
    )
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 65535) + entries
    assert _exif(block).values == {}


def test_directories_in_a_circle_end() -> None:
    entries = (
        struct.pack("<HHII", 0x14A, 4, 1, 8)
        + struct.pack("<HHIHH", 0x100, 3, 1, 7, 0)
        + struct.pack("<HHIHH", 0x101, 3, 1, 5, 0)
    )
    found = read(b"II*\0\x08\0\0\0\x03\0" + entries + b"\x08\0\0\0", "a.tif")
    assert (found.get("width"), found.get("height")) == (7, 5)


def test_exif_cut_short_gives_what_is_left() -> None:
    whole = tiff(
        {
            0x110: (2, "Shot 1"),
            0x9003: (2, "2012:03:04 05:06:07"),
            0xA434: (2, "a lens of some length"),
        }
    )
    found = read(jpeg(exif_segment(whole))[: 12 + len(whole) - 10])
    assert (found.get("model"), found.dates[0].wall.year) == ("Shot 1", 2012)


def test_a_tiff_picture_has_its_first_directorys_size() -> None:
    found, filetype = read_typed(plain("TIFF", (70, 50)), "scan.tif")
    assert (found.get("width"), found.get("height"), filetype.name) == (70, 50, "tiff")


def test_bigtiff_is_read() -> None:
    found = read(plain("TIFF", (70, 50), big_tiff=True), "scan.tif")
    assert (found.get("width"), found.get("height")) == (70, 50)


def test_a_raw_files_size_is_the_sensors_not_the_thumbnails() -> None:
    raw = {
        0xFE: (4, [0]),
        0x100: (4, [4032]),
        0x101: (4, [3024]),
        0x106: (3, [32803]),
        0xC620: (4, [4000, 3000]),
    }
    small = {
        0xFE: (4, [1]),
        0x100: (4, [160]),
        0x101: (4, [120]),
        0x106: (3, [2]),
        0x10F: (2, "NIKON CORPORATION"),
    }
    found, filetype = read_typed(tiff(small, raw=raw), "x.tif")
    assert (found.get("width"), found.get("height"), filetype.name) == (4032, 3024, "nef")
    found, filetype = read_typed(tiff(small | {0xC612: (7, b"\1\4\0\0")}, raw=raw), "x.dng")
    assert (found.get("width"), found.get("height"), filetype.name) == (4000, 3000, "dng")


@pytest.mark.parametrize(
    ("crop", "exif", "size"),
    [
        ([7008, 4672], (7008, 4672), (7008, 4672)),
        (None, (7008, 4672), (7008, 4672)),
        (None, (4672, 4672), (4672, 4672)),
        (None, (1616, 1080), (7168, 5120)),
        ([9000, 4672], (9000, 6000), (7168, 5120)),
    ],
)
def test_a_sony_raw_has_the_size_of_its_picture_not_of_the_sensors_tiles(
    crop: list[int] | None, exif: tuple[int, int], size: tuple[int, int]
) -> None:
    raw: dict[int, tuple[int, object]] = {
        0x100: (4, [7168]),
        0x101: (4, [5120]),
        0x106: (3, [32803]),
    }
    if crop:
        raw[0xC620] = (4, crop)
    stated = {0xA002: (4, [exif[0]]), 0xA003: (4, [exif[1]])}
    found, filetype = read_typed(tiff({0x10F: (2, "SONY")}, raw=raw, exif=stated), "x.arw")
    assert ((found.get("width"), found.get("height")), filetype.name) == (size, "arw")


def test_the_largest_embedded_jpeg_of_a_raw_file_is_found() -> None:
    preview = plain(size=(900, 600))
    size = {0x100: (4, [4032]), 0x101: (4, [3024]), 0x106: (3, [32803]), 0x202: (4, [len(preview)])}
    start = len(tiff(size | {0x201: (4, [0])}))
    block = tiff(size | {0x201: (4, [start])}, extra=preview)
    found = read(block, "x.nef")
    assert (found.get("preview_offset"), found.get("preview_length")) == (start, len(preview))
    assert block[start : start + len(preview)] == preview


def test_a_panasonic_raw_takes_its_size_from_the_borders_and_its_date_from_its_jpeg() -> None:
    inner = jpeg(exif_segment(camera_exif()))
    borders = {
        2: (3, [4060]),
        3: (3, [3016]),
        4: (3, [4]),
        5: (3, [8]),
        6: (3, [3004]),
        7: (3, [4008]),
    }
    found = read(tiff(borders | {0x10F: (2, "Panasonic"), 0x2E: (7, inner)}, magic=b"U\0"), "x.rw2")
    assert (found.get("width"), found.get("height"), found.get("make")) == (4000, 3000, "Panasonic")
    assert found.dates[0].wall.year == 2012
    assert found.get("preview_length") == len(inner)


def test_camera_tags_in_the_wrong_directory_count() -> None:
    assert _exif(tiff({}, exif=CAMERA | TAKEN)).get("model") == "Shot 1"
