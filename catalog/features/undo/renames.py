"""Renames that are taken back: which are recorded together, and which a killed run made and could
not record any more, by its journal on this machine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

from catalog.domain.document import AssetDocument, EventRow
from catalog.errors import StoreError
from catalog.features.undo.plan import MOVE_BACK, Step, TakeBack, Undo
from catalog.features.undo.removed_files import journal_rows
from catalog.stores.protocol import ManagedStore

AT_ONCE = 100
"""Renames that are recorded together at most."""
_NAMES = ("store", "path", "target", "hash", "content")


def is_rename(action: Undo) -> TypeGuard[TakeBack]:
    """Whether a step that can be taken gives a file its name back."""
    return isinstance(action, TakeBack) and action.step.kind == MOVE_BACK and action.counts


def in_groups(plan: Iterable[Undo]) -> Iterator[Sequence[Undo]]:
    """The steps of a plan one by one, but for renames: of those that follow each other and have no
    name in common many at a time. So it can be seen of each whether it was made, where a kill lets
    none of them be recorded.
    """
    group: list[Undo] = []
    names: set[tuple[str, str]] = set()
    for action in plan:
        own: set[tuple[str, str]] = set()
        if is_rename(action):
            event = action.step.event
            own = {(event["store"], event["path"]), (event["store"], event["source"])}
        if group and (not own or own & names or len(group) == AT_ONCE or not names):
            yield group
            group, names = [], set()
        group.append(action)
        names |= own
    if group:
        yield group


def read_begun_renames(folder: Path, run: str) -> list[Step]:
    """The steps that take back the renames that a run began, and never said to be done or failed;
    the latest first.
    """
    begun: dict[tuple[str, ...], Step] = {}
    for row in journal_rows(folder, run):
        names = tuple(str(row.get(name, "")) for name in _NAMES)
        if row.get("action") != "move" or not all(names):
            continue
        store, old, path, owner, content = names
        event: EventRow = {"action": "move", "hash": owner, "store": store, "path": path}
        event |= {"source": old, "effect": "file", "before": {}, "after": {}, "run": run}
        begun.pop(names, None)
        if row.get("state") == "started":
            begun[names] = Step(event, MOVE_BACK, ((store, path, content),))
    return list(reversed(begun.values()))


def find_unrecorded(
    begun: Iterable[Step],
    stores: Mapping[str, ManagedStore],
    records: Mapping[str, AssetDocument | None],
) -> list[Step]:
    """Those of some renames whose files lie under the new names, and are recorded under the old."""
    return [step for step in begun if _is_unrecorded(step, stores, records)]


def _is_unrecorded(
    step: Step,
    stores: Mapping[str, ManagedStore],
    records: Mapping[str, AssetDocument | None],
) -> bool:
    (name, path, content), old = step.files[0], step.event["source"]
    document, store = records.get(step.event["hash"]) or {}, stores.get(name)
    rows = [*document.get("copies", []), *document.get("sidecars", [])]
    if store is None or not any((row["store"], row["path"]) == (name, old) for row in rows):
        return False
    with contextlib.suppress(StoreError):
        return store.stat(path) is not None and store.checksum(path) == content
    return False
