"""An upload from disk into the catalog's NAS root,
and what every upload does once its two stores are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.features.ingest.actions import Action
from catalog.features.ingest.ingestion import Ingestion, open_ingestion
from catalog.features.ingest.pipeline import Upload
from catalog.features.ingest.plan import IngestFacts, plan_ingest
from catalog.features.ingest.second_copy import SecondCopies, second_copies
from catalog.work import guards
from catalog.work.driver import execute
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.store_book import DROPBOX
from catalog.work.workspace import Workspace

COMMAND = "upload_to_nas_from_disk"


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """Which folder is uploaded, and how.

    `limit`: files that are stored at most, 0 means all. `dropbox`: with a second copy.
    """

    directory: str
    recursive: bool = False
    move: bool = False
    dryrun: bool = False
    dropbox: bool = False
    limit: int = 0
    yes: bool = False


def run_upload(workspace: Workspace, request: UploadRequest, sink: Sink) -> RunResult:
    """Bring the photos and videos of a folder of this machine into the catalog on the NAS."""
    with (
        open_ingestion(
            workspace, request.directory, sink, dry=request.dryrun, move=request.move
        ) as ingest,
        second_copies(
            workspace, DROPBOX, sink, wanted=request.dropbox, dry=request.dryrun
        ) as further,
    ):
        return run_ingest(ingest, request, sink, COMMAND, further)


def run_ingest(
    ingest: Ingestion[Any],
    request: UploadRequest,
    sink: Sink,
    command: str,
    further: SecondCopies | None,
) -> RunResult:
    """An upload from one store into another, and into a `further` one from there."""
    workspace = ingest.workspace
    survey = ingest.survey(recursive=request.recursive)
    total = ingest.announce([survey], sink.progress, needed=request.move)
    if request.move and not request.dryrun:
        guards.check_removals(total, workspace.settings.move_limit, yes=request.yes)

    def plan(facts: IngestFacts) -> list[Action]:
        return plan_ingest(
            facts, survey.occupancy, workspace.layout, ingest.store, move=request.move
        )

    work = Upload(ingest, [lambda: (survey, plan)], request.limit, further)
    return execute(
        workspace,
        work,
        sink,
        command,
        dry=request.dryrun,
        details=ingest.details,
        begin=ingest.begin,
    )
