"""What a mirror does with two stores in memory, without an index.

What travels, and what is refused before it does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from memory_store.root import MemoryKind
from memory_store.store import MemoryStore

from catalog.domain.asset import Entry
from catalog.domain.copies import copy_row, sidecar_row
from catalog.domain.fixity import content_hash
from catalog.errors import AlreadyExists, FixityMismatch, StoreFull
from catalog.features.mirror.apply import Left, Mirrorer
from catalog.features.mirror.partners import Pair
from catalog.features.mirror.plan import Follow, Mirroring, MirrorNeeds, Transfer
from catalog.features.mirror.preconditions import MirrorPreconditions
from catalog.features.mirror.run import Mirror
from catalog.features.mirror.survey import NeedsSurvey, PairSurvey
from catalog.features.mirror.transfer_recorder import edit_of, failure_of, outcome_of
from catalog.work.journal import Journal
from catalog.work.live_listing import LiveListing
from catalog.work.outcome import Outcome
from catalog.work.report import Report
from catalog.work.sink import SilentSink
from catalog.work.throttle import Throttle

RUN = "20260101T000000000Z-abcdef"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path, "run")) as journal:
        yield journal


def store(memory: MemoryKind, name: str, **traits: Any) -> MemoryStore:
    disk = memory.disk(name, **traits)
    disk.folders.add("photos")
    return MemoryStore(name, "photos", disk)


def mirrored(
    source: MemoryStore,
    target: MemoryStore,
    journal: Journal,
    *transfers: Transfer,
    follows: Sequence[Follow] = (),
    throttle: Throttle | None = None,
    threads: int = 4,
    told: list[Outcome] | None = None,
    left: list[Left] | None = None,
) -> list[Outcome]:
    """What became of each; `told` gets it as well, and `left` what a limit left."""
    told = [] if told is None else told
    report = Report(SilentSink(on_outcome=told.append), "mirror")
    shown, given = LiveListing(target, remembered=True), LiveListing(source)
    for listing in (shown, given):
        assert list(listing.list()) is not None
    for disk in (source.disk, target.disk):
        disk.calls.clear()
        disk.sent = disk.taken = 0
    run = SimpleNamespace(
        edit=lambda edits: ["done"] * len(edits),
        journal=journal,
        report=report,
        run=RUN,
        sink=report.sink,
        workspace=SimpleNamespace(journal_dir=journal.path.parent),
        repository=None,
    )
    sight = MirrorPreconditions(source, target, given, shown)
    mirrorer = Mirrorer(sight, cast("Any", run), throttle, threads)
    found = mirrorer.apply(follows, iter(transfers))
    if left is not None:
        left.append(found)
    return told


def test_a_file_that_the_other_store_cannot_hold_is_refused_before_it_is_sent(
    memory: MemoryKind, journal: Journal
) -> None:
    source, target = store(memory, "nas"), store(memory, "far", largest_file=1000)
    sent = []
    for path, size in (("big.mov", 1001), ("a.jpg", 1000)):
        digest = source.disk.hold(f"photos/{path}", b"x" * size)
        sent.append(Transfer(digest, digest, path, size))
    big, small = sorted(mirrored(source, target, journal, *sent), key=lambda told: told.size)
    assert (big.path, big.outcome) == ("big.mov", "failed")
    assert "1.0 kB" in big.reason and "larger" in big.reason and "store far" in big.reason
    assert (small.path, small.outcome) == ("a.jpg", "copied")
    assert source.disk.calls["open"] == 1 and source.disk.sent == 1000


def foreseen(source: MemoryStore, target: MemoryStore, *actions: Mirroring) -> list[Outcome]:
    """What a dry run tells of them, once it has looked at both stores."""
    survey = PairSurvey(cast("Any", None), source, target)
    for listing in (survey.shown, survey.given):
        assert list(listing.list()) is not None
    work = Mirror(cast("Any", None), cast("Any", None), (source, target), survey, SilentSink())
    return [work.foresee(action) for action in actions]


def test_a_dry_run_says_so_as_well(memory: MemoryKind) -> None:
    source, target = store(memory, "nas"), store(memory, "far", largest_file=1000)
    sent = []
    for size in (1000, 1001):
        digest = source.disk.hold(f"photos/{size}.mov", b"x" * size)
        sent.append(Transfer(digest, digest, f"{size}.mov", size))
    told = [outcome.outcome for outcome in foreseen(source, target, *sent)]
    assert told == ["planned", "failed"]


def test_a_dry_run_foretells_the_names_that_copies_get(
    memory: MemoryKind, journal: Journal
) -> None:
    """One whose name is taken, and the next of its numbers; one that is found;
    a sidecar that gives way; and one that is gone.
    """
    source, target = store(memory, "nas"), store(memory, "far")
    there = {
        "a.jpg": b"a",
        "taken.jpg": b"other",
        "taken_1.jpg": b"another",
        "found.jpg": b"found",
        "b.xmp": b"older",
    }
    for path, data in there.items():
        target.disk.hold(f"photos/{path}", data)
    sent = []
    for path in ("taken.jpg", "found.jpg", "b.xmp", "gone.jpg"):
        data = path.partition(".")[0].encode()
        digest = source.disk.hold(f"photos/{path}", data)
        older = content_hash(b"older") if path == "b.xmp" else ""
        sent.append(
            Transfer(digest, digest, path, len(data), is_sidecar=bool(older), replaces=older)
        )
    source.disk.drop("photos/gone.jpg")
    told = [
        [(o.path, o.target, o.hash) for o in sorted(some, key=lambda o: o.path)]
        for some in (
            foreseen(source, target, *sent),
            mirrored(source, target, journal, *sent),
        )
    ]
    assert told[0] == told[1]
    assert [target for _path, target, _hash in told[0]] == ["", "", "", "taken_2.jpg"]


# --- a store that states another checksum than the content hash -----------------------------------


def knowing(*actions: Mirroring, sha1_of: bytes) -> list[Any]:
    """The actions with what the catalog knows of their content."""
    return (
        MirrorNeeds(list(actions), []).knowing({"sha1": hashlib.sha1(sha1_of).hexdigest()}).actions
    )


def unread(store: MemoryStore) -> bool:
    """Whether nothing was read of it."""
    return store.disk.sent == 0 and not {"open", "read_range", "checksum"} & set(store.disk.calls)


@pytest.fixture
def far(memory: MemoryKind) -> MemoryStore:
    return store(memory, "far", checksums=("sha1", "etag"), identifies=False)


def test_a_mirror_to_it_reads_no_byte_back(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    sent: list[Transfer] = []
    for number in range(20):
        data = b"photo %d" % number
        digest = source.disk.hold(f"photos/{number}.jpg", data)
        if number < 10:  # lies there already, by another way
            far.disk.hold(f"photos/{number}.jpg", data, mtime_ns=7)
        sent += knowing(Transfer(digest, digest, f"{number}.jpg", len(data)), sha1_of=data)
    told = mirrored(source, far, journal, *sent)
    assert sorted(t.outcome for t in told) == ["copied"] * 10 + ["found"] * 10
    assert unread(far) and source.disk.calls["open"] == 10
    assert {e.path: far.checksum(e.path) for e in far.list()} == {t.path: t.hash for t in sent}


def test_other_content_of_that_name_stays_and_is_not_read(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    digest = source.disk.hold("photos/a.jpg", b"photo")
    far.disk.hold("photos/a.jpg", b"other")
    (told,) = mirrored(
        source, far, journal, *knowing(Transfer(digest, digest, "a.jpg", 5), sha1_of=b"photo")
    )
    assert (told.outcome, told.target) == ("copied", "a_1.jpg")
    assert unread(far)
    assert {e.path: far.checksum(e.path) for e in far.list()} == {
        "a.jpg": content_hash(b"other"),
        "a_1.jpg": digest,
    }


def test_a_further_copy_is_made_there(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    digest = source.disk.hold("photos/a.jpg", b"photo")
    source.disk.hold("photos/b.jpg", b"photo")
    sent = knowing(
        *(Transfer(digest, digest, path, 5) for path in ("a.jpg", "b.jpg")), sha1_of=b"photo"
    )
    assert [t.outcome for t in mirrored(source, far, journal, *sent)] == ["copied", "copied"]
    assert (far.disk.calls["put"], far.disk.calls["copy"], far.disk.taken) == (1, 1, 5)
    assert unread(far)


def test_a_rename_is_followed_by_what_is_stated(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    digest = far.disk.hold("photos/old.jpg", b"photo", mtime_ns=7)
    entry = far.stat("old.jpg")
    assert entry is not None
    now = datetime.now(UTC)
    row = copy_row("far", entry, now, now) | {"mtime": "2001-01-01T00:00:00.000Z"}
    (told,) = mirrored(
        source,
        far,
        journal,
        follows=knowing(Follow(digest, digest, row, "new.jpg"), sha1_of=b"photo"),
    )
    assert (told.outcome, told.target) == ("moved", "new.jpg")
    assert unread(far)


def test_only_an_asset_without_that_checksum_is_read(
    memory: MemoryKind, far: MemoryStore, journal: Journal
) -> None:
    source = store(memory, "nas")
    digest = source.disk.hold("photos/a.jpg", b"photo")
    far.disk.hold("photos/a.jpg", b"photo")
    (told,) = mirrored(source, far, journal, Transfer(digest, digest, "a.jpg", 5))
    assert told.outcome == "found" and far.disk.sent == 5


# --- renames --------------------------------------------------------------------------------------


@pytest.fixture
def nas(memory: MemoryKind) -> MemoryStore:
    return store(memory, "nas")


@pytest.fixture
def other(memory: MemoryKind) -> MemoryStore:
    return store(memory, "other")


def renamed(target: MemoryStore, old: str, new: str, data: bytes) -> Follow:
    """A file of the other store that lies at `old`, and is to be renamed."""
    digest = target.disk.hold(f"photos/{old}", data)
    entry = target.stat(old)
    assert entry is not None
    now = datetime.now(UTC)
    return Follow(digest, digest, copy_row(target.name, entry, now, now), new)


def contents(store: MemoryStore) -> dict[str, str]:
    return {entry.path: store.checksum(entry.path) for entry in store.list()}


def test_names_that_change_in_a_ring_are_all_right_at_the_end(
    nas: MemoryStore, other: MemoryStore, journal: Journal
) -> None:
    ring = [renamed(other, f"{n}.jpg", f"{(n + 1) % 3}.jpg", b"photo %d" % n) for n in range(3)]
    told = mirrored(nas, other, journal, follows=ring)
    assert sorted((t.path, t.target, t.outcome) for t in told) == [
        ("0.jpg", "1.jpg", "moved"),
        ("1.jpg", "2.jpg", "moved"),
        ("2.jpg", "0.jpg", "moved"),
    ]
    assert contents(other) == {f.path: f.hash for f in ring}


def test_a_name_may_change_in_case_where_the_store_knows_no_case(
    memory: MemoryKind, nas: MemoryStore, journal: Journal
) -> None:
    target = store(memory, "far", case_sensitive=False)
    follow = renamed(target, "a.JPG", "a.jpg", b"photo")
    (told,) = mirrored(nas, target, journal, follows=[follow])
    assert (told.outcome, told.target) == ("moved", "a.jpg")
    assert contents(target) == {"a.jpg": follow.hash}


def test_where_the_name_is_taken_the_file_gets_a_number_which_may_be_the_one_it_has(
    nas: MemoryStore, other: MemoryStore, journal: Journal
) -> None:
    other.disk.hold("photos/a.jpg", b"somebody else's")
    follows = [
        renamed(other, "old.jpg", "a.jpg", b"photo"),
        renamed(other, "b_1.jpg", "b.jpg", b"numbered"),
    ]
    other.disk.hold("photos/b.jpg", b"somebody else's as well")
    told = {t.path: (t.outcome, t.target) for t in mirrored(nas, other, journal, follows=follows)}
    assert told == {"old.jpg": ("moved", "a_1.jpg"), "b_1.jpg": ("found", "b_1.jpg")}


def test_a_file_that_was_changed_meanwhile_is_not_renamed(
    nas: MemoryStore, other: MemoryStore, journal: Journal
) -> None:
    follow = renamed(other, "old.jpg", "new.jpg", b"photo")
    other.disk.hold("photos/old.jpg", b"edited since")
    gone = renamed(other, "gone.jpg", "there.jpg", b"gone")
    other.disk.drop("photos/gone.jpg")
    told = mirrored(nas, other, journal, follows=[follow, gone])
    assert [(t.outcome, t.reason.partition(" ")[0]) for t in told] == [
        ("failed", "old.jpg"),
        ("failed", "gone.jpg"),
    ]
    assert list(contents(other)) == ["old.jpg"]


# --- what ends a run in order ---------------------------------------------------------------------


def test_what_a_limit_left_is_counted_with_further_files_of_a_content_that_did_not_begin(
    nas: MemoryStore, other: MemoryStore, journal: Journal
) -> None:
    digest = nas.disk.hold("photos/0.jpg", b"12345")
    sent = [Transfer(digest, digest, "0.jpg", 5)]
    for number in (1, 2):
        digest = nas.disk.hold(f"photos/{number}.jpg", b"1234%d" % number)
        sent += [Transfer(digest, digest, f"{n}{number}.jpg", 6) for n in ("", "x")]
    left: list[Left] = []
    told = mirrored(nas, other, journal, *sent, throttle=Throttle(max_bytes=1), left=left)
    assert [t.path for t in told] == ["0.jpg"]
    assert left == [Left(4, 24)]


def test_nothing_more_is_sent_to_a_store_that_is_full_and_what_arrived_is_told(
    memory: MemoryKind, nas: MemoryStore, journal: Journal
) -> None:
    target = store(memory, "far", capacity=12, together=1)
    sent = []
    for number in range(9):
        digest = nas.disk.hold(f"photos/{number}.jpg", b"1234%d" % number)
        sent.append(Transfer(digest, digest, f"{number}.jpg", 5))
    told: list[Outcome] = []
    with pytest.raises(StoreFull):
        mirrored(nas, target, journal, *sent, told=told, threads=1)
    assert sorted((t.path, t.outcome) for t in told) == [
        ("0.jpg", "copied"),
        ("1.jpg", "copied"),
        ("2.jpg", "failed"),
    ]


# --- what the index is asked ----------------------------------------------------------------------


class Asked:
    """A catalog of some documents in which nothing was ever renamed; `times` it was asked."""

    alias = "photos"

    def __init__(self, *documents: dict[str, Any]) -> None:
        self._documents = {document["hash"]: (document, 1, 1) for document in documents}
        self.times = 0

    def ask(self, call: Callable[[], Any]) -> Any:
        self.times += 1
        return call()

    def documents(self, hashes: Sequence[str]) -> dict[str, Any]:
        return {key: self._documents[key] for key in hashes if key in self._documents}

    def refresh(self, *_indexes: str) -> None:
        """Nothing was written."""

    def scan_pages(self, *_query: Any, **_more: Any) -> list[Any]:
        return []


def held_at(**paths: str) -> dict[str, Any]:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    rows = [copy_row(name, Entry(path, 1), now, now) for name, path in paths.items()]
    return {"hash": "h", "copies": rows}


@pytest.mark.parametrize(
    ("paths", "times"), [({"nas": "a.jpg"}, 1), ({"nas": "a.jpg", "far": "b.jpg"}, 2)]
)
def test_renames_are_asked_for_only_where_an_asset_has_another_path_in_each_store(
    paths: dict[str, str], times: int
) -> None:
    catalog = Asked(held_at(**paths))
    needs = NeedsSurvey(cast("Any", catalog), Pair("nas", "far"), catalog.ask)
    assert [len(found.actions) + len(found.apart) for found in needs.of(["h", "unknown"])] == [1]
    assert catalog.times == times


def test_where_there_is_no_catalog_yet_what_is_foreseen_is_all_there_is() -> None:
    needs = NeedsSurvey(None, Pair("nas", "far"))
    document = held_at(nas="a.jpg", far="b.jpg")
    needs.changes["h"].append(lambda _document: document)
    assert [found.apart for found in needs.of(["h"])] == [[("a.jpg", "b.jpg")]]


# --- what is told and recorded --------------------------------------------------------------------

HERE = Entry("a.jpg", 5, 1_600_000_000_000_000_000)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_is_told_of_a_file_follows_from_where_it_lies() -> None:
    copy = Transfer("h", "h", "a.jpg", 5)
    sent = outcome_of(copy, "a.jpg", "far")
    assert (sent.outcome, sent.path, sent.target, sent.stored) == ("copied", "a.jpg", "", 5)
    assert outcome_of(copy, "a_1.jpg", "far").target == "a_1.jpg"
    found = outcome_of(replace(copy, found=True), "a.jpg", "far")
    assert (found.outcome, found.stored) == ("found", 0)
    follow = Follow("h", "h", {"path": "old.jpg"}, "a.jpg")
    assert outcome_of(follow, "a.jpg", "far").outcome == "moved"
    assert outcome_of(follow, "old.jpg", "far").outcome == "found"


def test_a_failure_of_fixity_says_what_may_be_done_about_it() -> None:
    copy = Transfer("h", "h", "a.jpg", 5)
    told = failure_of(copy, FixityMismatch("a.jpg has other content."), "nas", "far")
    assert (told.outcome, told.store, "store nas" in told.reason) == ("failed", "far", True)
    told = failure_of(copy, AlreadyExists("taken", hint="Rename it."), "nas", "far")
    assert told.reason == str(AlreadyExists("taken", hint="Rename it."))


def document(*rows: dict[str, Any]) -> Any:
    return {"copies": [*rows], "sidecars": []}


def test_a_file_that_was_sent_is_a_copy_and_one_that_was_renamed_has_another_path() -> None:
    old = copy_row("far", replace(HERE, path="old.jpg"), NOW, NOW)
    edit = edit_of(Transfer("h", "h", "a.jpg", 5), HERE, "nas", "far", NOW)
    assert (edit.hash, edit.event["effect"], edit.event["source"]) == ("h", "file", "nas:a.jpg")
    changed = cast("Any", edit.change(document()))
    assert [(c["store"], c["path"]) for c in changed["copies"]] == [("far", "a.jpg")]
    found = edit_of(Transfer("h", "h", "a.jpg", 5, found=True), HERE, "nas", "far", NOW)
    assert found.event["effect"] == "index"
    edit = edit_of(Follow("h", "h", old, "a.jpg"), HERE, "nas", "far", NOW)
    assert (edit.event["effect"], edit.event["source"]) == ("file", "old.jpg")
    changed = cast("Any", edit.change(document(old)))
    assert [c["path"] for c in changed["copies"]] == ["a.jpg"]


def test_a_rename_that_ended_at_the_old_name_says_only_when_that_was() -> None:
    old = copy_row("far", replace(HERE, path="old.jpg"), NOW, NOW)
    later = datetime(2026, 1, 2, tzinfo=UTC)
    follow = Follow("h", "h", old, "a.jpg")
    edit = edit_of(follow, replace(HERE, path="old.jpg"), "nas", "far", later)
    (row,) = cast("Any", edit.change(document(old)))["copies"]
    assert row["path"] == "old.jpg" and row["added"].startswith("2026-01-02")


def test_a_sidecar_is_recorded_with_its_asset_and_its_old_row_goes() -> None:
    old = sidecar_row("far", replace(HERE, path="old.xmp"), "s")
    follow = Follow("h", "s", old, "a.xmp", is_sidecar=True)
    edit = edit_of(follow, replace(HERE, path="a.xmp"), "nas", "far", NOW)
    changed = cast("Any", edit.change(document() | {"sidecars": [old]}))
    assert [(s["path"], s["hash"]) for s in changed["sidecars"]] == [("a.xmp", "s")]
