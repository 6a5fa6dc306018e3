"""Replacements in folders taken back: what is to be done follows from what lies where, and from no
word of a report."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.domain.names import from_text
from catalog.errors import ConversionFailed, MediaError, StoreError, StoreFull, StoreUnavailable
from catalog.features.reingest.replacement.failsafe import Backups, Opened
from catalog.features.reingest.replacement.folder_replacer import FolderReplacer
from catalog.features.reingest.replacement.jobs import UNDONE, Job, Jobs
from catalog.features.reingest.replacement.plan import (
    NOTHING,
    UNDO,
    ReplacementUndo,
    TakeOriginalBack,
    plan_undo,
)
from catalog.features.reingest.replacement.survey import look
from catalog.features.reingest.reports import Processed
from catalog.features.reingest.row_state import LeftRow
from catalog.features.reingest.rows import Validated, leave, outcome_of
from catalog.features.reingest.videos.plan import SUCCESS
from catalog.work.outcome import Outcome
from catalog.work.report import Report
from catalog.work.session import Session


@dataclass(frozen=True)
class Undo:
    """The work of one undo.

    A row that fails is told, and changes nothing of what the report says of it.
    """

    jobs: Jobs
    wanted: Validated
    processed: Processed
    backups: Backups

    def plans(self) -> Iterator[Sequence[LeftRow | TakeOriginalBack]]:
        """The refused rows, in one part; then row by row."""
        yield self.wanted.refusals(UNDO)
        for row in self.wanted.rows:
            yield [self._plan(self.jobs.of(row))]

    def _plan(self, job: Job) -> TakeOriginalBack:
        try:
            plan = self._undoing(job)
        except (StoreError, MediaError, OSError) as error:
            plan = ReplacementUndo(problem=str(error))
        problem = str(ConversionFailed(plan.problem, hint=plan.hint))
        return TakeOriginalBack(
            job.row, job.store.name, job.path, job.original, plan.is_needed, problem
        )

    def _undoing(self, job: Job) -> ReplacementUndo:
        earlier = self._earlier(job)
        if job.located.is_catalog:
            run = earlier.get("run") or "RUN"
            return ReplacementUndo(
                problem="it lies in a store of the catalog",
                hint=f"`catalog undo {run}` brings it back.",
            )
        kept = self.backups.find(job, earlier)
        found = look(job, kept)
        plan = plan_undo(found)
        if plan.problem and kept is None and job.content_at(job.path) == NOTHING:
            folder = self.backups.folder(earlier)
            return ReplacementUndo(
                problem=f"its backup is not in {folder}: is it mounted? --failsafe names another "
                "folder"
            )
        return plan

    def _earlier(self, job: Job) -> Mapping[str, str]:
        return self.processed.earlier.get(job.file, {})

    def foresee(self, action: LeftRow | TakeOriginalBack) -> Outcome:
        """What is told of a plan."""
        if isinstance(action, LeftRow):
            return outcome_of(action)
        if action.problem:
            return _failed(action, action.problem)
        return _outcome(action, "planned" if action.is_needed else "already")

    # --- apply ------------------------------------------------------------------------------------

    def apply(self, run: Session, plans: Iterator[Sequence[LeftRow | TakeOriginalBack]]) -> None:
        """Take back each row, and say what became of it before the next one."""
        with contextlib.closing(Opened()) as folders:
            self._do(run, folders, next(plans))
            self.processed.begin()
            run.sink.progress.files(len(self.wanted.rows))
            for part in plans:
                self._do(run, folders, part)
                run.sink.progress.advance()

    def _do(
        self, run: Session, folders: Opened, actions: Sequence[LeftRow | TakeOriginalBack]
    ) -> None:
        for action in actions:
            if isinstance(action, LeftRow):
                leave(action, self.processed, run.report)
            else:
                self._take_back(run, folders, action)

    def _take_back(self, run: Session, folders: Opened, action: TakeOriginalBack) -> None:
        job = self.jobs.of(action.row)
        about = {"path": job.file, "hash": job.original, "rendition": job.rendition}
        run.journal.started(UNDO, **about)
        try:
            if action.problem:
                raise ConversionFailed(action.problem)
            self._swap_back(folders, job, is_needed=action.is_needed)
        except (StoreError, MediaError, OSError) as error:
            run.journal.failed(UNDO, path=job.file, reason=str(error))
            run.report.add(_failed(action, str(error)))
            if isinstance(error, StoreFull | StoreUnavailable):
                raise
            return
        run.journal.done(UNDO, **about)
        self._tell(run, action, self._earlier(job))
        run.report.add(_outcome(action, "undone" if action.is_needed else "already"))

    def _swap_back(self, folders: Opened, job: Job, *, is_needed: bool) -> None:
        """The converted file goes to the failsafe folder, the original comes back; nothing of a run
        is left in either."""
        earlier = self._earlier(job)
        kept = self.backups.find(job, earlier)
        with contextlib.closing(FolderReplacer(Path(from_text(job.store.location)))) as place:
            failsafe = None if kept is None else folders.store(self.backups.folder(earlier))
            if not is_needed:
                return
            if kept is None or failsafe is None:
                raise ConversionFailed("neither the original nor its backup is there")
            place.swap_back(job, failsafe, kept)

    def _tell(self, run: Session, action: TakeOriginalBack, earlier: Mapping[str, str]) -> None:
        """Say in the progress of the report that a replacement was taken back, by this run or by
        one that was killed."""
        if action.is_needed or earlier.get("replacement_status") == SUCCESS:
            kept = {name: earlier.get(name, "") for name in self.processed.added}
            self.processed.add(action.row, **{**kept, "replacement_status": UNDONE, "run": run.run})

    def conclude(self, report: Report) -> None:
        """Nothing."""


def _outcome(action: TakeOriginalBack, outcome: str) -> Outcome:
    return Outcome(action.name, action.key, outcome, action.store, action.path, action.hash)


def _failed(action: TakeOriginalBack, reason: str) -> Outcome:
    return Outcome(action.name, action.key, "failed", hash=action.hash, reason=reason)
