"""Move files into folders of categories, by their tags."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.sorting.run import MoverRequest, run_mover, watch_mover


@click.command("mover", short_help="Move tagged files into folders of their categories.")
@click.option("--watch", is_flag=True, help="Look again and again, until interrupted.")
@options.frequency("With --watch: look so often.")
@options.dryrun
@options.connection
@options.output
def command(watch: bool, frequency: float, dryrun: bool, **shared: Any) -> int:
    """Move what lies in unsorted_remote_dir and has a tag PARENT:CATEGORY to
    images_root_dir/CATEGORY, and take the tag off.

    PARENT is parent_tag_value, such as ai for ai:cats; no other tag counts. On a Nextcloud these
    are its own tags. In a store of the catalog the record moves as well, and CATEGORY becomes an
    album; in one without tags of its own (a disk, Dropbox) those of `catalog tag` count. Another
    file of the name is never replaced; of equal ones one is kept. Folders are entered, not moved.

    \b
    Example:
      mover --dryrun
      mover --watch --frequency 30

    \b
    Exit status: 0 done, or ended by SIGTERM, as a service is; 1 failed, 2 usage, 3 some could not
    be moved, 4 a folder is not the store it was, 5 something cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = MoverRequest(frequency, dryrun)
    words = summary_formats.MOVER
    if watch and not dryrun:
        return console.serve(lambda: watch_mover(workspace, request, console.sink(words)))
    return console.carry_out(run_mover, workspace, request, words)
