"""Sessions that carry all bytes of their files get these their names."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dropbox import Dropbox, files

from catalog.errors import StoreError
from catalog.stores.dropbox.connection import Connection, Unreadable
from catalog.stores.dropbox.failures import is_passing, tags
from catalog.stores.dropbox.uploads.single import sent_before
from catalog.stores.patience import ATTEMPTS, Ambiguous

TOGETHER = 64
"""Files sent, and finished, together at most."""


@dataclass(frozen=True, slots=True)
class Finish:
    """A session that has so many bytes, where they go, and their content hash."""

    session: str
    size: int
    commit: files.CommitInfo
    digest: str


class Finisher:
    """Finishes sessions, many in one request; many threads may use it at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # Dropbox wants what writes names to be sent one after the other
        self._one_at_a_time = threading.Lock()

    def finish(self, wanted: Sequence[Finish], *, lost: bool = False) -> list[Any]:
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
                return [self.finish([item], lost=True)[0] for item in wanted]
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
                        sent_before(self._connection, item.commit, item.digest) if lost else None
                    ) or answer.get_failure()
            if again:
                self._connection.give_time(None, attempt, again[0][1].commit.path)
            pending = again
        return [results[number] for number in range(len(wanted))]


def _finish(arguments: Sequence[Any], sdk: Dropbox) -> Any:
    return sdk.files_upload_session_finish_batch_v2(arguments)


def is_about_session(failure: Any) -> bool:
    """Whether an upload failed for its session rather than for its place."""
    return not isinstance(failure, BaseException) and "lookup_failed" in tags(failure)
