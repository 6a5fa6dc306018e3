"""Rebuild the index from the disks alone."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.reconcile.rebuild import RebuildRequest, run_rebuild


@click.command("rebuild", short_help="Rebuild the index from the disks alone.")
@click.argument("stores", nargs=-1, required=True, metavar="STORE|FOLDER...")
@options.roots
@options.connection
@options.output
def command(stores: tuple[str, ...], **shared: Any) -> int:
    """Record everything that lies in the stores, each named by its folder: its marker says which
    store it is.

    For when the index is lost and there is no export or backup. Files are only read; the stores are
    this catalog's from then on. What a person
    said of a photo comes back from the sidecars that `catalog sidecars write` made. A rebuild that
    was cut off is simply run again.

    \b
    Example:
      catalog rebuild /mnt/nas/photos /mnt/archive1

    \b
    Exit status: 0 done, 1 failed, 2 usage, 3 some files failed, 4 refused by a guard, 5
    Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    return console.carry_out(run_rebuild, workspace, RebuildRequest(stores), summary_formats.SYNC)
