"""Taking files away from a store that has no trash.

A person is told, and nothing claims that they can come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from memory_store.root import MemoryKind
from memory_store.store import MemoryStore

from catalog.domain.copies import OK
from catalog.domain.edits import Edit
from catalog.features.removal import trash
from catalog.features.undo.plan import FROM_TRASH, NEVER, steps
from catalog.work.journal import Journal
from catalog.work.report import Report
from catalog.work.sink import SilentSink


@pytest.mark.parametrize("has_trash", [True, False])
def test_what_is_taken_from_a_store_without_trash_is_said_to_be_gone_for_good(
    memory: MemoryKind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_trash: bool
) -> None:
    store = MemoryStore("far", "", memory.disk("far", trash=has_trash))
    files = [
        trash.Taken(store.disk.hold(path, path.encode()), {"store": "far", "path": path})
        for path in ("a.jpg", "b.jpg")
    ]
    monkeypatch.setattr(
        trash.queries, "claimants", lambda _repository, places: {place: set() for place in places}
    )
    edits: list[Edit] = []
    notices: list[str] = []

    def edit(wanted: Sequence[Edit]) -> list[str]:
        edits.extend(wanted)
        return ["done"] * len(wanted)

    with closing(Journal(tmp_path, "run")) as journal:
        report = Report(SilentSink(on_notice=notices.append), "forget")
        run = cast(
            "Any",
            SimpleNamespace(repository=None, run="run", journal=journal, report=report, edit=edit),
        )
        assert trash.take_away(run, {"far": store}, files[:1]) + trash.take_away(
            run, {"far": store}, files[1:]
        ) == ["", ""]
    assert list(store.list()) == []
    assert [t.path for t in store.trashed()] == (["a.jpg", "b.jpg"] if has_trash else [])
    told = {"action": "trash", "at": "1"}
    events = [
        {**edit.event, **told, "hash": edit.hash, "before": {"copies": [{**file.row, "state": OK}]}}
        for edit, file in zip(edits, files, strict=True)
    ]
    assert {step.kind for step in steps(events)} == {FROM_TRASH if has_trash else NEVER}
    assert notices == (
        [] if has_trash else ["Store far has no trash: what is removed there is gone for good."]
    )
