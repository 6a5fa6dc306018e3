"""What a server does itself with the files of a store, each never over another file."""

from __future__ import annotations

import re
import socket
import threading
import time
import uuid
from typing import NamedTuple

from catalog.domain.fixity import ContentHasher
from catalog.errors import AlreadyExists, FixityMismatch, NotFound, StoreError
from catalog.stores.paths import IN_SCRATCH
from catalog.stores.patience import ATTEMPTS, Ambiguous
from catalog.stores.webdav.answers import CLOUD_PROPERTIES, FILE_PROPERTIES, Resource, sha1_of
from catalog.stores.webdav.downloads import Download
from catalog.stores.webdav.failures import status_of
from catalog.stores.webdav.folder import ServerFolder
from catalog.stores.webdav.server import ServerTraits

SHA1 = "sha1"
_HOST = "".join(c for c in socket.gethostname() if c.isalnum()) or "host"
SCRATCH_NAME = re.compile(r"\w+-[0-9a-f]{32}")
"""The names of files of our own; nothing else is ever swept."""
ABANDONED = 7 * 24 * 3600
"""Seconds after which what a run left among the temporary files is nobody's any more."""
_CUTTING = frozenset(";?#%")
"""Characters at which some servers cut a Destination, or take it apart once more."""


class Named(NamedTuple):
    """A file: its address, and what the store calls it, for errors."""

    url: str
    path: str


class Operations:
    """What can be asked of files by their address; `path` is what the store calls them."""

    def __init__(self, folder: ServerFolder, traits: ServerTraits) -> None:
        self.folder = folder
        self.traits = traits
        self.properties = CLOUD_PROPERTIES if traits.numbers else FILE_PROPERTIES
        self._connection = folder.connection
        self._alone = threading.Lock()
        self._is_swept = False
        self._keeps_odd_names: bool | None = None if traits.product == "plain" else True

    def look(self, url: str, path: str) -> Resource:
        """What the server says of a file or folder. Raises NotFound."""
        return self._connection.list(url, "0", self.properties, path)[0]

    def compute_sha1(self, url: str, path: str) -> str:
        """The SHA-1 that the server computes of what it has. Raises NotFound."""
        headers = {"X-Recalculate-Hash": SHA1}
        answer = self._connection.ask("PATCH", url, path, headers=headers)
        return sha1_of(answer.headers.get("OC-Checksum", ""))

    def content_of(self, url: str, path: str) -> str:
        """The content hash of a file, by reading all of it. Raises NotFound."""
        hasher = ContentHasher()
        with Download(self._connection, url, path, is_check=True) as stream:
            while piece := stream.read(1 << 20):
                hasher.update(piece)
        return hasher.hexdigest()

    def has_same_content(self, one: str, other: str, path: str) -> bool:
        """Whether two files are the same, by what the server computes, else by reading both."""
        judge = self.compute_sha1 if self.traits.hashes else self.content_of
        return judge(one, path) == judge(other, path)

    # --- renaming and copying ---------------------------------------------------------------------

    def move(self, source: Named, target: Named) -> None:
        """Give a file another name. Raises AlreadyExists, NotFound, StoreError."""
        self._relocate("MOVE", source, target, self.look(*source))

    def copy(self, source: Named, target: Named) -> Resource:
        """Make a second copy, with the time of the first, and its checksum where the server keeps
        some. Raises AlreadyExists, NotFound, StoreError.
        """
        before = self.look(*source)
        self.folder.make_folders(target.path.rpartition("/")[0])
        self._relocate("COPY", source, target, before)
        after = self.look(*target)
        if after.mtime_ns != before.mtime_ns and self.traits.keeps_times:
            self.set_time(*target, before.mtime_ns)
            after = self.look(*target)
        if self.traits.hashes and not after.sha1:
            self.compute_sha1(*target)
            after = self.look(*target)
        return after

    def place(self, scratch: str, target: Named) -> None:
        """Give a file of our own, at an address that nobody else uses, its name."""
        self._relocate("MOVE", Named(scratch, target.path), target, None)

    def _relocate(self, method: str, source: Named, target: Named, known: Resource | None) -> None:
        """`known` is the file as it was; None where nothing else can have been there."""
        if known is not None and not self.keeps_name(target.url):
            self._relay(source, target, known, is_move=method == "MOVE")
            return
        headers = {"Destination": target.url, "Overwrite": "F"}
        lost = False
        for attempt in range(ATTEMPTS):
            try:
                self._connection.ask(method, source.url, source.path, headers=headers, is_once=True)
                return
            except Ambiguous as error:
                lost = True
                self._connection.patience.give_time(error.cause, attempt, source.path)
            except (AlreadyExists, NotFound) as error:
                if lost and self._is_done(method, source, target, known):
                    return
                if isinstance(error, NotFound):
                    raise
                raise taken(target.path, self.folder.name) from error
        raise AssertionError("unreachable")

    def _is_done(self, method: str, source: Named, target: Named, known: Resource | None) -> bool:
        """Whether a request whose reply was lost was done after all."""
        there = self.find(target.url)
        if there is None or (known is not None and there.size != known.size):
            return False
        if method == "COPY":
            return self.has_same_content(source.url, target.url, source.path)
        is_its = known is None or not self.traits.numbers or there.file_id == known.file_id
        return is_its and self.find(source.url) is None

    def find(self, url: str) -> Resource | None:
        """What the server says of a file or folder, or None where there is none."""
        try:
            return self.look(url, "")
        except NotFound:
            return None

    def check_free(self, target: Named) -> None:
        """Raise AlreadyExists where something has the name: not every plain server heeds a
        condition.
        """
        if self.find(target.url) is not None:
            raise taken(target.path, self.folder.name)

    def keeps_name(self, url: str) -> bool:
        """Whether a file can be renamed to that: some servers cut odd names, which is tried once
        with files of our own.
        """
        if _CUTTING.isdisjoint(url.rpartition("/")[2].replace("%20", "")):
            return True
        if self._keeps_odd_names is None:
            self._keeps_odd_names = self._tried_odd_name()
        return self._keeps_odd_names

    def _tried_odd_name(self) -> bool:
        """A server that cuts the name renames the file to itself, and nothing else is touched."""
        url = self.new_scratch()
        odd = f"{url}%3Ba%3Fb%23c%253Fd"
        self._connection.ask("PUT", url)
        try:
            headers = {"Destination": odd, "Overwrite": "F"}
            self._connection.ask("MOVE", url, headers=headers)
            return self.find(odd) is not None
        except StoreError:
            return False
        finally:
            self.drop(url)
            self.drop(odd)

    def _relay(self, source: Named, target: Named, known: Resource, *, is_move: bool) -> None:
        """Read a file and write it anew, since the server cannot name it so itself."""
        self.check_free(target)
        headers = {"Content-Length": str(known.size), "If-None-Match": "*"}
        with Download(self._connection, *source) as stream:
            pieces = iter(lambda: stream.read(1 << 20) or b"", b"")
            self._connection.ask("PUT", *target, headers=headers, body=pieces, is_once=True)
        if not self.has_same_content(source.url, target.url, source.path):
            self.drop(target.url)
            raise damaged(target.path, self.folder.name)
        if is_move:
            self.delete(*source, known.etag)

    def set_time(self, url: str, path: str, mtime_ns: int) -> None:
        """Give a file its time back, in whole seconds; a Nextcloud takes it so."""
        body = (
            '<?xml version="1.0"?><propertyupdate xmlns="DAV:"><set><prop>'
            f"<lastmodified>{mtime_ns // 1_000_000_000}</lastmodified>"
            "</prop></set></propertyupdate>"
        ).encode()
        headers = {"Content-Type": "application/xml; charset=utf-8"}
        self._connection.ask("PROPPATCH", url, path, headers=headers, body=body)

    # --- taking away ------------------------------------------------------------------------------

    def delete(self, url: str, path: str, etag: str = "") -> None:
        """Delete a file that is still of that version ("": any); one that is gone is no error."""
        headers = {"If-Match": etag} if etag else {}
        try:
            self._connection.ask("DELETE", url, path, headers=headers)
        except NotFound:
            return
        except AlreadyExists as error:  # what 412 means elsewhere
            raise StoreError(
                f"{path} in store {self.folder.name} was changed in this moment, and is kept.",
                store=self.folder.name,
                path=path,
            ) from error

    def drop(self, url: str) -> None:
        """Delete what is our own; what is left is found by the next sweep."""
        try:
            self._connection.ask("DELETE", url)
        except StoreError as error:
            if status_of(error) == 0:
                return

    def new_scratch(self) -> str:
        """An address for a file of our own, which nobody else uses."""
        with self._alone:
            if not self._is_swept:
                self.folder.make_folders(IN_SCRATCH)
                self._sweep()
                self._is_swept = True
        return self.folder.url(f"{IN_SCRATCH}/{_HOST}-{uuid.uuid4().hex}")

    def _sweep(self) -> None:
        """Remove what killed runs left among the temporary files, once it is old."""
        for resource in self._connection.list(self.folder.url(IN_SCRATCH), "1", self.properties):
            system = self.folder.address.below(resource.href) or ""
            age = time.time() - resource.mtime_ns / 1e9
            if SCRATCH_NAME.fullmatch(system.rpartition("/")[2]) and age > ABANDONED:
                self.drop(self.folder.address.url(system))


def taken(path: str, store: str) -> AlreadyExists:
    """The error of a name that is in use."""
    return AlreadyExists(f"{path} is already in store {store}.", store=store, path=path)


def damaged(path: str, store: str) -> FixityMismatch:
    """The error of bytes that did not arrive as they were sent."""
    return FixityMismatch(
        f"{path} did not reach store {store} as it was sent.",
        store=store,
        path=path,
        hint="The line damages data, or the server's disk; run the command again.",
    )
