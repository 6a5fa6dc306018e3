"""Make the index agree with what lies in a store of any kind."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.commands.sync_catalog_with_disk import sync


@click.command("sync", short_help="Make the index agree with what lies in a store.")
@click.argument("store", default="nas")
@click.argument("dirname", required=False, type=click.Path(path_type=str))
@options.recursive
@options.quiet
@options.yes
@options.dryrun
@options.limit_actions
@options.rehash
@options.syncing
def command(dirname: str | None, rehash: bool, **given: Any) -> int:
    """Bring the catalog in step with what was moved, renamed, edited, added or deleted in STORE, of
    whatever kind it is.

    What sync_catalog_with_disk does for disks, and sync_catalog_with_dropbox for Dropbox, this does
    for any store: its files are only read. Of a store that states what its files hold, or computes
    it, nothing is read but what is new. DIRNAME is a folder of the store, relative to its root or
    absolute; with -r what lies below it, too; without DIRNAME all of it is looked at.

    \b
    Example:
      catalog sync cloud --dryrun
      catalog sync cloud -r 2020/07_July

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files failed or are
    held, 4 refused by a guard, 5 a service or Elasticsearch cannot be reached, 130 interrupted.
    """
    return sync("sync", dirname, given, rehash=rehash)
