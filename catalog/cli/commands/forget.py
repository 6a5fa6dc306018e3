"""Forget assets."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.removal.forget import ForgetRequest, run_forget


@click.command("forget", short_help="Forget assets; their files stay, or go to the trash.")
@click.argument("what", nargs=-1, required=True, metavar="HASH|PATH...")
@options.with_files
@options.dryrun
@options.yes
@options.connection
@options.output
def command(what: tuple[str, ...], with_files: bool, dryrun: bool, yes: bool, **shared: Any) -> int:
    """Take assets out of the catalog, each named by its hash, the beginning of it, a path in a
    store, or a file.

    The files stay where they are, and the next `catalog sync` would load them again; with
    --with-files they go to the trash of their stores. `catalog undo` brings both back.

    \b
    Example:
      catalog forget "2019/07_July/2019-07-12 18-30-15 Ghent.jpg" --with-files

    \b
    Exit status: 0 done, 1 failed or not found, 2 usage, 3 some failed, 4 refused by a guard, 5
    Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = ForgetRequest(names=what, with_files=with_files, dryrun=dryrun, yes=yes)
    return console.carry_out(run_forget, workspace, request, summary_formats.FORGET)
