"""Record that what was handed over is in the cloud."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.reingest.confirmation import ConfirmRequest, run_confirm


@click.command("confirm", short_help="Record that what was handed over is in the cloud.")
@click.argument("what", nargs=-1, metavar="[REPORT|NAME]...")
@options.option(
    "emptied", metavar="FOLDER", help="All that was staged in this folder and has left it."
)
@options.target
@options.dryrun
@options.connection
@options.output
def command(
    what: tuple[str, ...], emptied: str | None, target: str | None, dryrun: bool, **shared: Any
) -> int:
    """Record that what was handed over is in the cloud: everything of a REPORT, or by staged NAME,
    pattern, file or hash.

    With --emptied FOLDER it is what was staged there and is there no more, once an uploader has
    emptied the folder; the folder must have its marker, so that an unmounted disk confirms nothing.
    Only records are changed; `catalog undo` takes it back.

    \b
    Example:
      reingest confirm --emptied ~/staging
      reingest confirm icloud_image_report_processed.csv
      reingest confirm '20190712_*'

    \b
    Exit status: 0 done, 1 failed, 2 usage, 3 something was not found, 4 the folder is not there, 5
    Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace(reingest_target=target)
    return console.carry_out(
        run_confirm, workspace, ConfirmRequest(what, emptied, dryrun), summary_formats.CONFIRMATION
    )
