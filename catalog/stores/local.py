"""A folder of this machine as a store: disk, NAS mount, USB drive."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat as stat_module
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, ClassVar, TypeAlias

from catalog.domain.asset import UNEXAMINED, UNLISTED, Entry
from catalog.domain.fixity import BLOCK_SIZE, ContentHasher, Digests
from catalog.domain.names import comparison_key, from_text, to_text
from catalog.errors import (
    AlreadyExists,
    FixityMismatch,
    InvalidPath,
    NotFound,
    PermissionDenied,
    ReadOnlyStore,
    StoreError,
    StoreFull,
    StoreUnavailable,
    UsageError,
)
from catalog.stores.machine import machine_id
from catalog.stores.paths import PRIVATE, check_in_trash, check_inside, check_writable
from catalog.stores.placing import place_without_overwriting
from catalog.stores.protocol import Capabilities, Store
from catalog.stores.scratch import IN_A_STORE, claim_scratch, release_scratch, sweep_scratch
from catalog.stores.trash import Trash, Trashed

_READ_BYTES = 256 * 1024
"""Bytes read at once: small enough to stay in the processor's cache while they are hashed."""

_PROBLEMS = {
    stat_module.S_IFLNK: "a symbolic link (links are not followed)",
    stat_module.S_IFIFO: "a pipe, not a file",
    stat_module.S_IFSOCK: "a socket, not a file",
    stat_module.S_IFCHR: "a device, not a file",
    stat_module.S_IFBLK: "a device, not a file",
}


Entries: TypeAlias = list[Entry]
Folders: TypeAlias = list[tuple[str, str]]
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
        self._avoid = avoid
        self._scratch: Path | None = None
        self._scratch_lock = -1
        self._claiming = threading.Lock()
        self._counter = itertools.count(1)

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
        self._check_root()
        start = self._system(prefix) if prefix else os.fspath(self.root)
        if not os.path.isdir(start) or (prefix and os.path.islink(start)):  # noqa: PTH112, PTH114 - bytes that are no text
            raise NotFound(
                f"There is no folder {prefix} in store {self.name}.", store=self.name, path=prefix
            )
        pending = [(start, prefix)]
        while pending:
            folder, relative = pending.pop()
            files, folders = self._scan(folder, relative)
            yield from files
            if recursive:
                pending.extend(reversed(folders))

    def folders(self, prefix: str = "") -> Iterator[str]:
        """A folder and every one below it, those that cannot be listed included;
        without those that `list` leaves out.
        """
        self._check_root()
        pending = [(self._system(prefix) if prefix else os.fspath(self.root), prefix)]
        while pending:
            folder, relative = pending.pop()
            yield relative
            pending.extend(reversed(self._scan(folder, relative)[1]))

    def _scan(self, folder: str, relative: str) -> tuple[Entries, Folders]:
        """The entries of one folder and its subfolders as (system path, text path), both sorted."""
        files: Entries = []
        folders: Folders = []
        try:
            with os.scandir(folder) as rows:
                for row in rows:
                    path = f"{relative}/{to_text(row.name)}" if relative else to_text(row.name)
                    if row.is_dir(follow_symlinks=False):
                        if reason := self._avoid(Path(row.path)):
                            files.append(Entry(path, problem=reason))
                        elif row.name != PRIVATE:
                            folders.append((row.path, path))
                    else:
                        files.append(self._entry(row, path))
        except OSError as error:
            if not relative:
                raise self._failure(error, ".") from error
            files = [Entry(relative, problem=f"{UNLISTED}: {error.strerror}")]
            folders = []
        files.sort(key=lambda e: (comparison_key(e.name), e.name))
        folders.sort(key=lambda f: (comparison_key(f[1]), f[1]))
        return files, folders

    def _entry(self, row: os.DirEntry[str], path: str) -> Entry:
        try:
            status = row.stat(follow_symlinks=False)
        except OSError as error:
            return Entry(path, problem=f"{UNEXAMINED}: {error.strerror}")
        return _entry_of(path, status)

    def stat(self, path: str) -> Entry | None:
        """The entry of one file, or None."""
        try:
            status = os.stat(self._system(path), follow_symlinks=False)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            self._check_root()
            return None
        except OSError as error:
            raise self._failure(error, path) from error
        return None if stat_module.S_ISDIR(status.st_mode) else _entry_of(path, status)

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The bytes of a file from an offset; links, folders and pipes are refused."""
        try:
            descriptor = os.open(
                self._system(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
        except OSError as error:
            raise self._failure(error, path) from error
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
        with self.open(path) as stream:
            if anew:
                _forget_pages(stream.fileno())
            return self._hash(stream.fileno(), path, kinds)

    def _hash(self, descriptor: int, path: str, kinds: Sequence[str] = ()) -> Digests:
        hasher = ContentHasher(kinds)
        buffer = memoryview(bytearray(_READ_BYTES))
        try:
            while count := os.readv(descriptor, [buffer]):
                hasher.update(buffer[:count])
        except OSError as error:
            raise self._failure(error, path) from error
        return hasher.digests()

    # --- writing ----------------------------------------------------------------------------------

    def put(self, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str) -> Entry:
        """Write aside, bring to the disk, read back and compare,
        then appear under the name if it is free.
        """
        target = self._writable(path)
        aside = os.fspath(self._scratch_folder() / f"{next(self._counter)}.part")
        try:
            self._write(aside, stream, mtime_ns)
            self._verify(aside, size, checksum, path)
            self._make_folder(target, path)
            place_without_overwriting(aside, target)
        except FileExistsError as error:
            raise AlreadyExists(
                f"{path} is already in store {self.name}.", store=self.name, path=path
            ) from error
        except OSError as error:
            raise self._failure(error, path) from error
        finally:
            with contextlib.suppress(OSError):
                os.unlink(aside)  # noqa: PTH108
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

    def _write(self, aside: str, stream: BinaryIO, mtime_ns: int) -> None:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            _transfer(stream, descriptor)
            os.utime(descriptor, ns=(mtime_ns, mtime_ns))
            os.fsync(descriptor)
            _forget_pages(descriptor)  # so that the comparison reads what the disk holds
        finally:
            os.close(descriptor)

    def _verify(self, aside: str, size: int, checksum: str, path: str) -> None:
        descriptor = os.open(aside, os.O_RDONLY | os.O_CLOEXEC)
        try:
            written = os.fstat(descriptor).st_size
            found = self._hash(descriptor, path).content if written == size else ""
        finally:
            os.close(descriptor)
        if found != checksum:
            what = "its bytes differ" if found else f"{written} bytes instead of {size}"
            raise FixityMismatch(
                f"The copy of {path} is not what was read before: {what}.",
                store=self.name,
                path=path,
                hint="The source changed meanwhile, or a disk is failing.",
            )

    def settle(self, paths: Paths) -> None:
        """Bring the folders of these files to the disk."""
        folders = {
            parent for p in paths for parent in PurePosixPath(p).parents
        }  # the folders may be new as well
        for folder in sorted(self._system(str(f)) for f in folders):
            with contextlib.suppress(
                OSError
            ):  # some network file systems cannot; the copy itself is on disk
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
        try:
            self._make_folder(new, target)
            place_without_overwriting(old, new)
        except FileExistsError as error:
            raise AlreadyExists(
                f"{target} is already in store {self.name}.", store=self.name, path=target
            ) from error
        except OSError as error:
            raise self._failure(error, source) from error
        return self._there(target)

    def remove(self, path: str, batch: str = "") -> str | None:
        """Move a file to the store's trash; what it is called there,
        or None where there was no file.
        """
        source = self._writable(path)
        if self.stat(path) is None:
            return None
        try:
            return self.trash.take(source, path, batch or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        except OSError as error:
            raise self._failure(error, path) from error

    def trashed(self) -> Iterator[Trashed]:
        """What lies in the trash, oldest first."""
        self._check_root()
        try:
            yield from self.trash.list()
        except OSError as error:
            raise self._failure(error, PRIVATE) from error

    def restore(self, key: str, path: str) -> None:
        """Move a file from the trash back; refuses an existing target."""
        source, target = self._in_trash(key), self._writable(path)
        try:
            self._make_folder(target, path)
            place_without_overwriting(source, target)
        except FileExistsError as error:
            raise AlreadyExists(
                f"{path} is already in store {self.name}.", store=self.name, path=path
            ) from error
        except OSError as error:
            raise self._failure(error, path) from error
        self.trash.tidy(source)

    def empty(self, key: str) -> None:
        """Remove a file from the trash for good."""
        self._in_trash(key)
        try:
            self.trash.discard(key)
        except OSError as error:
            raise self._failure(error, key) from error

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash. Raises NotFound."""
        try:
            descriptor = os.open(self._in_trash(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise self._failure(error, key) from error
        try:
            return self._hash(descriptor, key).content
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
            raise self._failure(error, path) from error

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
        if self._scratch is not None:
            release_scratch(self._scratch, self._scratch_lock)
            self._scratch = None

    # --- private ----------------------------------------------------------------------------------

    def _scratch_folder(self) -> Path:
        """This run's temporary folder, locked while in use;
        what killed runs left behind is removed first.
        """
        with self._claiming:
            if self._scratch is None:
                self._check_root()
                try:
                    self._scratch, self._scratch_lock = claim_scratch(self.root)
                except OSError as error:
                    raise self._failure(error, PRIVATE) from error
            return self._scratch

    def _make_folder(self, target: str, path: str) -> None:
        """The folder of a file to be written;
        a file in its place is no reason to try another name.
        """
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidPath(
                f"A file of store {self.name} lies where the folder of {path} should be.",
                store=self.name,
                path=path,
                hint="Rename that file.",
            ) from error

    def _check_root(self) -> None:
        if not self.root.is_dir():
            raise StoreUnavailable(
                f"The folder {self.root} of store {self.name} is not there.",
                store=self.name,
                hint="Is it mounted?",
            )

    def _failure(self, error: OSError, path: str) -> StoreError:
        """Our error for the system's; a file that is not there may be a root that went away."""
        if isinstance(error, FileNotFoundError):
            self._check_root()
        return _translated(error, self.name, path)

    def _system(self, path: str) -> str:
        check_inside(path, self)
        return os.path.join(self.root, from_text(path))  # noqa: PTH118

    def _writable(self, path: str) -> str:
        check_writable(path, self)
        return self._system(path)


def _forget_pages(descriptor: int) -> None:
    """Drop a file from the system's memory. Not every system can."""
    with contextlib.suppress(OSError):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _entry_of(path: str, status: os.stat_result) -> Entry:
    problem = (
        ""
        if stat_module.S_ISREG(status.st_mode)
        else _PROBLEMS.get(stat_module.S_IFMT(status.st_mode), "not a file")
    )
    size, changed, inode = status.st_size, status.st_ctime_ns, status.st_ino
    return Entry(
        path, size, status.st_mtime_ns, changed, status.st_dev, inode, problem, host=machine_id()
    )


def _transfer(stream: BinaryIO, target: int) -> None:
    """All bytes of the stream into an open file: inside the kernel where both are files,
    else through memory.
    """
    try:
        source = stream.fileno()
        while os.copy_file_range(source, target, 1 << 30):
            pass
    except (OSError, AttributeError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
    while block := stream.read(
        BLOCK_SIZE
    ):  # also after success: some file systems copy nothing and call it the end
        view = memoryview(block)
        while view:
            view = view[os.write(target, view) :]


def _translated(error: OSError, store: str, path: str) -> StoreError:
    """Our error for the system's."""
    reason = error.strerror or str(error)
    if error.errno == errno.EXDEV:
        return StoreError(
            f"{path} would lie on another disk than the root of store {store}.",
            store=store,
            path=path,
            hint="A store lies on one file system: replace the link or the mount in it.",
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(
            f"Store {store} is full: {path} was not written.",
            store=store,
            path=path,
            hint="Make room and run the command again; it goes on where it stopped.",
        )
    if error.errno == errno.EROFS:
        return ReadOnlyStore(
            f"Store {store} is mounted read-only.",
            store=store,
            path=path,
            hint="Mount it for writing.",
        )
    if isinstance(error, PermissionError):
        return PermissionDenied(
            f"No permission for {path} in store {store}.",
            store=store,
            path=path,
            hint="Check the owner and mode of the folder.",
        )
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{path} is not in store {store}.", store=store, path=path)
    if error.errno in (
        errno.ESTALE,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
        errno.ENODEV,
        errno.ETIMEDOUT,
    ):
        return StoreUnavailable(
            f"Store {store} went away ({reason}).", store=store, path=path, hint="Is it mounted?"
        )
    if error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.ELOOP):
        return InvalidPath(
            f"Store {store} does not take the name {path} ({reason}).", store=store, path=path
        )
    return StoreError(f"Store {store} failed at {path} ({reason}).", store=store, path=path)
