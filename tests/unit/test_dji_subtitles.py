"""The subtitles that drones write beside their films, and what is none of them."""

from __future__ import annotations

from datetime import datetime

import pytest

from catalog.domain.capture_time import DateCandidate
from catalog.media.dji_captions import read_dji_captions
from catalog.media.findings import Findings
from catalog.media.sidecars import read_sidecar

CUE = "1\n00:00:00,000 --> 00:00:00,033\n"
PHANTOM = (
    "1\n00:00:01,000 --> 00:00:02,000\nHOME(4.0,52.0) 2017.8.05 14:11:51\n"
    "GPS(4.0251,-52.2533,16) BAROMETER:1.9\nISO:100 Shutter:60 EV: Fnum:2.2\n\n"
)
MAVIC = (
    f'{CUE}<font size="36">FrameCnt : 1, DiffTime : 33ms\n2019-09-25 01:22:35,118,697\n'
    "[iso : 100] [shutter : 1/640.0] [fnum : 280] [latitude: 52.5] [longtitude: -75.25] "
    "[altitude: 0.000000] </font>\n\n"
)
MINI = (
    f'{CUE}<font size="28">FrameCnt: 1, DiffTime: 33ms\n2022-09-14 13:08:40.143\n'
    "[iso: 100] [latitude: -52.5] [longitude: 8.25] [rel_alt: 1.3 abs_alt: 500.5] </font>\n\n"
)


def read(text: str) -> Findings:
    found = Findings()
    assert read_dji_captions(text.encode(), found, "srt:DateTime")
    return found


@pytest.mark.parametrize(
    ("text", "clock", "place"),
    [
        (PHANTOM, datetime(2017, 8, 5, 14, 11, 51), (-52.2533, 4.0251, None)),
        (MAVIC, datetime(2019, 9, 25, 1, 22, 35, 118_000), (52.5, -75.25, 0)),
        (MINI, datetime(2022, 9, 14, 13, 8, 40, 143_000), (-52.5, 8.25, 500.5)),
    ],
)
def test_they_tell_when_and_where_a_film_began(
    text: str, clock: datetime, place: tuple[float, float, float | None]
):
    for written in (text, "\ufeff" + text.replace("\n", "\r\n"), text + text):
        found = read(written)
        assert found.dates == [DateCandidate("srt:DateTime", clock)]
        assert found.position is not None
        assert (found.position.lat, found.position.lon, found.position.altitude) == place


def test_the_place_is_the_first_that_satellites_gave():
    lost = MAVIC.replace("52.5", "0.000000").replace("-75.25", "0.000000")
    position = read(lost + MAVIC).position
    assert position is not None and position.lat == 52.5
    found = read(lost)
    assert (found.position, found.notes) == (None, [])


def test_settings_without_a_clock_are_no_date():
    found = read(f"{CUE}F/2.8, SS 206.14, ISO 150, EV 0, GPS (-122.25, 37.5, 15), D 224.72m\n\n")
    assert found.dates == []
    assert found.position is not None and found.position.lon == -122.25


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{CUE}On 2019-09-25 01:22:35 nobody was there.\n\n",
        f"{CUE}Where is the GPS (the new one)?\n\n{MAVIC}",
    ],
)
def test_what_is_said_in_a_film_is_neither_date_nor_place(text: str):
    found = Findings()
    assert not read_dji_captions(text.encode(), found)
    read_sidecar(text.encode(), "film.srt", found)
    assert not (found.dates or found.position or found.notes)
