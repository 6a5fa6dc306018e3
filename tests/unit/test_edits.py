"""What a change did to an asset, told in a time that grows with its copies,
and not with their square.
"""

from __future__ import annotations

from catalog.domain.edits import difference


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
