"""Remove from a folder what is proved to be in the catalog."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.removal.prune import PruneRequest, run_prune


@click.command(
    "delete_from_directory_if_in_catalog",
    short_help="Remove from a folder what is proved to be in the catalog.",
)
@click.argument("directory", type=click.Path(path_type=str))
@options.recursive
@options.dryrun
@options.limit_actions
@options.yes
@click.option("--dropbox", is_flag=True, help="DIRECTORY is a folder of the Dropbox account.")
@options.roots
@options.connection
@options.output
def command(
    directory: str,
    recursive: bool,
    dryrun: bool,
    limit: int,
    yes: bool,
    dropbox: bool,
    **shared: Any,
) -> int:
    """Remove the files in DIRECTORY that are in the catalog, and keep the rest.

    A file is removed only when its content, read now, is in the catalog, and as many copies as the
    setting source_copies says were read now and found right. Where the catalog's own file is
    missing, the file is put into its place. Every file that is kept is named, with the reason.
    Folders that became empty go, too. Nothing is ever removed inside the catalog. `catalog undo`
    brings the files back from their copies. With --dropbox nothing is downloaded, since Dropbox
    states the content of each file; what is removed there can be brought back from Dropbox's own
    deleted files, and folders stay.

    \b
    Example:
      delete_from_directory_if_in_catalog -r /media/card --dryrun

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files failed, 4 refused by a
    guard, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = PruneRequest(
        directory, recursive=recursive, dryrun=dryrun, limit=limit, yes=yes, dropbox=dropbox
    )
    return console.carry_out(run_prune, workspace, request, summary_formats.PRUNE)
