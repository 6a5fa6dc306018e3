"""Check that every asset has the copies it should have."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import shortfalls
from catalog.features.health.copies import find_shortfalls


@click.command(
    "check", short_help="Check that every asset has the copies it should have (for cron)."
)
@options.connection
@options.quiet
@options.json
def command(**shared: Any) -> int:
    """Compare the index with min_copies and copy_policies of the configuration; say what falls
    short.

    Reads the index only: `catalog verify` reads the copies themselves.

    \b
    Example:
      catalog check || mail -s "photos lack copies" me@example.org

    \b
    Exit status: 0 nothing falls short, 2 configuration, 3 something does, 5 Elasticsearch cannot be
    reached.
    """
    console = Console.from_flags(shared)
    return shortfalls.show(console, find_shortfalls(console.workspace()))
