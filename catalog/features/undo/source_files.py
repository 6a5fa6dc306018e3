"""Files that are no part of a store: where they lay on this machine or in a service,
and how they come back there.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.document import EventSide
from catalog.domain.names import from_text, to_text
from catalog.errors import ConfigError, InvalidPath, StoreUnavailable
from catalog.filesystem.beneath import LinkOnTheWay
from catalog.filesystem.tree import Tree
from catalog.stores import registry
from catalog.stores.local.store import LocalStore
from catalog.stores.machine import machine_id
from catalog.stores.paths import PRIVATE
from catalog.stores.protocol import ManagedStore
from catalog.stores.root import FarRoot
from catalog.work.contents import content_of
from catalog.work.folder_names import FolderNames
from catalog.work.transfer import copy_between
from catalog.work.workspace import Workspace


class SourceFiles:
    """Looks at sources, and puts them back: an absolute path of this machine in text form, or what
    a store of a service stated as its location, and a path below it.

    A service that cannot be reached is a place that is not there.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folders = FolderNames(LocalStore("machine", Path("/"), managed=False))

    def place(self, source: str) -> str:
        """Where a source lies or comes back to: in the folder that is there under an equal name."""
        is_here = Path(from_text(source)).is_absolute()
        return f"/{self._folders.spell(source.lstrip('/'))}" if is_here else source

    def content(self, source: str) -> str | None:
        """The content hash of what lies there now; "" for what is no file,
        None where nothing lies.
        """
        with contextlib.suppress(StoreUnavailable, ConfigError):
            if (far := self._far(source)) is not None:
                store, name = _opened(far), _name(source)
                entry = store.stat(name)
                return content_of(store, entry) if entry else None
        path = Path(from_text(self.place(source)))
        if not path.is_absolute():
            return None
        try:
            place = _open_place(path.parent)
        except OSError:
            return None
        with contextlib.closing(place):
            entry = place.stat(to_text(path.name))
            if entry is None:
                return "" if path.is_dir() else None
            return "" if entry.problem else place.checksum(entry.path)

    def has_place(self, source: str, before: EventSide) -> bool:
        """Whether the disk, or the account, that a file lay on is there:
        under an empty mount point nothing is put back.

        `before` is what its event, or the journal of this machine, holds of it: `device`, and the
        `host` of that.
        """
        device = before.get("device")
        with contextlib.suppress(StoreUnavailable, ConfigError):
            if (far := self._far(source)) is not None:
                return far.device == device
        path = Path(from_text(source))
        if not path.is_absolute() or before.get("host", "") not in ("", machine_id()):
            return False
        nearest = next(p for p in path.parents if p.is_dir())
        return device is not None and nearest.stat().st_dev == device

    def put(
        self, source: str, store: ManagedStore, entry: Entry, mtime_ns: int, digest: str
    ) -> None:
        """A verified copy of a store's file there,
        that appears as a whole and never over another file.
        """
        if (far := self._far(source)) is not None:
            as_it_was = replace(entry, mtime_ns=mtime_ns)
            copy_between(store, as_it_was, _opened(far), _name(source), digest)
            return
        target = Path(from_text(self.place(source)))
        try:
            place = _open_place(target.parent, make=True)
        except LinkOnTheWay as error:
            raise InvalidPath(
                f"/{to_text(error.link)} is a symbolic link now: {source} is not put there."
                if error.link
                else f"{source} lies behind a symbolic link.",
                path=source,
                hint="Put a folder in its place, and run the undo again.",
            ) from error
        try:
            with store.open(entry.path) as stream:
                place.put(to_text(target.name), stream, entry.size, mtime_ns, digest)
        finally:
            place.close()
            place.remove_empty_folder(PRIVATE)

    def _far(self, source: str) -> FarRoot | None:
        """The folder of a service that a source lay in; None for a path of this machine."""
        return registry.root_at(source.rpartition("/")[0], self._workspace.store_context)


def _opened(far: FarRoot) -> ManagedStore:
    """A folder of a service, which may have to be made."""
    return far.store("source", is_new=True)


def _name(source: str) -> str:
    return source.rpartition("/")[2]


def _open_place(folder: Path, *, make: bool = False) -> LocalStore:
    """A folder that files were taken from, which was recorded by its real path: no part of that may
    be a link now. Made if need be.

    Raises OSError.
    """
    disk, relative = Tree(Path(folder.anchor)), os.fspath(folder.relative_to(folder.anchor))
    relative = "" if relative == "." else relative
    if make:
        disk.make_folders(relative)
    return LocalStore("source", folder, managed=make, tree=disk.below(relative))


def digest_of(path: Path) -> str:
    """The content hash of a file of this machine."""
    return LocalStore("file", path.parent, managed=False).checksum(to_text(path.name))
