"""An upload from disk into the catalog's NAS root, and what every upload does once its two stores are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.cli.console import Screen
from catalog.features.ingest.actions import Action
from catalog.features.ingest.ingestion import Ingesting, ingesting
from catalog.features.ingest.pipeline import Planner, dry_run, nothing, upload
from catalog.features.ingest.plan import IngestFacts, plan_ingest
from catalog.features.ingest.second_copy import WORDS, Second, second
from catalog.features.ingest.survey import IngestSurvey
from catalog.work import guards
from catalog.work.report import Report
from catalog.work.store_book import DROPBOX
from catalog.work.workspace import Workspace

COMMAND = "upload_to_nas_from_disk"


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What the command line asks for."""

    directory: str
    recursive: bool = False
    move: bool = False
    dryrun: bool = False
    dropbox: bool = False
    limit: int = 0
    yes: bool = False


def run_upload(workspace: Workspace, request: UploadRequest, screen: Screen) -> int:
    """The exit status of an upload."""
    with (
        ingesting(workspace, request.directory, dry=request.dryrun, move=request.move) as ingest,
        second(workspace, DROPBOX, wanted=request.dropbox, dry=request.dryrun) as further,
    ):
        return bring(ingest, request, screen, COMMAND, further)


def bring(ingest: Ingesting[Any], request: UploadRequest, screen: Screen, command: str, further: Second | None) -> int:
    """The exit status of an upload from one store into another, and into a `further` one from there."""
    workspace = ingest.workspace
    survey = ingest.survey(recursive=request.recursive)
    planner = _planner(ingest, survey, move=request.move)
    total = ingest.announce([survey], needed=request.move)
    note = further.note if further else nothing
    if request.dryrun:

        def tell(report: Report) -> None:
            dry_run(survey, planner, request.limit, report, workspace.progress, note)
            if further:
                further.foresee(report)

        return ingest.dry_report(screen, tell)
    if request.move:
        guards.check_removals(total, workspace.settings.move_limit, yes=request.yes)
    with ingest.session(screen, command, WORDS if further else {}) as run:
        applier = ingest.applier(run, hold_sources=further is not None)

        def work() -> None:
            upload(survey, applier, planner, request.limit, note)
            if further:
                further.give(run, ingest.target, applier.release)

        return run.work(work)


def _planner(ingest: Ingesting[Any], survey: IngestSurvey, *, move: bool) -> Planner:
    def plan(facts: IngestFacts) -> list[Action]:
        return plan_ingest(facts, survey.occupancy, ingest.workspace.layout, ingest.store, move=move)

    return plan
