"""Say which videos would go to a cloud, which must be converted, and why not the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.archives import scope_of, settings_of
from catalog.cli.console import Console
from catalog.features.reingest.evaluation import EvaluateRequest
from catalog.features.reingest.videos.reports import REPORT, run_evaluate


@click.command(
    "evaluate-videos", short_help="Write a report of the videos that could be handed over."
)
@options.archive
@options.option(
    "report",
    type=click.Path(path_type=Path),
    default=REPORT,
    show_default=True,
    help="The table to write.",
)
@options.replace_report
@options.connection
@options.output
def command(report: Path, yes: bool, until: str | None, **given: Any) -> int:
    """Look at every video of FOLDER, or of a store by --query, and write a table of what would be
    done with it.

    A video is to `move` (a copy as it is) if it is HEVC (hvc1) with AAC or without sound in a MOV
    or MP4 file; to `convert` if not; to `skip` if its date cannot be relied on, is before 2000, or
    the cloud has it. Cover art and data do not count. Edit the columns action and datetime as you
    like, then run process-videos. No video is changed.

    \b
    Examples:
      reingest evaluate-videos /mnt/nas/films --until 2019-01-01
      reingest evaluate-videos --query 'taken:<2019-01-01 -tags:icloud'

    \b
    Exit status: 0 done, 1 failed, 2 usage, 4 the report is there already, 5 Elasticsearch cannot be
    reached, 130 interrupted.
    """
    console = Console.from_flags(given)
    request = EvaluateRequest(scope_of(given), report, until, yes)
    workspace = console.workspace(**settings_of(given))
    return console.carry_out(run_evaluate, workspace, request, summary_formats.EVALUATION)
