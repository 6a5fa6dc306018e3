"""Which recorded file is which file there now: the pure part of a reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from catalog.domain.asset import Entry
from catalog.domain.copies import (
    MISSING,
    OK,
    RecordedFile,
    copy_row,
    is_as_recorded,
    milliseconds,
    mtime_text,
    read_recorded,
)
from catalog.domain.document import without
from catalog.domain.stacks import Candidate
from catalog.features.reconcile.changes import verified_of
from catalog.features.reconcile.matches import by_content, by_identity, untangle
from catalog.features.reconcile.plan import (
    AddCopy,
    Corrupt,
    Lose,
    Relocate,
    Touch,
    Vanish,
    breaks_stack,
    fates,
)
from catalog.features.reconcile.records import Comparison
from catalog.features.undo.plan import FROM_TRASH, NEVER, NOTHING, PUT_BACK, TO_TRASH, steps

SECOND = 1_000_000_000
T = 1_600_000_000 * SECOND


def entry(path: str, inode: int, size: int = 100, mtime_ns: int = T, ctime_ns: int = T) -> Entry:
    return Entry(path, size, mtime_ns, ctime_ns, 1, inode)


def record(
    path: str,
    inode: int,
    digest: str = "h",
    size: int = 100,
    mtime_ms: int = T // 10**6,
    state: str = OK,
) -> RecordedFile:
    return RecordedFile(path, digest, size, mtime_ms, 1, inode, state, T // 10**6)


def comparison(
    fresh: list[Entry], at: Sequence[RecordedFile] = (), gone: Sequence[RecordedFile] = ()
) -> Comparison:
    return Comparison([Candidate(e) for e in fresh], {k.path: k for k in at}, gone)


def test_a_renamed_file_is_known_by_its_inode_and_another_with_that_name_is_not():
    compared = comparison(
        [entry("new.jpg", 1), entry("old.jpg", 9, mtime_ns=T + SECOND)], at=[record("old.jpg", 1)]
    )
    compared.fresh[0] = Candidate(entry("d/old.jpg", 1))
    (move,) = by_identity(compared, [])
    assert move == Relocate(record("old.jpg", 1), entry("d/old.jpg", 1), unread=True)
    assert [c.entry.path for c in compared.fresh] == ["old.jpg"] and compared.open_records() == []


@pytest.mark.parametrize(
    "change", [{"size": 101}, {"mtime_ns": T + 1_000_000}, {"inode": 2}, {"device": 2}]
)
def test_a_file_of_other_size_time_inode_or_device_is_not_taken_for_the_recorded_one(
    change: dict[str, int],
):
    compared = comparison([replace(entry("new.jpg", 1), **change)], gone=[record("old.jpg", 1)])
    assert by_identity(compared, []) == [] and len(compared.fresh) == 1


def test_an_inode_alone_is_no_proof_where_times_are_coarse_or_files_alike():
    for others, mtime_ns, known in (
        ([], T + 1_000_000, True),
        ([], T, False),
        ([entry("x.jpg", 5, mtime_ns=T + 10**6)], T + 10**6, False),
    ):
        fresh = [entry("other name.jpg", 1, mtime_ns=mtime_ns), *others]
        compared = comparison(fresh, gone=[record("old.jpg", 1, mtime_ms=mtime_ns // 10**6)])
        assert bool(by_identity(compared, [])) is known


def test_a_hard_link_to_a_file_that_is_as_recorded_is_a_copy():
    compared = comparison([entry("link.jpg", 1)])
    assert by_identity(compared, [record("there.jpg", 1)]) == [AddCopy("h", entry("link.jpg", 1))]


def test_a_file_without_inodes_is_never_known_by_them():
    compared = comparison([entry("new.jpg", 0)], gone=[record("old.jpg", 0)])
    assert by_identity(compared, []) == []


def test_touched_edited_and_rotten_files_are_told_apart():
    later = T + SECOND
    files = [
        entry("touched.jpg", 1, mtime_ns=later),
        entry("edited.jpg", 2, mtime_ns=later),
        entry("rotten.jpg", 3, ctime_ns=T - SECOND),
        entry("restored.jpg", 4, ctime_ns=later),
        entry("replaced.jpg", 50, ctime_ns=T - SECOND),
    ]
    inodes = (1, 2, 3, 4, 5)
    compared = comparison(
        files, at=[record(e.path, i, e.path) for e, i in zip(files, inodes, strict=True)]
    )
    digests = {e.path: "other" for e in files} | {"touched.jpg": "touched.jpg"}
    actions, unclear = by_content(compared, digests)
    assert {(type(a), a.key) for a in actions} == {
        (Touch, "touched.jpg"),
        (Corrupt, "rotten.jpg"),
    } and not unclear
    assert sorted(c.entry.path for c in compared.fresh) == [
        "edited.jpg",
        "replaced.jpg",
        "restored.jpg",
    ]


def test_a_content_at_two_new_places_is_one_move_and_one_copy_and_that_is_unclear():
    files = [entry("b/x.jpg", 2), entry("a/y.jpg", 3)]
    compared = comparison(files, gone=[record("old/x.jpg", 1)])
    actions, unclear = by_content(compared, {"b/x.jpg": "h", "a/y.jpg": "h"})
    assert {type(a) for a in actions} == {Relocate, AddCopy}
    assert [m.entry.path for m in unclear["h"]] == [files[0].path, files[1].path]


def test_what_is_missing_already_is_found_again():
    compared = comparison([entry("back.jpg", 7)], gone=[record("was.jpg", 1, state=MISSING)])
    actions, _unclear = by_content(compared, {"back.jpg": "h"})
    assert isinstance(actions[0], Relocate) and compared.open_records() == []


def test_moves_in_a_ring_within_one_content_are_only_touches():
    one, two, three = record("1.jpg", 1), record("2.jpg", 2), record("3.jpg", 3)
    ring = [
        Relocate(one, entry("2.jpg", 1), unread=True),
        Relocate(two, entry("3.jpg", 2), unread=True),
        Relocate(three, entry("4.jpg", 3), unread=True),
    ]
    told = untangle(ring, comparison([]))
    assert {(type(a).__name__, a.key) for a in told} == {
        ("Touch", "2.jpg"),
        ("Touch", "3.jpg"),
        ("Relocate", "4.jpg"),
    }
    (move,) = [a for a in told if isinstance(a, Relocate)]
    assert move.known == one


def test_a_file_that_took_the_place_of_one_with_the_same_content_leaves_the_other_record_open():
    first, second = record("first.jpg", 1), record("second.jpg", 2)
    compared = comparison([entry("first.jpg", 2)], at=[first], gone=[second])
    compared.explain(second)
    moved = [Relocate(second, entry("first.jpg", 2), unread=True)]
    assert [type(a) for a in untangle(moved, compared)] == [Touch] and compared.open_records() == [
        second
    ]


def test_only_what_is_nowhere_else_and_not_told_yet_vanishes():
    gone = [record("b", 1, "kept"), record("a", 2, "lost"), record("c", 3, "told", state=MISSING)]
    elsewhere = {"kept": ["archive:b"]}
    assert fates(gone, elsewhere, forget=False) == [Vanish(gone[1]), Lose(gone[0], "archive:b")]
    assert [type(f) for f in fates(gone, elsewhere, forget=True)] == [Vanish, Lose, Vanish]


def test_a_stack_breaks_only_where_its_files_lay_together_and_no_longer_do():
    still, movie = record("d/a.jpg", 1, "still"), record("d/filmchen/a.mov", 2, "movie")
    stacks = {"still": "s", "movie": "s"}

    def home(path: str) -> str:
        return path.rpartition("/")[0].removesuffix("/filmchen")

    both = [Relocate(still, entry("e/a.jpg", 1)), Relocate(movie, entry("e/filmchen/a.mov", 2))]
    assert breaks_stack(both, stacks, {"s": [still, movie]}, home) == {}
    assert breaks_stack(both[:1], stacks, {"s": [still, movie]}, home) == {
        "e/a.jpg": ["d/filmchen/a.mov"]
    }
    assert breaks_stack(both[:1], {}, {}, home) == {}


# --- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded_ns", "now_ns", "same"),
    [
        (T, T, True),
        (T + 1, T, True),
        (T + 400_000_000, T, True),
        (T + 1_500_000_000, T + 2 * SECOND, True),
        (T + 1_500_000_000, T, True),
        (T + 1_500_000_000, T + SECOND, True),
        (T + SECOND, T, False),
        (T + SECOND, T + 2 * SECOND, False),
        (T, T + 2 * SECOND, False),
        (T + 400_000_000, T + 3 * SECOND, False),
        (T + 400_000_000, T + 300_000_000, False),
        (T + 400_000_000, T + 3600 * SECOND, False),
    ],
)
def test_times_that_a_coarse_file_system_rounded_are_the_same_and_others_are_not(
    recorded_ns: int, now_ns: int, same: bool
):
    known = record("a", 1, mtime_ms=recorded_ns // 10**6)
    assert is_as_recorded(entry("a", 1, mtime_ns=now_ns), known) is same


@pytest.mark.parametrize("mtime_ns", [T, T + 123_456_789, 0, -1, -1_500_000_001, 10**18])
def test_a_row_gives_back_the_time_of_its_file_to_the_millisecond(mtime_ns: int):
    from datetime import UTC, datetime

    one = entry("a", 1, mtime_ns=mtime_ns)
    now = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    known = read_recorded(copy_row("nas", one, now, now), "h")
    assert milliseconds(mtime_text(one)) == mtime_ns // 1_000_000 == known.mtime_ms
    assert (
        is_as_recorded(one, known)
        and verified_of(known, {"added": ""}) == "2026-01-02T03:04:05.678Z"
    )


def test_a_row_of_an_older_version_fits_no_file():
    row = {"path": "a", "size": 100}
    assert not is_as_recorded(entry("a", 1), read_recorded(row, "h"))


# --- undo -----------------------------------------------------------------------------------------


def test_the_reverse_of_each_event_is_what_it_should_be():
    made = {"copies": [{"store": "nas", "path": "a", "state": "ok"}]}
    events = [
        {"at": "1", "action": "add", "hash": "h", "effect": "file", "after": {"document": made}},
        {"at": "2", "action": "duplicate", "hash": "h"},
        {"at": "3", "action": "set", "hash": "h", "effect": "index", "before": {}, "after": {}},
        {
            "at": "3",
            "action": "move",
            "hash": "h",
            "effect": "index",
            "before": made,
            "after": made,
        },
        {
            "at": "4",
            "action": "trash",
            "hash": "h",
            "effect": "file",
            "before": made,
            "after": {},
            "trash": "run/a",
        },
        {
            "at": "5",
            "action": "remove",
            "hash": "h",
            "effect": "file",
            "store": "nas",
            "path": "a",
            "source": "/s/a",
            "before": {"hash": "h"},
        },
        {"at": "6", "action": "empty", "hash": "h", "effect": "file"},
    ]
    found = steps(events)
    assert [s.kind for s in found] == [NEVER, PUT_BACK, FROM_TRASH, NEVER, NOTHING, TO_TRASH]
    assert found[2].files == (("nas", "a", "h"),) and found[2].trash == "run"


REMOVED = {
    "action": "remove",
    "hash": "h",
    "effect": "file",
    "store": "nas",
    "path": "a",
    "source": "/s/a",
    "before": {"hash": "h"},
}
TAKEN = {"action": "trash", "hash": "h", "effect": "file", "trash": "run/a"}
STAGED = {"action": "stage", "hash": "h", "effect": "handover"}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (without(REMOVED, "before"), "what lay there before"),
        (REMOVED | {"before": None}, "what lay there before"),
        (REMOVED | {"before": {}}, "what lay there before"),
        (REMOVED | {"before": "/s/a"}, "before that is no object"),
        (without(REMOVED, "source"), "what lay there before"),
        (without(REMOVED, "path"), "which file it was"),
        (without(REMOVED, "source") | {"action": "move"}, "where the file was before"),
        (TAKEN, "which files it took away"),
        (TAKEN | {"before": {"copies": [{"store": "nas"}]}}, "has no path"),
        (TAKEN | {"before": {"copies": 1}}, "copies that is no list"),
        ({"action": "add", "hash": "h", "effect": "file"}, "which files it brought"),
        ({"action": "decide", "hash": "h", "effect": "index"}, "what was decided"),
        (STAGED | {"after": {"handover": {"target": "icloud"}}}, "has no hash"),
        (STAGED | {"after": {"handover": {"target": "t", "hash": "h"}}}, "what was handed over"),
    ],
)
def test_an_event_that_does_not_say_all_of_it_is_left_alone_and_that_is_said(event, words):
    (step,) = steps([event])
    assert step.kind == NEVER and words in step.reason
