"""`sync_catalog_with_disk`: after it the index says what lies on the disk,
and nothing is lost on the way.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from running import MTIME, Done, Lab, clip, hashes, jpeg, many, put

from catalog.domain.fixity import content_hash


def sync(lab: Lab, *arguments: object, **more: str) -> Done:
    """A reconciliation of the whole store, as JSON."""
    return lab.run("sync_catalog_with_disk", "--nas_root", lab.root, "--json", *arguments, **more)


def outcomes(done: Done) -> dict[str, int]:
    """How often each outcome was told, without what stayed as it was."""
    names = (
        "touched",
        "moved",
        "copied",
        "new",
        "changed",
        "sidecars",
        "gone",
        "missing",
        "forgotten",
        "damaged",
        "failed",
    )
    return {name: done.summary[name] for name in names if done.summary[name]}


def check_agrees(lab: Lab) -> None:
    """The index says exactly what lies on the disk, and the next plan is empty."""
    claimed: dict[str, str] = {}
    for digest, document in lab.documents().items():
        good = [c for c in document["copies"] if c["state"] == "ok"]
        for row in good:
            assert row["path"] not in claimed
            claimed[row["path"]] = digest
        assert document["copy_count"] == len({(c["device"], c["inode"]) for c in good})
        assert document["paths"] == sorted({c["path"] for c in good})
        for row in document.get("sidecars", []):
            claimed[row["path"]] = row["hash"]
    assert claimed == {p: h for p, h in lab.stored().items() if "notes" not in p}
    again = sync(lab, "--dryrun")
    assert again.status in (0, 3) and again.summary["planned"] == 0, again.out


@pytest.fixture
def library(lab: Lab) -> Lab:
    """A catalog with a few photos in it, made by an upload."""
    put(lab.source, {f"{n}.jpg": jpeg(n, f"2019:0{n}:12 18:30:15") for n in range(1, 7)})
    put(
        lab.source,
        {"pair.jpg": jpeg("pair", "2020:01:01 10:00:00"), "pair.jpg.xmp": b"<x:xmpmeta/>"},
    )
    assert lab.upload().status == 0
    return lab


def path_of(lab: Lab, seed: object) -> str:
    """Where a photo of the library lies."""
    digest = content_hash(jpeg(seed, f"2019:0{seed}:12 18:30:15"))
    return next(p for p, h in lab.stored().items() if h == digest)


def test_nothing_is_planned_where_nothing_changed(library: Lab) -> None:
    before = library.documents()
    done = sync(library)
    assert done.status == 0 and outcomes(done) == {} and done.summary["unchanged"] == 7
    assert library.documents() == before


def test_a_renamed_folder_is_known_without_reading_a_file(library: Lab, tmp_path: Path) -> None:
    library.ask(
        "POST",
        f"{library.index}/_update/{content_hash(jpeg(1, '2019:01:12 18:30:15'))}",
        json={"doc": {"albums": ["Winter"]}},
    )
    (library.root / "2019").rename(library.root / "Our 2019")
    originals = {}
    for path in library.root.rglob(
        "*.jpg"
    ):  # other bytes in the same file at the same time: whoever reads it sees them
        status = path.stat()
        originals[path] = path.read_bytes()
        path.write_bytes(bytes(len(originals[path])))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    done = sync(library)
    assert outcomes(done) == {"moved": 6}
    for path, data in originals.items():
        status = path.stat()
        path.write_bytes(data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    check_agrees(library)
    assert library.documents()[content_hash(jpeg(1, "2019:01:12 18:30:15"))]["albums"] == ["Winter"]
    for document in library.documents().values():
        assert len(document["copies"]) == 1


def test_what_was_edited_touched_copied_added_and_deleted_by_hand_is_told_apart(
    library: Lab,
) -> None:
    edited, touched, copied, deleted = (library.root / path_of(library, n) for n in (1, 2, 3, 4))
    edited.write_bytes(jpeg("edited", "2019:01:12 18:30:15"))
    os.utime(touched, (MTIME + 500, MTIME + 500))
    shutil.copy2(copied, library.root / "copy of it.jpg")
    (library.root / "copy of it.jpg").touch()
    deleted.unlink()
    put(
        library.root,
        {"new/by hand.jpg": jpeg("by hand", "2021:05:05 05:05:05"), "notes.txt": b"no photo"},
    )
    planned = sync(library, "--dryrun")
    assert planned.status == 0 and planned.summary["planned"] == 6
    done = sync(library)
    assert done.status == 0, done.out
    assert outcomes(done) == {"changed": 1, "touched": 1, "copied": 1, "missing": 2, "new": 1}
    assert done.summary["unsupported"] == 1
    check_agrees(library)
    lost = [d for d in library.documents().values() if d["copy_count"] == 0]
    assert {d["copies"][0]["state"] for d in lost} == {"missing"} and len(lost) == 2
    forgetting = sync(library, "--forget-missing")
    assert outcomes(forgetting) == {"forgotten": 2}
    assert all(d["copy_count"] for d in library.documents().values())


def test_a_deleted_copy_is_dropped_where_another_is_left(library: Lab) -> None:
    first = library.root / path_of(library, 1)
    shutil.copy(first, library.root / "second.jpg")
    assert outcomes(sync(library)) == {"copied": 1}
    first.unlink()
    assert outcomes(sync(library)) == {"gone": 1}
    check_agrees(library)
    assert all(d["copy_count"] == 1 and len(d["copies"]) == 1 for d in library.documents().values())


def test_what_was_missing_is_found_again_wherever_it_comes_back(
    library: Lab, tmp_path: Path
) -> None:
    path = library.root / path_of(library, 1)
    away = library.folder / "away.jpg"
    shutil.copy2(path, away)
    path.unlink()
    assert outcomes(sync(library)) == {"missing": 1}
    (event,) = (e for e in library.documents("events").values() if e["action"] == "missing")
    assert event["reason_kind"] == "not_found" and event["reason"].startswith(
        "its content is nowhere else"
    )
    assert outcomes(sync(library)) == {}
    shutil.copy2(away, library.root / "back.jpg")
    assert outcomes(sync(library)) == {"moved": 1}
    check_agrees(library)


def test_two_files_that_changed_places_keep_their_assets(library: Lab) -> None:
    one, two = (library.root / path_of(library, n) for n in (1, 2))
    spare = library.root / "spare"
    one.rename(spare)
    two.rename(one)
    spare.rename(two)
    assert outcomes(sync(library)) == {"moved": 2}
    check_agrees(library)


@pytest.mark.parametrize("name", ["CASE.JPG", "Mäuse.jpg"], ids=["case", "decomposed"])
def test_a_name_in_another_case_or_unicode_form_is_a_rename(library: Lab, name: str) -> None:
    path = library.root / path_of(library, 1)
    path.rename(path.with_name(unicodedata.normalize("NFC", name)))
    assert outcomes(sync(library)) == {"moved": 1}
    other = name.lower() if name.isascii() else unicodedata.normalize("NFD", name)
    path.with_name(unicodedata.normalize("NFC", name)).rename(path.with_name(other))
    assert outcomes(sync(library)) == {"moved": 1}
    check_agrees(library)


def test_hard_links_are_copies_that_need_no_reading_and_links_are_not_followed(
    library: Lab,
) -> None:
    path = library.root / path_of(library, 1)
    os.link(path, library.root / "hard.jpg")
    (library.root / "soft.jpg").symlink_to(path)
    (library.root / "out").symlink_to(library.source)
    done = sync(library)
    assert outcomes(done) == {"copied": 1} and done.summary["ignored"] == 2
    (library.root / "soft.jpg").unlink()
    check_agrees(library)
    assert len(library.documents()) == 7


def test_a_folder_that_became_a_link_or_cannot_be_listed_loses_nothing(library: Lab) -> None:
    elsewhere = library.folder / "elsewhere"
    (library.root / "2019").rename(elsewhere)
    (library.root / "2019").symlink_to(elsewhere)
    before = library.documents()
    done = sync(library)
    assert done.status == 3 and outcomes(done) == {"failed": 1}
    assert library.documents() == before


def test_times_as_fat_keeps_them_are_no_change(library: Lab) -> None:
    put(library.source, {"odd.jpg": jpeg("odd", "2018:01:01 01:01:01")}, mtime=MTIME + 1.5)
    assert library.upload().status == 0
    path = next(library.root.glob("2018/*/*.jpg"))
    even = int(MTIME + 1.5) // 2 * 2
    os.utime(path, (even, even))
    done = sync(library)
    assert outcomes(done) == {} and done.summary["unchanged"] == 8
    os.utime(path, (even + 3600, even + 3600))
    assert outcomes(sync(library)) == {"touched": 1}
    check_agrees(library)


def test_sidecars_go_with_their_photo_and_their_changes_are_seen(library: Lab) -> None:
    (library.root / "2020").rename(library.root / "Twenty")
    done = sync(library)
    assert outcomes(done) == {"moved": 1, "sidecars": 1}
    check_agrees(library)
    sidecar = next((library.root / "Twenty").rglob("*.xmp"))
    sidecar.write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>beach</rdf:li></rdf:Bag>'
        "</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    assert outcomes(sync(library)) == {"sidecars": 1}
    check_agrees(library)
    document = library.documents()[content_hash(jpeg("pair", "2020:01:01 10:00:00"))]
    assert document["tags"] == ["beach"] and document["original"]["name"] == "pair.jpg"
    sidecar.unlink()
    assert outcomes(sync(library)) == {"sidecars": 1}
    check_agrees(library)


def test_only_the_folder_that_is_named_is_looked_at(library: Lab) -> None:
    put(
        library.root,
        {"a/one.jpg": jpeg("one"), "a/b/two.jpg": jpeg("two"), "c/three.jpg": jpeg("three")},
    )
    assert outcomes(sync(library, "a")) == {"new": 1}
    assert outcomes(sync(library, "-r", library.root / "a")) == {"new": 1}
    (library.root / "a" / "one.jpg").rename(library.root / "c" / "moved.jpg")
    assert outcomes(sync(library, "c")) == {"moved": 1, "new": 1}
    check_agrees(library)
    for bad in ("..", library.source, "/", ".catalog", "no such"):
        done = sync(library, bad)
        assert done.status in (1, 2) and "Error" in done.err, bad


def test_a_store_that_is_not_there_or_shrank_is_not_believed(lab: Lab) -> None:
    many(lab.source, 120)
    assert lab.upload().status == 0
    before = lab.documents()
    marker = lab.root / ".catalog" / "store.json"
    saved = marker.read_bytes()
    marker.unlink()
    assert sync(lab).status == 4
    marker.write_bytes(saved)
    lab.root.rename(lab.folder / "unmounted")
    assert sync(lab).status == 4
    lab.root.mkdir()
    assert sync(lab).status == 4
    lab.root.rmdir()
    (lab.folder / "unmounted").rename(lab.root)
    for path in sorted(lab.root.rglob("*.jpg"))[:60]:
        path.unlink()
    done = sync(lab)
    assert done.status == 4 and "60 of 120" in done.err and "--accept-losses" in done.err
    assert lab.documents() == before
    assert outcomes(sync(lab, "--accept-losses")) == {"missing": 60}
    check_agrees(lab)


def test_new_stacks_and_a_raw_that_joins_a_known_jpeg(lab: Lab) -> None:
    from catalog.domain.fixity import content_hash as digest

    clip(lab.source / "live.mov")
    put(lab.source, {"x.jpg": jpeg("x")})
    assert lab.upload().status == 0
    put(lab.root, {"by hand/live.jpg": jpeg("still", "2019:07:12 18:30:15")})
    shutil.copy(next(lab.root.rglob("*.mov")), lab.root / "by hand" / "live.mov")
    done = sync(lab)
    assert outcomes(done) == {"copied": 1, "new": 1}
    check_agrees(lab)
    assert lab.documents()[digest(jpeg("still", "2019:07:12 18:30:15"))]["kind"] == "image"


def answered(lab: Lab, answers: str, *arguments: object) -> tuple[int, str]:
    """A sync in front of a person who types answers: its exit status,
    and what stood on the terminal.
    """
    return lab.answer(answers, "sync_catalog_with_disk", "--nas_root", lab.root, *arguments)


def test_what_is_unclear_is_asked_and_the_answer_is_done(library: Lab) -> None:
    for number in (1, 2, 3):
        (library.root / path_of(library, number)).unlink()
    status, shown = answered(library, "what?\ny\nn\nq\n")
    assert (
        status == 130
        and "Forget it?" in shown
        and "is gone, and its content is nowhere else" in shown
    )
    states = sorted(d["copies"][0]["state"] for d in library.documents().values())
    assert (len(states), states.count("missing")) == (6, 1), (
        "what was answered before the q is done"
    )
    status, shown = answered(library, "n\nn\nn\n")
    assert status == 0
    status, shown = answered(library, "a\n", "--forget-missing")
    assert status == 0 and len(library.documents()) == 4


def test_a_person_says_which_of_two_places_a_file_was_moved_to(library: Lab) -> None:
    path = library.root / path_of(library, 1)
    data = path.read_bytes()
    path.unlink()
    put(library.root, {"a.jpg": data, "b.jpg": data}, mtime=MTIME + 99)
    status, shown = answered(library, "n\n")
    assert status == 0 and "lies at 2 places" in shown
    check_agrees(library)
    moved = [e for e in library.documents("events").values() if e["action"] == "move"]
    assert [e["path"] for e in moved] == ["b.jpg"]


def test_a_shot_that_was_divided_stays_one_or_not_as_a_person_says(lab: Lab) -> None:
    put(lab.source, {"x.jpg": jpeg("x")})
    clip(lab.source / "x.mov", taken="2019-07-12T18:30:15.000000Z")
    assert lab.upload().status == 0
    assert {d["stack"]["role"] for d in lab.documents().values()} == {"still", "live"}
    still = next(lab.root.rglob("*.jpg"))
    still.rename(lab.root / "alone.jpg")
    status, shown = answered(lab, "n\n")
    assert status == 0 and "Do they stay one shot?" in shown
    assert sum("stack" in d for d in lab.documents().values()) == 1
    check_agrees(lab)


def test_a_limit_is_exactly_so_many_actions(library: Lab) -> None:
    put(library.root, {f"{n}.jpg": jpeg(f"n{n}") for n in range(5)})
    assert outcomes(sync(library, "--limit", 2)) == {"new": 2}
    assert outcomes(sync(library)) == {"new": 3}
    check_agrees(library)


def test_rot_is_told_from_an_edit_when_everything_is_read(library: Lab) -> None:
    path = library.root / path_of(library, 1)
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    library.age(path)
    assert outcomes(sync(library)) == {}
    assert outcomes(sync(library, "--rehash")) == {"damaged": 1}
    path.write_bytes(bytes(data))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    done = sync(library)
    assert outcomes(done) == {"changed": 1, "missing": 1} and done.summary["read_for_ctime"] == 1
    check_agrees(library)
    assert len(hashes(library.root)) == 9
