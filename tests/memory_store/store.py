"""A folder of a disk in memory under the protocol of all stores."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeAlias

from PIL import Image, ImageOps

from catalog.domain.asset import Entry
from catalog.domain.checksums import CONTENT
from catalog.domain.fixity import Digests, content_hash, digests_of
from catalog.domain.names import comparison_key
from catalog.errors import (
    AlreadyExists,
    FixityMismatch,
    InvalidPath,
    NotFound,
    StoreError,
    StoreFull,
    StoreUnavailable,
    UsageError,
)
from catalog.stores.paths import PRIVATE, check_in_trash, check_inside, check_size, check_writable
from catalog.stores.protocol import Store
from catalog.stores.trash import Trashed
from memory_store.disk import Disk, File

Paths: TypeAlias = list[str]


class MemoryStore:
    """A folder of a disk.

    With `managed` it is a store of the catalog and may be written to; else it is only read from.
    """

    kind: ClassVar[str] = "memory"
    folder: ClassVar[Path | None] = None

    def __init__(
        self, name: str, root: str, disk: Disk, *, managed: bool = True, is_new: bool = False
    ) -> None:
        self.name = name
        self.root = root
        self.disk = disk
        self.capabilities = disk.traits.capabilities(managed=managed)
        self._is_new = is_new
        self._seen = disk.changes

    @property
    def location(self) -> str:
        """The folder, as a person would name it."""
        return f"{self.kind}:{self.disk.name}/{self.root}".rstrip("/")

    def relative(self, folder: str) -> str:
        """A folder relative to the root as given, or absolute on the disk."""
        path = "/".join(part for part in folder.split("/") if part not in ("", "."))
        if not folder.startswith("/"):
            return path
        if self.disk.key(f"{path}/").startswith(
            self.disk.key(f"{self.root}/" if self.root else "")
        ):
            return path[len(self.root) :].lstrip("/")
        raise UsageError(f"{folder} does not lie in {self.location}.")

    # --- reading ----------------------------------------------------------------------------------

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """Every entry below a folder, a folder at a time, sorted."""
        self.disk.count("list", prefix)
        check_inside(prefix, self)
        if self._is_new and not self.disk.has_folder(self.root):
            return
        self._check_root()
        self._seen = self.disk.changes
        found = [self._entry(file) for file in self.disk.below(self._full(prefix))]
        if prefix and not found:
            raise NotFound(
                f"There is no folder {prefix} in store {self.name}.", store=self.name, path=prefix
            )
        found = [entry for entry in found if entry.path.split("/")[0] != PRIVATE]
        for entry in sorted(found, key=_order):
            if recursive or self.disk.key(entry.folder) == self.disk.key(prefix):
                yield entry

    def stat(self, path: str) -> Entry | None:
        """The entry of one file, or None."""
        self.disk.count("stat", path)
        file = self._at(path)
        return None if file is None else self._entry(file)

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The bytes of a file from an offset."""
        self.disk.count("open", path)
        return _Sent(self.disk, self._file(path).data[offset:])

    def read_range(self, path: str, offset: int, length: int) -> bytes:
        """So many bytes from an offset, fewer at the end of the file."""
        self.disk.count("read_range", path)
        data = self._file(path).data[offset : offset + length]
        self.disk.sent += len(data)
        return data

    def thumbnails(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Small upright JPEGs of those files that have one, if the disk makes any."""
        self.disk.count("thumbnails")
        found = {
            path: _thumbnail(self._file(path).data) for path in paths if self.disk.traits.thumbnails
        }
        return {path: data for path, data in found.items() if data}

    def digests(self, path: str, kinds: Sequence[str], *, anew: bool = False) -> Digests:
        """The content hash, and checksums where all of the file is read for it."""
        return Digests(
            self.checksum(path, anew=anew), digests_of(self._file(path).data, kinds).checksums
        )

    def checksum(self, path: str, *, anew: bool = False) -> str:
        """The content hash: as stated, else by reading all of the file."""
        self.disk.count("checksum", path)
        file = self._file(path)
        if CONTENT not in self.capabilities.checksums:
            self.disk.sent += len(file.data)
        return content_hash(file.data)

    def mark(self, *, listed: bool = False) -> str:
        """How often the disk was changed."""
        return str(self._seen if listed else self.disk.changes)

    def wait(self, seconds: int) -> bool:
        """Wait for a change since the last listing."""
        with self.disk.changed:
            return self.disk.changed.wait_for(lambda: self.disk.changes != self._seen, seconds)

    # --- writing ----------------------------------------------------------------------------------

    def put(self, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str) -> Entry:
        """Take all bytes, compare them, then appear under the name if it is free."""
        self.disk.count("put", path)
        self._check_free(path)
        check_size(path, size, self)
        token = self.disk.number()
        try:
            data = self._received(token, stream, path)
            if len(data) != size or content_hash(data) != checksum:
                raise FixityMismatch(
                    f"The copy of {path} is not what was read before.", store=self.name, path=path
                )
            return self._appear(path, data, mtime_ns)
        finally:
            self.disk.unfinished.pop(token, None)

    def _received(self, token: int, stream: BinaryIO, path: str) -> bytes:
        parts = []
        try:
            while part := stream.read(1 << 20):
                parts.append(part)
                self.disk.unfinished[token] = part
                self.disk.taken += len(part)
        except OSError as error:
            raise StoreError(
                f"Store {self.name} failed at {path} ({error}).", store=self.name, path=path
            ) from error
        return b"".join(parts)

    def _appear(self, path: str, data: bytes, mtime_ns: int, number: int = 0) -> Entry:
        step = max(1, int(self.disk.traits.time_precision * 1e9))
        capacity = self.disk.traits.capacity
        with self.disk.changed:
            self._check_free(path)
            if capacity and self.disk.used() + len(data) > capacity:
                raise StoreFull(
                    f"Store {self.name} is full: {path} was not written.",
                    store=self.name,
                    path=path,
                )
            made = self.disk.number()
            self.disk.add(
                File(self._full(path), data, mtime_ns // step * step, number or made, made)
            )
        return self._there(path)

    def copy(self, source: str, target: str) -> Entry:
        """A second copy; its bytes travel where the disk cannot make one."""
        self.disk.count("copy", source)
        file = self._file(source)
        if self.capabilities.server_side_copy:
            return self._appear(target, file.data, file.mtime_ns)
        with self.open(source) as stream:
            return self.put(target, stream, len(file.data), file.mtime_ns, content_hash(file.data))

    def move(self, source: str, target: str) -> Entry:
        """Rename, never over an existing file."""
        self.disk.count("move", source)
        check_writable(source, self)
        check_writable(target, self)
        with self.disk.changed:
            file = self._file(source)
            if self.disk.key(source) != self.disk.key(target):
                self._check_free(target)
            self.disk.drop(file.path)
            self.disk.add(replace(file, path=self._full(target)))
        return self._there(target)

    def adopt(self, source: Store, path: str, target: str, checksum: str) -> Entry | None:
        """A copy of a file of another folder of the same disk, if it makes copies.

        None for any other store.
        """
        if (
            not isinstance(source, MemoryStore)
            or source.disk is not self.disk
            or not self.capabilities.server_side_copy
        ):
            return None
        self.disk.count("adopt", path)
        file = source._file(path)
        if content_hash(file.data) != checksum:
            raise NotFound(f"{path} changed while it was copied.", store=self.name, path=path)
        return self._appear(target, file.data, file.mtime_ns)

    def remove(self, path: str, batch: str = "") -> str | None:
        """Take a file away, into the trash if the disk has one.

        Its key there, "" where it is gone for good.
        """
        self.disk.count("remove", path)
        check_writable(path, self)
        with self.disk.changed:
            file = self._at(path)
            if file is None:
                return None
            self.disk.drop(file.path)
            if not self.capabilities.trash:
                return ""
            for number in itertools.count():
                key = (
                    f"{batch or 'unnamed'}.{number}/{path}"
                    if number
                    else f"{batch or 'unnamed'}/{path}"
                )
                if not self._is_taken(self._trash(key)):
                    self.disk.add(replace(file, path=self._trash(key)))
                    return key
        raise AssertionError("unreachable")

    def discard(self, path: str, seen: Entry | None = None) -> None:
        """Remove a file for good, if it still is the one that was seen."""
        self.disk.count("discard", path)
        file = self._at(path)
        if file is None:
            return
        if seen is not None and seen.revision != self._revision(file):
            raise StoreError(
                f"{path} in store {self.name} was changed, and is kept.", store=self.name, path=path
            )
        self.disk.drop(file.path)

    def remove_empty_folder(self, path: str) -> bool:
        """False: a folder is there as long as something lies in it."""
        return False

    def settle(self, paths: Paths) -> None:
        """Nothing: what is in memory is there."""

    # --- the trash, and files of the catalog's own ------------------------------------------------

    def trashed(self) -> Iterator[Trashed]:
        """What lies in the trash, oldest batch first."""
        self._check_root()
        base = self._full(f"{PRIVATE}/trash")
        for file in sorted(self.disk.below(base), key=lambda f: f.path):
            key = file.path[len(base) + 1 :]
            batch, _, path = key.partition("/")
            named, _, number = batch.rpartition(".")
            label = named if number.isdigit() and named else batch
            yield Trashed(key, label, path, len(file.data), file.mtime_ns)

    def restore(self, key: str, path: str) -> None:
        """Move a file from the trash back; refuses an existing target."""
        with self.disk.changed:
            file = self._in_trash(key)
            self._check_free(path)
            self.disk.drop(file.path)
            self.disk.add(replace(file, path=self._full(path)))

    def empty(self, key: str) -> None:
        """Remove a file from the trash for good."""
        self.disk.drop(self._in_trash(key).path)

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash. Raises NotFound."""
        return content_hash(self._in_trash(key).data)

    def read_private(self, name: str) -> bytes | None:
        """A small file of the catalog's own below the root, or None."""
        file = self.disk.at(self._full(f"{PRIVATE}/{name}")) if self.disk.mounted else None
        return None if file is None else file.data

    def write_private(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Put one there, as the root's first file where need be.

        Raises AlreadyExists where there is one.
        """
        path = self._full(f"{PRIVATE}/{name}")
        with self.disk.changed:
            if not self.disk.mounted:
                raise StoreUnavailable(f"The disk {self.disk.name} is not there.", store=self.name)
            if self.disk.at(path) is not None and not replace:
                raise AlreadyExists(f"{path} is already there.", store=self.name, path=name)
            made = self.disk.number()
            self.disk.add(File(path, data, 0, made, made))

    def sweep(self) -> None:
        """Forget what killed runs sent in part."""
        self.disk.unfinished.clear()

    def close(self) -> None:
        """Nothing is held."""

    # --- private ----------------------------------------------------------------------------------

    def _full(self, path: str) -> str:
        return "/".join(part for part in (self.root, path) if part)

    def _trash(self, key: str) -> str:
        return self._full(f"{PRIVATE}/trash/{key}")

    def _check_root(self) -> None:
        if not self._is_new and not self.disk.has_folder(self.root):
            raise StoreUnavailable(
                f"The folder {self.location} of store {self.name} is not there.", store=self.name
            )

    def _at(self, path: str) -> File | None:
        check_inside(path, self)
        self._check_root()
        return self.disk.at(self._full(path))

    def _file(self, path: str) -> File:
        file = self._at(path)
        if file is None:
            raise NotFound(f"{path} is not in store {self.name}.", store=self.name, path=path)
        return file

    def _there(self, path: str) -> Entry:
        return self._entry(self._file(path))

    def _in_trash(self, key: str) -> File:
        check_in_trash(key, self)
        file = self.disk.at(self._trash(key))
        if file is None:
            raise NotFound(
                f"{key} is not in the trash of store {self.name}.", store=self.name, path=key
            )
        return file

    def _is_taken(self, full: str) -> bool:
        above = full.split("/")
        folders = ("/".join(above[:n]) for n in range(1, len(above)))
        return (
            self.disk.at(full) is not None
            or bool(self.disk.below(full))
            or any(map(self.disk.at, folders))
        )

    def _check_free(self, path: str) -> None:
        """Raise what is wrong with a path that a file is to appear at."""
        check_writable(path, self)
        self._check_root()
        full = self._full(path)
        if self.disk.at(full) is not None or self.disk.below(full):
            raise AlreadyExists(
                f"{path} is already in store {self.name}.", store=self.name, path=path
            )
        if self._is_taken(full):
            raise InvalidPath(
                f"A file of store {self.name} lies where the folder of {path} should be.",
                store=self.name,
                path=path,
            )

    def _entry(self, file: File) -> Entry:
        path = file.path[len(self.root) :].lstrip("/") if self.root else file.path
        number = file.number if self.disk.traits.identifies else 0
        device, revision = (self.disk.device if number else 0), self._revision(file)
        return Entry(
            path,
            len(file.data),
            file.mtime_ns,
            0,
            device,
            number,
            "",
            self.disk.stated(file),
            revision,
        )

    def _revision(self, file: File) -> str:
        """A version that no other file has, on any disk."""
        return f"{self.disk.name}-{file.version}"


def _order(entry: Entry) -> tuple[Any, ...]:
    """As every store sorts: the files of a folder by name, then each folder below it."""
    *folders, name = entry.path.split("/")
    return (
        *((1, comparison_key(folder), folder) for folder in folders),
        (0, comparison_key(name), name),
    )


class _Sent(io.BytesIO):
    """Bytes whose reading is counted."""

    def __init__(self, disk: Disk, data: bytes) -> None:
        super().__init__(data)
        self._disk = disk

    def read(self, size: int | None = -1, /) -> bytes:
        """Some bytes, or all."""
        data = super().read(size)
        self._disk.sent += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        """Bytes into a buffer."""
        count = super().readinto(buffer)
        self._disk.sent += count
        return count


def _thumbnail(data: bytes) -> bytes:
    try:
        with Image.open(io.BytesIO(data)) as opened:
            picture = ImageOps.exif_transpose(opened)
            picture.thumbnail((640, 480))
    except Exception:  # no picture, or none that Pillow knows: then it has none
        return b""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
