"""Stores that state another checksum than the content hash.

What the catalog knows by it is recognised without being read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from memory_store.disk import Disk
from memory_store.root import MemoryKind
from memory_store.store import MemoryStore

from catalog.domain.asset import Entry, KnownAsset
from catalog.domain.copies import copy_row
from catalog.domain.edits import Edit
from catalog.domain.fixity import Digests, content_hash
from catalog.features.reconcile.apply import NOTHING_READ, Applier
from catalog.features.reconcile.file_reader import FileReader
from catalog.features.reconcile.known_reconciler import KnownReconciler
from catalog.features.reconcile.plan import AddCopy, Lose, Relocate, Touch, Vanish
from catalog.features.reconcile.questions import Questions
from catalog.features.reconcile.reconciler import Reconciler
from catalog.features.reconcile.records import Recorded, Records, Scope
from catalog.features.reconcile.survey import Options
from catalog.work.contents import content_of, has_content, stated_contents, states_contents
from catalog.work.journal import Journal
from catalog.work.live_listing import LiveListing
from catalog.work.report import Report
from catalog.work.sink import SilentSink

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sha1(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


class Index:
    """What the catalog has: documents by content hash. Counts what it is asked."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, int]] = []

    def hold(self, data: bytes, store: str, path: str, *kinds: str) -> dict[str, Any]:
        """An asset with a copy, and checksums of some kinds; what its document says."""
        document = self.documents.setdefault(content_hash(data), {"copies": [], "checksums": {}})
        document["copies"].append(
            copy_row(store, Entry(path, len(data), 1_600_000_000_000_000_000), NOW, NOW)
        )
        document["checksums"] |= {kind: hashlib.new(kind, data).hexdigest() for kind in kinds}
        return document

    def recorded(self, store: str, kinds: Sequence[str] = ()) -> Iterator[Recorded]:
        for key, document in self.documents.items():
            checksums = {
                kind: value for kind, value in document["checksums"].items() if kind in kinds
            }
            yield Recorded(key, document["copies"], (), "", checksums)

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        found = {key: self.documents[key] for key in hashes if key in self.documents}
        return {
            key: KnownAsset(key, tuple(d["copies"]), 0, 0, d["checksums"])
            for key, d in found.items()
        }

    def known_by(self, kind: str, values: list[str]) -> dict[str, str]:
        self.asked.append((kind, len(values)))
        found = {d["checksums"].get(kind): key for key, d in self.documents.items()}
        return {value: found[value] for value in values if value in found}

    def said_once(self, content_hash: str) -> Mapping[str, Any]:
        return {}

    def document(self, *_arguments: Any) -> dict[str, Any]:
        raise AssertionError("nothing is new")


class Reading:
    """Reads content hashes only, and keeps what it was asked for."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.read: list[str] = []

    def run(self, wanted: Any) -> Iterator[tuple[Any, Digests]]:
        for tag, file in wanted:
            self.read.append(file.entry.path)
            assert file.only_hash
            yield tag, Digests(self.store.checksum(file.entry.path))


class Sync:
    """A reconciliation of the store `far` on a disk."""

    def __init__(self, disk: Disk, index: Index) -> None:
        self.store = MemoryStore("far", "", disk)
        self.disk, self.index = disk, index
        self.reading = Reading(self.store)

    def plan(self) -> list[Any]:
        self.disk.calls.clear()
        self.disk.sent = 0
        reconciler = Reconciler(
            self.index,
            FileReader(self.store, cast("Any", self.reading)),
            cast("Any", None),
            Questions(),
            Options(accept_losses=True),
        )
        return list(reconciler.plan())

    def unread(self) -> bool:
        """Whether no file was opened, and no byte was sent."""
        return (
            self.reading.read == []
            and self.disk.sent == 0
            and not {"open", "read_range", "checksum"} & set(self.disk.calls)
        )


@pytest.fixture
def disk(memory: MemoryKind) -> Disk:
    return memory.disk("far", checksums=("sha1", "etag"), identifies=False)


@pytest.fixture
def index() -> Index:
    return Index()


# --- sync -----------------------------------------------------------------------------------------


def test_a_sync_of_known_files_opens_none_of_them(disk: Disk, index: Index, tmp_path: Path) -> None:
    for number in range(600):
        data = b"photo %d" % number
        disk.hold(f"2019/{number}.jpg", data)
        index.hold(data, "nas", f"{number}.jpg", "sha1")
    sync = Sync(disk, index)
    plan = sync.plan()
    assert {type(action) for action in plan} == {AddCopy}
    assert {(a.hash, a.entry.path) for a in plan} == {
        (content_hash(b"photo %d" % n), f"2019/{n}.jpg") for n in range(600)
    }
    assert index.asked == [("sha1", 500), ("sha1", 100)]  # and never about each file
    edits: list[Edit] = []

    def edit(wanted: Sequence[Edit]) -> list[str]:
        edits.extend(wanted)
        return ["done"] * len(wanted)

    with closing(Journal(tmp_path, "run")) as journal:
        run = cast(
            "Any", SimpleNamespace(edit=edit, journal=journal, report=Report(SilentSink(), "sync"))
        )
        Applier(sync.store, index, run, lambda _action: NOTHING_READ).apply([plan])
    assert len(edits) == 600
    assert sync.unread() and set(disk.calls) == {"list"}


def test_what_is_recorded_there_is_unchanged_whatever_its_time_says(
    disk: Disk, index: Index
) -> None:
    disk.hold("a.jpg", b"photo", mtime_ns=1)
    index.hold(b"photo", "far", "a.jpg", "sha1")
    sync = Sync(disk, index)
    assert sync.plan() == [] and sync.unread()


def test_a_renamed_file_is_followed(disk: Disk, index: Index) -> None:
    disk.hold("new.jpg", b"photo")
    index.hold(b"photo", "far", "old.jpg", "sha1")
    sync = Sync(disk, index)
    (action,) = sync.plan()
    assert isinstance(action, Relocate) and (action.known.path, action.entry.path) == (
        "old.jpg",
        "new.jpg",
    )
    assert sync.unread()


def test_other_bytes_of_the_same_size_and_time_are_no_longer_what_is_recorded(
    disk: Disk, index: Index
) -> None:
    disk.hold("a.jpg", b"other", mtime_ns=1_600_000_000_000_000_000)
    index.hold(b"photo", "far", "a.jpg", "sha1")
    index.hold(b"other", "nas", "b.jpg", "sha1")
    sync = Sync(disk, index)
    copy, gone = sync.plan()
    assert isinstance(copy, AddCopy) and copy.hash == content_hash(b"other") and copy.replaces
    assert isinstance(gone, Vanish) and gone.hash == content_hash(b"photo")
    assert sync.unread()


def test_only_what_no_checksum_tells_is_read(disk: Disk, index: Index) -> None:
    """An asset without that checksum may be any unknown file of its size, and only of its size."""
    disk.hold("new.jpg", b"older")
    disk.hold("known.jpg", b"known")
    index.hold(b"older", "far", "old.jpg")  # catalogued before checksums were kept
    index.hold(b"known", "nas", "k.jpg", "sha1")
    sync = Sync(disk, index)
    assert {type(a): a.entry.path for a in sync.plan()} == {
        Relocate: "new.jpg",
        AddCopy: "known.jpg",
    }
    assert sync.reading.read == ["new.jpg"]


def test_a_file_whose_checksum_is_another_is_not_read_to_find_that_out(
    disk: Disk, index: Index
) -> None:
    disk.hold("new.mov", b"strange")
    index.hold(b"recorde", "far", "old.mov", "sha1")
    index.hold(b"recorde", "nas", "old.mov", "sha1")
    store = MemoryStore("far", "", disk)
    records = Records.gathered(index.recorded("far", ["sha1"]), "far", Scope())
    reconciler = KnownReconciler(
        store, index, records, LiveListing(store), Options(accept_losses=True)
    )
    (gone,) = reconciler.plan()
    assert isinstance(gone, Lose) and reconciler.unknown == 1
    assert set(disk.calls) == {"list"}


def test_a_listing_alone_tells_what_is_known(disk: Disk, index: Index) -> None:
    disk.hold("b.jpg", b"photo")
    disk.hold("c.jpg", b"nobody")
    index.hold(b"photo", "far", "a.jpg", "sha1")
    index.hold(b"unread", "far", "gone.jpg")  # may be what nobody has read
    store = MemoryStore("far", "", disk)
    records = Records.gathered(index.recorded("far", ["sha1"]), "far", Scope())
    reconciler = KnownReconciler(
        store, index, records, LiveListing(store), Options(accept_losses=True)
    )
    (action,) = reconciler.plan()
    assert isinstance(action, Relocate) and action.entry.path == "b.jpg"
    assert reconciler.unknown == 1 and set(disk.calls) == {"list"}


@pytest.mark.parametrize("kinds", [("sha1",), ("etag",), ("crc32",), ()])
def test_an_asset_that_only_the_content_hash_tells_is_read_once(
    memory: MemoryKind, index: Index, kinds: tuple[str, ...]
) -> None:
    disk = memory.disk("far", checksums=kinds, identifies=False)
    disk.hold("b.jpg", b"photo")
    index.hold(b"photo", "far", "a.jpg")
    sync = Sync(disk, index)
    (action,) = sync.plan()
    assert isinstance(action, Relocate) and sync.reading.read == ["b.jpg"]


def test_nothing_that_is_wrong_is_concluded_from_a_weak_checksum(
    memory: MemoryKind, index: Index
) -> None:
    disk = memory.disk("far", checksums=("crc32",), identifies=False)
    disk.hold("a.jpg", b"photo", mtime_ns=5)
    index.hold(b"photo", "far", "a.jpg")
    sync = Sync(disk, index)
    (action,) = sync.plan()
    assert isinstance(action, Touch) and sync.reading.read == ["a.jpg"]


# --- the pieces -----------------------------------------------------------------------------------


def test_stated_contents_asks_by_the_strongest_checksum_of_each() -> None:
    index = Index()
    index.hold(b"a", "nas", "a.jpg", "sha1", "md5")
    index.hold(b"b", "nas", "b.jpg", "md5")
    entries = [
        Entry("stated", checksums={"dropbox": "h"}),
        Entry("by sha1", checksums={"sha1": sha1(b"a"), "md5": "x"}),
        Entry("again", checksums={"sha1": sha1(b"a")}),
        Entry("by md5", checksums={"md5": hashlib.md5(b"b").hexdigest(), "etag": "1"}),
        Entry("unknown", checksums={"sha1": "0"}),
        Entry("silent", checksums={"etag": "1", "crc32": "2"}),
    ]
    found = stated_contents(entries, index)
    assert found == {
        "stated": "h",
        "by sha1": content_hash(b"a"),
        "again": content_hash(b"a"),
        "by md5": content_hash(b"b"),
    }
    assert sorted(index.asked) == [("md5", 1), ("sha1", 2)]


@pytest.mark.parametrize(
    ("recorded", "expected", "sent"),
    [
        ({"dropbox": content_hash(b"photo"), "sha1": sha1(b"photo")}, True, 0),
        ({"dropbox": content_hash(b"photo"), "sha1": sha1(b"other")}, False, 0),
        ({"dropbox": content_hash(b"photo")}, True, 5),
        ({"dropbox": content_hash(b"other"), "md5": "x"}, False, 5),
    ],
)
def test_a_file_is_read_only_where_no_checksum_is_common(
    disk: Disk, recorded: Mapping[str, str], expected: bool, sent: int
) -> None:
    disk.hold("a.jpg", b"photo")
    store = MemoryStore("far", "", disk)
    entry = store.stat("a.jpg")
    assert entry is not None
    assert has_content(store, entry, recorded) is expected
    assert disk.sent == sent
    assert content_of(store, entry) == content_hash(b"photo")


def test_a_store_states_contents_where_what_it_states_proves_them(memory: MemoryKind) -> None:
    kinds = [("dropbox",), ("sha1",), ("etag",), ("crc32",), ()]
    stores = [
        MemoryStore("far", "", memory.disk(str(number), checksums=k))
        for number, k in enumerate(kinds)
    ]
    assert [states_contents(store) for store in stores] == [True, True, False, False, False]


def test_entries_are_told_apart_by_their_checksums_and_can_be_kept_in_sets() -> None:
    one, other = Entry("a", 1, checksums={"sha1": "x"}), Entry("a", 1, checksums={"sha1": "y"})
    assert one != other and len({one, other, one}) == 2
    assert (
        Entry("a").content_hash == "" and Entry("a", checksums={"dropbox": "h"}).content_hash == "h"
    )
