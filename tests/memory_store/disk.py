"""What stores in memory lie on: files by path, what such a disk is like, and what it was asked."""

from __future__ import annotations

import hashlib
import itertools
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from catalog.domain.checksums import CONTENT
from catalog.domain.fixity import content_hash
from catalog.domain.names import comparison_key
from catalog.stores.protocol import Capabilities


@dataclass(frozen=True, slots=True)
class Traits:
    """What a disk is like.

    `checksums` are the kinds it states; `identifies`: its files have a number that they keep.

    `capacity` is in bytes, 0 for no limit.
    """

    checksums: tuple[str, ...] = (CONTENT,)
    time_precision: float = 1e-9
    case_sensitive: bool = True
    server_side_copy: bool = True
    trash: bool = True
    largest_file: int = 0
    longest_name: int = 255
    together: int = 4
    identifies: bool = True
    thumbnails: bool = True
    capacity: int = 0

    def capabilities(self, *, managed: bool) -> Capabilities:
        """The same as a store tells it."""
        return Capabilities(
            self.checksums,
            self.case_sensitive,
            self.server_side_copy,
            trash=self.trash and managed,
            read_only=not managed,
            largest_file=self.largest_file,
            longest_name=self.longest_name,
            together=self.together,
        )


@dataclass(frozen=True, slots=True)
class File:
    """A file.

    Its path on the disk, its number, which stays when it is moved, and its version, which is never
    used again.
    """

    path: str
    data: bytes
    mtime_ns: int
    number: int
    version: int


_BY_KIND: dict[str, Callable[[File], str]] = {
    CONTENT: lambda file: content_hash(file.data),
    "sha256": lambda file: hashlib.sha256(file.data).hexdigest(),
    "sha1": lambda file: hashlib.sha1(file.data).hexdigest(),
    "md5": lambda file: hashlib.md5(file.data).hexdigest(),
    "crc32": lambda file: f"{zlib.crc32(file.data):08x}",
    "etag": lambda file: f"version-{file.version}",
}


@dataclass
class Disk:
    """Files by path.

    `calls` counts what stores on it were asked, `sent` and `taken` the bytes that they gave and
    got.

    `before` is called with the name of a call and its path first, and may raise or change things. A
    disk that is not `mounted` has no roots.
    """

    name: str
    traits: Traits = field(default_factory=Traits)
    mounted: bool = True
    before: Callable[[str, str], None] = lambda _call, _path: None
    calls: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    taken: int = 0
    folders: set[str] = field(default_factory=set)
    unfinished: dict[int, bytes] = field(default_factory=dict)
    changes: int = 0
    changed: threading.Condition = field(
        default_factory=lambda: threading.Condition(threading.RLock())
    )
    _files: dict[str, File] = field(default_factory=dict)
    _stated: dict[int, Mapping[str, str]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def device(self) -> int:
        """The number that stands for the disk where entries have a device."""
        return zlib.crc32(self.name.encode()) + 1

    def count(self, call: str, path: str = "") -> None:
        """Note a call, and let the test do what it wants to happen before."""
        with self.changed:
            self.calls[call] += 1
        self.before(call, path)

    def key(self, path: str) -> str:
        """By what a path is found."""
        return path if self.traits.case_sensitive else comparison_key(path)

    def number(self) -> int:
        """A number that was never given before."""
        return next(self._numbers)

    def at(self, path: str) -> File | None:
        """The file at a path."""
        return self._files.get(self.key(path))

    def stated(self, file: File) -> Mapping[str, str]:
        """The checksums that the disk states of a file."""
        if file.version not in self._stated:
            self._stated[file.version] = {
                kind: _BY_KIND[kind](file) for kind in self.traits.checksums
            }
        return self._stated[file.version]

    def below(self, folder: str) -> list[File]:
        """Every file below a folder, in no order."""
        start = self.key(f"{folder}/") if folder else ""
        with self.changed:
            return [file for key, file in self._files.items() if key.startswith(start)]

    def has_folder(self, path: str) -> bool:
        """Whether a folder is there.

        The disk itself, one that was made, or one that something lies in.
        """
        return self.mounted and (not path or path in self.folders or bool(self.below(path)))

    def add(self, file: File) -> None:
        """A file appears; one of its path goes."""
        with self.changed:
            self._files[self.key(file.path)] = file
            self._tell()

    def hold(self, path: str, data: bytes, mtime_ns: int = 1_562_956_215_123_456_789) -> str:
        """A file that lies there from the beginning; its content hash."""
        number = self.number()
        self.add(File(path, data, mtime_ns, number, number))
        return content_hash(data)

    def drop(self, path: str) -> None:
        """A file goes."""
        with self.changed:
            self._files.pop(self.key(path), None)
            self._tell()

    def used(self) -> int:
        """Bytes of all files."""
        with self.changed:
            return sum(len(file.data) for file in self._files.values())

    def _tell(self) -> None:
        self.changes += 1
        self.changed.notify_all()
