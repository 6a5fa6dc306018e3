"""Write a report of the duplicate photos of an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.archives import scope_of, settings_of
from catalog.cli.console import Console
from catalog.features.reingest.duplicates.evaluation import REPORT, EvaluateRequest, run_evaluate


@click.command(
    "evaluate_duplicates", short_help="Write a report of the duplicate photos of an archive."
)
@options.archive_folder
@options.option(
    "distance",
    type=click.IntRange(0, 16),
    help="Bits by which the hashes of one picture may differ. Default: 10, or 8 among "
    "more than 100,000 pictures.",
)
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
def command(report: Path, yes: bool, distance: int | None, **given: Any) -> int:
    """Find photos in FOLDER, or in what --query finds, that show the same picture, and write a
    report (CSV) of them.

    Compared are all photos with all, in whatever folder, size, format or turn; what is alike by its
    hash is checked on small pictures. In each group the best is `dupe_big`, the others are
    `dupe_small` and `dupe_of` it. The action is `delete` for equal files of one folder, `keep` for
    all else: edit that in any spreadsheet. Nothing but the report is written.

    \b
    Example:
      reingest evaluate-duplicates /mnt/nas/photos

    \b
    Exit status: 0 done, 1 failed, 2 usage, 4 the report is there already, 5 Elasticsearch cannot be
    reached, 130 interrupted.
    """
    console = Console.from_flags(given)
    request = EvaluateRequest(scope_of(given), report, distance, yes)
    workspace = console.workspace(**settings_of(given))
    return console.carry_out(run_evaluate, workspace, request, summary_formats.DUPLICATE_EVALUATION)
