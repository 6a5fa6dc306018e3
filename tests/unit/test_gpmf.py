"""GoPro's telemetry: what its satellites say wins over a clock of which nobody knows the zone."""

from __future__ import annotations

import struct
from datetime import datetime

import pytest
from clip_makers import box, read, text_box, with_telemetry
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.capture_time import choose
from catalog.media.bmff.gpmf import read_gpmf
from catalog.media.findings import Findings

SHOT = datetime(2019, 7, 12, 18, 30, 15)
UTC_CLOCK = datetime(2019, 7, 12, 16, 30, 15)
NOW = datetime(2025, 6, 1)
SCALE = (10_000_000, 10_000_000, 1000, 1000, 100)


def entry(key: bytes, kind: bytes, size: int, data: bytes) -> bytes:
    head = key + kind + bytes([size]) + struct.pack(">H", len(data) // max(size, 1))
    return head + data + bytes(-len(data) % 4)


def nested(key: bytes, *parts: bytes) -> bytes:
    return entry(key, b"\0", 1, b"".join(parts))


def gps5(fix: int = 3, clock: bytes = b"190712163015.000") -> bytes:
    """One second of a HERO5 to HERO10."""
    place = struct.pack(">5i", 510_500_000, 37_200_000, 10_500, 0, 0)
    stream = nested(
        b"STRM",
        entry(b"GPSF", b"L", 4, struct.pack(">I", fix)),
        entry(b"GPSU", b"U", 16, clock),
        entry(b"SCAL", b"l", 4, struct.pack(">5i", *SCALE)),
        entry(b"GPS5", b"l", 20, place * 2),
    )
    return nested(b"DEVC", nested(b"STRM", entry(b"ACCL", b"s", 6, bytes(600))), stream)


def gps9() -> bytes:
    """One second of a HERO11 or later."""
    days = (UTC_CLOCK - datetime(2000, 1, 1)).days
    seconds = (16 * 3600 + 30 * 60 + 15) * 1000
    row = struct.pack(">7i2H", 510_500_000, 37_200_000, 10_500, 0, 0, days, seconds, 150, 3)
    scale = struct.pack(">9i", *SCALE, 1, 1000, 100, 1)
    return nested(
        b"DEVC",
        nested(b"STRM", entry(b"SCAL", b"l", 4, scale), entry(b"GPS9", b"?", 32, row)),
    )


def gopro(sample: bytes, created: datetime = SHOT, *more: bytes) -> bytes:
    return with_telemetry(b"gpmd", sample, created, *more)


@pytest.mark.parametrize("sample", [gps5(), gps9()])
def test_the_clock_and_the_position_of_the_first_second_are_read(sample: bytes) -> None:
    found = read(gopro(sample), "GX010001.MP4")
    clock = next(d for d in found.dates if d.source == "gps")
    assert (clock.wall, clock.is_utc) == (UTC_CLOCK, True)
    assert found.position is not None
    assert (found.position.lat, found.position.lon) == (51.05, 3.72)


def test_a_local_clock_that_the_satellites_explain_has_their_offset() -> None:
    captured, _notes = choose(read(gopro(gps5()), "GX010001.MP4").dates, NOW)
    assert captured is not None
    assert (captured.wall, captured.confidence) == (SHOT, "medium")


def test_a_clock_that_no_zone_explains_gives_way_to_the_satellites() -> None:
    unset = datetime(2016, 1, 1, 0, 3)
    captured, _notes = choose(read(gopro(gps5(), unset), "GX010001.MP4").dates, NOW)
    assert captured is not None
    assert (captured.wall, captured.source) == (UTC_CLOCK, "gps")


def test_without_satellites_nothing_is_told() -> None:
    found = read(gopro(gps5(fix=0)), "GX010001.MP4")
    assert found.position is None
    assert [d.source for d in found.dates] == ["quicktime:CreateDate"]


def test_a_position_makes_no_phone_of_a_gopro() -> None:
    user_data = box(b"udta", box(b"FIRM", b"HD5.02"), text_box(b"\xa9xyz", "+51.05+003.72/"))
    (created,) = read(gopro(gps5(fix=0), SHOT, user_data), "GOPR0001.MP4").dates
    assert created.utc_doubtful


@given(st.binary(max_size=400))
def test_no_bytes_break_it(data: bytes) -> None:
    read_gpmf(nested(b"DEVC", nested(b"STRM", data)), Findings())
    read_gpmf(data, Findings())
