"""Videos of an archive handed over to a cloud: evaluated, edited by script, converted, put into the archive, taken back."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from films import APPLE, Film, make
from running import Done, Lab, hashes

pytestmark = pytest.mark.node

FILMS = {
    "2019/old.mp4": Film(sound="aac", seed=1),
    "2019/portrait.mov": Film(turned=90, sound="pcm_s16le", metadata=APPLE, seed=2),
    "2019/camera.avi": Film("mpeg4", sound="mp2", seed=3, metadata={}),
    "2019/web.webm": Film("libvpx-vp9", sound="libopus", seed=4),
    "2019/hev1.mp4": Film("libx265", tag="hev1", seed=5),
    "2019/cut.mov": Film("prores_ks", "yuv422p10le", hdr=True, seed=6),
    "2019/fit.MOV": Film("libx265", tag="hvc1", sound="aac", seed=7),
    "1998/tape.mp4": Film(seed=8, metadata={"creation_time": "1998-05-06T07:08:09Z"}),
    "undated/x.avi": Film("mpeg4", seed=9, metadata={}),
}
SUMMER_2019 = 1_562_949_015


@pytest.fixture
def videos(lab: Lab) -> Lab:
    """A lab whose conversions are quick, and whose home is Brussels."""
    lab.variables |= {"CATALOG_REINGEST_PRESET": "ultrafast", "CATALOG_HOME_ZONE": "Europe/Brussels"}
    return lab


def fill(folder: Path, names: list[str] | None = None) -> None:
    for name in names or FILMS:
        make(folder / name, FILMS[name], mtime=SUMMER_2019)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def edit(path: Path, change: Callable[[dict[str, str]], Any]) -> None:
    """As a person would in a spreadsheet."""
    found = rows(path)
    for row in found:
        change(row)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(k for row in found for k in row)), delimiter=";")
        writer.writeheader()
        writer.writerows(found)


def by_name(path: Path) -> dict[str, dict[str, str]]:
    return {Path(row["file"]).name: row for row in rows(path)}


def evaluate(lab: Lab, *arguments: object) -> dict[str, dict[str, str]]:
    done = lab.run("reingest", "evaluate-videos", *arguments, "--json", "--yes")
    assert done.status == 0, done.err
    return by_name(lab.home / "icloud_video_report.csv")


def process(lab: Lab, *arguments: object, **more: str) -> Done:
    return lab.run("reingest", "process-videos", "icloud_video_report.csv", "--staging", lab.folder / "staging", "--larger",
                   "--json", *arguments, **more)  # fmt: skip


def staged(lab: Lab) -> dict[str, str]:
    return {p: h for p, h in hashes(lab.folder / "staging").items() if not p.startswith(".catalog/")}


def test_videos_are_evaluated_edited_and_staged(videos: Lab):
    lab, archive = videos, videos.folder / "archive"
    fill(archive)
    before = hashes(archive)
    report = evaluate(lab, archive)
    assert {name: (row["action"], row["reason"]) for name, row in report.items()} == {
        "old.mp4": ("convert", "convert: video codec"),
        "portrait.mov": ("convert", "convert: video codec+audio codec"),
        "camera.avi": ("convert", "convert: video codec+audio codec+container"),
        "web.webm": ("convert", "convert: video codec+audio codec+container"),
        "hev1.mp4": ("convert", "convert: container"),
        "cut.mov": ("convert", "convert: video codec"),
        "fit.MOV": ("move", "fully compatible already"),
        "tape.mp4": ("skip", "taken in 1998, before 2000"),
        "x.avi": ("skip", "no date taken, and no year in path"),
    }
    row = report["portrait.mov"]
    assert row["creation_time"] == "2019-07-12T16:30:15.000000Z" and row["datetime"] == "2019-07-12 18:30:15"
    assert (row["audio_channels"], row["video_codec_needed"], row["audio_codec_needed"]) == ("2", "1", "1")
    assert json.loads(row["apple_metadata"])["com.apple.quicktime.make"] == "Apple"
    assert report["tape.mp4"]["video_codec_needed"] == "1" and report["x.avi"]["streams"]  # so that a skip can be overruled
    data = (archive / "2019/cut.mov").read_bytes()
    (archive / "2019/cut.mov").write_bytes(data[: len(data) // 2])

    def by_hand(row: dict[str, str]) -> None:
        if row["file"].endswith("x.avi"):
            row["action"], row["datetime"] = "convert", "2003-04-05 06:07:08"
        if row["file"].endswith("old.mp4"):
            row["creation_time"] = "2019-07-12T10:00:00Z"

    edit(lab.home / "icloud_video_report.csv", by_hand)
    done = process(lab)
    assert done.status == 3, done.err
    assert {p.rpartition("-")[0]: p for p in staged(lab)}.keys() == {
        "20190712_183015", "20190712_120000", "20030405_060708"
    }  # fmt: skip
    assert sorted(staged(lab)) == [
        "20030405_060708-x.mov", "20190712_120000-old.mov", "20190712_183015-camera.mov", "20190712_183015-fit.mov",
        "20190712_183015-hev1.mov", "20190712_183015-portrait.mov", "20190712_183015-web.mov",
    ]  # fmt: skip
    processed = by_name(lab.home / "icloud_video_report_processed.csv")
    assert processed["old.mp4"]["processing_status"] == "SUCCESS"
    assert processed["old.mp4"]["derived_file"] == str(lab.folder / "staging/20190712_120000-old.mov")
    assert processed["tape.mp4"]["processing_status"] == "SKIPPED: taken in 1998, before 2000"
    assert processed["fit.MOV"]["derived_hash"] == processed["fit.MOV"]["hash"] == staged(lab)["20190712_183015-fit.mov"]
    refused = [line for line in done.lines if line.get("outcome") == "refused"]
    assert len(refused) == 1 and "its content changed since it was evaluated" in refused[0]["reason"]
    (archive / "2019/cut.mov").write_bytes(data)
    assert hashes(archive) == before
    again = process(lab)
    assert again.status == 0 and again.summary["already"] == 7 and again.summary["converted"] == 0 + 1  # the one repaired
    assert {h["name"] for h in lab.documents("handovers").values()} == set(staged(lab))
    third = evaluate(lab, archive)
    assert {row["action"] for name, row in third.items()} == {"skip"}
    assert third["web.webm"]["reason"].startswith("handed over to icloud on ")


def test_a_broken_video_is_an_error_of_its_row_and_leaves_nothing(videos: Lab):
    lab, archive = videos, videos.folder / "archive"
    fill(archive, ["2019/old.mp4", "2019/camera.avi"])
    broken = archive / "2019/camera.avi"
    data = broken.read_bytes()
    broken.write_bytes(data[: len(data) * 6 // 10])
    os.utime(broken, (SUMMER_2019, SUMMER_2019))
    evaluate(lab, archive)
    done = process(lab)
    assert done.status == 3
    assert list(staged(lab)) == ["20190712_183015-old.mov"]
    status = by_name(lab.home / "icloud_video_report_processed.csv")["camera.avi"]["processing_status"]
    assert status.startswith("ERROR: UnreadableMedia: it is "), status
    assert sorted(os.listdir(lab.folder / "staging/.catalog")) == ["staging.json"]


@pytest.mark.parametrize("command", [["process_video_files"], ["catalog", "reingest", "process_video_files"]])
def test_the_commands_have_their_former_names(videos: Lab, command: list[str]):
    done = videos.run(*command, "none.csv", "--staging", videos.folder / "staging")
    assert done.status == 2 and "The report none.csv cannot be read" in done.err
