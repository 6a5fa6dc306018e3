"""An upload from a folder of a Dropbox into the catalog's store in the same account: nothing is downloaded whole."""

from __future__ import annotations

from catalog.console import Screen
from catalog.execution import guards
from catalog.runs.ingesting import Claim, between
from catalog.runs.upload import UploadRequest, bring
from catalog.stores.protocol import RemoteStore
from catalog.wiring import Workspace

COMMAND = "upload_to_dropbox_from_dropbox"


def run_upload_dropbox(
    workspace: Workspace, request: UploadRequest, screen: Screen, source: RemoteStore, target: RemoteStore, claim: Claim
) -> int:
    """The exit status of an upload. `source` is the folder that the request names, `target` the catalog's store."""
    guards.check_places_apart(source.place, target.place)
    with between(workspace, source, target, claim, dry=request.dryrun) as ingest:
        return bring(ingest, request, screen, COMMAND)
