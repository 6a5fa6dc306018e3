"""Write the whole catalog into a file."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import transfer


@click.command(
    "export", short_help="Write the whole catalog into a file, to keep or to import elsewhere."
)
@click.argument("file", type=click.Path(path_type=str, allow_dash=True))
@click.option(
    "--force", is_flag=True, help="Replace FILE if it is there, once the new one is whole."
)
@click.option("--with-access", is_flag=True, help="With the users and tokens of `catalog serve`.")
@options.connection
@options.quiet
@click.option("--json", is_flag=True, help="Print the summary as one JSON object.")
def command(file: str, force: bool, with_access: bool, **shared: Any) -> int:
    """Write every document of the catalog into FILE, or to stdout for -.

    One JSON object a line: assets, events, stores, files that were read, decisions, handovers; all
    as they were at one moment. Users and tokens of `catalog serve` are left out unless you say
    --with-access: no secret is in it, but the hashes of passwords are. An ending .gz, .bz2 or .xz
    has it packed. FILE appears only once it is whole. The catalog is not changed; photos and videos
    are not in the export.

    \b
    Examples:
      catalog export ~/catalog.ndjson.gz
      catalog export - | ssh other 'cat > catalog.ndjson'

    \b
    Exit status: 0 done, 1 failed, 2 usage, or FILE is there already, 5 Elasticsearch cannot be
    reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    return transfer.write_export(console, workspace, file, force=force, with_access=with_access)
