"""A large file in pieces, which goes on where an earlier run was killed."""

from __future__ import annotations

from functools import partial
from typing import Any, BinaryIO

from dropbox import Dropbox, files

from catalog.domain.fixity import BLOCK_SIZE, ContentHasher
from catalog.errors import StoreError
from catalog.stores.budget import Budget
from catalog.stores.dropbox.batches import Batcher
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.failures import answer_tags
from catalog.stores.dropbox.uploads.finisher import TOGETHER, Finish, Finisher, is_about_session
from catalog.stores.dropbox.uploads.sessions import Unfinished, UnfinishedUploads
from catalog.stores.sending import read_up_to, source_changed

PIECE = 4 * BLOCK_SIZE
"""Bytes of a large file in one request; pieces are whole blocks of 4 MiB, all but the last."""


class PieceSender:
    """Sends large files, hashed on the way."""

    def __init__(
        self,
        connection: Connection,
        unfinished: UnfinishedUploads,
        finisher: Finisher,
        budget: Budget,
    ) -> None:
        self._connection = connection
        self._unfinished = unfinished
        self._budget = budget
        self._finishing: Batcher[Finish, Any] = Batcher(finisher.finish, count=TOGETHER)

    def send(
        self, commit: files.CommitInfo, stream: BinaryIO, size: int, digest: str, path: str
    ) -> Any:
        """The metadata of the new file, or the error union that says why there is none;
        it gets its name only if all bytes were those that are expected.

        Raises FixityMismatch, StoreError and what reading the stream raises; `path` is what the
        store calls it.
        """
        hasher = ContentHasher()
        with self._unfinished.taken_up(digest) as unfinished:
            offset = self._resumed(unfinished, size)
            with self._budget.holding(PIECE):
                self._skip(stream, hasher, offset, path)
                while offset < size:
                    piece = read_up_to(stream, min(PIECE, size - offset))
                    if not piece:
                        break
                    hasher.update(piece)
                    is_last = offset + len(piece) == size
                    self._append(unfinished, piece, offset, path, close=is_last)
                    offset += len(piece)
            if offset != size or stream.read(1) or hasher.hexdigest() != digest:
                unfinished.forget()
                raise source_changed(path, self._connection.store)
            metadata = self._finishing.do(Finish(unfinished.session, size, commit, digest))
            if isinstance(metadata, files.FileMetadata) or is_about_session(metadata):
                unfinished.forget()
            if is_about_session(metadata):
                raise StoreError(
                    f"Dropbox forgot the upload of {path} before its end.",
                    store=self._connection.store,
                    path=path,
                    hint="Run the command again.",
                )
            return metadata

    def _resumed(self, unfinished: Unfinished, size: int) -> int:
        """The offset at which an unfinished session goes on, as Dropbox states it;
        0 where there is none.
        """
        if not unfinished.session:
            return 0
        cursor = files.UploadSessionCursor(unfinished.session, unfinished.offset)
        try:
            self._connection.call(lambda sdk: sdk.files_upload_session_append_v2(b"", cursor))
        except StoreError as error:
            found = answer_tags(error)
            if "closed" in found:
                return size
            offset = _correct_offset(error)
            if offset is None or offset > size:
                if not found:
                    raise
                unfinished.forget()
                return 0
            unfinished.keep(unfinished.session, offset)
        return unfinished.offset

    def _skip(self, stream: BinaryIO, hasher: ContentHasher, count: int, path: str) -> None:
        """Read what Dropbox has already: only its hash is wanted."""
        while count:
            block = read_up_to(stream, min(BLOCK_SIZE, count))
            if not block:
                raise source_changed(path, self._connection.store)
            hasher.update(block)
            count -= len(block)

    def _append(
        self, unfinished: Unfinished, piece: bytes, offset: int, path: str, *, close: bool
    ) -> None:
        """Send one piece; where an earlier attempt arrived although its reply was lost,
        only what is missing.
        """
        connection = self._connection
        if not unfinished.session:
            started = connection.transfer(
                lambda sdk: sdk.files_upload_session_start(piece, close=close), path
            )
            unfinished.keep(started.session_id, offset + len(piece))
            return
        sent = 0
        while True:
            cursor = files.UploadSessionCursor(unfinished.session, offset + sent)
            try:
                connection.transfer(partial(_append, piece[sent:], cursor, close), path)
            except StoreError as error:
                if close and "closed" in answer_tags(error):
                    break
                there = _correct_offset(error)
                if there is None or not offset + sent < there <= offset + len(piece):
                    if answer_tags(error):
                        unfinished.forget()  # the next run begins anew
                    raise
                sent = there - offset
                if sent == len(piece) and not close:
                    break
            else:
                break
        unfinished.keep(unfinished.session, offset + len(piece))


def _append(piece: bytes, cursor: Any, close: bool, sdk: Dropbox) -> None:
    sdk.files_upload_session_append_v2(piece, cursor, close=close)


def _correct_offset(error: StoreError) -> int | None:
    """Where a session goes on, if the answer says so."""
    union = getattr(error.__cause__, "error", None)
    while union is not None:
        if getattr(union, "_tag", "") == "incorrect_offset":
            return int(union.get_incorrect_offset().correct_offset)
        union = getattr(union, "_value", None)
    return None
