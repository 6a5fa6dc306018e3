"""An upload from disk into the catalog's NAS root, and what every upload does once its two stores are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.console import Screen
from catalog.execution import guards
from catalog.execution.ingest import Planner, dry_run, upload
from catalog.execution.survey import IngestSurvey
from catalog.plans.actions import Action
from catalog.plans.ingest import IngestFacts, plan_ingest
from catalog.runs.ingesting import Ingesting, ingesting, refuse_dropbox
from catalog.wiring import Workspace

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
    refuse_dropbox(wanted=request.dropbox)
    with ingesting(workspace, request.directory, dry=request.dryrun, move=request.move) as ingest:
        return bring(ingest, request, screen, COMMAND)


def bring(ingest: Ingesting[Any], request: UploadRequest, screen: Screen, command: str) -> int:
    """The exit status of an upload from one store into another."""
    workspace = ingest.workspace
    survey = ingest.survey(recursive=request.recursive)
    planner = _planner(ingest, survey, move=request.move)
    total = ingest.announce([survey], needed=request.move)
    if request.dryrun:
        return ingest.dry_report(screen, lambda report: dry_run(survey, planner, request.limit, report, workspace.progress))
    if request.move:
        guards.check_removals(total, workspace.settings.move_limit, yes=request.yes)
    with ingest.session(screen, command) as run:
        applier = ingest.applier(run)
        return run.work(lambda: upload(survey, applier, planner, request.limit))


def _planner(ingest: Ingesting[Any], survey: IngestSurvey, *, move: bool) -> Planner:
    def plan(facts: IngestFacts) -> list[Action]:
        return plan_ingest(facts, survey.occupancy, ingest.workspace.layout, ingest.store, move=move)

    return plan
