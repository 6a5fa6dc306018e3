"""Make the index agree with what lies in Dropbox."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.commands.sync_catalog_with_disk import sync
from catalog.work.store_book import DROPBOX


@click.command(
    "sync_catalog_with_dropbox", short_help="Make the index agree with what lies in Dropbox."
)
@click.argument("dirname", required=False, type=click.Path(path_type=str))
@options.recursive
@options.quiet
@options.yes
@options.dryrun
@options.limit_actions
@options.option(
    "store",
    metavar="NAME",
    default=DROPBOX,
    show_default=True,
    help="The store in Dropbox to look at.",
)
@options.syncing
def command(dirname: str | None, **given: Any) -> int:
    """Bring the catalog in step with what was moved, renamed, edited, added or deleted in Dropbox.

    Dropbox is the truth, and is only read. DIRNAME is a folder of the catalog in Dropbox, relative
    to DROPBOX_ROOT or absolute; with -r what lies below it, too; without DIRNAME all of it is
    looked at. Dropbox states the content of every file, so that nothing is downloaded but the first
    bytes of what is new; a second run asks only for what changed. Everything else is as with
    sync_catalog_with_disk: an asset keeps its tags, albums and history, and what is nowhere else
    stays in the catalog, marked as missing.

    \b
    Example:
      sync_catalog_with_dropbox --dryrun
      sync_catalog_with_dropbox -r 2020/07_July

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files failed or are
    held, 4 refused by a guard, 5 Dropbox or Elasticsearch cannot be reached, 130 interrupted.
    """
    return sync("sync_catalog_with_dropbox", dirname, given)
