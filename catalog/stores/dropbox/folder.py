"""The folder of an account that a store is: whether it is there, and the catalog's own small files
in it.
"""

from __future__ import annotations

from dropbox import files

from catalog.errors import NotFound, StoreUnavailable
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.downloads import Download
from catalog.stores.dropbox.entries import PREFIX, check_held
from catalog.stores.paths import PRIVATE


class AccountFolder:
    """A folder of an account, for the store `name`.

    `root` is as Dropbox names it, "" for all of the account.
    """

    def __init__(self, name: str, root: str, connection: Connection) -> None:
        self.name = name
        self.root = root
        self.connection = connection
        self.is_seen = False

    @property
    def location(self) -> str:
        """The folder, as a person would name it."""
        return f"{PREFIX}{self.root or '/'}"

    def remote(self, path: str) -> str:
        """What Dropbox calls a file of the store. Raises InvalidPath for what it cannot hold."""
        system = check_held(path, self.name)
        return f"{self.root}/{system}" if path else self.root

    def is_there(self) -> bool:
        """Asks Dropbox."""
        if not self.root:
            self.connection.account  # noqa: B018 - the account's own root is there if the account is
            return True
        try:
            metadata = self.connection.call(lambda sdk: sdk.files_get_metadata(self.root))
        except NotFound:
            return False
        return isinstance(metadata, files.FolderMetadata)

    def check(self) -> None:
        """Raise StoreUnavailable where the folder is not there; asked until it was seen once."""
        if not self.is_seen and not self.is_there():
            raise StoreUnavailable(
                f"The folder {self.root} of store {self.name} is not in Dropbox.",
                store=self.name,
                hint="Was it renamed? See dropbox_root.",
            )
        self.is_seen = True

    def read_private(self, name: str) -> bytes | None:
        """A small file of the catalog's own below the root, or None."""
        wanted = f"{self.root}/{PRIVATE}/{name}"
        try:
            return Download(self.connection, wanted, name).readall()
        except NotFound:
            return None

    def write_private(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Put one there, as the root's first file where need be.

        Raises AlreadyExists where there is one.
        """
        wanted = f"{self.root}/{PRIVATE}/{name}"
        mode = files.WriteMode.overwrite if replace else files.WriteMode.add
        self.connection.call(
            lambda sdk: sdk.files_upload(data, wanted, mode=mode, mute=True, strict_conflict=True),
            name,
        )
