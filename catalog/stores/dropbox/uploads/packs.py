"""Many small files at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dropbox import files
from stone.backends.python_rsrc.stone_validators import ValidationError

from catalog.domain.fixity import content_hash
from catalog.errors import StoreError
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.failures import tags
from catalog.stores.dropbox.uploads.finisher import Finish, Finisher, is_about_session
from catalog.stores.dropbox.uploads.single import Small, put_single


class PackSender:
    """Sends small files together."""

    def __init__(self, connection: Connection, finisher: Finisher) -> None:
        self._connection = connection
        self._finisher = finisher

    def send(self, pack: Sequence[Small]) -> Sequence[Any]:
        """A result (metadata or error union) or an exception for each file of a pack."""
        if len(pack) == 1:
            return [put_single(self._connection, pack[0], pack[0].commit.path)]
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
            # one failed for a reason without a name: all are sent by themselves
            answers = [None] * len(pack)
        results: list[Any] = []
        for item, session, answer in zip(pack, started, answers, strict=True):
            # a session that a lost reply left closed has its bytes; what it has is proved by the
            # hash when it is finished
            arrived = answer is not None and (answer.is_success() or "closed" in tags(answer))
            results.append(
                Finish(session, len(item.data), item.commit, item.digest) if arrived else None
            )
        finished = self._finisher.finish([r for r in results if r is not None])
        return self._merged(pack, results, finished)

    def _merged(
        self, pack: Sequence[Small], sent: Sequence[Any], finished: Sequence[Any]
    ) -> list[Any]:
        """The results in the order of the pack;
        what did not arrive with the others is sent by itself.
        """
        rest = iter(finished)
        merged: list[Any] = []
        for item, finish in zip(pack, sent, strict=True):
            result = next(rest) if finish is not None else None
            if result is None or (
                not isinstance(result, files.FileMetadata) and is_about_session(result)
            ):
                try:
                    result = put_single(self._connection, item, item.commit.path)
                except StoreError as error:
                    result = error
            merged.append(result)
        return merged
