"""What was taken away: list it, bring it back, or remove it for good."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.cli.views import trash as view
from catalog.features.removal.empty import EmptyRequest, run_empty
from catalog.features.removal.restore import RestoreFilesRequest, run_restore_files
from catalog.features.removal.trash import list_trash

in_store = options.option(
    "store",
    metavar="NAME",
    help="Only the trash of this store. Default: of all that can be reached.",
)


@click.group("trash", short_help="List, restore or empty the trash of the stores.")
def command() -> None:
    """List, restore or empty the trash of the stores.

    What is taken away from a store lies in its folder .catalog/trash until it is removed by
    command.

    \b
    Example:
      catalog trash list
      catalog trash restore 20260102T030405678Z-0a1b2c
      catalog trash empty --older-than 90d

    \b
    Exit status: 0 done, 1 failed or not found, 2 usage, 3 some failed, 4 not agreed to, 5
    Elasticsearch cannot be reached.
    """


@command.command("list")
@in_store
@options.connection
@options.json
def list_(store: str | None, **shared: Any) -> int:
    """Show what lies in the trash, oldest first, with the name to restore it by."""
    console = Console.from_flags(shared)
    return view.show(console, list_trash(console.workspace(), store))


@command.command("restore")
@click.argument("what", nargs=-1, required=True, metavar="KEY|RUN|PATH...")
@in_store
@options.dryrun
@options.connection
@options.output
def restore(what: tuple[str, ...], store: str | None, dryrun: bool, **shared: Any) -> int:
    """Bring files back to where they lay, and into the index: by name in the trash, by the run that
    took them, by path.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = RestoreFilesRequest(what, store, dryrun=dryrun)
    return console.carry_out(run_restore_files, workspace, request, summary_formats.TRASH)


@command.command("empty")
@in_store
@options.option("run", metavar="RUN", help="Only what this run took away.")
@options.option(
    "older_than", metavar="AGE", help="Only what was taken away so long ago, such as 90d."
)
@options.option("last_copies", is_flag=True, help="Also what has no good copy anywhere else.")
@options.yes
@options.connection
@options.output
def empty(
    store: str | None,
    run: str | None,
    older_than: str | None,
    last_copies: bool,
    yes: bool,
    **shared: Any,
) -> int:
    """Remove what lies in the trash for good, if a good copy of it is elsewhere. Asks first, or
    wants --yes.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = EmptyRequest(store, run, older_than, last_copies=last_copies, yes=yes)
    return console.carry_out(run_empty, workspace, request, summary_formats.TRASH)
