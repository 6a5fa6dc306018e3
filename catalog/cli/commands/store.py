"""The stores of the catalog."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.cli.views import stores
from catalog.features.stores.deregistration import RemoveRequest, run_remove
from catalog.features.stores.listing import list_stores
from catalog.features.stores.registration import AddRequest, add_store


@click.group("store", short_help="Add, list or remove the disks that hold copies.")
def command() -> None:
    """Add, list or remove the disks, and folders of services, that hold copies.

    The store nas is there once nas_root is configured, dropbox once dropbox_root is; others, such
    as archive disks and a Nextcloud, are added by name. A store that is unmounted or on a shelf
    stays known, with what was last seen on it.

    \b
    Example:
      catalog store add archive /mnt/archive1
      catalog store add cloud webdav:Photos
      catalog mirror nas archive

    \b
    Exit status: 0 done, 1 failed, 2 usage, 4 refused by a guard, 5 Elasticsearch cannot be reached.
    """


@command.command("add")
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=str))
@options.option(
    "force",
    is_flag=True,
    help="The folder is NAME, though its marker was lost or is of another store or catalog.",
)
@options.connection
@options.quiet
def add(name: str, folder: str, force: bool, **shared: Any) -> int:
    """Make FOLDER the store NAME; for a known store, tell where it lies now. Nothing but its marker
    is written. A folder that is a store of a catalog which this index does not know is refused.
    """
    console = Console.from_flags(shared)
    request = AddRequest(name, folder, force=force)
    return stores.show_added(console, add_store(console.workspace(), request))


@command.command("list")
@options.roots
@options.connection
@options.json
def list_(**shared: Any) -> int:
    """Show every store: where it is, whether it is there now, its copies and bytes."""
    console = Console.from_flags(shared)
    workspace = console.workspace()
    return stores.show(console, list_stores(workspace))


@command.command("remove")
@click.argument("name")
@options.option(
    "forget_copies",
    is_flag=True,
    help="Drop the records of its copies as well; its files are not touched.",
)
@options.connection
@options.output
def remove(name: str, forget_copies: bool, **shared: Any) -> int:
    """Take the store NAME out of the catalog. Its files are not touched."""
    console = Console.from_flags(shared)
    workspace, request = console.workspace(), RemoveRequest(name, forget_copies)
    return console.carry_out(run_remove, workspace, request, summary_formats.STORE_REMOVE)
