"""An upload from a folder of a Dropbox into the catalog's store in the same account:
Dropbox copies, no bytes travel.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from catalog.errors import UsageError
from catalog.features.ingest.ingestion import book_of, open_between
from catalog.features.ingest.run import UploadRequest, run_ingest
from catalog.features.ingest.second_copy import second_copies
from catalog.stores.dropbox.root import DropboxRoot
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.store_book import DROPBOX, NAS
from catalog.work.workspace import Workspace

COMMAND = "upload_to_dropbox_from_dropbox"


@dataclass(frozen=True, slots=True)
class DropboxUpload(UploadRequest):
    """The same from a folder of a Dropbox; with `nas` the NAS gets its copy as well."""

    nas: bool = False


def run_upload_dropbox(workspace: Workspace, request: DropboxUpload, sink: Sink) -> RunResult:
    """Bring the photos and videos of a folder of a Dropbox into the catalog there."""
    book = book_of(workspace, sink, dry=request.dryrun)
    root = book.root(DROPBOX)
    if root.kind != DropboxRoot.kind:
        raise UsageError(
            f"Store {DROPBOX} is the folder {root.shown}, and none in Dropbox.",
            hint="Use `catalog mirror`.",
        )
    is_new = DROPBOX not in book.known
    if not is_new:
        book.prove(DROPBOX, root)
    else:
        book.check_catalog(DROPBOX, root, root.marker())
        if not request.dryrun:
            book.check_apart(DROPBOX, root)
    with (
        contextlib.closing(book.open_outside_dropbox(request.directory)) as source,
        contextlib.closing(root.store(DROPBOX, is_new=is_new)) as target,
        open_between(workspace, source, target, book, root) as ingest,
        second_copies(workspace, NAS, sink, wanted=request.nas, dry=request.dryrun) as further,
    ):
        return run_ingest(ingest, request, sink, COMMAND, further)
