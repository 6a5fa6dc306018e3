"""Add tags to photos and videos, or remove them."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.annotations.run import TagRequest, run_tag


@click.command("tag", short_help="Add tags to photos and videos, or remove them.")
@click.argument("what", nargs=-1, metavar="[WHAT]...")
@click.option(
    "-a", "--add", multiple=True, metavar="TAG", help="Add this tag. May be given several times."
)
@click.option(
    "-r",
    "--remove",
    multiple=True,
    metavar="TAG",
    help="Remove this tag. May be given several times.",
)
@click.option(
    "--query", metavar="QUERY", help="All that match this search, as `catalog search` finds them."
)
@options.dryrun
@options.yes
@options.connection
@options.output
def command(
    what: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    query: str | None,
    dryrun: bool,
    yes: bool,
    **shared: Any,
) -> int:
    """Add tags to the assets that WHAT names, or remove them; a tag that a file itself states can
    be removed as well.

    WHAT is a hash or its beginning, a path in a store (`nas:2019/...`), or any file on this
    machine. Only the index is changed, never a file; reading a file again changes no tag. `catalog
    sidecars write` puts the tags beside the files. More than 1,000 assets found by --query want
    --yes. If one WHAT is not in the catalog, nothing is changed.

    \b
    Examples:
      catalog tag /mnt/nas/photos/2019/07_July/*.jpg --add beach --add "Tom and Ann"
      catalog tag --query 'city:Ghent taken:2019-07' --add Festivities --remove misc --dryrun

    \b
    Exit status: 0 done, 1 not in the catalog, 2 usage, 3 some failed, 4 too many without --yes, 5
    Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = TagRequest(what, query, dryrun=dryrun, yes=yes, add=add, remove=remove)
    return console.carry_out(run_tag, workspace, request, summary_formats.SAY)
