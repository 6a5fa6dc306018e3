"""Show what the catalog holds."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import status
from catalog.features.inspection.status import summarize


@click.command("status", short_help="Show what the catalog holds.")
@options.connection
@options.json
def command(**shared: Any) -> int:
    """Show assets, copies and bytes by store, kind and year, how many lack copies, and how many
    have a weak date.

    Changes nothing.

    \b
    Example:
      catalog status --json

    \b
    Exit status: 0 done, 2 usage, 5 Elasticsearch cannot be reached.
    """
    console = Console.from_flags(shared)
    return status.show(console, summarize(console.workspace()))
