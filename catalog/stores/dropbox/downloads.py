"""Reading files of Dropbox as streams that go on where a line broke."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dropbox.exceptions import HttpError
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError as TransportError

from catalog.stores.dropbox.connection import Connection
from catalog.stores.resumed_stream import Answer, ResumedStream, range_of

CHUNK = 256 * 1024
RANGE_NOT_SATISFIABLE = 416


class Download(ResumedStream):
    """The bytes of a file from `offset`, `length` of them at most (None: all).

    The first request is sent at once.
    """

    broken = (RequestException, TransportError, OSError)

    def __init__(
        self,
        connection: Connection,
        remote: str,
        path: str,
        offset: int = 0,
        length: int | None = None,
    ) -> None:
        super().__init__(connection.store, path, offset, length)
        self._connection = connection
        self._remote = remote
        connection.begin_transfer()
        self.held.callback(connection.end_transfer)
        self.begin()

    def ask(self, position: int, end: int | None) -> Answer | None:
        """One request; None where it begins beyond the end."""
        # the bytes as they are, and as many as are said
        headers = {"Accept-Encoding": "identity", **range_of(position, end)}

        def asked(sdk: Any) -> Any:
            try:
                return sdk.files_download(self._remote, extra_headers=headers)
            except HttpError as error:
                if error.status_code == RANGE_NOT_SATISFIABLE:
                    return None
                raise

        answer = self._connection.streamed(asked, self._path)
        if answer is None:
            return None
        metadata, response = answer
        last = metadata.size if end is None else min(end, metadata.size)
        return Answer(_pieces(response, position, last), metadata.rev, response.close)

    def give_time(self, error: Exception, attempt: int) -> None:
        """Wait after a line broke."""
        self._connection.give_time(error, attempt, self._path)


def _pieces(response: Any, position: int, last: int) -> Iterator[bytes]:
    while position < last:
        data = response.raw.read(min(CHUNK, last - position))
        if not data:
            raise RequestException(f"the line was cut after {position:,} bytes")
        position += len(data)
        yield data
