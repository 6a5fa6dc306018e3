"""Print what is known of every photo and video in a folder; needs no index."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import folder
from catalog.features.inspection.folder import FolderRequest, describe_files


@click.command(
    "images_in_directory", short_help="Print the facts of every photo and video in a folder."
)
@click.argument("directory", type=click.Path(path_type=str))
@options.recursive
@click.option(
    "--format",
    "style",
    type=click.Choice(["json", "jsonl", "csv"]),
    default="json",
    show_default=True,
    help="An array, one object a line, or a table.",
)
@options.config
def command(directory: str, recursive: bool, style: str, **shared: Any) -> int:
    """Print one object for each photo and video in DIRECTORY: hash, type, capture time, position,
    camera, size, look.

    Reads only; no index is needed and none is changed. A file that cannot be read has its reason in
    `error`, and so has one whose picture cannot be decoded, beside all that is known of it. Files
    that are no photo or video are left out.

    \b
    Example:
      images_in_directory -r ~/Pictures --format csv > pictures.csv

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files could not be read, 130
    interrupted.
    """
    console = Console.from_flags(shared)
    request = FolderRequest(directory, recursive=recursive)
    return folder.show_files(console, describe_files(console.workspace(), request), style)
