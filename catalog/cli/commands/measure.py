"""Look again at pictures that an earlier version looked at."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.lookalikes.measure import MeasureRequest, run_measure


@click.command("measure", short_help="Look at pictures again that an earlier version catalogued.")
@click.argument("query", nargs=-1)
@click.option("--again", is_flag=True, help="Also pictures that have all scores.")
@options.dryrun
@options.connection
@options.output
def command(query: tuple[str, ...], again: bool, dryrun: bool, **shared: Any) -> int:
    """Measure look and quality of pictures of which an earlier version of the program did not
    record all of it.

    Each is read once, from the first of its copies that answers. `catalog similar`, `duplicates`
    and `bad` use what is recorded. Only the index is changed, and nothing in it but look and
    quality.

    \b
    Example:
      catalog measure 'taken:2019'

    \b
    Exit status: 0 done, 2 the query is not understood, 3 some could not be read, 5 Elasticsearch
    cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = MeasureRequest(" ".join(query), again=again, dryrun=dryrun)
    return console.carry_out(run_measure, workspace, request, summary_formats.MEASURE)
