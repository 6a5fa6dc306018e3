"""What a change did to an asset, told in a time that grows with its copies, and not with their square."""

from __future__ import annotations

import time

from catalog.domain.edits import difference


def row(path: str, store: str = "nas") -> dict[str, object]:
    return {"store": store, "path": path, "size": 1, "state": "ok"}


def test_rows_that_went_and_came():
    before = {"copies": [row("a"), row("b")]}
    after = {"copies": [row("b") | {"state": "missing"}, row("a"), row("b", "dropbox")]}
    assert difference(before, after) == ({"copies": [row("b")]}, {"copies": [after["copies"][0], after["copies"][2]]})
    assert difference(before, {"copies": list(before["copies"])}) is None


def test_many_copies_are_compared_soon():
    rows = [row(f"{n}.jpg") for n in range(4000)]
    began = time.process_time()
    assert difference({"copies": rows}, {"copies": [*rows[1:], row("new")]}) == ({"copies": rows[:1]}, {"copies": [row("new")]})
    assert time.process_time() - began < 0.3
