"""Put converted videos into the archive in the place of their originals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.reingest.replacement.run import ReplaceRequest, run_replace


@click.command(
    "replace-archived-media", short_help="Put converted videos in the place of their originals."
)
@click.argument("report", type=click.Path(path_type=Path))
@options.option(
    "failsafe",
    metavar="FOLDER",
    help="Keep the originals here. Default: the folder failsafe beside REPORT.",
)
@options.option("larger", is_flag=True, help="Replace also where nothing is gained in size.")
@options.option(
    "undo",
    is_flag=True,
    help="Bring the originals back in a folder that is no store of the catalog.",
)
@options.dryrun
@options.yes
@options.connection
@options.output
def command(
    report: Path,
    failsafe: str | None,
    larger: bool,
    undo: bool,
    dryrun: bool,
    yes: bool,
    **shared: Any,
) -> int:
    """Replace the originals of the rows of REPORT, a table that process-videos wrote, whose column
    overwrite is 1.

    Each original is copied to the failsafe folder and compared; the converted video is checked and
    decoded once more; then the original goes to the trash of its store (in a folder that is none,
    out of the way) and the converted one takes its place as name.mov (name_1.mov where that is
    taken), never over another file. If anything fails, the original is put back. The catalog keeps
    both, linked, and the new one has the old one's tags, albums, rating, place and date. `catalog
    undo RUN` takes it back. What became of each row is in REPORT_replaced.csv.

    \b
    Examples:
      reingest replace-archived-media icloud_video_report_processed.csv --dryrun
      reingest replace-archived-media icloud_video_report_processed.csv --failsafe /mnt/originals

    \b
    Exit status: 0 done, 1 failed (a full disk), 2 usage or a report that cannot be used, 3 some
    rows were refused or failed, 4 refused by a guard, 5 Elasticsearch cannot be reached, 130
    interrupted.
    """
    console = Console.from_flags(shared)
    request = ReplaceRequest(report, failsafe, larger, dryrun, yes, undo)
    workspace = console.workspace()
    return console.carry_out(run_replace, workspace, request, summary_formats.REPLACEMENT)
