"""Bringing videos into the staging folder as a report says: copied where they are fit, converted
where they are not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from catalog.domain.names import to_text
from catalog.features.reingest.handover_work import HandoverWork, prepare
from catalog.features.reingest.plan import CONVERT, MOVE, SKIP
from catalog.features.reingest.videos.converter import converter
from catalog.features.reingest.videos.dates import row_problem
from catalog.features.reingest.videos.reports import TABLE
from catalog.features.reingest.videos.stager import VideoStager
from catalog.work.driver import execute
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

COMMAND = "reingest process-videos"


@dataclass(frozen=True, slots=True)
class ProcessRequest:
    """Which report's videos come into which staging folder.

    `larger`: converted files may be larger than their sources. `again`: what was handed over and is
    no longer staged is staged once more.
    """

    report: Path
    staging: str
    larger: bool = False
    dryrun: bool = False
    again: bool = False


def run_process(workspace: Workspace, request: ProcessRequest, sink: Sink) -> RunResult:
    """Do what each row of the report says. The archive is only read."""
    home, dry = partial(_home_offset, workspace), request.dryrun
    check = partial(row_problem, home=home)
    with (
        prepare(
            workspace, request.report, request.staging, TABLE, (SKIP, MOVE, CONVERT), check, dry=dry
        ) as ready,
        converter(workspace, sink.progress) as made,
    ):
        work = HandoverWork(
            ready, VideoStager(ready, made, home, larger=request.larger, again=request.again)
        )
        return execute(
            workspace,
            work,
            sink,
            COMMAND,
            dry=dry,
            details={"report": to_text(str(request.report))},
        )


def _home_offset(workspace: Workspace, utc: datetime) -> int:
    return workspace.gazetteer.offset_at(workspace.home_zone, utc) or 0
