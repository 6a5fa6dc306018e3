"""Show what happened to an asset, in a run, or which runs there were."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import history
from catalog.features.inspection.history import HistoryRequest, find_events, list_runs


@click.command("history", short_help="Show what happened: to an asset, in a run, or all runs.")
@click.argument("what", required=False, metavar="[PATH|HASH]")
@options.option("run", metavar="RUN", help="Only what this run did.")
@click.option(
    "-l",
    "--limit",
    type=click.IntRange(0),
    default=0,
    help="At most so many lines. 0, the default, means all.",
)
@options.connection
@options.json
def command(what: str | None, run: str | None, limit: int, **shared: Any) -> int:
    """Show the history of an asset, by its hash or a path it has or had; of a RUN; or, with
    neither, a line for each run.

    Changes nothing. The names of runs are what `catalog undo` takes.

    \b
    Example:
      catalog history
      catalog history --run 20260102T030405678Z-0a1b2c
      catalog history "2019/07_July/2019-07-12 18-30-15 Ghent.jpg"

    \b
    Exit status: 0 done, 1 nothing fits, 2 usage, 5 Elasticsearch cannot be reached.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    if what is None and run is None:
        return history.show_runs(console, list_runs(workspace, limit))
    return history.show_events(console, find_events(workspace, HistoryRequest(what, run, limit)))
