"""Bandwidth, amounts and time: what is written is understood or refused, and limits hold;
no real clock is used.
"""

from __future__ import annotations

import io
import threading
from datetime import datetime

import pytest

from catalog.domain.amounts import OFF, Timetable, Turn, byte_count, seconds, timetable
from catalog.work.throttle import Interrupted, Throttle

MIB = 1 << 20


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time = 100.0
        self.day = datetime(2026, 1, 1, 9, 0)
        self.lock = threading.Lock()

    def __call__(self) -> float:
        return self.time

    def now(self) -> datetime:
        return self.day

    def sleep(self, wanted: float) -> None:
        with self.lock:
            self.time += wanted


def throttle(clock: Clock, text: str = OFF, **limits: float) -> Throttle:
    return Throttle(timetable(text), clock=clock, now=clock.now, sleep=clock.sleep, **limits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("512K", 512 << 10),
        ("5M", 5 * MIB),
        ("1.5G", 3 << 29),
        ("10 GiB", 10 << 30),
        ("7b", 7),
        ("off", 0),
        ("OFF ", 0),
        ("0", 0),
    ],
)
def test_sizes(text: str, count: int):
    assert byte_count(text) == count


@pytest.mark.parametrize(
    ("text", "length"),
    [("90m", 5400), ("1h30m", 5400), ("6h", 21_600), ("45s", 45), ("1d", 86_400), ("off", 0)],
)
def test_lengths_of_time(text: str, length: int):
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "5", "fast", "-5M", "5X", "0M", "M", "5M5M", "1e3K"])
def test_what_is_no_size_is_refused(text: str):
    with pytest.raises(ValueError, match="is no size"):
        byte_count(text)


@pytest.mark.parametrize("text", ["", "5", "soon", "-5m", "5x", "0m", "1h 30m", "h"])
def test_what_is_no_length_is_refused(text: str):
    with pytest.raises(ValueError, match="is no length"):
        seconds(text)


@pytest.mark.parametrize(
    "text",
    ["", "fast", "08:00", "25:00,5M 8:00,off", "08:60,5M", "08:00,fast", "08:00,5M,off", ","],
)
def test_what_is_no_timetable_is_refused(text: str):
    with pytest.raises(ValueError, match="is no"):
        timetable(text)


def test_a_timetable_holds_through_the_night():
    table = timetable("23:00,off 08:00,512K 12:30,1M/s")
    assert [turn.rate for turn in table.turns] == [512 << 10, MIB, 0] and table.limits
    rates = {
        hour: table.rate(datetime(2026, 1, 1, *divmod(hour, 100)))
        for hour in (0, 759, 800, 1229, 1230, 2259, 2300)
    }
    assert rates == {0: 0, 759: 0, 800: 512 << 10, 1229: 512 << 10, 1230: MIB, 2259: MIB, 2300: 0}
    assert timetable("5M") == Timetable((Turn(0, 5 * MIB),)) and not timetable("off").limits
    assert Timetable().rate(datetime(2026, 1, 1)) == 0


def test_reading_takes_as_long_as_it_must():
    clock = Clock()
    stream = throttle(clock, "1M").paced(io.BytesIO(bytes(10 * MIB)))
    assert len(stream.read()) == 10 * MIB
    assert clock.time == pytest.approx(110, abs=0.3)


def test_several_streams_share_one_limit():
    clock = Clock()
    limit = throttle(clock, "1M")
    streams = [limit.paced(io.BytesIO(bytes(MIB))) for _ in range(8)]
    threads = [threading.Thread(target=stream.read) for stream in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.time >= 107.9


def test_a_rate_changes_while_a_file_is_read():
    clock = Clock()
    stream = throttle(clock, "08:00,1M 23:00,off").paced(io.BytesIO(bytes(100 * MIB)))
    stream.read(2 * MIB)
    assert clock.time == pytest.approx(102, abs=0.3)
    clock.day = datetime(2026, 1, 1, 23, 0)
    before = clock.time
    assert len(stream.read()) == 98 * MIB and clock.time == before


def test_a_pause_is_no_credit():
    clock = Clock()
    stream = throttle(clock, "1M").paced(io.BytesIO(bytes(4 * MIB)))
    stream.read(MIB)
    clock.time += 1000
    before = clock.time
    stream.read(2 * MIB)
    assert clock.time - before == pytest.approx(2, abs=0.3)


def test_blocks_are_full_and_small_buffers_are_filled():
    data = bytes(range(256)) * 4096
    stream = throttle(Clock(), "100K").paced(io.BytesIO(data))
    assert stream.read(300_000) == data[:300_000]
    buffer = bytearray(10)
    assert stream.readinto(buffer) == 10 and bytes(buffer) == data[300_000:300_010]  # type: ignore[attr-defined]
    assert stream.read() == data[300_010:] and stream.read(5) == b""
    with pytest.raises(io.UnsupportedOperation):
        stream.fileno()


def test_without_a_limit_the_stream_is_the_stream_itself():
    stream = io.BytesIO(b"x")
    assert throttle(Clock()).paced(stream) is stream
    assert throttle(Clock()).paced(stream, always=True).read() == b"x"


def test_closing_closes_what_is_read():
    inner = io.BytesIO(b"x")
    with throttle(Clock(), "1M").paced(inner):
        pass
    assert inner.closed


def test_nothing_begins_beyond_an_amount():
    limit = throttle(Clock(), max_bytes=100)
    assert (
        limit.begin(60) and limit.begin(60) and not limit.begin(1) and limit.ended == "max_transfer"
    )
    limit = throttle(Clock(), max_bytes=100)
    assert limit.begin(200)
    limit.unused(200)
    assert limit.begin(1), "what was there already did not travel"


def test_nothing_begins_beyond_a_time():
    clock = Clock()
    limit = throttle(clock, max_seconds=60)
    assert limit.begin(1)
    clock.time += 60
    assert not limit.begin(1) and limit.ended == "max_duration"


def test_an_interruption_ends_what_is_under_way():
    limit = throttle(Clock(), "1K")
    stream = limit.paced(io.BytesIO(bytes(MIB)))
    limit.cancel()
    with pytest.raises(Interrupted):
        stream.read()
    assert not limit.begin(1)
