"""Taking away the duplicates that a person says may go, and bringing back what was taken away from
folders."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from catalog.features.reingest.duplicates.evaluation import FURTHER, OWN
from catalog.features.reingest.duplicates.plan import DELETE, KEEP, is_going
from catalog.features.reingest.duplicates.removal import Files, Removal
from catalog.features.reingest.duplicates.restoration import Return
from catalog.features.reingest.locations import Locations, catalog_of
from catalog.features.reingest.reports import Processed, read_table
from catalog.features.reingest.rows import validate
from catalog.work import guards
from catalog.work.driver import execute
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

COMMAND = "reingest process-duplicates"
NEEDED = ("file", "dupe_of", "action")
ADDED = ("removed", "removed_kb", "removed_reason", "trash")


@dataclass(frozen=True, slots=True)
class ProcessRequest:
    """Which report's duplicates go.

    `yes` agrees to more removals than the setting `move_limit` allows. `undo`: what was taken away
    from folders that are no stores comes back instead.
    """

    report: Path
    dryrun: bool = False
    yes: bool = False
    undo: bool = False


def run_process(workspace: Workspace, request: ProcessRequest, sink: Sink) -> RunResult:
    """Take away the files that a report says may go, each while what it duplicates is proved to be
    there; or undo that."""
    table = read_table(request.report, NEEDED, (*OWN, *FURTHER, *ADDED))
    repository = catalog_of(workspace)
    processed = Processed(request.report, table.columns, ADDED)
    dry, details = request.dryrun, {"report": str(request.report.absolute())}
    with (
        contextlib.closing(Locations(workspace, repository)) as locations,
        processed.opened(dry=dry),
    ):
        if request.undo:
            back = Return(locations, table.rows, processed)
            return execute(workspace, back, sink, COMMAND, dry=dry, details=details)
        files = Files(
            locations, {row.cells.get("file", ""): row.line for row in table.rows if is_going(row)}
        )
        rows = validate(table, (KEEP, DELETE), (files.check,))
        if not dry:
            guards.check_removals(
                sum(map(is_going, rows.rows)), workspace.settings.move_limit, yes=request.yes
            )
        work = Removal(repository, files, rows, processed)
        return execute(workspace, work, sink, COMMAND, dry=dry, details=details)
