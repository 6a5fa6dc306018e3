"""Make the index agree with what lies on a disk."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, wording
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
@click.option(
    "--rehash",
    is_flag=True,
    help="Read every file, also those whose size and time are as recorded.",
)
@options.option(
    "forget_missing",
    is_flag=True,
    help="Forget assets whose only recorded copy is gone, instead of marking them.",
)
@options.option(
    "accept_losses",
    is_flag=True,
    help="Go on though many recorded files are missing (exit 4 otherwise).",
)
@options.roots
@options.connection
@options.json
@options.verbose
def command(
    dirname: str | None,
    recursive: bool,
    yes: bool,
    dryrun: bool,
    limit: int,
    store: str,
    rehash: bool,
    forget_missing: bool,
    accept_losses: bool,
    **shared: Any,
) -> int:
    """Bring the catalog in step with what was moved, renamed, edited, added or deleted by hand.

    The disk is the truth, and is only read. DIRNAME is a folder of the store, relative to its root
    or absolute; with -r what lies below it, too; without DIRNAME the whole store is looked at.
    Files whose size and time are as recorded are not read; renamed files are known by their inode.
    An asset keeps its tags, albums and history wherever its file went. A file whose content is
    nowhere else stays in the catalog, marked as missing, unless --forget-missing is given. What is
    unclear is asked; with --quiet, --yes or without a terminal the answer that loses nothing is
    taken.

    \b
    Example:
      sync_catalog_with_disk --dryrun
      sync_catalog_with_disk -r 2020/07_July

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files failed, 4 refused by a
    guard, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = SyncRequest(
        store,
        (dirname,) if dirname else (),
        recursive=recursive,
        dryrun=dryrun,
        limit=limit,
        yes=yes,
        rehash=rehash,
        forget_missing=forget_missing,
        accept_losses=accept_losses,
    )
    return console.carry_out(run_sync, workspace, request, wording.SYNC)
