"""Photos handed over to a cloud, with the real commands: report, a person's edits, staging,
records, and back.
"""

from __future__ import annotations

import csv
import io
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from emulators.dropbox import Emulator
from PIL import Image
from running import (
    MTIME,
    SUMMER,
    Done,
    Lab,
    files_in,
    hashes,
    jpeg,
    many,
    png,
    put,
    shown,
    tree,
    wait_for,
)

from catalog.domain.fixity import content_hash

MTIME_2019 = datetime(2019, 7, 12, 16, 30, 15, tzinfo=UTC).timestamp()


class Desk:
    """A person at work: an archive that is no store, the report of it, and a staging folder."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.archive = lab.folder / "archive"
        self.archive.mkdir()
        self.staging = lab.folder / "staging"
        self.report = lab.home / "icloud_image_report.csv"
        self.processed = lab.home / "icloud_image_report_processed.csv"

    def evaluate(self, *more: object, archive: object = None) -> Done:
        done = self.lab.run(
            "reingest", "evaluate-images", archive or self.archive, "--json", "--yes", *more
        )
        assert done.status == 0, done.err
        return done

    def process(self, *more: object) -> Done:
        return self.lab.run(
            "reingest", "process-images", self.report, "--staging", self.staging, "--json", *more
        )

    def rows(self, path: Path | None = None) -> list[dict[str, str]]:
        return list(
            csv.DictReader(io.StringIO((path or self.report).read_text("utf-8-sig")), delimiter=";")
        )

    def by_name(self, path: Path | None = None) -> dict[str, dict[str, str]]:
        return {row["file"].rpartition("/")[2]: row for row in self.rows(path)}

    def save(
        self,
        rows: list[dict[str, str]],
        separator: str = ";",
        encoding: str = "utf-8-sig",
        columns: list[str] | None = None,
    ) -> None:
        stream = io.StringIO()
        writer = csv.DictWriter(
            stream, columns or list(rows[0]), delimiter=separator, lineterminator="\r\n"
        )
        writer.writeheader()
        writer.writerows(rows)
        self.report.write_bytes(stream.getvalue().encode(encoding))

    def staged(self) -> dict[str, str]:
        found = hashes(self.staging) if self.staging.exists() else {}
        return {name: digest for name, digest in found.items() if not name.startswith(".catalog/")}

    def records(self) -> dict[str, dict[str, Any]]:
        return self.lab.documents("handovers")


@pytest.fixture
def desk(lab: Lab) -> Desk:
    return Desk(lab)


def heic(taken: str) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: taken, 0x9004: taken})  # as cameras write both
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (20, 120, 40)).save(buffer, "HEIF", exif=exif.tobytes())
    return buffer.getvalue()


def xmp(taken: str) -> bytes:
    """A packet that states a date of capture."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        f'exif:DateTimeOriginal="{taken}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def test_an_archive_that_is_no_store_goes_through_report_and_staging_and_is_not_offered_again(
    desk: Desk,
):
    put(
        desk.archive,
        {
            "2019/IMG_1.jpg": jpeg("a"),
            "2019/again.jpg": jpeg("a"),
            "2012/wrong.jpg": jpeg("b"),
            "2019/Small pics/c.jpg": jpeg("c"),
            "2019/broken.jpg": b"\xff\xd8\xff\xe0 no picture",
            "2019/notes.txt": b"text",
            "other/plain.png": png("d"),
            "2019/live.heic": heic("2019:08:01 10:00:00"),
            "2048x1536/e.jpg": jpeg("e"),
        },
    )
    put(desk.archive, {"2019/scan.png": png("scan")}, MTIME_2019)
    before = tree(desk.archive)
    done = desk.evaluate()
    rows = desk.by_name()
    assert {n: r["action"] for n, r in rows.items()} == {
        "IMG_1.jpg": "move",
        "again.jpg": "skip",
        "wrong.jpg": "skip",
        "c.jpg": "skip",
        "broken.jpg": "skip",
        "plain.png": "skip",
        "live.heic": "move",
        "e.jpg": "move",
        "scan.png": "move",
    }
    assert done.summary["move"] == 4 and done.summary["skip"] == 5
    assert rows["IMG_1.jpg"]["reason"] == "date taken available (exif:DateTimeOriginal)"
    assert rows["IMG_1.jpg"]["datetime"] == "2019-07-12 18:30:15"
    assert rows["again.jpg"]["reason"] == f"same content as {desk.archive}/2019/IMG_1.jpg"
    assert rows["wrong.jpg"]["reason"].startswith("date taken year mismatch: 2019")
    assert rows["c.jpg"]["reason"] == "skiplist match: Small pics"
    assert rows["scan.png"]["reason"] == "date modified year correct"
    assert rows["plain.png"]["reason"].startswith("no date taken, and no year in path")
    assert list(rows["IMG_1.jpg"])[:4] == ["file", "datetime", "action", "reason"]
    assert desk.report.read_bytes().startswith(b"\xef\xbb\xbffile;")
    assert not desk.records()

    done = desk.process()
    assert done.status == 0, done.err
    assert desk.staged() == {
        "20190712_183015-IMG_1.jpg": content_hash(jpeg("a")),
        "20190712_183015-e.jpg": content_hash(jpeg("e")),
        "20190801_100000-live.heic": content_hash((desk.archive / "2019/live.heic").read_bytes()),
        "20190712_163015-scan.png": content_hash(png("scan")),
    }
    assert (desk.staging / "20190712_183015-IMG_1.jpg").stat().st_mtime == MTIME
    assert tree(desk.archive) == before
    records = desk.records()
    assert {r["name"] for r in records.values()} == set(desk.staged())
    assert {r["state"] for r in records.values()} == {"staged"}
    assert set(records) == {f"icloud:{h}" for h in desk.staged().values()}
    assert desk.by_name(desk.processed)["IMG_1.jpg"]["processed"] == "20190712_183015-IMG_1.jpg"

    desk.evaluate()
    again = desk.by_name()
    assert {r["action"] for r in again.values()} == {"skip"}
    assert again["IMG_1.jpg"]["reason"].startswith("handed over to icloud on 20")
    assert again["IMG_1.jpg"]["reason"].endswith(" as 20190712_183015-IMG_1.jpg")


def test_what_a_spreadsheet_and_a_person_make_of_a_report_is_understood(desk: Desk):
    put(
        desk.archive,
        {
            "2019/a.jpg": jpeg("a"),
            "2019/b.jpg": jpeg("b"),
            "2019/Grüße.jpg": jpeg("u"),
            "2019/no.jpg": jpeg("no"),
        },
    )
    put(
        desk.archive, {"2012/old.jpg": jpeg("old", taken="2019:07:25 18:30:15")}
    )  # which shows that the day comes first
    desk.evaluate()
    for separator, encoding in ((",", "cp1252"), ("\t", "utf-16"), (";", "utf-8")):
        rows = desk.rows()
        for row in rows:
            row["note, mine"] = 'of "mine"; too'
            row["datetime"] = datetime.strptime(row["datetime"], "%Y-%m-%d %H:%M:%S").strftime(
                "%d/%m/%Y %H:%M"
            )
            if row["file"].endswith("no.jpg"):
                row["action"] = "skip"
            if row["file"].endswith("old.jpg"):
                row["action"] = "Move"
        columns = [
            "action",
            "note, mine",
            "taken",
            "datetime",
            "hash",
            "reason",
            "file",
            "size",
            "modified",
            "offset",
            "source",
            "archive",
        ]
        original = desk.report.read_bytes()
        desk.save(rows, separator, encoding, columns)
        edited = desk.report.read_bytes()
        done = desk.process()
        assert done.status == 0, (encoding, done.err)
        assert set(desk.staged()) == {
            "20190712_183015-a.jpg",
            "20190712_183015-b.jpg",
            "20190712_183015-Grüße.jpg",
            "20190725_183015-old.jpg",
        }
        assert desk.report.read_bytes() == edited
        told = desk.rows(desk.processed)
        assert list(told[0]) == [*columns, "processed", "processed_hash"]
        assert {row["note, mine"] for row in told} == {'of "mine"; too'}
        assert len(told) == 5
        desk.report.write_bytes(original)
        desk.processed.unlink()


def test_bad_rows_are_refused_by_line_and_the_good_ones_are_done(desk: Desk):
    put(
        desk.archive,
        {f"2019/{n}.jpg": jpeg(n, taken=None if n == "e" else SUMMER) for n in "abcdefg"},
    )
    desk.evaluate()
    rows = desk.rows()
    rows[0]["action"] = "upload"
    rows[1]["file"] += ".gone"
    rows[2]["datetime"] = "03/04/2019 18:30"
    (desk.archive / "2019/d.jpg").write_bytes(jpeg("other"))
    rows[4] |= {"datetime": "2015-02-03 04:05:06", "action": "move"}
    rows.append(dict(rows[5]))
    desk.save(rows)
    dry = desk.process("--dryrun")
    assert dry.status == 3 and not desk.staging.exists()
    done = desk.process()
    assert done.status == 3 and shown(dry) == shown(done, "staged")
    refused = {
        line["reason"].partition(":")[0]: line["reason"]
        for line in done.lines
        if line.get("outcome") == "refused"
    }
    assert set(refused) == {"line 2", "line 3", "line 4", "line 5", "line 9"}
    assert "upload, which is none of skip, move" in refused["line 2"]
    assert "not there" in refused["line 3"]
    assert "write it as" in refused["line 4"]
    assert "changed since it was evaluated" in refused["line 5"]
    assert "the same file as line 7" in refused["line 9"]
    assert set(desk.staged()) == {
        "20150203_040506-e.jpg",
        "20190712_183015-f.jpg",
        "20190712_183015-g.jpg",
    }
    assert (desk.staging / "20150203_040506-e.jpg").stat().st_mtime == datetime(
        2015, 2, 3, 4, 5, 6, tzinfo=UTC
    ).timestamp()

    desk.save([{k: v for k, v in row.items() if k != "action"} for row in rows])
    done = desk.process()
    assert done.status == 2 and "no column action" in done.err


def test_two_photos_of_one_second_and_name_both_arrive(desk: Desk):
    put(
        desk.archive,
        {
            "2019/x/IMG.jpg": jpeg("one"),
            "2019/y/IMG.jpg": jpeg("two"),
            "2019/=1+1;.JPG": jpeg("three"),
        },
    )
    odd = os.fsdecode(b'caf\xe9 "x"\n.jpg')
    put(desk.archive, {f"2019/{odd}": jpeg("four")})
    desk.evaluate()
    desk.staging.mkdir()
    (desk.staging / "20190712_183015-=1+1;.jpg").write_bytes(jpeg("three"))
    dry, done = desk.process("--dryrun"), desk.process()
    assert done.status == 0 and shown(dry) == shown(done, "staged")
    assert desk.staged() == {
        "20190712_183015-IMG.jpg": content_hash(jpeg("one")),
        "20190712_183015-IMG_1.jpg": content_hash(jpeg("two")),
        "20190712_183015-=1+1;.jpg": content_hash(jpeg("three")),
        "20190712_183015-caf-xe9 -x--.jpg": content_hash(jpeg("four")),
    }
    assert desk.process().summary["already"] == 4


def test_a_missing_date_is_written_into_the_copy_alone(desk: Desk):
    put(
        desk.archive,
        {"2019/a.jpg": jpeg("a", taken=None), "2019/b.png": png("b"), "2019/c.jpg": jpeg("c")},
        MTIME_2019,
    )
    put(desk.archive, {"misc/d.heic": heic("2019:08:01 10:00:00")})
    before = tree(desk.archive)
    desk.evaluate()
    rows = desk.rows()
    for row in rows:
        if row["file"].endswith("a.jpg"):
            row["datetime"] = "2018-05-06 07:08:09"
        if row["file"].endswith("d.heic"):
            row["datetime"] = "2017-01-02 03:04:05"
    desk.save(rows)
    done = desk.process("--write-dates")
    assert done.status == 0, done.out
    taken = {}
    for name in desk.staged():
        with Image.open(desk.staging / name) as picture:
            taken[name] = picture.getexif().get_ifd(0x8769).get(0x9003)
    assert taken == {
        "20180506_070809-a.jpg": "2018:05:06 07:08:09",
        "20190712_163015-b.png": "2019:07:12 16:30:15",
        "20190712_183015-c.jpg": SUMMER,
        "20170102_030405-d.heic": "2017:01:02 03:04:05",
    }
    assert desk.staged()["20190712_183015-c.jpg"] == content_hash(jpeg("c"))
    assert tree(desk.archive) == before
    for record in desk.records().values():
        assert desk.staged()[record["name"]] == record["staged"]


def test_a_date_of_a_sidecar_becomes_the_time_of_the_copy(desk: Desk):
    put(
        desk.archive,
        {
            "2019/takeout.jpg": jpeg("t", taken=None),
            "2019/takeout.jpg.json": b'{"photoTakenTime": {"timestamp": "1562949015"}}',
            "2019/x.jpg": jpeg("x", taken=None),
            "2019/x.jpg.xmp": xmp("2019-07-12T16:30:15Z"),
        },
    )
    desk.evaluate()
    assert {(r["action"], r["source"].partition(":")[0]) for r in desk.rows()} == {
        ("move", "takeout"),
        ("move", "xmp"),
    }
    assert desk.process().status == 0
    assert len(desk.staged()) == 2
    for name, digest in desk.staged().items():
        assert (desk.staging / name).stat().st_mtime == 1562949015
        assert digest in hashes(desk.archive).values()


def test_a_picture_that_states_another_date_than_its_row_fails_and_says_what_to_do(desk: Desk):
    put(
        desk.archive,
        {"2019/a.jpg": jpeg("a"), "2019/b.jpg": jpeg("b"), "2019/none.jpg": jpeg("n", taken=None)},
        MTIME_2019,
    )
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (20, 120, 40)).save(buffer, "JPEG", xmp=xmp("2019-03-04T05:06:07"))
    put(desk.archive, {"2019/xmp.jpg": buffer.getvalue()}, MTIME_2019)
    desk.evaluate()
    rows = desk.by_name()
    assert {row["action"] for row in rows.values()} == {"move"}
    for name in ("a.jpg", "none.jpg", "xmp.jpg"):
        rows[name]["datetime"] = "2017-12-12 10:11:12"
    desk.save(list(rows.values()))
    dry, done = desk.process("--dryrun"), desk.process()
    assert (done.status, done.summary["staged"], done.summary["failed"]) == (3, 2, 2)
    assert dry.status == 3 and shown(dry) == shown(done, "staged")
    assert set(desk.staged()) == {"20190712_183015-b.jpg", "20171212_101112-none.jpg"}
    told = {n: row["processed"] for n, row in desk.by_name(desk.processed).items()}
    wanted = (
        "error: its picture states 2019-07-12 18:30:15 (exif:DateTimeOriginal), its row "
        "2017-12-12 10:11:12: add --write-dates"
    )
    assert told["a.jpg"] == wanted
    assert "2019-03-04 05:06:07 (xmp:DateTimeOriginal)" in told["xmp.jpg"]


def test_a_date_that_was_set_in_the_catalog_is_one_that_the_picture_does_not_state(desk: Desk):
    lab = desk.lab
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    assert lab.catalog("set", content_hash(jpeg("a")), "taken=2017-12-12 10:11:12").status == 0
    roots = ("--nas_root", lab.root)
    assert (
        lab.run(
            "reingest", "evaluate-images", "--query", "kind:image", "--report", desk.report, *roots
        ).status
        == 0
    )
    (row,) = desk.rows()
    assert (row["source"], row["datetime"], row["action"]) == (
        "person",
        "2017-12-12 10:11:12",
        "move",
    )
    done = desk.process(*roots)
    assert done.status == 3 and "add --write-dates" in done.out and desk.staged() == {}
    assert desk.process("--write-dates", *roots).status == 0
    assert [name.partition("-")[0] for name in desk.staged()] == ["20171212_101112"]


def test_a_correction_after_the_handover_is_not_ignored(desk: Desk):
    put(desk.archive, {f"2019/{n}.jpg": jpeg(n, taken=None) for n in "abc"}, MTIME_2019)
    desk.evaluate()
    run = desk.process().summary["run"]
    before, told = desk.staged(), desk.processed.read_bytes()
    rows = desk.by_name()
    original = dict(rows["a.jpg"])
    rows["a.jpg"]["datetime"] = "2018-01-02 03:04:05"
    desk.save(list(rows.values()))
    for _again in range(2):
        done = desk.process()
        assert (done.status, done.summary["failed"], done.summary["already"]) == (3, 1, 2)
        reason = next(x["reason"] for x in done.lines if x.get("outcome") == "failed")
        assert (
            "as 20190712_163015-a.jpg, its date was changed since" in reason
            and f"`catalog undo {run}`" in reason
        )
        assert desk.staged() == before and desk.processed.read_bytes() == told
    dry, done = desk.process("--write-dates", "--dryrun"), desk.process("--write-dates")
    assert (done.status, done.summary["failed"]) == (
        3,
        3,
    ) and "its date is not in the copy" in done.out
    assert dry.status == 3 and shown(dry) == shown(done)
    desk.save([original, *(row for n, row in rows.items() if n != "a.jpg")])
    assert desk.process().summary["already"] == 3
    desk.save(list(rows.values()))
    assert desk.lab.catalog("undo", run).status == 0
    done = desk.process("--write-dates")
    assert done.status == 0, done.err
    assert set(desk.staged()) == {
        "20180102_030405-a.jpg",
        "20190712_163015-b.jpg",
        "20190712_163015-c.jpg",
    }
    assert (
        desk.process("--write-dates").summary["already"] == desk.process().summary["already"] == 3
    )


def test_a_killed_run_is_run_again_and_ends_as_if_undisturbed(desk: Desk):
    many(desk.archive / "2019", 120)
    desk.evaluate()
    process = desk.lab.start("reingest", "process-images", desk.report, "--staging", desk.staging)
    wait_for(lambda: files_in(desk.staging) > 20, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.communicate()
    whole = desk.processed.read_bytes()
    assert 1 < whole.count(b"\n") < 120
    desk.processed.write_bytes(whole + b'"/half a row;"";move')
    done = desk.process()
    assert done.status == 0, done.err
    assert done.summary["staged"] + done.summary["already"] == 120
    assert done.summary["already"] >= 1
    assert sorted(desk.staged().values()) == sorted(hashes(desk.archive).values())
    rows = desk.rows(desk.processed)
    assert len(rows) == 120 and all(row["processed"] in desk.staged() for row in rows)
    assert len(desk.records()) == 120
    assert sorted(os.listdir(desk.staging / ".catalog")) == ["staging.json"]


def test_a_search_in_the_catalog_leads_to_tags_that_exclude_what_was_handed_over(desk: Desk):
    lab = desk.lab
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b", taken="2021:01:01 10:00:00")})
    assert lab.upload().status == 0
    roots = ("--nas_root", lab.root)
    report = ("--report", desk.report, "--json", "--yes", *roots)
    done = lab.run(
        "reingest", "evaluate-images", "--query", "taken:<2020-01-01 -tags:icloud", *report
    )
    assert done.status == 0, done.err
    (row,) = desk.rows()
    assert row["file"].startswith(str(lab.root)) and row["action"] == "move"
    assert desk.process(*roots).status == 0
    lab.ask("POST", f"{lab.index}/_refresh")
    tagged = {h: d.get("tags") for h, d in lab.documents().items()}
    assert tagged == {
        content_hash(jpeg("a")): ["icloud"],
        content_hash(jpeg("b", taken="2021:01:01 10:00:00")): None,
    }
    done = lab.run("evaluate_image_files", "--query", "taken:<2020-01-01 -tags:icloud", *report)
    assert done.status == 0 and desk.rows() == []
    done = lab.catalog("reingest", "evaluate_images", lab.root, *report)
    assert sorted(row["action"] for row in desk.rows()) == ["move", "skip"]
    lab.check_no_ghosts()


def test_the_transition_date_and_a_report_that_is_there(desk: Desk):
    put(
        desk.archive,
        {"2019/a.jpg": jpeg("a"), "2021/b.jpg": jpeg("b", taken="2021:01:01 10:00:00")},
    )
    desk.evaluate("--until", "2020-01-01")
    rows = desk.by_name()
    assert (rows["a.jpg"]["action"], rows["b.jpg"]["action"]) == ("move", "skip")
    assert rows["b.jpg"]["reason"] == "taken on 2021-01-01, not before 2020-01-01"
    before = desk.report.read_bytes()
    done = desk.lab.run("reingest", "evaluate-images", desk.archive)
    assert done.status == 4 and "may have been edited" in done.err
    assert desk.report.read_bytes() == before
    assert desk.lab.run("reingest", "evaluate-images").status == 2
    assert (
        desk.lab.run("reingest", "evaluate-images", desk.archive, "--store", "nas", "--yes").status
        == 2
    )
    assert (
        desk.lab.run("reingest", "evaluate-images", desk.archive, "--until", "soon", "--yes").status
        == 2
    )


def test_a_staged_copy_that_is_gone_is_told_and_staged_again_only_if_a_person_says_so(desk: Desk):
    put(desk.archive, {"2019/a.jpg": jpeg("a"), "2019/b.jpg": jpeg("b")})
    desk.evaluate()
    assert desk.process().status == 0
    before = desk.staged()
    (desk.staging / "20190712_183015-a.jpg").unlink()
    told = desk.process()
    assert (
        told.status == 0
        and told.summary["already"] == 2
        and told.out.count("--again stages it") == 1
    )
    assert desk.staged() != before
    dry, again = desk.process("--again", "--dryrun"), desk.process("--again")
    assert shown(dry) == shown(again, "staged")
    assert (again.summary["staged"], again.summary["already"]) == (1, 1) and desk.staged() == before
    assert "--again" not in desk.process("--again").out


def test_a_staging_folder_in_the_archive_or_a_store_is_refused(desk: Desk):
    lab = desk.lab
    put(lab.source, {"x.jpg": jpeg("x")})
    assert lab.upload().status == 0
    put(desk.archive, {"2019/a.jpg": jpeg("a"), "2020/b.jpg": jpeg("b")})
    desk.evaluate()
    for folder in (
        desk.archive / "staging",
        desk.archive / "2019",
        desk.lab.folder,
        lab.root / "staging",
        lab.root,
    ):
        done = lab.run("reingest", "process-images", desk.report, "--staging", folder)
        assert done.status == 4, (folder, done.err)
    assert not desk.records()


def test_undo_takes_back_records_tags_and_staged_copies_that_are_as_they_were(desk: Desk):
    lab = desk.lab
    put(lab.source, {n: jpeg(n) for n in ("a.jpg", "b.jpg", "c.jpg")})
    assert lab.upload().status == 0
    desk.evaluate("--nas_root", lab.root, archive=lab.root)
    done = desk.process("--nas_root", lab.root)
    run = done.summary["run"]
    gone, edited, kept = sorted(desk.staged())
    (desk.staging / gone).unlink()
    (desk.staging / edited).write_bytes(b"edited")
    dry = lab.catalog("undo", run, "--dryrun", "--json")
    assert dry.status == 0 and len(desk.records()) == 3
    done = lab.catalog("undo", run, "--json")
    assert done.status == 0, done.err
    assert desk.records() == {}
    assert set(desk.staged()) == {edited}
    assert kept not in desk.staged()
    assert all("tags" not in d and "person" not in d for d in lab.documents().values())
    lab.check_no_ghosts()
    desk.evaluate("--nas_root", lab.root, archive=lab.root)
    assert {row["action"] for row in desk.rows()} == {"move"}
    assert desk.process("--nas_root", lab.root).summary["staged"] == 3


def test_undo_keeps_a_staged_copy_that_became_the_last(desk: Desk):
    put(desk.archive, {"2019/a.jpg": jpeg("a")})
    desk.evaluate()
    run = desk.process().summary["run"]
    (desk.archive / "2019/a.jpg").unlink()
    done = desk.lab.catalog("undo", run, "--json")
    assert done.status == 3
    assert len(desk.staged()) == len(desk.records()) == 1
    assert desk.lab.catalog("undo", run, "--yes").status == 0
    assert desk.staged() == desk.records() == {}


def test_what_left_the_staging_folder_is_told_and_confirmed_only_while_the_folder_is_there(
    desk: Desk,
):
    lab = desk.lab
    put(desk.archive, {f"2019/{n}.jpg": jpeg(n) for n in "abcd"})
    assert lab.run("reingest", "status").out.startswith("Nothing was handed over yet.")
    desk.evaluate()
    assert desk.process().status == 0
    first, second, third, _fourth = sorted(desk.staged())
    (desk.staging / first).unlink()

    def status() -> dict[str, dict[str, Any]]:
        return {line["event"]: line for line in lab.run("reingest", "status", "--json").lines}

    told = status()
    assert told["handovers"] == {
        "event": "handovers",
        "target": "icloud",
        "state": "staged",
        "kind": "image",
        "count": 4,
    }
    assert (
        told["staging"]["there"]
        and told["staging"]["vanished"] == [first]
        and len(told["staging"]["waiting"]) == 3
    )
    assert (told["report"]["rows"], told["report"]["done"]) == (4, 4)
    assert f"left: {first}" in lab.run("reingest", "status").out

    away = desk.staging.rename(lab.folder / "unmounted")
    assert not status()["staging"]["there"] and status()["staging"]["vanished"] == []
    desk.staging.mkdir()
    assert not status()["staging"]["there"]
    done = lab.run("reingest", "confirm", "--emptied", desk.staging)
    assert done.status == 4 and "marker" in done.err
    desk.staging.rmdir()
    away.rename(desk.staging)

    dry = lab.run("reingest", "confirm", "--emptied", desk.staging, "--json", "--dryrun")
    done = lab.run("reingest", "confirm", "--emptied", desk.staging, "--json")
    assert shown(dry) == shown(done, "confirmed")
    assert done.status == 0 and done.summary["confirmed"] == 1 and done.summary["still there"] == 3
    run = done.summary["run"]
    done = lab.run("reingest", "confirm", second, "no such name.jpg", "--json")
    assert done.status == 3 and done.summary["confirmed"] == 1 and done.summary["unknown"] == 1
    done = lab.run("reingest", "confirm", desk.processed, "--json", "--dryrun")
    assert done.summary["planned"] == 2
    states = {r["name"]: r["state"] for r in desk.records().values()}
    assert (states[first], states[second], states[third]) == ("confirmed", "confirmed", "staged")
    assert lab.catalog("undo", run).status == 0
    assert {r["name"]: r["state"] for r in desk.records().values()}[first] == "staged"
    desk.evaluate()
    assert {row["action"] for row in desk.rows()} == {"skip"}


def test_a_confirmed_handover_is_not_taken_back_by_undoing_the_run_before(desk: Desk):
    put(desk.archive, {"2019/a.jpg": jpeg("a")})
    desk.evaluate()
    run = desk.process().summary["run"]
    assert desk.lab.run("reingest", "confirm", desk.processed).status == 0
    done = desk.lab.catalog("undo", run)
    assert done.status == 3 and "confirmed since" in done.err
    assert len(desk.staged()) == 1


def test_a_photo_the_cloud_has_is_handed_over_again_if_a_person_says_so(desk: Desk):
    put(desk.archive, {"2019/a.jpg": jpeg("a"), "2019/b.jpg": jpeg("b")})
    desk.evaluate()
    desk.process()
    for name in desk.staged():
        (desk.staging / name).unlink()
    desk.evaluate()
    rows = desk.rows()
    rows[0]["action"] = "move"
    desk.save(rows)
    assert desk.process().summary["staged"] == 1
    assert list(desk.staged()) == ["20190712_183015-a.jpg"]
    assert desk.process().summary["already"] == 1


def test_a_table_without_the_columns_of_this_program_is_done_and_done_once(desk: Desk):
    put(
        desk.archive,
        {
            "x/a.jpg": jpeg("a"),
            "x/a again.jpg": jpeg("a"),
            "x/b.png": png("b"),
            "x/c.jpg": jpeg("c"),
        },
    )
    files = [str(desk.archive / "x" / n) for n in ("a.jpg", "a again.jpg", "b.png", "c.jpg")]
    lines = [
        "file;datetime;action;reason",
        f"{files[0]};2019-07-12 18:30:15;move;",
        f"{files[1]};;move;",
        f"{files[2]};;move;",
    ]
    desk.report.write_text("\n".join([*lines, "x/relative.jpg;;move;", f"{files[3]};;skip;"]))
    dry, done = desk.process("--dryrun"), desk.process()
    assert done.status == 3 and done.summary["refused"] == 1
    assert shown(dry) == shown(done, "staged")
    assert set(desk.staged()) == {"20190712_183015-a.jpg", "unknown_b.png"}
    for name in desk.staged():
        (desk.staging / name).unlink()
    assert desk.process().summary["already"] == 3
    assert desk.staged() == {}


def test_a_file_that_changes_after_the_check_is_not_staged_and_a_link_is_refused(desk: Desk):
    put(desk.archive, {"2019/a.jpg": jpeg("a"), "2019/b.jpg": jpeg("b")})
    (desk.archive / "2019/link.jpg").symlink_to("a.jpg")
    (desk.archive / "2019/readme").symlink_to("a.jpg")
    desk.evaluate()
    rows = desk.by_name()
    assert set(rows) == {"a.jpg", "b.jpg", "link.jpg"}
    assert "symbolic link" in rows["link.jpg"]["reason"] and rows["link.jpg"]["action"] == "skip"
    path = desk.archive / "2019/a.jpg"
    path.write_bytes(jpeg("z")[: len(jpeg("a"))].ljust(len(jpeg("a")), b"\0"))
    os.utime(path, (MTIME, MTIME))
    rows["link.jpg"]["action"] = "move"
    desk.save(list(rows.values()))
    done = desk.process()
    assert done.status == 3 and (
        done.summary["staged"],
        done.summary["failed"],
        done.summary["refused"],
    ) == (1, 1, 1)
    assert "changed since it was evaluated" in next(
        x["reason"] for x in done.lines if x.get("outcome") == "failed"
    )
    assert list(desk.staged()) == ["20190712_183015-b.jpg"]
    assert desk.by_name(desk.processed)["a.jpg"]["processed"].startswith(
        "error: its content changed"
    )
    put(desk.archive, {"2019/a.jpg": jpeg("a")})
    done = desk.process()
    assert (done.summary["staged"], done.summary["already"]) == (1, 1)
    assert desk.by_name(desk.processed)["a.jpg"]["processed"] == "20190712_183015-a.jpg"


def test_photos_of_a_store_far_away_are_handed_over_as_well(desk: Desk, dropbox: Emulator):
    lab = desk.lab
    put(lab.source, {"a.jpg": jpeg("a"), "b.png": png("b")})
    assert lab.upload("--dropbox").status == 0
    done = lab.run(
        "reingest",
        "evaluate-images",
        "--query",
        "kind:image",
        "--store",
        "dropbox",
        "--report",
        desk.report,
    )
    assert done.status == 0, done.err
    rows = desk.rows()
    assert {row["file"].partition(":")[0] for row in rows} == {"dropbox"}
    for row in rows:
        row["action"] = "move"
    desk.save(rows)
    done = desk.process("--write-dates")
    assert done.status == 0, done.err
    assert content_hash(jpeg("a")) in desk.staged().values() and len(desk.staged()) == 2
    run = done.summary["run"]
    done = lab.catalog("undo", run)
    assert done.status == 0, done.err
    assert desk.staged() == desk.records() == {}


def test_of_a_store_the_index_is_believed_until_the_bytes_are_needed(desk: Desk):
    lab = desk.lab
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b", taken="2018:01:02 03:04:05")})
    assert lab.upload().status == 0
    first, second = (lab.root / path for path in sorted(lab.stored()))
    status = second.stat()
    second.write_bytes(bytes(status.st_size))
    os.utime(second, ns=(status.st_atime_ns, status.st_mtime_ns))
    report = ("--report", desk.report, "--nas_root", lab.root)
    assert lab.run("reingest", "evaluate-images", "--query", "kind:image", *report).status == 0
    assert {row["action"] for row in desk.rows()} == {"move"}
    done = desk.process("--nas_root", lab.root)
    assert done.status == 3 and (done.summary["staged"], done.summary["failed"]) == (1, 1)
    assert list(desk.staged().values()) == [content_hash(first.read_bytes())]
    assert len(desk.records()) == 1

    second.write_bytes(jpeg("new"))
    assert lab.run("reingest", "evaluate-images", lab.root, "--yes", *report).status == 0
    row = desk.by_name()[second.name]
    assert (row["action"], row["hash"]) == ("move", content_hash(second.read_bytes()))
