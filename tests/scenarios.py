"""Catalogs in which a command has many kinds of things to do, one for each command that has a dry
run: what it shows is compared with what it does, and it is killed while it does it.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from emulators.dropbox import Emulator
from films import Film, make
from running import GHENT, MTIME, PROGRAMS, Lab, clip, jpeg, png, put

from catalog.domain.document import without
from catalog.domain.fixity import content_hash

Arguments = Sequence[object]
Scenario = Callable[[Lab, Emulator], Arguments]
SCENARIOS: dict[str, Scenario] = {}
"""By command: prepares a catalog in which it has many kinds of things to do,
and gives its arguments.
"""


def start(program: str, part: list[str]) -> list[str]:
    """How a command is started: by its own name, where it has a program of its own."""
    return [program, *part] if (PROGRAMS / program).exists() else ["catalog", program, *part]


def scenario(*names: str) -> Callable[[Scenario], Scenario]:
    def register(prepare: Scenario) -> Scenario:
        SCENARIOS.update(dict.fromkeys(names, prepare))
        return prepare

    return register


# --- what there is to do --------------------------------------------------------------------------

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


def photos(*numbers: int) -> dict[str, bytes]:
    return {f"{n}.jpg": jpeg(n, f"2019:07:{n + 1:02d} 18:30:15") for n in numbers}


def mixed(folder: Path) -> None:
    """New photos, one of them twice, sidecars, a second name of one moment, what is no photo,
    and what is passed over.
    """
    put(
        folder,
        {
            **photos(1, 2, 3),
            "again/1.jpg": photos(1)["1.jpg"],
            "1.jpg.xmp": XMP,
            "sub/2.xmp": XMP + b"2",
        },
    )
    put(
        folder,
        {
            "sub/2.jpg": jpeg("other", "2019:07:03 18:30:15"),
            "a.png": png("a"),
            "b.pdf": b"%PDF",
            ".hidden.jpg": b"h",
        },
    )


def stocked(lab: Lab, *numbers: int) -> None:
    """A catalog on the NAS that has some photos."""
    put(lab.source, photos(*numbers))
    put(lab.source, {"1.jpg.xmp": XMP})
    assert lab.upload().status == 0


@scenario("upload_to_nas_from_disk")
def _upload(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 4)
    mixed(lab.source)
    return (lab.source, "-r", "--dropbox")


@scenario("upload")
def _upload_also(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 4)
    mixed(lab.source)
    return (lab.source, "-r", "--also", "dropbox")


@scenario("upload_to_dropbox_from_dropbox")
def _upload_dropbox(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1)
    mixed(lab.folder / "camera")
    for path in sorted(p for p in (lab.folder / "camera").rglob("*") if p.is_file()):
        dropbox.plant(
            f"/Camera Uploads/{path.relative_to(lab.folder / 'camera')}",
            path.read_bytes(),
            client_modified=int(MTIME),
        )
    return ("/Camera Uploads", "-r", "--nas")


def changed(lab: Lab) -> None:
    """A store in which files were renamed, copied, edited,
    removed and added behind the catalog's back.
    """
    stocked(lab, *range(1, 9))
    one, two, three, four, five = sorted(lab.root.rglob("2019*.jpg"))[:5]
    one.rename(one.with_name("renamed.jpg"))
    put(
        lab.root,
        {
            "copy.jpg": two.read_bytes(),
            "new.jpg": jpeg("new"),
            "new.jpg.xmp": XMP,
            "x.pdf": b"%PDF",
        },
    )
    put(lab.root, {str(three.relative_to(lab.root)): jpeg("edited")})
    four.unlink()
    five.with_name(f"{five.name}.xmp").write_bytes(XMP + b"5")


@scenario("sync_catalog_with_disk", "sync")
def _sync(lab: Lab, dropbox: Emulator) -> Arguments:
    changed(lab)
    return ()


def mirrored(lab: Lab) -> None:
    """A NAS and a Dropbox that hold the same, and then what was done in either since."""
    changed(lab)
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    assert lab.run("sync_nas_to_dropbox", "-q").status == 0
    put(lab.source, photos(11, 12))
    put(lab.source, {"11.jpg.xmp": XMP + b"11"})
    assert lab.upload().status == 0
    first, *_rest, moved = sorted(lab.root.rglob("2019*.jpg"))
    moved.rename(moved.with_name("moved.jpg"))
    put(lab.root, {"further/copy.jpg": first.read_bytes()})
    assert lab.run("sync_catalog_with_disk", "-q").status == 0


@scenario("sync_nas_to_dropbox")
def _there(lab: Lab, dropbox: Emulator) -> Arguments:
    mirrored(lab)
    gone = next(path for path in sorted(dropbox.files()) if path.endswith(".jpg"))
    dropbox.delete(gone)
    return ()


@scenario("sync_dropbox_to_nas")
def _back(lab: Lab, dropbox: Emulator) -> Arguments:
    mirrored(lab)
    dropbox.plant("/photos/phone.jpg", jpeg("phone"), client_modified=int(MTIME))
    dropbox.plant("/photos/phone.xmp", XMP + b"phone", client_modified=int(MTIME))
    assert lab.run("sync_catalog_with_dropbox", "-q").status == 0
    lost = sorted(lab.root.rglob("2019*.jpg"))[1]
    lost.unlink()
    return ()


@scenario("sync_catalog_with_dropbox")
def _far(lab: Lab, dropbox: Emulator) -> Arguments:
    mirrored(lab)
    gone, edited, *_rest = (path for path in sorted(dropbox.files()) if path.endswith(".jpg"))
    copied = next(p for p in lab.root.rglob("*.jpg"))
    dropbox.plant("/photos/again.jpg", copied.read_bytes(), client_modified=int(MTIME))
    dropbox.plant("/photos/phone.jpg", jpeg("phone"), client_modified=int(MTIME))
    dropbox.plant("/photos/phone.xmp", XMP + b"phone", client_modified=int(MTIME))
    dropbox.plant(edited, jpeg("edited"), client_modified=int(MTIME))
    dropbox.delete(gone)
    return ()


@scenario("import")
def _import(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2, 3)
    file = lab.folder / "all.ndjson"
    assert lab.catalog("export", file).status == 0
    rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    one, two, *_rest = (row["document"] for row in rows if row.get("what") == "assets")
    one["copies"].append(one["copies"][0] | {"path": "elsewhere.jpg"})
    two["copies"] = [{}]
    fresh = {"what": "assets", "id": "0" * 64, "document": one | {"hash": "0" * 64}}
    rows[-1]["counts"]["assets"] += 1
    file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in [*rows[:-1], fresh, rows[-1]]))
    return (file,)


@scenario("import_old_catalog")
def _import_old(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2)
    old, july = lab.folder / "old", "2015/07_July"
    put(old, {f"{july}/{name}": data for name, data in photos(1, 3, 4).items()})
    put(
        old,
        {
            f"{july}/again.jpg": photos(3)["3.jpg"],
            f"{july}/3.jpg.xmp": XMP + b"3",
            f"{july}/broken.jpg": b"\xff\xd8\xff",
        },
    )
    put(old, {"2015/Party/Cake.jpg": photos(3)["3.jpg"], "2015/Party/Pie.jpg": photos(3)["3.jpg"]})
    put(
        old,
        {
            "2015/Party/two.jpg": photos(2)["2.jpg"],
            "2015/Party/two.xmp": XMP + b"2",
            "2015/Party/Day 1/b.png": png("b"),
        },
    )
    put(
        old,
        {
            f"{july}/Whatsapp/IMG-20150713-WA0001.jpg": jpeg(5, None),
            "2015/beside.jpg": jpeg(6),
            "2015/notes.txt": b"text",
        },
    )
    return (old, "2015", "--dropbox")


@scenario("mirror")
def _mirror(lab: Lab, dropbox: Emulator) -> Arguments:
    """A second disk, and what was done in either since it held the same."""
    put(lab.source, photos(8) | {"8.jpg.xmp": XMP})
    stocked(lab, 1, 2, 3, 4)
    shelf = lab.folder / "shelf"
    shelf.mkdir()
    assert lab.catalog("store", "add", "shelf", shelf).status == 0
    assert lab.catalog("mirror", "nas", "shelf", "-q").status == 0
    put(lab.source, photos(5, 6, 7))
    assert lab.upload().status == 0
    one, two, three, four, five, six = (stored(lab, data) for data in photos(*range(1, 7)).values())
    (lab.root / two).rename(lab.root / "renamed.jpg")
    put(lab.root, {"further/copy.jpg": photos(1)["1.jpg"], "new.jpg": jpeg("new")})
    sidecar = f"{stored(lab, photos(8)['8.jpg'])}.xmp"
    put(lab.root, {sidecar: XMP + b"\n"}, mtime=MTIME + 60)
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    (shelf / three).unlink()
    put(
        shelf,
        {
            four: jpeg("edited"),
            five: jpeg("in the way"),
            six: photos(6)["6.jpg"],
            "renamed.jpg": jpeg("there"),
        },
    )
    (lab.root / one).unlink()
    return ("nas", "shelf")


# --- what is taken away, and comes back -----------------------------------------------------------


def stored(lab: Lab, data: bytes) -> str:
    """Where a content lies in the catalog on the NAS."""
    return next(path for path, digest in lab.stored().items() if digest == content_hash(data))


@scenario("delete_from_directory_if_in_catalog")
def _prune(lab: Lab, dropbox: Emulator) -> Arguments:
    """Of the photos one is lost, one was edited in the catalog,
    one has a sidecar that is not there.
    """
    stocked(lab, 1, 2, 3, 4, 5)
    mixed(lab.source)
    put(lab.source, {"5.jpg.xmp": XMP + b"5"})
    (lab.root / stored(lab, photos(1)["1.jpg"])).unlink()
    put(lab.root, {stored(lab, photos(2)["2.jpg"]): jpeg("edited")})
    return (lab.source, "-r")


def forgettable(lab: Lab) -> list[str]:
    """The hashes of photos of which one has two copies, one was edited since, and one is lost;
    and one that is unknown.
    """
    stocked(lab, 1, 2, 3, 4)
    put(lab.root, {"copy.jpg": photos(2)["2.jpg"]})
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    put(lab.root, {stored(lab, photos(3)["3.jpg"]): jpeg("edited")})
    (lab.root / stored(lab, photos(4)["4.jpg"])).unlink()
    return [*map(content_hash, photos(1, 2, 3, 4).values()), "0" * 64]


@scenario("delete_ids")
def _delete_ids(lab: Lab, dropbox: Emulator) -> Arguments:
    first, *rest = forgettable(lab)
    sheet = lab.folder / "ids.csv"
    sheet.write_text("".join(f"{line}\n" for line in ("_id", *rest)))
    return (first, sheet, "--with-files")


@scenario("forget")
def _forget(lab: Lab, dropbox: Emulator) -> Arguments:
    return (*forgettable(lab), "--with-files")


@scenario("trash restore")
def _restore(lab: Lab, dropbox: Emulator) -> Arguments:
    """Two files of one place, one that the catalog does not know any more,
    and one whose place is taken.
    """
    stocked(lab, 1, 2, 3)
    one, two, _three = paths = [stored(lab, data) for data in photos(1, 2, 3).values()]
    assert lab.catalog("forget", *paths, "--with-files", "-q").status == 0
    put(
        lab.root / ".catalog/trash/20200101T000000Z",
        {one: jpeg("stranger"), "b.jpg": jpeg("unknown")},
    )
    put(lab.root, {two: jpeg("in the way")})
    return (*paths, "b.jpg")


@scenario("undo")
def _undo(lab: Lab, dropbox: Emulator) -> Arguments:
    """An upload that moved: of its sources one cannot come back, and of its copies one was edited,
    and one is lost.
    """
    put(lab.source, photos(1, 2, 3, 4))
    put(lab.source, {"1.jpg.xmp": XMP, "again/2.jpg": photos(2)["2.jpg"]})
    run = lab.upload("--move").summary["run"]
    put(lab.source, {"again/2.jpg": jpeg("in the way")})
    put(lab.root, {stored(lab, photos(3)["3.jpg"]): jpeg("edited")})
    (lab.root / stored(lab, photos(4)["4.jpg"])).unlink()
    return (run,)


# --- what a person says, and decides --------------------------------------------------------------


@scenario("tag")
def _tag(lab: Lab, dropbox: Emulator) -> Arguments:
    stocked(lab, 1, 2, 3)
    one, two, three = map(content_hash, photos(1, 2, 3).values())
    assert lab.catalog("tag", one, "--add", "sea", "-q").status == 0
    assert lab.catalog("tag", two, "--add", "hills", "-q").status == 0
    return (one, two, three, one[:16], "--add", "sea", "--remove", "hills")


@scenario("set")
def _set(lab: Lab, dropbox: Emulator) -> Arguments:
    put(lab.source, {"a.jpg": jpeg("a", position=GHENT)})
    stocked(lab, 1, 2, 3)
    said = ("rating=5", "albums+=Best", "position=51.05,3.72", "taken=2018-01-02")
    assert lab.catalog("set", content_hash(photos(1)["1.jpg"]), *said, "-q").status == 0
    return ("--query", "kind:image", *said)


@scenario("refile")
def _refile(lab: Lab, dropbox: Emulator) -> Arguments:
    """Photos with corrected dates: two that change names, a chain of one second each, shots with
    sidecars, one with a number that it needs no more, one edited, one lost, one whose name is a
    person's, and something in the way.
    """
    seconds = {f"s{n}.jpg": jpeg(f"s{n}", f"2019:07:12 18:30:1{n}") for n in range(5)}
    put(lab.source, {**seconds, "twin.jpg": jpeg("twin", "2019:07:12 18:30:14"), "s0.jpg.xmp": XMP})
    still = jpeg("still", "2019:07:31 23:30:00")
    put(lab.source, {"8.jpg": still, "8.aae": b"edits"})
    clip(lab.source / "8.mov", "2019-07-31T23:30:00.000000Z")
    stocked(lab, *range(1, 5))
    edited, lost, renamed, _fine = (stored(lab, data) for data in photos(*range(1, 5)).values())
    (lab.root / renamed).rename(lab.root / "a name of my own.jpg")
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    put(lab.root, {edited: jpeg("edited")})
    (lab.root / lost).unlink()
    put(lab.root, {"2019/08_August/2019-08-01 00-30-00.jpg": jpeg("in the way")})
    corrected = {
        seconds["s0.jpg"]: "2019-07-12 18:30:11",
        seconds["s1.jpg"]: "2019-07-12 18:30:12",
        seconds["s2.jpg"]: "2019-07-12 18:40:00",
        seconds["s3.jpg"]: "2019-07-12 18:30:14",
        seconds["s4.jpg"]: "2019-07-12 18:30:13",
        still: "2019-08-01 00:30:00",
    }
    for data, when in corrected.items():
        assert lab.catalog("set", content_hash(data), f"taken={when}", "-q").status == 0
    rest = map(content_hash, photos(*range(1, 5)).values())
    assert lab.catalog("set", *rest, "taken+=1d", "-q").status == 0
    return ()


@scenario("sidecars write")
def _sidecars(lab: Lab, dropbox: Emulator) -> Arguments:
    """Sidecars to write, to replace, to withdraw and to leave; one beside another program's,
    and of a lost photo.
    """
    stocked(lab, *range(2, 8))
    replaced, withdrawn, left, new, others, lost = photos(*range(2, 8)).values()
    before, since = (replaced, withdrawn, left), (replaced, new, others, lost)
    assert lab.catalog("tag", *map(content_hash, before), "--add", "sea", "-q").status == 0
    assert lab.catalog("sidecars", "write", "-q").status == 0
    assert lab.catalog("tag", *map(content_hash, since), "--add", "hills", "-q").status == 0
    assert lab.catalog("tag", content_hash(withdrawn), "--remove", "sea", "-q").status == 0
    put(lab.root, {f"{stored(lab, others)}.xmp": XMP + b"of another program"})
    (lab.root / stored(lab, lost)).unlink()
    return ()


@scenario("resolve")
def _resolve(lab: Lab, dropbox: Emulator) -> Arguments:
    """Decisions that speak of each other: of copies of a keeper, of a photo twice,
    of a live photo and its movie.
    """
    lab.variables["CATALOG_REMOVAL_COPIES"] = "1"
    put(lab.source, {"8.jpg": jpeg("still", "2019:07:09 18:30:15")})
    clip(lab.source / "8.mov", "2019-07-09T18:30:15.000000Z")
    stocked(lab, 1, 2, 3)
    keeper, one, two = map(content_hash, photos(1, 2, 3).values())
    still, movie = (content_hash((lab.source / name).read_bytes()) for name in ("8.jpg", "8.mov"))
    assert lab.catalog("tag", one, "--add", "sea", "-q").status == 0
    put(lab.root, {"second.jpg": photos(1)["1.jpg"], "third.jpg": photos(1)["1.jpg"]})
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    return (
        table(
            lab.folder / "decisions.csv",
            [
                ("group", "kind", "decision", "hash", "path", "keeper"),
                ("1" * 12, "exact", "drop", keeper, "nas:second.jpg", keeper),
                ("2" * 12, "similar", "drop", one, "", keeper),
                ("3" * 12, "similar", "drop", one, "", keeper),
                ("4" * 12, "similar", "not-duplicate", two, "", keeper),
                ("5" * 12, "similar", "burn", two, "", keeper),
                ("6" * 12, "bad", "drop", still, "", ""),
                ("7" * 12, "bad", "drop", movie, "", ""),
                ("8" * 12, "bad", "drop", "0" * 64, "", ""),
            ],
        ),
    )


def table(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """A table as a person's spreadsheet writes it."""
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, delimiter=";").writerows(rows)
    return path


def made_older(lab: Lab, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Four photos as an older version recorded them, but one;
    of them one is lost and one was edited since.
    """
    stocked(lab, 1, 2, 3, 4)
    complete, lost, edited, _fine = photos(1, 2, 3, 4).values()
    lines: list[dict[str, Any]] = []
    for digest, document in lab.documents().items():
        if digest != content_hash(complete):
            lines += [{"index": {"_index": lab.index, "_id": digest}}, change(document)]
    data = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    lab.ask(
        "POST", "_bulk?refresh=true", data=data, headers={"content-type": "application/x-ndjson"}
    )
    (lab.root / stored(lab, lost)).unlink()
    put(lab.root, {stored(lab, edited): jpeg("edited")})


@scenario("measure")
def _measure(lab: Lab, dropbox: Emulator) -> Arguments:
    """Photos of which nothing was measured."""
    made_older(lab, lambda d: without(d, "look", "phash_inner") | {"quality": {}})
    return ()


@scenario("reread")
def _reread(lab: Lab, dropbox: Emulator) -> Arguments:
    """Photos of whose camera nothing was known."""
    made_older(lab, lambda d: without(d, "camera", "reader"))
    return ()


# --- handing over to a cloud ----------------------------------------------------------------------


def evaluated(lab: Lab, kind: str, *what: object) -> Path:
    """The report of an evaluation."""
    report = lab.folder / "desk" / f"{kind}.csv"
    report.parent.mkdir(exist_ok=True)
    done = lab.run("reingest", f"evaluate-{kind}", *what, "--report", report, "-q", "--yes")
    assert done.status == 0, done.err
    return report


def edit(report: Path, changes: Mapping[str, Mapping[str, str]], *twice: str) -> None:
    """What a person changes in a report, by the ends of names ("" is all others);
    rows that are there twice.
    """
    with report.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    for row in rows:
        row.update(next((new for end, new in changes.items() if row["file"].endswith(end)), {}))
    rows += [row for row in rows if row["file"].endswith(tuple(twice))] if twice else []
    table(report, [list(rows[0]), *(list(row.values()) for row in rows)])


MOVE, SKIPPED = {"action": "move"}, {"action": "skip"}


@scenario("process_image_files", "reingest process-images")
def _images(lab: Lab, dropbox: Emulator) -> Arguments:
    """Rows that are done, that were changed since, that cannot be understood; of one name,
    of one content; and of no date.
    """
    archive, staging = lab.folder / "archive", lab.folder / "staging"
    put(
        archive,
        {
            f"2019/{name}.jpg": jpeg(name, None if name == "dated" else "2019:07:12 18:30:15")
            for name in (
                "done",
                "redated",
                "burn",
                "gone",
                "edited",
                "dated",
                "twice",
                "taken",
                "there",
                "x/IMG",
                "y/IMG",
            )
        },
    )
    put(
        archive,
        {
            "2019/again.jpg": jpeg("taken"),
            "2019/done again.jpg": jpeg("done"),
            "misc/plain.png": png("plain"),
        },
    )
    report = evaluated(lab, "images", archive)
    written = report.read_bytes()
    edit(report, {"/done.jpg": MOVE, "/redated.jpg": MOVE, "": SKIPPED})
    assert lab.run("reingest", "process-images", report, "--staging", staging, "-q").status == 0
    report.write_bytes(written)
    edit(
        report,
        {
            "redated.jpg": {"datetime": "2018-01-02 03:04:05"},
            "burn.jpg": {"action": "burn"},
            "again.jpg": MOVE,
            "dated.jpg": MOVE | {"datetime": "2015-02-03 04:05:06"},
        },
        "twice.jpg",
    )
    (archive / "2019/gone.jpg").unlink()
    put(archive, {"2019/edited.jpg": jpeg("edited since")})
    put(
        staging,
        {
            "20190712_183015-taken.jpg": jpeg("in the way"),
            "20190712_183015-there.jpg": jpeg("there"),
        },
    )
    return (report, "--staging", staging, "--write-dates")


def films(folder: Path, *names: str) -> None:
    kinds = {
        "mp4": Film(sound="aac"),
        "avi": Film("mpeg4", sound="mp2", metadata={}),
        "MOV": Film("libx265", tag="hvc1"),
    }
    for seed, name in enumerate(names):
        make(folder / name, replace(kinds[name.rpartition(".")[2]], seed=seed), mtime=MTIME)


@scenario("process_video_files", "reingest process-videos")
def _videos(lab: Lab, dropbox: Emulator) -> Arguments:
    """Films to convert and to copy, of which two want one name; rows done before,
    changed since and not understood.
    """
    archive, staging = lab.folder / "archive", lab.folder / "staging"
    films(
        archive,
        "2019/done.mp4",
        "2019/x/film.mp4",
        "2019/y/film.mp4",
        "2019/fit.MOV",
        "2019/edited.mp4",
        "misc/no.avi",
        "misc/dated.avi",
        "2019/taken.mp4",
    )
    shutil.copy2(archive / "2019/fit.MOV", archive / "2019/again.MOV")
    lab.variables |= {
        "CATALOG_REINGEST_PRESET": "ultrafast",
        "CATALOG_HOME_ZONE": "Europe/Brussels",
    }
    report = evaluated(lab, "videos", archive)
    written = report.read_bytes()
    edit(report, {"done.mp4": {}, "": SKIPPED})
    process = ("--staging", staging, "--larger")
    assert lab.run("reingest", "process-videos", report, *process, "-q").status == 0
    report.write_bytes(written)
    edit(
        report,
        {
            "again.MOV": MOVE,
            "dated.avi": {"action": "convert", "datetime": "2003-04-05 06:07:08"},
        },
        "taken.mp4",
    )
    (archive / "2019/edited.mp4").write_bytes(b"edited")
    put(staging, {"20190712_183015-taken.mov": b"in the way"})
    return (report, *process)


@scenario("replace_archived_media", "reingest replace-archived-media")
def _replace(lab: Lab, dropbox: Emulator) -> Arguments:
    """Films of a store, of which one is replaced already, one has no converted file any more,
    one was edited since.
    """
    films(lab.source, "done.mp4", "one.mp4", "two.avi", "lost.mp4", "edited.mp4", "unwanted.mp4")
    put(lab.source, {"one.mp4.xmp": XMP})
    lab.variables |= {
        "CATALOG_REINGEST_PRESET": "ultrafast",
        "CATALOG_HOME_ZONE": "Europe/Brussels",
    }
    stored_as = {line["path"]: line["target"] for line in lab.upload().lines if line.get("target")}
    report, staging = evaluated(lab, "videos", "--query", "kind:video"), lab.folder / "staging"
    edit(report, {stored_as["two.avi"]: {"action": "convert", "datetime": "2003-04-05 06:07:08"}})
    assert (
        lab.run("reingest", "process-videos", report, "--staging", staging, "--larger", "-q").status
        == 0
    )
    processed, wanted = report.with_name("videos_processed.csv"), {"overwrite": "1"}
    edit(processed, {stored_as["done.mp4"]: wanted})
    assert lab.run("reingest", "replace-archived-media", processed, "--larger", "-q").status == 0
    edit(processed, {stored_as["unwanted.mp4"]: {}, "": wanted})
    with processed.open(encoding="utf-8", newline="") as file:
        made = {
            row["file"].rpartition("/nas/")[2]: row["derived_file"]
            for row in csv.DictReader(file, delimiter=";")
        }
    Path(made[stored_as["lost.mp4"]]).unlink()
    (lab.root / stored_as["edited.mp4"]).write_bytes(b"edited")
    return (processed, "--larger")


@scenario("process_duplicates", "reingest process-duplicates")
def _duplicates(lab: Lab, dropbox: Emulator) -> Arguments:
    """Duplicates that may go, that are to stay, that are gone or edited, or whose original is;
    and one that went before.
    """
    archive, names = (
        lab.folder / "archive",
        ("done", "one", "stays", "gone", "edited", "lost", "twice", "burn"),
    )
    put(archive, {f"2019/{name}.jpg": jpeg(name) for name in names})
    put(archive, {f"2019/{name}_copy.jpg": jpeg(name) for name in names})
    put(archive, {"2020/one elsewhere.jpg": jpeg("one"), "2020/done elsewhere.jpg": jpeg("done")})
    report, going = evaluated(lab, "duplicates", archive), {"action": "delete"}
    written = report.read_bytes()
    edit(report, {"done_copy.jpg": going, "": {"action": "keep"}})
    assert lab.run("reingest", "process-duplicates", report, "-q").status == 0
    report.write_bytes(written)
    edit(
        report,
        {
            "one elsewhere.jpg": going,
            "stays_copy.jpg": {"action": "keep"},
            "burn_copy.jpg": {"action": "burn"},
        },
        "twice_copy.jpg",
    )
    (archive / "2019/gone_copy.jpg").unlink()
    (archive / "2019/lost.jpg").unlink()
    put(
        archive, {"2019/edited_copy.jpg": jpeg("edited since"), "2019/edited.jpg": jpeg("and this")}
    )
    return (report,)


@scenario("reingest confirm")
def _confirm(lab: Lab, dropbox: Emulator) -> Arguments:
    archive, staging = lab.folder / "archive", lab.folder / "staging"
    put(archive, {f"2019/{name}.jpg": jpeg(name) for name in "abcd"})
    report = evaluated(lab, "images", archive)
    assert lab.run("reingest", "process-images", report, "--staging", staging, "-q").status == 0
    a, b, c, _d = sorted(path.name for path in staging.glob("*.jpg"))
    assert lab.run("reingest", "confirm", a, "-q").status == 0
    return (a, b, staging / c, content_hash(jpeg("b")), "no such name.jpg")


@scenario("scaler")
def _scale(lab: Lab, dropbox: Emulator) -> Arguments:
    """Pictures to scale, of which one was before, one finds its name taken, and one is broken; what
    is no picture, and what is not wanted.
    """
    raw, unsorted = lab.folder / "raw", lab.folder / "unsorted"
    lab.variables |= {
        "CATALOG_RAW_REMOTE_DIR": str(raw),
        "CATALOG_UNSORTED_REMOTE_DIR": str(unsorted),
    }
    unsorted.mkdir()
    put(raw, {"Unknown_done.jpg": jpeg("done")})
    assert lab.run("scaler", "--once", "-q").status == 0
    photos = {f"Unknown_{name}.jpg": jpeg(name) for name in ("done", "one", "two", "taken")}
    put(raw, {**photos, "Unknown_d.png": png("d"), "Unknown_broken.jpg": jpeg("broken")[:-200]})
    put(raw, {"Unknown_notes.txt": b"hello", "other.jpg": jpeg("other")})
    put(unsorted, {"Unknown_taken_20210304050607_x2.jpg": jpeg("in the way")})
    return ("--once",)


@scenario("mover")
def _move_tagged(lab: Lab, dropbox: Emulator) -> Arguments:
    """Photos with tags that wait in a store: one with a sidecar, one whose name is taken, one whose
    equal is there, one twice, one of an odd category, and what has another tag or none.
    """
    unsorted, images = lab.root / "_unsorted", lab.root / "ai"
    lab.variables |= {
        "CATALOG_UNSORTED_REMOTE_DIR": str(unsorted),
        "CATALOG_IMAGES_ROOT_DIR": str(images),
        "CATALOG_PARENT_TAG_VALUE": "ai",
    }
    stocked(lab, 1)
    found = {name: jpeg(name) for name in ("one", "two", "taken", "equal", "twice", "odd", "none")}
    put(unsorted, {f"{name}.jpg": data for name, data in found.items()})
    put(unsorted, {"deeper/again.jpg": found["twice"], "one.jpg.xmp": XMP + b"one"})
    put(images, {"cats/taken.jpg": jpeg("in the way"), "cats/other name.jpg": found["equal"]})
    assert lab.run("sync_catalog_with_disk", "-y", "-q").status == 0
    tags = {"odd": ("ai:a/b",), "none": ("holiday",), "two": ("ai:dogs", "ai:cats", "holiday")}
    for name, data in found.items():
        for tag in tags.get(name, ("ai:cats",)):
            assert lab.catalog("tag", content_hash(data), "--add", tag, "-q").status == 0
    return ()
