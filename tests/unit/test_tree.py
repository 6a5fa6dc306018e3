"""What lies beneath an opened folder is reached without following a link, by either way."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.filesystem import beneath, tree
from catalog.filesystem.beneath import Descriptor, LinkOnTheWay
from catalog.filesystem.tree import Tree


@pytest.fixture(params=["at once", "by parts"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """By one call of Linux, and part by part."""
    if request.param == "by parts":
        monkeypatch.setattr(beneath, "has_openat2", lambda: False)
    elif not beneath.has_openat2():
        pytest.skip("the system has no openat2")
    return str(request.param)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder that nobody named."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"foreign")
    return folder


@pytest.fixture
def root(tmp_path: Path, victim: Path) -> Path:
    """A folder with a link to the victim in the place of a folder, and of a folder's folder."""
    folder = tmp_path / "root"
    (folder / "x" / "y").mkdir(parents=True)
    (folder / "x" / "y" / "a.jpg").write_bytes(b"ours")
    (folder / "link").symlink_to(victim)
    (folder / "x" / "link").symlink_to(victim)
    return folder


ATTEMPTS: dict[str, Callable[[Tree, str], object]] = {
    "stat": lambda tree, path: tree.stat(f"{path}/a.jpg"),
    "open": lambda tree, path: tree.open(f"{path}/a.jpg"),
    "read": lambda tree, path: tree.read(f"{path}/a.jpg"),
    "create": lambda tree, path: tree.create(f"{path}/new.jpg"),
    "remove file": lambda tree, path: tree.remove_file(f"{path}/a.jpg"),
    "make folders": lambda tree, path: tree.make_folders(f"{path}/new"),
    "remove folder": lambda tree, path: tree.remove_folder(f"{path}/empty"),
    "below": lambda tree, path: tree.below(path),
    "open folder": lambda tree, path: tree.open_folder(path),
    "scan": lambda tree, path: tree.scan(path).__enter__(),
    "sync folder": lambda tree, path: tree.sync_folder(path),
    "place away": lambda tree, path: tree.place(f"{path}/a.jpg", tree, "b.jpg"),
    "place there": lambda tree, path: tree.place("x/y/a.jpg", tree, f"{path}/b.jpg"),
    "place over": lambda tree, path: tree.place("x/y/a.jpg", tree, f"{path}/a.jpg", over=True),
}


@pytest.mark.parametrize("name", ATTEMPTS)
@pytest.mark.parametrize("path", ["link", "x/link"])
def test_nothing_is_done_through_a_link(root: Path, victim: Path, name: str, path: str) -> None:
    (victim / "empty").mkdir()
    with pytest.raises(LinkOnTheWay) as caught:
        ATTEMPTS[name](Tree(root), path)
    assert caught.value.link == path
    assert sorted(os.listdir(victim)) == ["a.jpg", "empty"]
    assert (victim / "a.jpg").read_bytes() == b"foreign"
    assert (root / "x" / "y" / "a.jpg").read_bytes() == b"ours"


def test_a_file_that_is_a_link_is_never_opened(root: Path, victim: Path) -> None:
    (root / "x" / "a.jpg").symlink_to(victim / "a.jpg")
    with pytest.raises(LinkOnTheWay):
        Tree(root).open("x/a.jpg")
    Tree(root).remove_file("x/a.jpg")
    assert (victim / "a.jpg").read_bytes() == b"foreign"


@pytest.mark.parametrize("path", ["../victim/a.jpg", "x/../../victim/a.jpg", "/etc/passwd"])
def test_what_is_not_beneath_the_folder_is_not_reached(root: Path, path: str) -> None:
    for attempt in (Tree(root).stat, Tree(root).open, Tree(root).remove_file):
        with pytest.raises(OSError):
            attempt(path)


@pytest.mark.parametrize("path", ["", "x/..", "..", "x/."])
def test_what_names_no_file_is_not_touched(root: Path, path: str) -> None:
    for attempt in (Tree(root).stat, Tree(root).remove_file, Tree(root).create):
        with pytest.raises(OSError):
            attempt(path)


def test_the_folder_itself_may_be_a_link_and_lie_below_links(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mount").symlink_to(root)
    (tmp_path / "above").symlink_to(tmp_path)
    assert Tree(tmp_path / "above" / "mount").read("x/y/a.jpg") == b"ours"


def test_what_is_there_is_read_made_placed_and_removed(root: Path) -> None:
    folder = Tree(root)
    folder.make_folders("new/deep")
    folder.make_folders("new/deep")
    folder.write("new/deep/b.jpg", b"b")
    with pytest.raises(FileExistsError):
        folder.write("new/deep/b.jpg", b"other")
    folder.place("new/deep/b.jpg", folder, "c.jpg")
    with pytest.raises(FileExistsError):
        folder.place("x/y/a.jpg", folder, "c.jpg")
    assert folder.read("c.jpg") == b"b" and folder.stat("c.jpg").st_size == 1
    folder.place("x/y/a.jpg", folder, "c.jpg", over=True)
    folder.sync_folder("")
    assert folder.read("c.jpg") == b"ours"
    folder.remove_folder("new/deep")
    with folder.scan() as rows:
        assert sorted(row.name for row in rows) == ["c.jpg", "link", "new", "x"]
    with pytest.raises(NotADirectoryError):
        folder.make_folders("c.jpg/x")


def test_a_tree_below_is_that_folder_wherever_it_goes(root: Path, victim: Path) -> None:
    below = Tree(root).below("x")
    (root / "x").rename(root / "away")
    (root / "x").symlink_to(victim)
    below.write("new.jpg", b"new")
    assert (root / "away" / "new.jpg").read_bytes() == b"new" and not below.is_there()
    below.clear()
    assert os.listdir(root / "away") == [] and os.listdir(victim) == ["a.jpg"]


def test_a_folder_that_was_exchanged_is_not_the_one_that_was_opened(root: Path) -> None:
    folder = Tree(root)
    assert folder.is_there() and not Tree(root / "none").is_there()
    assert folder.stat("x") and folder.is_there()
    root.rename(root.with_name("away"))
    assert not folder.is_there()
    root.mkdir()
    assert not folder.is_there()
    folder.close()
    assert folder.is_there()


def test_descriptors_are_closed_when_nobody_holds_them(root: Path) -> None:
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    held = [Tree(root) for _ in range(tree.MOST_OPEN + 40)]
    for each in (*held, *held):
        assert each.read("x/y/a.jpg") == b"ours"
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) - before <= tree.MOST_OPEN
    del held, each
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_released_descriptor_is_the_callers_to_close(root: Path) -> None:
    number = Descriptor(os.open(root, os.O_RDONLY)).release()
    assert os.listdir(number)
    os.close(number)


def test_where_the_call_is_refused_each_part_is_opened(
    root: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(beneath, "_open_at_once", lambda *_arguments: None)
    assert Tree(root).read("x/y/a.jpg") == b"ours"
    with pytest.raises(LinkOnTheWay):
        Tree(root).read("x/link/a.jpg")
