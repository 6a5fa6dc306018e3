"""Renames that are taken back: which of them are recorded together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeGuard

from catalog.features.undo.plan import MOVE_BACK, TakeBack, Undo

AT_ONCE = 100
"""Renames that are recorded together at most."""


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
