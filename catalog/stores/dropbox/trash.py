"""The trash of a store in Dropbox, laid out as that of a folder of this machine is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

from dropbox import Dropbox, files

from catalog.errors import NotFound
from catalog.stores.dropbox.entries import local, nanoseconds
from catalog.stores.dropbox.folder import AccountFolder
from catalog.stores.dropbox.kept_listing import PAGE
from catalog.stores.dropbox.operations import Named, Operations
from catalog.stores.paths import PRIVATE
from catalog.stores.trash import Trashed


class DropboxTrash:
    """What was taken out of a folder of an account: `.catalog/trash/BATCH/PATH` below it.

    `batch` is the run that took it; where a path went there before, `BATCH.1`.
    """

    def __init__(self, folder: AccountFolder) -> None:
        self._folder = folder

    def named(self, key: str) -> Named:
        """A file by its key."""
        return Named(self._folder.remote(f"{PRIVATE}/trash/{key}"), key)

    def take(self, operations: Operations, file: Named, batch: str) -> str | None:
        """Move a file into a batch, and say its key; None where there is no such file."""
        for number in itertools.count():
            key = f"{batch}.{number}/{file.path}" if number else f"{batch}/{file.path}"
            is_moved = operations.is_moved(file, self.named(key).remote)
            if is_moved is None:
                return None
            if is_moved:  # else a file or folder of this name went there before
                return key
        raise AssertionError("unreachable")

    def list(self) -> Iterator[Trashed]:
        """Everything in it, oldest batch first."""
        yield from sorted(map(self._trashed, self._listed()), key=lambda t: t.key)

    @property
    def _base(self) -> str:
        return f"{self._folder.root}/{PRIVATE}/trash"

    def _trashed(self, metadata: Any) -> Trashed:
        key = local(self._base, metadata.path_display)
        batch, _, path = key.partition("/")
        named, _, number = batch.rpartition(".")
        label = named if number.isdigit() and named else batch
        return Trashed(key, label, path, metadata.size, nanoseconds(metadata.client_modified))

    def _listed(self) -> Iterator[Any]:
        connection = self._folder.connection
        try:
            page = connection.call(
                lambda sdk: sdk.files_list_folder(self._base, recursive=True, limit=PAGE)
            )
        except NotFound:
            return
        while True:
            yield from (m for m in page.entries if isinstance(m, files.FileMetadata))
            if not page.has_more:
                return
            page = connection.call(partial(_further, page.cursor))

    def checksum(self, key: str) -> str:
        """The content hash of a file in it. Raises NotFound."""
        wanted = self.named(key).remote
        metadata = self._folder.connection.call(lambda sdk: sdk.files_get_metadata(wanted), key)
        return str(metadata.content_hash)


def _further(cursor: str, sdk: Dropbox) -> Any:
    return sdk.files_list_folder_continue(cursor)
