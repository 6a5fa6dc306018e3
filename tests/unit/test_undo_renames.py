"""Renames that are taken back together: only those of which none needs another one to be done."""

from __future__ import annotations

import itertools
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.document import EventRow
from catalog.features.undo.plan import MOVE_BACK, NOTHING, Step, TakeBack, steps
from catalog.features.undo.renames import AT_ONCE, in_groups, is_rename, read_begun_renames

NAMES = st.sampled_from("abcdef")


def renamed(old: str, new: str, problem: str = "") -> TakeBack:
    event: EventRow = {"action": "move", "hash": "h", "store": "nas", "path": new, "source": old}
    return TakeBack(Step(event, MOVE_BACK), problem)


@given(
    st.lists(
        st.one_of(
            st.builds(renamed, NAMES, NAMES, st.sampled_from(["", "", "it is gone"])),
            st.just(TakeBack(Step({"action": "set", "hash": "h"}, NOTHING))),
        ),
        max_size=20,
    )
)
def test_all_are_taken_in_their_order_and_no_name_twice_in_a_group(plan: list[TakeBack]) -> None:
    groups = [list(group) for group in in_groups(plan)]
    assert list(itertools.chain.from_iterable(groups)) == plan
    for group in groups:
        assert group and (len(group) == 1 or all(map(is_rename, group)))
        names = [{a.step.event["path"], a.step.event["source"]} for a in group if is_rename(a)]
        assert sum(map(len, names)) == len(set().union(*names))


def test_no_group_is_larger_than_what_is_recorded_at_once() -> None:
    plan = [renamed(f"{n}", f"new {n}") for n in range(AT_ONCE + 1)]
    assert [len(group) for group in in_groups(plan)] == [AT_ONCE, 1]


def test_the_journal_tells_which_renames_were_begun_and_not_done(tmp_path: Path) -> None:
    def line(state: str, old: str, **more: str) -> bytes:
        row = {"state": state, "action": "move", "store": "nas", "path": old, "target": f"{old}2"}
        return orjson.dumps({**row, "hash": "h", "content": f"of {old}", **more}) + b"\n"

    told = [line("started", old) for old in "abcd"] + [line("done", "b"), line("failed", "c")]
    told += [line("started", "e", content=""), b'{"state": "star']
    (tmp_path / "run.jsonl").write_bytes(b"".join(told))
    found = read_begun_renames(tmp_path, "run")
    assert [step.files for step in found] == [(("nas", f"{n}2", f"of {n}"),) for n in "da"]
    assert [step.event["source"] for step in found] == ["d", "a"]
    assert read_begun_renames(tmp_path, "no such run") == []
    assert all(step.kind == MOVE_BACK for step in steps([step.event for step in found]))
