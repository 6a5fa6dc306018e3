"""A folder of a Dropbox account under the protocol of all stores."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeAlias, cast

from dropbox import Dropbox, files

from catalog.domain.asset import Entry
from catalog.domain.checksums import CONTENT
from catalog.domain.fixity import Digests
from catalog.domain.names import comparison_key
from catalog.errors import (
    AlreadyExists,
    InvalidPath,
    NotFound,
    StoreError,
    StoreUnavailable,
    UsageError,
)
from catalog.stores.dropbox.batches import Batcher
from catalog.stores.dropbox.changes import MOST, Changes, Deletion, Relocation
from catalog.stores.dropbox.connection import Connection
from catalog.stores.dropbox.downloads import Download
from catalog.stores.dropbox.entries import (
    KIND,
    LONGEST_NAME,
    PREFIX,
    check_held,
    entry_of,
    folder_named,
    local,
    number_of,
)
from catalog.stores.dropbox.failures import of_answer, tags
from catalog.stores.dropbox.listing import PAGE, Listing
from catalog.stores.dropbox.sessions import UnfinishedUploads
from catalog.stores.dropbox.thumbnails import Thumbnails
from catalog.stores.dropbox.uploads import SINGLE, TOGETHER, Uploader
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
        self._state = state
        self._ready = threading.Lock()
        self._parts: _Parts | None = None
        self._has_root = False
        self._is_new = is_new

    @property
    def location(self) -> str:
        """The folder, as a person would name it."""
        return f"{PREFIX}{self.root or '/'}"

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
                    self.connection,
                    self.root,
                    self._state,
                    f"{self.account}:{self.connection.space}",
                    (PRIVATE,),
                )
            return self._parts

    # --- reading ----------------------------------------------------------------------------------

    def list(self, prefix: str = "", *, recursive: bool = True) -> Entries:
        """Every entry below a folder, as it is now;
        Dropbox is asked only for what changed since the last listing.
        """
        self._remote(prefix)
        if self._is_new and not self.has_root():
            return iter(())
        self._made.listing.refresh()
        self._has_root = True
        return self._made.listing.entries(prefix.rstrip("/"), recursive=recursive)

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
        return self._relocated(self._made.copies, self._remote(source), source, target)

    def move(self, source: str, target: str) -> Entry:
        """Rename, never over an existing file."""
        self._writable(source)
        return self._relocated(self._made.moves, self._remote(source), source, target)

    def adopt(self, source: Store, path: str, target: str, checksum: str) -> Entry | None:
        """A copy of a file of another folder of the same account, made by Dropbox;
        None for any other store.
        """
        if not isinstance(source, DropboxStore) or source.connection.space != self.connection.space:
            return None
        if source.connection is not self.connection and source.account != self.account:
            return None
        entry = self._relocated(self._made.copies, source._remote(path), path, target)
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
        self, batcher: Batcher[Relocation, Any], source_remote: str, source: str, target: str
    ) -> Entry:
        target_remote = self._writable(target)
        self._check_root()
        result = batcher.do((source_remote, target_remote))
        if isinstance(result, files.FileMetadata):
            return self._entry(result, target)
        if isinstance(result, files.FolderMetadata):
            raise InvalidPath(
                f"{source} in store {self.name} is not a file.", store=self.name, path=source
            )
        where = source if "from_lookup" in tags(result) else target
        raise of_answer(result, self.name, where)

    def remove(self, path: str, batch: str = "") -> str | None:
        """Move a file to the store's trash; what it is called there,
        or None where there was no file.
        """
        self._writable(path)
        if self.stat(path) is None:
            return None
        name = batch or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        for number in itertools.count():
            key = f"{name}.{number}/{path}" if number else f"{name}/{path}"
            result = self._made.moves.do((self._remote(path), self._in_trash(key)))
            if isinstance(result, files.FileMetadata):
                return key
            if "from_lookup" in tags(result):
                return None
            if "conflict" not in tags(
                result
            ):  # else a file or folder of this name went there before
                raise of_answer(result, self.name, path)
        raise AssertionError("unreachable")

    def discard(self, path: str, seen: Entry | None = None) -> None:
        """Delete a file, if it still is the one that was seen;
        Dropbox itself keeps deleted files for some time.
        """
        known = seen or self.stat(path)
        if known is not None:
            self._delete(self._remote(path), known.revision, path)

    def _delete(self, target: str, revision: str, path: str) -> None:
        result = self._made.deletions.do((target, revision))
        found = tags(result) if result is not None else ()
        if "conflict" in found or "not_file" in found:
            raise StoreError(
                f"{path} in store {self.name} was changed in this moment, and is kept.",
                store=self.name,
                path=path,
            )
        if result is not None and "not_found" not in found:
            raise of_answer(result, self.name, path)

    def remove_empty_folder(self, path: str) -> bool:  # noqa: ARG002
        """False: Dropbox cannot remove a folder only if it is empty,
        and what came into it meanwhile would go with it.
        """
        return False

    # --- the trash --------------------------------------------------------------------------------

    def trashed(self) -> Iterator[Trashed]:
        """What lies in the trash, oldest batch first."""
        self._check_root()
        base = f"{self.root}/{PRIVATE}/trash"
        found = []
        for metadata in self._listed(base):
            key = local(base, metadata.path_display)
            batch, _, path = key.partition("/")
            named, _, number = batch.rpartition(".")
            entry = self._entry(metadata, path)
            found.append(
                Trashed(
                    key,
                    named if number.isdigit() and named else batch,
                    path,
                    entry.size,
                    entry.mtime_ns,
                )
            )
        yield from sorted(found, key=lambda t: t.key)

    def _listed(self, base: str) -> Iterator[Any]:
        try:
            page = self.connection.call(
                lambda sdk: sdk.files_list_folder(base, recursive=True, limit=PAGE)
            )
        except NotFound:
            return
        while True:
            yield from (m for m in page.entries if isinstance(m, files.FileMetadata))
            if not page.has_more:
                return
            page = self.connection.call(partial(_further, page.cursor))

    def restore(self, key: str, path: str) -> None:
        """Move a file from the trash back; refuses an existing target."""
        self._relocated(self._made.moves, self._in_trash(key), f"{PRIVATE}/trash/{key}", path)

    def empty(self, key: str) -> None:
        """Remove a file from the trash."""
        self._delete(self._in_trash(key), "", key)

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash. Raises NotFound."""
        wanted = self._in_trash(key)
        metadata = self.connection.call(lambda sdk: sdk.files_get_metadata(wanted), key)
        return str(metadata.content_hash)

    def _in_trash(self, key: str) -> str:
        check_in_trash(key, self)
        return self._remote(f"{PRIVATE}/trash/{key}")

    # --- the root ---------------------------------------------------------------------------------

    def read_private(self, name: str) -> bytes | None:
        """A small file of the catalog's own below the root, or None."""
        wanted = f"{self.root}/{PRIVATE}/{name}"
        try:
            return Download(self.connection, wanted, name).readall()
        except NotFound:
            return None

    def write_private(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Put one there, as the root's first file where need be.

        Raises AlreadyExists where there is one.
        """
        wanted = f"{self.root}/{PRIVATE}/{name}"
        mode = files.WriteMode.overwrite if replace else files.WriteMode.add
        self.connection.call(
            lambda sdk: sdk.files_upload(data, wanted, mode=mode, mute=True, strict_conflict=True),
            name,
        )

    def has_root(self) -> bool:
        """Whether the folder is there."""
        if not self.root:
            self.connection.account  # noqa: B018 - the account's own root is there if the account is
            return True
        try:
            metadata = self.connection.call(lambda sdk: sdk.files_get_metadata(self.root))
        except NotFound:
            return False
        return isinstance(metadata, files.FolderMetadata)

    def _check_root(self) -> None:
        """Raise StoreUnavailable where the folder is not there; asked once."""
        if self._has_root or self._is_new:
            return
        if not self.has_root():
            raise StoreUnavailable(
                f"The folder {self.root} of store {self.name} is not in Dropbox.",
                store=self.name,
                hint="Was it renamed? See dropbox_root.",
            )
        self._has_root = True

    def sweep(self) -> None:
        """Forget unfinished uploads that Dropbox no longer knows."""
        self._made.unfinished.sweep()

    def close(self) -> None:
        """Let go of the connections."""
        self.connection.close()

    # --- private ----------------------------------------------------------------------------------

    def _remote(self, path: str) -> str:
        check_inside(path, self)
        system = check_held(path, self.name)
        return f"{self.root}/{system}" if path else self.root

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


def _further(cursor: str, sdk: Dropbox) -> Any:
    return sdk.files_list_folder_continue(cursor)


class _Parts:
    """What a store is made of, once its account is known."""

    def __init__(
        self, connection: Connection, root: str, state: Path, identity: str, hidden: Sequence[str]
    ) -> None:
        folder = state / f"{number_of(identity):016x}"
        listing = folder / f"listing-{number_of(root.lower()):016x}.sqlite"
        self.listing = Listing(connection, root, listing, identity, hidden=hidden)
        self.unfinished = UnfinishedUploads(folder / "uploads")
        self.uploader = Uploader(connection, self.unfinished)
        self.thumbnails = Thumbnails(connection)
        changes = Changes(connection)
        self.copies: Batcher[Relocation, Any] = Batcher(changes.copy_all, count=MOST)
        self.moves: Batcher[Relocation, Any] = Batcher(changes.move_all, count=MOST)
        self.deletions: Batcher[Deletion, Any] = Batcher(changes.delete_all, count=MOST)
