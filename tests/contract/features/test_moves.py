"""`--move`, sidecars and shots: what may leave a source, with whom, and when."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from clip_makers import encode_sound, movie, mvhd, seconds_1904, trak
from PIL import Image, TiffImagePlugin, TiffTags
from running import MTIME, SUMMER, Done, Lab, hashes, journal_lines, jpeg, png, put

from catalog.domain.asset import Entry
from catalog.domain.fixity import content_hash
from catalog.errors import CatalogError, StoreError, UnreadableMedia
from catalog.features.ingest.records import IndexRecordWriter
from catalog.stores.local.store import LocalStore
from catalog.work.workers import ReaderPool

MAY = "2015:05:05 05:05:05"
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/"
exif:DateTimeOriginal="2015-05-05T05:05:05"/></rdf:RDF></x:xmpmeta>"""
TAKEOUT = json.dumps({"title": "IMG_1.png", "photoTakenTime": {"timestamp": "1500000000"}}).encode()


def raw(seed: int, taken: str = SUMMER) -> bytes:
    """A DNG of the moment of `jpeg`: the date lies in its first directory."""
    buffer = io.BytesIO()
    picture = Image.new("RGB", (24, 24), (seed, 9, 9))
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info.tagtype[0x9003] = TiffTags.ASCII
    info.update(
        {
            0xC612: b"\x01\x04\0\0",
            271: "Apple",
            272: "iPhone 12",
            **({0x9003: taken} if taken else {}),
        }
    )
    picture.save(buffer, "TIFF", tiffinfo=info)
    return buffer.getvalue()


def sidecars(lab: Lab, content: bytes) -> list[str]:
    """Where the document of a content says its sidecars lie."""
    return sorted(s["path"] for s in lab.documents()[content_hash(content)].get("sidecars", []))


# --- one file seen twice --------------------------------------------------------------------------


def test_a_source_that_is_the_catalogs_own_file_stays(lab: Lab) -> None:
    """A year of the catalog is a link to the source: nothing goes there, nor is it taken away."""
    disk = lab.source / "2019"
    put(disk / "07_July", {"2019-07-12 18-30-15.jpg": jpeg(1)})
    lab.root.mkdir()
    (lab.root / "2019").symlink_to(disk)
    done = lab.upload("--move")
    assert done.status == 3 and "behind the symbolic link 2019" in done.out
    assert hashes(lab.source) == {"2019/07_July/2019-07-12 18-30-15.jpg": content_hash(jpeg(1))}


def test_a_hard_link_of_a_catalog_file_stays(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1)})
    assert lab.upload().status == 0
    (stored,) = lab.stored()
    (lab.source / "a.jpg").unlink()
    (lab.source / "a.jpg").hardlink_to(lab.root / stored)
    assert lab.upload("--move").status == 3
    assert (lab.source / "a.jpg").exists() and lab.stored() == {stored: content_hash(jpeg(1))}


def test_the_catalog_seen_by_another_mount_is_neither_read_nor_emptied(lab: Lab) -> None:
    """Another mount of a share looks like another disk; its marker tells."""
    put(lab.source, {"a.jpg": jpeg(1)})
    assert lab.upload().status == 0
    shutil.copytree(lab.root, lab.source / "share")
    before = hashes(lab.source / "share")
    done = lab.upload("--move")
    assert done.status == 3 and "a folder of the catalog itself" in done.out
    assert hashes(lab.source / "share") == before and not (lab.source / "a.jpg").exists()
    done = lab.upload("--move", source=lab.source / "share" / "2019")
    assert done.status == 4 and "by its marker" in done.err
    assert hashes(lab.source / "share") == before


# --- sidecars -------------------------------------------------------------------------------------


def test_a_sidecar_that_came_later_is_stored_with_its_photo(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1)})
    assert lab.upload().status == 0
    put(lab.source, {"a.xmp": XMP})
    done = lab.upload()
    assert (done.status, done.summary["duplicate"]) == (0, 1)
    assert sidecars(lab, jpeg(1)) == ["2019/07_July/2019-07-12 18-30-15.xmp"]
    lab.check_no_ghosts()
    put(lab.source, {"a.xmp": XMP + b"<!-- edited -->"}, mtime=MTIME + 5)
    assert lab.upload().status == 0
    assert sidecars(lab, jpeg(1)) == [
        "2019/07_July/2019-07-12 18-30-15.jpg.xmp",
        "2019/07_July/2019-07-12 18-30-15.xmp",
    ]
    lab.check_no_ghosts()
    before = lab.documents("events")
    assert lab.upload().status == 0 and lab.documents("events") == before
    assert lab.upload("--move").status == 0
    assert hashes(lab.source) == {}
    lab.check_no_ghosts()


def test_a_duplicate_brings_its_own_sidecar(lab: Lab) -> None:
    put(
        lab.source,
        {"one/a.jpg": jpeg(1), "one/a.xmp": XMP, "two/b.jpg": jpeg(1), "two/b.xmp": b"<x/>"},
    )
    done = lab.upload("--move")
    assert (done.status, done.summary["new"], done.summary["duplicate"]) == (0, 1, 1)
    assert len(sidecars(lab, jpeg(1))) == 2
    assert set(lab.stored().values()) == {content_hash(d) for d in (jpeg(1), XMP, b"<x/>")}
    assert hashes(lab.source) == {}
    lab.check_no_ghosts()


def test_a_raw_that_came_later_gets_its_sidecar_and_its_stack(lab: Lab) -> None:
    put(lab.source, {"q.jpg": jpeg(1)})
    assert lab.upload().status == 0
    put(lab.source, {"q.dng": raw(1), "q.xmp": b"<x/>"})
    assert lab.upload("--move").status == 0
    assert hashes(lab.source) == {}
    assert sorted(lab.stored()) == [
        f"2019/07_July/2019-07-12 18-30-15.{e}" for e in ("dng", "jpg", "xmp")
    ]
    stacks = [lab.documents()[content_hash(d)]["stack"] for d in (jpeg(1), raw(1))]
    assert stacks == [
        {"id": content_hash(jpeg(1)), "role": "jpeg"},
        {"id": content_hash(jpeg(1)), "role": "raw"},
    ]
    lab.check_no_ghosts()


def test_a_lost_copy_that_is_stored_again_brings_its_sidecar(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1)})
    assert lab.upload().status == 0
    (lab.root / next(iter(lab.stored()))).unlink()
    put(lab.source, {"a.jpg.xmp": XMP.replace(b"2015-05-05T05:05:05", b"2019-07-12T18:30:15")})
    assert lab.upload("--move").status == 0
    assert len(sidecars(lab, jpeg(1))) == 1 and hashes(lab.source) == {}
    lab.check_no_ghosts()


def test_a_sidecar_that_cannot_be_read_keeps_its_photo_in_the_source(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "a.xmp": XMP, "b.jpg": jpeg(2)})
    checksum = LocalStore.checksum

    def vanishing(self: LocalStore, path: str) -> str:
        if path == "a.xmp":
            (lab.source / "a.xmp").unlink()
        return checksum(self, path)

    monkeypatch.setattr(LocalStore, "checksum", vanishing)
    done = lab.upload("--move")
    assert done.status == 3 and "stored, but not its sidecar a.xmp" in done.out
    assert set(hashes(lab.source)) == {"a.jpg"}
    assert set(lab.documents()) == {content_hash(jpeg(1)), content_hash(jpeg(2))}
    lab.check_no_ghosts()


def test_a_sidecar_that_failed_once_is_stored_by_the_next_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "a.xmp": XMP})
    really = LocalStore.put

    def failing(self: LocalStore, path: str, *rest: Any) -> Entry:
        if path.endswith(".xmp"):
            raise StoreError("no")
        return really(self, path, *rest)

    monkeypatch.setattr(LocalStore, "put", failing)
    for _run in range(2):
        assert lab.upload().status == 3
    monkeypatch.undo()
    assert lab.upload().status == 0
    assert len(sidecars(lab, jpeg(1))) == 1
    lab.check_no_ghosts()


@pytest.mark.parametrize("later", [{"q.xmp": b"<x/>"}, {"q.dng": raw(1)}], ids=["sidecar", "raw"])
def test_what_was_cut_off_before_it_was_amended_is_amended_by_the_next_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, later: dict[str, bytes]
) -> None:
    put(lab.source, {"q.jpg": jpeg(1)})
    assert lab.upload().status == 0
    put(lab.source, later)

    def cut_off(*_arguments: Any) -> None:
        raise CatalogError("cut off")

    monkeypatch.setattr(IndexRecordWriter, "amend", cut_off)
    assert lab.upload().status == 1
    monkeypatch.undo()
    assert lab.upload().status == 0
    document = lab.documents()[content_hash(jpeg(1))]
    assert ("sidecars" if "q.xmp" in later else "stack") in document
    lab.check_no_ghosts()


def test_an_unchanged_source_writes_nothing_whatever_lies_beside_it(lab: Lab) -> None:
    put(
        lab.source,
        {
            "a.jpg": jpeg(1),
            "a.txt": b"about a",
            "b.jpg": jpeg(2),
            "b.xmp": XMP,
            "c.jpg": jpeg(3),
            "c.dng": raw(3),
        },
    )
    put(lab.source, {"again/a.jpg": jpeg(1)})
    assert lab.upload().status == 0
    before = [lab.documents(what) for what in ("", "events", "sources")]
    for _run in range(2):
        done = lab.upload()
        assert (done.status, done.summary["duplicate"]) == (0, 5)
        assert [lab.documents(what) for what in ("", "events", "sources")] == before


# --- two runs at once -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "also", [{}, {"foo.jpg": jpeg(5), "foo.xmp": b"<other/>"}], ids=["alone", "with a namesake"]
)
def test_a_run_that_was_overtaken_loses_no_sidecar_and_takes_none_away(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, also: dict[str, bytes]
) -> None:
    """While this run copies a photo, another one stores the same content under another name."""
    other = lab.folder / "other"
    put(lab.source, {"foo.png": png(1), "foo.xmp": XMP})
    put(other, {"bar.png": png(1), **also})
    really, overtaken = LocalStore.put, []

    def overtaking(self: LocalStore, path: str, *rest: Any) -> Entry:
        if not overtaken:
            overtaken.append(path)
            assert lab.upload(source=other, process=True).status == 0
        return really(self, path, *rest)

    monkeypatch.setattr(LocalStore, "put", overtaking)
    assert lab.upload("--move").status == 0
    assert hashes(lab.source) == {}
    contents = [png(1), XMP, *also.values()]
    assert sorted(lab.stored().values()) == sorted(map(content_hash, contents))
    assert len(sidecars(lab, png(1))) == 1
    lab.check_no_ghosts()


def test_two_moves_of_one_source_at_once(lab: Lab) -> None:
    put(
        lab.source,
        {f"{n}.jpg": jpeg(n) for n in range(40)} | {f"again/{n}.jpg": jpeg(n) for n in range(40)},
    )
    both = [lab.uploading("--move") for _ in range(2)]
    done = [(process.communicate(timeout=120), process.returncode) for process in both]
    assert all(status in (0, 3) for _streams, status in done), done
    assert set(lab.documents()) == {content_hash(jpeg(n)) for n in range(40)}
    assert lab.upload("--move").status == 0
    assert hashes(lab.source) == {}
    lab.check_no_ghosts()


# --- shots ----------------------------------------------------------------------------------------


def test_a_limit_divides_no_shot_in_the_source(lab: Lab) -> None:
    """Their date is in the sidecar: whoever stays behind without it would be misdated."""
    put(lab.source, {"u.jpg": jpeg(1, taken=None), "u.nef": raw(2, ""), "u.xmp": XMP})
    first = lab.upload("--move", "--limit", "1")
    assert (first.status, first.summary["new"]) == (0, 1)
    assert set(hashes(lab.source)) == {"u.jpg", "u.nef", "u.xmp"}
    assert "until the rest of its shot" in first.out
    assert lab.upload("--move", "--limit", "1").status == 0
    assert hashes(lab.source) == {}
    assert sorted(lab.stored()) == [
        f"2015/05_May/2015-05-05 05-05-05.{e}" for e in ("jpg", "nef", "xmp")
    ]
    lab.check_no_ghosts()


def test_an_unreadable_member_keeps_its_shot(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    put(
        lab.source,
        {
            "u.jpg": jpeg(1, taken=None),
            "u.png": png(1),
            "u.xmp": XMP,
            "v.jpg": jpeg(2),
            "v.pdf": b"%PDF-1.7",
        },
    )
    receive = ReaderPool._receive

    def failing(self: Any, *rest: Any) -> Any:
        for tag, result in receive(self, *rest):
            is_lost = tag[1] == "u.png"
            yield tag, UnreadableMedia("the process that read it died") if is_lost else result

    monkeypatch.setattr(ReaderPool, "_receive", failing)
    assert lab.upload("--move").status == 3
    assert set(hashes(lab.source)) == {"u.jpg", "u.png", "u.xmp", "v.pdf"}
    monkeypatch.undo()
    assert lab.upload("--move").status == 0
    assert set(hashes(lab.source)) == {"v.pdf"}
    assert sum(path.startswith("2015/05_May") for path in lab.stored()) == 3
    lab.check_no_ghosts()


def test_a_description_shared_with_an_edit_serves_both_in_a_large_folder(lab: Lab) -> None:
    put(lab.source, {f"a{n:03d}.png": png(n) for n in range(127)})
    put(
        lab.source, {"IMG_1.png": png("x"), "IMG_1-edited.png": png("y"), "IMG_1.png.json": TAKEOUT}
    )
    done = lab.upload("--move")
    assert (done.status, done.summary["new"]) == (0, 129)
    assert hashes(lab.source) == {}
    assert sum(path.startswith("2017/07_July") for path in lab.stored()) == 3
    lab.check_no_ghosts()


def test_hard_linked_duplicates_both_leave(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1)})
    os.link(lab.source / "a.jpg", lab.source / "b.jpg")
    done = lab.upload("--move")
    assert (done.status, done.summary["new"], done.summary["duplicate"]) == (0, 1, 1)
    assert hashes(lab.source) == {}


@pytest.mark.parametrize("link", ["u.nef", "u.xmp"])
def test_a_link_keeps_its_shot(lab: Lab, link: str) -> None:
    """What it points to may hold the date of the others, or need theirs."""
    files = {"u.jpg": jpeg(1, taken=None), "u.xmp": XMP, "v.jpg": jpeg(2)}
    files.pop(link, None)
    put(lab.source, files)
    (lab.source / link).symlink_to(lab.folder / "elsewhere")
    done = lab.upload("--move")
    assert (done.status, done.summary["failed"], done.summary["ignored"]) == (0, 0, 1)
    assert set(hashes(lab.source)) == files.keys() - {"v.jpg"}


def test_links_are_ignored_and_counted_whatever_they_point_to(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "sub/b.jpg": jpeg(2)})
    for name, target in (
        ("to_file.jpg", "a.jpg"),
        ("to_folder", "sub"),
        ("to_folder.jpg", "sub"),
        ("nowhere.jpg", "gone"),
        ("round.jpg", "round.jpg"),
        ("out.xmp", "/etc/passwd"),
    ):
        (lab.source / name).symlink_to(target)
    for more in (["--dryrun"], [], ["--move"]):
        done = lab.upload(*more)
        assert (done.status, done.summary["failed"], done.summary["ignored"]) == (0, 0, 6), done.err
    reasons = {row["reason"] for row in done.lines if row.get("outcome") == "ignored"}
    assert reasons == {"a symbolic link (links are not followed)"}
    assert len(left := [p for p in lab.source.rglob("*") if not p.is_dir()]) == 4
    assert all(path.is_symlink() for path in left)
    put(lab.source, {"c.jpg": jpeg(3)})
    told = lab.run("images_in_directory", lab.source, "-r", "--format", "jsonl")
    assert told.status == 0 and [line["path"] for line in told.lines] == ["c.jpg"]
    types = lab.run("list_all_file_types", lab.source, "-r", "--json").lines
    assert sum(row["files"] for row in types if row["type"] == "link") == 6


def test_a_duplicate_never_waits_for_a_copy_behind_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy fails; the same content comes again in the next batch,
    and is copied behind the first one's duplicates.
    """
    put(lab.source, {f"a{n:03d}.jpg": jpeg(n) for n in range(125)})
    put(
        lab.source,
        {"a000.jpg": jpeg("F"), "y1.jpg": jpeg("F"), "y2.jpg": jpeg("F"), "z.jpg": jpeg("F")},
    )
    put(lab.source, {f"zz{n}.jpg": jpeg(f"late {n}") for n in range(40)})
    really, failed = LocalStore.put, []

    def slow(self: LocalStore, path: str, *rest: Any) -> Entry:
        time.sleep(0.02)
        if not failed:
            failed.append(path)
            raise StoreError("no")
        return really(self, path, *rest)

    monkeypatch.setattr(LocalStore, "put", slow)
    assert lab.upload().status == 3
    monkeypatch.undo()
    assert lab.upload().status == 0
    lab.check_no_ghosts()


def test_the_names_of_a_dry_run_are_those_of_the_real_run_over_many_months(lab: Lab) -> None:
    months = [f"{2001 + n // 12}:{n % 12 + 1:02d}:05 10:00:00" for n in range(90)]
    put(lab.source, {f"a/{n:03d}.jpg": jpeg(n, taken) for n, taken in enumerate(months)})
    put(lab.source, {f"b/{n:03d}.jpg": jpeg(f"b{n}", taken) for n, taken in enumerate(months)})

    def targets(done: Done) -> list[str]:
        return sorted(line["target"] for line in done.lines if line.get("action") == "copy")

    planned = targets(lab.upload("--dryrun"))
    assert planned == targets(lab.upload()) and len(set(planned)) == 180


def test_interrupted_at_the_last_copies_everything_is_recorded(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {f"{n}.jpg": jpeg(n) for n in range(30)})
    really, count = LocalStore.put, []

    def slow(self: LocalStore, path: str, *rest: Any) -> Entry:
        count.append(path)
        if len(count) == 10:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        return really(self, path, *rest)

    monkeypatch.setattr(LocalStore, "put", slow)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = lab.upload("--move").status
    finally:
        signal.signal(signal.SIGINT, before)
    assert status == 130 and len(count) < 30
    assert len(lab.documents()) == len(lab.stored()) == 30 - len(hashes(lab.source))
    lab.check_no_ghosts()


# --- records --------------------------------------------------------------------------------------


def test_every_removal_is_in_the_journal(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "a.xmp": XMP, "b.jpg": jpeg(1)})
    assert lab.upload("--move").status == 0
    (journal,) = (lab.home / "state" / "journal").glob("*.jsonl")
    rows = [json.loads(line) for line in journal.read_text().splitlines()]
    for path in ("a.jpg", "a.xmp", "b.jpg"):
        assert [r["state"] for r in rows if r["action"] == "remove" and r["source"] == path] == [
            "started",
            "done",
        ]
    removed = next(n for n, r in enumerate(rows) if r["action"] == "remove")
    copied = next(n for n, r in enumerate(rows) if (r["action"], r["state"]) == ("copy", "done"))
    assert copied < removed and journal_lines(lab) == len(rows)


def test_a_refused_record_leaves_no_file_no_source_and_no_event(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "a.xmp": XMP})
    create = IndexRecordWriter.create_lines

    def unfit(self: Any, action: Any, *rest: Any) -> list[Any]:
        lines = create(self, action, *rest)
        lines[1]["no such field"] = 1
        return lines

    monkeypatch.setattr(IndexRecordWriter, "create_lines", unfit)
    assert lab.upload().status == 3
    assert (lab.stored(), lab.documents(), lab.documents("events"), lab.documents("sources")) == (
        {},
        {},
        {},
        {},
    )
    monkeypatch.undo()
    assert lab.upload().status == 0
    lab.check_no_ghosts()


def test_an_event_that_is_refused_takes_no_file_away(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"a.jpg": jpeg(1)})
    create = IndexRecordWriter.create_lines

    def unfit(self: Any, action: Any, *rest: Any) -> list[Any]:
        lines = create(self, action, *rest)
        lines[-1]["no such field"] = 1
        return lines

    monkeypatch.setattr(IndexRecordWriter, "create_lines", unfit)
    done = lab.upload("--move")
    assert done.status == 3 and "stored, but not in the history" in done.out
    assert hashes(lab.source) == {"a.jpg": content_hash(jpeg(1))}
    lab.check_no_ghosts()


def test_a_copy_that_was_edited_in_place_is_noticed_and_stored_again(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1)})
    assert lab.upload().status == 0
    (path,) = lab.stored()
    damaged = bytearray(jpeg(1))
    damaged[-20] ^= 255
    (lab.root / path).write_bytes(damaged)
    done = lab.upload()
    assert (done.status, done.summary["new"]) == (0, 1)
    copies = {c["path"]: c["state"] for c in lab.documents()[content_hash(jpeg(1))]["copies"]}
    assert copies == {path: "damaged", path.replace(".jpg", "_1.jpg"): "ok"}
    assert (lab.root / path).read_bytes() == damaged  # nothing is overwritten


def test_nobody_reading_the_output_stops_no_upload(lab: Lab, tmp_path: Path) -> None:
    put(lab.source, {f"{n}.jpg": jpeg(n) for n in range(60)} | {"a.txt": b"no photo"})
    process = lab.uploading()
    assert process.stdout and process.stderr
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), errors) == (0, "")
    assert len(lab.documents()) == 60


def test_sound_alone_that_is_called_a_film_is_left_in_the_source(lab: Lab, tmp_path: Path) -> None:
    memo = encode_sound(tmp_path / "memo.mp4").read_bytes()
    put(lab.source, {"IMG_1.jpg": jpeg(1), "IMG_1.mp4": memo, "memo.MP4": memo})
    done = lab.upload("--move")
    assert (done.status, done.summary["new"], done.summary["unsupported"]) == (0, 1, 2)
    assert {r["reason"] for r in done.summary["reasons"]} == {"it holds sound alone"}
    assert sorted(p.name for p in lab.source.iterdir()) == ["IMG_1.mp4", "memo.MP4"]
    assert lab.documents().keys() == {content_hash(jpeg(1))}


def test_hidden_files_and_bins_are_counted_and_left_alone(lab: Lab) -> None:
    put(
        lab.source,
        {
            "a.jpg": jpeg(1),
            ".hidden.jpg": jpeg(2),
            ".Trash-1000/files/b.jpg": jpeg(3),
            "@eaDir/a.jpg/THUMB.jpg": jpeg(4),
            "#recycle/c.jpg": jpeg(5),
            "Thumbs.db": b"x",
        },
    )
    done = lab.upload("--move")
    assert (done.status, done.summary["new"], done.summary["ignored"]) == (0, 1, 5)
    assert len(hashes(lab.source)) == 5


def test_a_folder_of_the_catalog_that_is_a_link_to_another_disk_is_refused_with_the_reason(
    lab: Lab, tmp_path: Path
) -> None:
    here = lab.folder.stat().st_dev
    disks = [p for p in (Path("/dev/shm"), tmp_path) if p.is_dir() and p.stat().st_dev != here]
    if not disks:
        pytest.skip("no second file system to write to")
    put(lab.source, {"a.jpg": jpeg(1)})
    place = disks[0] / lab.index
    place.mkdir()
    try:
        lab.root.mkdir()
        (lab.root / "2019").symlink_to(place)
        done = lab.upload("--move")
        assert done.status == 3 and "behind the symbolic link 2019" in done.out
        assert hashes(lab.source) == {"a.jpg": content_hash(jpeg(1))} and not list(
            place.rglob("*.jpg")
        )
    finally:
        shutil.rmtree(place)


def test_an_upload_says_which_videos_its_guess_of_the_zone_dates(lab: Lab) -> None:
    def film(number: int) -> bytes:
        moment = datetime(2019, 7, 12, 16, 30, number)
        return movie(mvhd(seconds_1904(moment)), trak(), brand=b"isom")

    put(lab.source, {"a.mp4": film(1), "b.mp4": film(2), "20190712_183003.mp4": film(3)})
    done = lab.upload("--dryrun", CATALOG_HOME_ZONE="Europe/Brussels")
    assert "2 videos are dated by your home zone Europe/Brussels" in done.err + done.out
    done = lab.upload(CATALOG_HOME_ZONE="Europe/Brussels")
    assert "2 videos are dated by your home zone Europe/Brussels" in done.err + done.out
    assert sorted(lab.stored()) == [
        f"2019/07_July/filmchen/2019-07-12 18-30-0{n}.mp4" for n in (1, 2, 3)
    ]
    done = lab.upload(CATALOG_HOME_ZONE="Europe/Brussels")
    assert "home zone" not in done.err + done.out
