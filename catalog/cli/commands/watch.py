"""Keep a store and the index in step."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.reconcile.watch import WatchRequest, run_watch


@click.command("watch", short_help="Keep a store and the index in step while it is changed.")
@click.argument("store", default="nas")
@click.option(
    "--every", default="24h", show_default=True, metavar="AGE", help="Look at everything so often."
)
@click.option(
    "--settle",
    default="5s",
    show_default=True,
    metavar="AGE",
    help="Wait so long after the last change.",
)
@click.option(
    "--poll",
    is_flag=True,
    help="Look again and again; the default on network mounts, which tell nothing.",
)
@options.roots
@options.connection
@options.output
def command(
    store: str,
    every: str,
    settle: str,
    poll: bool,
    **shared: Any,
) -> int:
    """Do what `catalog sync` does whenever files in STORE change, until interrupted.

    The store is looked at as a whole first, and again every so often. Its files are only read; what
    is unclear gets the answer that loses nothing. Dropbox itself says when something changes there:
    catalog watch dropbox. A Nextcloud is asked with one small request every 15 seconds, a plain
    WebDAV server for everything once a minute.

    \b
    Example:
      catalog watch nas --every 12h

    \b
    Exit status: 0 ended by SIGTERM, as a service is; 1 failed, 2 usage, 4 the store is not there, 5
    Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = WatchRequest(store, every=every, settle=settle, poll=poll)
    return console.serve(lambda: run_watch(workspace, request, console.sink(summary_formats.SYNC)))
