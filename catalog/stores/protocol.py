"""What every store can do.

Paths are relative to the store's root, POSIX, in the text form of `domain.names`. Parent folders
are implied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol, TypeAlias, runtime_checkable

from catalog.domain.asset import Entry
from catalog.domain.fixity import Digests
from catalog.stores.trash import Trashed

Paths: TypeAlias = list[str]
"""Named here, because inside the protocol `list` is a method."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store is like.

    `checksums` are the kinds that it states of its files (see `domain.checksums`).

    `largest_file` is in bytes (0: no limit known), `longest_name` in UTF-8 bytes of one part of a
    path (0: what the system takes). `together`: how many writes are worth being asked for at once,
    because the store sends them together, or asks more of them than bytes to travel.
    """

    checksums: tuple[str, ...] = ()
    case_sensitive: bool = True
    server_side_copy: bool = False
    trash: bool = False
    read_only: bool = False
    largest_file: int = 0
    longest_name: int = 0
    together: int = 1


class Store(Protocol):
    """One storage location.

    Errors are those of `catalog.errors.StoreError`, with store and path.
    """

    name: str

    @property
    def capabilities(self) -> Capabilities:
        """What it is like; of a service it may have to be asked for."""
        ...

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """Every entry below a folder, sorted, a folder at a time; whole or an error,
        never a silent part.

        Raises NotFound for a prefix that is not there, StoreUnavailable for a missing root.
        """
        ...

    def stat(self, path: str) -> Entry | None:
        """The entry of one file, or None."""
        ...

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The bytes of a file from an offset. Raises NotFound."""
        ...

    def put(self, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str) -> Entry:
        """Write aside, verify by content hash, then appear with the given mtime;
        the entry of the new file.

        Nothing is left behind on failure.

        Raises AlreadyExists, FixityMismatch, StoreFull, ReadOnlyStore.
        """
        ...

    def copy(self, source: str, target: str) -> Entry:
        """A second copy within the store; refuses an existing target."""
        ...

    def move(self, source: str, target: str) -> Entry:
        """Rename within the store; refuses an existing target."""
        ...

    def adopt(self, source: Store, path: str, target: str, checksum: str) -> Entry | None:
        """A verified copy of a file of another store that needs no bytes to travel;
        None where there is no such way.

        Raises as `put` does, and NotFound.
        """
        ...

    def remove(self, path: str, batch: str = "") -> str | None:
        """Take a file away, into the trash where there is one: what it is called there,
        or None if it was not there.

        Where there is no trash it is gone for good, and called "". `batch` is the run that does it.
        """
        ...

    def checksum(self, path: str) -> str:
        """The content hash of a file, stated by the store or by reading all of it."""
        ...

    def settle(self, paths: Paths) -> None:
        """Make the appearance of these files survive a power failure."""
        ...

    def close(self) -> None:
        """Let go of what the store holds, temporary files included."""
        ...


class ManagedStore(Store, Protocol):
    """A store of the catalog, or a folder that files are taken from:
    what lies in it can be taken away and put back.

    `kind` is that of its root.
    """

    kind: ClassVar[str]

    @property
    def location(self) -> str:
        """Where it lies, in text form, as a person would name it."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder of this machine that its files lie in; None where they are far away."""
        ...

    def mark(self, *, listed: bool = False) -> str:
        """A text that is another one after any change below the root, as it is now or as the last
        listing found it; "" where only a listing tells.
        """
        ...

    def relative(self, folder: str) -> str:
        """A folder that a person named, relative to the root or absolute, as the store names it;
        "" for the root.

        Raises UsageError for one outside of it.
        """
        ...

    def checksum(self, path: str, *, anew: bool = False) -> str:
        """The content hash of a file; `anew`: from the medium itself,
        not from what is remembered of it.
        """
        ...

    def digests(self, path: str, kinds: Sequence[str], *, anew: bool = False) -> Digests:
        """The content hash, and where all of the file is read checksums of these kinds;
        `anew` as for `checksum`.
        """
        ...

    def discard(self, path: str, seen: Entry | None = None) -> None:
        """Remove a file for good; its content is proved elsewhere.

        One that is gone already is no error.

        `seen` is what it was when that was proved: where the store can tell, another file is not
        removed.
        """
        ...

    def remove_empty_folder(self, path: str) -> bool:
        """Remove a folder if nothing is in it; whether it went."""
        ...

    def trashed(self) -> Iterator[Trashed]:
        """What lies in the trash, oldest first."""
        ...

    def restore(self, key: str, path: str) -> None:
        """Move a file from the trash back; refuses an existing target."""
        ...

    def empty(self, key: str) -> None:
        """Remove a file from the trash for good."""
        ...

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash. Raises NotFound."""
        ...

    def sweep(self) -> None:
        """Remove what killed runs left behind."""
        ...


@runtime_checkable
class RemoteStore(ManagedStore, Protocol):
    """A store whose bytes are far away, and are read in pieces.

    A store that lacks one of these methods is read as a folder of this machine.
    """

    def read_range(self, path: str, offset: int, length: int) -> bytes:
        """That many bytes from an offset; fewer at the end of the file.

        Raises NotFound, StoreUnavailable.
        """
        ...

    def thumbnails(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Small JPEGs, upright, by path: of those files that have one.

        Some 25 paths are one request.
        """
        ...


@dataclass(frozen=True, slots=True)
class TaggedFile:
    """A file, as its store states it, and tags that people gave it there."""

    entry: Entry
    tags: tuple[str, ...]


class FileTags(Protocol):
    """The tags that people give the files of a store there."""

    def below(self, folder: str, beginning: str) -> Sequence[TaggedFile]:
        """The files below a folder that have tags of which the names begin so, with these tags, by
        path. Raises NotFound.
        """
        ...

    def take_off(self, entry: Entry, tag: str) -> None:
        """Take a tag off the very file that an entry states, whatever lies at its path now; one
        without it is no error.
        """
        ...


@runtime_checkable
class TaggedStore(ManagedStore, Protocol):
    """A store that may keep tags of files."""

    def tags(self) -> FileTags | None:
        """Its tags; None where it keeps none after all."""
        ...


@runtime_checkable
class ComputingStore(ManagedStore, Protocol):
    """A store that computes checksums of what it has, so that no bytes travel."""

    def compute_checksums(self, path: str) -> Mapping[str, str]:
        """Checksums of a file's bytes as the store reads them now; none where it cannot.

        Raises NotFound.
        """
        ...


@runtime_checkable
class NotifyingStore(ManagedStore, Protocol):
    """A store that says itself when something changes."""

    def wait(self, seconds: int) -> bool:
        """Wait for a change since the last listing, so many seconds at most;
        whether there was one.
        """
        ...
