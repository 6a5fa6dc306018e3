"""Duplicates of an archive with the real commands: found over folders, formats and turns,
taken away, and brought back.
"""

from __future__ import annotations

import csv
import io
import os
import random
from pathlib import Path

import pytest
from PIL import Image
from running import Done, Lab, clip, hashes, put, shown, tree

from catalog.domain.fixity import content_hash


def picture(seed: str, width: int = 640, height: int = 480) -> Image.Image:
    """A picture of its own for each seed, with large and small shapes."""
    chance = random.Random(seed)
    rough = Image.frombytes("RGB", (8, 6), chance.randbytes(144)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    fine = Image.frombytes("RGB", (20, 15), chance.randbytes(900)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return Image.blend(rough, fine, 0.3)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


class Desk:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.archive = lab.folder / "archive"
        self.archive.mkdir()
        self.report = lab.home / "duplicate_image_report.csv"
        self.processed = lab.home / "duplicate_image_report_processed.csv"

    def evaluate(self, *more: object, archive: object = None) -> Done:
        done = self.lab.run(
            "reingest", "evaluate-duplicates", archive or self.archive, "--json", "--yes", *more
        )
        assert done.status == 0, done.err
        return done

    def process(self, *more: object) -> Done:
        return self.lab.run("reingest", "process-duplicates", self.report, "--json", *more)

    def rows(self, path: Path | None = None) -> dict[str, dict[str, str]]:
        text = (path or self.report).read_text("utf-8-sig")
        return {Path(r["file"]).name: r for r in csv.DictReader(io.StringIO(text), delimiter=";")}

    def save(self, rows: dict[str, dict[str, str]]) -> None:
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(next(iter(rows.values()))), delimiter=",")
        writer.writeheader()
        writer.writerows(rows.values())
        self.report.write_bytes(stream.getvalue().encode("cp1252"))

    def lying(self) -> set[str]:
        return {Path(p).name for p in hashes(self.archive) if not p.startswith(".catalog/")}


@pytest.fixture
def desk(lab: Lab) -> Desk:
    return Desk(lab)


def fill(folder: Path) -> None:
    """One picture in six files, a second picture, and a pair of equal files in one folder."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    one = picture("one")
    original = encoded(one, quality=95)
    put(
        folder,
        {
            "2019/one.jpg": original,
            "2019/mail/one small.jpg": encoded(one.resize((320, 240)), quality=80),
            "2020/one.png": encoded(one.resize((600, 450)), "PNG"),
            "2020/turned.jpg": encoded(one.rotate(90, expand=True), quality=90),
            "2021/one.heic": encoded(one.resize((480, 360)), "HEIF"),
            "2021/copy.jpg": original,
            "2019/other.jpg": encoded(picture("other")),
            "2019/third.jpg": encoded(picture("third")),
            "2019/third copy.jpg": encoded(picture("third")),
            "2019/sky.jpg": encoded(Image.new("RGB", (640, 480), (90, 120, 200))),
            "2019/sky 2.jpg": encoded(Image.new("RGB", (640, 480), (92, 120, 200))),
            "2019/broken.jpg": b"\xff\xd8\xff\xe0",
            "Trash/one again.jpg": encoded(one, quality=70),
        },
    )


def test_one_picture_is_found_in_every_folder_size_format_and_turn(desk: Desk):
    fill(desk.archive)
    before = tree(desk.archive)
    desk.evaluate()
    assert tree(desk.archive) == before
    rows = desk.rows()
    assert set(rows) == {
        "one.jpg",
        "one small.jpg",
        "one.png",
        "turned.jpg",
        "one.heic",
        "copy.jpg",
        "third.jpg",
        "third copy.jpg",
    }
    assert {n: r["dupe_type"] for n, r in rows.items()} == {
        n: "dupe_big" if n in ("one.jpg", "third copy.jpg") else "dupe_small" for n in rows
    }
    assert {r["dupe_of"] for n, r in rows.items() if "third" not in n} == {
        "",
        str(desk.archive / "2019/one.jpg"),
    }
    assert (rows["copy.jpg"]["kind"], rows["one.png"]["kind"]) == ("exact", "similar")
    assert rows["turned.jpg"]["turned"] in ("90", "270")
    assert {n for n, r in rows.items() if r["action"] == "delete"} == {"third.jpg"}
    assert {
        r["reason"].partition(":")[0]
        for r in rows.values()
        if r["action"] == "keep" and r["dupe_of"]
    } == {
        "same picture in another rendering",
        "same content in another folder, where it may be wanted",
    }
    assert list(rows["one.jpg"])[:5] == ["file", "size", "phash", "dupe_type", "dupe_of"]


def test_what_has_other_files_of_its_shot_beside_it_is_kept(desk: Desk):
    """By its name alone the plain copy would be the first."""
    data = encoded(picture("live"))
    files = {"IMG_1 (1).jpg": data, "IMG_1.jpg": data, "b.jpg": data, "b.jpg.xmp": b"<x/>"}
    put(desk.archive, files)
    clip(desk.archive / "IMG_1.mov")
    assert desk.evaluate().status == 0
    rows = desk.rows()
    assert {name: row["action"] for name, row in rows.items()} == {
        "IMG_1 (1).jpg": "delete",
        "IMG_1.jpg": "keep",
        "b.jpg": "keep",
    }
    assert rows["IMG_1.jpg"]["dupe_type"] == "dupe_big" and "of its name" in rows["b.jpg"]["reason"]


def test_what_a_person_says_goes_to_a_trash_in_the_archive_and_comes_back(desk: Desk):
    fill(desk.archive)
    before = hashes(desk.archive)
    desk.evaluate()
    rows = desk.rows()
    for name in ("one small.jpg", "copy.jpg", "turned.jpg", "one.heic"):
        rows[name]["action"] = "Delete"
    (desk.archive / "2021/one.heic").unlink()
    desk.save(rows)
    dry = desk.process("--dryrun")
    assert (dry.summary["planned"], dry.summary["missing"]) == (
        4,
        1,
    ) and not desk.processed.exists()
    done = desk.process()
    assert done.status == 0, done.err
    assert done.summary["removed"] == 4 and done.summary["missing"] == 1
    assert shown(dry) == shown(done, "removed")
    told = desk.rows(desk.processed)
    gone = {"one small.jpg", "copy.jpg", "turned.jpg", "third.jpg"}
    assert {n for n, r in told.items() if r["removed"] == "1"} == gone
    assert told["one.heic"]["removed"] == "file_missing" and told["one.jpg"]["removed"] == "0"
    size = len(encoded(picture("third")))
    assert told["third.jpg"]["removed_kb"] == f"{size / 1024:.1f}"
    assert not gone & desk.lying()
    assert desk.process().summary["removed"] == 0
    desk.evaluate()
    assert set(desk.rows()) == {"one.jpg", "one.png"}

    desk.save(rows)
    lying = desk.lying()
    dry = desk.process("--undo", "--dryrun")
    assert dry.status == 0 and dry.summary["planned"] == 4 and dry.summary["bytes"] == 0
    assert {line["action"] for line in dry.lines[:-1]} == {"restore"} and desk.lying() == lying
    done = desk.process("--undo")
    assert done.status == 0 and done.summary["restored"] == 4
    assert shown(dry) == shown(done, "restored")
    after = {p: h for p, h in hashes(desk.archive).items() if not p.startswith(".catalog/")}
    assert after == {p: h for p, h in before.items() if p != "2021/one.heic"}
    assert desk.process("--undo").summary["restored"] == 0
    assert desk.process().summary["removed"] == 4


def test_nothing_goes_whose_picture_is_not_proved_to_stay(desk: Desk):
    pictures = {f"{n}.jpg": encoded(picture(n)) for n in "abcdef"}
    put(desk.archive, {**pictures, **{f"{n} copy.jpg": pictures[f"{n}.jpg"] for n in "abcdef"}})
    desk.evaluate()
    rows = desk.rows()
    assert [n for n, r in rows.items() if r["action"] == "delete"] == [f"{n}.jpg" for n in "abcdef"]
    (desk.archive / "a copy.jpg").unlink()
    (desk.archive / "b copy.jpg").write_bytes(encoded(picture("new")))
    (desk.archive / "c.jpg").write_bytes(encoded(picture("newer")))
    rows["d copy.jpg"] |= {"action": "delete", "dupe_of": rows["d.jpg"]["file"]}
    rows["e.jpg"]["dupe_of"] = f"{desk.archive}/../archive/e.jpg"
    desk.save(rows)
    dry = desk.process("--dryrun")
    assert dry.status == 3 and not (desk.archive / ".catalog").exists()
    done = desk.process()
    assert done.status == 3 and shown(dry) == shown(done, "removed")
    assert done.summary["removed"] == 1
    reasons = {
        Path(x["path"]).name: x["reason"]
        for x in done.lines
        if x.get("outcome") in ("refused", "failed")
    }
    assert set(reasons) == {"a.jpg", "b.jpg", "c.jpg", "d.jpg", "d copy.jpg", "e.jpg"}
    assert "does not stand for it: the file is not there" in reasons["a.jpg"]
    assert "has another content now" in reasons["b.jpg"]
    assert "changed since it was evaluated" in reasons["c.jpg"]
    assert "is deleted as well" in reasons["d.jpg"]
    assert "the very same file" in reasons["e.jpg"]
    assert desk.lying() == {f"{n}.jpg" for n in "abcde"} | {f"{n} copy.jpg" for n in "bcdef"}


def test_a_removal_that_was_killed_before_it_was_told_is_told_by_the_next_run(desk: Desk):
    data = encoded(picture("x"))
    put(desk.archive, {"x.jpg": data, "x copy.jpg": data})
    desk.evaluate()
    assert desk.process().status == 0
    whole = desk.processed.read_bytes()
    desk.processed.write_bytes(
        b"".join(
            line for line in whole.splitlines(True) if b"x.jpg;" not in line or b"dupe_big" in line
        )
    )
    dry = desk.process("--dryrun")
    done = desk.process()
    assert done.status == 0 and dry.summary["planned"] == 1 and shown(dry) == shown(done, "removed")
    assert desk.rows(desk.processed)["x.jpg"]["removed"] == "1"
    (desk.archive / "x.jpg").write_bytes(b"another")
    dry = desk.process("--undo", "--dryrun")
    done = desk.process("--undo")
    assert (
        done.status == 3
        and "another file lies where it was" in done.out
        and shown(dry) == shown(done)
    )
    (desk.archive / "x.jpg").unlink()
    assert desk.process("--undo").summary["restored"] == 1
    assert desk.lying() == {"x.jpg", "x copy.jpg"}


@pytest.mark.parametrize(
    ("name", "other"),
    [
        pytest.param("\u00c9t\u00e9", "E\u0301te\u0301", id="form"),
        pytest.param("Best", "BEST", id="case"),
    ],
)
def test_undo_brings_it_into_the_folder_that_is_there_under_an_equal_name(
    desk: Desk, name: str, other: str
):
    data = encoded(picture("one"))
    put(desk.archive, {"0.jpg": data, f"{name}/deep/b.jpg": data})
    desk.evaluate()
    rows = desk.rows()
    assert rows["b.jpg"]["dupe_of"].endswith("0.jpg")
    rows["b.jpg"]["action"] = "delete"
    desk.save(rows)
    assert desk.process().summary["removed"] == 1
    (desk.archive / name).mkdir(exist_ok=True)
    (desk.archive / name).rename(desk.archive / other)
    assert desk.process("--undo", "--dryrun").summary["planned"] == 1
    assert desk.process("--undo").summary["restored"] == 1
    assert desk.lying() == {"0.jpg", "b.jpg"} and not (desk.archive / name).exists()


def test_in_a_store_it_is_its_trash_and_the_index_and_undo_brings_both_back(desk: Desk):
    lab = desk.lab
    one = picture("one")
    put(
        lab.source,
        {
            "one.jpg": encoded(one, quality=95),
            "small.jpg": encoded(one.resize((320, 240)), quality=80),
        },
    )
    put(lab.source, {"other.jpg": encoded(picture("other"))})
    assert lab.upload().status == 0
    before, documents = lab.stored(), {h: d["copies"] for h, d in lab.documents().items()}
    desk.evaluate("--nas_root", lab.root, archive=lab.root)
    rows = desk.rows()
    assert len(rows) == 2
    (small,) = [n for n, r in rows.items() if r["dupe_type"] == "dupe_small"]
    rows[small]["action"] = "delete"
    desk.save(rows)
    dry = desk.process("--nas_root", lab.root, "--dryrun")
    assert lab.stored() == before
    done = desk.process("--nas_root", lab.root)
    assert done.status == 0, done.err
    assert shown(dry) == shown(done, "removed")
    assert len(lab.stored()) == 2
    digest = content_hash(encoded(one.resize((320, 240)), quality=80))
    assert lab.documents()[digest]["copies"] == []
    assert desk.process("--undo").status == 3
    assert lab.catalog("undo", done.summary["run"], "--nas_root", lab.root).status == 0
    assert lab.stored() == before
    assert {h: d["copies"] for h, d in lab.documents().items()} == documents
    lab.check_no_ghosts()

    pair = sorted([digest, content_hash(encoded(one, quality=95))])
    said = {
        "kind": "not-duplicate",
        "hash": pair[0],
        "other": pair[1],
        "at": "2026-01-01T00:00:00Z",
    }
    lab.ask("PUT", f"{lab.index}-decisions/_doc/1?refresh=true", json=said)
    desk.evaluate("--nas_root", lab.root, archive=lab.root)
    assert desk.rows() == {}


def test_more_removals_than_allowed_want_consent(desk: Desk):
    data = encoded(picture("x"))
    put(desk.archive, {"x.jpg": data, "x copy.jpg": data, "x copy 2.jpg": data})
    desk.evaluate()
    before = os.listdir(desk.archive)
    done = desk.lab.run("process_duplicates", desk.report, CATALOG_MOVE_LIMIT="1")
    assert done.status == 4 and "--yes" in done.err
    assert os.listdir(desk.archive) == before
    assert (
        desk.lab.run("process_duplicates", desk.report, "--yes", CATALOG_MOVE_LIMIT="1").status == 0
    )
