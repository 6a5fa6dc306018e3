"""Its command."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.summary import SummaryFormat
from toy_feature.run import TitleRequest, run_titles

WORDS = SummaryFormat(("titled", "failed"), ("titled",), done="titled")


@click.command("titles")
@click.argument("title")
@options.dryrun
@options.limit
@options.connection
@options.output
def command(title: str, dryrun: bool, limit: int, **shared: Any) -> int:
    """Call photos without a title TITLE."""
    console = Console.from_flags(shared)
    request = TitleRequest(title, dryrun=dryrun, limit=limit)
    return console.carry_out(run_titles, console.workspace(), request, WORDS)
