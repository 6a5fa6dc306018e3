"""The parts of a reconciliation one by one: what a listing shows, sidecars, questions, new files,
what is gone, and files that change while they are read. No store, no index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from asset_makers import facts, member

from catalog.domain.actions import Skip
from catalog.domain.asset import UNEXAMINED, UNLISTED, Asset, Entry, Facts, KnownAsset
from catalog.domain.copies import DAMAGED, MISSING, OK, RecordedFile
from catalog.domain.fixity import Digests, content_hash
from catalog.domain.stacks import Candidate
from catalog.errors import NotFound, StoreGuard, UnreadableMedia, UnsupportedType
from catalog.features.reconcile import index as asking
from catalog.features.reconcile.changes import change_of, event_of, outcome_of
from catalog.features.reconcile.file_reader import CHANGING, FileReader, unread
from catalog.features.reconcile.index import batches
from catalog.features.reconcile.loader import Loader
from catalog.features.reconcile.losses import Losses
from catalog.features.reconcile.matches import keep_unread
from catalog.features.reconcile.plan import (
    AddCopy,
    Attach,
    Corrupt,
    Load,
    Lose,
    Relocate,
    Touch,
    Vanish,
    loads_of,
    shots_of,
)
from catalog.features.reconcile.questions import Questions
from catalog.features.reconcile.recognition import Recogniser
from catalog.features.reconcile.records import Comparison, Owned, Recorded, Records, Scope
from catalog.features.reconcile.sidecars import (
    attachments,
    beside_copies,
    without_new_contents,
)
from catalog.features.reconcile.survey import Looker, Options, Sight
from catalog.work.report import Report
from catalog.work.sink import Question, SilentSink

T = 1_600_000_000_000_000_000


def entry(path: str, size: int = 100, mtime_ns: int = T, **more: Any) -> Entry:
    return Entry(path, size, mtime_ns, **more)


def held(
    path: str, digest: str = "h", state: str = OK, size: int = 100, inode: int = 0
) -> RecordedFile:
    return RecordedFile(path, digest, size, T // 10**6, 1, inode, state, T // 10**6)


def copy(path: str, store: str = "nas", state: str = OK) -> dict[str, Any]:
    return {"store": store, "path": path, "size": 100, "mtime": "2020-09-13T12:26:40.000Z"} | {
        "added": "2020-09-13T12:26:40.000Z",
        "state": state,
    }


def compared(
    fresh: Sequence[str] = (), at: Sequence[RecordedFile] = (), gone: Sequence[RecordedFile] = ()
) -> Any:
    return Comparison([Candidate(entry(p)) for p in fresh], {k.path: k for k in at}, gone)


def home(path: str) -> str:
    return path.rpartition("/")[0]


# --- what the index says --------------------------------------------------------------------------


def test_a_scope_holds_what_lies_below_its_folders_or_in_them_only():
    assert Scope().holds("a/b.jpg") and Scope().holds("b.jpg")
    assert Scope(("a",)).holds("a/b/c.jpg") and not Scope(("a",)).holds("ab/c.jpg")
    assert Scope(("a",), recursive=False).holds("a/b.jpg")
    assert not Scope(("a",), recursive=False).holds("a/b/c.jpg")


def test_records_are_those_of_one_store_and_scope_and_what_is_missing_wherever_it_was():
    rows = [copy("a/1.jpg"), copy("b/2.jpg"), copy("b/3.jpg", state=MISSING), copy("a/4", "far")]
    sidecar = copy("a/1.xmp") | {"hash": "x"}
    found = [Recorded("h", rows, [sidecar, sidecar | {"path": "b/2.xmp"}], "s")]
    records = Records.gathered(found, "nas", Scope(("a",)))
    assert list(records.copies) == ["a/1.jpg"] and [k.path for k in records.lost] == ["b/3.jpg"]
    assert {p: [o.owner for o in rows] for p, rows in records.sidecars.items()} == {
        "a/1.xmp": ["h"]
    }
    assert records.total == 2
    assert {stack: [k.path for k in v] for stack, v in records.stacked().items()} == {
        "s": ["a/1.jpg"]
    }


def test_of_two_assets_that_claim_one_file_none_is_believed():
    found = [Recorded("one", [copy("a.jpg")], (), ""), Recorded("two", [copy("a.jpg")], (), "")]
    records = Records.gathered(found, "nas", Scope())
    assert records.contested == {"a.jpg"} and [k.hash for k in records.lost] == ["two"]
    sight = Looker(Listed([entry("a.jpg")]), records, Options()).look()
    assert [c.entry.path for c in sight.compared.fresh] == ["a.jpg"]


# --- what a listing shows -------------------------------------------------------------------------


class Listed:
    """A store that lists some entries, folder by folder."""

    def __init__(self, entries: Sequence[Entry], error: NotFound | None = None) -> None:
        self.entries = entries
        self.error = error

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        if self.error:
            raise self.error
        return iter(self.entries)


def look(entries: Sequence[Entry], *copies: RecordedFile, **options: Any) -> Sight:
    records = Records(copies={k.path: k for k in copies}, total=len(copies))
    return Looker(Listed(entries), records, Options(**options)).look()


def paths(candidates: Sequence[Candidate]) -> list[str]:
    return [c.entry.path for c in candidates]


def test_a_look_parts_what_is_as_recorded_from_what_is_fresh_and_what_is_gone():
    sight = look(
        [entry("a.jpg"), entry("b.jpg", 7), entry("new.jpg"), entry(".hidden.jpg")],
        *(held(name) for name in ("a.jpg", "b.jpg", "gone.jpg")),
    )
    assert paths(sight.compared.fresh) == ["b.jpg", "new.jpg"]
    assert list(sight.compared.at) == ["b.jpg"]
    assert [k.path for k in sight.compared.gone] == ["gone.jpg"]
    assert (sight.unchanged, sight.ignored) == (1, 1) and not sight.is_blind


def test_with_rehash_every_file_is_looked_into():
    assert paths(look([entry("a.jpg")], held("a.jpg"), rehash=True).compared.fresh) == ["a.jpg"]


@pytest.mark.parametrize("problem", [UNEXAMINED, UNLISTED])
def test_nothing_is_gone_where_nobody_could_look(problem: str):
    blind = entry("a", problem=f"{problem} (permission)")
    sight = look([blind], held("a/1.jpg"), held("b.jpg"))
    assert [k.path for k in sight.compared.gone] == ["b.jpg"]
    (skip,) = sight.problems
    assert skip.outcome == "failed" and skip.reason.endswith(
        "1 recorded below are left as they are"
    )
    assert sight.is_blind


def test_a_link_is_passed_over_and_what_was_at_its_place_is_gone():
    sight = look([entry("a.jpg", problem="a link")], held("a.jpg"))
    assert [k.path for k in sight.compared.gone] == ["a.jpg"]
    assert [s.outcome for s in sight.problems] == ["failed"], "a recorded file is not ignored"
    assert [s.outcome for s in look([entry("a.jpg", problem="a link")]).problems] == ["ignored"]


def test_a_folder_that_is_recorded_may_be_gone_and_another_is_a_slip_of_the_pen():
    records = Records(copies={"a/1.jpg": held("a/1.jpg")}, total=1)
    away = Listed([], NotFound("no such folder"))
    sight = Looker(away, records, Options(Scope(("a",)))).look()
    assert [k.path for k in sight.compared.gone] == ["a/1.jpg"]
    with pytest.raises(NotFound):
        Looker(away, records, Options(Scope(("b",)))).look()


def test_a_name_in_another_case_is_the_recorded_one_where_the_store_knows_no_case():
    records = Records(copies={"A.jpg": held("A.jpg")}, total=1)
    sight = Looker(Listed([entry("a.JPG")]), records, Options(), by_case=False).look()
    assert sight.unchanged == 1 and not sight.compared.gone
    sight = Looker(Listed([entry("a.JPG")]), records, Options()).look()
    assert paths(sight.compared.fresh) == ["a.JPG"]


def test_a_few_files_of_another_inode_were_replaced_and_all_files_were_numbered_anew():
    def files(count: int, inode: int) -> list[Entry]:
        return [
            entry(f"{n}.jpg", mtime_ns=T + n * 10**9, device=1, inode=inode + n)
            for n in range(count)
        ]

    def records(count: int) -> list[RecordedFile]:
        return [
            held(f"{n}.jpg", f"h{n}", inode=1000 + n)._replace(mtime_ms=T // 10**6 + n * 1000)
            for n in range(count)
        ]

    few, many = look(files(20, 1), *records(20)), look(files(21, 1), *records(21))
    assert (len(few.compared.fresh), few.unchanged) == (20, 0)
    assert (len(many.compared.fresh), many.unchanged) == (0, 21)
    assert look(files(20, 1000), *records(20)).unchanged == 20


def test_a_known_file_is_a_mate_of_a_fresh_one_of_its_name_in_its_folder():
    listed = [entry("a.jpg"), entry("Videos/a.mov"), entry("b.jpg")]
    sight = look(listed, held("a.jpg"), held("b.jpg"), video_folder="Videos")
    assert sight.neighbours == {}
    sight = look([entry("a.jpg"), entry("a.mov"), entry("b.jpg")], held("a.jpg"), held("b.jpg"))
    assert {k: paths(v) for k, v in sight.neighbours.items()} == {("", "a"): ["a.jpg"]}


def test_sidecars_are_new_changed_or_gone():
    records = Records(copies={"a.jpg": held("a.jpg")}, total=1)
    for name in ("a.jpg.xmp", "gone.xmp", "alone.xmp"):
        records.sidecars[name] = [Owned(held(name, "x"), "h")]
    listed = [entry("a.jpg"), entry("a.jpg.xmp", 7), entry("a.xmp"), entry("alone.xmp", 7)]
    sight = Looker(Listed([*listed, entry("nobodys.xmp")]), records, Options()).look()
    assert [(e.path, paths(c)) for e, c in sight.sidecars_new] == [("a.xmp", ["a.jpg"])]
    assert [(e.path, paths(c)) for e, c in sight.sidecars_changed] == [
        ("a.jpg.xmp", ["a.jpg"]),
        ("alone.xmp", []),
    ]
    assert [o.held.path for o in sight.sidecars_gone] == ["gone.xmp"] and sight.ignored == 1


def test_a_recorded_sidecar_beside_what_is_no_file_is_still_there():
    records = Records()
    records.sidecars["a.xmp"] = [Owned(held("a.xmp", "x"), "h")]
    listed = [entry("a.jpg", problem="a link"), entry("a.xmp"), entry("a.jpg.xmp")]
    sight = Looker(Listed(listed), records, Options()).look()
    assert not (sight.sidecars_new or sight.sidecars_changed or sight.sidecars_gone)


def test_a_file_that_could_not_be_judged_keeps_its_record():
    sight = Sight(compared(["a.jpg", "b.jpg"], [held("a.jpg"), held("b.jpg")]))
    sight.leave(Skip(entry("a.jpg"), "no such type", "unsupported"))
    assert not sight.is_blind
    sight.leave(Skip(entry("b.jpg"), "broken", "failed"))
    assert [k.path for k in sight.compared.open_records()] == ["a.jpg"] and sight.is_blind


# --- sidecars -------------------------------------------------------------------------------------


def sidecar_sight(
    new: Mapping[str, Sequence[str]] = {},
    changed: Mapping[str, Sequence[str]] = {},
    gone: Sequence[Owned] = (),
    fresh: Sequence[str] = (),
) -> Sight:
    """A look at sidecars, each with the files that it lies beside."""

    def beside(found: Mapping[str, Sequence[str]]) -> list[tuple[Entry, list[Candidate]]]:
        return [
            (entry(name), [Candidate(entry(file), (entry(name),)) for file in files])
            for name, files in found.items()
        ]

    return Sight(
        compared(fresh),
        sidecars_new=beside(new),
        sidecars_changed=beside(changed),
        sidecars_gone=list(gone),
    )


def read(found: Entry) -> str:
    return f"content of {found.path}"


def known_at(**copies: str) -> Records:
    return Records(copies={f"{name}.jpg": held(f"{name}.jpg", h) for name, h in copies.items()})


def test_a_new_sidecar_is_the_first_assets_and_only_read_with_the_others():
    sight = sidecar_sight(new={"a.xmp": ["a.jpg", "b.jpg", "fresh.jpg"]}, fresh=["fresh.jpg"])
    one, two = attachments([], sight, known_at(a="one", b="two"), read)
    assert (one.hash, [(e.path, h) for e, h in one.came], one.reread) == (
        "one",
        [("a.xmp", "content of a.xmp")],
        True,
    )
    assert (two.hash, two.came, two.gone, two.reread) == ("two", (), (), True)
    assert two.entry == entry("b.jpg") and two.key == "b.jpg" and two.beside == (entry("a.xmp"),)


def test_a_sidecar_belongs_to_what_was_recognised_at_its_file_and_never_to_what_is_damaged():
    sight = sidecar_sight(new={"a.xmp": ["a.jpg"]}, fresh=["a.jpg"])
    assert attachments([], sight, known_at(a="old"), read) == []
    (found,) = attachments([Touch(held("a.jpg", "new"), entry("a.jpg"))], sight, Records(), read)
    assert found.hash == "new"


def test_a_changed_sidecar_stays_with_those_who_have_it_and_is_read_only_where_it_is_new():
    records = known_at(a="one", b="two")
    records.sidecars["a.xmp"] = [Owned(held("a.xmp", "before"), "one")]
    sight = sidecar_sight(changed={"a.xmp": ["a.jpg", "b.jpg"]})
    one, two = attachments([], sight, records, read)
    assert (one.hash, len(one.came), one.reread) == ("one", 1, True)
    assert (two.hash, len(two.came), two.reread) == ("two", 0, True)
    (one, two) = attachments([], sight, records, lambda _entry: "before")
    assert (len(one.came), one.reread, two.reread) == (1, False, True)


def test_a_sidecar_that_was_moved_is_not_read_and_one_that_cannot_be_read_is_left():
    here = entry("b/a.xmp", device=1, inode=5)
    gone = Owned(held("a.xmp", "x", inode=5), "one")
    sight = Sight(
        compared(),
        sidecars_new=[(here, [Candidate(entry("b/a.jpg"), (here,))])],
        sidecars_gone=[gone],
    )
    records = Records(copies={"b/a.jpg": held("b/a.jpg", "one")})
    records.sidecars["a.xmp"] = [gone]
    (moved,) = attachments([], sight, records, lambda _entry: "")
    assert (moved.gone, moved.came, moved.reread) == (("a.xmp",), ((here, "x"),), False)
    assert (
        attachments([], sidecar_sight({"a.xmp": ["a.jpg"]}), known_at(a="h"), lambda _e: "") == []
    )


def test_where_nothing_is_read_a_sidecar_whose_content_is_new_is_left():
    records = known_at(a="one")
    records.sidecars["a.xmp"] = [Owned(held("a.xmp", "x"), "one")]
    rows = ((entry("1.xmp"), "x"), (entry("2.xmp"), "new"))
    found = [
        Attach("one", entry("a.jpg"), (), rows, (entry("1.xmp"),), reread=True),
        Attach("two", None, (), ((entry("3.xmp"), "x"),)),
        Attach("three", None, ("gone.xmp",), ()),
    ]
    one, three = without_new_contents(found, records)
    assert one == Attach("one", entry("a.jpg"), (), rows[:1])
    assert three == found[2]


def test_sidecars_beside_files_that_turned_out_to_be_copies_come_to_their_assets():
    sight = sidecar_sight(new={"a.xmp": ["new.jpg", "a.jpg", "b.jpg"]})
    copies = [AddCopy("one", entry("a.jpg")), AddCopy("two", entry("b.jpg"))]
    (found,) = beside_copies(copies, sight, read)
    assert (found.hash, found.entry, found.key, found.reread) == ("one", None, "a.xmp", False)


# --- questions ------------------------------------------------------------------------------------


class Person(SilentSink):
    """Answers one question after the other."""

    def __init__(self, *answers: bool | None) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[Question] = []

    def ask(self, question: Question) -> bool | None:
        self.asked.append(question)
        return self.answers.pop(0)


def moves(*targets: str) -> list[Relocate]:
    return [Relocate(held("old.jpg"), entry(path)) for path in targets]


def test_a_person_says_which_of_several_places_a_file_was_moved_to():
    one, two, three = choices = moves("1.jpg", "2.jpg", "3.jpg")
    told = [one, AddCopy("h", two.entry), AddCopy("h", three.entry), Touch(held("4"), entry("4"))]
    person = Person(False, True)
    chosen = Questions(person, ask=True).moved(told, {"h": choices})
    assert chosen == [AddCopy("h", one.entry), two, AddCopy("h", three.entry), told[3]]
    assert [q.lines[1] for q in person.asked] == [
        "  moved to      1.jpg",
        "  moved to      2.jpg",
    ]
    last = Questions(Person(False, False), ask=True).moved(told, {"h": choices})
    assert last[2] == three, "the last is not asked about"
    assert Questions().moved(told, {"h": choices}) == told


def test_a_person_says_whether_a_shot_that_was_parted_stays_one():
    move, other = moves("1.jpg", "2.jpg")
    person = Person(False)
    left, stays = Questions(person, ask=True).stacks([move, other], {"1.jpg": ["mate.jpg"]})
    assert isinstance(left, Relocate) and left.leaves_stack and stays == other
    assert "  others at     mate.jpg" in person.asked[0].lines
    assert Questions().stacks([move], {"1.jpg": ["mate.jpg"]}) == [move]


def test_what_is_nowhere_else_is_forgotten_only_where_a_person_says_so():
    gone = Vanish(held("a.jpg"))
    assert Questions(Person(True), ask=True).vanished(gone).forget
    assert not Questions(Person(False), ask=True).vanished(gone).forget
    assert not Questions(Person(), ask=False).vanished(gone).forget


def test_what_nobody_answered_is_told_at_the_end_and_what_was_answered_is_not():
    notices: list[str] = []
    report = Report(SilentSink(on_notice=notices.append), "sync")
    questions = Questions(Person(None, True, None), ask=True)
    for _ in range(3):
        questions.vanished(Vanish(held("a.jpg")))
    questions.sum_up(report)
    (notice,) = notices
    assert notice.startswith("2 unclear (missing, and nowhere else)")


# --- new files ------------------------------------------------------------------------------------


def test_files_of_one_name_and_home_are_one_shot_with_the_known_ones_beside_them():
    mate = Candidate(entry("a/1.jpg"))
    fresh = [Candidate(entry(p)) for p in ("b/1.jpg", "a/1.mov", "a/1.cr2", "a/2.jpg")]
    shots = shots_of(fresh, {("a", "1"): [mate]}, home)
    assert [(s.home, paths(s.fresh), paths(s.mates)) for s in shots] == [
        ("a", ["a/1.cr2", "a/1.mov"], ["a/1.jpg"]),
        ("a", ["a/2.jpg"], []),
        ("b", ["b/1.jpg"], []),
    ]


def test_a_stack_is_recorded_whole_with_its_known_mates_and_each_sidecar_once():
    still, live, raw = (member(p, p, t, "1.xmp") for p, t in LOADED)
    planned: set[str] = set()
    stack = (still, live, raw)
    found = list(
        loads_of(
            stack, {"1.jpg", "1.mov"}, {raw.asset.hash}, planned, compared([], [held("1.mov")])
        )
    )
    assert [type(a) for a in found] == [Load, Load]
    one, two = cast("list[Load]", found)
    assert one.stack == (still.asset.hash, still.role) and one.mates == (
        (raw.asset.hash, raw.role),
    )
    assert (len(one.sidecars), len(two.sidecars)) == (1, 0)
    assert (one.name, two.name) == ("new", "changed")
    assert planned == {still.asset.hash, live.asset.hash}


LOADED = (("1.jpg", "jpeg"), ("1.mov", "mov"), ("1.cr2", "cr2"))


def test_a_file_alone_has_no_stack_and_a_second_of_its_content_is_a_copy():
    one, two = member("1.jpg", "same"), member("2.jpg", "same")
    planned: set[str] = set()
    (first,) = loads_of((one,), {"1.jpg"}, {}, planned, compared())
    (second,) = loads_of((two,), {"2.jpg"}, {}, planned, compared([], [held("2.jpg")]))
    assert isinstance(first, Load) and (first.stack, first.mates) == (None, ())
    assert second == AddCopy(one.asset.hash, two.entry, replaces=True)


def test_items_are_taken_together_up_to_a_weight(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(asking, "BATCH", 3)
    assert list(batches(range(7))) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches(["aa", "bb", "c"], len)) == [["aa", "bb"], ["c"]]
    assert list(batches([])) == []


# --- reading --------------------------------------------------------------------------------------


class Shelf:
    """A store and its reading: files by path, which may be others at each look.

    `results` are what reading a path gives, one after the other.
    """

    name = "nas"
    capabilities = SimpleNamespace(checksums=())

    def __init__(self, **results: Sequence[Any]) -> None:
        self.results = {f"{name}.jpg": list(found) for name, found in results.items()}
        self.looks: dict[str, list[Entry | None]] = {}

    def stat(self, path: str) -> Entry | None:
        looks = self.looks.get(path, [entry(path)])
        return looks.pop(0) if len(looks) > 1 else looks[0]

    def run(self, wanted: Any) -> Iterator[tuple[Any, Any]]:
        for tag, file in wanted:
            yield tag, self.results[file.entry.path].pop(0)


def reader(shelf: Shelf, **more: Any) -> FileReader:
    return FileReader(cast("Any", shelf), cast("Any", shelf), **more)


def candidates(*names: str) -> list[Candidate]:
    return [Candidate(entry(name)) for name in names]


def test_a_file_that_changes_while_it_is_read_is_read_once_more_as_it_is_then():
    shelf = Shelf(a=[Digests("old"), Digests("new")], b=[Digests("b")])
    now = entry("a.jpg", 7)
    shelf.looks["a.jpg"] = [now]
    counted: list[int] = []
    files = reader(shelf, advance=counted.append)
    found = list(files.hashes(candidates("a.jpg", "b.jpg")))
    assert found == [
        (Candidate(entry("b.jpg")), Digests("b")),
        (Candidate(now), Digests("new")),
    ]
    assert sum(counted) == 3


def test_a_file_that_goes_on_changing_or_is_gone_by_then_is_left():
    shelf = Shelf(a=[Digests("1"), Digests("2")], b=[Digests("3")])
    shelf.looks = {
        "a.jpg": [entry("a.jpg", 7), entry("a.jpg", 8), entry("a.jpg", 9)],
        "b.jpg": [None],
    }
    found = list(reader(shelf).hashes(candidates("a.jpg", "b.jpg")))
    assert [(c.entry.path, result) for c, result in found] == [("b.jpg", None), ("a.jpg", None)]


def test_checksums_of_what_is_read_again_are_handed_on():
    learned: list[Digests] = []
    files = reader(Shelf(a=[Digests("a")], b=[UnreadableMedia("no")]), learn=learned.append)
    list(files.hashes(candidates("a.jpg", "b.jpg")))
    assert learned == [Digests("a")]


def test_why_a_file_was_not_read_is_told_by_what_reading_gave():
    (file,) = candidates("a.jpg")
    assert unread(file, None) == Skip(file.entry, CHANGING, "failed")
    assert unread(file, UnreadableMedia("broken")).outcome == "failed"
    assert unread(file, UnsupportedType("a text")).outcome == "unsupported"


# --- recognising, loading and losing, against a small index ---------------------------------------


class Index:
    """Assets by content hash."""

    def __init__(self, **rows: Sequence[dict[str, Any]]) -> None:
        self.assets = {h: KnownAsset(h, tuple(copies), 0, 0, {}) for h, copies in rows.items()}

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        return {h: self.assets[h] for h in hashes if h in self.assets}

    def known_by(self, kind: str, values: list[str]) -> dict[str, str]:
        return {}


def recogniser(shelf: Shelf, index: Index, **options: Any) -> Recogniser:
    files = reader(shelf)
    return Recogniser(files.store, cast("Any", index), Questions(), Options(**options), files)


def test_what_cannot_be_hashed_is_told_and_its_record_stays():
    shelf = Shelf(a=[UnsupportedType("a text")], b=[Digests("h")])
    sight = Sight(compared(["a.jpg", "b.jpg"], [held("a.jpg", "x")], [held("old.jpg")]))
    (move,) = recogniser(shelf, Index()).recognise(sight, ())
    assert isinstance(move, Relocate) and move.key == "b.jpg"
    assert [(s.key, s.outcome) for s in sight.problems] == [("a.jpg", "held")]
    assert sight.compared.fresh == [] and sight.compared.open_records() == []


def test_a_known_content_is_a_copy_and_from_outside_of_the_scope_a_move():
    shelf = Shelf(a=[Digests("one")], b=[Digests("two")])
    shelf.looks["elsewhere/2.jpg"] = [None]
    index = Index(one=[copy("elsewhere/1.jpg")], two=[copy("x", "far"), copy("elsewhere/2.jpg")])
    sight = Sight(compared(["in/a.jpg", "in/b.jpg"], gone=[held("in/old.jpg", "three")]))
    shelf.results = {f"in/{path}": found for path, found in shelf.results.items()}
    found = recogniser(shelf, index, scope=Scope(("in",))).recognise(sight, ())
    assert {a.key: a.name for a in found} == {"in/a.jpg": "copy", "in/b.jpg": "move"}


def test_what_was_read_anyway_and_is_as_recorded_is_unchanged():
    sight = Sight(compared(["a.jpg"], [held("a.jpg")]))
    assert recogniser(Shelf(a=[Digests("h")]), Index(), rehash=True).recognise(sight, ()) == []
    assert sight.unchanged == 1


def loader(shelf: Shelf, index: Index) -> Loader:
    def describe(files: Sequence[tuple[Facts, Entry]]) -> list[Asset]:
        return [Asset(found, None, None, (), False) for found, _entry in files]

    return Loader(cast("Any", index), reader(shelf), describe, recogniser(shelf, index))


def test_new_files_are_loaded_and_known_ones_are_copies_that_come_after_them():
    known = facts("known")
    shelf = Shelf(
        a=[known], b=[facts("new")], c=[facts("new")], d=[UnsupportedType("a text")], e=[known]
    )
    index = Index(**{known.hash: [copy("old.jpg")]})
    sight = Sight(compared([f"{name}.jpg" for name in "abcd"]))
    sight.neighbours[("", "b")] = candidates("e.jpg")
    found = list(loader(shelf, index).loads(sight, home))
    assert [(a.name, a.key) for a in found] == [
        ("new", "b.jpg"),
        ("skip", "d.jpg"),
        ("copy", "a.jpg"),
        ("copy", "c.jpg"),
    ]
    assert [s.key for s in sight.problems] == ["d.jpg"] and not sight.is_blind


def test_a_known_file_beside_a_new_one_that_cannot_be_read_is_no_matter():
    shelf = Shelf(a=[facts("new")], b=[UnreadableMedia("broken")])
    sight = Sight(compared(["a.jpg"]))
    sight.neighbours[("", "a")] = candidates("b.jpg")
    (found,) = loader(shelf, Index()).loads(sight, home)
    assert isinstance(found, Load) and sight.problems == []


def losses(index: Index, shelf: Shelf, *answers: bool, **options: Any) -> Losses:
    questions = Questions(Person(*answers), ask=bool(answers))
    return Losses(cast("Any", shelf), cast("Any", index), questions, Options(**options))


def test_what_is_gone_is_lost_where_another_copy_counts_and_else_missing():
    index = Index(
        one=[copy("1.jpg"), copy("x.jpg", "far")],
        two=[copy("2.jpg"), copy("x.jpg", "far", DAMAGED)],
        three=[copy("3.jpg"), copy("4.jpg")],
        five=[copy("5.jpg")],
    )
    names = ("one", "two", "three", "three", "five")
    gone = [held(f"{n}.jpg", digest) for n, digest in enumerate(names, 1)]
    sight = Sight(compared(gone=gone))
    found = list(losses(index, Shelf()).fates(sight, {"five"}))
    assert found == [
        Lose(gone[0], "far:x.jpg"),
        Vanish(gone[1]),
        Vanish(gone[2]),
        Vanish(gone[3]),
        Lose(gone[4], "nas: another path"),
    ]


def test_outside_of_the_scope_the_store_is_asked_whether_a_copy_is_there():
    index = Index(one=[copy("in/1.jpg"), copy("out/1.jpg")])
    sight = Sight(compared(gone=[held("in/1.jpg", "one"), held("out/2.jpg", "two", MISSING)]))
    (lost,) = losses(index, Shelf(), scope=Scope(("in",))).fates(sight, set())
    assert lost == Lose(held("in/1.jpg", "one"), "nas:out/1.jpg")
    shelf = Shelf()
    shelf.looks["out/1.jpg"] = [None]
    (lost,) = losses(index, shelf, scope=Scope(("in",))).fates(sight, set())
    assert isinstance(lost, Vanish)


def test_a_person_may_forget_what_is_gone_but_not_where_something_could_not_be_seen():
    sight = Sight(compared(at=[held("a.jpg", "one")]))
    (gone,) = losses(Index(), Shelf(), True).fates(sight, set())
    assert gone == Vanish(held("a.jpg", "one"), forget=True, overwritten=True)
    (gone,) = losses(Index(), Shelf(), forget_missing=True).fates(sight, set())
    assert isinstance(gone, Vanish) and gone.forget
    sight.problems.append(Skip(entry("b", 7), "no permission", "failed"))
    for blind in (losses(Index(), Shelf(), True), losses(Index(), Shelf(), forget_missing=True)):
        (gone,) = blind.fates(sight, set())
        assert isinstance(gone, Vanish) and not gone.forget


def test_what_a_file_that_could_not_be_read_may_be_is_not_gone():
    """A renamed file whose reader died: the next look reads it."""
    sight = Sight(compared(gone=[held("old.jpg", "one"), held("gone.jpg", "two", size=9)]))
    sight.leave(Skip(entry("new.jpg"), "its reader died", "failed"))
    sight.leave(Skip(entry("text.jpg", 9), "no picture", "unsupported"))
    assert list(losses(Index(), Shelf()).fates(sight, set())) == [
        Vanish(held("gone.jpg", "two", size=9))
    ]


def test_too_many_losses_are_believed_only_where_a_person_says_so():
    gone = compared(gone=[held(f"{n}.jpg") for n in range(9)] + [held("x.jpg", state=MISSING)])
    records = Records(total=20)
    losses(Index(), Shelf(), shrink_files=9).check(gone, records)
    losses(Index(), Shelf(), shrink_files=1, accept_losses=True).check(gone, records)
    with pytest.raises(StoreGuard):
        losses(Index(), Shelf(), shrink_files=1).check(gone, records)


def test_a_record_is_kept_where_a_file_that_nobody_read_may_be_it():
    """Of its size, or at its path; what is stated to be another content is not."""
    files = [entry("new.jpg", 100), entry("at.jpg", 7), entry("stated.jpg", 300)]
    records = [held("a.jpg"), held("c.jpg", size=300), held("d.jpg", size=400)]
    found = Comparison([Candidate(e) for e in files], {"at.jpg": held("at.jpg", size=8)}, records)
    keep_unread(found, {"stated.jpg": content_hash(b"other")})
    assert [k.path for k in found.open_records()] == ["c.jpg", "d.jpg"]


# --- what is written and told ---------------------------------------------------------------------

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def after(action: Any, *rows: dict[str, Any], **fields: Any) -> Any:
    """The document of an asset once an action is done."""
    return change_of(action, "nas", NOW)(cast("Any", {"copies": [*rows], **fields}))


def test_a_touched_copy_gets_its_new_time_and_keeps_when_it_was_proved_unless_it_was_read():
    known = held("a.jpg")._replace(verified_ms=1_000)
    touched = entry("a.jpg", mtime_ns=T + 10**9)
    (row,) = after(Touch(known, touched, unread=True), copy("a.jpg"))["copies"]
    assert row["mtime"] == "2020-09-13T12:26:41.000Z"
    assert row["verified"] == "1970-01-01T00:00:01.000Z"
    (row,) = after(Touch(known, touched), copy("a.jpg"))["copies"]
    assert row["verified"] == "2026-01-01T00:00:00.000Z"


def test_a_copy_that_moved_has_another_path_stays_damaged_and_may_leave_its_stack():
    known = held("a.jpg", state=DAMAGED)
    move = Relocate(known, entry("b.jpg"), unread=True, leaves_stack=True)
    document = after(move, copy("a.jpg", state=DAMAGED), stack={"id": "s", "role": "raw"})
    assert [(r["path"], r["state"]) for r in document["copies"]] == [("b.jpg", DAMAGED)]
    assert "stack" not in document
    (row,) = after(Relocate(known, entry("b.jpg")), copy("a.jpg", state=DAMAGED))["copies"]
    assert row["state"] == OK, "it was read"


def test_copies_come_go_rot_and_vanish():
    one = copy("a.jpg")
    added = after(AddCopy("h", entry("b.jpg")), one)
    assert [r["path"] for r in added["copies"]] == ["a.jpg", "b.jpg"]
    assert after(Lose(held("a.jpg"), "far:a.jpg"), one, copy("a.jpg", "far"))["copies"] == [
        copy("a.jpg", "far")
    ]
    for action, state in ((Corrupt(held("a.jpg"), entry("a.jpg")), DAMAGED), (GONE, MISSING)):
        assert [r["state"] for r in after(action, one)["copies"]] == [state]
    assert after(Vanish(held("a.jpg"), forget=True), one) is None


GONE = Vanish(held("a.jpg"))


def test_sidecars_come_and_go():
    old = {"store": "nas", "path": "old.xmp", "hash": "x", "size": 1}
    action = Attach("h", None, ("old.xmp",), ((entry("a.xmp"), "y"),))
    found = after(action, copy("a.jpg"), sidecars=[old])["sidecars"]
    assert [(s["path"], s["hash"]) for s in found] == [("a.xmp", "y")]


def test_the_history_says_where_a_file_was_and_why_a_copy_is_no_longer_good():
    assert event_of(AddCopy("h", entry("b.jpg")), "nas") == {
        "store": "nas",
        "path": "b.jpg",
        "effect": "index",
    }
    assert event_of(Relocate(held("a.jpg"), entry("b.jpg")), "nas")["source"] == "a.jpg"
    assert event_of(GONE, "nas")["reason"].startswith("its content is nowhere else")
    assert "reason" not in event_of(Vanish(held("a.jpg"), forget=True), "nas")
    kinds = [event_of(a, "nas")["reason_kind"] for a in (GONE, Corrupt(held("a"), entry("a")))]
    assert len({*kinds}) == 2


def test_what_is_told_names_both_paths_of_a_move_and_where_a_lost_copy_still_is():
    told = outcome_of(Relocate(held("a.jpg"), entry("b.jpg")), "nas")
    assert (told.outcome, told.path, told.target) == ("moved", "a.jpg", "b.jpg")
    told = outcome_of(Lose(held("a.jpg"), "far:a.jpg"), "nas")
    assert (told.outcome, told.reason) == ("gone", "still at far:a.jpg")
    assert [outcome_of(a, "nas").outcome for a in (GONE, Vanish(held("a"), forget=True))] == [
        "missing",
        "forgotten",
    ]
    assert "verify --repair" in outcome_of(Corrupt(held("a"), entry("a")), "nas").reason
