"""Making folders stores: which are refused, and what is written only where it is forced."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from running import tree

from catalog.errors import SourceInsideCatalog, StoreGuard, UsageError
from catalog.features.stores.registration import AddRequest, StoreAdded, add_store
from catalog.stores.marker import marker_path, read_marker
from catalog.stores.root import StoreContext
from catalog.work.workspace import Workspace


class Records:
    """The records of stores, as the index keeps them."""

    def __init__(self) -> None:
        self.by_name: dict[str, dict[str, Any]] = {}
        self.catalog = "this catalog"

    def read_all(self) -> list[dict[str, Any]]:
        return list(self.by_name.values())

    def read_uuid(self) -> str:
        return self.catalog

    def read(self, name: str) -> dict[str, Any] | None:
        return self.by_name.get(name)

    def write(self, record: dict[str, Any]) -> None:
        self.by_name[record["name"]] = record


class Shelf:
    """Folders beside each other, and a catalog that may know them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = Records()
        settings = SimpleNamespace(nas_root=None, dropbox_root=None)
        parts = {
            "repository": SimpleNamespace(stores=self.records, shown="the index"),
            "settings": settings,
            "store_context": StoreContext(folder),
        }
        self.workspace = cast("Workspace", SimpleNamespace(**parts))

    def add(self, name: str, folder: str, *, force: bool = False) -> StoreAdded:
        (self.folder / folder).mkdir(exist_ok=True)
        return add_store(self.workspace, AddRequest(name, str(self.folder / folder), force=force))

    def refused(self, name: str, folder: str, error: type[Exception]) -> str:
        """Why it is refused; nothing is written then."""
        (self.folder / folder).mkdir(exist_ok=True)
        before = tree(self.folder), dict(self.records.by_name)
        with pytest.raises(error) as told:
            self.add(name, folder)
        assert (tree(self.folder), self.records.by_name) == before
        return str(told.value)

    def marker(self, folder: str) -> str:
        found = read_marker(self.folder / folder)
        assert found is not None and found.catalog == self.records.catalog
        return found.id

    def known(self, name: str) -> tuple[str, str]:
        record = self.records.by_name[name]
        return record["id"], Path(record["root"]).name


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path)
    made.add("one", "a")
    return made


def test_a_folder_gets_a_marker_and_the_catalog_knows_where_it_is(shelf: Shelf) -> None:
    assert shelf.known("one") == (shelf.marker("a"), "a")
    before = tree(shelf.folder)
    assert shelf.add("one", "a") == StoreAdded("one", "local", str(shelf.folder / "a"))
    assert tree(shelf.folder) == before


def test_a_store_that_moved_is_known_by_its_marker(shelf: Shelf) -> None:
    (shelf.folder / "a").rename(shelf.folder / "b")
    shelf.add("one", "b")
    assert shelf.known("one") == (shelf.marker("b"), "b")


def test_a_copy_of_a_disk_is_a_store_of_its_own_only_where_it_is_forced(shelf: Shelf) -> None:
    shutil.copytree(shelf.folder / "a", shelf.folder / "b")
    assert "has the marker of store one" in shelf.refused("two", "b", StoreGuard)
    assert "Store one is still there at" in shelf.refused("one", "b", StoreGuard)
    identity = shelf.marker("a")
    shelf.add("two", "b", force=True)
    assert shelf.known("one") == (identity, "a")
    assert shelf.known("two") == (shelf.marker("b"), "b") and shelf.marker("b") != identity


def test_a_store_whose_marker_was_lost_is_the_same_store_where_it_is_forced(shelf: Shelf) -> None:
    identity = shelf.marker("a")
    marker_path(shelf.folder / "a").unlink()
    told = shelf.refused("one", "a", StoreGuard)
    assert "does not have the marker of store one, which the catalog knows at" in told
    shelf.add("one", "a", force=True)
    assert shelf.known("one") == (identity, "a") == (shelf.marker("a"), "a")


def test_a_store_takes_the_folder_of_another_one_only_where_it_is_forced(shelf: Shelf) -> None:
    shelf.add("two", "b")
    identity, _ = shelf.known("one")
    shutil.rmtree(shelf.folder / "a")
    shelf.refused("one", "b", SourceInsideCatalog)
    (shelf.folder / "b").rename(shelf.folder / "c")
    assert "has the marker of store two" in shelf.refused("one", "c", StoreGuard)
    shelf.add("one", "c", force=True)
    assert shelf.known("one") == (identity, "c") == (shelf.marker("c"), "c")


def test_a_folder_in_a_store_or_around_one_is_refused(shelf: Shelf) -> None:
    assert "lies inside the catalog" in shelf.refused("two", "a/inside", SourceInsideCatalog)
    assert "lies inside the folder" in shelf.refused("two", ".", SourceInsideCatalog)


def test_names_and_folders_that_will_not_do_are_refused(shelf: Shelf) -> None:
    assert "is no name for a store" in shelf.refused("Two Words", "b", UsageError)
    shelf.records.by_name["cloud"] = {"name": "cloud", "id": "1", "kind": "dropbox", "root": "/x"}
    workspace, folder = shelf.workspace, str(shelf.folder / "none")
    with pytest.raises(UsageError, match="There is no folder"):
        add_store(workspace, AddRequest("two", folder))
    with pytest.raises(UsageError, match="is a folder of this machine, not of Dropbox"):
        add_store(workspace, AddRequest("one", "dropbox:/photos"))
