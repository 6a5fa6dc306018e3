"""Show where the copies of assets are."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import copies
from catalog.features.health.copies import CopiesRequest, list_copies


@click.command("copies", short_help="Show where copies are, and which are lacking.")
@click.argument("query", nargs=-1)
@click.option(
    "--missing",
    multiple=True,
    metavar="STORE",
    help="Only assets without a good copy in this store; repeatable.",
)
@options.option(
    "fewer_than",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Only assets held by fewer stores.",
)
@click.option(
    "-l",
    "--limit",
    type=click.IntRange(0),
    default=0,
    help="At most so many assets. 0, the default, means all.",
)
@options.connection
@options.json
def command(
    query: tuple[str, ...], missing: tuple[str, ...], fewer_than: int, limit: int, **shared: Any
) -> int:
    """Show the copies of every asset, or of those that match QUERY, with those that are missing or
    damaged.

    Changes nothing. QUERY is as for `catalog search`.

    \b
    Example:
      catalog copies --missing archive taken:2019

    \b
    Exit status: 0 done, 2 usage or a query that is not understood, 5 Elasticsearch cannot be
    reached.
    """
    console = Console.from_flags(shared)
    request = CopiesRequest(" ".join(query), missing, fewer_than, limit)
    return copies.show(console, list_copies(console.workspace(), request))
