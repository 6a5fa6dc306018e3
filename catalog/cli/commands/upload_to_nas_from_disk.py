"""Upload the photos and videos of a folder into the catalog on the NAS."""

from __future__ import annotations

from typing import Any

import click

from catalog.cli import options, summary_formats
from catalog.cli.console import Console
from catalog.cli.home_zone import settle_home_zone
from catalog.features.ingest.run import UploadRequest, run_upload


@click.command(
    "upload_to_nas_from_disk",
    short_help="Upload a folder of photos and videos into the catalog on the NAS.",
)
@click.option("--dropbox", is_flag=True, help="Also make the Dropbox copy of what is uploaded.")
@options.uploading
def command(
    directory: str,
    recursive: bool,
    move: bool,
    dryrun: bool,
    dropbox: bool,
    limit: int,
    yes: bool,
    **shared: Any,
) -> int:
    """Upload the photos and videos in DIRECTORY into the catalog.

    Every file is copied to NAS_ROOT under a name made of its capture time and place, the copy is
    read back and compared, and only then recorded in the index. Files that the catalog has already
    are not copied again. DIRECTORY is never changed, except by --move, which removes the files of a
    shot once all of their copies are verified and indexed. Nothing in NAS_ROOT is ever overwritten.
    An interrupted upload is simply run again. With --dropbox the photos get their second copy in
    DROPBOX_ROOT as well, and with --move they leave DIRECTORY only then; sync_nas_to_dropbox makes
    it later.

    \b
    Example:
      upload_to_nas_from_disk -r ~/Pictures --nas_root /mnt/nas/photos

    \b
    Exit status: 0 done, 1 failed, 2 usage or configuration, 3 some files failed, 4 refused by a
    guard, 5 Elasticsearch or Dropbox cannot be reached, 130 interrupted.
    """
    console = Console.from_flags(shared)
    workspace = settle_home_zone(console, dryrun=dryrun, yes=yes)
    request = UploadRequest(
        directory,
        recursive=recursive,
        move=move,
        dryrun=dryrun,
        dropbox=dropbox,
        limit=limit,
        yes=yes,
    )
    words = summary_formats.UPLOAD_TWICE if dropbox else summary_formats.UPLOAD
    return console.carry_out(run_upload, workspace, request, words)
