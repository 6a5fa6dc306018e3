"""The index from the disks alone."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.cli.console import Screen
from catalog.errors import UsageError
from catalog.features.reconcile.run import SyncRequest, run_sync
from catalog.stores.marker import marked_name, read_marker
from catalog.work import guards
from catalog.work import store_book as storing
from catalog.work.places import LocalPlace, Place
from catalog.work.workspace import Workspace


def run_rebuild(workspace: Workspace, stores: Sequence[str], screen: Screen) -> int:
    """Record what lies in each store, named by its folder or, where the catalog still knows it, by its name."""
    repository = workspace.repository
    places = [_place(workspace, text) for text in stores]
    for name, place in places:
        storing.claim_root(repository, name, place)
    statuses = [run_sync(workspace, SyncRequest(name, command="rebuild"), screen) for name, _place in places]
    return max(statuses)


def _place(workspace: Workspace, text: str) -> tuple[str, Place]:
    """The name and folder of a store that is given by either."""
    repository, settings = workspace.repository, workspace.settings
    known = repository.store_record(text)
    configured = {storing.NAS: settings.nas_root, storing.DROPBOX: settings.dropbox_root}
    if known is not None or configured.get(text) is not None:
        return text, storing.place_of(workspace, text, known)
    root = guards.check_folder(text)
    name = marked_name(root) if read_marker(root) else ""
    if not name:
        raise UsageError(f"{root} has no marker of a store.", hint=f"Add it first: catalog store add NAME {root}")
    return name, LocalPlace(root)
