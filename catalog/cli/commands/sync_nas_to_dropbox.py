"""Bring to Dropbox what the NAS has and Dropbox lacks."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options
from catalog.cli.commands.mirror import mirror


@click.command("sync_nas_to_dropbox", short_help="Bring to Dropbox what the NAS has and it lacks.")
@options.mirroring
def command(**given: Any) -> int:
    """Send to Dropbox every asset of the NAS that it lacks, under the same path, each sent once.

    The plan comes from the index, checked against what both list now: no file is read to find out
    what is to be done. What the catalog knows to be renamed on the NAS is renamed in Dropbox,
    unless it was renamed there later. Each copy is verified by its content hash before it is
    recorded. Nothing is ever overwritten or removed: another content under a name that is taken
    gets a number, and what was edited on one side is on both sides in both versions, until you
    decide. A file that is gone from Dropbox is sent again; if neither has it, its record is marked
    as missing. Files that the catalog does not know are not touched.

    May be killed at any moment: the next run goes on, and sends nothing again but the files that
    were under way.

    \b
    Example:
      sync_nas_to_dropbox --dryrun
      sync_nas_to_dropbox --bwlimit '08:00,512K 23:00,off' --max-duration 6h

    \b
    Exit status: 0 done, or ended by a limit; 1 failed, 2 usage or configuration, 3 some files
    failed, 4 refused by a guard, 5 Dropbox or Elasticsearch cannot be reached, 130 interrupted.
    """
    return mirror("nas", "dropbox", "sync_nas_to_dropbox", given)
