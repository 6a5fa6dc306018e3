"""The kinds of stores.

How their roots are named, told apart and recorded, and that each is under the contract.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from memory_store.root import KIND, MemoryKind
from memory_store.store import MemoryStore
from store_contract import StoreContract, paths, put

from catalog.errors import (
    ConfigError,
    InvalidPath,
    ReadOnlyStore,
    SourceInsideCatalog,
    StoreGuard,
    UnknownKind,
    UsageError,
)
from catalog.stores import registry
from catalog.stores.dropbox.root import DropboxKind, DropboxRoot
from catalog.stores.local.root import LocalKind, LocalRoot
from catalog.stores.local.store import LocalStore
from catalog.stores.marker import MARKER, Marker
from catalog.stores.paths import check_inside, check_size, check_writable
from catalog.stores.protocol import Capabilities, ManagedStore
from catalog.stores.root import Kind, Overlap, Root, StoreContext
from catalog.work import guards
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace


@pytest.fixture
def context(tmp_path: Path) -> StoreContext:
    return StoreContext(tmp_path / "state")


def without_contract(kinds: Iterable[Kind]) -> list[str]:
    """The kinds whose stores no test class puts under the contract."""
    for path in Path(__file__).parent.glob("test_*_store.py"):
        importlib.import_module(path.stem)
    pending, found = [StoreContract], set()
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        found |= {cls.kind.kind} if "kind" in vars(cls) else set()
    return [kind.name for kind in kinds if kind.name not in found]


def test_every_kind_is_under_the_contract() -> None:
    class Toy(MemoryKind):
        name = "toy"

    assert without_contract(registry.kinds()) == []
    assert without_contract([*registry.kinds(), Toy()]) == ["toy"]


def test_a_kind_is_known_once_it_is_registered(
    monkeypatch: pytest.MonkeyPatch, context: StoreContext
) -> None:
    class Toy(MemoryKind):
        name = "toy"
        prefix = "toy:"

    monkeypatch.setattr(registry, "_KINDS", dict(registry._KINDS))
    with pytest.raises(UnknownKind):
        registry.root_named("toy:box", context)
    registry.register(Toy())
    assert registry.root_named("toy:box/cars", context).text == "box/cars"
    with pytest.raises(ValueError, match="already"):
        registry.register(Toy())


# --- how a root is named --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind", "text", "shown"),
    [
        ("/photos", "local", "/photos", "/photos"),
        ("dropbox:/photos", "dropbox", "/photos", "dropbox:/photos"),
        ("dropbox:photos/ 2019 /", "dropbox", "/photos/2019", "dropbox:/photos/2019"),
        ("dropbox:", "dropbox", "/", "dropbox:/"),
        ("memory:disk/photos/", "memory", "disk/photos", "memory:disk/photos"),
    ],
)
def test_a_root_is_named_by_a_person_and_recorded(
    memory: MemoryKind, context: StoreContext, given: str, kind: str, text: str, shown: str
) -> None:
    root = registry.root_named(given, context)
    assert (root.kind, root.text, root.shown) == (kind, text, shown)
    record = {"name": "mine", "kind": root.kind, "root": root.text}
    assert registry.root_recorded(record, context) == root
    assert registry.show_root(record) == shown
    assert (
        registry.folder_recorded(record) == root.folder == (Path(text) if kind == "local" else None)
    )


def test_a_path_of_this_machine_is_made_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, context: StoreContext
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert registry.root_named("x/y", context).text == f"{tmp_path}/x/y"
    assert registry.root_named("~/y", context).text == f"{tmp_path}/home/y"
    (tmp_path / "odd:name").mkdir()
    assert registry.root_named("odd:name", context).text == f"{tmp_path}/odd:name"


@pytest.mark.parametrize(
    "given", ["dropbox:/a/../b", "memory:", "memory:disk/../other", "", "nul\0"]
)
def test_what_can_be_no_root_is_refused(context: StoreContext, given: str) -> None:
    with pytest.raises(UsageError):
        registry.root_named(given, context)


def test_a_kind_that_there_is_not_is_never_taken_for_a_folder(context: StoreContext) -> None:
    with pytest.raises(UnknownKind) as caught:
        registry.root_named("gopher:cloud.example/photos", context)
    line = str(caught.value)
    assert "gopher:cloud.example/photos" in line and "no kind of store called gopher" in line
    assert "dropbox:/photos" in line and "/photos" in line


def test_a_recorded_kind_that_this_program_does_not_know_is_an_error_that_says_what_to_do(
    context: StoreContext,
) -> None:
    record = {"name": "cloud", "kind": "gopher", "root": "https://cloud.example"}
    for attempt in (
        lambda: registry.root_recorded(record, context),
        lambda: registry.folder_recorded(record),
    ):
        with pytest.raises(UnknownKind) as caught:
            attempt()
        line = str(caught.value)
        assert all(
            word in line
            for word in ("cloud", "gopher", "dropbox, local", "catalog store remove cloud")
        )
        assert caught.value.exit_code == 2
    assert registry.show_root(record) == "gopher:https://cloud.example"


def test_a_connection_that_nobody_configured_is_told(context: StoreContext) -> None:
    with pytest.raises(ConfigError, match="dropbox"):
        DropboxRoot("/photos", context).store("dropbox")


# --- how roots lie to each other ------------------------------------------------------------------


def root(kind: Kind, text: str, context: StoreContext) -> Root:
    return kind.root(kind.parse(text), context)


@pytest.mark.parametrize("kind", [LocalKind(), DropboxKind(), KIND], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("/disk/a", "/disk/a/", Overlap.SAME),
        ("/disk/a/b", "/disk/a", Overlap.INSIDE),
        ("/disk/a", "/disk/a/b/c", Overlap.AROUND),
        ("/disk/a", "/disk/ab", None),
        ("/disk/a", "/disk/b", None),
    ],
)
def test_roots_of_one_kind_overlap_by_their_paths(
    memory: MemoryKind,
    context: StoreContext,
    kind: Kind,
    one: str,
    other: str,
    overlap: Overlap | None,
) -> None:
    source, catalog = root(kind, one, context), root(kind, other, context)
    assert source.overlap(catalog) is overlap
    if overlap is None:
        guards.check_apart(source, catalog)
        return
    with pytest.raises(SourceInsideCatalog) as caught:
        guards.check_apart(source, catalog)
    assert source.shown in caught.value.message and catalog.shown in caught.value.message


def test_names_of_dropbox_overlap_in_any_case(context: StoreContext) -> None:
    assert (
        root(DropboxKind(), "/Photos/A", context).overlap(root(DropboxKind(), "/photos", context))
        is Overlap.INSIDE
    )


def test_roots_of_two_kinds_share_nothing(memory: MemoryKind, context: StoreContext) -> None:
    roots = [root(kind, "/disk/a", context) for kind in (LocalKind(), DropboxKind(), KIND)]
    assert [one.overlap(other) for one in roots for other in roots if one is not other] == [
        None
    ] * 6


def test_a_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert LocalRoot(tmp_path / "link").overlap(LocalRoot(tmp_path / "real")) is Overlap.SAME
    assert (
        LocalRoot(tmp_path / "link" / "inner").overlap(LocalRoot(tmp_path / "real"))
        is Overlap.INSIDE
    )


@pytest.mark.parametrize(
    ("kind", "text"), [(LocalKind(), "/a/b"), (DropboxKind(), "/a/b"), (KIND, "a/b")]
)
def test_upwards_are_the_root_and_all_above_it(
    memory: MemoryKind, context: StoreContext, kind: Kind, text: str
) -> None:
    found = [r.text for r in root(kind, text, context).upwards()]
    assert found[:2] == [text, text.rpartition("/")[0]] and len(found) == (
        3 if text.startswith("/") else 2
    )


# --- markers --------------------------------------------------------------------------------------


def test_a_root_far_away_is_marked_once(memory: MemoryKind, context: StoreContext) -> None:
    there = root(memory, "disk/photos", context)
    assert not there.is_there() and there.marker() is None
    marked = there.mark("mine")
    assert there.is_there() and there.marker() == marked == there.mark("other", catalog="another")
    after = Marker("f" * 32, "this", "mine")
    assert there.mark("mine", "f" * 32, "this") == there.marker() == after
    assert paths(there.store("mine")) == []


def test_a_damaged_marker_far_away_is_no_missing_one(
    memory: MemoryKind, context: StoreContext
) -> None:
    there = root(memory, "disk/photos", context)
    store = cast("MemoryStore", there.store("mine"))
    store.write_private(MARKER, b"{")
    with pytest.raises(StoreGuard, match=r"memory:disk/photos/\.catalog/store\.json"):
        there.marker()


# --- folders of a store as a person names them ----------------------------------------------------


@pytest.fixture(params=["local", "memory"])
def holding(
    request: pytest.FixtureRequest, memory: MemoryKind, tmp_path: Path
) -> tuple[ManagedStore, str]:
    """A store with a folder, and its root as an absolute path."""
    if request.param == "memory":
        store: ManagedStore = MemoryStore("mine", "photos", memory.disk("disk"))
        base = "/photos"
        memory.disk("disk").folders.add("photos")
    else:
        (tmp_path / "photos").mkdir()
        store, base = LocalStore("mine", tmp_path / "photos"), str(tmp_path / "photos")
    put(store, "2019/07/a.jpg")
    return store, base


def test_a_folder_is_named_relative_to_the_root_or_absolute(
    holding: tuple[ManagedStore, str],
) -> None:
    store, base = holding
    assert (
        store.relative("2019/07/")
        == store.relative("2019/07")
        == store.relative(f"{base}/2019/07")
        == "2019/07"
    )
    assert store.relative(base) == store.relative("") == ""
    with pytest.raises(UsageError, match="does not lie in"):
        store.relative(f"{base}x/2019")


# --- the check of paths ---------------------------------------------------------------------------


def named(**capabilities: Any) -> Any:
    return SimpleNamespace(name="mine", capabilities=Capabilities(**capabilities))


@pytest.mark.parametrize("path", ["/a", "../a", "a/..", "a/../b", "a\0b"])
def test_no_path_leaves_the_root(path: str) -> None:
    for check in (check_inside, check_writable):
        with pytest.raises(InvalidPath):
            check(path, named())


@pytest.mark.parametrize("path", ["", ".", "a//b", "a/", "./a", ".catalog", ".catalog/store.json"])
def test_no_file_is_written_where_none_can_be(path: str) -> None:
    with pytest.raises(InvalidPath):
        check_writable(path, named())


def test_the_private_folder_is_known_in_any_case_where_case_means_nothing() -> None:
    check_writable(".Catalog/a", named())
    with pytest.raises(InvalidPath):
        check_writable(".Catalog/a", named(case_sensitive=False))


def test_names_are_as_long_as_the_store_can_hold() -> None:
    check_inside("é" * 5 + "/" + "x" * 10, named(longest_name=10))
    with pytest.raises(InvalidPath):
        check_inside("é" * 5 + "x", named(longest_name=10))
    check_inside(r"\xff" * 10, named(longest_name=10))  # ten bytes that are no text
    check_inside("x" * 10_000, named())


def test_files_are_as_large_as_the_store_can_hold() -> None:
    check_size("a.mov", 2_000_000, named(largest_file=2_000_000))
    check_size("a.mov", 10**15, named())
    with pytest.raises(
        InvalidPath, match=r"a\.mov is larger \(2\.1 MB\) than store mine can hold \(2\.0 MB\)"
    ):
        check_size("a.mov", 2_100_000, named(largest_file=2_000_000))


def test_a_store_that_is_only_read_from_takes_nothing() -> None:
    with pytest.raises(ReadOnlyStore):
        check_writable("a", named(read_only=True))


# --- what the store book makes of them ------------------------------------------------------------


def book(context: StoreContext, *records: dict[str, Any], **settings: Any) -> StoreBook:
    given = SimpleNamespace(**{"nas_root": None, "dropbox_root": None, **settings})
    workspace = cast("Workspace", SimpleNamespace(settings=given, store_context=context))
    stores = SimpleNamespace(read_all=lambda: list(records), read_uuid=lambda: "this")
    return StoreBook(workspace, cast(Any, SimpleNamespace(stores=stores)))


def test_a_store_lies_where_a_setting_says_else_where_it_was_recorded(
    memory: MemoryKind, context: StoreContext
) -> None:
    nas = {"name": "nas", "kind": "local", "root": "/old"}
    assert book(context, nas, nas_root=Path("/new")).root("nas").text == "/new"
    assert book(context, nas).root("nas").text == "/old"
    assert book(context, dropbox_root="photos").root("dropbox").shown == "dropbox:/photos"
    moved = {"name": "dropbox", "kind": "local", "root": "/copy"}
    assert book(context, moved, dropbox_root="photos").root("dropbox").shown == "/copy"
    assert (
        book(context, {"name": "m", "kind": "memory", "root": "d/a"}).root("m").shown
        == "memory:d/a"
    )


@pytest.mark.parametrize(
    ("name", "words"), [("nas", "nas_root"), ("dropbox", "dropbox_root"), ("usb", "no store usb")]
)
def test_a_store_that_lies_nowhere_is_told(context: StoreContext, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        book(context).root(name)


def test_a_store_of_an_unknown_kind_is_refused(context: StoreContext) -> None:
    with pytest.raises(UnknownKind, match="Store cloud is of the kind gopher"):
        book(context, {"name": "cloud", "kind": "gopher", "root": "https://x"}).root("cloud")
