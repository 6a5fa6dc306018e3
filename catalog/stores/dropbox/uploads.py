"""Bringing bytes to Dropbox: small files many at a time, middling ones in one request,
large ones in pieces.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

from dropbox import Dropbox, files
from stone.backends.python_rsrc.stone_validators import ValidationError

from catalog.domain.fixity import BLOCK_SIZE, ContentHasher, content_hash
from catalog.errors import FixityMismatch, StoreError
from catalog.stores.dropbox.batches import Batcher
from catalog.stores.dropbox.connection import ATTEMPTS, Ambiguous, Connection, Unreadable
from catalog.stores.dropbox.entries import moment
from catalog.stores.dropbox.failures import answered, is_passing, of_answer, tags
from catalog.stores.dropbox.sessions import Unfinished, UnfinishedUploads

SMALL = BLOCK_SIZE
"""Bytes up to which files travel together."""
SINGLE = 32 * 1024 * 1024
"""Bytes up to which a file is one request: beyond it too much would be in memory,
and lost with a broken line.

Dropbox itself takes 150 MiB in one.
"""
PIECE = 4 * BLOCK_SIZE
"""Bytes of a large file in one request; pieces are whole blocks of 4 MiB, all but the last."""
PACK = 16 * 1024 * 1024
TOGETHER = 64
"""Files sent, and finished, together at most."""
IN_MEMORY = 96 * 1024 * 1024
"""Bytes of small and middling files held at once."""


@dataclass(frozen=True, slots=True)
class _Small:
    data: bytes
    commit: files.CommitInfo
    digest: str


@dataclass(frozen=True, slots=True)
class _Finish:
    session: str
    size: int
    commit: files.CommitInfo
    digest: str


@dataclass(slots=True)
class _Budget:
    """Bytes that may be in memory; who wants more than there are waits."""

    free: int
    changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def holding(self, count: int) -> Any:
        with self.changed:
            self.changed.wait_for(lambda: self.free >= count)
            self.free -= count
        try:
            yield
        finally:
            with self.changed:
                self.free += count
                self.changed.notify_all()


class Uploader:
    """Puts files below a folder of the account, never over another;
    many threads may call `put` at once.
    """

    def __init__(self, connection: Connection, unfinished: UnfinishedUploads) -> None:
        self._connection = connection
        self._unfinished = unfinished
        self._budget = _Budget(max(IN_MEMORY, SINGLE))
        self._packs: Batcher[_Small, Any] = Batcher(
            self._send_pack, count=TOGETHER, weight=PACK, at_once=connection.transfers
        )
        self._finishing: Batcher[_Finish, Any] = Batcher(self._finish_all, count=TOGETHER)
        self._large = threading.BoundedSemaphore(
            connection.transfers
        )  # each ends before others begin
        self._one_at_a_time = (
            threading.Lock()
        )  # Dropbox wants what writes names to be sent one after the other

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
                return self._checked(
                    self._put_large(commit, stream, size, digest, path), digest, path
                )
        with self._budget.holding(size):
            data = _read_all(stream, size, digest, self._connection.store, path)
            if size == 0 or size > SMALL:
                return self._checked(
                    self._put_single(_Small(data, commit, digest), path), digest, path
                )
            return self._checked(
                self._named(self._packs.do(_Small(data, commit, digest), size), path), digest, path
            )

    def _checked(self, metadata: Any, digest: str, path: str) -> Any:
        if metadata.content_hash != digest:
            raise FixityMismatch(
                f"Dropbox says that it has other bytes at {path} than were sent.",
                store=self._connection.store,
                path=path,
                hint="Look at the file there; the catalog does not count it.",
            )
        return metadata

    def _named(self, result: Any, path: str) -> Any:
        """A result of a batch: metadata, or an error union that now gets its path."""
        if isinstance(result, files.FileMetadata):
            return result
        raise of_answer(result, self._connection.store, path)

    # --- one request ------------------------------------------------------------------------------

    def _put_single(self, item: _Small, path: str) -> Any:
        commit = item.commit
        lost = False
        for attempt in range(ATTEMPTS):
            try:
                return self._connection.once(
                    lambda sdk: sdk.files_upload(
                        item.data,
                        commit.path,
                        mode=commit.mode,
                        client_modified=commit.client_modified,
                        mute=True,
                        strict_conflict=True,
                        content_hash=item.digest,
                    ),
                    path,
                    carries_bytes=True,
                )
            except Ambiguous as error:
                lost = True
                self._connection.give_time(error.cause, attempt, path)
            except StoreError as error:
                if (
                    lost
                    and "conflict" in answered(error)
                    and (there := self._ours(commit, item.digest)) is not None
                ):
                    return there
                raise
        raise AssertionError("unreachable")

    def _ours(self, commit: files.CommitInfo, digest: str) -> Any:
        """What lies at a place if it is what was sent there, by a request whose reply was lost;
        else None.
        """
        try:
            there = self._connection.call(lambda sdk: sdk.files_get_metadata(commit.path))
        except StoreError:
            return None
        is_ours = isinstance(there, files.FileMetadata) and there.content_hash == digest
        return there if is_ours and there.client_modified == commit.client_modified else None

    # --- many small files -------------------------------------------------------------------------

    def _send_pack(self, pack: Sequence[_Small]) -> Sequence[Any]:
        """A result (metadata or error union) or an exception for each file of a pack."""
        if len(pack) == 1:
            return [self._put_single(pack[0], pack[0].commit.path)]
        connection = self._connection
        started = connection.call(
            lambda sdk: sdk.files_upload_session_start_batch(
                len(pack), files.UploadSessionType.concurrent
            )
        ).session_ids
        entries = [
            files.UploadSessionAppendBatchArgEntry(
                files.UploadSessionCursor(session, 0), len(item.data), close=True
            )
            for session, item in zip(started, pack, strict=True)
        ]
        body = b"".join(item.data for item in pack)
        whole = content_hash(body)
        try:
            answers = connection.transfer(
                lambda sdk: sdk.files_upload_session_append_batch(body, entries, content_hash=whole)
            ).entries
        except StoreError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            answers = [None] * len(
                pack
            )  # one failed for a reason without a name: all are sent by themselves
        results: list[Any] = []
        for item, session, answer in zip(pack, started, answers, strict=True):
            # a session that a lost reply left closed has its bytes; what it has is proved by the
            # hash when it is finished
            arrived = answer is not None and (answer.is_success() or "closed" in tags(answer))
            results.append(
                _Finish(session, len(item.data), item.commit, item.digest) if arrived else None
            )
        finished = self._finish_all([r for r in results if r is not None])
        return self._merged(pack, results, finished)

    def _merged(
        self, pack: Sequence[_Small], sent: Sequence[Any], finished: Sequence[Any]
    ) -> list[Any]:
        """The results in the order of the pack;
        what did not arrive with the others is sent by itself.
        """
        rest = iter(finished)
        merged: list[Any] = []
        for item, finish in zip(pack, sent, strict=True):
            result = next(rest) if finish is not None else None
            if result is None or (
                not isinstance(result, files.FileMetadata) and _is_about_session(result)
            ):
                try:
                    result = self._put_single(item, item.commit.path)
                except StoreError as error:
                    result = error
            merged.append(result)
        return merged

    def _finish_all(self, wanted: Sequence[_Finish], *, lost: bool = False) -> list[Any]:
        """Give finished sessions their names, in one request:
        metadata or an error union for each.
        """
        results: dict[int, Any] = {}
        pending = list(enumerate(wanted))
        for attempt in range(ATTEMPTS):
            if not pending:
                break
            arguments = [
                files.UploadSessionFinishArg(files.UploadSessionCursor(w.session, w.size), w.commit)
                for _number, w in pending
            ]
            try:
                with self._one_at_a_time:
                    answers = self._connection.once(partial(_finish, arguments)).entries
            except Unreadable:  # each by itself, so that the others are told
                if len(wanted) == 1:
                    return [
                        StoreError(
                            "Dropbox refused it and does not say why.", store=self._connection.store
                        )
                    ]
                return [self._finish_all([item], lost=True)[0] for item in wanted]
            except Ambiguous as error:
                lost = True
                self._connection.give_time(error.cause, attempt, wanted[0].commit.path)
                continue
            again = []
            for (number, item), answer in zip(pending, answers, strict=True):
                if answer.is_success():
                    results[number] = answer.get_success()
                elif is_passing(answer):
                    again.append((number, item))
                else:
                    results[number] = (
                        self._ours(item.commit, item.digest) if lost else None
                    ) or answer.get_failure()
            if again:
                self._connection.give_time(None, attempt, again[0][1].commit.path)
            pending = again
        return [results[number] for number in range(len(wanted))]

    # --- large files ------------------------------------------------------------------------------

    def _put_large(
        self, commit: files.CommitInfo, stream: BinaryIO, size: int, digest: str, path: str
    ) -> Any:
        """In pieces, hashed on the way;
        it gets its name only if all bytes were those that are expected.
        """
        hasher = ContentHasher()
        with self._unfinished.taken_up(digest) as unfinished:
            offset = self._resumed(unfinished, size)
            with self._budget.holding(PIECE):
                self._skip(stream, hasher, offset, path)
                while offset < size:
                    piece = _read_up_to(stream, min(PIECE, size - offset))
                    if not piece:
                        break
                    hasher.update(piece)
                    is_last = offset + len(piece) == size
                    self._append(unfinished, piece, offset, path, close=is_last)
                    offset += len(piece)
            if offset != size or stream.read(1) or hasher.hexdigest() != digest:
                unfinished.forget()
                raise _changed(path, self._connection.store)
            metadata = self._finishing.do(_Finish(unfinished.session, size, commit, digest))
            if isinstance(metadata, files.FileMetadata) or _is_about_session(metadata):
                unfinished.forget()
            if _is_about_session(metadata):
                raise StoreError(
                    f"Dropbox forgot the upload of {path} before its end.",
                    store=self._connection.store,
                    path=path,
                    hint="Run the command again.",
                )
            return self._named(metadata, path)

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
            found = answered(error)
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
            block = _read_up_to(stream, min(BLOCK_SIZE, count))
            if not block:
                raise _changed(path, self._connection.store)
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
                if close and "closed" in answered(error):
                    break
                there = _correct_offset(error)
                if there is None or not offset + sent < there <= offset + len(piece):
                    if answered(error):
                        unfinished.forget()  # the next run begins anew
                    raise
                sent = there - offset
                if sent == len(piece) and not close:
                    break
            else:
                break
        unfinished.keep(unfinished.session, offset + len(piece))


def _finish(arguments: Sequence[Any], sdk: Dropbox) -> Any:
    return sdk.files_upload_session_finish_batch_v2(arguments)


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


def _is_about_session(failure: Any) -> bool:
    """Whether an upload failed for its session rather than for its place."""
    return not isinstance(failure, BaseException) and "lookup_failed" in tags(failure)


def _read_all(stream: BinaryIO, size: int, digest: str, store: str, path: str) -> bytes:
    """All bytes of a stream, which must be those that are expected."""
    data = _read_up_to(stream, size)
    if len(data) != size or stream.read(1) or content_hash(data) != digest:
        raise _changed(path, store)
    return data


def _read_up_to(stream: BinaryIO, count: int) -> bytes:
    """So many bytes, or all there are; a raw stream may give them piece by piece.

    Raises StoreError.
    """
    pieces = []
    try:
        while count and (piece := stream.read(count)):
            pieces.append(piece)
            count -= len(piece)
    except OSError as error:
        raise StoreError(f"The source cannot be read: {error.strerror or error}.") from error
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _changed(path: str, store: str) -> FixityMismatch:
    return FixityMismatch(
        f"The copy of {path} would not be what was read before.",
        store=store,
        path=path,
        hint="The source changed meanwhile, or a disk is failing.",
    )
