"""Reading files of a server as streams that survive a broken line:
they go on at the byte where it broke.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import httpx

from catalog.errors import FixityMismatch, NotFound, StoreError
from catalog.stores.webdav.answers import strong
from catalog.stores.webdav.connection import Connection
from catalog.stores.webdav.failures import status_of

PARTIAL = 206
_PAST_THE_END = 416


class Download(io.RawIOBase):
    """The bytes of a file from `offset`, `length` of them at most (None: all).

    The first request is sent at once. `is_check`: see `Connection.transfer`.
    """

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
        super().__init__()
        self._connection = connection
        self._url = url
        self._path = path
        self._position = offset
        self._end = None if length is None else offset + length
        self._lines = contextlib.ExitStack()
        self._response: httpx.Response | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._rest = memoryview(b"")
        self._etag: str | None = None
        self._is_whole = False
        try:
            self._lines.enter_context(connection.transfer(is_check=is_check))
            self._open()
        except BaseException:
            self.close()
            raise

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as bytes come; 0 at the end."""
        piece = self._next(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size: int | None = -1) -> bytes | None:
        """What has come, so many bytes at most; all that is left where none are named. No room is
        made for what has not come yet, as `RawIOBase` does.
        """
        return super().read() if size is None or size < 0 else bytes(self._next(size))

    def _next(self, wanted: int) -> memoryview:
        """The next bytes, so many at most; none at the end."""
        attempt = 0
        while not self._rest and not self._is_whole:
            try:
                if self._response is None:
                    self._open()
                self._rest = memoryview(next(self._pieces))
            except StopIteration:
                self._is_whole = True
            except (httpx.HTTPError, OSError) as error:
                self._drop()
                self._connection.patience.give_time(error, attempt, self._path)
                attempt += 1
        if self._end is not None:  # a server may send all although it was asked for a part
            wanted = min(wanted, self._end - self._position)
        piece = self._rest[:wanted]
        self._rest = self._rest[len(piece) :]
        self._position += len(piece)
        return piece

    def _open(self) -> None:
        """Ask for the bytes from where we are; the file must still be the one that was begun."""
        headers = {}
        if self._position or self._end is not None:
            last = "" if self._end is None else str(self._end - 1)
            headers["Range"] = f"bytes={self._position}-{last}"
        if self._end is not None and self._end <= self._position:
            self._is_whole = True
            return
        response = self._asked(headers)
        if response is None:
            self._is_whole = True
            return
        etag = strong(response.headers.get("ETag", ""))
        if self._etag is not None and etag != self._etag:
            response.close()
            raise FixityMismatch(
                f"{self._path} changed while it was read.",
                store=self._connection.store,
                path=self._path,
                hint="Run the command again.",
            )
        self._etag, self._response = etag, response
        self._pieces = response.iter_raw()
        if headers and response.status_code != PARTIAL:
            self._skip(self._position)

    def _asked(self, headers: dict[str, str]) -> httpx.Response | None:
        """The answer; None where it begins beyond the end."""
        try:
            return self._connection.stream(self._url, self._path, headers)
        except StoreError as error:
            if status_of(error) == _PAST_THE_END:
                return None
            raise

    def _skip(self, count: int) -> None:
        """Leave out what comes before the part: the server cannot send parts."""
        while count and (piece := next(self._pieces, b"")):
            self._rest = memoryview(piece)[count:]
            count -= min(count, len(piece))

    def _drop(self) -> None:
        self._rest = memoryview(b"")
        if self._response is not None:
            self._response.close()
            self._response = None

    def close(self) -> None:
        """Let go of the line, whatever is still on it."""
        if not self.closed:
            self._drop()
            self._lines.close()
        super().close()


def read_small(connection: Connection, url: str, path: str) -> bytes | None:
    """All bytes of a small file, or None where there is none."""
    try:
        return connection.ask("GET", url, path).content
    except NotFound:
        return None
