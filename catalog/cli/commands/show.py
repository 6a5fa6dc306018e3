"""Show one asset."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import asset
from catalog.features.inspection.lookup import read_record


@click.command("show", short_help="Show all that is known of one photo or video.")
@click.argument("what", metavar="HASH|PATH")
@options.connection
@options.json
def command(what: str, **shared: Any) -> int:
    """Show all that is known of one asset: every value and where it came from, its copies, and its
    history.

    HASH may be cut short. PATH is a path in a store (`nas:2019/...`), or any file on this machine,
    whose content is then looked up. Changes nothing.

    \b
    Example:
      catalog show /mnt/nas/photos/2019/07_July/2019-07-12\\ 18-30-15\\ Ghent.jpg

    \b
    Exit status: 0 done, 1 not in the catalog, 2 usage, 5 Elasticsearch cannot be reached.
    """
    console = Console.from_flags(shared)
    return asset.show(console, read_record(console.workspace(), what))
