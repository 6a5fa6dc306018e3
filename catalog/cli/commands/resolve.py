"""Do what was decided about duplicates and bad shots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.review.resolve import ResolveRequest, run_resolve


@click.command("resolve", short_help="Do what you decided about duplicates and bad shots.")
@click.argument("csv", type=click.Path(path_type=Path), metavar="DECISIONS.csv")
@options.dryrun
@options.yes
@options.connection
@options.output
def command(csv: Path, dryrun: bool, yes: bool, **shared: Any) -> int:
    """Follow the decisions of a CSV: of the page that `catalog review` writes, or of `catalog
    duplicates --csv`, filled in.

    \b
    drop           its tags, albums and favorite, and a better time and place, go over to the one
                   to keep; its files go to the trash of their stores, if enough verified copies of
                   the one to keep answer now (removal_copies)
    not-duplicate  remembered by content, and never asked again
    keep           nothing; of two that are both kept it is remembered that both are wanted

    Rows without a decision are passed over; rows that cannot be understood are refused by line
    number, and the others done. `catalog undo RUN` takes all of it back. More than move_limit to
    drop wants --yes.

    \b
    Example:
      catalog resolve decisions.csv --dryrun

    \b
    Exit status: 0 done, 2 the file is no CSV of decisions, 3 some rows were refused or failed, 4
    too many without --yes, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = ResolveRequest(csv, dryrun=dryrun, yes=yes)
    return console.carry_out(run_resolve, workspace, request, summary_formats.RESOLVE)
