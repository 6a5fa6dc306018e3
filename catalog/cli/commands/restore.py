"""Bring a backup of the catalog back."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import backups
from catalog.features.backup.run import RestoreBackupRequest, list_backups, run_restore_backup
from catalog.work.sink import SilentSink


@click.command("restore", short_help="Bring a backup of the catalog back.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=str))
@click.option("--name", metavar="BACKUP", help="The backup to restore. Default: the newest.")
@click.option("--list", "listing", is_flag=True, help="Show the backups in DIR and restore none.")
@click.option(
    "--replace", is_flag=True, help="Put the backup in the place of a catalog that holds assets."
)
@options.connection
@options.quiet
@click.option(
    "--json", is_flag=True, help="Print JSON objects: the summary, or with --list each backup."
)
def command(directory: str, name: str | None, listing: bool, replace: bool, **shared: Any) -> int:
    """Bring back a backup that `catalog backup DIR` made.

    The catalog is then the one of the backup, all of it at once. A catalog that holds assets is
    left alone unless --replace is given; its indexes are kept even then. Photos and videos are not
    touched.

    \b
    Examples:
      catalog restore /mnt/usb/catalog-backups --list
      catalog restore /mnt/usb/catalog-backups

    \b
    Exit status: 0 done, 1 failed, 2 usage, or there is no such backup, 4 the catalog holds assets,
    5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    if listing:
        return backups.show(console, directory, list_backups(workspace, directory))
    request, sink = RestoreBackupRequest(directory, name, replace), SilentSink(console.progress())
    return backups.show_restored(console, directory, run_restore_backup(workspace, request, sink))
