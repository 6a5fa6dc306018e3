"""An upload from a folder of a Dropbox into the catalog's store in the same account: Dropbox copies, no bytes travel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from catalog.errors import UsageError
from catalog.features.ingest.ingestion import between, lookup_of
from catalog.features.ingest.run import UploadRequest, bring
from catalog.features.ingest.second_copy import second_copies
from catalog.stores.dropbox.root import DropboxRoot
from catalog.stores.protocol import ManagedStore
from catalog.work import store_book as storing
from catalog.work.outcome import RunResult
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

COMMAND = "upload_to_dropbox_from_dropbox"


@dataclass(frozen=True, slots=True)
class DropboxUpload(UploadRequest):
    """The same from a folder of a Dropbox; with `nas` the NAS gets its copy as well."""

    nas: bool = False


def run_upload_dropbox(workspace: Workspace, request: DropboxUpload, sink: Sink) -> RunResult:
    """Bring the photos and videos of a folder of a Dropbox into the catalog there."""
    lookup = lookup_of(workspace, dry=request.dryrun)
    known = lookup.store_record(storing.DROPBOX)
    root = storing.root_of(workspace, storing.DROPBOX, known)
    if root.kind != DropboxRoot.kind:
        raise UsageError(
            f"Store {storing.DROPBOX} is the folder {root.shown}, and none in Dropbox.", hint="Use `catalog mirror`."
        )
    source = storing.dropbox_source(workspace, request.directory, [root, *storing.roots_of(workspace, lookup.store_records())])
    if known is not None:
        storing.check_present(storing.DROPBOX, root, known)
    elif not request.dryrun:
        storing.check_apart_from_others(workspace, workspace.repository, storing.DROPBOX, root)
    target: ManagedStore = root.store(storing.DROPBOX, is_new=known is None)
    claim = partial(storing.claim_root, name=storing.DROPBOX, root=root)
    with (
        between(workspace, source, target, claim, dry=request.dryrun) as ingest,
        second_copies(workspace, storing.NAS, wanted=request.nas, dry=request.dryrun) as further,
    ):
        try:
            return bring(ingest, request, sink, COMMAND, further)
        finally:
            target.close()
