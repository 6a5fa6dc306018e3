"""Make a backup of the catalog."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import backups
from catalog.features.backup.run import run_backup
from catalog.work.sink import SilentSink


@click.command("backup", short_help="Make a backup of the catalog that is restored in seconds.")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=str))
@options.connection
@options.quiet
@click.option("--json", is_flag=True, help="Print the summary as one JSON object.")
def command(directory: str, **shared: Any) -> int:
    """Make a backup of the whole catalog in DIR, named by the time (UTC).

    With the program's own Elasticsearch, DIR is any folder; the backup appears in it only once it
    is whole, and none there is ever replaced. With an Elasticsearch that you named, DIR is a folder
    on that server, below one that its path.repo names. The catalog is not changed; photos and
    videos are not in the backup.

    \b
    Example:
      catalog backup /mnt/usb/catalog-backups

    \b
    Exit status: 0 done, 1 failed, 2 usage, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace, sink = console.workspace(), SilentSink(console.progress())
    return backups.show_made(console, directory, run_backup(workspace, directory, sink))
