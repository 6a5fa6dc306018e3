"""Taking a run back, as far as the trash, the journal and what happened since allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.domain.document import AssetDocument
from catalog.errors import StoreError, UsageError
from catalog.features.undo.apply import Undoer, tell, why_kept
from catalog.features.undo.deeds import read_deeds
from catalog.features.undo.handovers import staged_problem
from catalog.features.undo.plan import HANDOVER, TAKES_AWAY, SourceBack, TakeBack, Undo
from catalog.features.undo.preconditions import UndoPreconditions
from catalog.features.undo.survey import (
    StepSurvey,
    find_taken_back,
    read_records,
    survey_sources,
)
from catalog.work import guards
from catalog.work.driver import execute
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

COMMAND = "undo"


@dataclass(frozen=True, slots=True)
class UndoRequest:
    """Which run is taken back, by its id.

    `yes` agrees to more files than the setting move_limit, and to losing last copies.
    """

    run: str
    dryrun: bool = False
    yes: bool = False


def run_undo(workspace: Workspace, request: UndoRequest, sink: Sink) -> RunResult:
    """Say what cannot be taken back, then take the rest back. Raises UsageError for no such run."""
    repository = workspace.existing_repository
    repository.refresh()
    events = repository.history.of_run(request.run)
    deeds = read_deeds(workspace.journal_dir, request.run)
    if not events and not (deeds.came or deeds.replaced):
        raise _no_run(request.run)
    book = StoreBook(workspace, repository)
    with book.open_present(writes=not request.dryrun) as stores:
        sight = UndoPreconditions(workspace, repository, stores, book.absent)
        records = read_records(repository, {event["hash"] for event in events})
        before = find_taken_back(repository.history, request.run)
        survey = StepSurvey(repository, sight, before, deeds, records)
        found = [*survey.unrecorded(request.run, events), *survey.look(events)]
        if not events and not found:
            raise _no_run(request.run)
        sources = survey_sources(deeds, repository, sight, before, found)
        if not request.dryrun:
            taken = sum(1 for action in found if action.step.kind in TAKES_AWAY and action.counts)
            guards.check_removals(taken, workspace.settings.move_limit, yes=request.yes)
        work = Undoing(sight, found, sources, request, records)
        return execute(
            workspace, work, sink, COMMAND, dry=request.dryrun, details={"undoes": request.run}
        )


def _no_run(run: str) -> UsageError:
    return UsageError(
        f"There is no run {run} in the history, or it changed nothing.",
        hint="`catalog history` lists the runs.",
    )


class Undoing:
    """One run that is taken back."""

    def __init__(
        self,
        sight: UndoPreconditions,
        found: Sequence[TakeBack],
        sources: Sequence[SourceBack],
        request: UndoRequest,
        records: Mapping[str, AssetDocument | None],
    ) -> None:
        self._sight = sight
        self._found = found
        self._sources = sources
        self._request = request
        self._records = records
        self._kept: dict[str, str] = {}

    def plans(self) -> Iterator[Sequence[Undo]]:
        """What cannot be taken back, then the sources that come back, then the other steps."""
        yield [action for action in self._found if action.problem]
        yield self._sources
        yield [action for action in self._found if not action.problem]

    def foresee(self, action: Undo) -> Outcome:
        """What will become of a step once those before it are taken."""
        if action.done:
            return tell(action, "planned", "")
        self._sight.suppose(self._records)
        self._records = {}
        try:
            problem = self._foreseen(action)
        except (StoreError, OSError) as error:
            problem = str(error)
        return tell(action, "planned", problem)

    def _foreseen(self, action: Undo) -> str:
        sight, last_copies = self._sight, self._request.yes
        if isinstance(action, SourceBack):
            problem = sight.source_problem(action, sight.assume_back)
            if kept := sight.why_kept(action, problem):
                self._kept[action.hash] = kept
            return problem
        problem = action.problem
        if not problem and action.step.kind == HANDOVER:
            problem = staged_problem(sight, action.step.event, last_copies=last_copies)
        if not problem and action.step.kind in TAKES_AWAY:
            problem = why_kept(sight, action, self._kept, last_copies=last_copies)
        problem = problem or sight.obstacle(action)
        if not problem:
            sight.assume(action)
        return problem

    def apply(self, run: Session, plans: Iterator[Sequence[Undo]]) -> None:
        """Take them."""
        undoer = Undoer(run, self._sight, self._request.run, self._request.yes)
        for plan in plans:
            undoer.take(plan)

    def conclude(self, report: Report) -> None:
        """Nothing more."""
