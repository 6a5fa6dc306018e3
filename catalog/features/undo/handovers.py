"""Undoing handovers: the record becomes what it was, and a staged copy that a run brought goes,
if nothing is lost with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from catalog.domain.document import EventNote, EventRow, HandoverRow
from catalog.domain.names import from_text
from catalog.errors import StoreError
from catalog.features.undo.preconditions import UndoPreconditions
from catalog.index.handovers import CONFIRMED, EFFECT, Handovers, staged_path
from catalog.index.repository import Repository
from catalog.stores.local.store import LocalStore
from catalog.work.session import Session
from catalog.work.staging_marker import identity_of


def _states(event: EventRow) -> tuple[HandoverRow | None, HandoverRow | None]:
    """The record before and after an event."""
    before, after = event.get("before") or {}, event.get("after") or {}
    return before.get("handover"), after.get("handover")


class TakingBack:
    """The handovers that the events of a run speak of,
    as they would be once the events were reversed one after another.
    """

    def __init__(self, repository: Repository, events: Iterable[EventRow]) -> None:
        self._now: dict[tuple[str, str], HandoverRow | None] = {}
        wanted: dict[str, list[str]] = {}
        for event in events:
            about = next((state for state in _states(event) if state), None)
            if event.get("effect") == EFFECT and about:
                wanted.setdefault(about["target"], []).append(about["hash"])
        for target, hashes in wanted.items():
            known = Handovers(repository).known(target, sorted(set(hashes)))
            self._now |= {(target, name): known.get(name) for name in hashes}

    def foresee(self, event: EventRow) -> str:
        """Why an event cannot be reversed, or ""; what comes after is judged as if it were."""
        before, after = _states(event)
        about = after or before or {}
        key = about["target"], about["hash"]
        try:
            self._now[key] = _reversal(event)(self._now[key])
        except ValueError as error:
            return str(error)
        return ""


def _reversal(event: EventRow) -> Callable[[HandoverRow | None], HandoverRow | None]:
    before, after = _states(event)

    def change(now: HandoverRow | None) -> HandoverRow | None:
        if now in (after, before):
            return before
        if now is not None and now.get("state") == CONFIRMED:
            raise ValueError("it was confirmed since to be in the cloud; undo that first")
        raise ValueError("its handover was changed since")

    return change


def take_back(
    run: Session, sight: UndoPreconditions, event: EventRow, note: EventNote, *, last_copies: bool
) -> str:
    """Reverse one event, and tell what `note` says besides; why it could not be, or ""."""
    try:
        problem = staged_problem(sight, event, last_copies=last_copies)
        if (
            not problem
            and (record := _leaving(event)) is not None
            and (store := _staged(record)) is not None
        ):
            store.discard(record["name"])
    except StoreError as error:
        problem = str(error)
    if problem:
        return problem
    before, after = _states(event)
    about = after or before or {}
    handovers, change = Handovers(run.repository), _reversal(event)
    try:
        run.patiently(
            lambda: handovers.change(
                about["target"],
                about["hash"],
                change,
                "take back",
                run=run.run,
                command=run.command,
                note=note,
            )
        )
    except ValueError as error:
        return str(error)
    return ""


def staged_problem(sight: UndoPreconditions, event: EventRow, *, last_copies: bool) -> str:
    """Why the staged copy that an event brought has to stay, or "".

    One that changed, or is gone, is left alone.
    """
    record = _leaving(event)
    if record is None or last_copies or _staged(record) is None:
        return ""
    # the archived file where it was, or a good copy of it in the catalog
    if sight.content(record["source"]) == record["hash"] or sight.is_safe(record["hash"]):
        return ""
    return "kept: what it was made of is not there any more; --yes removes it all the same"


def _leaving(event: EventRow) -> HandoverRow | None:
    """The handover whose staged copy goes where an event is reversed, if one does."""
    before, after = _states(event)
    is_brought = after is not None and (before is None or staged_path(before) != staged_path(after))
    return after if is_brought else None


def _staged(record: HandoverRow) -> LocalStore | None:
    """The folder in which a staged copy lies unchanged, or None; it must be the staging folder that
    the record speaks of.
    """
    folder = Path(from_text(record["folder"]))
    identity = identity_of(folder)
    if identity is None or record.get("staging", identity) != identity:
        return None
    store = LocalStore("staging", folder, managed=False)
    is_there = (
        store.stat(record["name"]) is not None
        and store.checksum(record["name"]) == record["staged"]
    )
    return store if is_there else None
