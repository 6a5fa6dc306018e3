"""Copy the photos of a report into a staging folder, for a cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.reingest.images.run import ProcessRequest, run_process


@click.command(
    "process_image_files", short_help="Copy the photos of a report into the staging folder."
)
@click.argument("report", type=click.Path(path_type=Path))
@options.staging
@options.option(
    "write_dates", is_flag=True, help="Write the date into copies that state none, or another."
)
@options.again
@options.target
@options.dryrun
@options.roots
@options.connection
@options.output
def command(
    report: Path,
    staging: str,
    write_dates: bool,
    again: bool,
    target: str | None,
    dryrun: bool,
    **shared: Any,
) -> int:
    """Copy every photo that REPORT says to `move` into the staging folder, as
    YYYYMMDD_HHMMSS-original.ext.

    All rows are looked at first; those that cannot be done are refused by line number, and the
    others are done. Each copy is verified by its content, keeps its time of modification, and is
    recorded as handed over; nothing in the staging folder is overwritten. With --write-dates the
    datetime of the row is written into the copy where it states another, without coding the picture
    anew; the archive's file is never changed. What became of each row is in REPORT_processed.csv;
    run again, what is done is left and what failed is repeated.

    \b
    Example:
      reingest process-images icloud_image_report.csv --staging ~/staging --write-dates

    \b
    Exit status: 0 done, 1 failed, 2 usage or a report that cannot be used, 3 some rows were refused
    or failed, 4 refused by a guard, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    chosen = {"reingest_target": target}
    workspace = console.workspace(**chosen)
    request = ProcessRequest(report, staging, write_dates, dryrun, again)
    return console.carry_out(run_process, workspace, request, summary_formats.PHOTOS)
