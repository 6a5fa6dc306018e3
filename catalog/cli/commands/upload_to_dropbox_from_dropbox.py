"""Upload a folder that is in Dropbox already into the catalog there."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.cli.home_zone import settle_home_zone
from catalog.features.ingest.between import StoreUpload
from catalog.features.ingest.dropbox import COMMAND, run_upload_dropbox
from catalog.stores.dropbox.root import dropbox_folder
from catalog.work.store_book import DROPBOX, NAS


@click.command(
    "upload_to_dropbox_from_dropbox",
    short_help="Upload a folder of Dropbox into the catalog in Dropbox.",
)
@click.option(
    "--nas", is_flag=True, help="Also make the NAS copy: what is new is downloaded, once."
)
@options.uploading
def command(
    directory: str,
    recursive: bool,
    move: bool,
    dryrun: bool,
    nas: bool,
    limit: int,
    yes: bool,
    **shared: Any,
) -> int:
    """Upload the photos and videos in DIRECTORY, a folder of the Dropbox account, into the catalog
    in the same account.

    Dropbox copies the files itself, to DROPBOX_ROOT, under names made of capture time and place.
    Nothing is downloaded but the first bytes of each new file and a small picture of it; Dropbox
    states the content of every file, so that what the catalog has already is known without that.
    DIRECTORY is never changed, except by --move, which removes the files of a shot once all of
    their copies are confirmed and indexed. Nothing is ever overwritten. The copy on the NAS is made
    by --nas, before --move removes a source, or later by sync_dropbox_to_nas. An interrupted upload
    is simply run again.

    \b
    Example:
      upload_to_dropbox_from_dropbox '/Camera Uploads' -r --dropbox_root /photos

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files failed, 4 refused by a
    guard, 5 Dropbox or Elasticsearch cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = settle_home_zone(console, dryrun=dryrun, yes=yes)
    request = StoreUpload(
        dropbox_folder(directory),
        recursive=recursive,
        move=move,
        dryrun=dryrun,
        limit=limit,
        yes=yes,
        store=DROPBOX,
        further=NAS if nas else "",
        command=COMMAND,
    )
    words = summary_formats.UPLOAD_TWICE if nas else summary_formats.UPLOAD
    return console.carry_out(run_upload_dropbox, workspace, request, words)
