"""Photos: the report of what would be handed over, and the copies in the staging folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.features.reingest.dates import date_problem
from catalog.features.reingest.evaluation import (
    COLUMNS,
    Evaluated,
    EvaluatedSubject,
    EvaluateRequest,
    Evaluation,
    evaluate,
)
from catalog.features.reingest.handover_work import Columns, HandoverWork, prepare
from catalog.features.reingest.images.plan import decide_image
from catalog.features.reingest.images.stager import PhotoStager
from catalog.features.reingest.plan import MOVE, SKIP, Proposal, Rules
from catalog.work.driver import execute
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

EVALUATE, PROCESS = "reingest evaluate-images", "reingest process-images"
REPORT = "icloud_image_report.csv"
OWN = ("file", "datetime", "action", "reason")
ALL = (*OWN, *COLUMNS)
TABLE = Columns(("file", "datetime", "action"), ALL, ("processed", "processed_hash"))


@dataclass(frozen=True, slots=True)
class ProcessRequest:
    """Which report's photos come into which staging folder.

    `write_dates`: the date of a row is written into its copy, where the picture does not state it.
    `again`: what was handed over and is no longer staged is staged once more.
    """

    report: Path
    staging: str
    write_dates: bool = False
    dryrun: bool = False
    again: bool = False


def run_evaluate(workspace: Workspace, request: EvaluateRequest, sink: Sink) -> Evaluated:
    """Write the report of an archive's photos."""

    def decide(found: EvaluatedSubject, rules: Rules) -> tuple[Proposal, Mapping[str, str]]:
        return decide_image(found.shot, rules), {}

    evaluation = Evaluation(EVALUATE, "image", ALL, decide, whole=False)
    return evaluate(workspace, request, sink, evaluation)


def run_process(workspace: Workspace, request: ProcessRequest, sink: Sink) -> RunResult:
    """Copy what a report says into the staging folder, and record that.

    The archive is only read.
    """
    dry = request.dryrun
    with prepare(
        workspace, request.report, request.staging, TABLE, (SKIP, MOVE), date_problem, dry=dry
    ) as ready:
        work = HandoverWork(
            ready, PhotoStager(ready, write_dates=request.write_dates, again=request.again)
        )
        return execute(
            workspace,
            work,
            sink,
            PROCESS,
            dry=dry,
            details={"report": str(request.report.absolute())},
        )
