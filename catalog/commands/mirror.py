"""Make one store hold what another holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.commands import options
from catalog.console import Screen
from catalog.runs.stores import run_mirror


@click.command("mirror", short_help="Copy what one store has and another lacks.")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@options.dryrun
@options.limit_actions
@options.roots
@options.connection
@options.output
def command(
    source: str, target: str, dryrun: bool, limit: int, nas_root: Path | None, dropbox_root: str | None, **shared: Any
) -> int:
    """Copy every asset of store FROM that store TO lacks, under the same path, each copy verified before it is recorded.

    What was renamed in FROM is renamed in TO, not sent again. Nothing is ever removed or overwritten in TO. The plan
    comes from the index: run sync_catalog_with_disk first where files were changed by hand.

    \b
    Example:
      catalog mirror nas archive --dryrun

    \b
    Exit status: 0 done, 1 failed, 2 usage, 3 some files failed, 4 a store is not there,
    5 Elasticsearch cannot be reached, 130 interrupted.
    """
    screen = Screen.from_flags(shared)
    workspace = screen.workspace(nas_root=nas_root, dropbox_root=dropbox_root, **screen.connection)
    return run_mirror(workspace, source, target, screen, dryrun=dryrun, limit=limit)
