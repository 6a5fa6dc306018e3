"""`upload_to_nas_from_disk` as a person meets it: names, duplicates, moves, dry runs,
outputs and refusals.
"""

from __future__ import annotations

import io
import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from running import GHENT, MTIME, SUMMER, Lab, clip, hashes, jpeg, many, png, put, tree

from catalog.domain.fixity import content_hash
from catalog.work.workers import ReaderPool

pytestmark = pytest.mark.node
FIELDS = {"action", "store", "path", "hash", "outcome", "reason"}
COUNTS = {
    "files",
    "new",
    "duplicate",
    "unsupported",
    "ignored",
    "failed",
    "planned",
    "bytes",
    "bytes_read",
    "seconds",
}


def dng() -> bytes:
    buffer = io.BytesIO()
    about = {0xC612: b"\x01\x04\x00\x00", 306: SUMMER, 271: "Apple", 272: "iPhone 12"}
    Image.new("RGB", (24, 24), (9, 9, 9)).save(buffer, "TIFF", tiffinfo=about)
    return buffer.getvalue()


def test_names_and_folders(lab: Lab) -> None:
    put(
        lab.source,
        {
            "DCIM/IMG_0001.JPG": jpeg(1, position=GHENT),
            "DCIM/IMG_0002.JPG": jpeg(2),
            "DCIM/IMG_0003.JPG": jpeg(3),
            "chat/IMG-20200101-WA0001.jpg": jpeg(4, taken=None),
            "scan/Old Name.PNG": png(5),
            "live/IMG_0100.JPG": jpeg(6, "2018:01:02 03:04:05", GHENT),
            "raw/IMG_0200.JPG": jpeg(7, "2017:01:02 03:04:05"),
            "raw/IMG_0200.DNG": dng().replace(SUMMER.encode(), b"2017:01:02 03:04:05"),
            "side/IMG_0300.JPG": jpeg(8, "2016:01:02 03:04:05"),
            "side/IMG_0300.JPG.xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
            "side/IMG_0300.AAE": b"edits",
            "side/IMG_0300.JPG.json": b'{"title": "IMG_0300.JPG"}',
        },
    )
    clip(lab.source / "VID_1.MP4")
    clip(lab.source / "live/IMG_0100.MOV", "2018-01-02T02:04:05.000000Z")
    done = lab.upload(CATALOG_HOME_ZONE="Europe/Brussels")
    assert done.status == 0
    assert [line.partition(":")[0] for line in done.err.splitlines()] == [
        "raw/IMG_0200.DNG is stored, and may be damaged",
        "2 videos are dated by your home zone Europe/Brussels",
    ]
    assert set(lab.stored()) == {
        "2019/07_July/2019-07-12 18-30-15 Ghent.jpg",
        "2019/07_July/2019-07-12 18-30-15.jpg",
        "2019/07_July/2019-07-12 18-30-15_1.jpg",
        "2019/07_July/filmchen/2019-07-12 18-30-15.mp4",
        "2020/01_January/Whatsapp/2020-01-01 @ IMG-20200101-WA0001.jpg",
        "2021/03_March/2021-03-04 06-06-07 @ Old Name.png",
        "2018/01_January/2018-01-02 03-04-05 Ghent.jpg",
        "2018/01_January/filmchen/2018-01-02 03-04-05 Ghent.mov",
        "2017/01_January/2017-01-02 03-04-05.jpg",
        "2017/01_January/2017-01-02 03-04-05.dng",
        "2016/01_January/2016-01-02 03-04-05.jpg",
        "2016/01_January/2016-01-02 03-04-05.jpg.xmp",
        "2016/01_January/2016-01-02 03-04-05.aae",
        "2016/01_January/2016-01-02 03-04-05.jpg.json",
    }
    lab.check_no_ghosts()
    for name in lab.stored():
        assert (lab.root / name).stat().st_mtime_ns == int(MTIME) * 10**9
    assert len(hashes(lab.source)) == 14


def test_the_machines_zone_and_locale_change_nothing(lab: Lab) -> None:
    put(lab.source, {"a.png": png(1), "IMG_2.jpg": jpeg(2, taken=None), "c.jpg": jpeg(3)})
    assert lab.upload(TZ="Asia/Tokyo", LC_ALL="de_DE.UTF-8").status == 0
    names = {
        "2021/03_March/2021-03-04 05-06-07 @ a.png",
        "2021/03_March/2021-03-04 05-06-07 @ IMG_2.jpg",
        "2019/07_July/2019-07-12 18-30-15.jpg",
    }
    assert set(lab.stored()) == names


def test_duplicates_are_recorded_and_not_copied(lab: Lab) -> None:
    put(
        lab.source,
        {"a.jpg": jpeg(1), "copies/B.jpg": jpeg(1), "copies/c.jpg": jpeg(1), "d.jpg": jpeg(2)},
    )
    first = lab.upload()
    assert (first.status, first.summary["new"], first.summary["duplicate"]) == (0, 2, 2)
    assert len(lab.stored()) == 2
    other = lab.folder / "other"
    put(other, {"x.jpg": jpeg(1), "y.jpg": jpeg(3)})
    second = lab.upload(source=other)
    assert (second.status, second.summary["new"], second.summary["duplicate"]) == (0, 1, 1)
    (known,) = [line for line in second.lines if line.get("outcome") == "duplicate"]
    assert (
        known["path"] == "x.jpg"
        and known["target"] in lab.stored()
        and known["hash"] == content_hash(jpeg(1))
    )
    events = [e for e in lab.documents("events").values() if e["action"] == "duplicate"]
    assert {e["source"] for e in events} == {
        f"{lab.source}/copies/B.jpg",
        f"{lab.source}/copies/c.jpg",
        f"{other}/x.jpg",
    }
    lab.check_no_ghosts()


def test_a_duplicate_of_what_the_limit_cut_off_is_not_recorded(lab: Lab) -> None:
    """Plans are sorted by path, stacks by folded name:
    `B.jpg` comes before the `a.jpg` that it repeats.
    """
    put(lab.source, {"a.jpg": jpeg(1), "B.jpg": jpeg(1), "C.jpg": jpeg(2)})
    done = lab.upload("--limit", 1)
    assert (done.status, done.summary["new"]) == (0, 1)
    stored = lab.stored()
    for line in done.lines[:-1]:
        assert line["target"] in stored, line
    moved = lab.upload("--move")
    assert (moved.status, moved.summary["failed"], hashes(lab.source)) == (0, 0, {})
    assert len(lab.stored()) == 2
    lab.check_no_ghosts()


def test_an_unchanged_source_is_not_read_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    many(lab.source, 150)
    put(lab.source, {"twice.jpg": (lab.source / "0" / "IMG_00000.jpg").read_bytes()})
    assert lab.upload().status == 0
    asked = []
    real = ReaderPool.run

    def watched(self: Any, requests: Any) -> Any:
        def seen() -> Any:
            for item in requests:
                if item is not None and item[1] is not None:
                    asked.append(item[1].path)
                yield item

        return real(self, seen())

    monkeypatch.setattr(ReaderPool, "run", watched)
    done = lab.upload()
    assert (done.status, done.summary["duplicate"], asked) == (0, 151, [])
    (lab.source / "1" / "IMG_00001.jpg").touch()
    assert lab.upload().status == 0
    assert [os.path.basename(p) for p in asked] == ["IMG_00001.jpg"]


def test_a_lost_catalog_copy_is_made_again(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    assert lab.upload().status == 0
    before = lab.outcome()
    lost = sorted(lab.stored())[0]
    (lab.root / lost).unlink()
    done = lab.upload()
    assert (done.status, done.summary["new"], done.summary["duplicate"]) == (0, 1, 1)
    assert lab.outcome() == before
    lab.check_no_ghosts()


def test_a_catalog_that_lost_its_index_is_left_alone_until_it_is_rebuilt(lab: Lab) -> None:
    """An empty index over a full catalog: nothing is copied twice, all is recorded."""
    put(lab.source, {"a.jpg": jpeg(1), "b.jpg": jpeg(2), "c.jpg": jpeg(3, position=GHENT)})
    assert lab.upload().status == 0
    before = lab.outcome()
    for name in lab.ask("GET", f"{lab.index}*"):
        lab.ask("DELETE", name)
    refused = lab.upload()
    assert refused.status == 4 and "catalog rebuild" in refused.err
    assert lab.stored() == before[0] and lab.documents() == {}
    assert lab.catalog("rebuild", lab.root).status == 0
    done = lab.upload()
    assert (done.status, done.summary["new"], done.summary["bytes"]) == (0, 0, 0)
    assert lab.outcome() == before


# --- moving ---------------------------------------------------------------------------------------


def test_move_takes_files_and_sidecars_away_once_they_are_safe(lab: Lab) -> None:
    put(
        lab.source,
        {
            "a.jpg": jpeg(1),
            "a.jpg.xmp": b"<x/>",
            "sub/copy.jpg": jpeg(1),
            "b.png": png(1),
            "notes.txt": b"not a photo",
        },
    )
    done = lab.upload("--move")
    assert (done.status, done.summary["new"], done.summary["duplicate"]) == (0, 2, 1)
    assert set(hashes(lab.source)) == {"notes.txt"}
    assert len(lab.stored()) == 3
    lab.check_no_ghosts()
    journal = Path(done.summary["journal"]).read_text()
    assert '"action":"remove"' in journal and '"state":"failed"' not in journal


def test_move_keeps_a_source_whose_catalog_copy_is_damaged(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    assert lab.upload().status == 0
    target = next(lab.root / p for p, h in lab.stored().items() if h == content_hash(jpeg(1)))
    data = bytearray(target.read_bytes())
    data[-1] ^= 1
    before = target.stat()
    target.write_bytes(data)
    os.utime(
        target, ns=(before.st_atime_ns, before.st_mtime_ns)
    )  # as a failing disk does it: nothing shows
    done = lab.upload("--move")
    assert done.status == 3
    assert set(hashes(lab.source)) == {"a.jpg"}
    (failed,) = [line for line in done.lines if line.get("outcome") == "failed"]
    assert failed["path"] == "a.jpg" and "damaged" in failed["reason"]


def test_move_above_the_limit_asks_first(lab: Lab) -> None:
    put(lab.source, {f"{n}.jpg": jpeg(n) for n in range(3)})
    before = tree(lab.folder)
    done = lab.upload("--move", CATALOG_MOVE_LIMIT="2")
    assert done.status == 4 and "--yes" in done.err
    assert tree(lab.folder) == before and lab.documents() == {}
    assert lab.upload("--move", "--yes", CATALOG_MOVE_LIMIT="2").status == 0
    assert hashes(lab.source) == {} and len(lab.stored()) == 3


# --- dry runs and limits --------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_and_tells_what_the_real_run_does(lab: Lab) -> None:
    put(
        lab.source,
        {
            "a.jpg": jpeg(1),
            "B.jpg": jpeg(1),
            "c.jpg": jpeg(2),
            "d.jpg": jpeg(3),
            "e/f.png": png(1),
            "e/f.png.xmp": b"<x/>",
            "g.txt": b"text",
            "h.jpg": b"",
            "x/a.jpg": jpeg(1),
            "orphan.xmp": b"<x/>",
        },
    )
    many(lab.source / "many", 140)
    before = tree(lab.folder)
    dry = lab.upload("--dryrun")
    assert tree(lab.folder) == before
    for what in ("", "events", "sources", "stores", "decisions", "handovers"):
        assert lab.documents(what) == {}
    assert dry.summary["planned"] == 144 and dry.summary["new"] == 0
    real = lab.upload()
    assert (dry.status, real.status) == (3, 3)

    def told(lines: list[dict[str, Any]]) -> set[tuple[str, ...]]:
        return {
            (
                x["path"],
                x["outcome"].replace("planned", "new"),
                x.get("target", ""),
                x.get("reason", ""),
            )
            for x in lines[:-1]
        }

    assert told(dry.lines) == told(real.lines)
    assert {line["target"] for line in dry.lines[:-1] if line["outcome"] == "planned"} <= set(
        lab.stored()
    )
    after = tree(lab.folder), lab.documents("events"), lab.documents("stores")
    again = lab.upload("--dryrun", "--move")
    assert (again.summary["planned"], again.summary["duplicate"]) == (0, 146)
    assert (tree(lab.folder), lab.documents("events"), lab.documents("stores")) == after


def test_limit_stores_exactly_so_many_and_zero_means_all(lab: Lab) -> None:
    many(lab.source, 300)
    put(
        lab.source,
        {"0/AAA.jpg": (lab.source / "0/IMG_00000.jpg").read_bytes(), "0/note.txt": b"text"},
    )
    first = lab.upload("--limit", 7)
    assert (first.status, first.summary["new"], len(lab.stored()), len(lab.documents())) == (
        0,
        7,
        7,
        7,
    )
    dry = lab.upload("-l", 200, "-d")
    assert dry.summary["planned"] == 200
    second = lab.upload("-l", 200)
    assert (second.summary["new"], len(lab.stored())) == (200, 207)
    third = lab.upload("--limit", 0)
    assert (third.status, third.summary["new"], len(lab.stored())) == (0, 93, 300)
    lab.check_no_ghosts()


# --- outputs --------------------------------------------------------------------------------------


def test_every_json_line_is_complete(lab: Lab) -> None:
    put(
        lab.source,
        {"a.jpg": jpeg(1), "b.jpg": jpeg(1), "c.txt": b"text", "d.jpg": b"", "e.xmp": b"<x/>"},
    )
    done = lab.upload("--verbose")
    assert done.status == 3
    for line in done.lines[:-1]:
        assert line.keys() >= FIELDS, line
    assert {line["outcome"] for line in done.lines[:-1]} == {
        "new",
        "duplicate",
        "unsupported",
        "failed",
        "ignored",
    }
    summary = done.summary
    assert summary.keys() >= COUNTS
    assert (summary["files"], summary["new"], summary["duplicate"], summary["failed"]) == (
        5,
        1,
        1,
        1,
    )
    assert summary["bytes"] == len(jpeg(1)) and summary["seconds"] >= 0
    assert {r["outcome"] for r in summary["reasons"]} == {"unsupported", "failed"}
    assert Path(summary["journal"]).is_file()


def test_text_outputs(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "b.jpg": jpeg(1), "d.jpg": b""})
    command = ("upload_to_nas_from_disk", lab.source, "--nas-root", lab.root)
    quiet = lab.run(*command, "--quiet")
    assert quiet.status == 3
    assert quiet.err.splitlines() == ["failed      d.jpg: the file is empty (0 bytes)"]
    assert quiet.out.startswith(
        "3 files: 1 new, 1 duplicate, 1 failed.\n  failed: the file is empty (0 bytes)\n"
    )
    assert "Journal: " in quiet.out
    plain = lab.run(*command)
    assert "3 files: 0 new, 2 duplicate, 1 failed." in plain.out and "a.jpg" not in plain.out
    told = lab.run(*command, "--verbose")
    assert "duplicate   a.jpg -> nas:2019/07_July/2019-07-12 18-30-15.jpg" in told.out.splitlines()
    dry = lab.run(*command, "--dryrun")
    assert "Dry run: 0 files would be stored; nothing was changed." in dry.out


def test_only_the_folder_itself_without_recursive(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "sub/b.jpg": jpeg(2)})
    done = lab.run(
        "catalog",
        "upload-to-nas-from-disk",
        lab.source,
        "--nas_root",
        lab.root,
        "--index",
        lab.index,
        "--json",
    )
    assert (done.status, done.summary["new"]) == (0, 1)


# --- refusals -------------------------------------------------------------------------------------


def test_refusals_change_nothing(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1)})
    put(lab.root, {"2019/kept.jpg": jpeg(2)})
    (lab.folder / "link").symlink_to(lab.root / "2019")
    (lab.folder / "outer").symlink_to(lab.folder)
    (lab.source / "inner").mkdir()
    (lab.folder / "target").symlink_to(lab.source / "inner")
    before = tree(lab.folder)
    upload = "upload_to_nas_from_disk"
    for status, arguments in [
        (2, (lab.source, "--nas_root", lab.root, "--dropbox")),
        (4, (lab.root / "2019", "--nas_root", lab.root)),
        (4, (lab.root, "--nas_root", lab.root)),
        (4, (lab.folder / "link", "--nas_root", lab.root)),
        (4, (lab.folder, "-r", "--nas_root", lab.root)),
        (4, (lab.folder / "outer", "-r", "--nas_root", lab.root)),
        (4, (lab.source, "--nas_root", lab.folder / "target")),
        (4, (lab.source, "--nas_root", lab.source / "not yet there")),
        (2, (lab.folder / "nowhere", "--nas_root", lab.root)),
        (2, (lab.source / "a.jpg", "--nas_root", lab.root)),
        (2, (lab.source,)),
        (2, (lab.source, "--nas_root", lab.source / "a.jpg")),
        (2, (lab.source, "--nas_root", lab.folder / "not" / "mounted")),
        (2, (lab.source, "--nas_root", lab.root, "--limit", "-1")),
        (2, (lab.source, "--nas_root", lab.root, "--port", "99999")),
        (2, ("--nas_root", lab.root)),
    ]:
        done = lab.run(upload, *arguments)
        assert done.status == status, (arguments, done)
        assert done.out == "" and done.err.count("Error: ") == 1, (arguments, done)
    assert tree(lab.folder) == before and lab.documents() == {}


def test_a_store_without_its_marker_or_with_anothers_is_refused(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg(1)})
    assert lab.upload().status == 0
    put(lab.source, {"b.jpg": jpeg(2)})
    marker = lab.root / ".catalog" / "store.json"
    kept = marker.read_bytes()
    for data in (None, b'{"store": "nas", "id": "0123"}\n', b"half a mark"):
        marker.unlink()
        if data is not None:
            marker.write_bytes(data)
        before = tree(lab.folder), lab.documents()
        for arguments in ((), ("--dryrun",), ("--move",)):
            done = lab.upload(*arguments)
            assert done.status == 4 and done.out == "", done
        assert (tree(lab.folder), lab.documents()) == before
        marker.write_bytes(kept)
    other = lab.folder / "other"
    assert lab.run("upload_to_nas_from_disk", lab.source, "--nas_root", other).status == 4
    assert not other.exists()
    assert lab.upload().summary["new"] == 1


# --- hostile files --------------------------------------------------------------------------------


def test_hostile_names_arrive_or_have_a_reason(lab: Lab) -> None:
    names = [
        b"new\nline.png",
        b"quo\"te's.png",
        "emoji \U0001f642.png".encode(),
        b"caf\xe9.png",
        unicodedata.normalize("NFD", "é.png").encode(),
        b"n" * 251 + b".png",
        "ü".encode() * 125 + b".png",
        b"-rf.png",
        b"back\\slash.png",
        b"back\\x41.png",
        b" blanks .png",
        b"con.png",
        b"dot.",
        b"CAP.PNG",
        b"cap.png",
        b"tab\tand\rreturn.png",
        b"100%{year}.png",
        b"deep/" * 40 + b"down.png",
        b"fold\xff/er.png",
        "\u202eright to left.png".encode(),
        b"semi;colon & $(x).png",
        b"*?<>|:.png",
    ]
    for number, name in enumerate(names):
        path = os.path.join(os.fsencode(lab.source), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(png(number))
        os.utime(path, (MTIME, MTIME))
    os.mkfifo(lab.source / "pipe.jpg")
    (lab.source / "link.jpg").symlink_to("CAP.PNG")
    (lab.source / "loop").symlink_to(lab.source)
    (lab.source / "folder.jpg").mkdir()
    done = lab.upload("--verbose")
    problems = {
        line["path"]: line["reason"] for line in done.lines[:-1] if line["outcome"] == "failed"
    }
    assert problems.keys() == {"pipe.jpg"} and done.summary["ignored"] == 2
    assert done.status == 3
    assert set(lab.stored().values()) == {content_hash(png(n)) for n in range(len(names))}
    assert done.summary["new"] == len(names)
    lab.check_no_ghosts()
    for name in lab.stored():
        assert (
            unicodedata.is_normalized("NFC", name)
            and len(os.fsencode(os.path.basename(name))) <= 240
        )
        assert not set(os.path.basename(name)) & set('\\:*?"<>|\n\r\t')
    again = lab.upload()
    assert (again.status, again.summary["new"], again.summary["duplicate"]) == (3, 0, len(names))
    text = lab.run("upload_to_nas_from_disk", "-r", lab.source, "--nas_root", lab.root, "--verbose")
    assert text.status == 3
    assert lab.catalog("search", "caf*", "--format", "paths").status == 0


def test_a_source_folder_whose_name_is_no_utf8(lab: Lab) -> None:
    folder = Path(os.fsdecode(os.fsencode(lab.folder) + b"/caf\xe9"))
    put(folder, {"a.jpg": jpeg(1), "sub/b.jpg": jpeg(2)})
    done = lab.upload(source=folder)
    assert (done.status, done.summary["new"]) == (0, 2)
    assert {d["original"]["path"] for d in lab.documents().values()} == {
        f"{lab.folder}/caf\\xe9/a.jpg",
        f"{lab.folder}/caf\\xe9/sub/b.jpg",
    }
    assert lab.upload(source=folder).summary["duplicate"] == 2
    assert lab.catalog("show", folder / "a.jpg").status == 0


def test_broken_and_unsupported_files(lab: Lab) -> None:
    whole = jpeg(1, size=256)
    put(
        lab.source,
        {
            "good.jpg": jpeg(2),
            "cut.jpg": whole[: len(whole) // 2],
            "empty.jpg": b"",
            "text.jpg": b"This is no picture.\n" * 9,
            "zeros.jpg": bytes(5000),
            "document.pdf": b"%PDF-1.4 ...",
            "wrong.png": jpeg(3),
            "noextension": jpeg(4, "2020:02:02 02:02:02"),
        },
    )
    done = lab.upload()
    assert done.status == 3
    outcomes = {line["path"]: line["outcome"] for line in done.lines[:-1]}
    assert outcomes == {
        "good.jpg": "new",
        "cut.jpg": "new",
        "empty.jpg": "failed",
        "text.jpg": "unsupported",
        "zeros.jpg": "unsupported",
        "document.pdf": "unsupported",
        "wrong.png": "new",
        "noextension": "new",
    }
    assert all(
        line["reason"] for line in done.lines[:-1] if line["outcome"] in ("failed", "unsupported")
    )
    cut = lab.documents()[content_hash(whole[: len(whole) // 2])]
    assert cut["problem"]
    lab.check_no_ghosts()


def test_unreadable_files_and_folders_have_a_reason(lab: Lab) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    put(lab.source, {"a.jpg": jpeg(1), "b.jpg": jpeg(2), "locked/c.jpg": jpeg(3)})
    (lab.source / "b.jpg").chmod(0)
    (lab.source / "locked").chmod(0)
    done = lab.upload()
    (lab.source / "locked").chmod(0o755)
    assert (done.status, done.summary["new"], done.summary["failed"]) == (3, 1, 2)


def test_members_of_a_stack_keep_one_stem_when_many_months_come_at_once(lab: Lab) -> None:
    """More folders in one batch than the survey keeps listings of,
    and the first of them has a name taken.
    """
    put(lab.source, {"old.jpg": jpeg("old", "2001:01:05 10:00:00")})
    assert lab.upload().status == 0
    shutil.rmtree(lab.source)
    months = [(2001 + n // 12, n % 12 + 1) for n in range(80)]
    put(
        lab.source,
        {
            f"IMG_{n:03d}.JPG": jpeg(n, f"{y}:{m:02d}:05 10:00:00")
            for n, (y, m) in enumerate(months)
        },
    )
    clip(lab.source / "IMG_000.MOV", "2001-01-05T09:00:00.000000Z")
    assert lab.upload().status == 0
    added = {p for p in lab.stored() if p.startswith("2001/01_January/")}
    assert added == {
        "2001/01_January/2001-01-05 10-00-00.jpg",
        "2001/01_January/2001-01-05 10-00-00_1.jpg",
        "2001/01_January/filmchen/2001-01-05 10-00-00_1.mov",
    }
