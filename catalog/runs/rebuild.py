"""The index from the disks alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from catalog.console import Screen
from catalog.errors import UsageError
from catalog.execution import guards
from catalog.runs import storing
from catalog.runs.sync import SyncRequest, run_sync
from catalog.stores.marker import marked_name, read_marker
from catalog.wiring import Workspace


def run_rebuild(workspace: Workspace, stores: Sequence[str], screen: Screen) -> int:
    """Record what lies in each store, named by its folder or, where the catalog still knows it, by its name."""
    repository = workspace.repository
    roots = [_root(workspace, text) for text in stores]
    for name, root in roots:
        storing.claim_root(repository, name, root)
    statuses = [run_sync(workspace, SyncRequest(name, command="rebuild"), screen) for name, _root in roots]
    return max(statuses)


def _root(workspace: Workspace, text: str) -> tuple[str, Path]:
    """The name and folder of a store that is given by either."""
    repository = workspace.repository
    known = repository.store_record(text)
    if known is not None or (text == storing.NAS and workspace.settings.nas_root is not None):
        return text, storing.root_of(workspace, text, known)
    root = guards.check_folder(text)
    name = marked_name(root) if read_marker(root) else ""
    if not name:
        raise UsageError(f"{root} has no marker of a store.", hint=f"Add it first: catalog store add NAME {root}")
    return name, root
