"""What a change did to an asset, told in a time that grows with its copies,
and not with their square.
"""

from __future__ import annotations

from catalog.domain.edits import difference, reversed_change, with_copy


def row(path: str, store: str = "nas") -> dict[str, object]:
    return {"store": store, "path": path, "size": 1, "state": "ok"}


def test_rows_that_went_and_came():
    before = {"copies": [row("a"), row("b")]}
    after = {"copies": [row("b") | {"state": "missing"}, row("a"), row("b", "dropbox")]}
    assert difference(before, after) == (
        {"copies": [row("b")]},
        {"copies": [after["copies"][0], after["copies"][2]]},
    )
    assert difference(before, {"copies": list(before["copies"])}) is None


def test_a_copy_takes_the_place_of_those_of_its_store_that_are_missing_and_gives_it_back():
    lost, elsewhere, damaged = (
        row("lost") | {"state": "missing"},
        row("lost", "dropbox") | {"state": "missing"},
        row("bad") | {"state": "damaged"},
    )
    before = {"copies": [row("a", "dropbox"), lost, elsewhere, damaged]}
    after = with_copy(row("new"))(before)
    assert after is not None
    assert after["copies"] == [row("a", "dropbox"), elsewhere, damaged, row("new")]
    sides = difference(before, after)
    assert sides == ({"copies": [lost]}, {"copies": [row("new")]})
    back = reversed_change(*sides)(after)
    assert back is not None and sorted(map(str, back["copies"])) == sorted(
        map(str, before["copies"])
    )
    unsound = row("new") | {"state": "damaged"}
    assert lost in (with_copy(unsound)(before) or {})["copies"]


class Counted(dict[str, object]):
    """A row that counts how often rows are compared."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


def test_many_copies_are_compared_in_steps_that_grow_with_their_number():
    rows = [Counted(row(f"{n}.jpg")) for n in range(4000)]
    assert difference({"copies": rows}, {"copies": [*rows[1:], row("new")]}) == (
        {"copies": rows[:1]},
        {"copies": [row("new")]},
    )
    assert Counted.comparisons < 10 * len(rows)
