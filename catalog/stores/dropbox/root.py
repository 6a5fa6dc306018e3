"""Folders of a Dropbox account as roots of stores.

The SDK is loaded when the first of them is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from catalog.domain.names import comparison_key
from catalog.stores.dropbox.entries import KIND, PREFIX, folder_named
from catalog.stores.marker import Marker, mark_in, marker_in
from catalog.stores.root import Overlap, Root, StoreContext, overlap_of

if TYPE_CHECKING:
    from catalog.stores.dropbox.folder import AccountFolder
    from catalog.stores.dropbox.store import DropboxStore


@dataclass(frozen=True, slots=True)
class DropboxRoot:
    """A folder of the account; `path` is "" for all of it, else begins with a slash."""

    path: str
    context: StoreContext
    kind: ClassVar[str] = KIND
    caution: ClassVar[str] = ""
    folder: ClassVar[Path | None] = None

    @property
    def text(self) -> str:
        """The folder as Dropbox names it."""
        return self.path or "/"

    @property
    def shown(self) -> str:
        """The same, with where it is."""
        return f"{PREFIX}{self.text}"

    def is_there(self) -> bool:
        """Asks Dropbox."""
        return self._folder(KIND).is_there()

    def marker(self) -> Marker | None:
        """From its file in Dropbox."""
        return marker_in(self._folder(KIND))

    def mark(self, name: str, identity: str | None = None, catalog: str = "") -> Marker:
        """By a file in Dropbox."""
        return mark_in(self._folder(name), identity, catalog)

    def _folder(self, name: str) -> AccountFolder:
        from catalog.stores.dropbox.folder import AccountFolder

        return AccountFolder(name, self.path, self.context.connection(KIND))

    def store(self, name: str, *, managed: bool = True, is_new: bool = False) -> DropboxStore:
        """The folder as a store."""
        from catalog.stores.dropbox.store import DropboxStore

        connection, state = self.context.connection(KIND), self.context.state / KIND
        return DropboxStore(name, self.path, connection, state, managed=managed, is_new=is_new)

    @property
    def device(self) -> int:
        """As the account's id says."""
        return self.store(KIND).device

    def overlap(self, other: Root) -> Overlap | None:
        """By the paths, in any case: there is one account."""
        if not isinstance(other, DropboxRoot):
            return None
        mine, theirs = (f"{comparison_key(root.path)}/" for root in (self, other))
        return overlap_of(mine, theirs)

    def upwards(self) -> Iterator[DropboxRoot]:
        """The folder and those above it, up to the account's own."""
        path = self.path
        yield self
        while path:
            path = path.rpartition("/")[0]
            yield DropboxRoot(path, self.context)


class DropboxKind:
    """Folders of the Dropbox account.

    The first use makes one: an account is there or cannot be reached, never unmounted.
    """

    name: ClassVar[str] = KIND
    prefix: ClassVar[str] = PREFIX
    title: ClassVar[str] = "Dropbox"
    example: ClassVar[str] = f"{PREFIX}/photos"
    claims_itself: ClassVar[bool] = True

    def parse(self, given: str) -> str:
        """The folder from the account's own root, with one slash before each part.

        "/" for all of it.
        """
        return folder_named(given) or "/"

    def folder(self, text: str) -> Path | None:  # noqa: ARG002
        """None: it is far away."""
        return None

    def root(self, text: str, context: StoreContext) -> DropboxRoot:
        """The folder."""
        return DropboxRoot(folder_named(text), context)

    def root_at(self, location: str, context: StoreContext) -> DropboxRoot:
        """The folder: its path stands behind the prefix."""
        return DropboxRoot(location.removeprefix(PREFIX).rstrip("/"), context)


def dropbox_folder(given: str) -> str:
    """A folder of the account, named with the prefix or without, with it."""
    return f"{PREFIX}{DropboxKind().parse(given)}"
