"""Take the duplicates away that a report says may go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.reingest.duplicates.run import ProcessRequest, run_process


@click.command(
    "process_duplicates", short_help="Take away the duplicates that a report says to delete."
)
@click.argument("report", type=click.Path(path_type=Path))
@options.option(
    "undo", is_flag=True, help="Bring back what was taken away from a folder that is no store."
)
@options.dryrun
@options.yes
@options.roots
@options.connection
@options.output
def command(
    report: Path,
    undo: bool,
    dryrun: bool,
    yes: bool,
    **shared: Any,
) -> int:
    """Bring every file that REPORT says to `delete` to the trash, if what it duplicates is there
    and unchanged.

    Files of a store go to its trash (`catalog undo RUN` brings them back); those of any other
    folder to .catalog/trash in it (--undo brings them back). All rows are looked at first; those
    that cannot be done are refused by line number, and the others are done. What became of each row
    is in REPORT_processed.csv: removed is 1, 0 or file_missing.

    \b
    Example:
      reingest process-duplicates duplicate_image_report.csv --dryrun

    \b
    Exit status: 0 done, 1 failed, 2 usage or a report that cannot be used, 3 some rows were refused
    or failed, 4 more removals than allowed without --yes, 5 Elasticsearch cannot be reached, 130
    interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = ProcessRequest(report, dryrun, yes, undo)
    return console.carry_out(run_process, workspace, request, summary_formats.DUPLICATES)
