"""Take a run back."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.undo.run import UndoRequest, run_undo


@click.command("undo", short_help="Take a run back, as far as that is possible.")
@click.argument("run")
@options.dryrun
@options.yes
@options.roots
@options.connection
@options.output
def command(
    run: str,
    dryrun: bool,
    yes: bool,
    **shared: Any,
) -> int:
    """Reverse what RUN did: files it brought go to the trash, files it took away come back, records
    are as before.

    What cannot be taken back is said first, with the reason: what was changed again since, what was
    removed from the trash, stores that are not there. Sources that an upload with --move removed
    are put back before their copies go; the last copy of a photo whose source is gone stays, unless
    --yes is given. What a sync saw on a disk is not taken back. An undo that was killed is run
    again. RUN is named in the summary of every run, and by `catalog history`.

    \b
    Example:
      catalog undo 20260102T030405678Z-0a1b2c --dryrun

    \b
    Exit status: 0 done, also if nothing was left to do, 1 failed, 2 usage or no such run, 3 some of
    it could not be undone, 4 refused by a guard, 5 Elasticsearch cannot be reached, 130
    interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = UndoRequest(run, dryrun=dryrun, yes=yes)
    return console.carry_out(run_undo, workspace, request, summary_formats.UNDO)
