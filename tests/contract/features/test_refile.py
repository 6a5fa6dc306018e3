"""`catalog refile`: names and folders again, from what is known now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from emulators.dropbox import Emulator
from running import GHENT, MTIME, Lab, clear, clip, hashes, jpeg, put
from test_dropbox import in_dropbox
from test_moves import raw

from catalog.domain.asset import Entry
from catalog.domain.fixity import content_hash
from catalog.errors import CatalogError, StoreError
from catalog.filesystem.tree import Tree
from catalog.stores.local.store import LocalStore
from catalog.work.session import Session

JULY = "2019/07_July"


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """The lab, which knows where its store lies."""
    lab.variables["CATALOG_NAS_ROOT"] = str(lab.root)
    return lab


def tree(lab: Lab) -> tuple[dict[str, str], set[str]]:
    """All files of the store by content, and its folders."""
    return lab.stored(), folders(lab.root)


def folders(root: Path) -> set[str]:
    """The folders of a store."""
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir()}
    return {name for name in found if not name.startswith(".catalog")}


def told(lab: Lab) -> dict[str, Any]:
    """All documents, without what says when something was done."""
    untold = ("updated", "run")
    return {
        digest: {name: value for name, value in document.items() if name not in untold}
        for digest, document in lab.documents().items()
    }


def moves(done: Any) -> dict[str, str]:
    """What a run renamed."""
    return {r["path"]: r["target"] for r in done.lines if r.get("outcome") in ("moved", "planned")}


def uploads(dropbox: Emulator) -> int:
    """How often bytes were sent."""
    return dropbox.count("files/upload*") + dropbox.count("files/upload_session/*")


def uploaded(lab: Lab) -> None:
    """Photos of one second, a live photo, a RAW with its JPEG and sidecars, and one of a place."""
    put(
        lab.source,
        {
            "a.jpg": jpeg("a"),
            "b.jpg": jpeg("b"),
            "c.jpg": jpeg("c", "2019:07:12 18:30:16"),
            "q.jpg": jpeg(1, "2019:07:13 18:30:15"),
            "q.dng": raw(1, "2019:07:13 18:30:15"),
            "q.xmp": b"<x/>",
            "g.jpg": jpeg("g", "2018:01:02 03:04:05", position=GHENT),
            "live.jpg": jpeg("live", "2019:07:31 23:30:00"),
        },
    )
    clip(lab.source / "live.mov", "2019-07-31T23:30:00.000000Z")
    assert lab.upload().status == 0


def test_what_is_called_right_is_not_touched(lab: Lab) -> None:
    uploaded(lab)
    before, events = told(lab), lab.documents("events")
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"], done.summary["unchanged"]) == (0, 0, 9)
    assert told(lab) == before and lab.documents("events") == events


def test_shifted_refiled_and_both_undone_all_is_as_it_was(lab: Lab) -> None:
    uploaded(lab)
    files, index = tree(lab), told(lab)
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    shifted = told(lab)
    dry = lab.catalog("refile", "--dryrun", "--json")
    assert tree(lab) == files
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"]) == (0, 8), done.out
    assert moves(done) == moves(dry)
    lab.check_no_ghosts()
    assert sorted(tree(lab)[0]) == [
        "2018/01_January/2018-01-02 03-04-05 Ghent.jpg",
        f"{JULY}/2019-07-12 19-30-15.jpg",
        f"{JULY}/2019-07-12 19-30-15_1.jpg",
        f"{JULY}/2019-07-12 19-30-16.jpg",
        f"{JULY}/2019-07-13 19-30-15.dng",
        f"{JULY}/2019-07-13 19-30-15.jpg",
        f"{JULY}/2019-07-13 19-30-15.xmp",
        "2019/08_August/2019-08-01 00-30-00.jpg",
        "2019/08_August/filmchen/2019-08-01 00-30-00.mov",
    ]
    assert lab.stored()[f"{JULY}/2019-07-12 19-30-15.jpg"] == content_hash(jpeg("a"))
    assert "2019/07_July/filmchen" not in tree(lab)[1], "an empty folder goes"
    again = lab.catalog("refile", "--json")
    assert (again.status, again.summary["moved"], again.summary["unchanged"]) == (0, 0, 9)
    synced = lab.run("sync_catalog_with_disk", "--json").summary
    assert (synced["unchanged"], synced["moved"], synced.get("read_for_ctime", 0)) == (8, 0, 0)
    assert lab.catalog("undo", done.summary["run"], "-q").status == 0
    assert tree(lab) == files and told(lab) == shifted
    runs = [line for line in lab.catalog("history", "--json").lines if line["command"] == "set"]
    assert lab.catalog("undo", runs[0]["run"], "-q").status == 0
    assert tree(lab) == files and told(lab) == index


# --- whose names they are -------------------------------------------------------------------------


def test_names_that_a_person_gave_stay_and_are_counted(lab: Lab) -> None:
    """What was renamed by hand, in either store, and what was catalogued where it lay."""
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b", "2019:07:13 18:30:15")})
    assert lab.upload().status == 0
    (lab.root / f"{JULY}/2019-07-12 18-30-15.jpg").rename(lab.root / JULY / "birthday.jpg")
    put(lab.root, {"own/place.jpg": jpeg("own")})
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    assert lab.catalog("set", "--query", "", "taken+=1h", "-q").status == 0
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"], done.summary["kept"]) == (0, 1, 2)
    assert {f"{JULY}/birthday.jpg", "own/place.jpg"} < lab.stored().keys()


def test_a_shot_of_which_a_person_named_one_file_stays_together(lab: Lab) -> None:
    put(lab.source, {"q.jpg": jpeg(1), "q.dng": raw(1)})
    assert lab.upload().status == 0
    (lab.root / f"{JULY}/2019-07-12 18-30-15.jpg").rename(lab.root / JULY / "birthday.jpg")
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    before = lab.stored()
    assert lab.catalog("set", "--query", "", "taken+=1h", "-q").status == 0
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"], done.summary["kept"]) == (0, 0, 2)
    assert lab.stored() == before


def test_a_copy_that_a_person_made_besides_leaves_the_shot_whole(lab: Lab) -> None:
    put(lab.source, {"q.jpg": jpeg(1), "q.dng": raw(1)})
    assert lab.upload().status == 0
    put(lab.root, {"2018 best/x.jpg": jpeg(1)})
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    assert lab.catalog("set", "--query", "", "taken+=1h", "-q").status == 0
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"], done.summary["kept"]) == (0, 2, 1)
    assert sorted(lab.stored()) == [
        "2018 best/x.jpg",
        f"{JULY}/2019-07-12 19-30-15.dng",
        f"{JULY}/2019-07-12 19-30-15.jpg",
    ]


def test_a_name_of_the_layout_is_known_where_the_history_was_lost(lab: Lab) -> None:
    uploaded(lab)
    root = lab.root.rename(lab.folder / "kept")
    clear(lab)
    root.rename(lab.root)
    assert lab.catalog("rebuild", lab.root, "-q").status == 0
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"], done.summary["kept"]) == (0, 8, 0), done.out
    lab.check_no_ghosts()


def test_albums_of_an_old_catalog_keep_their_folders(lab: Lab) -> None:
    named, plain = jpeg(1, "2015:07:12 18:30:15"), jpeg(2, "2015:07:13 18:30:15")
    put(
        lab.source,
        {
            "2015/Holiday/Oma und Opa.jpg": named,
            "2015/Holiday/IMG_1234.jpg": plain,
            "2015/07_Juli/IMG_2.jpg": jpeg(3, "2015:12:31 23:30:00"),
        },
    )
    assert lab.run("import_old_catalog", lab.source, "2015", "-q").status == 0
    assert lab.catalog("refile", "--json").summary["unchanged"] == 3
    assert lab.catalog("set", "--query", "", "taken+=1h", "-q").status == 0
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"], done.summary["kept"]) == (0, 3, 0)
    assert sorted(lab.stored()) == [
        "2015/Holiday/2015-07-13 19-30-15.jpg",
        "2015/Holiday/Oma und Opa 2015-07-12 19-30-15.jpg",
        "2016/01_January/2016-01-01 00-30-00.jpg",
    ]


# --- what changed ---------------------------------------------------------------------------------


def test_another_layout_and_back_leaves_tree_and_index_as_they_were(lab: Lab) -> None:
    uploaded(lab)
    files, index = tree(lab), told(lab)
    layout = json.dumps(
        {"folder": "{year}/{country}", "video_folder": "films", "name": "{date} {kind} {original}"}
    )
    done = lab.catalog("refile", "--json", CATALOG_LAYOUT=layout)
    assert (done.status, done.summary["moved"]) == (0, 9), done.out
    assert "2018/Belgium/2018-01-02 image g.jpg" in lab.stored()
    assert "2019/films/2019-07-31 image live.mov" in lab.stored()
    lab.check_no_ghosts()
    again = lab.catalog("refile", "--json", CATALOG_LAYOUT=layout)
    assert (again.status, again.summary["moved"]) == (0, 0)
    back = lab.catalog("refile", "--json")
    assert (back.status, back.summary["moved"]) == (0, 9)
    assert set(tree(lab)[0]) == set(files[0]) and tree(lab)[1] == files[1]
    for run in (back, done):
        assert lab.catalog("undo", run.summary["run"], "-q").status == 0
    assert tree(lab) == files and told(lab) == index


def test_a_place_gives_a_name_and_its_end_takes_it(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    assert lab.catalog("set", "--query", "", "place=Grandma", "-q").status == 0
    assert lab.catalog("refile", "-q").status == 0
    assert list(lab.stored()) == [f"{JULY}/2019-07-12 18-30-15 Grandma.jpg"]
    assert lab.catalog("set", "--query", "", "place=", "-q").status == 0
    assert lab.catalog("refile", "-q").status == 0
    assert list(lab.stored()) == [f"{JULY}/2019-07-12 18-30-15.jpg"]


def test_read_twice_again_nothing_is_called_otherwise(lab: Lab) -> None:
    uploaded(lab)
    files, index = tree(lab), told(lab)
    for _round in range(2):
        assert lab.catalog("reread", "-q").status == 0
        assert lab.catalog("refile", "--json").summary["moved"] == 0
        assert tree(lab) == files and told(lab) == index


def test_names_that_are_swapped_change_hands_and_come_back(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b", "2019:07:12 18:30:16")})
    assert lab.upload().status == 0
    files, one, two = (
        tree(lab),
        content_hash(jpeg("a")),
        content_hash(jpeg("b", "2019:07:12 18:30:16")),
    )
    assert lab.catalog("set", one, "taken=2019-07-12 18:30:16", "-q").status == 0
    assert lab.catalog("set", two, "taken=2019-07-12 18:30:15", "-q").status == 0
    index = told(lab)
    done = lab.catalog("refile", "--json")
    assert done.status == 0
    assert lab.stored() == {
        f"{JULY}/2019-07-12 18-30-15.jpg": two,
        f"{JULY}/2019-07-12 18-30-16.jpg": one,
    }
    lab.check_no_ghosts()
    assert lab.catalog("refile", "--json").summary["moved"] == 0
    dry = lab.catalog("undo", done.summary["run"], "--dryrun", "--json")
    assert (dry.status, dry.summary["planned"]) == (0, 3)
    assert lab.catalog("undo", done.summary["run"], "-q").status == 0
    assert tree(lab) == files and told(lab) == index


def test_a_sidecar_of_our_own_goes_along_and_is_withdrawn_where_it_lies(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a")})
    assert lab.upload().status == 0
    assert lab.catalog("set", "--query", "", "taken+=1h", "rating=4", "-q").status == 0
    assert lab.catalog("sidecars", "write", "-q").status == 0
    assert lab.catalog("refile", "--json").summary["moved"] == 2
    named = f"{JULY}/2019-07-12 19-30-15.jpg"
    assert sorted(lab.stored()) == [named, f"{named}.xmp"]
    assert lab.catalog("sidecars", "write", "--json").summary["written"] == 0
    assert lab.catalog("set", "--query", "", "taken=", "rating=", "-q").status == 0
    assert lab.catalog("refile", "--json").summary["moved"] == 2
    assert lab.catalog("sidecars", "write", "--json").summary["withdrawn"] == 1
    assert list(lab.stored()) == [f"{JULY}/2019-07-12 18-30-15.jpg"]
    lab.check_no_ghosts()


# --- what is found there --------------------------------------------------------------------------


def test_nothing_is_overwritten_and_an_equal_folder_is_used(lab: Lab) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "a.jpg.xmp": b"<x/>"})
    assert lab.upload().status == 0
    stranger = {"2020/01_JANUARY/2020-01-02 03-04-05.JPG": jpeg("stranger")}
    put(lab.root, stranger)
    assert lab.catalog("set", "--query", "", "taken=2020-01-02 03:04:05", "-q").status == 0
    assert lab.catalog("refile", "-q").status == 0
    assert sorted(lab.stored()) == [
        "2020/01_JANUARY/2020-01-02 03-04-05.JPG",
        "2020/01_JANUARY/2020-01-02 03-04-05_1.jpg",
        "2020/01_JANUARY/2020-01-02 03-04-05_1.jpg.xmp",
    ]
    assert lab.catalog("refile", "--json").summary["moved"] == 0


def test_what_is_not_as_recorded_keeps_its_shot_where_it_is(lab: Lab) -> None:
    put(lab.source, {"q.jpg": jpeg(1), "q.dng": raw(1), "q.xmp": b"<x/>"})
    assert lab.upload().status == 0
    put(lab.root, {f"{JULY}/2019-07-12 18-30-15.dng": raw(1) + b"edited"})
    before = lab.stored()
    assert lab.catalog("set", "--query", "", "taken+=1h", "-q").status == 0
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["failed"]) == (3, 3)
    assert lab.stored() == before


def test_a_file_that_cannot_be_renamed_brings_its_shot_back(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(lab.source, {"q.jpg": jpeg(1), "q.dng": raw(1), "q.xmp": b"<x/>"})
    assert lab.upload().status == 0
    before = lab.stored()
    assert lab.catalog("set", "--query", "", "taken+=1h", "-q").status == 0
    index, really = told(lab), LocalStore.move

    def failing(self: LocalStore, source: str, target: str) -> Entry:
        if source.endswith("15.jpg"):
            raise StoreError("no")
        return really(self, source, target)

    monkeypatch.setattr(LocalStore, "move", failing)
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["failed"]) == (3, 3)
    assert lab.stored() == before and told(lab) == index


def test_what_a_sync_recorded_of_a_killed_run_is_gone_on_with(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded(lab)
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0

    def cut_off(*_arguments: Any) -> None:
        raise CatalogError("cut off")

    monkeypatch.setattr(Session, "edit", cut_off)
    assert lab.catalog("refile").status == 1
    monkeypatch.undo()
    assert lab.run("sync_catalog_with_disk", "-q").status == 0
    assert lab.catalog("refile", "--json").status == 0
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    assert lab.catalog("refile", "--json").summary["moved"] == 8
    lab.check_no_ghosts()


def test_an_undo_takes_back_what_a_killed_run_could_not_record(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded(lab)
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    files, index = tree(lab), told(lab)

    def cut_off(*_arguments: Any) -> None:
        raise CatalogError("cut off")

    monkeypatch.setattr(Session, "edit", cut_off)
    killed = lab.catalog("refile", "--json")
    monkeypatch.undo()
    assert killed.status == 1 and tree(lab) != files
    dry = lab.catalog("undo", killed.summary["run"], "--dryrun", "--json")
    done = lab.catalog("undo", killed.summary["run"], "--json")
    assert (dry.summary["planned"], done.status, done.summary["undone"]) == (8, 0, 8)
    assert tree(lab) == files and told(lab) == index
    assert lab.catalog("undo", killed.summary["run"]).status == 2, "nothing is left of it"
    assert lab.catalog("refile", "--json").summary["moved"] == 8


@pytest.mark.parametrize("recorded", [0, 1, 2])
def test_an_undo_takes_back_a_ring_that_was_cut_anywhere(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, recorded: int
) -> None:
    put(lab.source, {"a.jpg": jpeg("a"), "b.jpg": jpeg("b", "2019:07:12 18:30:16")})
    assert lab.upload().status == 0
    for name in ("a", "b"):
        digest = next(h for h, d in lab.documents().items() if d["original"]["name"][0] == name)
        when = {"a": "2019-07-12 18:30:16", "b": "2019-07-12 18:30:15"}[name]
        assert lab.catalog("set", digest, f"taken={when}", "-q").status == 0
    files, index, really, calls = tree(lab), told(lab), Session.edit, list[int]()

    def cut_off(run: Session, edits: Any) -> list[str]:
        calls.append(1)
        if len(calls) > recorded:
            raise CatalogError("cut off")
        return really(run, edits)

    monkeypatch.setattr(Session, "edit", cut_off)
    killed = lab.catalog("refile", "--json")
    monkeypatch.undo()
    assert killed.status == 1 and tree(lab) != files
    assert lab.catalog("undo", killed.summary["run"], "-q").status == 0
    assert tree(lab) == files and told(lab) == index


# --- what is asked for ----------------------------------------------------------------------------


def test_what_a_query_finds_takes_its_shot_along(lab: Lab) -> None:
    uploaded(lab)
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    done = lab.catalog("refile", "type:dng", "--json")
    assert sorted(moves(done)) == [f"{JULY}/2019-07-13 18-30-15.{e}" for e in ("dng", "jpg", "xmp")]
    assert lab.catalog("refile", "taken:[").status == 2


def test_a_limit_cuts_no_shot(lab: Lab) -> None:
    uploaded(lab)
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    counts = []
    for _round in range(9):
        counts.append(lab.catalog("refile", "--limit", 2, "--json").summary["moved"])
        if not counts[-1]:
            break
        lab.check_no_ghosts()
    assert sum(counts) == 8 and max(counts) <= 3


def test_many_files_want_consent(lab: Lab) -> None:
    uploaded(lab)
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    before = lab.stored()
    assert lab.catalog("refile", CATALOG_MOVE_LIMIT="7").status == 4 and lab.stored() == before
    assert lab.catalog("refile", "--dryrun", CATALOG_MOVE_LIMIT="7").status == 0
    assert lab.catalog("refile", "--yes", CATALOG_MOVE_LIMIT="7").status == 0


def test_a_store_that_is_not_there_is_told(lab: Lab) -> None:
    uploaded(lab)
    lab.root.rename(lab.folder / "away")
    done = lab.catalog("refile")
    assert done.status == 0 and "nas is not there" in done.err
    assert lab.catalog("refile", "--store", "nas").status == 4
    assert lab.catalog("refile", "--store", "nowhere").status == 2


# --- other stores follow --------------------------------------------------------------------------


def test_a_mirror_follows_without_a_byte_and_an_undo_too(lab: Lab) -> None:
    uploaded(lab)
    shelf = lab.folder / "shelf"
    shelf.mkdir()
    assert lab.catalog("store", "add", "shelf", shelf).status == 0
    assert lab.catalog("mirror", "nas", "shelf", "-q").status == 0
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    run = lab.catalog("refile", "--json").summary["run"]

    def follow(moved: int) -> None:
        done = lab.catalog("mirror", "nas", "shelf", "--json")
        assert (done.status, done.summary["moved"], done.summary["copied"]) == (0, moved, 0), (
            done.out
        )
        there = {p: h for p, h in hashes(shelf).items() if not p.startswith(".catalog/")}
        assert there == lab.stored() and folders(shelf) == folders(lab.root)

    follow(8)
    assert lab.catalog("undo", run, "-q").status == 0
    follow(8)
    assert lab.catalog("refile", "--store", "shelf", "--json").summary["moved"] == 8
    assert lab.catalog("mirror", "shelf", "nas", "--json").summary["moved"] == 8
    follow(0)


def test_dropbox_follows_without_a_byte(lab: Lab, dropbox: Emulator) -> None:
    uploaded(lab)
    assert lab.run("sync_nas_to_dropbox", "-q").status == 0
    sent = uploads(dropbox)
    assert lab.catalog("set", "--query", "taken:2019", "taken+=1h", "-q").status == 0
    run = lab.catalog("refile", "--json").summary["run"]
    for _way in ("there", "back"):
        for command in ("sync_dropbox_to_nas", "sync_nas_to_dropbox"):  # in whichever order
            done = lab.run(command, "--json")
            assert (done.status, done.summary["copied"]) == (0, 0), done.out
        assert in_dropbox(dropbox) == lab.stored()
        assert lab.catalog("undo", run, "-q").status == 0
    assert uploads(dropbox) == sent


def test_what_lies_in_dropbox_alone_is_renamed_there(lab: Lab, dropbox: Emulator) -> None:
    for name, data in {"a.jpg": jpeg("a"), "b.jpg": jpeg("b"), "a.jpg.xmp": b"<x/>"}.items():
        dropbox.plant(f"/Camera Uploads/{name}", data, client_modified=int(MTIME))
    assert lab.run("upload_to_dropbox_from_dropbox", "/Camera Uploads", "-q").status == 0
    before, sent = in_dropbox(dropbox), uploads(dropbox)
    assert lab.catalog("set", "--query", "", "taken+=1h", "-q").status == 0
    index = told(lab)
    done = lab.catalog("refile", "--json")
    assert (done.status, done.summary["moved"]) == (0, 3), done.out
    assert sorted(in_dropbox(dropbox)) == [
        f"{JULY}/2019-07-12 19-30-15.jpg",
        f"{JULY}/2019-07-12 19-30-15.jpg.xmp",
        f"{JULY}/2019-07-12 19-30-15_1.jpg",
    ] or sorted(in_dropbox(dropbox))[1].endswith("_1.jpg")
    assert lab.catalog("refile", "--json").summary["moved"] == 0
    assert lab.catalog("undo", done.summary["run"], "-q").status == 0
    assert in_dropbox(dropbox) == before and uploads(dropbox) == sent
    assert told(lab) == index


# --- disks that take names of another case for one ------------------------------------------------


@pytest.fixture
def folding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names in folders of this machine as FAT and NTFS have them: kept, and found in any case; no
    rename goes to a name that is there, be it the file's own in another case.
    """
    spot, opened = Tree._spot, Tree.open

    def there(tree: Tree, path: str) -> str:
        folder, slash, name = path.rpartition("/")
        try:
            with tree.scan(folder) as rows:
                equal = [row.name for row in rows if row.name.lower() == name.lower()]
        except OSError:
            equal = []
        return f"{folder}{slash}{equal[0] if equal else name}"

    monkeypatch.setattr(Tree, "_spot", lambda tree, path: spot(tree, there(tree, path)))
    monkeypatch.setattr(Tree, "open", lambda tree, path: opened(tree, there(tree, path)))


@pytest.mark.usefixtures("folding")
def test_a_name_of_another_case_is_put_right_and_taken_back_where_case_is_not_told(
    lab: Lab,
) -> None:
    put(lab.source, {"a.jpg": jpeg(1), "a.jpg.xmp": b"<x/>", "b.dng": raw(1), "b.jpg": jpeg(2)})
    assert lab.upload().status == 0
    assert lab.catalog("set", "--query", "", "place=the sea", "-q").status == 0
    assert lab.catalog("refile").status == 0
    before, was = tree(lab), told(lab)
    assert any("the sea" in path for path in before[0])
    assert lab.catalog("set", "--query", "", "place=The Sea", "-q").status == 0
    done = lab.catalog("refile", "--json")
    assert done.status == 0, done.out
    expected = {path.replace("the sea", "The Sea"): digest for path, digest in before[0].items()}
    assert tree(lab) == (expected, before[1])
    again = lab.catalog("refile", "--json")
    assert again.summary.get("moved", 0) == 0
    sync = ("sync_catalog_with_disk", "--nas_root", lab.root, "--yes")
    assert lab.run(*sync, "--json").summary["unchanged"] == len(expected) - 1
    assert lab.catalog("undo", done.summary["run"]).status == 0
    assert tree(lab) == before
    assert {h: d["paths"] for h, d in told(lab).items()} == {h: d["paths"] for h, d in was.items()}
