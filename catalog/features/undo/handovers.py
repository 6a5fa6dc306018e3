"""Undoing handovers: the record becomes what it was, and a staged copy that a run brought goes, if nothing is lost with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from catalog.domain.names import from_text
from catalog.errors import StoreError
from catalog.features.undo.outside import Outside
from catalog.index.handovers import CONFIRMED, EFFECT, Handovers, Record, staged_path
from catalog.index.repository import Repository
from catalog.stores.local import LocalStore
from catalog.stores.protocol import ManagedStore
from catalog.work.proof import Prover
from catalog.work.session import Session

Event = Mapping[str, Any]


def _states(event: Event) -> tuple[Record | None, Record | None]:
    """The record before and after an event."""
    return (event.get("before") or {}).get(EFFECT), (event.get("after") or {}).get(EFFECT)


class TakingBack:
    """The handovers that the events of a run speak of, as they would be once the events were reversed one after another."""

    def __init__(self, repository: Repository, events: Iterable[Event]) -> None:
        self._now: dict[tuple[str, str], Record | None] = {}
        wanted: dict[str, list[str]] = {}
        for event in events:
            about = next((state for state in _states(event) if state), None)
            if event.get("effect") == EFFECT and about:
                wanted.setdefault(about["target"], []).append(about["hash"])
        for target, hashes in wanted.items():
            known = Handovers(repository).known(target, sorted(set(hashes)))
            self._now |= {(target, name): known.get(name) for name in hashes}

    def foresee(self, event: Event) -> str:
        """Why an event cannot be reversed, or ""; what comes after is judged as if it were."""
        before, after = _states(event)
        about = after or before or {}
        key = about["target"], about["hash"]
        try:
            self._now[key] = _reversal(event)(self._now[key])
        except ValueError as error:
            return str(error)
        return ""


def _reversal(event: Event) -> Callable[[Record | None], Record | None]:
    before, after = _states(event)

    def change(now: Record | None) -> Record | None:
        if now in (after, before):
            return before
        if now is not None and now.get("state") == CONFIRMED:
            raise ValueError("it was confirmed since to be in the cloud; undo that first")
        raise ValueError("its handover was changed since")

    return change


def take_back(run: Session, event: Event, undone: str, stores: Mapping[str, ManagedStore], *, last_copies: bool) -> str:
    """Reverse one event; why it could not be, or ""."""
    before, after = _states(event)
    if after is not None and (before is None or staged_path(before) != staged_path(after)):
        problem = _remove_staged(run, after, stores, last_copies=last_copies)
        if problem:
            return problem
    about = after or before or {}
    handovers, change = Handovers(run.repository), _reversal(event)
    note = {"run": run.run, "command": run.command, "undoes": undone}
    try:
        run.patiently(lambda: handovers.change(about["target"], about["hash"], change, "take back", **note))
    except ValueError as error:
        return str(error)
    return ""


def _remove_staged(run: Session, record: Record, stores: Mapping[str, ManagedStore], *, last_copies: bool) -> str:
    """Remove a staged copy that is there unchanged; why it had to stay, or "". One that changed, or is gone, is left alone."""
    folder = Path(from_text(record["folder"]))
    if not folder.is_dir():
        return ""
    store = LocalStore("staging", folder, managed=False)
    try:
        if store.stat(record["name"]) is None or store.checksum(record["name"]) != record["staged"]:
            return ""
        if not last_copies and not _is_elsewhere(run, record, stores):
            return "kept: what it was made of is not there any more; --yes removes it all the same"
        store.discard(record["name"])
    except StoreError as error:
        return str(error)
    return ""


def _is_elsewhere(run: Session, record: Record, stores: Mapping[str, ManagedStore]) -> bool:
    """Whether the archived file is where it was, or the catalog has a good copy of it."""
    if Outside(run.workspace).content(record["source"]) == record["hash"]:
        return True
    found = run.repository.documents([record["hash"]]).get(record["hash"])
    rows = found[0].get("copies", []) if found else []
    return bool(Prover(stores).prove(record["hash"], rows, 1).good)
