"""Videos of an archive handed over to a cloud: evaluated, edited by script, converted,
put into the archive, taken back.
"""

from __future__ import annotations

import csv
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from films import APPLE, Film, make
from running import Done, Lab, ended, hashes, jpeg, put, shown, wait_for

from catalog.domain.fixity import content_hash
from catalog.errors import StoreError

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
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


@pytest.fixture
def videos(lab: Lab) -> Lab:
    """A lab whose conversions are quick, and whose home is Brussels."""
    lab.variables |= {
        "CATALOG_REINGEST_PRESET": "ultrafast",
        "CATALOG_HOME_ZONE": "Europe/Brussels",
    }
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
        writer = csv.DictWriter(
            file, list(dict.fromkeys(k for row in found for k in row)), delimiter=";"
        )
        writer.writeheader()
        writer.writerows(found)


def by_name(path: Path) -> dict[str, dict[str, str]]:
    return {Path(row["file"]).name: row for row in rows(path)}


def evaluate(lab: Lab, *arguments: object) -> dict[str, dict[str, str]]:
    done = lab.run("reingest", "evaluate-videos", *arguments, "--json", "--yes")
    assert done.status == 0, done.err
    return by_name(lab.home / "icloud_video_report.csv")


def process(lab: Lab, *arguments: object, **more: str) -> Done:
    return lab.run(
        "reingest",
        "process-videos",
        "icloud_video_report.csv",
        "--staging",
        lab.folder / "staging",
        "--larger",
        "--json",
        *arguments,
        **more,
    )


def staged(lab: Lab) -> dict[str, str]:
    return {
        p: h for p, h in hashes(lab.folder / "staging").items() if not p.startswith(".catalog/")
    }


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
    assert (
        row["creation_time"] == "2019-07-12T16:30:15.000000Z"
        and row["datetime"] == "2019-07-12 18:30:15"
    )
    assert (row["audio_channels"], row["video_codec_needed"], row["audio_codec_needed"]) == (
        "2",
        "1",
        "1",
    )
    assert json.loads(row["apple_metadata"])["com.apple.quicktime.make"] == "Apple"
    assert (
        report["tape.mp4"]["video_codec_needed"] == "1" and report["x.avi"]["streams"]
    )  # so that a skip can be overruled
    data = (archive / "2019/cut.mov").read_bytes()
    (archive / "2019/cut.mov").write_bytes(data[: len(data) // 2])

    def by_hand(row: dict[str, str]) -> None:
        if row["file"].endswith("x.avi"):
            row["action"], row["datetime"] = "convert", "2003-04-05 06:07:08"
        if row["file"].endswith("old.mp4"):
            row["creation_time"] = "2019-07-12T10:00:00Z"

    edit(lab.home / "icloud_video_report.csv", by_hand)
    dry = process(lab, "--dryrun")
    assert (dry.status, dry.summary["planned"]) == (3, 7) and not (lab.folder / "staging").exists()
    done = process(lab)
    assert done.status == 3, done.err
    assert shown(dry) == shown(done, "copied", "converted")
    assert {p.rpartition("-")[0]: p for p in staged(lab)}.keys() == {
        "20190712_183015",
        "20190712_120000",
        "20030405_060708",
    }
    assert sorted(staged(lab)) == [
        "20030405_060708-x.mov",
        "20190712_120000-old.mov",
        "20190712_183015-camera.mov",
        "20190712_183015-fit.mov",
        "20190712_183015-hev1.mov",
        "20190712_183015-portrait.mov",
        "20190712_183015-web.mov",
    ]
    processed = by_name(lab.home / "icloud_video_report_processed.csv")
    assert processed["old.mp4"]["processing_status"] == "SUCCESS"
    assert processed["old.mp4"]["derived_file"] == str(
        lab.folder / "staging/20190712_120000-old.mov"
    )
    assert processed["tape.mp4"]["processing_status"] == "SKIPPED: taken in 1998, before 2000"
    assert (
        processed["fit.MOV"]["derived_hash"]
        == processed["fit.MOV"]["hash"]
        == staged(lab)["20190712_183015-fit.mov"]
    )
    refused = [line for line in done.lines if line.get("outcome") == "refused"]
    assert (
        len(refused) == 1 and "its content changed since it was evaluated" in refused[0]["reason"]
    )
    (archive / "2019/cut.mov").write_bytes(data)
    assert hashes(archive) == before
    dry, again = process(lab, "--dryrun"), process(lab)
    assert shown(dry) == shown(again, "converted")
    assert (
        again.status == 0 and again.summary["already"] == 7 and again.summary["converted"] == 0 + 1
    )  # the one repaired
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
    status = by_name(lab.home / "icloud_video_report_processed.csv")["camera.avi"][
        "processing_status"
    ]
    assert status.startswith("ERROR: UnreadableMedia: it is "), status
    assert sorted(os.listdir(lab.folder / "staging/.catalog")) == ["staging.json"]


def test_a_conversion_that_an_uploader_took_is_made_again_for_the_archive(videos: Lab):
    lab, archive = videos, videos.folder / "archive"
    fill(archive, ["2019/old.mp4", "2019/fit.MOV"])
    evaluate(lab, archive)
    assert process(lab).status == 0
    before = staged(lab)
    for name in before:
        (lab.folder / "staging" / name).unlink()
    want(lab)
    dry, failed = replace(lab, "--dryrun"), replace(lab)
    assert (
        failed.status == 3
        and "process-videos --again" in failed.out
        and shown(dry) == shown(failed)
    )
    told = process(lab)
    assert (
        told.status == 0
        and told.summary["already"] == 2
        and "--again stages it" in told.out
        and not staged(lab)
    )
    dry, done = process(lab, "--again", "--dryrun"), process(lab, "--again")
    assert done.status == 0, done.out
    assert shown(dry) == shown(done, "copied", "converted")
    assert (done.summary["converted"], done.summary["copied"]) == (1, 1) and staged(
        lab
    ).keys() == before.keys()
    assert process(lab, "--again").summary["already"] == 2 and len(lab.documents("handovers")) == 2
    want(lab)
    assert replace(lab).status == 0
    assert set(os.listdir(archive / "2019")) == {"old.mov", "fit.MOV"}


@pytest.mark.parametrize(
    "command", [["process_video_files"], ["catalog", "reingest", "process_video_files"]]
)
def test_the_commands_have_their_former_names(videos: Lab, command: list[str]):
    done = videos.run(*command, "none.csv", "--staging", videos.folder / "staging")
    assert done.status == 2 and "The report none.csv cannot be read" in done.err


def test_a_correction_after_the_handover_is_not_ignored(videos: Lab):
    lab, archive = videos, videos.folder / "archive"
    fill(archive, ["2019/fit.MOV", "2019/hev1.mp4"])
    report = lab.home / "icloud_video_report.csv"
    evaluate(lab, archive)
    done = process(lab)
    assert done.status == 0, done.err
    run, before, saved = done.summary["run"], staged(lab), report.read_bytes()

    def corrected(name: str, **cells: str) -> str:
        report.write_bytes(saved)
        edit(report, lambda row: row.update(cells) if row["file"].endswith(name) else None)
        dry = process(lab, "--dryrun")
        for _again in range(2):
            done = process(lab)
            assert shown(dry) == shown(done)
            assert (done.status, done.summary["failed"], done.summary["already"]) == (3, 1, 1)
        assert staged(lab) == before
        return next(str(line["reason"]) for line in done.lines if line.get("outcome") == "failed")

    assert f"its date was changed since: take that back with `catalog undo {run}`" in corrected(
        "hev1.mp4", datetime="2018-01-02 03:04:05", creation_time=""
    )
    assert "its date was changed since" in corrected("hev1.mp4", offset="-240", creation_time="")
    assert "its action was changed since" in corrected("fit.MOV", action="convert")
    report.write_bytes(saved)
    assert process(lab).summary["already"] == 2


# --- the archive gets the converted file ----------------------------------------------------------


def want(lab: Lab, *names: str) -> None:
    """A person's 1 in the column overwrite."""
    path = lab.home / "icloud_video_report_processed.csv"
    edit(
        path,
        lambda row: row.update(
            overwrite="1" if not names or Path(row["file"]).name in names else ""
        ),
    )


def replace(lab: Lab, *arguments: object, **more: str) -> Done:
    words = [
        "reingest",
        "replace-archived-media",
        "icloud_video_report_processed.csv",
        "--larger",
        "--json",
    ]
    return lab.run(*words, *arguments, **more)


def replaced(lab: Lab) -> dict[str, dict[str, str]]:
    return by_name(lab.home / "icloud_video_report_processed_replaced.csv")


def cataloged(lab: Lab, *names: str) -> dict[str, str]:
    """The films in the catalog, which a person has said something of:
    content hash by name of the source.
    """
    fill(lab.source, list(names))
    done = lab.upload()
    assert done.status == 0, done.err
    found = {Path(line["path"]).name: line["hash"] for line in done.lines if line.get("hash")}
    assert lab.catalog("tag", *found.values(), "--add", "holiday").status == 0
    assert lab.catalog("set", *found.values(), "rating=4", "title=By me", "--json").status == 0
    assert evaluate(lab, "--query", "kind:video").keys()
    done = process(lab)
    assert done.status == 0, done.err
    return found


def paths_of(document: dict[str, Any]) -> list[str]:
    return [copy["path"] for copy in document["copies"]]


def test_a_store_of_the_catalog_gets_the_converted_files_and_undo_takes_them_back(videos: Lab):
    lab = videos
    found = cataloged(lab, "2019/old.mp4", "2019/portrait.mov", "2019/web.webm")
    stored, documents = lab.stored(), lab.documents()
    want(lab, "old.mp4", "portrait.mov")
    names = {
        Path(row["file"]).name: row for row in rows(lab.home / "icloud_video_report_processed.csv")
    }
    want(lab, *(n for n, row in names.items() if row["hash"] != found["web.webm"]))
    dry = replace(lab, "--dryrun")
    assert dry.status == 0 and dry.summary["planned"] == 2
    assert lab.stored() == stored and not (lab.home / "failsafe").exists()
    done = replace(lab)
    assert done.status == 0, done.err
    assert done.summary["replaced"] == 2 and shown(dry) == shown(done, "replaced")
    after, now = lab.documents(), lab.stored()
    for name in ("old.mp4", "portrait.mov"):
        old = after[found[name]]
        (made,) = old["renditions"]
        new = after[made]
        assert new["rendition_of"] == found[name] and old["copies"] == [] and old["copy_count"] == 0
        (before,) = paths_of(documents[found[name]])
        assert paths_of(new) == [before.rpartition(".")[0] + ".mov"]
        assert now[paths_of(new)[0]] == made
        assert (new["tags"], new["rating"], new["title"]) == (["holiday", "icloud"], 4, "By me")
        assert new["person"] == old["person"] and new["video"]["codec"] == "hevc"
        assert new["captured"] == old["captured"] and new.get("place") == old.get("place")
        row = next(r for r in replaced(lab).values() if r["hash"] == found[name])
        assert row["replacement_status"] == "SUCCESS"
        assert content_hash(Path(row["failsafe_backup_path"]).read_bytes()) == found[name]
        assert int(row["source_file_size"]) == Path(row["failsafe_backup_path"]).stat().st_size
        assert int(row["converted_file_size"]) == (lab.root / paths_of(new)[0]).stat().st_size
    assert after[found["web.webm"]] == documents[found["web.webm"]]
    assert sorted(os.listdir(lab.home / "failsafe")) == sorted(
        Path(paths_of(documents[found[n]])[0]).name for n in ("old.mp4", "portrait.mov")
    )
    dry, again = replace(lab, "--dryrun"), replace(lab)
    assert again.status == 0 and again.summary["already"] == 2 and shown(dry) == shown(again)
    assert {row["action"] for row in evaluate(lab, "--query", "kind:video").values()} == {"skip"}
    run = next(iter(replaced(lab).values()))["run"]
    undone = lab.catalog("undo", run, "--json")
    assert undone.status == 0, (undone.out, undone.err)
    assert lab.stored() == stored
    back = lab.documents()
    assert back.keys() == documents.keys()
    for digest, document in back.items():
        assert paths_of(document) == paths_of(documents[digest])
        assert "renditions" not in document and "rendition_of" not in document
        assert document["tags"] == ["holiday", "icloud"]


def test_a_movie_of_a_live_photo_keeps_its_role_and_its_sidecar_goes_along(videos: Lab):
    lab = videos
    make(lab.source / "IMG_0001.mov", Film(turned=90, metadata=APPLE), mtime=SUMMER_2019)
    put(lab.source, {"IMG_0001.jpg": jpeg("live"), "IMG_0001.mov.xmp": XMP}, mtime=SUMMER_2019)
    assert lab.upload().status == 0
    (movie,) = [d for d in lab.documents().values() if d["kind"] == "video"]
    assert movie["stack"]["role"] == "live" and len(movie["sidecars"]) == 1
    evaluate(lab, "--query", "kind:video")
    assert process(lab).status == 0
    want(lab)
    done = replace(lab)
    assert done.status == 0, done.err
    made = lab.documents()[lab.documents()[movie["hash"]]["renditions"][0]]
    assert made["stack"] == movie["stack"] and made["sidecars"] == movie["sidecars"]
    assert "sidecars" not in lab.documents()[movie["hash"]]
    before = lab.documents()
    synced = lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--json")
    assert synced.status == 0, (synced.out, synced.err)
    assert lab.documents() == before  # catalog and disk agree
    lacking = lab.catalog("copies", "--fewer-than", 2, "--json").lines
    assert movie["hash"] not in [line.get("hash") for line in lacking]
    assert lab.documents()[movie["hash"]]["renditions"][0] in [line.get("hash") for line in lacking]
    assert lab.catalog("undo", next(iter(replaced(lab).values()))["run"]).status == 0
    assert lab.documents()[movie["hash"]]["sidecars"] == movie["sidecars"]


def test_a_folder_gets_the_converted_files_and_undo_brings_the_originals_back(videos: Lab):
    lab, archive = videos, videos.folder / "archive"
    fill(archive, ["2019/old.mp4", "2019/portrait.mov", "2019/web.webm"])
    (archive / "2019/web.mov").write_bytes(b"another film")
    before = hashes(archive)
    evaluate(lab, archive)
    assert process(lab).status == 0
    want(lab)
    failsafe = lab.folder / "kept"
    failsafe.mkdir()
    (failsafe / "old.mp4").write_bytes(b"of another folder")
    dry, done = (replace(lab, "--failsafe", failsafe, *more) for more in (("--dryrun",), ()))
    assert done.status == 0, done.err
    assert shown(dry) == shown(done, "replaced")
    made = {name: row["derived_hash"] for name, row in replaced(lab).items()}
    assert hashes(archive) == {
        "2019/old.mov": made["old.mp4"],
        "2019/portrait.mov": made["portrait.mov"],
        "2019/web.mov": before["2019/web.mov"],
        "2019/web_1.mov": made["web.webm"],
    }
    assert hashes(failsafe) == {
        "old.mp4": content_hash(b"of another folder"),
        "old_1.mp4": before["2019/old.mp4"],
        "portrait.mov": before["2019/portrait.mov"],
        "web.webm": before["2019/web.webm"],
    }
    assert replaced(lab)["old.mp4"]["failsafe_backup_path"] == str(failsafe / "old_1.mp4")
    assert {row["action"] for name, row in evaluate(lab, archive).items() if name != "web.mov"} == {
        "skip"
    }
    kept, told = (
        hashes(lab.folder),
        (lab.home / "icloud_video_report_processed_replaced.csv").read_bytes(),
    )
    dry = replace(lab, "--undo", "--dryrun", CATALOG_MOVE_LIMIT="1")
    assert dry.status == 0 and (dry.summary["planned"], dry.summary["already"]) == (3, 0)
    assert [line["action"] for line in dry.lines[:-1]] == ["undo"] * 3
    assert {p: h for p, h in hashes(lab.folder).items() if "/state/" not in p} == {
        p: h for p, h in kept.items() if "/state/" not in p
    }
    failed = replace(lab, "--undo", "--failsafe", lab.folder / "elsewhere")
    assert (
        failed.status == 3
        and failed.summary["undone"] == 0
        and not (lab.folder / "elsewhere").exists()
    )
    assert "its backup is not in" in failed.out and "--failsafe" in failed.out
    assert (lab.home / "icloud_video_report_processed_replaced.csv").read_bytes() == told
    undone = replace(
        lab, "--undo", CATALOG_MOVE_LIMIT="1"
    )  # the report knows where the backups lie
    assert shown(dry) == shown(undone, "undone")
    assert undone.status == 0 and (undone.summary["undone"], undone.summary["already"]) == (3, 0)
    assert replace(lab, "--undo").summary["already"] == 3
    assert hashes(archive) == before and not (lab.home / "failsafe").exists()
    assert (archive / "2019/old.mp4").stat().st_mtime == SUMMER_2019


def test_nothing_is_removed_where_the_converted_file_or_the_failsafe_folder_is_not_as_it_should_be(
    videos: Lab,
):
    lab = videos
    converted(lab, "store")
    stored, documents = lab.stored(), lab.documents()
    (name,) = staged(lab)
    path = lab.folder / "staging" / name
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"\0")
    dry, failed = replace(lab, "--dryrun"), replace(lab)
    assert failed.status == 3 and shown(dry) == shown(failed)
    assert (
        "is not the one that was made" in next(iter(replaced(lab).values()))["replacement_status"]
    )
    path.write_bytes(data)
    within = replace(lab, "--failsafe", lab.root / "inside")
    assert within.status == 4 and "lies inside the catalog" in within.err
    (lab.folder / "file").write_bytes(b"")
    refused = replace(lab, "--failsafe", lab.folder / "file")
    assert refused.status == 2 and "is a file, not a folder" in refused.err
    assert lab.stored() == stored and lab.documents() == documents


def converted(lab: Lab, where: str) -> list[dict[str, str]]:
    """A film in a store of the catalog, or in a folder, that was converted and is wanted there."""
    if where == "store":
        cataloged(lab, "2019/portrait.mov")
    else:
        fill(lab.folder / "archive", ["2019/portrait.mov"])
        evaluate(lab, lab.folder / "archive")
        assert process(lab).status == 0
    want(lab)
    return rows(lab.home / "icloud_video_report_processed.csv")


def broken(*_words: object) -> None:
    raise StoreError("the disk broke")


@pytest.mark.parametrize("where", ["store", "folder"])
def test_a_replacement_that_fails_half_way_puts_the_original_back(
    videos: Lab, where: str, monkeypatch: pytest.MonkeyPatch
):
    lab = videos
    (row,) = converted(lab, where)
    before, documents = hashes(lab.folder / "archive"), lab.documents()
    report = lab.home / "icloud_video_report_processed.csv"
    for fails in ("_put", "_verify"):
        with monkeypatch.context() as patch:
            patch.setattr(f"catalog.features.reingest.replacement.swap.Swap.{fails}", broken)
            done = lab.run("replace_archived_media", report, "--larger")
        assert done.status == 3 and "the disk broke" in done.err
        (told,) = replaced(lab).values()
        assert told["replacement_status"] == "ERROR: StoreError: the disk broke"
        assert content_hash(Path(row["file"]).read_bytes()) == row["hash"]
        assert hashes(lab.folder / "archive") == before
        if where == "store":
            after = lab.documents()
            assert after.keys() == documents.keys() and "renditions" not in after[row["hash"]]
            assert paths_of(after[row["hash"]]) == paths_of(documents[row["hash"]])
    assert replace(lab).status == 0
    assert content_hash(Path(row["file"]).read_bytes()) == row["derived_hash"]


# --- killed at any moment -------------------------------------------------------------------------


def test_a_conversion_that_is_killed_leaves_nothing_and_is_done_again(videos: Lab):
    lab, archive = videos, videos.folder / "archive"
    make(
        archive / "2019/long.mp4", Film(size=(640, 480), frames=150, sound="aac"), mtime=SUMMER_2019
    )
    evaluate(lab, archive)
    slow = {"CATALOG_REINGEST_PRESET": "veryslow"}
    running = lab.start(
        "reingest",
        "process-videos",
        "icloud_video_report.csv",
        "--staging",
        lab.folder / "staging",
        **slow,
    )
    scratch = lab.folder / "staging/.catalog/tmp"
    wait_for(lambda: any(p.stat().st_size for p in scratch.glob("*/made.mov")), running)
    children = psutil.Process(running.pid).children(recursive=True)
    running.kill()
    ended(running)
    gone, alive = psutil.wait_procs([c for c in children if "ffmpeg" in c.name()], timeout=20)
    assert gone and not alive
    assert staged(lab) == {}
    assert any(scratch.iterdir())
    done = process(lab)
    assert done.status == 0, done.err
    assert list(staged(lab)) == ["20190712_183015-long.mov"]
    assert not scratch.exists()


def test_ctrl_c_ends_a_conversion_at_once_and_leaves_nothing(videos: Lab):
    lab, archive = videos, videos.folder / "archive"
    make(archive / "2019/long.mp4", Film(size=(640, 480), frames=150), mtime=SUMMER_2019)
    evaluate(lab, archive)
    words = [
        "reingest",
        "process-videos",
        "icloud_video_report.csv",
        "--staging",
        lab.folder / "staging",
    ]
    running = lab.start(*words, CATALOG_REINGEST_PRESET="veryslow")
    scratch = lab.folder / "staging/.catalog/tmp"
    wait_for(lambda: any(p.stat().st_size for p in scratch.glob("*/made.mov")), running)
    running.send_signal(signal.SIGINT)
    done = ended(running)
    assert done.status == 130 and "Interrupted" in done.err
    assert staged(lab) == {} and not scratch.exists()


def test_a_converted_file_that_nobody_recorded_is_found_again(videos: Lab):
    lab, archive = videos, videos.folder / "archive"
    fill(archive, ["2019/old.mp4"])
    evaluate(lab, archive)
    assert process(lab).status == 0
    before = staged(lab)
    (key,) = lab.documents("handovers")
    lab.ask("DELETE", f"{lab.index}-handovers/_doc/{key}?refresh=true")
    (lab.home / "icloud_video_report_processed.csv").unlink()
    done = process(lab, CATALOG_REINGEST_PRESET="slow")  # which would make another file
    assert done.status == 0 and staged(lab) == before
    assert len(lab.documents("handovers")) == 1
    (lab.home / "icloud_video_report_processed.csv").unlink()
    (lab.folder / "staging" / next(iter(before))).unlink()  # uploaded
    done = process(lab)
    assert done.summary["already"] == 1 and staged(lab) == {}
    assert by_name(lab.home / "icloud_video_report_processed.csv")["old.mp4"][
        "derived_hash"
    ] == next(iter(before.values()))
