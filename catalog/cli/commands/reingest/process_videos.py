"""Bring videos to a staging folder, converted where a cloud would not take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.reingest.videos.run import ProcessRequest, run_process


@click.command(
    "process-videos", short_help="Copy or convert the videos of a report into the staging folder."
)
@click.argument("report", type=click.Path(path_type=Path))
@options.option(
    "staging",
    required=True,
    metavar="FOLDER",
    help="The flat folder from which an uploader takes them.",
)
@options.option(
    "larger", is_flag=True, help="Keep a converted video also where it is larger than its source."
)
@options.again
@options.dryrun
@options.option(
    "target", metavar="NAME", help="The cloud, and the tag of what it was given. Default: icloud."
)
@options.connection
@options.output
def command(
    report: Path,
    staging: str,
    larger: bool,
    again: bool,
    dryrun: bool,
    target: str | None,
    **shared: Any,
) -> int:
    """Do what each row of REPORT, the table of evaluate-videos, says: `move` copies a video,
    `convert` converts it.

    Copies are called YYYYMMDD_HHMMSS-name.mov. A converted video keeps its size, times of frames,
    rotation, HDR, channels, dates, place and device; its sound and pictures are encoded anew only
    where they must be. It is checked, and decoded to its end, before it appears. What became of
    each row is in REPORT_processed.csv; run again, it goes on. The archive is only read.

    \b
    Example:
      reingest process-videos icloud_video_report.csv --staging ~/staging

    \b
    Exit status: 0 done, 1 failed (a full disk), 2 usage or a report that cannot be used, 3 some
    rows were refused or failed, 4 refused by a guard, 5 Elasticsearch cannot be reached, 130
    interrupted.
    """
    console = Console.from_flags(shared)
    request = ProcessRequest(report, staging, larger, dryrun, again)
    workspace = console.workspace(reingest_target=target)
    return console.carry_out(run_process, workspace, request, summary_formats.FILMS)
