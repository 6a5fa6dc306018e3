"""A file goes to a server in the way that its size, and the server, ask for."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import httpx

from catalog.domain.fixity import ContentHasher, digests_of
from catalog.errors import AlreadyExists, StoreError, StoreUnavailable
from catalog.stores.budget import Budget
from catalog.stores.patience import ATTEMPTS, Ambiguous
from catalog.stores.sending import read_all, source_changed
from catalog.stores.webdav.answers import Resource, strong
from catalog.stores.webdav.failures import status_of
from catalog.stores.webdav.operations import SHA1, Named, Operations, damaged
from catalog.stores.webdav.pieces import PieceSender

SINGLE = 8 * 1024 * 1024
"""Bytes up to which a file is one request: beyond it too much would be in memory."""
IN_MEMORY = 8 * SINGLE
"""Bytes of small files held at once."""
FIRST_DAY = 24 * 3600
_BLOCK = 1 << 20
_NUMBER = re.compile(r"0*([0-9]+)")


class Wanted(NamedTuple):
    """A file to be made: what the store calls it, its address, bytes, time (ns), content hash."""

    path: str
    url: str
    size: int
    mtime_ns: int
    digest: str

    @property
    def times(self) -> dict[str, str]:
        """How a request states its time, in whole seconds; a Nextcloud breaks down over one of the
        first day of 1970 or before, after it has stored the file.
        """
        seconds = self.mtime_ns // 1_000_000_000
        return {"X-OC-Mtime": str(seconds)} if seconds > FIRST_DAY else {}

    @property
    def folder(self) -> str:
        """The folder that it goes to."""
        return self.path.rpartition("/")[0]


class Uploader:
    """Puts files below a folder of a server, never over another;
    many threads may call `put` at once.
    """

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._folder = operations.folder
        self._connection = operations.folder.connection
        self._traits = operations.traits
        self._budget = Budget(IN_MEMORY)
        self._pieces = PieceSender(operations)
        # each ends before others begin
        self._large = threading.BoundedSemaphore(self._connection.line.transfers)

    def put(self, wanted: Wanted, stream: BinaryIO) -> Resource:
        """What the server says of the new file, whose content is proved.

        Raises AlreadyExists, FixityMismatch, StoreFull, InvalidPath, StoreUnavailable and what
        reading the stream raises.
        """
        if wanted.size > SINGLE:
            with self._large:
                if self._traits.uploads:
                    return self._put_aside(
                        wanted,
                        lambda url: self._pieces.send(
                            url, wanted.path, stream, wanted.size, wanted.digest, wanted.times
                        ),
                    )
                return self._put(
                    wanted, lambda url, given: self._stream(url, wanted, stream, given)
                )
        with self._budget.holding(wanted.size):
            data = read_all(stream, wanted.size, wanted.digest, self._folder.name, wanted.path)
            if self._traits.hashes:
                return self._put_proved(wanted, data)
            return self._put(wanted, lambda url, given: self._send(url, wanted, data, given))

    # --- in one request, of which the server says what it got -----------------------------------

    def _put_proved(self, wanted: Wanted, data: bytes) -> Resource:
        sha1 = digests_of(data, (SHA1,)).checksums[SHA1]
        further = {"If-None-Match": "*", "OC-Checksum": f"SHA1:{sha1}", "X-Hash": SHA1}
        self._folder.make_folders(wanted.folder)
        answer = self._sent_once(wanted, data, wanted.times | further, sha1)
        there = None if answer is None else _as_answered(answer, wanted, sha1)
        if there is None:
            there = self._operations.look(wanted.url, wanted.path)
        stated = "" if answer is None else answer.headers.get("X-Hash-SHA1", "").lower()
        if (stated or self._operations.compute_sha1(wanted.url, wanted.path)) != sha1:
            self._operations.delete(wanted.url, wanted.path, there.etag)
            raise damaged(wanted.path, self._folder.name)
        return there

    def _sent_once(
        self, wanted: Wanted, data: bytes, headers: dict[str, str], sha1: str
    ) -> httpx.Response | None:
        """The answer; None where it was lost, and the file is there."""
        lost = False
        for attempt in range(ATTEMPTS):
            try:
                return self._connection.ask(
                    "PUT",
                    wanted.url,
                    wanted.path,
                    headers=headers,
                    body=data,
                    is_once=True,
                )
            except Ambiguous as error:
                lost = True
                self._connection.patience.give_time(error.cause, attempt, wanted.path)
            except AlreadyExists:
                if lost and self._operations.compute_sha1(wanted.url, wanted.path) == sha1:
                    return None
                raise
            except StoreError as error:
                if attempt or status_of(error) not in (404, 409):
                    raise
                self._folder.forget_made()  # a folder was taken away meanwhile
                self._folder.make_folders(wanted.folder)
        raise AssertionError("unreachable")

    # --- aside first, and read back ---------------------------------------------------------------

    def _put(self, wanted: Wanted, send: Callable[[str, dict[str, str]], str]) -> Resource:
        """Aside first, but where the server cannot give the file its name then."""
        if self._operations.keeps_name(wanted.url):
            return self._put_aside(wanted, lambda url: send(url, {}))
        self._folder.make_folders(wanted.folder)
        self._operations.check_free(Named(wanted.url, wanted.path))
        sha1 = send(wanted.url, {"If-None-Match": "*"})
        try:
            self._prove(wanted.url, wanted, sha1)
        except BaseException:
            self._operations.drop(wanted.url)
            raise
        return self._operations.look(wanted.url, wanted.path)

    def _put_aside(self, wanted: Wanted, send: Callable[[str], str]) -> Resource:
        """Under a name of our own, proved there, and then under its own if that is free."""
        url = self._operations.new_scratch()
        try:
            sha1 = send(url)
            self._prove(url, wanted, sha1)
            self._folder.make_folders(wanted.folder)
            self._operations.place(url, Named(wanted.url, wanted.path))
        except BaseException:
            self._operations.drop(url)
            raise
        return self._operations.look(wanted.url, wanted.path)

    def _prove(self, url: str, wanted: Wanted, sha1: str) -> None:
        """Raise FixityMismatch where the server has other bytes than were sent."""
        if self._traits.hashes:
            is_its = self._operations.compute_sha1(url, wanted.path) == sha1
        else:
            is_its = self._operations.content_of(url, wanted.path) == wanted.digest
        if not is_its:
            raise damaged(wanted.path, self._folder.name)

    def _send(self, url: str, wanted: Wanted, data: bytes, given: dict[str, str]) -> str:
        """All bytes in one request, which may be repeated where the name is our own."""
        headers = given | (wanted.times if self._traits.keeps_times else {})
        self._connection.ask("PUT", url, wanted.path, headers=headers, body=data)
        return digests_of(data, (SHA1,)).checksums[SHA1]

    def _stream(self, url: str, wanted: Wanted, stream: BinaryIO, given: dict[str, str]) -> str:
        """The same as they come; from the beginning again where the source can be read anew."""
        headers = {"Content-Length": str(wanted.size), **given}
        headers |= wanted.times if self._traits.keeps_times else {}
        for attempt in range(ATTEMPTS):
            source = _Source(stream, wanted, self._folder.name)
            try:
                self._connection.ask(
                    "PUT",
                    url,
                    wanted.path,
                    headers=headers,
                    body=source,
                    is_once=True,
                )
                return source.check()
            except Ambiguous as error:
                if given or not stream.seekable():
                    raise StoreUnavailable(
                        f"The line to {self._connection.host} broke while {wanted.path} was sent.",
                        store=self._folder.name,
                        path=wanted.path,
                        hint="Run the command again.",
                    ) from error
                self._connection.patience.give_time(error.cause, attempt, wanted.path)
                stream.seek(0)
        raise AssertionError("unreachable")


class _Source:
    """The bytes of a stream, as they are sent; they must be those that are expected."""

    def __init__(self, stream: BinaryIO, wanted: Wanted, store: str) -> None:
        self._stream = stream
        self._wanted = wanted
        self._store = store
        self._hasher = ContentHasher((SHA1,))

    def __iter__(self) -> Iterator[bytes]:
        left = self._wanted.size
        while left:
            piece = self._stream.read(min(_BLOCK, left))
            if not piece:
                raise source_changed(self._wanted.path, self._store)
            left -= len(piece)
            self._hasher.update(piece)
            yield piece

    def check(self) -> str:
        """Their SHA-1, if they were what was expected. Raises FixityMismatch."""
        if self._stream.read(1) or self._hasher.hexdigest() != self._wanted.digest:
            raise source_changed(self._wanted.path, self._store)
        return self._hasher.digests().checksums[SHA1]


def _as_answered(answer: httpx.Response, wanted: Wanted, sha1: str) -> Resource | None:
    """The new file, as the answer to its upload describes it; None where it lacks something."""
    headers = answer.headers
    etag, number = strong(headers.get("OC-ETag", "")), _NUMBER.match(headers.get("OC-FileId", ""))
    if not etag or number is None or headers.get("X-OC-MTime") != "accepted":
        return None
    return Resource.made(wanted.size, wanted.mtime_ns, etag, number[1], sha1)
