"""A symbolic link in a store or in a source leads nowhere: nothing is read, written, moved or
removed through it, whenever it comes to be there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from running import MTIME, Done, Lab, hashes, jpeg, put, tree

from catalog.domain.fixity import content_hash
from catalog.features.reconcile.watch import find_folder
from catalog.stores.local.store import LocalStore

PRUNE = "delete_from_directory_if_in_catalog"
SUMMER_FOLDER = "2019/07_July"
OLD = 0.0
"""A file time that is older than anything that is left for others."""


@pytest.fixture
def victim(lab: Lab) -> Path:
    """A folder of somebody else, with folders that have lain there for long."""
    folder = lab.folder / "victim"
    put(folder, {"a.jpg": b"foreign", "old/b.jpg": b"foreign too", "20200101T000000Z/c.jpg": b"c"})
    for name in ("old", "20200101T000000Z"):
        os.utime(folder / name, (OLD, OLD))
    return folder


@pytest.fixture
def filled(lab: Lab) -> Lab:
    """A catalog of two photos, one of which lies in the trash as well, and a source."""
    put(lab.source, {"a.jpg": jpeg("a"), "sub/b.jpg": jpeg("b"), "sub/c.jpg": jpeg("c")})
    assert lab.upload().status == 0
    assert lab.catalog("forget", "--with-files", "--yes", content_hash(jpeg("c"))).status == 0
    return lab


def last_run(lab: Lab) -> str:
    """The newest run."""
    return max(path.stem for path in (lab.home / "state" / "journal").glob("*.jsonl"))


def undo(lab: Lab) -> Done:
    """Take the newest run back."""
    return lab.catalog("undo", last_run(lab), "--yes", "--json")


def swap(folder: Path, victim: Path) -> None:
    """Put a link in the place of a folder."""
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name} away"))
    folder.symlink_to(victim)


# --- the catalog's own folders --------------------------------------------------------------------

OWN = (".catalog", ".catalog/tmp", ".catalog/trash")
COMMANDS: dict[str, Callable[[Lab], Done]] = {
    "upload": lambda lab: lab.upload(),
    "dry upload": lambda lab: lab.upload("--dryrun"),
    "sync": lambda lab: lab.run("sync_catalog_with_disk", "--nas_root", lab.root),
    "prune": lambda lab: lab.run(PRUNE, lab.source, "-r", "--nas_root", lab.root),
    "verify": lambda lab: lab.catalog("verify", "--repair"),
    "trash list": lambda lab: lab.catalog("trash", "list"),
    "trash empty": lambda lab: lab.catalog("trash", "empty", "--last-copies", "--yes"),
    "trash restore": lambda lab: lab.catalog("trash", "restore", last_run(lab)),
    "forget": lambda lab: lab.catalog("forget", "--with-files", "--yes", content_hash(jpeg("a"))),
    "undo": undo,
}


@pytest.mark.parametrize("own", OWN)
def test_a_folder_of_the_catalogs_own_that_is_a_link_is_refused(
    filled: Lab, victim: Path, own: str
) -> None:
    swap(filled.root / own, victim)
    put(filled.source, {"new.jpg": jpeg("new")})
    before = tree(victim), filled.stored(), hashes(filled.source)
    for name, command in COMMANDS.items():
        done = command(filled)
        assert done.status == 4, (name, done.out, done.err)
        assert str(filled.root / own) in done.err and "symbolic link" in done.err
        assert (tree(victim), filled.stored(), hashes(filled.source)) == before, name


@pytest.mark.parametrize("own", OWN)
def test_a_root_that_is_new_is_refused_as_well(lab: Lab, victim: Path, own: str) -> None:
    (lab.root / own).parent.mkdir(parents=True)
    (lab.root / own).symlink_to(victim)
    put(lab.source, {"a.jpg": jpeg("a")})
    before = tree(victim)
    done = lab.upload("--move")
    assert (done.status, tree(victim)) == (4, before)
    assert str(lab.root / own) in done.err and list(hashes(lab.source)) == ["a.jpg"]


def test_only_folders_of_our_own_making_are_swept(filled: Lab, victim: Path) -> None:
    tmp = filled.root / ".catalog" / "tmp"
    put(tmp, {"holiday/a.jpg": b"somebody's", "host-1/b.jpg": b"somebody's", "c.jpg": b"x"}, OLD)
    put(tmp, {f"elsewhere-{'0123456789abcdef' * 2}/1.part": b"half"}, OLD)
    for folder in tmp.iterdir():
        os.utime(folder, (OLD, OLD))
    (tmp / f"elsewhere-{'fedcba9876543210' * 2}").symlink_to(victim)
    before = tree(victim)
    assert filled.upload().status == 0
    (tmp / f"elsewhere-{'fedcba9876543210' * 2}").unlink()
    assert sorted(hashes(tmp)) == ["c.jpg", "holiday/a.jpg", "host-1/b.jpg"]
    assert tree(victim) == before


def test_what_lies_behind_a_link_in_the_trash_is_not_in_the_trash(
    filled: Lab, victim: Path
) -> None:
    trash = filled.root / ".catalog" / "trash"
    (trash / "20190101T000000Z").symlink_to(victim)
    (batch,) = (f for f in trash.iterdir() if not f.is_symlink())
    (batch / "linked").symlink_to(victim)
    before = tree(victim)
    done = filled.catalog("trash", "empty", "--last-copies", "--yes", "--json")
    assert done.status in (0, 3) and tree(victim) == before
    assert content_hash(jpeg("c")) not in hashes(trash).values()


# --- folders of a store ---------------------------------------------------------------------------


def test_a_linked_folder_of_a_store_is_never_written_through(filled: Lab, victim: Path) -> None:
    swap(filled.root / "2019", victim)
    put(filled.source, {"new.jpg": jpeg("new"), "other.jpg": jpeg("o", "2020:01:01 10:00:00")})
    before = tree(victim)
    done = filled.upload("--move")
    assert done.status == 3 and tree(victim) == before
    failed = {line["path"]: line["reason"] for line in done.lines if line.get("reason")}
    assert "symbolic link 2019" in failed["new.jpg"]
    assert (filled.source / "new.jpg").exists() and not (filled.source / "other.jpg").exists()


def test_nothing_is_taken_through_a_linked_folder_of_a_store(filled: Lab) -> None:
    """The folder that the link leads to is a copy of the one that was there."""
    away = filled.folder / "elsewhere"
    (filled.root / "2019").rename(away)
    (filled.root / "2019").symlink_to(away)
    before = tree(away)
    digests = list(map(content_hash, (jpeg("a"), jpeg("b"))))
    filled.catalog("forget", "--with-files", "--yes", *digests)
    assert tree(away) == before
    for command in COMMANDS.values():
        command(filled)
        assert tree(away) == before


def test_what_lies_behind_a_link_is_told_so_by_verify_and_stays_recorded(filled: Lab) -> None:
    folder = filled.root / next(iter(filled.stored())).partition("/")[0]
    folder.rename(filled.folder / "elsewhere")
    folder.symlink_to(filled.folder / "elsewhere")
    done = filled.catalog("verify", "--json")
    count = len([row for row in done.lines if row.get("outcome") == "failed"])
    assert done.status == 3 and count and not done.summary["missing"]
    assert f"behind the symbolic link {folder.name}" in done.out
    states = {c["state"] for d in filled.documents().values() for c in d["copies"]}
    assert states == {"ok"}


def test_a_watch_does_not_look_at_what_lies_behind_a_link(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    (root / "2019" / "07").mkdir(parents=True)
    (elsewhere / "08").mkdir(parents=True)
    (root / "2020").symlink_to(elsewhere)
    expected = {
        "2019/07/a.jpg": root / "2019" / "07",
        "2019/gone/a.jpg": root / "2019",
        "a.jpg": root,
        "2020/a.jpg": None,
        "2020/08/a.jpg": None,
    }
    found = {path: find_folder(f"{root}/{path}", root) for path in expected}
    assert found == {path: folder and str(folder) for path, folder in expected.items()}


def test_a_file_that_vanishes_right_after_it_came_back_is_one_that_failed(
    filled: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, away = LocalStore.restore, filled.folder / "elsewhere"

    def restore(store: LocalStore, key: str, path: str) -> None:
        real(store, key, path)
        (filled.root / "2019").rename(away)
        (filled.root / "2019").symlink_to(away)

    monkeypatch.setattr(LocalStore, "restore", restore)
    done = filled.catalog("trash", "restore", last_run(filled))
    assert done.status == 3 and "vanished" in done.out
    assert content_hash(jpeg("c")) in hashes(away).values()


# --- sources --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["upload", "prune"])
def test_a_source_folder_that_is_swapped_while_files_are_removed_loses_no_foreign_file(
    filled: Lab, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """The folder that takes its place has files of the same names, contents and times."""
    victim = filled.folder / "victim"
    put(victim, {"b.jpg": jpeg("b"), "c.jpg": jpeg("c")})
    before, real, swapped = tree(victim), LocalStore.discard, []

    def discard(store: LocalStore, path: str, seen: object = None) -> None:
        if path.startswith("sub/") and not swapped:
            swap(filled.source / "sub", victim)
            swapped.append(path)
        real(store, path, seen)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalStore, "discard", discard)
    if command == "upload":
        done = filled.upload("--move")
    else:
        done = filled.run(PRUNE, filled.source, "-r", "--nas_root", filled.root, "--json")
    assert swapped and tree(victim) == before and done.status == 3
    assert sorted(hashes(filled.source / "sub away")) == ["b.jpg", "c.jpg"]


def test_what_is_read_of_a_source_is_what_was_listed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is swapped after it was listed and before its files are read."""
    victim = lab.folder / "victim"
    ours, theirs = (jpeg(seed).ljust(2000, b"\0") for seed in "ax")
    put(victim, {"a.jpg": theirs}, MTIME)
    put(lab.source, {"sub/a.jpg": ours, "b.jpg": jpeg("b")})
    real = LocalStore.list

    def listed(store: LocalStore, *arguments: object, **options: object):  # type: ignore[no-untyped-def]
        yield from list(real(store, *arguments, **options))  # type: ignore[arg-type]
        if store.root == lab.source and not (lab.source / "sub").is_symlink():
            swap(lab.source / "sub", victim)

    monkeypatch.setattr(LocalStore, "list", listed)
    done = lab.upload()
    assert done.status == 3
    assert set(lab.stored().values()) == {content_hash(jpeg("b"))}


def test_an_undo_puts_nothing_through_a_link(lab: Lab, victim: Path) -> None:
    put(lab.source, {"sub/a.jpg": jpeg("a"), "b.jpg": jpeg("b")})
    assert lab.upload("--move").status == 0
    (lab.source / "sub").rmdir() if (lab.source / "sub").exists() else None
    (lab.source / "sub").symlink_to(victim)
    before = tree(victim)
    done = undo(lab)
    assert done.status == 3 and tree(victim) == before
    assert "symbolic link" in done.out and str(lab.source / "sub") in done.out
    assert (
        hashes(lab.source) | hashes(lab.root) and content_hash(jpeg("a")) in lab.stored().values()
    )
    (lab.source / "sub").unlink()
    assert undo(lab).out
    assert content_hash(jpeg("b")) in hashes(lab.source).values()


def test_the_root_and_what_is_above_it_may_be_links(lab: Lab) -> None:
    """A mount point, a folder of the home that lies on a bigger disk."""
    disk = lab.folder / "disk"
    (disk / "photos").mkdir(parents=True)
    (lab.folder / "mount").symlink_to(disk)
    (lab.folder / "nas").symlink_to(lab.folder / "mount" / "photos")
    put(lab.folder / "cards" / "card", {"sub/a.jpg": jpeg("a")})
    (lab.folder / "card").symlink_to(lab.folder / "cards" / "card")
    assert lab.upload("--move", source=lab.folder / "card").status == 0
    assert set(lab.stored().values()) == {content_hash(jpeg("a"))}
    assert hashes(lab.folder / "cards") == {}
    assert undo(lab).status == 0
    assert list(hashes(lab.folder / "cards")) == ["card/sub/a.jpg"] and lab.stored() == {}
