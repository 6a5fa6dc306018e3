"""Write a report of the photos that could be handed over to a cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.archives import scope_of, settings_of
from catalog.cli.console import Console
from catalog.features.reingest.evaluation import EvaluateRequest
from catalog.features.reingest.images.run import REPORT, run_evaluate


@click.command(
    "evaluate_image_files", short_help="Write a report of the photos that could be handed over."
)
@options.archive
@options.option(
    "report",
    type=click.Path(path_type=Path),
    default=REPORT,
    show_default=True,
    help="The report to write.",
)
@options.replace_report
@options.roots
@options.connection
@options.output
def command(report: Path, yes: bool, until: str | None, **given: Any) -> int:
    """Look at the photos in FOLDER, or at what --query finds in a store, and write a report (CSV)
    of what would be done.

    Each row says `move` or `skip`, and why. A photo's own date of capture counts, if it agrees with
    the year in the path (a folder such as `2012` or `2012-07 Italy`); else its time of
    modification, if that agrees; else it is skipped. JPEG, HEIC, PNG, GIF, TIFF, WebP, AVIF and DNG
    are offered. What was handed over before is skipped. Edit the report in any spreadsheet: change
    the action, also from skip to move, or the datetime. Nothing but the report is written.

    \b
    Example:
      reingest evaluate-images /mnt/nas/photos --until 2019-01-01
      reingest evaluate-images --query 'taken:<2019-01-01 -tags:icloud' --store nas

    \b
    Exit status: 0 done, 1 failed, 2 usage, 4 the report is there already, 5 Elasticsearch cannot be
    reached, 130 interrupted.
    """
    console = Console.from_flags(given)
    request = EvaluateRequest(scope_of(given), report, until, yes)
    workspace = console.workspace(**settings_of(given))
    return console.carry_out(run_evaluate, workspace, request, summary_formats.EVALUATION)
