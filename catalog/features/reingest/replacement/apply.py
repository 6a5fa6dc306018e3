"""Converted videos put in the place of their originals: row after row, each backed up and checked
first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.names import from_text
from catalog.errors import (
    ConversionFailed,
    MediaError,
    NotFound,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from catalog.features.reingest.replacement import failsafe
from catalog.features.reingest.replacement.failsafe import backup_of
from catalog.features.reingest.replacement.folder_replacer import FolderReplacer
from catalog.features.reingest.replacement.jobs import Job, Jobs
from catalog.features.reingest.replacement.plan import REPLACE, Replace, plan_replacement
from catalog.features.reingest.replacement.replacer import Replacer
from catalog.features.reingest.replacement.store_replacer import StoreReplacer
from catalog.features.reingest.replacement.survey import look, sizes
from catalog.features.reingest.replacement.swap import Swap
from catalog.features.reingest.reports import Processed
from catalog.features.reingest.row_state import LeftRow
from catalog.features.reingest.rows import Validated, leave, outcome_of
from catalog.features.reingest.videos.converter import Converter
from catalog.features.reingest.videos.plan import SUCCESS
from catalog.stores.local.store import LocalStore
from catalog.stores.protocol import ManagedStore
from catalog.work.outcome import Outcome
from catalog.work.report import Report
from catalog.work.session import Session


@dataclass(frozen=True)
class Replacement:
    """The work of one replacement.

    `folder` is the failsafe folder; `larger`: no gain in size is needed.
    """

    jobs: Jobs
    wanted: Validated
    processed: Processed
    stores: Mapping[str, ManagedStore]
    folder: Path
    films: Converter
    larger: bool

    def plans(self) -> Iterator[Sequence[LeftRow | Replace]]:
        """The refused rows, in one part; then row by row."""
        yield self.wanted.refusals(REPLACE)
        for row in self.wanted.rows:
            yield [self._plan(self.jobs.of(row))]

    def _plan(self, job: Job) -> LeftRow | Replace:
        if self._is_done(job):
            return LeftRow(REPLACE, job.row, "already")
        action = Replace(job.row, job.store.name, job.target, job.original)
        try:
            backup = backup_of(self.folder, job)
            steps = plan_replacement(look(job, backup), larger=self.larger)
            known = sizes(job, backup)
        except (StoreFull, StoreUnavailable):
            raise
        except (StoreError, MediaError, OSError) as error:
            return replace(action, problem=str(error), kind=type(error).__name__)
        saved = max(0, known[0] - known[1]) if known is not None else 0
        problem = str(ConversionFailed(steps.problem, hint=steps.hint))
        return replace(action, steps=steps.steps, saved=saved, problem=problem)

    def _is_done(self, job: Job) -> bool:
        """Whether an earlier run did it, and what it put there still is, by its size: it may have
        been undone."""
        earlier = self._earlier(job)
        there = job.store.stat(job.target)
        is_there = there is not None and str(there.size) == earlier.get("converted_file_size", "")
        return is_there and earlier.get("replacement_status") == SUCCESS

    def _earlier(self, job: Job) -> Mapping[str, str]:
        return self.processed.earlier.get(job.file, {})

    def foresee(self, action: LeftRow | Replace) -> Outcome:
        """What is told of a plan."""
        if isinstance(action, LeftRow):
            return outcome_of(action)
        return _failed(action, action.problem) if action.problem else _outcome(action, "planned")

    # --- apply ------------------------------------------------------------------------------------

    def apply(self, run: Session, plans: Iterator[Sequence[LeftRow | Replace]]) -> None:
        """Do each row, and say what became of it before the next one."""
        with failsafe.open_failsafe(self.folder) as kept:
            self._do(run, kept, next(plans))
            self.processed.begin()
            run.sink.progress.files(len(self.wanted.rows))
            for part in plans:
                self._do(run, kept, part)
                run.sink.progress.advance()

    def _do(self, run: Session, kept: LocalStore, actions: Sequence[LeftRow | Replace]) -> None:
        for action in actions:
            if isinstance(action, LeftRow):
                leave(action, self.processed, run.report)
            else:
                self._replace(run, kept, action)

    def _replace(self, run: Session, kept: LocalStore, action: Replace) -> None:
        job = self.jobs.of(action.row)
        about = {"path": job.file, "hash": job.original, "rendition": job.rendition}
        run.journal.started(REPLACE, **about)
        try:
            cells = self._swapped(run, kept, job, action)
        except (StoreError, MediaError, OSError) as error:
            self._fail(run, action, error)
            if isinstance(error, StoreFull | StoreUnavailable):
                raise
            return
        run.journal.done(REPLACE, **about)
        self.processed.add(job.row, **cells)
        saved = max(0, int(cells["source_file_size"]) - int(cells["converted_file_size"]))
        run.report.add(_outcome(replace(action, saved=saved), "replaced"))

    def _fail(self, run: Session, action: Replace, error: Exception) -> None:
        run.journal.failed(REPLACE, path=action.key, reason=str(error))
        earlier = self.processed.earlier.get(
            action.key, {}
        )  # where its backup lies must not be forgotten
        kept = {name: earlier.get(name, "") for name in self.processed.added}
        kind = action.kind if action.problem else type(error).__name__
        self.processed.add(
            action.row, **{**kept, "replacement_status": f"ERROR: {kind}: {error}", "run": run.run}
        )
        run.report.add(_failed(action, str(error)))

    def _swapped(self, run: Session, kept: LocalStore, job: Job, action: Replace) -> dict[str, str]:
        """Take the steps that are left; what the progress of the report says then."""
        with contextlib.closing(self._place(run, job)) as place:
            swap = Swap(job, place, kept, self.films, run.journal)
            swap.take(action.steps)
            if action.problem:
                raise ConversionFailed(action.problem)
            place.settle(job)
            there, backup = place.store.stat(job.target), swap.backup()
        if there is None:
            raise NotFound(f"{job.target} vanished.", path=job.target)
        return self._cells(run, kept, job, there, backup)

    def _place(self, run: Session, job: Job) -> Replacer:
        if job.located.is_catalog:
            return StoreReplacer(run, job.store, self.stores)
        return FolderReplacer(Path(from_text(job.store.location)))

    def _cells(
        self, run: Session, kept: LocalStore, job: Job, there: Entry, backup: Entry
    ) -> dict[str, str]:
        return {
            "source_file_size": str(backup.size),
            "converted_file_size": str(there.size),
            "failsafe_backup_path": f"{kept.location}/{backup.path}",
            "replaced_file": f"{job.store.location}/{job.target}",
            "replacement_status": SUCCESS,
            "run": run.run,
        }

    def conclude(self, report: Report) -> None:
        """Nothing."""


def _outcome(action: Replace, outcome: str) -> Outcome:
    return Outcome(
        action.name,
        action.key,
        outcome,
        action.store,
        action.target,
        action.hash,
        stored=action.saved,
    )


def _failed(action: Replace, reason: str) -> Outcome:
    return Outcome(action.name, action.key, "failed", hash=action.hash, reason=reason)
