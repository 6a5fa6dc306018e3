"""Give files the names that they would get now."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.refile.run import RefileRequest, run_refile


@click.command("refile", short_help="Names and folders again, from what is known now.")
@click.argument("query", nargs=-1)
@click.option(
    "--store",
    "stores",
    metavar="NAME",
    multiple=True,
    help="Rename in this store; may be given several times. Default: on the NAS, and in Dropbox "
    "what the NAS has not.",
)
@options.dryrun
@click.option(
    "-l",
    "--limit",
    type=click.IntRange(0),
    default=0,
    help="Rename about so many files: no shot is cut in two. 0, the default, means all.",
)
@options.yes
@options.roots
@options.connection
@options.output
def command(
    query: tuple[str, ...],
    stores: tuple[str, ...],
    dryrun: bool,
    limit: int,
    yes: bool,
    **shared: Any,
) -> int:
    """Rename the files of all assets, or of those that QUERY finds, to what an upload would call
    them now: by a corrected date or place, by facts that were read again, or by another `layout`.

    Only names that the catalog gave are changed. What you renamed yourself, and what was catalogued
    where it lay, stays as it is called. The files of one shot and their sidecars go together, or
    not at all. Nothing is overwritten: where a name is taken the file gets a number. A file that is
    not as recorded is left. Folders of a disk that become empty go. `catalog undo` brings the names
    back.

    Other stores follow with the next `sync_nas_to_dropbox` or `catalog mirror`, which rename there
    as well and send nothing. More than move_limit files want --yes.

    \b
    Examples:
      catalog refile --dryrun
      catalog refile 'camera:X100 taken:2019-07'

    \b
    Exit status: 0 done, 1 failed, 2 usage or a query that is not understood, 3 some were left, 4
    too many without --yes, or a store is not there, 5 Elasticsearch or Dropbox cannot be reached,
    130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = RefileRequest(" ".join(query), stores, dryrun=dryrun, limit=limit, yes=yes)
    return console.carry_out(run_refile, workspace, request, summary_formats.REFILE)
