"""One upload from beginning to end: guards, survey, plan, apply, summary."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from catalog.domain.layout import Layout
from catalog.errors import CatalogError
from catalog.execution.apply import Applier, limited
from catalog.execution.progress import Progress
from catalog.execution.report import Outcome, Report
from catalog.execution.survey import IngestSurvey
from catalog.plans.actions import Action, CopyToStore, SkipDuplicate
from catalog.plans.ingest import IngestFacts, plan_ingest


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What a person asked for."""

    move: bool = False
    limit: int = 0


def dry_run(survey: IngestSurvey, layout: Layout, store: str, options: IngestOptions, report: Report, progress: Progress) -> None:
    """Print the plan, as if each batch were done before the next. Nothing that could write exists here."""
    planned: dict[str, str] = {}
    batches = survey.batches(lambda: planned)
    for plan in limited((_plan(f, survey, layout, store, options) for f in batches), options.limit):
        for action in plan:
            if isinstance(action, CopyToStore):
                planned[action.asset.hash] = action.target
            report.add(_planned(action))
            progress.advance()


def _planned(action: Action) -> Outcome:
    if isinstance(action, CopyToStore):
        return Outcome(action.name, action.source.path, "planned", action.store, action.target, action.asset.hash)
    if isinstance(action, SkipDuplicate):
        return Outcome(action.name, action.source.path, "duplicate", action.store, action.existing, action.hash)
    return Outcome(action.name, action.source.path, action.outcome, reason=action.reason)


def upload(survey: IngestSurvey, applier: Applier, layout: Layout, store: str, options: IngestOptions) -> None:
    """Apply the plan of one batch while the next one is surveyed. Raises what stops the run, after ending it tidily."""
    try:
        batches = survey.batches(applier.in_flight)
        for plan in limited((_plan(f, survey, layout, store, options) for f in batches), options.limit):
            applier.apply(plan)
        applier.finish()
    except BaseException:
        with contextlib.suppress(CatalogError):
            applier.finish(at_once=True)
        raise


def _plan(facts: IngestFacts, survey: IngestSurvey, layout: Layout, store: str, options: IngestOptions) -> list[Action]:
    return plan_ingest(facts, survey.occupancy, layout, store, move=options.move)
