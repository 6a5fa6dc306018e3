"""Forget documents by id."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.cli.ids import read_ids
from catalog.features.removal.forget import ForgetRequest, run_forget


@click.command("delete_ids", short_help="Forget documents by id, or by the ids in a CSV file.")
@click.argument("ids", nargs=-1, required=True, metavar="ID|FILE.csv|-...")
@options.with_files
@options.dryrun
@options.yes
@options.connection
@options.output
def command(ids: tuple[str, ...], with_files: bool, dryrun: bool, yes: bool, **shared: Any) -> int:
    """Take documents out of the catalog by their ids (content hashes).

    A FILE is CSV in UTF-8, with or without BOM, that has a column _id, as Kibana exports it; `-`
    reads it from stdin. Ids that the catalog does not know are named. The files of the assets stay
    where they are, or go to the trash of their stores with --with-files. `catalog undo` brings both
    back.

    \b
    Example:
      delete_ids wrong.csv --dryrun

    \b
    Exit status: 0 done, 1 failed, 2 usage, 3 some ids are unknown or failed, 4 refused by a guard,
    5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = ForgetRequest(
        read_ids(ids), with_files=with_files, dryrun=dryrun, yes=yes, command="delete_ids"
    )
    return console.carry_out(run_forget, workspace, request, summary_formats.FORGET)
