"""Upload a folder of this machine or of a service into any store."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.cli.home_zone import settle_home_zone
from catalog.features.ingest.between import StoreUpload, run_upload_between


@click.command("upload", short_help="Upload a folder, also of a service, into any store.")
@options.uploading
@options.option(
    "store",
    metavar="NAME",
    default="nas",
    show_default=True,
    help="The store that gets what is new; see `catalog store list`.",
)
@options.option("also", metavar="NAME", help="Also make the copy in this store.")
def command(directory: str, store: str, also: str | None, **given: Any) -> int:
    """Upload the photos and videos in DIRECTORY into a store, under names made of capture time and
    place.

    DIRECTORY is a folder of this machine, or of a service that the catalog can reach, with its
    prefix: webdav:Phone (in the folder that webdav_url names), webdav:https://host/path,
    dropbox:/Camera. It may not be part of a store. Where the store lies with the same account, the
    service copies the files itself; the copies are proved by what it states or computes, else by
    reading them. DIRECTORY is never changed, except by --move, which removes the files of a shot
    once all of their copies are confirmed and indexed. Nothing is ever overwritten. An interrupted
    upload is simply run again.

    \b
    Example:
      catalog upload webdav:Phone -r --move --store cloud --also nas

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files failed, 4 refused by a
    guard, 5 a service or Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(given)
    workspace = settle_home_zone(console, dryrun=given["dryrun"], yes=given["yes"])
    how = {name: given[name] for name in ("recursive", "move", "dryrun", "limit", "yes")}
    request = StoreUpload(directory, store=store, further=also or "", **how)
    words = summary_formats.UPLOAD_TWICE if also else summary_formats.UPLOAD
    return console.carry_out(run_upload_between, workspace, request, words)
