"""XMP sidecars that carry what a person said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.annotations.sidecars import WriteRequest, run_write


@click.group("sidecars", short_help="Write what you said of photos into XMP sidecars beside them.")
def command() -> None:
    """XMP sidecars beside the files, so that tags, albums and corrections outlive the index: see
    `write`.

    \b
    Example:
      catalog sidecars write

    \b
    Exit status: 0 done, 1 failed, 2 usage, 3 some failed, 4 no store is there, 5 Elasticsearch
    cannot be reached, 130 interrupted.
    """


@command.command(
    "write", short_help="Write XMP sidecars beside what has tags, albums or values of yours."
)
@click.argument("query", nargs=-1)
@click.option(
    "--store",
    metavar="NAME",
    default="",
    help="Only beside the copies in this store. Default: all that are there.",
)
@options.dryrun
@click.option(
    "-l",
    "--limit",
    type=click.IntRange(0),
    default=0,
    help="Write at most so many. 0, the default, means all.",
)
@click.option(
    "--nas_root",
    "--nas-root",
    type=click.Path(path_type=Path),
    help="Where the store nas lies now.",
)
@options.connection
@options.output
def write(
    query: tuple[str, ...],
    store: str,
    dryrun: bool,
    limit: int,
    **shared: Any,
) -> int:
    """Write FILE.xmp beside every copy of what matches QUERY and has tags, albums or values that
    you set.

    Photo programs read the standard properties in it; the catalog reads all of it back when the
    files are uploaded into a new catalog. No photo is touched, and no sidecar of another program is
    overwritten: those are skipped. One of our own is replaced only if its content changed, and the
    old one goes to the store's trash; so does one of whose values you took back all. Writing twice
    changes nothing.

    \b
    Examples:
      catalog sidecars write
      catalog sidecars write 'taken:2019' --store nas --dryrun

    \b
    Exit status: 0 done, 1 failed, 2 usage or a query that is not understood, 3 some failed, 4 the
    store is not there, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = WriteRequest(" ".join(query), store, dryrun=dryrun, limit=limit)
    return console.carry_out(run_write, workspace, request, summary_formats.SIDECARS)
