"""Print which types of files a folder holds."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.console import Console
from catalog.cli.views import folder
from catalog.features.inspection.folder import FolderRequest, count_types


@click.command("list_all_file_types", short_help="Print which types of files a folder holds.")
@click.argument("directory", type=click.Path(path_type=str))
@options.recursive
@options.json
def command(directory: str, recursive: bool, **shared: Any) -> int:
    """Print, for each extension in DIRECTORY, what the content is recognised as, how many files
    there are, and their bytes.

    Reads the first bytes of each file only; nothing is changed.

    \b
    Example:
      list_all_file_types -r ~/Pictures

    \b
    Exit status: 0 done, 1 failed, 2 usage, 130 interrupted.
    """
    request = FolderRequest(directory, recursive=recursive)
    return folder.show_types(Console.from_flags(shared), count_types(request))
