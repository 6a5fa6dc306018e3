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
from catalog.errors import (
    InvalidPath,
    NotFound,
    UsageError,
)
from catalog.stores.local.content import digests, forget_pages
from catalog.stores.local.file_writer import FileWriter
from catalog.stores.local.folder import StoreFolder
from catalog.stores.local.listing import Listing, entry_of
from catalog.stores.paths import PRIVATE, check_in_trash, check_inside, check_writable
from catalog.stores.protocol import Capabilities, Store
from catalog.stores.scratch import IN_A_STORE, sweep_scratch
from catalog.stores.trash import Trash, Trashed

Paths: TypeAlias = list[str]


class LocalStore:
    """A folder.

    With `managed` it is a store of the catalog and may be written to; else it is only read from.

    `avoid` says of a folder why it is not listed, or "".
    """

    kind: ClassVar[str] = "local"

    def __init__(
        self,
        name: str,
        root: Path,
        *,
        managed: bool = True,
        avoid: Callable[[Path], str] = lambda _folder: "",
    ) -> None:
        self.name = name
        self.root = root
        self.capabilities = Capabilities(trash=managed, read_only=not managed)
        self.trash = Trash(root / PRIVATE / "trash")
        self._folder = StoreFolder(name, root)
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
        start = self._system(prefix) if prefix else os.fspath(self.root)
        if not os.path.isdir(start) or (prefix and os.path.islink(start)):  # noqa: PTH112, PTH114 - bytes that are no text
            raise NotFound(
                f"There is no folder {prefix} in store {self.name}.", store=self.name, path=prefix
            )
        yield from self._listing.entries(start, prefix, recursive=recursive)

    def folders(self, prefix: str = "") -> Iterator[str]:
        """A folder and every one below it, those that cannot be listed included;
        without those that `list` leaves out.
        """
        self._folder.check()
        start = self._system(prefix) if prefix else os.fspath(self.root)
        yield from self._listing.folders(start, prefix)

    def stat(self, path: str) -> Entry | None:
        """The entry of one file, or None."""
        try:
            status = os.stat(self._system(path), follow_symlinks=False)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            self._folder.check()
            return None
        except OSError as error:
            raise self._folder.failure(error, path) from error
        return None if stat_module.S_ISDIR(status.st_mode) else entry_of(path, status)

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The bytes of a file from an offset; links, folders and pipes are refused."""
        with self._folder.failing_at(path):
            descriptor = os.open(
                self._system(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
        if not stat_module.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise InvalidPath(
                f"{path} in store {self.name} is not a file.", store=self.name, path=path
            )
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.fdopen(descriptor, "rb", buffering=0)

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
        for folder in sorted(self._system(str(f)) for f in folders):
            # some network file systems cannot; the copy itself is on disk
            with contextlib.suppress(OSError):
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

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
        if self.stat(source) is None:
            raise NotFound(f"{source} is not in store {self.name}.", store=self.name, path=source)
        with self._folder.failing_at(source):
            self._writer.move_in(old, new, target)
        return self._there(target)

    def remove(self, path: str, batch: str = "") -> str | None:
        """Move a file to the store's trash; what it is called there,
        or None where there was no file.
        """
        source = self._writable(path)
        if self.stat(path) is None:
            return None
        with self._folder.failing_at(path):
            return self.trash.take(source, path, batch or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")

    def trashed(self) -> Iterator[Trashed]:
        """What lies in the trash, oldest first."""
        self._folder.check()
        with self._folder.failing_at(PRIVATE):
            yield from self.trash.list()

    def restore(self, key: str, path: str) -> None:
        """Move a file from the trash back; refuses an existing target."""
        source, target = self._in_trash(key), self._writable(path)
        with self._folder.failing_at(path):
            self._writer.move_in(source, target, path)
        self.trash.tidy(source)

    def empty(self, key: str) -> None:
        """Remove a file from the trash for good."""
        self._in_trash(key)
        with self._folder.failing_at(key):
            self.trash.discard(key)

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash. Raises NotFound."""
        source = self._in_trash(key)
        with self._folder.failing_at(key):
            descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                return digests(descriptor).content
            finally:
                os.close(descriptor)

    def _in_trash(self, key: str) -> str:
        check_in_trash(key, self)
        return self.trash.system(key)

    def discard(self, path: str, seen: Entry | None = None) -> None:  # noqa: ARG002 - a disk cannot be told so
        """Remove a file for good, also from a folder that is only read from:
        its content is proved elsewhere.
        """
        try:
            os.unlink(self._system(path))  # noqa: PTH108
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._folder.failure(error, path) from error

    def remove_empty_folder(self, path: str) -> bool:
        """Remove a folder if nothing is in it; whether it went."""
        try:
            os.rmdir(self._system(path))  # noqa: PTH106
        except OSError:
            return False
        return True

    def sweep(self) -> None:
        """Remove the temporary files that killed runs left behind."""
        sweep_scratch(self.root / IN_A_STORE)

    def close(self) -> None:
        """Remove this run's temporary folder."""
        self._writer.close()

    # --- private ----------------------------------------------------------------------------------

    def _system(self, path: str) -> str:
        check_inside(path, self)
        return os.path.join(self.root, from_text(path))  # noqa: PTH118

    def _writable(self, path: str) -> str:
        check_writable(path, self)
        return self._system(path)
