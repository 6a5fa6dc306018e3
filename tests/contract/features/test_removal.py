"""Nothing is removed without proof, and what was done can be taken back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from running import Done, Lab, hashes, jpeg, put, tree

from catalog.domain.document import CopyRow
from catalog.domain.fixity import content_hash
from catalog.errors import StoreFull
from catalog.features.removal.plan import Remove
from catalog.features.removal.pruner import Pruner
from catalog.features.undo.apply import Undoer
from catalog.features.undo.plan import TakeBack
from catalog.filesystem.tree import Tree
from catalog.stores.local.store import LocalStore
from catalog.stores.marker import write_marker
from catalog.stores.scratch import claim_scratch

MAIN = "delete_from_directory_if_in_catalog"


def prune(lab: Lab, *arguments: object) -> Done:
    return lab.run(MAIN, lab.source, "-r", "--nas_root", lab.root, "--json", *arguments)


def told(done: Done, outcome: str) -> dict[str, str]:
    """The reason of each file with an outcome."""
    return {line["path"]: line["reason"] for line in done.lines if line.get("outcome") == outcome}


@pytest.fixture
def filled(lab: Lab) -> Lab:
    put(
        lab.source,
        {
            "a.jpg": jpeg("a"),
            "sub/b.jpg": jpeg("b"),
            "sub/deep/c.jpg": jpeg("c"),
            "c.jpg.xmp": b"<x/>",
        },
    )
    put(lab.source, {"with.jpg": jpeg("with"), "with.jpg.xmp": b"<with/>"})
    assert lab.upload().status == 0
    return lab


def test_what_is_proved_to_be_in_the_catalog_goes_and_the_rest_is_named(filled: Lab) -> None:
    put(filled.source, {"new.jpg": jpeg("new"), "sub/notes.txt": b"text", "later.jpg.xmp": b"<x/>"})
    before = tree(filled.source)
    planned = prune(filled, "--dryrun")
    assert planned.status == 0 and planned.summary["planned"] == 4 and tree(filled.source) == before
    done = prune(filled)
    assert done.status == 0 and done.summary["removed"] == 4
    assert set(told(done, "kept")) == {"new.jpg", "sub/notes.txt", "later.jpg.xmp", "c.jpg.xmp"}
    assert sorted(hashes(filled.source)) == [
        "c.jpg.xmp",
        "later.jpg.xmp",
        "new.jpg",
        "sub/notes.txt",
    ]
    assert not (filled.source / "sub" / "deep").exists()
    filled.check_no_ghosts()


def test_a_damaged_or_missing_catalog_copy_keeps_or_is_repaired_by_the_source(filled: Lab) -> None:
    stored = {h: p for p, h in filled.stored().items()}
    damaged, missing = (filled.root / stored[content_hash(jpeg(s))] for s in ("a", "b"))
    data = bytearray(damaged.read_bytes())
    data[-5] ^= 1
    damaged.write_bytes(bytes(data))
    missing.unlink()
    done = prune(filled)
    assert done.summary["removed"] == 2 and done.summary["repaired"] == 1 and done.status == 0
    assert "has other content" in told(done, "kept")["a.jpg"]
    assert missing.read_bytes() == jpeg("b") and (filled.source / "a.jpg").exists()


def test_a_repair_that_was_killed_before_its_record_is_recorded_by_the_next_run(
    filled: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> CopyRow:
        raise Killed

    stored = {h: p for p, h in filled.stored().items()}
    missing = filled.root / stored[content_hash(jpeg("b"))]
    missing.unlink()
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr("catalog.features.removal.pruner.copy_row", killed)
        prune(filled)
    assert missing.exists() and (filled.source / "sub/b.jpg").exists()
    assert prune(filled).summary["repaired"] == 1
    (row,) = filled.documents()[content_hash(jpeg("b"))]["copies"]
    assert (row["state"], row["inode"]) == ("ok", missing.stat().st_ino)
    told = [e["source"] for e in filled.documents("events").values() if e["action"] == "repair"]
    assert told == [f"{filled.source}/sub/b.jpg"]


def test_a_file_that_was_only_touched_since_it_was_read_goes_as_well(
    filled: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Pruner._remove

    def remove(pruner: Pruner, action: Remove, staying: set[str]) -> bool:
        os.utime(filled.source / action.entry.path, (5, 5))
        return real(pruner, action, staying)

    monkeypatch.setattr(Pruner, "_remove", remove)
    done = prune(filled)
    assert (done.status, done.summary["removed"], list(hashes(filled.source))) == (
        0,
        4,
        ["c.jpg.xmp"],
    )


def test_a_photo_stays_with_a_sidecar_that_is_not_in_the_catalog(filled: Lab) -> None:
    (filled.source / "with.jpg.xmp").write_bytes(b"<edited/>")
    done = prune(filled)
    assert "with.jpg.xmp is not in the catalog" in told(done, "kept")["with.jpg"]
    assert (filled.source / "with.jpg").exists()


def test_nothing_is_removed_inside_the_catalog_however_it_is_named(
    filled: Lab, tmp_path: Path
) -> None:
    before = filled.stored()
    link = filled.folder / "link"
    link.symlink_to(filled.root)
    for place in (
        filled.root,
        filled.root / "2019",
        filled.folder,
        link,
        link / "2019",
        f"{filled.source}/../nas",
    ):
        done = filled.run(MAIN, place, "-r", "--nas_root", filled.root)
        assert done.status == 4, (place, done.err)
    hard = filled.source / "hard.jpg"
    os.link(filled.root / sorted(before)[0], hard)
    assert told(prune(filled), "kept")["hard.jpg"] == "it is a copy of the catalog itself"
    assert filled.stored() == before


def test_a_store_is_never_emptied_wherever_it_lies_now(filled: Lab) -> None:
    before = filled.stored()
    marker = filled.root / ".catalog" / "store.json"
    saved = marker.read_bytes()
    marker.unlink()
    for arguments in (
        (filled.root, "--nas_root", filled.root),
        (filled.root, "--nas_root", filled.source),
        (filled.folder,),
    ):
        done = filled.run(MAIN, "-r", *arguments)
        assert done.status == 4, done.err
    marker.write_bytes(saved)
    moved = filled.folder / "media" / "disk7"
    moved.parent.mkdir()
    filled.root.rename(moved)
    for place in (moved, moved.parent, moved / "2019"):
        filled.run(MAIN, "-r", place)
    moved.rename(filled.root)
    assert filled.stored() == before


@pytest.mark.parametrize(
    "command",
    [
        (MAIN, "SOURCE", "-r"),
        ("catalog", "verify", "--repair"),
        ("catalog", "sidecars", "write"),
        ("catalog", "sidecars", "write", "--store", "nas"),
        ("catalog", "trash", "empty", "--yes"),
        ("catalog", "undo", "RUN", "--yes"),
        ("catalog", "forget", "HASH", "--with-files", "--yes"),
    ],
)
def test_what_a_killed_run_left_is_swept_by_the_next_that_writes(
    filled: Lab, command: tuple[str, ...]
) -> None:
    (run,) = {event["run"] for event in filled.documents("events").values()}
    said = {"SOURCE": filled.source, "RUN": run, "HASH": min(filled.documents())}
    program, *rest = (said.get(part, part) for part in command)
    filled.variables["CATALOG_NAS_ROOT"] = str(filled.root)
    claimed = claim_scratch(Tree(filled.root))  # as `put` does
    scratch = claimed.path
    (scratch / "0.part").write_bytes(b"half")
    claimed.folder.close()  # as the system does where a program is killed
    if "verify" not in command and "empty" not in command:
        filled.run(str(program), *rest, "--dryrun")
        assert scratch.is_dir(), "a dry run touches nothing"
    done = filled.run(str(program), *rest)
    assert done.status in (0, 3), done.err
    assert not scratch.parent.exists()


def test_what_changes_after_it_was_proved_stays_and_what_was_only_touched_goes(
    filled: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Pruner._remove

    def meanwhile(self: Pruner, action: Remove, staying: set[str]) -> bool:
        file = filled.source / action.entry.path
        if file.name == "a.jpg":
            file.write_bytes(jpeg("edited"))
        elif file.name == "b.jpg":
            os.utime(file, (1, 1))
        elif file.name == "with.jpg":
            file.with_name("with.jpg.xmp").write_bytes(b"<edited/>")
        return original(self, action, staying)

    monkeypatch.setattr(Pruner, "_remove", meanwhile)
    kept = told(prune(filled), "kept")
    assert kept["a.jpg"] == "a.jpg changed during the run"
    assert kept["with.jpg"] == "with.jpg.xmp changed during the run"
    assert hashes(filled.source) == {
        "a.jpg": content_hash(jpeg("edited")),
        "c.jpg.xmp": content_hash(b"<x/>"),
        "with.jpg": content_hash(jpeg("with")),
        "with.jpg.xmp": content_hash(b"<edited/>"),
    }


def test_a_sidecar_stays_for_the_file_that_stays(filled: Lab) -> None:
    put(filled.source, {"pair.jpg": jpeg("pair"), "pair.xmp": b"<pair/>"})
    assert filled.upload().status == 0
    put(filled.source, {"pair.png": jpeg("new beside it")})
    done = prune(filled)
    assert "pair.png" in told(done, "kept") and (filled.source / "pair.xmp").exists()
    assert not (filled.source / "pair.jpg").exists()


def test_two_copies_are_wanted_where_the_configuration_says_so(filled: Lab) -> None:
    filled.variables["CATALOG_SOURCE_COPIES"] = "2"
    done = prune(filled)
    assert done.summary["removed"] == 0 and "1 of 2 verified copies" in told(done, "kept")["a.jpg"]
    for path in [*filled.root.rglob("*.jpg"), *filled.root.rglob("*.xmp")]:
        shutil.copy(path, path.with_name(f"second {path.name}"))
    assert filled.run("sync_catalog_with_disk", "--nas_root", filled.root).status == 0
    assert prune(filled).summary["removed"] == 4


def test_a_limit_and_the_guard_against_too_many(filled: Lab) -> None:
    assert prune(filled, "--limit", 1).summary["removed"] == 1
    filled.variables["CATALOG_MOVE_LIMIT"] = "1"
    assert prune(filled).status == 4
    assert prune(filled, "--yes").summary["removed"] == 3


# --- undo -----------------------------------------------------------------------------------------


def undo(lab: Lab, run: str, *arguments: object) -> Done:
    return lab.catalog("undo", run, "--nas_root", lab.root, "--json", *arguments)


def last_run(lab: Lab) -> str:
    done = lab.catalog("history", "--json")
    return str(done.lines[-1]["run"])


def test_an_import_is_taken_back_and_that_again(filled: Lab) -> None:
    first = filled.outcome()
    put(
        filled.source,
        {"wrong/1.jpg": jpeg("w1"), "wrong/2.jpg": jpeg("w2"), "wrong/2.jpg.xmp": b"<w2/>"},
    )
    assert filled.upload().status == 0
    second = filled.outcome()
    run = last_run(filled)
    planned = undo(filled, run, "--dryrun")
    assert planned.summary["planned"] == 2 and filled.outcome() == second
    done = undo(filled, run)
    assert done.status == 0 and done.summary["undone"] == 2, done.out
    assert filled.outcome() == first
    assert len(filled.catalog("trash", "list", "--json").lines) == 4
    again = undo(filled, done.summary["run"])
    assert again.status == 0, again.out
    assert filled.outcome() == second
    assert filled.catalog("trash", "list").out.startswith("The trash is empty")


def test_an_undo_says_which_folder_it_tried_and_whose_marker_is_there(filled: Lab) -> None:
    (run,) = {event["run"] for event in filled.documents("events").values()}
    other, bare = filled.folder / "other", filled.folder / "bare"
    write_marker(other, "holidays")
    bare.mkdir()
    for root, words in (
        (other, f"{other} has the marker of holidays of another catalog"),
        (bare, f"{bare} has no marker"),
        (filled.folder / "away", f"{filled.folder / 'away'} is not there"),
    ):
        done = filled.catalog("undo", run, "--nas_root", root)
        assert done.status == 3 and words in done.err + done.out, done.err + done.out
    assert filled.catalog("store", "add", "far", other, "--force").status == 0
    done = filled.catalog("undo", run, "--nas_root", other)
    assert f"store nas cannot be reached: {other} has the marker of far" in done.err
    done = filled.catalog("verify", "--nas_root", bare)
    assert f"Store nas is not there now ({bare} has no marker)" in done.err


def test_an_import_with_move_puts_its_sources_back(lab: Lab) -> None:
    put(
        lab.source,
        {"a.jpg": jpeg("a"), "b/b.jpg": jpeg("b"), "b/b.jpg.xmp": b"<b/>", "same.jpg": jpeg("a")},
    )
    before = tree(lab.source)
    assert lab.upload("--move").status == 0
    assert hashes(lab.source) == {}
    done = undo(lab, last_run(lab))
    assert done.status == 0, done.out
    after = tree(lab.source)
    assert {k: v[2] for k, v in after.items()} == {k: v[2] for k, v in before.items()}
    assert lab.outcome() == ({}, {})


@pytest.mark.parametrize("steps", range(4))
def test_an_undo_that_was_cut_off_after_the_sources_were_back_is_finished_by_the_next(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    files = {f"{name}.jpg": jpeg(name) for name in "abcd"} | {"a.jpg.xmp": b"<x/>"}
    put(lab.source, files)
    run = lab.upload("--move").summary["run"]
    cut_off(monkeypatch, steps)
    assert undo(lab, run).status == 130 and len(lab.documents()) == 4 - steps
    monkeypatch.undo()
    done = undo(lab, run)
    assert (done.status, done.summary["undone"], done.summary["already"]) == (
        0,
        4 - steps,
        5 + steps,
    )
    assert lab.outcome() == ({}, {}) and hashes(lab.source).keys() == files.keys()
    lab.check_no_ghosts()


def test_an_undo_of_what_a_person_said_that_was_cut_off_is_finished_by_the_next(
    filled: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("set", "--query", "kind:image", "rating=5", "title=Sea", "--json")
    run = filled.catalog(*words).summary["run"]
    cut_off(monkeypatch, 2)
    assert undo(filled, run).status == 130
    assert sum("rating" in d for d in filled.documents().values()) == 2
    monkeypatch.undo()
    done = undo(filled, run)
    assert (done.status, done.summary["undone"], done.summary["already"]) == (0, 2, 2)
    assert not any({"rating", "title"} & d.keys() for d in filled.documents().values())


def cut_off(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """The next undo ends after so many of its steps."""
    left, original = [steps], Undoer._step

    def step(self: Undoer, action: TakeBack) -> str:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return original(self, action)

    monkeypatch.setattr(Undoer, "_step", step)


def test_each_source_of_a_move_comes_back_with_its_own_time(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b"), "b.jpg.xmp": b"<b/>"})
    assert lab.upload().status == 0
    put(lab.source, {"again/a.jpg": jpeg("a"), "new.jpg": jpeg("new")}, mtime=1_300_000_000)
    os.utime(lab.source / "b.jpg", ns=(1_400_000_000_123_456_789,) * 2)
    os.utime(lab.source / "b.jpg.xmp", ns=(1_500_000_000_000_000_001,) * 2)
    before = {k: v for k, v in tree(lab.source).items() if v[2]}
    assert lab.upload("--move").status == 0
    assert hashes(lab.source) == {}
    assert undo(lab, last_run(lab)).status == 0
    assert {k: v for k, v in tree(lab.source).items() if v[2]} == before


def test_a_sidecar_of_a_move_comes_back_and_not_another_one_of_its_photo(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "a.jpg.xmp": b"<first/>"})
    assert lab.upload().status == 0
    put(lab.source, {"a.jpg.xmp": b"<other/>"})
    assert lab.upload("--move").status == 0 and hashes(lab.source) == {}
    assert undo(lab, last_run(lab)).status == 0
    assert (lab.source / "a.jpg.xmp").read_bytes() == b"<other/>"


def test_a_second_undo_has_nothing_to_do_and_leaves_what_came_since(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b"), "b.jpg.xmp": b"<b/>"})
    done = lab.upload("--move")
    first = undo(lab, done.summary["run"])
    assert (first.status, first.summary["undone"]) == (0, 5), first.out
    again = undo(lab, done.summary["run"], "--dryrun")
    assert (again.status, again.summary["planned"], again.summary["already"]) == (0, 0, 5)
    again = undo(lab, done.summary["run"])
    assert (again.status, again.summary["undone"], again.summary["already"]) == (0, 0, 5)
    assert lab.outcome() == ({}, {})
    (lab.source / "a.jpg").unlink()
    assert lab.upload().status == 0
    before = lab.outcome()
    again = undo(lab, done.summary["run"])
    assert (again.status, again.summary["undone"]) == (0, 0) and lab.outcome() == before
    lab.check_no_ghosts()


def test_what_an_undo_brought_back_can_be_undone_again(filled: Lab) -> None:
    before, (digest, *_rest) = filled.outcome(), sorted(filled.documents())
    done = filled.catalog("set", digest, "rating=5", "--json")
    for _time in range(2):
        undone = undo(filled, done.summary["run"])
        assert (undone.status, undone.summary["undone"]) == (0, 1)
        assert "rating" not in filled.documents()[digest]
        back = undo(filled, undone.summary["run"])
        assert (back.status, back.summary["undone"]) == (0, 1)
        assert filled.documents()[digest]["rating"] == 5
    upload = next(d["run"] for d in filled.documents().values())
    for _time in range(2):
        undone = undo(filled, upload)
        assert undone.status == 0 and filled.stored() == {}
        assert undo(filled, undone.summary["run"]).status == 0
        assert filled.outcome() == before
        filled.check_no_ghosts()


def test_a_later_word_of_a_person_outlives_a_second_undo(filled: Lab) -> None:
    digest = sorted(filled.documents())[0]
    done = filled.catalog("set", digest, "rating=5", "--json")
    assert undo(filled, done.summary["run"]).status == 0
    assert filled.catalog("set", digest, "rating=5").status == 0
    again = undo(filled, done.summary["run"])
    assert (again.status, again.summary["already"]) == (0, 1)
    assert filled.documents()[digest]["rating"] == 5


def test_a_removal_from_a_folder_is_taken_back_with_its_times(filled: Lab) -> None:
    before = {k: v for k, v in tree(filled.source).items() if v[2]}
    done = prune(filled)
    assert done.summary["removed"] == 4
    assert undo(filled, done.summary["run"]).status == 0
    assert {k: v for k, v in tree(filled.source).items() if v[2]} == before


def test_what_cannot_be_taken_back_is_said_and_kept(filled: Lab) -> None:
    put(filled.source, {"wrong/1.jpg": jpeg("w1"), "wrong/2.jpg": jpeg("w2")})
    assert filled.upload().status == 0
    run = last_run(filled)
    path = filled.root / {h: p for p, h in filled.stored().items()}[content_hash(jpeg("w1"))]
    path.write_bytes(jpeg("edited by hand"))
    done = undo(filled, run)
    assert done.status == 3 and done.summary["undone"] == 1 and done.summary["failed"] == 1
    assert path.read_bytes() == jpeg("edited by hand")
    assert filled.catalog("undo", "no-such-run").status == 2


def test_a_forgotten_record_comes_back_as_it_was(filled: Lab) -> None:
    before = filled.documents()
    gone = filled.root / sorted(filled.stored())[0]
    away = filled.folder / "away"
    gone.rename(away)
    done = filled.run(
        "sync_catalog_with_disk", "--nas_root", filled.root, "--forget-missing", "--json"
    )
    assert done.summary["forgotten"] == 1 and len(filled.documents()) == len(before) - 1
    assert undo(filled, done.summary["run"]).status == 0
    assert sum(d["copies"][0]["state"] == "missing" for d in filled.documents().values()) == 1
    away.rename(gone)
    assert filled.run("sync_catalog_with_disk", "--nas_root", filled.root).status == 0
    after = filled.documents()
    for document in (*before.values(), *after.values()):
        document.pop("updated")
        for copy in document["copies"]:
            copy.pop("ctime_ns")  # that of the renamed file is another
    assert after == before


def test_the_last_copy_is_not_undone_without_its_source(filled: Lab) -> None:
    run = last_run(filled)
    shutil.rmtree(filled.source)
    before = filled.stored()
    done = undo(filled, run)
    assert done.status == 3 and "no other copy" in done.out and filled.stored() == before
    assert undo(filled, run, "--yes").status == 0 and filled.stored() == {}
    assert filled.catalog("trash", "empty", "--yes", "--json").summary["kept"] == len(before)


def test_a_move_without_its_journal_or_disk_is_not_undone(lab: Lab) -> None:
    put(lab.source, {"DCIM/a.jpg": jpeg("a")})
    assert lab.upload("--move").status == 0
    run, before = last_run(lab), lab.stored()
    journals = lab.home / "state" / "journal"
    journals.rename(lab.home / "away")
    assert undo(lab, run).status == 3 and lab.stored() == before
    shutil.rmtree(journals)
    (lab.home / "away").rename(journals)
    lines = (journals / f"{run}.jsonl").read_text()
    device = lab.source.stat().st_dev
    (journals / f"{run}.jsonl").write_text(
        lines.replace(f'"device":{device}', f'"device":{device + 1}')
    )
    assert undo(lab, run).status == 3 and lab.stored() == before and hashes(lab.source) == {}
    (journals / f"{run}.jsonl").write_text(lines)
    assert undo(lab, run).status == 0 and sorted(hashes(lab.source)) == ["DCIM/a.jpg"]


def test_what_a_sync_saw_is_not_taken_back(filled: Lab) -> None:
    path = next(p for p in sorted(filled.stored()) if not p.endswith("xmp"))
    (filled.root / path).rename(filled.root / "renamed.jpg")
    done = filled.run("sync_catalog_with_disk", "--nas_root", filled.root, "--json")
    before = filled.documents()
    undone = undo(filled, done.summary["run"])
    assert undone.status == 3 and "catalog sync" in undone.out and filled.documents() == before


def test_an_undo_that_cannot_take_a_file_away_leaves_its_record(filled: Lab) -> None:
    trash = filled.root / ".catalog" / "trash"
    trash.write_bytes(b"in the way")
    before = {h: d["copies"] for h, d in filled.documents().items()}
    assert undo(filled, last_run(filled)).status == 3
    assert {h: d["copies"] for h, d in filled.documents().items()} == before
    trash.unlink()
    run = next(d["run"] for d in filled.documents().values())
    assert undo(filled, run).status == 0
    assert filled.outcome() == ({}, {})


def uploaded_and_copied(lab: Lab) -> tuple[str, str, str]:
    """A photo with a second copy that its owner made: the upload's run, its path, its hash."""
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    run, (path, digest) = last_run(lab), *lab.stored().items()
    shutil.copy(lab.root / path, lab.root / "second.jpg")
    assert lab.run("sync_catalog_with_disk", "--nas_root", lab.root).status == 0
    return run, path, digest


def test_an_undo_that_goes_on_leaves_what_was_said_meanwhile(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, path, digest = uploaded_and_copied(lab)

    def interrupted(*_arguments: object) -> str:
        raise KeyboardInterrupt

    def refused(*_arguments: object) -> str:
        assert lab.catalog("set", "second.jpg", "title=Meanwhile").status == 0
        raise StoreFull("no room for a trash")

    for remove, status in ((interrupted, 130), (refused, 3)):
        with monkeypatch.context() as patched:
            patched.setattr(LocalStore, "remove", remove)
            assert undo(lab, run).status == status
        document = lab.documents()[digest]
        assert [copy["path"] for copy in document["copies"]] == ["second.jpg"]
        assert lab.stored() == {path: digest, "second.jpg": digest}
    assert document["title"] == "Meanwhile"
    assert undo(lab, run).status == 0 and lab.stored() == {"second.jpg": digest}
    assert lab.documents()[digest]["title"] == "Meanwhile"


# --- ids and the trash ----------------------------------------------------------------------------


def test_ids_are_forgotten_from_a_file_however_it_is_written(filled: Lab) -> None:
    one, two, three = sorted(filled.documents())[:3]
    unknown = "0" * 64
    sheet = filled.home / "ids.csv"
    sheet.write_bytes(
        b"\xef\xbb\xbfname;_id\r\nfirst;" + one.encode() + b"\r\nnone;" + unknown.encode() + b"\r\n"
    )
    files = filled.stored()
    done = filled.run("delete_ids", sheet, two, "--json")
    assert (
        done.status == 3
        and done.summary["forgotten"] == 2
        and told(done, "unknown") == {unknown: "the catalog has no such id"}
    )
    assert set(filled.documents()).isdisjoint({one, two}) and filled.stored() == files
    assert filled.run("delete_ids", "ids", "--dryrun").status == 3
    done = filled.run("delete_ids", three, "--with-files", "--json")
    assert done.status == 0 and three not in filled.stored().values()
    assert undo(filled, done.summary["run"]).status == 0
    assert three in filled.stored().values() and filled.documents()[three]["copy_count"] == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name\nx\n", "no column _id"),
        (b"_id\nnonsense\n", "Line 2"),
        (b"\xff\xfe_\x00", "not UTF-8"),
        (b"", "no column _id"),
    ],
    ids=["column", "value", "encoding", "empty"],
)
def test_a_file_without_ids_is_refused(filled: Lab, content: bytes, words: str) -> None:
    sheet = filled.home / "ids.csv"
    sheet.write_bytes(content)
    done = filled.run("delete_ids", sheet)
    assert done.status == 2 and words in done.err and len(filled.documents()) == 4


def test_the_trash_is_listed_restored_and_emptied_by_command(filled: Lab) -> None:
    before = filled.outcome()
    path = next(p for p in sorted(filled.stored()) if not p.endswith("xmp"))
    done = filled.catalog("forget", path, "--with-files", "--json")
    assert done.status == 0
    listed = filled.catalog("trash", "list", "--json").lines
    assert listed[0]["path"] == path and listed[0]["run"] == done.summary["run"]
    restored = filled.catalog("trash", "restore", path, "--json")
    assert restored.status == 0, restored.err
    assert filled.outcome()[0] == before[0]
    assert {h: p for h, p in filled.outcome()[1].items() if p} == before[1]
    filled.catalog("forget", path, "--with-files")
    assert filled.catalog("trash", "empty").status == 4
    assert (
        filled.catalog("trash", "empty", "--older-than", "1d", "--yes", "--json").summary["emptied"]
        == 0
    )
    kept = filled.catalog("trash", "empty", "--yes", "--json")
    assert kept.summary["emptied"] == 0 and kept.summary["kept"] >= 1, "what is nowhere else stays"
    assert (
        filled.catalog("trash", "empty", "--yes", "--last-copies", "--json").summary["emptied"] >= 1
    )
    assert filled.catalog("trash", "list").out.startswith("The trash is empty")
    assert filled.catalog("trash", "restore", path).status == 1


def test_emptying_the_trash_is_asked_once_with_yes_or_no(filled: Lab) -> None:
    path = next(p for p in sorted(filled.stored()) if not p.endswith("xmp"))
    assert filled.catalog("forget", path, "--with-files").status == 0
    for answers in ("what?\na\nn\n", "\x04"):
        status, shown = filled.answer(answers, "catalog", "trash", "empty", "--last-copies")
        assert (
            status == 4
            and "would be removed for good. Go on? [y/n]" in shown
            and "Add --yes" in shown
        )
    status, shown = filled.answer("y\n", "catalog", "trash", "empty", "--last-copies")
    assert status == 0 and "1 emptied" in shown
    assert filled.catalog("trash", "list").out.startswith("The trash is empty")


def test_history_tells_of_runs_assets_and_paths(filled: Lab) -> None:
    path = next(p for p in sorted(filled.stored()) if not p.endswith("xmp"))
    (filled.root / path).rename(filled.root / "renamed.jpg")
    assert filled.run("sync_catalog_with_disk", "--nas_root", filled.root).status == 0
    runs = filled.catalog("history", "--json").lines
    assert [r["command"] for r in runs] == ["upload_to_nas_from_disk", "sync_catalog_with_disk"]
    for what in (path, "renamed.jpg", filled.stored()["renamed.jpg"]):
        events = filled.catalog("history", what, "--json").lines
        assert [e["action"] for e in events] == ["add", "move"], what
    assert len(filled.catalog("history", "--run", runs[1]["run"]).out.splitlines()) == 1
    assert filled.catalog("history", "no such thing").status == 1


def test_what_was_said_while_a_file_could_not_go_stays(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record that comes back is not the one that was read before."""
    run, _path, digest = uploaded_and_copied(lab)

    def refused(*_arguments: object) -> str:
        assert lab.catalog("set", "second.jpg", "title=Meanwhile").status == 0
        raise StoreFull("no room for a trash")

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "remove", refused)
        assert undo(lab, run).status == 3
    assert lab.documents()[digest]["title"] == "Meanwhile"
