"""Reading files of Dropbox as streams that survive a broken line:
they go on at the byte where it broke.
"""

from __future__ import annotations

import io
from typing import Any

from dropbox.exceptions import HttpError
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError as TransportError

from catalog.errors import FixityMismatch
from catalog.stores.dropbox.connection import Connection

CHUNK = 256 * 1024
RANGE_NOT_SATISFIABLE = 416


class Download(io.RawIOBase):
    """The bytes of a file from `offset`, `length` of them at most (None: all).

    The first request is sent at once.
    """

    def __init__(
        self,
        connection: Connection,
        remote: str,
        path: str,
        offset: int = 0,
        length: int | None = None,
    ) -> None:
        super().__init__()
        self._connection = connection
        self._remote = remote
        self._path = path
        self._position = offset
        self._end = None if length is None else offset + length
        self._response: Any = None
        self._revision = ""
        self._size = 0
        self._is_held = False
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as bytes come; 0 at the end."""
        attempt = 0
        while True:
            end = self._size if self._end is None else min(self._end, self._size)
            if self._position >= end:
                return 0
            try:
                if self._response is None:
                    self._open()
                data = self._response.raw.read(min(len(buffer), CHUNK, end - self._position))
                if not data:
                    raise RequestException(f"the line was cut after {self._position:,} bytes")
            except (RequestException, TransportError, OSError) as error:
                self._drop()
                self._connection.give_time(error, attempt, self._path)
                attempt += 1
                continue
            buffer[: len(data)] = data
            self._position += len(data)
            return len(data)

    def _open(self) -> None:
        """Ask for the bytes from where we are; the file must still be the one that was begun."""
        if not self._is_held:
            self._connection.begin_transfer()
            self._is_held = True
        last = "" if self._end is None else str(self._end - 1)
        headers = {"Accept-Encoding": "identity"}  # the bytes as they are, and as many as are said
        if self._position or self._end is not None:
            headers["Range"] = f"bytes={self._position}-{last}"

        def ask(sdk: Any) -> Any:
            try:
                return sdk.files_download(self._remote, extra_headers=headers)
            except HttpError as error:
                if error.status_code == RANGE_NOT_SATISFIABLE:
                    return None
                raise

        answer = self._connection.streamed(ask, self._path)
        if answer is None:  # it begins beyond the end
            self._size = min(self._size, self._position)
            return
        metadata, response = answer
        if self._revision and metadata.rev != self._revision:
            response.close()
            raise FixityMismatch(
                f"{self._path} changed while it was read.",
                store=self._connection.store,
                path=self._path,
                hint="Run the command again.",
            )
        self._revision, self._size, self._response = metadata.rev, metadata.size, response

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None

    def close(self) -> None:
        """Let go of the line, whatever is still on it."""
        if not self.closed:
            self._drop()
            if self._is_held:
                self._is_held = False
                self._connection.end_transfer()
        super().close()
