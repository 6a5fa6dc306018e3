"""What cameras and drones write beside their films: read, stored and renamed with them."""

from __future__ import annotations

from typing import Any

import pytest
from clip_makers import movie, mvhd, sony_document, trak
from running import MTIME, Lab, hashes, put

from catalog.domain.fixity import content_hash

FILM, FLIGHT = (movie(mvhd(0), trak(), mdat=name) for name in (b"sony", b"dji"))
CLIP = sony_document(created="2015-01-02T03:04:05+09:00")
TELEMETRY = (
    b"1\n00:00:00,000 --> 00:00:00,033\nFrameCnt: 1, DiffTime: 33ms\n2022-06-14 13:08:40.143\n"
    b"[iso: 100] [latitude: 51.05] [longitude: 3.72] [rel_alt: 1.3 abs_alt: 80.5]\n\n"
)
SPOKEN = b"1\n00:00:00,000 --> 00:00:09,000\n2001-02-03 04:05:06 was a nice moment.\n\n"
NAMES = ("2015-01-02 03-04-05", "2022-06-14 13-08-40 Ghent")


@pytest.fixture
def filmed(lab: Lab) -> Lab:
    files = {"C0001.MP4": FILM, "C0001M01.XML": CLIP, "DJI_1.MP4": FLIGHT, "DJI_1.SRT": TELEMETRY}
    put(lab.source, files)
    done = lab.upload("--move", "--yes")
    assert (done.status, done.summary["new"], list(lab.source.iterdir())) == (0, 2, [])
    return lab


def whole(lab: Lab, content: bytes) -> dict[str, Any]:
    return lab.documents()[content_hash(content)]


def sidecars(lab: Lab, content: bytes) -> list[str]:
    return [row["path"].rpartition("/")[2] for row in whole(lab, content)["sidecars"]]


def test_they_date_and_place_their_film_and_lie_beside_it(filmed: Lab) -> None:
    lab = filmed
    captured = whole(lab, FILM)["captured"]
    assert (captured["wall"], captured["offset_minutes"]) == ("2015-01-02T03:04:05.000", 540)
    assert whole(lab, FILM)["camera"]["model"] == "ILCE-7S"
    captured = whole(lab, FLIGHT)["captured"]
    assert (captured["wall"], captured["offset_minutes"]) == ("2022-06-14T13:08:40.143", 120)
    assert captured["source"] == "srt:DateTime"
    assert whole(lab, FLIGHT)["place"]["city"] == "Ghent"
    lies = {path.rpartition("/")[2] for path in lab.stored()}
    assert {f"{NAMES[1]}.mp4", f"{NAMES[1]}.srt"} < lies
    (document,) = sidecars(lab, FILM)
    assert document.startswith(NAMES[0]) and document.endswith("M01.xml")
    lab.check_no_ghosts()


def test_they_follow_a_film_that_is_renamed_here_and_in_a_mirror(filmed: Lab) -> None:
    lab = filmed
    other = lab.folder / "other"
    other.mkdir()
    assert lab.catalog("store", "add", "other", other).status == 0
    assert lab.catalog("mirror", "nas", "other").status == 0
    for film, name in ((FILM, "sea"), (FLIGHT, "hills")):
        path = lab.root / whole(lab, film)["copies"][0]["path"]
        stem = path.name.removesuffix(".mp4")
        for lies in list(path.parent.iterdir()):
            if lies.name.startswith(stem):
                lies.rename(lies.with_name(name + lies.name.removeprefix(stem)))
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root).status == 0
    lab_sidecars = {*sidecars(lab, FILM), *sidecars(lab, FLIGHT)}
    assert {"seaM01.xml", "hills.srt"} < lab_sidecars
    assert lab.catalog("mirror", "nas", "other").status == 0
    mirrored = {p: h for p, h in hashes(other).items() if not p.startswith(".catalog/")}
    assert mirrored == lab.stored()
    assert {*sidecars(lab, FILM), *sidecars(lab, FLIGHT)} == {"seaM01.xml", "hills.srt"}
    again = lab.catalog("mirror", "nas", "other", "--json")
    assert (again.summary["moved"], again.summary["copied"]) == (0, 0)


def test_what_is_said_in_a_film_goes_with_it_and_dates_nothing(lab: Lab) -> None:
    put(lab.source, {"film.mp4": FILM, "film.srt": SPOKEN, "notes.xml": CLIP}, MTIME)
    done = lab.upload()
    assert (done.status, done.summary["new"], done.summary["unsupported"]) == (0, 1, 1)
    assert whole(lab, FILM)["captured"]["source"] == "mtime"
    assert len(sidecars(lab, FILM)) == 1
    lab.check_no_ghosts()


def test_one_whose_film_is_lost_stays_recorded(filmed: Lab) -> None:
    (filmed.root / whole(filmed, FLIGHT)["copies"][0]["path"]).unlink()
    before = whole(filmed, FLIGHT)["sidecars"]
    for _again in range(2):
        done = filmed.run("sync_catalog_with_disk", "--nas_root", filmed.root, "--accept-losses")
        assert done.status == 0
        assert [row["state"] for row in whole(filmed, FLIGHT)["copies"]] == ["missing"]
        assert whole(filmed, FLIGHT)["sidecars"] == before
