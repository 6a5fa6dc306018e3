"""An upload from a folder of a Dropbox into the catalog's store in the same account."""

from __future__ import annotations

from catalog.errors import UsageError
from catalog.features.ingest.between import StoreUpload, run_upload_between
from catalog.features.ingest.ingestion import book_of
from catalog.stores.dropbox.root import DropboxRoot
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.store_book import DROPBOX
from catalog.work.workspace import Workspace

COMMAND = "upload_to_dropbox_from_dropbox"


def run_upload_dropbox(workspace: Workspace, request: StoreUpload, sink: Sink) -> RunResult:
    """Bring the photos and videos of a folder of a Dropbox into the catalog there."""
    root = book_of(workspace, sink, dry=request.dryrun).root(DROPBOX)
    if root.kind != DropboxRoot.kind:
        raise UsageError(
            f"Store {DROPBOX} is the folder {root.shown}, and none in Dropbox.",
            hint="Use `catalog upload --store`.",
        )
    return run_upload_between(workspace, request, sink)
