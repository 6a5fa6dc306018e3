"""Where a store lies: a folder of this machine, or one of a Dropbox account; whether it is there, and its marker."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from catalog.domain.names import to_text
from catalog.errors import AlreadyExists, StoreGuard
from catalog.stores.local import LocalStore
from catalog.stores.marker import MARKER, identity_in, marker_data, read_marker, write_marker
from catalog.stores.protocol import ManagedStore
from catalog.work.workspace import Workspace


class Place(Protocol):
    """Where a store lies. `kind` and `text` are what the catalog records of it."""

    kind: ClassVar[str]

    @property
    def text(self) -> str:
        """The folder as its kind names it, in text form."""
        ...

    @property
    def shown(self) -> str:
        """The folder as a person would name it."""
        ...

    def is_there(self) -> bool:
        """Whether the folder is there now. Raises StoreUnavailable where that cannot be told."""
        ...

    def marker(self) -> str | None:
        """The id of the store there; None where it was never marked. Raises StoreGuard for a damaged marker."""
        ...

    def mark(self, name: str, identity: str | None = None) -> str:
        """Mark it, and make the folder where there is none; see `stores.marker.write_marker`."""
        ...

    def store(self, name: str, *, is_new: bool = False) -> ManagedStore:
        """The store. `is_new`: the catalog does not know it yet, so that a folder that is not there is an empty one."""
        ...


@dataclass(frozen=True, slots=True)
class LocalPlace:
    """A folder of this machine."""

    root: Path
    kind: ClassVar[str] = "local"

    @property
    def text(self) -> str:
        """The path."""
        return to_text(str(self.root))

    @property
    def shown(self) -> str:
        """The path."""
        return self.text

    def is_there(self) -> bool:
        """Whether it is a folder."""
        return self.root.is_dir()

    def marker(self) -> str | None:
        """From its file."""
        return read_marker(self.root)

    def mark(self, name: str, identity: str | None = None) -> str:
        """By a file."""
        return write_marker(self.root, name, identity)

    def store(self, name: str, *, is_new: bool = False) -> ManagedStore:  # noqa: ARG002 - a disk that is not there is no empty one
        """The folder as a store."""
        return LocalStore(name, self.root)


@dataclass(frozen=True, slots=True)
class DropboxPlace:
    """A folder of the Dropbox account; `root` is "" for all of it, else begins with a slash."""

    workspace: Workspace
    root: str
    kind: ClassVar[str] = "dropbox"

    @property
    def text(self) -> str:
        """The folder as Dropbox names it."""
        return self.root or "/"

    @property
    def shown(self) -> str:
        """The same, with where it is."""
        return f"dropbox:{self.text}"

    def is_there(self) -> bool:
        """Asks Dropbox."""
        return self.workspace.dropbox_store("dropbox", self.root).has_root()

    def marker(self) -> str | None:
        """From its file in Dropbox."""
        data = self.workspace.dropbox_store("dropbox", self.root).read_private(MARKER)
        return None if data is None else identity_in(data, f"{self.shown}/.catalog/{MARKER}")

    def mark(self, name: str, identity: str | None = None) -> str:
        """By a file in Dropbox."""
        store = self.workspace.dropbox_store(name, self.root)
        if identity is None and (known := self.marker()) is not None:
            return known
        with contextlib.suppress(AlreadyExists):
            store.write_private(MARKER, marker_data(name, identity), replace=identity is not None)
        found = self.marker()
        if found is None:
            raise StoreGuard(f"The marker of {self.shown} vanished while it was written.")
        return found

    def store(self, name: str, *, is_new: bool = False) -> ManagedStore:
        """The folder as a store."""
        return self.workspace.dropbox_store(name, self.root, is_new=is_new)
