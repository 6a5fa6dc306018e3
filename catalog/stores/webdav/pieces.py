"""Large files in pieces, which a Nextcloud puts together (its chunked upload, version 2)."""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, Self

from catalog.domain.fixity import ContentHasher
from catalog.errors import NotFound, StoreError, StoreUnavailable
from catalog.stores.patience import Ambiguous
from catalog.stores.sending import read_up_to, source_changed
from catalog.stores.webdav.addresses import Address, escape_path
from catalog.stores.webdav.answers import FILE_PROPERTIES
from catalog.stores.webdav.connection import LONG, Connection
from catalog.stores.webdav.failures import status_of
from catalog.stores.webdav.operations import SHA1, Operations

PIECE = 10 * 1024 * 1024
"""Bytes of one piece; 5 MiB at least are asked for."""
AT_ONCE = 2
"""Pieces of one file under way; a Nextcloud asks for 5 at most."""
PIECES = 10_000
"""Pieces of one file at most."""
FIRST_LOOK, LONGEST_LOOK = 1.0, 30.0
"""Seconds between looks for a file that the server puts together by itself."""


class _Senders:
    """Pieces of one file under way, a few at once, while the next is read. Ends when all have
    arrived; raises what became of one.
    """

    def __init__(self, connection: Connection, path: str, headers: dict[str, str]) -> None:
        self._connection = connection
        self._path = path
        self._headers = headers
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pieces")
        self._under_way: deque[Future[object]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, _error: object, _trace: object) -> None:
        self._threads.shutdown()
        while kind is None and self._under_way:
            self._under_way.popleft().result()

    def send(self, url: str, piece: bytes) -> None:
        """Begin to send a piece, once another one has arrived."""
        if len(self._under_way) == AT_ONCE:
            self._under_way.popleft().result()
        ask = self._connection.ask
        self._under_way.append(
            self._threads.submit(ask, "PUT", url, self._path, headers=self._headers, body=piece)
        )


class PieceSender:
    """Sends files piece by piece; what a run that was broken off has sent is not sent again.

    Two runs that send the same content to the same place share what they send.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._folder = operations.folder
        self._connection = operations.folder.connection

    def send(
        self,
        url: str,
        path: str,
        stream: BinaryIO,
        size: int,
        digest: str,
        headers: dict[str, str],
    ) -> str:
        """Make a file of a stream of so many bytes with that content hash; its SHA-1.

        `headers` are those of the finished file. Raises FixityMismatch for other bytes, StoreError.
        """
        home = self._home(path, digest)
        common = {"Destination": self._files_url(url), "OC-Total-Length": str(size)}
        there = self._begin(home, common, path)
        hasher = ContentHasher((SHA1,))
        step = max(PIECE, -(-size // PIECES))
        number, left = 0, size
        with _Senders(self._connection, path, common) as senders:
            while left and (piece := read_up_to(stream, min(step, left))):
                number += 1
                if there.get(f"{number:05d}") != len(piece):
                    senders.send(f"{home}/{number:05d}", piece)
                hasher.update(piece)
                left -= len(piece)
        if left or stream.read(1) or hasher.hexdigest() != digest:
            self._operations.drop(home)
            raise source_changed(path, self._folder.name)
        sha1 = hasher.digests().checksums[SHA1]
        further = {"OC-Checksum": f"SHA1:{sha1}", "Overwrite": "F"}
        self._put_together(home, url, path, size, common | headers | further)
        return sha1

    def _home(self, path: str, digest: str) -> str:
        """Where the pieces of a content for a place go."""
        place = f"{self._folder.address.text} {path} {digest}"
        name = hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:40]
        uploads = escape_path(self._operations.traits.uploads)
        return f"{self._connection.origin}{uploads}/catalog-{name}"

    def _files_url(self, url: str) -> str:
        """The same place as uploads in pieces name it: below the files of the user."""
        address = self._folder.address
        if address.parts is None:
            return url
        base, _user, inside = address.parts
        user = self._operations.traits.uploads.rpartition("/")[2]
        files = Address(address.origin, f"{base}/dav/files/{user}{inside}")
        return files.url("") + url.removeprefix(address.url(""))

    def _begin(self, home: str, common: dict[str, str], path: str) -> dict[str, int]:
        """The pieces that are there already, and their sizes."""
        try:
            self._connection.ask("MKCOL", home, path, headers=common)
        except StoreError as error:
            if status_of(error) != 405:
                raise
        else:
            return {}
        found = self._connection.list(home, "1", FILE_PROPERTIES)
        return {r.href.rstrip("/").rpartition("/")[2]: r.size for r in found if not r.is_folder}

    def _put_together(
        self, home: str, url: str, path: str, size: int, headers: dict[str, str]
    ) -> None:
        """Let the server make one file of the pieces.

        It is asked once: a proxy may give up long before the server is done, and a second request
        would meet the first.
        """
        try:
            self._connection.ask("MOVE", f"{home}/.file", path, headers=headers, is_once=True)
        except Ambiguous as error:
            self._await(url, path, size, error)

    def _await(self, url: str, path: str, size: int, error: Ambiguous) -> None:
        waited, pause = 0.0, FIRST_LOOK
        while waited < LONG:
            try:
                if self._operations.look(url, path).size == size:
                    return
            except NotFound:
                pass
            self._connection.patience.pause(pause)
            waited += pause
            pause = min(pause * 1.5, LONGEST_LOOK)
        raise StoreUnavailable(
            f"{self._connection.host} did not put {path} together within an hour.",
            store=self._folder.name,
            path=path,
            hint="Run the command again; what was sent is kept there for a day.",
        ) from error
