"""A folder of a WebDAV server under the protocol of all stores."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, ClassVar, TypeAlias, cast

from catalog.domain.asset import Entry
from catalog.domain.checksums import NONE
from catalog.domain.fixity import ContentHasher, Digests
from catalog.errors import FixityMismatch, NotFound, UsageError
from catalog.stores.identity import number_of
from catalog.stores.paths import (
    IN_TRASH,
    PRIVATE,
    check_in_trash,
    check_inside,
    check_size,
    check_writable,
)
from catalog.stores.protocol import Capabilities, FileTags, Store
from catalog.stores.trash import Trashed
from catalog.stores.webdav.addresses import KIND, Address, check_held, relative_to
from catalog.stores.webdav.answers import Resource
from catalog.stores.webdav.connection import AT_ONCE, Connection
from catalog.stores.webdav.downloads import Download
from catalog.stores.webdav.folder import ServerFolder
from catalog.stores.webdav.kept_tree import KeptTree
from catalog.stores.webdav.operations import SHA1, Named, Operations, taken
from catalog.stores.webdav.server import ServerTraits, traits_of
from catalog.stores.webdav.tags import ServerTags
from catalog.stores.webdav.trash import ServerTrash
from catalog.stores.webdav.uploads import SINGLE, Uploader, Wanted

LONGEST_NAME = 255
REMEMBERED = 100_000
"""Files read whole of which a run remembers the SHA-1 beside the content hash."""

Entries: TypeAlias = Iterator[Entry]
Paths: TypeAlias = list[str]


class WebdavStore:
    """A folder of a server.

    With `managed` it is a store of the catalog and may be written to; else it is only read from.

    `state` is a folder of this machine that keeps the listing, and what the server can, between
    runs. `is_new`: the catalog does not know the store yet, and a folder that is not there is an
    empty one.
    """

    kind: ClassVar[str] = KIND
    folder: ClassVar[Path | None] = None

    def __init__(
        self,
        name: str,
        address: Address,
        connection: Connection,
        state: Path,
        *,
        managed: bool = True,
        is_new: bool = False,
    ) -> None:
        self.name = name
        self.address = address
        self.connection = connection
        self._folder = ServerFolder(name, address, connection)
        self._state = state
        self._managed = managed
        self._is_new = is_new
        self._ready = threading.Lock()
        self._parts: _Parts | None = None
        self._read: dict[str, str] = {}

    @property
    def location(self) -> str:
        """The folder, as a person would name it."""
        return self._folder.location

    def relative(self, folder: str) -> str:
        """A folder relative to the root as given, or by its whole address."""
        below = relative_to(self.address, folder)
        if below is not None:
            return below
        raise UsageError(
            f"{folder} does not lie in {self.location}.",
            hint="Name a folder of the store, relative to its root or by its whole address.",
        )

    @property
    def device(self) -> int:
        """The number that stands for the account in entries, 0 where files have no numbers."""
        return self._made.tree.device

    @property
    def traits(self) -> ServerTraits:
        """What the server can."""
        return self._made.operations.traits

    @property
    def capabilities(self) -> Capabilities:
        """What the store is like, as its server is."""
        return self._made.capabilities

    @property
    def _made(self) -> _Parts:
        """What needs the server to be known; made when first used."""
        with self._ready:
            if self._parts is None:
                self._parts = _Parts(self._folder, self._state, managed=self._managed)
            return self._parts

    # --- reading ----------------------------------------------------------------------------------

    def list(self, prefix: str = "", *, recursive: bool = True) -> Entries:
        """Every entry below a folder, as it is now; where the server tells, only what changed
        since the last listing is asked for.
        """
        check_inside(prefix, self)
        if self._is_new and not self._folder.is_there():
            return iter(())
        self._made.tree.refresh()
        self._folder.is_seen = True
        return self._made.tree.entries(prefix.rstrip("/"), recursive=recursive)

    def mark(self, *, listed: bool = False) -> str:
        """The entity tag of the root, where the server gives it another for any change below."""
        tree = self._made.tree
        return tree.seen if listed else tree.tag()

    def wait(self, seconds: int) -> bool:
        """Wait for a change since the last listing, so many seconds at most;
        whether there was one.
        """
        return self._made.tree.wait(seconds)

    def stat(self, path: str) -> Entry | None:
        """The entry of one file as it is now, or None: one request."""
        url = self._url(path)
        try:
            found = self._made.operations.look(url, path)
        except NotFound:
            self._check_root()
            return None
        return None if found.is_folder else self._entry(path, found)

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The bytes of a file from an offset; a broken line is taken up where it broke."""
        return cast("BinaryIO", Download(self.connection, self._found(path), path, offset))

    def read_range(self, path: str, offset: int, length: int) -> bytes:
        """So many bytes from an offset, fewer at the end of the file."""
        with Download(self.connection, self._found(path), path, offset, length) as stream:
            return stream.readall() or b""

    def thumbnails(self, paths: Sequence[str]) -> dict[str, bytes]:  # noqa: ARG002
        """None: a server makes them one by one, and slower than the file is read."""
        return {}

    def checksum(self, path: str, *, anew: bool = False) -> str:
        """The content hash, by reading all of the file. Raises NotFound."""
        return self.digests(path, (), anew=anew).content

    def digests(self, path: str, kinds: Sequence[str], *, anew: bool = False) -> Digests:  # noqa: ARG002 - it is always read
        """The content hash and checksums of these kinds, by reading all of the file.

        Raises NotFound.
        """
        hashes = self.traits.hashes
        hasher = ContentHasher({*kinds, SHA1} if hashes else kinds)
        with self.open(path) as stream:
            while piece := stream.read(1 << 20):
                hasher.update(piece)
        found = hasher.digests()
        if hashes and len(self._read) < REMEMBERED:
            self._read[found.content] = found.checksums[SHA1]
        return Digests(found.content, {kind: found.checksums[kind] for kind in kinds})

    def compute_checksums(self, path: str) -> Mapping[str, str]:
        """The SHA-1 that the server computes now, where it can. Raises NotFound."""
        if not self.traits.hashes:
            return NONE
        return {SHA1: self._made.operations.compute_sha1(self._found(path), path)}

    def tags(self) -> FileTags | None:
        """Those of the server, if it is a Nextcloud or ownCloud."""
        properties = self._made.operations.properties
        return ServerTags(self._folder, properties, self._entry) if self.traits.numbers else None

    # --- writing ----------------------------------------------------------------------------------

    def put(self, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str) -> Entry:
        """Send a file, proved by what the server computes of it, or by reading it back; never over
        another.
        """
        url = self._writable(path)
        self._check_root()
        check_size(path, size, self)
        if size > SINGLE and self.stat(path) is not None:  # known before the bytes travel
            raise taken(path, self.name)
        wanted = Wanted(path, url, size, mtime_ns, checksum)
        return self._entry(path, self._made.uploader.put(wanted, stream))

    def settle(self, paths: Paths) -> None:
        """Nothing: what the server has confirmed is there."""

    def copy(self, source: str, target: str) -> Entry:
        """A second copy, made by the server; no bytes travel."""
        return self._copied(self._found(source), source, target)

    def move(self, source: str, target: str) -> Entry:
        """Rename, never over an existing file."""
        self._writable(source)
        wanted = self._writable(target)
        url = self._found(source)
        operations = self._made.operations
        self._folder.make_folders(target.rpartition("/")[0])
        operations.move(Named(url, source), Named(wanted, target))
        return self._entry(target, operations.look(wanted, target))

    def adopt(self, source: Store, path: str, target: str, checksum: str) -> Entry | None:
        """A copy of a file of another folder of the same server, made by the server; None for any
        other store, or where the server does not say what it has.

        What the server computes of it proves it, where the source was read whole by this run; else
        it is read.
        """
        if not isinstance(source, WebdavStore) or not self.traits.hashes:
            return None
        mine, its = self.connection, source.connection
        if (mine.origin, mine.login) != (its.origin, its.login):
            return None
        entry = self._copied(source._found(path), path, target)
        if not self._holds(target, checksum, source._read.get(checksum, "")):
            self.discard(target)
            raise FixityMismatch(
                f"{path} changed while it was copied.",
                store=self.name,
                path=path,
                hint="Run the command again.",
            )
        return entry

    def _holds(self, path: str, checksum: str, sha1: str) -> bool:
        """Whether a file has a content, whose SHA-1 may be known ("": it is not)."""
        operations, url = self._made.operations, self._url(path)
        if sha1:
            return operations.compute_sha1(url, path) == sha1
        return operations.content_of(url, path) == checksum

    def _copied(self, url: str, path: str, target: str) -> Entry:
        wanted = self._writable(target)
        self._check_root()
        after = self._made.operations.copy(Named(url, path), Named(wanted, target))
        return self._entry(target, after)

    def remove(self, path: str, batch: str = "") -> str | None:
        """Move a file to the store's trash; what it is called there,
        or None where there was no file.
        """
        self._writable(path)
        if self.stat(path) is None:
            return None
        return self._made.trash.take(path, batch or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")

    def discard(self, path: str, seen: Entry | None = None) -> None:
        """Delete a file, if it still is the one that was seen;
        a Nextcloud itself keeps deleted files for some time.
        """
        known = seen or self.stat(path)
        if known is not None:
            tag = f'"{known.revision}"' if known.revision else ""
            self._made.operations.delete(self._url(path), path, tag)

    def remove_empty_folder(self, path: str) -> bool:  # noqa: ARG002
        """False: a server cannot remove a folder only if it is empty,
        and what came into it meanwhile would go with it.
        """
        return False

    # --- the trash --------------------------------------------------------------------------------

    def trashed(self) -> Iterator[Trashed]:
        """What lies in the trash, oldest batch first."""
        self._check_root()
        yield from self._made.trash.list()

    def restore(self, key: str, path: str) -> None:
        """Move a file from the trash back; refuses an existing target."""
        self._check_key(key)
        self._writable(path)
        self._check_root()
        self._made.trash.restore(key, path)

    def empty(self, key: str) -> None:
        """Remove a file from the trash."""
        self._check_key(key)
        self._made.trash.discard(key)

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash. Raises NotFound."""
        self._check_key(key)
        return self._made.trash.checksum(key)

    def sweep(self) -> None:
        """Nothing: what killed runs left goes before the first temporary file is made, so that a
        run that makes none asks for none.
        """

    def close(self) -> None:
        """Let go of the connections."""
        self.connection.close()

    # --- private ----------------------------------------------------------------------------------

    def _check_key(self, key: str) -> None:
        check_in_trash(key, self)
        check_inside(f"{IN_TRASH}/{key}", self)

    def _check_root(self) -> None:
        if not self._is_new:
            self._folder.check()

    def _url(self, path: str) -> str:
        check_inside(path, self)
        return self._folder.url(path)

    def _found(self, path: str) -> str:
        self._check_root()
        return self._url(path)

    def _writable(self, path: str) -> str:
        check_writable(path, self)
        check_held(path, self.name)
        return self._folder.url(path)

    def _entry(self, path: str, found: Resource) -> Entry:
        return self._made.entry(path, found)


class _Parts:
    """What a store is made of, once its server is known."""

    def __init__(self, folder: ServerFolder, state: Path, *, managed: bool) -> None:
        address, connection = folder.address, folder.connection
        user = connection.login.username if connection.login else ""
        identity = f"{address.origin} {user}"
        home = state / f"{number_of(identity):016x}"
        top = number_of(f"{identity} {address.top}")
        traits = traits_of(connection, address, home / f"server-{top:016x}.json")
        self.folder = folder
        self.operations = Operations(folder, traits)
        listing = home / f"listing-{number_of(address.path):016x}.sqlite"
        self.tree = KeptTree(self.operations, listing, identity, hidden=(PRIVATE,))
        self.uploader = Uploader(self.operations)
        self.trash = ServerTrash(self.operations)
        self.capabilities = Capabilities(
            checksums=(SHA1,) if traits.hashes else (),
            server_side_copy=True,
            trash=managed,
            read_only=not managed,
            longest_name=LONGEST_NAME,
            together=connection.line.transfers + AT_ONCE,
        )

    def entry(self, path: str, found: Resource) -> Entry:
        """The entry of what the server describes."""
        sha1 = found.sha1
        return Entry(
            path,
            found.size,
            found.mtime_ns,
            0,
            self.tree.device,
            found.file_id,
            "",
            {SHA1: sha1} if sha1 else NONE,
            found.etag.strip('"'),
        )
