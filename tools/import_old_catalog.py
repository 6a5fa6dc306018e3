"""Import an old catalog of years, months and named folders."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.cli.home_zone import settle_home_zone
from catalog.features.old_catalog.run import OldCatalogRequest, run_import_old


@click.command(
    "import_old_catalog", short_help="Import an old catalog of years, months and albums."
)
@click.argument("basedir", type=click.Path(path_type=str))
@click.argument("years", metavar="YEAR...", nargs=-1, required=True)
@click.option(
    "--month",
    type=click.IntRange(1, 12),
    multiple=True,
    metavar="M",
    help="Only this month's folder, 1 to 12, and the named folders in it; may be given several "
    "times.",
)
@click.option("--dropbox", is_flag=True, help="Also make the Dropbox copy of what is imported.")
@options.quiet
@options.dryrun
@options.limit
@options.roots
@options.connection
@options.yes
@options.json
@options.verbose
def command(
    basedir: str,
    years: tuple[str, ...],
    month: tuple[int, ...],
    dropbox: bool,
    dryrun: bool,
    limit: int,
    **shared: Any,
) -> int:
    """Import the folders YEAR... of an old catalog in BASEDIR into the catalog.

    A year holds folders of months (a number and at most one word: 07, 07_July, 07 Juli) and named
    folders. What lies in a month, in filmchen or Whatsapp there, or loose in the year is imported
    as an upload does it: once in the whole catalog, named by its capture time. Named folders, in a
    year, in a month or deeper, are albums: they keep their place, also for files that the catalog
    has elsewhere, and search finds them by albums:NAME. In an album a name that is mostly text is
    kept and gets the capture time; other names are made as usual. All months come before the first
    album, so that what both of them hold has two copies.

    BASEDIR is never changed, and nothing in NAS_ROOT is ever overwritten. Run again, it stores only
    what is not there.

    \b
    Example:
      import_old_catalog /mnt/old 2015 2016 --nas_root /mnt/nas/photos --dryrun
      import_old_catalog /mnt/old 2015 --month 7 --nas_root /mnt/nas/photos

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files failed, 4 refused by a
    guard, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = settle_home_zone(console, dryrun=dryrun, yes=bool(shared.get("yes")))
    request = OldCatalogRequest(
        basedir, years, months=month, dryrun=dryrun, dropbox=dropbox, limit=limit
    )
    words = summary_formats.UPLOAD_TWICE if dropbox else summary_formats.UPLOAD
    return console.carry_out(run_import_old, workspace, request, words)
