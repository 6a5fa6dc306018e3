"""Renames the files of a store, shot by shot, and records where they lie now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import NamedTuple

from catalog.domain import edits
from catalog.domain.asset import Entry
from catalog.domain.copies import RecordedFile, copy_row, is_as_recorded, read_recorded, sidecar_row
from catalog.domain.document import EventNote
from catalog.domain.edits import Edit
from catalog.domain.evidence import as_proved
from catalog.domain.names import comparison_key
from catalog.errors import FATAL, AlreadyExists, Interrupted, NotFound, StoreError
from catalog.features.refile.plan import Rename
from catalog.features.refile.sight import CHANGED, GONE, SHOT
from catalog.stores.protocol import ManagedStore
from catalog.work.empty_folders import remove_empty_folders
from catalog.work.file_renamer import FileRenamer
from catalog.work.live_listing import LiveListing
from catalog.work.outcome import Outcome
from catalog.work.session import Session

BATCH = 128
"""Files recorded together at most."""
_STOPPING = (*FATAL, Interrupted)


class Done(NamedTuple):
    """What became of a rename: the file under its new name, or why it has not got it."""

    action: Rename
    entry: Entry | None = None
    error: StoreError | None = None


def in_waves(
    steps: Iterable[Sequence[Rename]], size: int = BATCH
) -> Iterator[list[Sequence[Rename]]]:
    """Steps that may be taken at once, some hundred files together: none of them uses a name that
    another one leaves, or comes to.
    """
    wave: list[Sequence[Rename]] = []
    names: set[str] = set()
    for step in steps:
        own = {comparison_key(name) for action in step for name in (action.old, action.path)}
        if wave and (names & own or sum(map(len, wave)) + len(step) > size):
            yield wave
            wave, names = [], set()
        wave.append(step)
        names |= own
    if wave:
        yield wave


class StoreRenamer:
    """Renames files of one store, in a run."""

    def __init__(self, store: ManagedStore, shown: LiveListing, run: Session) -> None:
        self._store = store
        self._shown = shown
        self._run = run
        self._files = FileRenamer(store, shown, run.journal)

    def apply(self, steps: Iterable[Sequence[Rename]]) -> None:
        """Take all steps. Raises what must stop the run, once all that was done is recorded."""
        with ThreadPoolExecutor(self._store.capabilities.together) as pool:
            for wave in in_waves(steps):
                begun = [pool.submit(self._take, step) for step in wave]
                try:
                    wait(begun)
                finally:  # an interruption waits for what is under way, and no more
                    landed = [future for future in begun if not future.cancel()]
                    errors = [e for future in landed if (e := future.exception()) is not None]
                    done = [d for f in landed if f.exception() is None for d in f.result()]
                    self._settle(done)
                errors += [d.error for d in done if isinstance(d.error, _STOPPING)]
                if errors:
                    raise errors[0]

    # --- a step -----------------------------------------------------------------------------------

    def _take(self, step: Sequence[Rename]) -> list[Done]:
        """Rename the files of a shot, or none of them."""
        for action in step:
            if not action.problem:
                self._run.journal.started(action.name, **_details(action))
        done: list[Done] = []
        for check in (self._check, self._bring):
            done = []
            for action in step:
                try:
                    done.append(Done(action, check(action)))
                except StoreError as error:
                    return self._given_up(step, action, error, done if check == self._bring else [])
        return done

    def _check(self, action: Rename) -> Entry:
        """The file that is to be renamed, or was before a kill. Raises StoreError where it cannot
        be.
        """
        if action.problem:
            raise StoreError(action.problem)
        entry = self._shown.sure(action.path if action.there else action.old)
        if entry is None:
            raise NotFound(GONE)
        if not is_as_recorded(entry, _known(action)):
            raise StoreError(CHANGED)
        if not action.there and self._is_taken(action.path):
            raise AlreadyExists(f"{action.path} is taken by now.", hint="Run the command again.")
        return entry

    def _is_taken(self, path: str) -> bool:
        """As listed, where each look is a call; the store itself overwrites nothing."""
        at = self._shown.at if self._shown.states_content else self._shown.live
        return at(path) is not None

    def _bring(self, action: Rename) -> Entry:
        if action.there:  # nobody has read it since
            return as_proved(self._check(action), _known(action))
        return self._files.bring(_known(action), action.old, action.path)

    def _given_up(
        self, step: Sequence[Rename], failed: Rename, error: StoreError, done: Sequence[Done]
    ) -> list[Done]:
        """What became of a step of which one file could not be renamed: those that were go back."""
        for action, _entry, _error in reversed(done):
            if not action.there:
                try:
                    self._files.move(action.path, action.old, action.content)
                except StoreError as other:
                    error = other
        others = error if isinstance(error, Interrupted) else StoreError(SHOT)
        return [
            Done(action, error=StoreError(action.problem) if action.problem else others)
            if action is not failed
            else Done(action, error=error)
            for action in step
        ]

    # --- what was done ----------------------------------------------------------------------------

    def _settle(self, done: Sequence[Done]) -> None:
        """Record what was renamed, and tell what was not."""
        came = [(d.action, d.entry) for d in done if d.entry is not None]
        if came:
            remove_empty_folders(self._store, [action.old for action, _entry in came])
            self._store.settle([path for a, entry in came for path in (a.old, entry.path)])
        answers = self._run.edit([_edit(action, entry) for action, entry in came])
        for (action, _entry), answer in zip(came, answers, strict=True):
            if answer in ("done", "unchanged"):
                self._run.journal.done(action.name, **_details(action))
                self._run.report.add(outcome_of(action, "moved"))
            else:
                self._fail(action, answer)
        for failed in done:
            if failed.error is not None and not isinstance(failed.error, Interrupted):
                self._fail(failed.action, str(failed.error))
        self._run.sink.progress.advance(len(done))

    def _fail(self, action: Rename, reason: str) -> None:
        if not action.problem:
            self._run.journal.failed(action.name, **_details(action), reason=reason)
        self._run.report.add(outcome_of(action, "failed", reason))


def outcome_of(action: Rename, became: str, reason: str = "") -> Outcome:
    """What is told of a file that got another name, will get it, or stays."""
    return Outcome(action.name, action.old, became, action.store, action.path, action.hash, reason)


def _known(action: Rename) -> RecordedFile:
    return read_recorded(action.row, action.content, action.checksums)


def _details(action: Rename) -> dict[str, object]:
    """What the journal says of a rename."""
    return {
        "store": action.store,
        "path": action.old,
        "target": action.path,
        "hash": action.hash,
    }


def _edit(action: Rename, entry: Entry) -> Edit:
    now = datetime.now(UTC)
    event: EventNote = {
        "store": action.store,
        "path": entry.path,
        "source": action.old,
        "effect": "file",
    }
    if action.is_sidecar:
        row = sidecar_row(action.store, entry, action.content)
        change = edits.with_sidecars([(action.store, action.old)], [row])
    else:
        change = edits.moved_copy(action.store, action.old, copy_row(action.store, entry, now, now))
    return Edit(action.hash, action.name, change, event)
