"""Bring an export into the catalog."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import transfer


@click.command(
    "import",
    short_help="Bring an export into the catalog: into an empty one, or merged into what is there.",
)
@click.argument("file", type=click.Path(path_type=str, allow_dash=True))
@options.dryrun
@click.option(
    "--with-access", is_flag=True, help="Users and tokens of the export may come in here as well."
)
@options.connection
@options.quiet
@click.option(
    "--json",
    is_flag=True,
    help="Print one JSON object a line: what was merged or failed, then the summary.",
)
def command(file: str, dryrun: bool, with_access: bool, **shared: Any) -> int:
    """Bring every document of an export into the catalog. FILE may be packed with gzip, bzip2 or
    xz; - is stdin.

    What the catalog does not have is created. An asset that it has gets the copies and sidecars it
    lacks (of two records of one copy the one verified later), and what a person said of it, where
    nothing was said here; all else stays as it is. Nothing is removed. An interrupted import is
    simply run again. An export of an older version is brought up to date on the way. Photos and
    videos are not touched.

    \b
    Examples:
      catalog import ~/catalog.ndjson.gz --dryrun
      zstd -dc catalog.ndjson.zst | catalog import -

    \b
    Exit status: 0 done, 1 failed (the file is damaged, cut short, or of a newer version), 2 usage,
    or FILE is no export, 3 some documents do not fit, 5 Elasticsearch cannot be reached, 130
    interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    return transfer.read_import(console, workspace, file, dryrun=dryrun, with_access=with_access)
