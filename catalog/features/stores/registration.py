"""Making a folder a store of the catalog, or telling the catalog where a known one lies now."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.domain.names import from_text
from catalog.errors import StoreGuard, UsageError
from catalog.stores.marker import read_marker
from catalog.work import guards
from catalog.work import store_book as storing
from catalog.work.places import DropboxPlace, LocalPlace, Place
from catalog.work.workspace import Workspace

IN_DROPBOX = "dropbox:"
"""How a folder begins that lies in Dropbox."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")
Records = dict[str, dict[str, Any]]
"""What the catalog knows of each store, by name."""


@dataclass(frozen=True, slots=True)
class AddRequest:
    """Which folder becomes which store: one of this machine, or `dropbox:` and one of Dropbox.

    `force`: the folder is that store, though its marker was lost or is of another one.
    """

    name: str
    folder: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class StoreAdded:
    """A store that the catalog knows now: its name, its kind, and where it lies, for a person."""

    name: str
    kind: str
    shown: str


def add_store(workspace: Workspace, request: AddRequest) -> StoreAdded:
    """Make a folder a store. Only its marker is written, and nothing before all is checked."""
    name, force = request.name, request.force
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name} is no name for a store.", hint="Use small letters, digits, - and _.")
    place = _place_named(workspace, request.folder)
    repository = workspace.repository
    known = storing.known_stores(repository)
    _check_name(workspace, name, place, known)
    _check_apart(workspace, name, place, known)
    identity = _new_identity(name, place, known, force=force)
    if not force:
        _check_moved(name, place, known)
    if identity is not None:
        place.mark(name, identity)
    storing.claim_root(repository, name, place)
    return StoreAdded(name, place.kind, place.shown)


def _place_named(workspace: Workspace, folder: str) -> Place:
    """The place that was named. A folder of this machine must be there; one in Dropbox is made."""
    if folder.startswith(IN_DROPBOX):
        return DropboxPlace(workspace, storing.dropbox_folder(folder.removeprefix(IN_DROPBOX)))
    return LocalPlace(guards.check_folder(str(Path(folder).expanduser())))


def _check_name(workspace: Workspace, name: str, place: Place, known: Records) -> None:
    """Raise UsageError where a name stands for another kind of folder, or for another one."""
    if not isinstance(place, DropboxPlace):
        return
    if name == storing.NAS or (name in known and known[name]["kind"] != place.kind):
        raise UsageError(
            f"Store {name} is a folder of this machine, not of Dropbox.",
            hint="Choose another name.",
        )
    configured = workspace.settings.dropbox_root if name == storing.DROPBOX else None
    if configured and storing.dropbox_folder(configured).lower() != place.root.lower():
        raise UsageError(
            f"dropbox_root says that store {name} is at {configured}.",
            hint="Change dropbox_root instead.",
        )


def _check_apart(workspace: Workspace, name: str, place: Place, known: Records) -> None:
    """Raise SourceInsideCatalog where another store lies in the folder, or around it."""
    if isinstance(place, DropboxPlace):
        storing.check_apart_from_others(workspace, workspace.repository, name, place)
        return
    assert isinstance(place, LocalPlace)
    for other, record in known.items():
        there = storing.place_of(workspace, other, record) if other != name else None
        if isinstance(there, LocalPlace) and there.is_there():
            guards.check_apart(place.root, there.root)


def _new_identity(name: str, place: Place, known: Records, *, force: bool) -> str | None:
    """The id to mark the folder with; None where its marker fits, or is made by its first use.

    Raises StoreGuard where it has the marker of another store, or not that of this one, unless that is forced.
    """
    marker = place.marker() if place.is_there() else None
    marked = (other for other, record in known.items() if marker is not None and record["id"] == marker)
    owner = next(marked, name)
    expected = known[name]["id"] if name in known else None
    if owner == name and expected in (None, marker):
        return None
    if not force:
        raise _other_store(name, place, owner, known)
    return expected or uuid.uuid4().hex


def _other_store(name: str, place: Place, owner: str, known: Records) -> StoreGuard:
    """Why a folder is not taken for a store."""
    is_disk = isinstance(place, LocalPlace)
    if owner != name:
        what = f"has the marker of store {owner}"
        hint = "If it is a copy of that disk, and to be a store of its own, add --force."
    else:
        where = f", which the catalog knows at {known[name]['root']}" if is_disk else ""
        what = f"does not have the marker of store {name}{where}"
        hint = "Is it the right folder? If its marker was lost, or the disk replaced, add --force."
    return StoreGuard(
        f"{place.shown} {what}; nothing was changed.",
        hint=hint if is_disk else "If that is meant, add --force.",
    )


def _check_moved(name: str, place: Place, known: Records) -> None:
    """Raise StoreGuard where a known store is still there in another folder of this machine."""
    record = known.get(name)
    if not isinstance(place, LocalPlace) or record is None or record["kind"] != place.kind:
        return
    before = Path(from_text(record["root"]))
    if not before.is_dir() or before.samefile(place.root) or read_marker(before) != record["id"]:
        return
    raise StoreGuard(
        f"Store {name} is still there at {before}; nothing was changed.",
        hint="A copy of it gets a name of its own: catalog store add OTHER FOLDER --force.",
    )
