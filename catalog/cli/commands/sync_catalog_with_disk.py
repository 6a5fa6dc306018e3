"""Make the index agree with what lies on a disk."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.reconcile.run import SyncRequest, run_sync


@click.command(
    "sync_catalog_with_disk", short_help="Make the index agree with what lies on a disk."
)
@click.argument("dirname", required=False, type=click.Path(path_type=str))
@options.recursive
@options.quiet
@options.yes
@options.dryrun
@options.limit_actions
@options.store
@options.rehash
@options.syncing
def command(dirname: str | None, rehash: bool, **given: Any) -> int:
    """Bring the catalog in step with what was moved, renamed, edited, added or deleted by hand.

    The disk is the truth, and is only read. DIRNAME is a folder of the store, relative to its root
    or absolute; with -r what lies below it, too; without DIRNAME the whole store is looked at.
    Files whose size, time and change time (ctime) are as recorded are not read; renamed files are
    known by their inode. Changed files that are no whole pictures or films any more, or very many,
    are held: nothing is recorded of them until you say --accept-changes.
    An asset keeps its tags, albums and history wherever its file went. A file whose content is
    nowhere else stays in the catalog, marked as missing, unless --forget-missing is given. What is
    unclear is asked; with --quiet, --yes or without a terminal the answer that loses nothing is
    taken.

    \b
    Example:
      sync_catalog_with_disk --dryrun
      sync_catalog_with_disk -r 2020/07_July

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files failed or are
    held, 4 refused by a guard, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
    return sync("sync_catalog_with_disk", dirname, given, rehash=rehash)


HOW = (
    "store",
    "recursive",
    "dryrun",
    "limit",
    "yes",
    "forget_missing",
    "accept_losses",
    "accept_changes",
)
"""The options of `sync` that say what is done."""


def sync(command: str, dirname: str | None, given: options.Given, *, rehash: bool = False) -> int:
    """The exit status of a command that makes the index agree with a store; `given` are its
    options.
    """
    console = Console.from_flags(given)
    how = {name: given[name] for name in HOW}
    folders = (dirname,) if dirname else ()
    request = SyncRequest(folders=folders, rehash=rehash, command=command, **how)
    return console.carry_out(run_sync, console.workspace(), request, summary_formats.SYNC)
