"""Reading files of a server as streams that go on where a line broke."""

from __future__ import annotations

import httpx

from catalog.errors import NotFound, StoreError
from catalog.stores.resumed_stream import Answer, ResumedStream, range_of
from catalog.stores.webdav.answers import strong
from catalog.stores.webdav.connection import Connection
from catalog.stores.webdav.failures import status_of

PARTIAL = 206
_PAST_THE_END = 416


class Download(ResumedStream):
    """The bytes of a file from `offset`, `length` of them at most (None: all).

    The first request is sent at once. `is_check`: see `Connection.transfer`.
    """

    broken = (httpx.HTTPError, OSError)

    def __init__(
        self,
        connection: Connection,
        url: str,
        path: str,
        offset: int = 0,
        length: int | None = None,
        *,
        is_check: bool = False,
    ) -> None:
        super().__init__(connection.store, path, offset, length)
        self._connection = connection
        self._url = url
        self.held.enter_context(connection.transfer(is_check=is_check))
        self.begin()

    def ask(self, position: int, end: int | None) -> Answer | None:
        """One request; None where it begins beyond the end."""
        headers = range_of(position, end)
        try:
            response = self._connection.stream(self._url, self._path, headers)
        except StoreError as error:
            if status_of(error) == _PAST_THE_END:
                return None
            raise
        # a server that cannot send parts sends all
        before = position if headers and response.status_code != PARTIAL else 0
        version = strong(response.headers.get("ETag", ""))
        return Answer(response.iter_raw(), version, response.close, before)

    def give_time(self, error: Exception, attempt: int) -> None:
        """Wait after a line broke."""
        self._connection.patience.give_time(error, attempt, self._path)


def read_small(connection: Connection, url: str, path: str) -> bytes | None:
    """All bytes of a small file, or None where there is none."""
    try:
        return connection.ask("GET", url, path).content
    except NotFound:
        return None
