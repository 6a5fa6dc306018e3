"""A folder of a Dropbox account under the protocol of all stores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeAlias, cast

from dropbox import files

from catalog.domain.asset import Entry
from catalog.domain.checksums import CONTENT
from catalog.domain.fixity import Digests
from catalog.domain.names import comparison_key
from catalog.errors import (
    AlreadyExists,
    NotFound,
    UsageError,
)
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.downloads import Download
from catalog.stores.dropbox.entries import (
    KIND,
    LONGEST_NAME,
    entry_of,
    folder_named,
    local,
)
from catalog.stores.dropbox.folder import AccountFolder
from catalog.stores.dropbox.kept_listing import KeptListing
from catalog.stores.dropbox.operations import Named, Operations
from catalog.stores.dropbox.thumbnails import Thumbnails
from catalog.stores.dropbox.trash import DropboxTrash
from catalog.stores.dropbox.uploads.finisher import TOGETHER
from catalog.stores.dropbox.uploads.sessions import UnfinishedUploads
from catalog.stores.dropbox.uploads.uploader import SINGLE, Uploader
from catalog.stores.identity import number_of
from catalog.stores.paths import PRIVATE, check_in_trash, check_inside, check_size, check_writable
from catalog.stores.protocol import Capabilities, Store
from catalog.stores.trash import Trashed

LARGEST = 2**41 - 2**22

Entries: TypeAlias = Iterator[Entry]
Paths: TypeAlias = list[str]


class DropboxStore:
    """A folder of an account.

    With `managed` it is a store of the catalog and may be written to; else it is only read from.

    `root` is as Dropbox names it, "" for all of the account. `state` is a folder of this machine
    that keeps the listing and unfinished uploads between runs. Paths are compared without case, as
    Dropbox does. `is_new`: the catalog does not know the store yet, and a folder that is not there
    is an empty one.
    """

    kind: ClassVar[str] = KIND
    folder: ClassVar[Path | None] = None

    def __init__(
        self,
        name: str,
        root: str,
        connection: Connection,
        state: Path,
        *,
        managed: bool = True,
        is_new: bool = False,
    ) -> None:
        self.name = name
        self.root = root
        self.connection = connection
        self.capabilities = Capabilities(
            checksums=(CONTENT,),
            case_sensitive=False,
            server_side_copy=True,
            trash=managed,
            read_only=not managed,
            largest_file=LARGEST,
            longest_name=LONGEST_NAME,
            together=TOGETHER,
        )
        self._folder = AccountFolder(name, root, connection)
        self._trash = DropboxTrash(self._folder)
        self._state = state
        self._ready = threading.Lock()
        self._parts: _Parts | None = None
        self._is_new = is_new

    @property
    def location(self) -> str:
        """The folder, as a person would name it."""
        return self._folder.location

    def relative(self, folder: str) -> str:
        """A folder relative to the root as given, or absolute in the account."""
        path = folder_named(folder)
        if not folder.startswith("/"):
            return path.lstrip("/")
        if f"{path}/".lower().startswith(f"{self.root}/".lower()):
            return path[len(self.root) :].lstrip("/")
        raise UsageError(
            f"{folder} does not lie in {self.location}.",
            hint="Name a folder of the store, relative to its root or absolute.",
        )

    @property
    def account(self) -> str:
        """The id of the account."""
        return str(self.connection.account.account_id)

    @property
    def device(self) -> int:
        """The number that stands for the account where entries have a device."""
        return self._made.listing.device

    @property
    def _made(self) -> _Parts:
        """What needs the account to be known; made when first used."""
        with self._ready:
            if self._parts is None:
                self._parts = _Parts(
                    self._folder, self._state, f"{self.account}:{self.connection.space}"
                )
            return self._parts

    # --- reading ----------------------------------------------------------------------------------

    def list(self, prefix: str = "", *, recursive: bool = True) -> Entries:
        """Every entry below a folder, as it is now;
        Dropbox is asked only for what changed since the last listing.
        """
        self._remote(prefix)
        if self._is_new and not self._folder.is_there():
            return iter(())
        self._made.listing.refresh()
        self._folder.is_seen = True
        return self._made.listing.entries(prefix.rstrip("/"), recursive=recursive)

    def mark(self, *, listed: bool = False) -> str:  # noqa: ARG002
        """None: what changed since a listing is only told together with it."""
        return ""

    def wait(self, seconds: int) -> bool:
        """Wait for a change since the last listing, so many seconds at most;
        whether there was one.
        """
        return self._made.listing.wait(seconds)

    def stat(self, path: str) -> Entry | None:
        """The entry of one file as it is now, or None: one request."""
        wanted = self._remote(path)
        try:
            metadata = self.connection.call(lambda sdk: sdk.files_get_metadata(wanted), path)
        except NotFound:
            self._check_root()
            return None
        return self._entry(metadata, path) if isinstance(metadata, files.FileMetadata) else None

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The bytes of a file from an offset; a broken line is taken up where it broke."""
        return cast("BinaryIO", Download(self.connection, self._found(path), path, offset))

    def read_range(self, path: str, offset: int, length: int) -> bytes:
        """So many bytes from an offset, fewer at the end of the file; no more are sent."""
        with Download(self.connection, self._found(path), path, offset, length) as stream:
            return stream.readall() or b""

    def _found(self, path: str) -> str:
        self._check_root()
        return self._remote(path)

    def thumbnails(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Small upright JPEGs of those files of which Dropbox has one."""
        return self._made.thumbnails.of({path: self._remote(path) for path in paths})

    def checksum(self, path: str, *, anew: bool = False) -> str:  # noqa: ARG002 - Dropbox watches over its disks itself
        """The content hash as Dropbox states it. Raises NotFound."""
        entry = self.stat(path)
        if entry is None:
            raise NotFound(f"{path} is not in store {self.name}.", store=self.name, path=path)
        return entry.content_hash

    def digests(self, path: str, kinds: Sequence[str], *, anew: bool = False) -> Digests:  # noqa: ARG002 - no byte is read
        """The content hash as Dropbox states it. Raises NotFound."""
        return Digests(self.checksum(path, anew=anew))

    # --- writing ----------------------------------------------------------------------------------

    def put(self, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str) -> Entry:
        """Send a file, proved by the hash that Dropbox states, never over another."""
        target = self._writable(path)
        self._check_root()
        check_size(path, size, self)
        if size > SINGLE and self.stat(path) is not None:  # known before the bytes travel
            raise AlreadyExists(
                f"{path} is already in store {self.name}.", store=self.name, path=path
            )
        return self._entry(
            self._made.uploader.put(target, stream, size, mtime_ns, checksum, path), path
        )

    def settle(self, paths: Paths) -> None:
        """Nothing: what Dropbox has confirmed is there."""

    def copy(self, source: str, target: str) -> Entry:
        """A second copy, made by Dropbox; no bytes travel."""
        return self._relocated(self._made.operations.copy, self._named(source), target)

    def move(self, source: str, target: str) -> Entry:
        """Rename, never over an existing file."""
        self._writable(source)
        return self._relocated(self._made.operations.move, self._named(source), target)

    def adopt(self, source: Store, path: str, target: str, checksum: str) -> Entry | None:
        """A copy of a file of another folder of the same account, made by Dropbox;
        None for any other store.
        """
        if not isinstance(source, DropboxStore) or source.connection.space != self.connection.space:
            return None
        if source.connection is not self.connection and source.account != self.account:
            return None
        entry = self._relocated(self._made.operations.copy, source._named(path), target)
        if entry.content_hash != checksum:
            self.discard(target)
            raise NotFound(
                f"{path} changed while it was copied.",
                store=self.name,
                path=path,
                hint="Run the command again.",
            )
        return entry

    def _relocated(
        self, relocate: Callable[[Named, Named], files.FileMetadata], source: Named, target: str
    ) -> Entry:
        """The entry of what is copied or moved, if the target may be written."""
        wanted = Named(self._writable(target), target)
        self._check_root()
        return self._entry(relocate(source, wanted), target)

    def remove(self, path: str, batch: str = "") -> str | None:
        """Move a file to the store's trash; what it is called there,
        or None where there was no file.
        """
        self._writable(path)
        if self.stat(path) is None:
            return None
        name = batch or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        return self._trash.take(self._made.operations, self._named(path), name)

    def discard(self, path: str, seen: Entry | None = None) -> None:
        """Delete a file, if it still is the one that was seen;
        Dropbox itself keeps deleted files for some time.
        """
        known = seen or self.stat(path)
        if known is not None:
            self._made.operations.delete(self._named(path), known.revision)

    def remove_empty_folder(self, path: str) -> bool:  # noqa: ARG002
        """False: Dropbox cannot remove a folder only if it is empty,
        and what came into it meanwhile would go with it.
        """
        return False

    # --- the trash --------------------------------------------------------------------------------

    def trashed(self) -> Iterator[Trashed]:
        """What lies in the trash, oldest batch first."""
        self._check_root()
        yield from self._trash.list()

    def restore(self, key: str, path: str) -> None:
        """Move a file from the trash back; refuses an existing target."""
        source = Named(self._in_trash(key).remote, f"{PRIVATE}/trash/{key}")
        self._relocated(self._made.operations.move, source, path)

    def empty(self, key: str) -> None:
        """Remove a file from the trash."""
        self._made.operations.delete(self._in_trash(key), "")

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash. Raises NotFound."""
        self._in_trash(key)
        return self._trash.checksum(key)

    def _in_trash(self, key: str) -> Named:
        check_in_trash(key, self)
        check_inside(f"{PRIVATE}/trash/{key}", self)
        return self._trash.named(key)

    def _check_root(self) -> None:
        if not self._is_new:
            self._folder.check()

    def sweep(self) -> None:
        """Forget unfinished uploads that Dropbox no longer knows."""
        self._made.unfinished.sweep()

    def close(self) -> None:
        """Let go of the connections."""
        self.connection.close()

    # --- private ----------------------------------------------------------------------------------

    def _remote(self, path: str) -> str:
        check_inside(path, self)
        return self._folder.remote(path)

    def _named(self, path: str) -> Named:
        return Named(self._remote(path), path)

    def _writable(self, path: str) -> str:
        check_writable(path, self)
        return self._remote(path)

    def _entry(self, metadata: Any, path: str) -> Entry:
        """The entry of metadata; its path as Dropbox displays it where that is the same but for
        case and Unicode form.
        """
        shown = local(self.root, metadata.path_display or "")
        same = comparison_key(shown) == comparison_key(path)
        return entry_of(shown if same else path, metadata, self._made.listing.device)


class _Parts:
    """What a store is made of, once its account is known."""

    def __init__(self, folder: AccountFolder, state: Path, identity: str) -> None:
        connection, root = folder.connection, folder.root
        home = state / f"{number_of(identity):016x}"
        listing = home / f"listing-{number_of(root.lower()):016x}.sqlite"
        self.listing = KeptListing(connection, root, listing, identity, hidden=(PRIVATE,))
        self.unfinished = UnfinishedUploads(home / "uploads")
        self.uploader = Uploader(connection, self.unfinished)
        self.thumbnails = Thumbnails(connection)
        self.operations = Operations(connection, folder.name)
