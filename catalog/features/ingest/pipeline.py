"""Bringing files in, from beginning to end: survey, plan, apply."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from catalog.errors import CatalogError
from catalog.features.ingest.actions import Action, CopyToStore, SkipDuplicate
from catalog.features.ingest.apply import Applier, limited
from catalog.features.ingest.plan import IngestFacts
from catalog.features.ingest.survey import IngestSurvey
from catalog.work.progress import Progress
from catalog.work.report import Outcome, Report

Planner = Callable[[IngestFacts], list[Action]]
"""From the facts of a batch to its plan."""
Note = Callable[[list[Action]], None]
"""Who is shown each plan before it is applied."""


def nothing(_plan: list[Action]) -> None:
    """Shown a plan, does nothing."""


def dry_run(
    survey: IngestSurvey, planner: Planner, limit: int, report: Report, progress: Progress,
    note: Note = nothing,
) -> int:  # fmt: skip
    """Print the plan, as if each batch were done before the next, and return how many files would be copied.

    Nothing that could write exists here.
    """
    planned: dict[str, str] = {}
    copied = 0
    batches = survey.batches(lambda: planned)
    for plan in limited(map(planner, batches), limit):
        note(plan)
        for action in plan:
            if isinstance(action, CopyToStore):
                planned[action.asset.hash] = action.target
                copied += 1
            report.add(_planned(action))
            progress.advance()
    return copied


def _planned(action: Action) -> Outcome:
    if isinstance(action, CopyToStore):
        return Outcome(action.name, action.source.path, "planned", action.store, action.target, action.asset.hash)
    if isinstance(action, SkipDuplicate):
        return Outcome(action.name, action.source.path, "duplicate", action.store, action.existing, action.hash)
    return Outcome(action.name, action.source.path, action.outcome, reason=action.reason)


def upload(
    survey: IngestSurvey, applier: Applier, planner: Planner, limit: int,
    note: Note = nothing,
) -> int:  # fmt: skip
    """Apply the plan of one batch while the next one is surveyed; how many files were to be copied. `note` sees each plan.

    Raises what stops the run, after ending it tidily.
    """
    copied = 0
    try:
        batches = survey.batches(applier.in_flight)
        for plan in limited(map(planner, batches), limit):
            note(plan)
            applier.apply(plan)
            copied += sum(isinstance(action, CopyToStore) for action in plan)
        applier.finish()
    except BaseException:
        with contextlib.suppress(CatalogError):
            applier.finish(at_once=True)
        raise
    return copied
