"""The parts of an upload one by one: batches, what the target holds, copies, duplicates.

Stores lie in memory, and what the index would be told is kept in a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from asset_makers import asset, facts, member
from memory_store.root import MemoryKind
from memory_store.store import MemoryStore

from catalog.domain.actions import Skip
from catalog.domain.asset import Asset, Entry, KnownAsset
from catalog.domain.document import CopyRow
from catalog.domain.fixity import Digests, content_hash
from catalog.domain.layout import Layout
from catalog.domain.stacks import Candidate
from catalog.errors import (
    CatalogError,
    Interrupted,
    StoreFull,
    UnreadableMedia,
    UnsupportedType,
)
from catalog.features.ingest import batch as batching
from catalog.features.ingest.actions import CopyToStore, Shot, SkipDuplicate
from catalog.features.ingest.apply import Applier
from catalog.features.ingest.batch import Batch, batches_of, fingerprint
from catalog.features.ingest.file_copier import FileCopier
from catalog.features.ingest.placer import Placer
from catalog.features.ingest.records import Verdict
from catalog.features.ingest.sources import SourceRemoval
from catalog.features.ingest.survey import IngestSurvey, Source
from catalog.features.ingest.target import TargetSurvey
from catalog.features.ingest.under_way import IngestRun, UnderWay
from catalog.work.journal import Journal
from catalog.work.outcome import Outcome
from catalog.work.recorder import Record
from catalog.work.report import Report
from catalog.work.sink import SilentSink

T = 1_600_000_000_000_000_000


def entry(path: str, size: int = 5, mtime_ns: int = T, **more: Any) -> Entry:
    return Entry(path, size, mtime_ns, **more)


# --- batches --------------------------------------------------------------------------------------


def paths(batch: Batch) -> list[list[list[str]]]:
    """Shots by folder."""
    return [[[c.entry.path for c in shot] for shot in folder] for folder in batch.folders]


def test_batches_fill_up_with_whole_shots(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batching, "BATCH", 3)
    names = ("a/1.cr2", "a/1.jpg", "a/2.cr2", "a/2.jpg", "a/3.jpg", "b/4.jpg")
    found = list(batches_of(entry(name) for name in names))
    assert [paths(batch) for batch in found] == [
        [[["a/1.cr2", "a/1.jpg"], ["a/2.cr2", "a/2.jpg"]]],
        [[["a/3.jpg"]], [["b/4.jpg"]]],
    ]
    assert list(batches_of([])) == []


def test_what_is_passed_over_counts_and_what_cannot_be_read_keeps_its_shot():
    listed = [entry("1.jpg"), entry("1.mov", problem="no permission"), entry(".hidden")]
    (batch,) = batches_of(listed)
    assert paths(batch) == [[["1.jpg"]]] and batch.size == 3
    assert {(s.key, s.outcome) for s in batch.skipped} == {
        (".hidden", "ignored"),
        ("1.mov", "failed"),
    }
    assert batch.shots == {"1.mov": "1.jpg"}


def test_only_shots_all_of_whose_contents_are_known_are_remembered():
    (batch,) = batches_of(map(entry, ("1.cr2", "1.jpg", "2.jpg")))
    digests = {"1.cr2": "known", "1.jpg": "new", "2.jpg": "known"}
    left = batch.remember(digests, {"known"}, unread=True)
    assert [c.entry.path for c in left] == ["1.cr2", "1.jpg"]
    (remembered,) = batch.remembered
    assert (remembered.entry.path, remembered.hash, remembered.unread) == ("2.jpg", "known", True)
    assert paths(batch) == [[["1.cr2", "1.jpg"]]]


def test_a_batch_keeps_what_comes_back():
    batch = Batch(waiting=2)
    batch.take("1.jpg", Digests("h"))
    batch.take("2.jpg", UnreadableMedia("broken"))
    assert batch.digests == {"1.jpg": "h"} and list(batch.read) == ["2.jpg"] and not batch.waiting


def test_a_fingerprint_changes_with_the_file_its_place_and_its_sidecars():
    one = Candidate(entry("1.jpg"))
    others = [
        Candidate(entry("2.jpg")),
        Candidate(entry("1.jpg", 6)),
        Candidate(entry("1.jpg", mtime_ns=T + 1)),
        Candidate(entry("1.jpg", inode=1)),
        Candidate(entry("1.jpg"), (entry("1.xmp"),)),
        Candidate(entry("1.jpg", checksums={"sha1": "x"}, revision="1")),
        Candidate(entry("1.jpg", checksums={"sha1": "x"}, revision="2")),
    ]
    found = [fingerprint("/card", one), fingerprint("/disk", one)]
    found += [fingerprint("/card", other) for other in others]
    assert len({*found}) == len(found) and fingerprint("/card", one) == found[0]
    etag = Candidate(entry("1.jpg", checksums={"etag": "x"}, revision="1"))
    assert fingerprint("/card", etag) == found[0], "a word for a version proves nothing"


# --- what the target holds ------------------------------------------------------------------------


def store(memory: MemoryKind, name: str, **traits: Any) -> MemoryStore:
    disk = memory.disk(name, **traits)
    disk.folders.add("photos")
    return MemoryStore(name, "photos", disk)


def known(digest: str, **row: Any) -> KnownAsset:
    place = {"store": "nas", "path": "a.jpg", "size": 5, "state": "ok"} | row
    return KnownAsset(digest, ({"mtime": "2020-09-13T12:26:40.000Z"} | place,), 0, 0, {})


@pytest.fixture
def plain(memory: MemoryKind) -> MemoryStore:
    """A store that states nothing of contents, as a folder does."""
    return store(memory, "nas", checksums=())


def test_a_copy_answers_where_it_is_as_recorded_or_proved_by_reading(plain: MemoryStore):
    digest = plain.disk.hold("photos/a.jpg", b"photo", T)
    look = TargetSurvey(plain, Layout())
    assert look.answering(known(digest)) == "a.jpg" and not plain.disk.calls["checksum"]
    later = known(digest, mtime="2021-01-01T00:00:00.000Z")
    assert [look.answering(later), look.answering(later)] == ["a.jpg"] * 2
    assert plain.disk.calls["checksum"] == 1, "a proof is remembered"
    other = known(content_hash(b"other"), mtime="2021-01-01T00:00:00.000Z")
    assert look.answering(other) is None


@pytest.mark.parametrize(
    "row", [{"store": "far"}, {"state": "missing"}, {"size": 6}, {"path": "gone.jpg"}]
)
def test_a_copy_that_is_elsewhere_lost_or_another_does_not_answer(
    plain: MemoryStore, row: dict[str, Any]
):
    digest = plain.disk.hold("photos/a.jpg", b"photo", T)
    assert TargetSurvey(plain, Layout()).answering(known(digest, **row)) is None


def test_a_store_that_states_contents_is_believed_by_its_listing(memory: MemoryKind):
    far = store(memory, "nas")
    digest = far.disk.hold("photos/2019/a.jpg", b"photo", T + 7 * 10**9)
    far.disk.hold("photos/2019/b.jpg", b"phot2", T)
    look = TargetSurvey(far, Layout())
    assert look.answering(known(digest, path="2019/a.jpg")) == "2019/a.jpg"
    assert look.answering(known(digest, path="2019/b.jpg")) is None
    assert (far.disk.calls["list"], far.disk.calls["stat"], far.disk.calls["open"]) == (1, 0, 0)


def test_a_copy_that_does_not_count_does_not_answer(plain: MemoryStore):
    digest = plain.disk.hold("photos/a.jpg", b"photo", T)
    look = TargetSurvey(plain, Layout(), lambda path: path.startswith("album/"))
    assert look.answering(known(digest)) is None
    assert look.counting({"one": "album/a.jpg", "two": "b.jpg"}) == {"one": "album/a.jpg"}


def test_the_names_of_folders_are_learned_and_contents_that_may_be_the_same(plain: MemoryStore):
    same = plain.disk.hold("photos/2019/07_July/x.jpg", b"photo")
    plain.disk.hold("photos/2019/07_July/other.jpg", b"another size")
    plain.disk.hold("photos/2019/08_August/y.jpg", b"photo")
    look = TargetSurvey(plain, Layout())
    found = member("IMG.jpg", "photo")
    look.look_at([(replace(found, entry=entry("IMG.jpg", 5)),)], {})
    assert look.occupancy.contents == {"2019/07_July/x.jpg": same}
    assert look.occupancy.names["2019/07_July"] == {"x.jpg", "other.jpg"}
    assert "2019/08_August" not in look.occupancy.names


# --- the survey -----------------------------------------------------------------------------------


class Reader:
    """Reads files of a store in memory: photos, unless they say that they are text."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.read: list[tuple[str, bool]] = []

    def run(self, wanted: Any) -> Iterator[tuple[Any, Any]]:
        for item in wanted:
            if item is None:
                continue
            tag, file = item
            if file is None:
                yield tag, None
                continue
            self.read.append((file.entry.path, file.only_hash))
            data = self.store.open(file.entry.path).read()
            if data.startswith(b"text"):
                yield tag, UnsupportedType("a text")
            elif file.only_hash:
                yield tag, Digests(content_hash(data))
            else:
                yield tag, facts(data.decode())


class Describer:
    base = "/card"

    def describe_all(self, files: Any, _now: Any) -> list[Asset]:
        return [Asset(found, asset("x").captured, None, (), False) for found, _entry, _in in files]


class Lookup:
    """What the index has: assets, sources by fingerprint."""

    def __init__(self, *assets: KnownAsset, sources: Mapping[str, str] | None = None) -> None:
        self.assets = {found.hash: found for found in assets}
        self.sources = dict(sources or {})
        self.sizes: set[int] = set()

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        return {h: self.assets[h] for h in hashes if h in self.assets}

    def known_sources(self, fingerprints: list[str]) -> dict[str, str]:
        return {f: self.sources[f] for f in fingerprints if f in self.sources}

    def known_sizes(self, sizes: list[int]) -> set[int]:
        return self.sizes & set(sizes)


@pytest.fixture
def card(memory: MemoryKind) -> MemoryStore:
    return store(memory, "card", checksums=())


def survey(card: MemoryStore, target: MemoryStore, lookup: Lookup) -> tuple[Reader, IngestSurvey]:
    reader = Reader(card)
    source = Source(card, cast("Any", reader), cast("Any", Describer()), recursive=True)
    return reader, IngestSurvey(source, TargetSurvey(target, Layout()), lookup)


def test_new_files_are_read_known_ones_hashed_and_unchanged_ones_neither(
    card: MemoryStore, plain: MemoryStore
):
    digests = [plain.disk.hold(f"photos/{n}.jpg", b"photo %d" % n, T) for n in range(2)]
    for number in range(3):
        card.disk.hold(f"photos/{number}.jpg", b"photo %d" % number)
    card.disk.hold("photos/note.jpg", b"text")
    lookup = Lookup(*(known(d, path=f"{n}.jpg", size=7) for n, d in enumerate(digests)))
    (here,) = [e for e in card.list() if e.path == "0.jpg"]
    lookup.sources = {fingerprint("/card", Candidate(here)): digests[0]}
    lookup.sizes = {7}
    reader, looking = survey(card, plain, lookup)
    assert looking.count() == 4
    (found,) = looking.batches(dict)
    assert reader.read == [("1.jpg", True), ("2.jpg", True), ("note.jpg", False), ("2.jpg", False)]
    assert {(r.entry.path, r.unread) for r in found.remembered} == {
        ("0.jpg", True),
        ("1.jpg", False),
    }
    assert [m.entry.path for stack in found.stacks for m in stack] == ["2.jpg"]
    assert [(s.key, s.outcome) for s in found.skipped] == [("note.jpg", "unsupported")]
    assert found.existing == {digests[0]: "0.jpg", digests[1]: "1.jpg"}


def test_a_copy_that_vanishes_during_the_run_fails_its_duplicate(
    card: MemoryStore, plain: MemoryStore
):
    digest = card.disk.hold("photos/a.jpg", b"photo")
    lookup = Lookup()
    lookup.sizes = {5}
    planned = [{digest: "planned.jpg"}, {}]
    _reader, looking = survey(card, plain, lookup)
    (found,) = looking.batches(lambda: planned.pop(0))
    assert found.remembered == [] and [s.outcome for s in found.skipped] == ["failed"]
    assert "vanished" in found.skipped[0].reason


# --- copies and duplicates ------------------------------------------------------------------------


class Records:
    """What the index is told, and what it answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.answer = "added"
        self.others: list[str] = []
        self.verdicts: list[Verdict] = []
        self.claimed: list[str] = []

    def create_lines(
        self, action: Any, copy: CopyRow, sidecars: Sequence[Any], run: str
    ) -> list[Any]:
        return [("create", action.hash, copy["path"], [s["path"] for s in sidecars])]

    def duplicate_lines(self, action: Any, run: str) -> list[Any]:
        return [("duplicate", action.hash, action.existing)]

    def source_lines(self, digest: str, path: str, fingerprint: str, run: str) -> list[Any]:
        return [("source", path)]

    def retraction_lines(self, lines: list[Any]) -> list[Any]:
        return [("retract", len(lines))]

    def add_copy(self, digest: str, copy: CopyRow, judge: Any, *_rest: Any) -> str:
        self.verdicts.append(judge(self.others))
        return "refused" if self.verdicts[-1].proved else self.answer

    def amend(self, digest: str, sidecars: Sequence[Any], stack: Any) -> list[str]:
        self.calls.append(("amend", digest, [s["path"] for s in sidecars], stack))
        return self.claimed

    def join_album(self, digest: str, album: str, run: str) -> None:
        self.calls.append(("album", digest, album))


class Recorder:
    """Sends all records at the end; `replies` are what the index answers, else all is well."""

    error: CatalogError | None = None

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.sent: list[Any] = []
        self.replies: list[dict[str, Any]] = []

    def add(self, record: Record) -> None:
        self.records.append(record)

    def send(self, lines: list[Any]) -> list[Any]:
        self.sent += lines
        return []

    def close(self) -> None:
        for record in self.records:
            record.first()
            self.sent += record.lines
            replies = [{"status": 201} for _line in record.lines]
            self.sent += record.settled(self.replies or replies)


class Lab:
    """A run from `card` to `nas`."""

    def __init__(self, source: MemoryStore, target: MemoryStore, journal: Journal) -> None:
        self.source, self.target = source, target
        self.told: list[Outcome] = []
        report = Report(SilentSink(on_outcome=self.told.append), "upload")
        session = SimpleNamespace(run="run", journal=journal, report=report, sink=report.sink)
        self.records, self.recorder = Records(), Recorder()
        removal = SourceRemoval(source, target, journal, report.add)
        placer = Placer(source, target, journal, "/card")
        self.run = IngestRun(
            cast("Any", session),
            placer,
            cast("Any", self.records),
            cast("Any", self.recorder),
            removal,
            report.add,
        )

    def new(self, name: str, data: bytes, target: str = "", **more: Any) -> CopyToStore:
        """A file of the card that is to be copied."""
        digest = self.source.disk.hold(f"photos/{name}", data)
        found = self.source.stat(name)
        assert found is not None and digest == asset(data.decode()).hash
        return CopyToStore(found, asset(data.decode()), "nas", target or f"2019/{name}", **more)

    def sidecar(self, name: str, data: bytes) -> Entry:
        self.source.disk.hold(f"photos/{name}", data)
        found = self.source.stat(name)
        assert found is not None
        return found

    def apply(self, *actions: Any) -> list[tuple[str, str, str]]:
        applier = Applier(self.run, 2)
        applier.apply(actions)
        applier.finish()
        assert applier.in_flight() == {}
        return sorted((t.path, t.outcome, t.target) for t in self.told)

    def files(self) -> dict[str, bytes]:
        return {e.path: self.target.open(e.path).read() for e in self.target.list()}


@pytest.fixture
def lab(card: MemoryStore, plain: MemoryStore, tmp_path: Path) -> Iterator[Lab]:
    with closing(Journal(tmp_path, "run")) as journal:
        yield Lab(card, plain, journal)


def test_a_file_is_copied_recorded_and_remembered_with_its_sidecar(lab: Lab):
    sidecar = lab.sidecar("a.xmp", b"<x/>")
    action = lab.new("a.jpg", b"photo", sidecars=((sidecar, "2019/a.xmp"),))
    assert lab.apply(action) == [("a.jpg", "new", "2019/a.jpg")]
    assert lab.files() == {"2019/a.jpg": b"photo", "2019/a.xmp": b"<x/>"}
    assert lab.recorder.sent == [
        ("create", action.hash, "2019/a.jpg", ["2019/a.xmp"]),
        ("source", "a.jpg"),
    ]


def test_other_content_keeps_its_name_and_the_very_content_is_taken_for_the_copy(lab: Lab):
    lab.target.disk.hold("photos/2019/a.jpg", b"other")
    same = lab.new("b.jpg", b"same!", present=True)
    lab.target.disk.hold("photos/2019/b.jpg", b"same!")
    sidecar = lab.sidecar("a.xmp", b"<x/>")
    action = lab.new("a.jpg", b"photo", sidecars=((sidecar, "2019/a.xmp"),))
    assert lab.apply(action, same) == [
        ("a.jpg", "new", "2019/a_1.jpg"),
        ("b.jpg", "new", "2019/b.jpg"),
    ]
    assert lab.files()["2019/a_1.xmp"] == b"<x/>" and lab.files()["2019/a.jpg"] == b"other"
    (found,) = [told for told in lab.told if told.path == "b.jpg"]
    assert found.stored == 0


def test_a_source_that_is_not_what_was_read_fails_and_so_do_its_duplicates(lab: Lab):
    action = lab.new("a.jpg", b"photo")
    lab.source.disk.hold("photos/a.jpg", b"edits")
    again = SkipDuplicate(entry("b.jpg"), action.hash, "nas", "2019/a.jpg")
    assert lab.apply(action, again) == [
        ("a.jpg", "failed", "2019/a.jpg"),
        ("b.jpg", "failed", "2019/a.jpg"),
    ]
    assert lab.files() == {} and lab.recorder.sent == []


def test_a_duplicate_lies_where_its_first_copy_came_to_lie_and_brings_its_sidecars(lab: Lab):
    lab.target.disk.hold("photos/2019/a.jpg", b"other")
    action = lab.new("a.jpg", b"photo")
    sidecar = lab.sidecar("b.xmp", b"<b/>")
    again = SkipDuplicate(
        entry("b.jpg"), action.hash, "nas", "2019/a.jpg", (sidecar,), album="Summer"
    )
    assert lab.apply(action, again)[1] == ("b.jpg", "duplicate", "2019/a_1.jpg")
    assert lab.files()["2019/a_1.xmp"] == b"<b/>"
    assert ("duplicate", action.hash, "2019/a_1.jpg") in lab.recorder.sent
    assert lab.records.calls == [
        ("amend", action.hash, ["2019/a_1.xmp"], None),
        ("album", action.hash, "Summer"),
    ]


def test_a_remembered_duplicate_is_only_told(lab: Lab):
    sidecar = lab.sidecar("b.xmp", b"<b/>")
    again = SkipDuplicate(entry("b.jpg"), "h", "nas", "x.jpg", (sidecar,), remembered=True)
    assert lab.apply(again) == [("b.jpg", "duplicate", "x.jpg")]
    assert lab.recorder.sent == [] and lab.files() == {}


def test_a_photo_counts_even_where_its_sidecar_cannot_be_had(lab: Lab):
    gone = entry("gone.xmp")
    action = lab.new("a.jpg", b"photo", sidecars=((gone, "2019/a.xmp"),))
    again = SkipDuplicate(entry("b.jpg"), action.hash, "nas", "2019/a.jpg", (gone,))
    told = lab.apply(action, again)
    assert [outcome for _path, outcome, _target in told] == ["failed", "failed"]
    assert list(lab.files()) == ["2019/a.jpg"]
    assert [line[0] for line in lab.recorder.sent] == ["create", "duplicate"], "not remembered"


def test_what_the_index_refuses_is_taken_back(lab: Lab):
    lab.recorder.replies = [{"status": 400, "error": {"reason": "no such field"}}]
    sidecar = lab.sidecar("a.xmp", b"<x/>")
    action = lab.new("a.jpg", b"photo", sidecars=((sidecar, "2019/a.xmp"),))
    assert lab.apply(action) == [("a.jpg", "failed", "2019/a.jpg")]
    assert lab.files() == {} and lab.recorder.sent[-1] == ("retract", 1)
    assert lab.told[0].reason == "the index refused the record: no such field"


def test_a_known_asset_whose_event_is_refused_has_its_copy_but_is_not_remembered(lab: Lab):
    lab.recorder.replies = [{"status": 400, "error": {"reason": "full"}}]
    action = lab.new("a.jpg", b"photo", is_new=False)
    assert lab.apply(action) == [("a.jpg", "failed", "2019/a.jpg")]
    assert list(lab.files()) == ["2019/a.jpg"]
    assert "not in the history: full" in lab.told[0].reason


def test_mates_become_part_of_the_stack_before_the_new_one_is_recorded(lab: Lab):
    action = lab.new("a.jpg", b"photo", stack=("s", "still"), mates=(("m", "raw"),))
    lab.apply(action)
    assert lab.records.calls == [("amend", "m", [], ("s", "raw"))]


def test_where_another_program_was_faster_ours_goes_and_its_sidecars_move(lab: Lab):
    lab.recorder.replies = [{"status": 409}]
    lab.records.others = ["2019/theirs.jpg", "2019/gone.jpg", "2019/broken.jpg"]
    lab.target.disk.hold("photos/2019/theirs.jpg", b"photo")
    lab.target.disk.hold("photos/2019/broken.jpg", b"brokn")
    sidecar = lab.sidecar("a.xmp", b"<x/>")
    action = lab.new("a.jpg", b"photo", sidecars=((sidecar, "2019/a.xmp"),), stack=("s", "still"))
    assert lab.apply(action) == [("a.jpg", "duplicate", "2019/theirs.jpg")]
    assert lab.files() == {
        "2019/theirs.jpg": b"photo",
        "2019/broken.jpg": b"brokn",
        "2019/theirs.xmp": b"<x/>",
    }
    (verdict,) = lab.records.verdicts
    assert verdict == Verdict(True, frozenset({"2019/gone.jpg"}), frozenset({"2019/broken.jpg"}))


def test_only_copies_in_its_own_folder_make_an_albums_copy_superfluous(lab: Lab):
    lab.recorder.replies = [{"status": 409}]
    lab.records.others = ["2018/x.jpg", "Album/y.jpg"]
    for path in lab.records.others:
        lab.target.disk.hold(f"photos/{path}", b"photo")
    action = lab.new("a.jpg", b"photo", "Album/a.jpg", album="Album")
    assert lab.apply(action) == [("a.jpg", "duplicate", "Album/y.jpg")]
    assert lab.records.calls[0] == ("album", action.hash, "Album")


@pytest.mark.parametrize(
    ("answer", "is_new", "outcome"),
    [
        ("added", True, "new"),
        ("ours", True, "new"),
        ("present", True, "duplicate"),
        ("present", False, "new"),
    ],
)
def test_what_is_told_of_a_copy_of_a_document_that_exists(
    lab: Lab, answer: str, is_new: bool, outcome: str
):
    lab.recorder.replies = [{"status": 409}]
    lab.records.answer = answer
    action = lab.new("a.jpg", b"photo", is_new=is_new, stack=("s", "still"))
    assert lab.apply(action) == [("a.jpg", outcome, "2019/a.jpg")]
    assert lab.records.calls == [("amend", action.hash, [], ("s", "still"))]


def test_with_move_a_source_goes_when_all_of_its_shot_is_safe(lab: Lab):
    shot = Shot("a", 2)
    sidecar = lab.sidecar("a.xmp", b"<x/>")
    action = lab.new("a.jpg", b"photo", shot=shot, sidecars=((sidecar, "2019/a.xmp"),))
    lab.source.disk.hold("photos/b.jpg", b"photo")
    other = lab.source.stat("b.jpg")
    assert other is not None
    again = SkipDuplicate(other, action.hash, "nas", "2019/a.jpg", shot=shot)
    for number in range(9):  # versions are numbered on each disk: none shall be one of the other's
        lab.target.disk.hold("photos/x.jpg", b"%d" % number)
    assert [t[1] for t in lab.apply(action, again)] == ["new", "duplicate"]
    assert list(lab.source.list()) == []


def test_a_full_store_ends_the_run_and_nothing_more_is_copied(
    card: MemoryStore, memory: MemoryKind, tmp_path: Path
):
    small = store(memory, "small", checksums=(), capacity=7)
    with closing(Journal(tmp_path, "run")) as journal:
        lab = Lab(card, small, journal)
        applier = Applier(lab.run, 1)
        with pytest.raises(StoreFull):
            applier.apply([lab.new(f"{n}.jpg", b"1234%d" % n) for n in range(3)])
            applier.finish()
    assert {t.path: t.outcome for t in lab.told} == {"0.jpg": "new", "1.jpg": "failed"}


def test_what_goes_wrong_in_a_thread_is_raised_with_the_file_it_was_about(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_arguments: Any) -> Any:
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(lab.run.placer, "place", broken)
    with pytest.raises(CatalogError, match=r"a\.jpg: ValueError: nobody thought of this"):
        lab.apply(lab.new("a.jpg", b"photo"))


def test_an_interrupted_copy_is_neither_told_nor_recorded(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*_arguments: Any) -> Any:
        raise Interrupted("The run was interrupted.")

    monkeypatch.setattr(lab.run.placer, "place", interrupted)
    action = lab.new("a.jpg", b"photo")
    lab.run.under_way.begin(action.hash, action.target)
    with pytest.raises(Interrupted):
        FileCopier(lab.run).copy(action)
    assert lab.told == [] and lab.run.under_way.targets() == {}


def test_a_skip_is_told_as_it_is(lab: Lab):
    assert lab.apply(Skip(entry("x"), "hidden", "ignored")) == [("x", "ignored", "")]


def test_what_is_under_way_is_known_until_it_lands():
    under_way, work = UnderWay(), Future[str]()
    under_way.copying("h", work)
    assert under_way.first_copy("h") is None, "it had landed before"
    under_way.begin("h", "a.jpg")
    under_way.copying("h", work)
    assert under_way.targets() == {"h": "a.jpg"} and under_way.first_copy("h") is work
    under_way.land("h", failed=True)
    assert under_way.has_failed("h") and under_way.targets() == {}
    under_way.land("h")
    assert under_way.has_failed("h")
    under_way.land("h", failed=False)
    assert not under_way.has_failed("h") and under_way.first_copy("h") is None


def test_a_placed_file_that_is_no_longer_whole_is_not_proved(lab: Lab):
    digest = lab.target.disk.hold("photos/a.jpg", b"photo")
    placer = lab.run.placer
    assert placer.is_proved("a.jpg", digest)
    lab.target.disk.hold("photos/a.jpg", b"other")
    assert not placer.is_proved("a.jpg", digest) and not placer.is_proved("gone.jpg", digest)
