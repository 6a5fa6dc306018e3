"""Taking a run back, as far as the trash, the journal and what happened since allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.domain.document import AssetDocument
from catalog.errors import StoreError, UsageError
from catalog.features.undo.apply import Undoer, tell, why_kept
from catalog.features.undo.handovers import staged_problem
from catalog.features.undo.plan import HANDOVER, TO_TRASH, SourceBack, TakeBack, Undo, steps
from catalog.features.undo.preconditions import UndoPreconditions
from catalog.features.undo.removed_files import read_removed
from catalog.features.undo.renames import find_unrecorded, read_begun_renames
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
    begun = read_begun_renames(workspace.journal_dir, request.run)
    if not events and not begun:
        raise UsageError(
            f"There is no run {request.run} in the history, or it changed nothing.",
            hint="`catalog history` lists the runs.",
        )
    book = StoreBook(workspace, repository)
    with book.open_present(writes=not request.dryrun) as stores:
        sight = UndoPreconditions(workspace, repository, stores, book.absent)
        hashes = {event["hash"] for event in (*events, *(step.event for step in begun))}
        records = read_records(repository, hashes)
        before = find_taken_back(repository.history, request.run)
        removed = read_removed(workspace.journal_dir, request.run)
        survey = StepSurvey(repository, sight, before, removed, records)
        found = survey.look([*find_unrecorded(begun, stores, records), *steps(events)])
        sources = survey_sources(removed, repository, sight, before, found)
        if not request.dryrun:
            taken = sum(1 for action in found if action.step.kind == TO_TRASH and action.counts)
            guards.check_removals(taken, workspace.settings.move_limit, yes=request.yes)
        work = Undoing(sight, found, sources, request, records)
        return execute(
            workspace, work, sink, COMMAND, dry=request.dryrun, details={"undoes": request.run}
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
        if not problem and action.step.kind == TO_TRASH:
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
