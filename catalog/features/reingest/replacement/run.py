"""Converted videos put into the archive in the place of their originals, and taken back in folders.

At every moment the original lies at its place, in the failsafe folder, or in both. A run that was
killed is done again: what is left to do follows from what lies where.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.domain.names import to_text
from catalog.domain.spreadsheets import Table
from catalog.errors import UsageError
from catalog.features.reingest.locations import Locations, catalog_of
from catalog.features.reingest.plan import CONVERT
from catalog.features.reingest.replacement.apply import Replacement
from catalog.features.reingest.replacement.failsafe import FAILSAFE, Backups
from catalog.features.reingest.replacement.jobs import Jobs, is_meant
from catalog.features.reingest.replacement.undo import Undo
from catalog.features.reingest.reports import Processed, read_table
from catalog.features.reingest.rows import folders_of, validate
from catalog.features.reingest.staging import check_apart, check_folder
from catalog.features.reingest.videos.converter import converter
from catalog.features.reingest.videos.reports import TABLE
from catalog.work import guards
from catalog.work.driver import execute
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.staging_marker import is_staging
from catalog.work.workspace import Workspace

COMMAND = "reingest replace-archived-media"
REPLACED = "_replaced"
NEEDED = (
    "file",
    "action",
    "hash",
    "derived_file",
    "derived_hash",
    "processing_status",
    "overwrite",
)
ADDED = (
    "source_file_size",
    "converted_file_size",
    "failsafe_backup_path",
    "replaced_file",
    "replacement_status",
    "run",
)


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """Which report's converted files take the places of their originals.

    The originals are kept in the folder `failsafe`, beside the report without one. `larger`: no
    gain in size is needed. `yes` agrees to more replacements than the setting `move_limit` allows.
    `undo`: the originals come back instead, where they lay in folders that are no stores.
    """

    report: Path
    failsafe: str | None = None
    larger: bool = False
    dryrun: bool = False
    yes: bool = False
    undo: bool = False


def run_replace(workspace: Workspace, request: ReplaceRequest, sink: Sink) -> RunResult:
    """Put converted files in the place of their originals, or with `undo` take that back in
    folders."""
    table = read_table(request.report, NEEDED, (*TABLE.known, *TABLE.added, *ADDED))
    folder = check_folder(
        request.failsafe or str(request.report.absolute().parent / FAILSAFE), FAILSAFE
    )
    if is_staging(folder):
        raise UsageError(
            f"The failsafe folder {folder} is a staging folder.",
            hint="Name another with --failsafe.",
        )
    repository = catalog_of(workspace)
    if request.failsafe or not request.undo:
        check_apart(folder, folders_of(table), repository, FAILSAFE)
    processed = Processed(request.report, table.columns, ADDED, suffix=REPLACED)
    with (
        contextlib.closing(Locations(workspace, repository)) as locations,
        processed.opened(dry=request.dryrun),
    ):
        return _replace(workspace, request, sink, table, folder, locations, processed)


def _replace(
    workspace: Workspace,
    request: ReplaceRequest,
    sink: Sink,
    table: Table,
    folder: Path,
    locations: Locations,
    processed: Processed,
) -> RunResult:
    jobs = Jobs(locations, processed.earlier, [row.cells.get("file", "") for row in table.rows])
    meant = replace(table, rows=tuple(filter(is_meant, table.rows)))
    wanted = validate(meant, (CONVERT,), [jobs.check])
    dry, details = request.dryrun, {"report": to_text(str(request.report))}
    if request.undo:
        backups = Backups(folder if request.failsafe else None, folder)
        back = Undo(jobs, wanted, processed, backups)
        return execute(workspace, back, sink, COMMAND, dry=dry, details=details)
    guards.check_removals(len(wanted.rows), workspace.settings.move_limit, yes=request.yes)
    with converter(workspace, sink.progress) as films:
        work = Replacement(jobs, wanted, processed, locations.stores, folder, films, request.larger)
        return execute(workspace, work, sink, COMMAND, dry=dry, details=details)
