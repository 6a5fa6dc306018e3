"""Copies, moves and deletions of single files; what several threads ask for at once is sent
together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from dropbox import files

from catalog.errors import InvalidPath, StoreError
from catalog.stores.dropbox.batches import Batcher
from catalog.stores.dropbox.changes import MOST, Changes, Deletion, Relocation
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.failures import of_answer, tags


class Named(NamedTuple):
    """A file: what Dropbox calls it, and what the store calls it, for errors."""

    remote: str
    path: str


class Operations:
    """What Dropbox does itself with the files of a store; `store` is its name, for errors."""

    def __init__(self, connection: Connection, store: str) -> None:
        self._store = store
        changes = Changes(connection)
        self._copies: Batcher[Relocation, Any] = Batcher(changes.copy_all, count=MOST)
        self._moves: Batcher[Relocation, Any] = Batcher(changes.move_all, count=MOST)
        self._deletions: Batcher[Deletion, Any] = Batcher(changes.delete_all, count=MOST)

    def copy(self, source: Named, target: Named) -> files.FileMetadata:
        """The metadata of a second copy, which is never over another file. Raises StoreError."""
        return self._made(self._copies.do((source.remote, target.remote)), source, target)

    def move(self, source: Named, target: Named) -> files.FileMetadata:
        """The metadata of a file under its new name, never over another. Raises StoreError."""
        return self._made(self._moves.do((source.remote, target.remote)), source, target)

    def _made(self, result: Any, source: Named, target: Named) -> files.FileMetadata:
        if isinstance(result, files.FileMetadata):
            return result
        if isinstance(result, files.FolderMetadata):
            raise InvalidPath(
                f"{source.path} in store {self._store} is not a file.",
                store=self._store,
                path=source.path,
            )
        where = source if "from_lookup" in tags(result) else target
        raise of_answer(result, self._store, where.path)

    def is_moved(self, source: Named, remote: str) -> bool | None:
        """Whether a file got a name that Dropbox may have given away already;
        None where the file is not there. Raises StoreError.
        """
        result = self._moves.do((source.remote, remote))
        if isinstance(result, files.FileMetadata):
            return True
        if "from_lookup" in tags(result):
            return None
        if "conflict" in tags(result):
            return False
        raise of_answer(result, self._store, source.path)

    def delete(self, file: Named, revision: str) -> None:
        """Delete a file that is still of its revision ("": any); one that is gone is no error.

        Raises StoreError.
        """
        result = self._deletions.do((file.remote, revision))
        found = tags(result) if result is not None else ()
        if "conflict" in found or "not_file" in found:
            raise StoreError(
                f"{file.path} in store {self._store} was changed in this moment, and is kept.",
                store=self._store,
                path=file.path,
            )
        if result is not None and "not_found" not in found:
            raise of_answer(result, self._store, file.path)
