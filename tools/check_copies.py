"""Compare two stores by content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import comparison
from catalog.features.health.comparison import STORES, CompareRequest, compare_stores


@click.command("check_copies", short_help="List what either of two stores has alone.")
@click.argument("year", required=False, default="")
@click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="NAME",
    help="Compare this store; give two. Default: nas and dropbox.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="the working directory",
    help="Folder of the lists; lists of an earlier run are replaced.",
)
@options.connection
@options.json
def command(year: str, stores: tuple[str, ...], output: Path, **shared: Any) -> int:
    """Write nas_only.txt and dropbox_only.txt: the paths of what only one of two stores has, one a
    line.

    Stores are compared by content, whatever the names, and by what the index knows: copies that the
    last look found missing or damaged do not count. The stores themselves are not read. YEAR: only
    what was taken in that year. Changes nothing but the two lists.

    \b
    Example:
      check_copies 2019 --output /tmp
      check_copies --store nas --store archive

    \b
    Exit status: 0 both hold the same, 1 failed, 2 usage or an unknown store, 3 they differ, 5
    Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = CompareRequest(year, stores or STORES, output)
    return comparison.show(console, compare_stores(workspace, request), year)
