"""A folder of this machine as a store: disk, NAS mount, USB drive."""

from __future__ import annotations

import contextlib
import os
import stat as stat_module
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, ClassVar, TypeAlias

from catalog.domain.asset import Entry
from catalog.domain.fixity import Digests
from catalog.domain.names import from_text, to_text
from catalog.errors import InvalidPath, NotFound, StoreError, UsageError
from catalog.filesystem.beneath import LinkOnTheWay
from catalog.filesystem.tree import Tree
from catalog.stores.local.content import digests, forget_pages
from catalog.stores.local.file_writer import FileWriter
from catalog.stores.local.folder import StoreFolder
from catalog.stores.local.listing import Listing, entry_of
from catalog.stores.marker import check_own_folders
from catalog.stores.paths import IN_TRASH, PRIVATE, check_in_trash, check_inside, check_writable
from catalog.stores.protocol import Capabilities, Store
from catalog.stores.scratch import Scratch, claim_scratch, release_scratch, sweep_scratch
from catalog.stores.trash import Trash, Trashed

Paths: TypeAlias = list[str]


class LocalStore:
    """A folder.

    With `managed` it is a store of the catalog and may be written to; else it is only read from.

    The folder may be a link; in it no link is followed. What lies behind one is not in the store.

    `avoid` says of a folder why it is not listed, or "". `tree` is the folder where the caller
    opened it already.
    """

    kind: ClassVar[str] = "local"

    def __init__(
        self,
        name: str,
        root: Path,
        *,
        managed: bool = True,
        avoid: Callable[[Path], str] = lambda _folder: "",
        tree: Tree | None = None,
    ) -> None:
        self.name = name
        self.root = root
        self.capabilities = Capabilities(trash=managed, read_only=not managed)
        self._tree = tree or Tree(root)
        self._is_borrowed = tree is not None
        self._trash = Trash(self._tree, IN_TRASH)
        self._folder = StoreFolder(name, self._tree)
        self._listing = Listing(self._folder, avoid)
        self._writer = FileWriter(self._folder)

    @property
    def location(self) -> str:
        """The folder."""
        return to_text(str(self.root))

    @property
    def folder(self) -> Path | None:
        """The folder."""
        return self.root

    def mark(self, *, listed: bool = False) -> str:  # noqa: ARG002
        """None: a disk does not tell."""
        return ""

    def relative(self, folder: str) -> str:
        """A folder by its real path, so that links to it are followed."""
        real = os.path.realpath(folder if os.path.isabs(folder) else self.root / folder)  # noqa: PTH117
        relative = os.path.relpath(real, os.path.realpath(self.root))
        if relative == ".." or relative.startswith("../"):
            raise UsageError(
                f"{folder} does not lie in {self.root}.",
                hint="Name a folder of the store, relative to its root or absolute.",
            )
        text = "" if relative == "." else to_text(relative)
        if text.split("/")[0] == PRIVATE:
            raise UsageError(
                f"{PRIVATE} is kept for the catalog itself.", hint="Name a folder of photos."
            )
        return text

    # --- reading ----------------------------------------------------------------------------------

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """Every entry below a folder, a folder at a time, sorted; links are entries with a problem,
        not followed.
        """
        self._folder.check()
        start = self._system(prefix)
        if prefix and not self._has_folder(start):
            raise NotFound(
                f"There is no folder {prefix} in store {self.name}.", store=self.name, path=prefix
            )
        yield from self._listing.entries(start, prefix, recursive=recursive)

    def _has_folder(self, system: str) -> bool:
        try:
            self._tree.open_folder(system)
        except (FileNotFoundError, NotADirectoryError, LinkOnTheWay):
            return False
        except OSError:
            return True  # it is told when it is listed
        return True

    def folders(self, prefix: str = "") -> Iterator[str]:
        """A folder and every one below it, those that cannot be listed included;
        without those that `list` leaves out.
        """
        self._folder.check()
        yield from self._listing.folders(self._system(prefix), prefix)

    def stat(self, path: str) -> Entry | None:
        """The entry of one file, or None; there is none behind a link."""
        try:
            return self._examine(path)
        except LinkOnTheWay:
            self._folder.check()
            return None
        except OSError as error:
            raise self._folder.failure(error, path) from error

    def _examine(self, path: str) -> Entry | None:
        """The same. Raises OSError, and LinkOnTheWay for what lies behind a link."""
        try:
            status = self._tree.stat(self._system(path))
        except (FileNotFoundError, NotADirectoryError):
            self._folder.check()
            return None
        return None if stat_module.S_ISDIR(status.st_mode) else entry_of(path, status)

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The bytes of a file from an offset; links, folders and pipes are refused."""
        with self._folder.failing_at(path):
            descriptor = self._tree.open(self._system(path))
        if not stat_module.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidPath(
                f"{path} in store {self.name} is not a file.", store=self.name, path=path
            )
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.fdopen(descriptor.release(), "rb", buffering=0)

    def checksum(self, path: str, *, anew: bool = False) -> str:
        """The content hash, by reading the file; `anew`: from the disk,
        not from what the system remembers of it.
        """
        return self.digests(path, (), anew=anew).content

    def digests(self, path: str, kinds: Sequence[str], *, anew: bool = False) -> Digests:
        """The same, and checksums of these kinds."""
        with self.open(path) as stream, self._folder.failing_at(path):
            if anew:
                forget_pages(stream.fileno())
            return digests(stream.fileno(), kinds)

    # --- writing ----------------------------------------------------------------------------------

    def put(self, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str) -> Entry:
        """Write aside, bring to the disk, read back and compare,
        then appear under the name if it is free.
        """
        with self._folder.failing_at(path):
            self._writer.put(self._writable(path), path, stream, size, mtime_ns, checksum)
        return self._there(path)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Scratch]:
        """A folder of its own on the store's disk, for files that other programs make."""
        with self._folder.failing_at(PRIVATE):
            scratch = claim_scratch(self._tree)
        try:
            yield scratch
        finally:
            release_scratch(scratch)

    def place(self, scratch: Scratch, name: str, path: str) -> None:
        """Give a file that was made in such a folder its name, never over another one.

        Raises AlreadyExists, InvalidPath.
        """
        with self._folder.failing_at(path):
            self._writer.move_in(scratch.folder, name, self._writable(path), path)

    def _there(self, path: str) -> Entry:
        """The entry of a file that was just put there."""
        entry = self.stat(path)
        if entry is None:
            raise NotFound(
                f"{path} vanished from store {self.name} right after it came there.",
                store=self.name,
                path=path,
            )
        return entry

    def settle(self, paths: Paths) -> None:
        """Bring the folders of these files to the disk."""
        # the folders may be new as well
        folders = {parent for p in paths for parent in PurePosixPath(p).parents}
        for folder in sorted(str(f) for f in folders):
            # some network file systems cannot; the copy itself is on disk
            with contextlib.suppress(OSError):
                self._tree.sync_folder("" if folder == "." else self._system(folder))

    def copy(self, source: str, target: str) -> Entry:
        """A second, verified copy."""
        entry = self.stat(source)
        if entry is None:
            raise NotFound(f"{source} is not in store {self.name}.", store=self.name, path=source)
        with self.open(source) as stream:
            return self.put(target, stream, entry.size, entry.mtime_ns, self.checksum(source))

    def adopt(self, source: Store, path: str, target: str, checksum: str) -> Entry | None:  # noqa: ARG002
        """None: bytes travel."""
        return None

    def move(self, source: str, target: str) -> Entry:
        """Rename, never over an existing file."""
        old, new = self._writable(source), self._writable(target)
        with self._folder.failing_at(source):
            if self._examine(source) is None:
                raise FileNotFoundError(source)
            self._writer.move_in(self._tree, old, new, target)
        return self._there(target)

    def remove(self, path: str, batch: str = "") -> str | None:
        """Move a file to the store's trash; what it is called there,
        or None where there was no file.
        """
        source = self._writable(path)
        with self._folder.failing_at(path):
            if self._examine(path) is None:
                return None
            return self._trash.take(source, path, batch or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")

    def trashed(self) -> Iterator[Trashed]:
        """What lies in the trash, oldest first."""
        self._folder.check()
        with self._folder.failing_at(PRIVATE):
            yield from self._trash.list()

    def restore(self, key: str, path: str) -> None:
        """Move a file from the trash back; refuses an existing target."""
        source, target = self._in_trash(key), self._writable(path)
        with self._folder.failing_at(path):
            self._writer.move_in(self._tree, source, target, path)
        self._trash.tidy(key)

    def empty(self, key: str) -> None:
        """Remove a file from the trash for good."""
        self._in_trash(key)
        with self._folder.failing_at(key):
            self._trash.discard(key)

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash. Raises NotFound."""
        source = self._in_trash(key)
        with self._folder.failing_at(key), self._tree.open(source) as descriptor:
            return digests(descriptor).content

    def _in_trash(self, key: str) -> str:
        check_in_trash(key, self)
        return self._trash.system(key)

    def discard(self, path: str, seen: Entry | None = None) -> None:
        """Remove a file for good, also from a folder that is only read from:
        its content is proved elsewhere.
        """
        system = self._system(path)
        try:
            if seen is not None:
                self._check_seen(path, self._tree.stat(system), seen)
            self._tree.remove_file(system)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._folder.failure(error, path) from error

    def _check_seen(self, path: str, status: os.stat_result, seen: Entry) -> None:
        """Raise StoreError where a file is not the one that was seen. Its inode is no evidence: not
        every file system keeps that.
        """
        if (status.st_size, status.st_mtime_ns) != (seen.size, seen.mtime_ns):
            raise StoreError(
                f"{path} in store {self.name} is another file than the one that was looked at.",
                store=self.name,
                path=path,
                hint="Run the command again.",
            )

    def remove_empty_folder(self, path: str) -> bool:
        """Remove a folder if nothing is in it; whether it went."""
        try:
            self._tree.remove_folder(self._system(path))
        except OSError:
            return False
        return True

    def sweep(self) -> None:
        """Remove the temporary files that killed runs left behind. Raises LinkedFolder."""
        check_own_folders(self._tree)
        with self._folder.failing_at(PRIVATE):
            sweep_scratch(self._tree)

    def close(self) -> None:
        """Remove this run's temporary folder, and let go of the root."""
        self._writer.close()
        if not self._is_borrowed:
            self._tree.close()

    # --- private ----------------------------------------------------------------------------------

    def _system(self, path: str) -> str:
        check_inside(path, self)
        return from_text(path)

    def _writable(self, path: str) -> str:
        check_writable(path, self)
        return self._system(path)
