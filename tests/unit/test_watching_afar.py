"""Watching a store that is far away.

It says itself when something changed, or is looked at when the period is over.
"""

from __future__ import annotations

from typing import Any, cast

import pytest
from memory_store.root import MemoryKind
from memory_store.store import MemoryStore

from catalog.errors import Interrupted
from catalog.features.reconcile import watch
from catalog.work.sink import SilentSink


class Untold(MemoryStore):
    """A store that cannot tell."""

    wait = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("kind", "period", "changed", "told"),
    [
        (MemoryStore, 3600.0, True, "told by memory"),
        (Untold, 0.0, False, "looking at it every period"),
    ],
)
def test_a_change_is_looked_at_where_it_is_told_else_after_the_period(
    memory: MemoryKind,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[MemoryStore],
    period: float,
    changed: bool,
    told: str,
) -> None:
    store = kind("far", "", memory.disk("far"))
    syncs: list[str] = []
    notices: list[str] = []

    def sync(_workspace: object, request: watch.SyncRequest, _sink: object) -> None:
        assert list(store.list()) is not None
        syncs.append(request.store)
        if len(syncs) == 2:
            raise Interrupted("enough")
        if changed:
            store.disk.hold("a.jpg", b"new")

    monkeypatch.setattr(watch, "run_sync", sync)
    monkeypatch.setattr(watch, "_LONGPOLL_SECONDS", 0)
    with pytest.raises(Interrupted):
        watch._watch_afar(
            cast("Any", None), store, period, 0.0, SilentSink(on_notice=notices.append)
        )
    assert syncs == ["far", "far"]
    assert told in notices[0] and "memory:far" in notices[0]
