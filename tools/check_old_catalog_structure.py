"""Print what is odd about the folders of an old catalog; needs no index."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import structure
from catalog.features.old_catalog.run import check_structure


@click.command(
    "check_old_catalog_structure",
    short_help="Print what is odd about the folders of an old catalog.",
)
@click.argument("basedir", type=click.Path(path_type=str))
@options.json
def command(basedir: str, **shared: Any) -> int:
    """Print, for each folder of a year (four digits) in BASEDIR, what lies in it beside folders,
    and which months are missing.

    Folders of BASEDIR that are no year are printed, too; hidden files and folders are not. Named
    folders in a year are albums, and nothing odd. Reads only; no index is needed.

    \b
    Example:
      check_old_catalog_structure /mnt/old

    \b
    Exit status: 0 nothing is odd, 1 failed, 2 usage, 3 something is odd, 130 interrupted.
    """
    return structure.show(Console.from_flags(shared), check_structure(basedir))
