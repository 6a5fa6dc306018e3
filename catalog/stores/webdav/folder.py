"""The folder of a server that a store is: whether it is there, what is made in it, and the
catalog's own small files in it.
"""

from __future__ import annotations

import threading

from catalog.domain.names import from_text
from catalog.errors import AlreadyExists, InvalidPath, NotFound, StoreUnavailable
from catalog.stores.paths import PRIVATE
from catalog.stores.patience import Ambiguous
from catalog.stores.webdav.addresses import Address
from catalog.stores.webdav.answers import FILE_PROPERTIES
from catalog.stores.webdav.connection import Connection
from catalog.stores.webdav.downloads import read_small
from catalog.stores.webdav.failures import status_of

IS_THERE, NO_PARENT, GONE = 405, 409, 404
"""What a server answers where a folder cannot be made (RFC 4918, section 9.3.1); some say 404."""


class ServerFolder:
    """A folder of a server, for the store `name`."""

    def __init__(self, name: str, address: Address, connection: Connection) -> None:
        self.name = name
        self.address = address
        self.connection = connection
        self.is_seen = False
        self._made: set[str] = set()
        self._lock = threading.Lock()

    @property
    def location(self) -> str:
        """The folder, as a person would name it."""
        return self.address.location

    def url(self, path: str) -> str:
        """Where a file of the store is asked for."""
        return self.address.url(from_text(path))

    def is_there(self) -> bool:
        """Asks the server."""
        try:
            found = self.connection.list(self.url(""), "0", FILE_PROPERTIES)
        except NotFound:
            return False
        return bool(found) and found[0].is_folder

    def check(self) -> None:
        """Raise StoreUnavailable where the folder is not there; asked until it was seen once."""
        if not self.is_seen and not self.is_there():
            raise StoreUnavailable(
                f"The folder {self.address.text} of store {self.name} is not there.",
                store=self.name,
                hint="Was it renamed, or is a storage of the server not mounted?",
            )
        self.is_seen = True

    def make_folders(self, path: str) -> None:
        """Make a folder of the store, and those above it, where they are not there.

        Raises InvalidPath where a file is in its place.
        """
        system = from_text(path)
        if system not in self._made:
            with self._lock:
                self._make(system, path)

    def _make(self, system: str, path: str) -> None:
        if system in self._made:
            return
        status = self._asked_to_make(self.address.url(system), path)
        if status == NO_PARENT:
            self._make_parent(system, path)
            status = self._asked_to_make(self.address.url(system), path)
        if status == NO_PARENT:
            raise InvalidPath(
                f"A file of store {self.name} lies where the folder of {path} should be.",
                store=self.name,
                path=path,
                hint="Rename that file.",
            )
        self._made.add(system)

    def _make_parent(self, system: str, path: str) -> None:
        if not system:
            self._make_above()
        elif "/" in system:
            self._make(system.rpartition("/")[0], path)
        elif self.is_seen:  # it was there when the run began
            self.is_seen = False
            self.check()
        else:
            self._make("", path)

    def _make_above(self) -> None:
        """Make the folders above the root that are not there."""
        path = self.address.top
        for part in self.address.path.removeprefix(path).split("/")[1:-1]:
            path = f"{path}/{part}"
            self._asked_to_make(Address(self.address.origin, path).url(""), path)

    def _asked_to_make(self, url: str, path: str) -> int:
        """0 once there is a folder, else 409: there is none above it."""
        try:
            self.connection.ask("MKCOL", url, path)
        except (InvalidPath, NotFound) as error:
            status = status_of(error)
            if status not in (NO_PARENT, IS_THERE, GONE):
                raise
            return 0 if status == IS_THERE else NO_PARENT
        return 0

    def forget_made(self) -> None:
        """No folder is known to be there: one was taken away by another program."""
        with self._lock:
            self._made.clear()

    def read_private(self, name: str) -> bytes | None:
        """A small file of the catalog's own below the root, or None."""
        return read_small(self.connection, self.url(f"{PRIVATE}/{name}"), name)

    def write_private(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Put one there, as the root's first file where need be.

        Raises AlreadyExists where there is one.
        """
        self.make_folders(PRIVATE)
        headers = {} if replace else {"If-None-Match": "*"}
        url = self.url(f"{PRIVATE}/{name}")
        try:
            self.connection.ask("PUT", url, name, headers=headers, body=data, is_once=not replace)
        except Ambiguous as error:
            if self.read_private(name) != data:
                raise AlreadyExists(
                    f"{name} was written by another program.", store=self.name, path=name
                ) from error
