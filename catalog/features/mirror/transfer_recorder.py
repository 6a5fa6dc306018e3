"""Records what was copied and renamed, and tells what was not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from catalog.domain import edits
from catalog.domain.asset import Entry
from catalog.domain.copies import OK, copy_row, sidecar_row, timestamp
from catalog.domain.document import EventNote
from catalog.domain.edits import Change, Edit
from catalog.errors import FATAL, FixityMismatch, Interrupted, StoreError
from catalog.features.mirror.plan import Follow, Mirroring, Transfer
from catalog.features.mirror.preconditions import MirrorPreconditions
from catalog.work.outcome import Outcome
from catalog.work.replaced_files import UntoldReplacements
from catalog.work.session import Session


class Done(NamedTuple):
    """What became of an action: the entry of its file in the other store, or why there is none.

    Neither: it did not begin. `trash` is what the file is called in the trash that gave way, or "".
    """

    action: Mirroring
    entry: Entry | None = None
    error: StoreError | None = None
    trash: str = ""

    @property
    def is_fatal(self) -> bool:
        """Whether going on is of no use."""
        return isinstance(self.error, FATAL)


class TransferRecorder:
    """Writes into the index what lies in the other store by now."""

    def __init__(self, sight: MirrorPreconditions, run: Session) -> None:
        self._source = sight.source.name
        self._target = sight.target
        self._run = run
        self._untold = UntoldReplacements(run.workspace.journal_dir, run.repository)

    def settle(self, done: Sequence[Done]) -> None:
        """Record what was done, and tell what was not.

        Raises the error after which going on is of no use.
        """
        self._record([(d.action, d.entry, d.trash) for d in done if d.entry is not None])
        for action, _entry, error, _trash in done:
            if error is not None and not isinstance(error, Interrupted):
                self._fail(action, error)
        fatal = next((d.error for d in done if d.is_fatal), None)
        if fatal is not None:
            raise fatal

    def _record(self, done: Sequence[tuple[Mirroring, Entry, str]]) -> None:
        if not done:
            return
        store, now = self._target.name, datetime.now(UTC)
        self._target.settle([entry.path for _action, entry, _trash in done])
        wanted = [
            edit_of(action, entry, self._source, store, now, trash or self._gave_way(action, entry))
            for action, entry, trash in done
        ]
        for (action, entry, _trash), answer in zip(done, self._run.edit(wanted), strict=True):
            if answer not in ("done", "unchanged"):
                self._fail(action, StoreError(answer))
                continue
            self._run.journal.done(action.name, store=store, path=action.path, hash=action.hash)
            self._run.report.add(outcome_of(action, entry.path, store))
            self._run.sink.progress.advance(1)

    def _gave_way(self, action: Mirroring, entry: Entry) -> str:
        """What an older sidecar is called in the trash, to which a killed run has brought it."""
        if not isinstance(action, Transfer) or not action.replaces:
            return ""
        return self._untold.find_key(self._target, entry.path)

    def _fail(self, action: Mirroring, error: StoreError) -> None:
        store = self._target.name
        self._run.journal.failed(
            action.name, store=store, path=action.path, hash=action.hash, reason=str(error)
        )
        self._run.report.add(failure_of(action, error, self._source, store))


def outcome_of(action: Mirroring, placed: str, store: str) -> Outcome:
    """What is told of a file that lies at `placed` in the other store now."""
    if isinstance(action, Follow):
        outcome = "found" if placed == action.old else "moved"
        return Outcome(action.name, action.old, outcome, store, placed, action.hash)
    target = placed if placed != action.path else ""
    outcome, size = ("found", 0) if action.found else ("copied", action.size)
    return Outcome(
        action.name, action.path, outcome, store, target, action.hash, size=size, stored=size
    )


def failure_of(action: Mirroring, error: StoreError, source: str, store: str) -> Outcome:
    """What is told of one that could not be copied or renamed."""
    reason = str(error)
    if isinstance(error, FixityMismatch):
        reason = (
            f"{error.message} It is not what the catalog recorded: sync the catalog with store "
            f"{source}, or it is damaged: see `catalog verify`."
        )
    return Outcome(action.name, action.path, "failed", store, hash=action.hash, reason=reason)


def edit_of(
    action: Mirroring, entry: Entry, source: str, store: str, now: datetime, trash: str = ""
) -> Edit:
    """The change of the index that a file which lies in the other store now is; `trash` is what
    that is called in the trash which gave way to it, or "".
    """
    old = action.old if isinstance(action, Follow) else ""
    is_found = isinstance(action, Transfer) and action.found and not trash
    event: EventNote = {
        "store": store,
        "path": entry.path,
        "effect": "index" if is_found else "file",
        "source": old or f"{source}:{action.path}",
    }
    if trash:
        event["trash"] = trash
    return Edit(action.owner, action.name, _change(action, old, entry, store, now), event)


def _change(action: Mirroring, old: str, entry: Entry, store: str, now: datetime) -> Change:
    if action.is_sidecar:
        gone = [(store, old)] if old else []
        return edits.with_sidecars(gone, [sidecar_row(store, entry, action.hash)])
    if old == entry.path:
        # it came to that name anew, or the same rename would be tried by every run
        return edits.marked(store, old, OK, added=timestamp(now))
    row = copy_row(store, entry, now, now)
    return edits.moved_copy(store, old, row) if old else edits.with_copy(row)
