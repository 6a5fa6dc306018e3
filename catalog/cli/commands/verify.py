"""Read copies again and compare them with what they were."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.features.health.verification import VerifyRequest, run_verify


@click.command(
    "verify", short_help="Read copies again, mark corrupt ones, and repair them from good ones."
)
@click.argument("store", required=False)
@options.option(
    "older_than", metavar="AGE", help="Only copies that were not verified for so long, such as 90d."
)
@click.option(
    "--time",
    metavar="DURATION",
    help="Stop after so long, such as 1h; the next run goes on from there.",
)
@click.option("--sample", metavar="SHARE", help="Only a random share of the copies, such as 1%.")
@click.option(
    "--repair",
    is_flag=True,
    help="Replace corrupt copies by good ones; the corrupt ones go to the trash.",
)
@options.option(
    "repair_unclear",
    is_flag=True,
    help="With --repair: also copies of which nothing tells whether somebody wrote to them.",
)
@options.roots
@options.connection
@options.output
def command(
    store: str | None,
    older_than: str | None,
    time: str | None,
    sample: str | None,
    repair: bool,
    repair_unclear: bool,
    **shared: Any,
) -> int:
    """Read every copy in STORE, or in all stores that are there, from the disk, and compare its
    content hash.

    Those that were verified longest ago come first, and each is recorded as it is read: an
    interrupted run goes on where it stopped. Corrupt copies are marked, and it is said from where
    they can be repaired; nothing but the index is changed without --repair. Corrupt is what changed
    though its size, time, change time (ctime) and inode are as recorded. All else is edited, and
    left for a sync; where the file system keeps no change times (SMB, FUSE, FAT) it is held for
    you.

    \b
    Example:
      catalog verify nas --older-than 90d --time 1h

    \b
    Exit status: 0 all good or repaired, 1 failed, 2 usage, 3 some copies are corrupt, edited,
    held or missing, 4 the store is not there, 5 Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = console.workspace()
    request = VerifyRequest(store, older_than, time, sample, repair, repair_unclear)
    return console.carry_out(run_verify, workspace, request, summary_formats.VERIFY)
