"""Renames that are taken back together: only those of which none needs another one to be done."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.document import EventRow
from catalog.features.undo.plan import MOVE_BACK, NOTHING, Step, TakeBack
from catalog.features.undo.renames import AT_ONCE, in_groups, is_rename

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
