"""A file goes to Dropbox in the way that its size asks for."""

from __future__ import annotations

import threading
from typing import Any, BinaryIO

from dropbox import files

from catalog.domain.fixity import BLOCK_SIZE
from catalog.errors import FixityMismatch
from catalog.stores.budget import Budget
from catalog.stores.dropbox.batches import Batcher
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.entries import moment
from catalog.stores.dropbox.failures import of_answer
from catalog.stores.dropbox.uploads.finisher import TOGETHER, Finisher
from catalog.stores.dropbox.uploads.packs import PackSender
from catalog.stores.dropbox.uploads.pieces import PieceSender
from catalog.stores.dropbox.uploads.sessions import UnfinishedUploads
from catalog.stores.dropbox.uploads.single import Small, put_single
from catalog.stores.sending import read_all

SMALL = BLOCK_SIZE
"""Bytes up to which files travel together."""
SINGLE = 32 * 1024 * 1024
"""Bytes up to which a file is one request: beyond it too much would be in memory,
and lost with a broken line.

Dropbox itself takes 150 MiB in one.
"""
PACK = 16 * 1024 * 1024
IN_MEMORY = 96 * 1024 * 1024
"""Bytes of small and middling files held at once."""


class Uploader:
    """Puts files below a folder of the account, never over another;
    many threads may call `put` at once.
    """

    def __init__(self, connection: Connection, unfinished: UnfinishedUploads) -> None:
        self._connection = connection
        self._budget = Budget(max(IN_MEMORY, SINGLE))
        finisher = Finisher(connection)
        self._packs: Batcher[Small, Any] = Batcher(
            PackSender(connection, finisher).send,
            count=TOGETHER,
            weight=PACK,
            at_once=connection.transfers,
        )
        self._pieces = PieceSender(connection, unfinished, finisher, self._budget)
        # each ends before others begin
        self._large = threading.BoundedSemaphore(connection.transfers)

    def put(
        self, remote: str, stream: BinaryIO, size: int, mtime_ns: int, digest: str, path: str
    ) -> Any:
        """The metadata of the new file (`FileMetadata`).

        `path` is what the store calls it, for errors.

        Raises AlreadyExists, FixityMismatch, StoreFull, InvalidPath, StoreUnavailable and what
        reading the stream raises.
        """
        commit = files.CommitInfo(
            remote,
            mode=files.WriteMode.add,
            client_modified=moment(mtime_ns),
            mute=True,
            strict_conflict=True,
        )
        if size > SINGLE:
            with self._large:
                result = self._pieces.send(commit, stream, size, digest, path)
                return self._proved(result, digest, path)
        with self._budget.holding(size):
            data = read_all(stream, size, digest, self._connection.store, path)
            item = Small(data, commit, digest)
            if size == 0 or size > SMALL:
                return self._proved(put_single(self._connection, item, path), digest, path)
            return self._proved(self._packs.do(item, size), digest, path)

    def _proved(self, result: Any, digest: str, path: str) -> Any:
        """Metadata that states what was sent; an error union is raised, and now gets its path."""
        if not isinstance(result, files.FileMetadata):
            raise of_answer(result, self._connection.store, path)
        if result.content_hash != digest:
            raise FixityMismatch(
                f"Dropbox says that it has other bytes at {path} than were sent.",
                store=self._connection.store,
                path=path,
                hint="Look at the file there; the catalog does not count it.",
            )
        return result
