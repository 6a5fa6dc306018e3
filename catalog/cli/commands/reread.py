"""Read again what files state."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.reread.run import RereadRequest, run_reread


@click.command("reread", short_help="Read once more what files state: dates, places, cameras.")
@click.argument("query", nargs=-1)
@click.option("--outdated", is_flag=True, help="Only what an older version of the program read.")
@options.dryrun
@options.connection
@options.output
def command(query: tuple[str, ...], outdated: bool, dryrun: bool, **shared: Any) -> int:
    """Read the files of all assets, or of those that QUERY finds, and record what they state now.

    That is what a newer version of the program reads better, or what another home_zone makes of
    times in UTC. Each file is read from the first of its copies on this machine, with its sidecars;
    where there is none, from any store that answers (Dropbox, WebDAV), of which only the bytes that
    are needed are fetched, and look and size stay as they are known. What cannot be read is listed
    with the reason. What a person said stays, and so do names, folders, copies, albums and stacks;
    only the index is changed, and `catalog undo` takes it back; `catalog refile` then gives files
    the names that go with it. With --dryrun the files are read, and what would change is listed.
    `catalog status` says how much an older version has read.

    \b
    Examples:
      catalog reread --outdated --dryrun
      catalog reread 'kind:video -has:location'

    \b
    Exit status: 0 done, 2 the query is not understood, 3 some could not be read, 5 Elasticsearch
    cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = RereadRequest(" ".join(query), outdated=outdated, dryrun=dryrun)
    return console.carry_out(run_reread, workspace, request, summary_formats.REREAD)
