"""Folders of WebDAV servers as roots of stores.

The library for HTTP is loaded when the first of them is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from catalog.errors import NotFound, PermissionDenied
from catalog.stores.marker import Marker, mark_in, marker_in
from catalog.stores.root import Overlap, Root, StoreContext, overlap_of
from catalog.stores.webdav.addresses import (
    KIND,
    PREFIX,
    Address,
    address_at,
    caution_of,
    folder_path,
    parse_address,
)

if TYPE_CHECKING:
    from catalog.stores.webdav.access import Access
    from catalog.stores.webdav.folder import ServerFolder
    from catalog.stores.webdav.store import WebdavStore


@dataclass(frozen=True, slots=True)
class WebdavRoot:
    """A folder of a server; `text` is its whole address, or its path in the folder that
    `webdav_url` names, with a slash before it.
    """

    text: str
    context: StoreContext
    kind: ClassVar[str] = KIND
    folder: ClassVar[Path | None] = None

    @property
    def shown(self) -> str:
        """The same, with what it is."""
        return f"{PREFIX}{self.text}"

    @property
    def address(self) -> Address:
        """Where it is. Raises ConfigError where its path is not whole, and no server configured."""
        if self.text.startswith("/"):
            return self._access.address(self.text)
        return parse_address(self.text)

    @property
    def _access(self) -> Access:
        access: Access = self.context.connection(KIND)
        return access

    def is_there(self) -> bool:
        """Asks the server."""
        return self._folder(KIND).is_there()

    def marker(self) -> Marker | None:
        """From its file on the server."""
        try:
            return marker_in(self._folder(KIND))
        except (NotFound, PermissionDenied):  # a folder above that is none of the user's
            return None

    def mark(self, name: str, identity: str | None = None, catalog: str = "") -> Marker:
        """By a file on the server."""
        return mark_in(self._folder(name), identity, catalog)

    def _folder(self, name: str) -> ServerFolder:
        from catalog.stores.webdav.folder import ServerFolder

        address = self.address
        return ServerFolder(name, address, self._access.connection(address, name))

    def store(self, name: str, *, managed: bool = True, is_new: bool = False) -> WebdavStore:
        """The folder as a store."""
        from catalog.stores.webdav.store import WebdavStore

        address = self.address
        connection, state = self._access.connection(address, name), self.context.state / KIND
        return WebdavStore(name, address, connection, state, managed=managed, is_new=is_new)

    @property
    def caution(self) -> str:
        """Where its server is asked without encryption."""
        return caution_of(self.address)

    @property
    def device(self) -> int:
        """As server and user say, where files have numbers; else 0."""
        return self.store(KIND).device

    def overlap(self, other: Root) -> Overlap | None:
        """By the addresses; both forms of a Nextcloud's are one, but two users have two folders."""
        if not isinstance(other, WebdavRoot):
            return None
        if self.text.startswith("/") and other.text.startswith("/"):
            mine, theirs = (f"{root.text.rstrip('/')}/" for root in (self, other))
        else:
            users = {*map(_user, (self.address, other.address))} - {""}
            if len(users) > 1:
                return None
            mine, theirs = _place(self.address), _place(other.address)
        return overlap_of(mine, theirs)

    def upwards(self) -> Iterator[WebdavRoot]:
        """The folder and those above it, up to the topmost that has files, each by its whole
        address.
        """
        address = self.address
        path = address.path
        yield WebdavRoot(address.text, self.context)
        while len(path) > len(address.top):
            path = path.rpartition("/")[0]
            yield WebdavRoot(Address(address.origin, path).text, self.context)


def _user(address: Address) -> str:
    """Whose files an address of a Nextcloud names, "" where it does not say."""
    return address.parts[1].casefold() if address.parts else ""


def _place(address: Address) -> str:
    """The folder, as both forms of a Nextcloud's addresses give it alike."""
    if address.parts is None:
        return f"{address.text}/"
    base, _user, inside = address.parts
    return f"{address.origin}{base}{inside}/"


class WebdavKind:
    """Folders of WebDAV servers.

    The first use makes one: a server is there or cannot be reached, never unmounted.
    """

    name: ClassVar[str] = KIND
    prefix: ClassVar[str] = PREFIX
    title: ClassVar[str] = "WebDAV"
    example: ClassVar[str] = f"{PREFIX}https://cloud.example/remote.php/dav/files/anna/Photos"
    claims_itself: ClassVar[bool] = True

    def parse(self, given: str) -> str:
        """The whole address, or a folder of the server that is configured, with a slash before it.

        Raises UsageError.
        """
        given = given.strip().removeprefix(PREFIX)
        if "://" in given:
            return parse_address(given).text
        return folder_path(given, given) or "/"

    def folder(self, text: str) -> Path | None:  # noqa: ARG002
        """None: it is far away."""
        return None

    def root(self, text: str, context: StoreContext) -> WebdavRoot:
        """The folder."""
        return WebdavRoot(text, context)

    def root_at(self, location: str, context: StoreContext) -> WebdavRoot:
        """The folder: its address stands behind the prefix, not escaped."""
        return WebdavRoot(address_at(location).text, context)
