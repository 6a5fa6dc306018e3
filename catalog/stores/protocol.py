"""What every store can do.

Paths are relative to the store's root, POSIX, in the text form of `domain.names`. Parent folders are implied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeAlias

from catalog.domain.asset import Entry

Paths: TypeAlias = list[str]
"""Named here, because inside the protocol `list` is a method."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store is like. `time_precision` is in seconds, `largest_file` in bytes (0: no limit known)."""

    checksums: tuple[str, ...] = ()
    time_precision: float = 1.0
    case_sensitive: bool = True
    server_side_copy: bool = False
    trash: bool = False
    read_only: bool = False
    largest_file: int = 0


class Store(Protocol):
    """One storage location. Errors are those of `catalog.errors.StoreError`, with store and path."""

    name: str
    capabilities: Capabilities

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """Every entry below a folder, sorted, a folder at a time; whole or an error, never a silent part.

        Raises NotFound for a prefix that is not there, StoreUnavailable for a missing root.
        """
        ...

    def stat(self, path: str) -> Entry | None:
        """The entry of one file, or None."""
        ...

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        """The bytes of a file from an offset. Raises NotFound."""
        ...

    def put(self, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str) -> None:
        """Write aside, verify by content hash, then appear with the given mtime. Nothing is left behind on failure.

        Raises AlreadyExists, FixityMismatch, StoreFull, ReadOnlyStore.
        """
        ...

    def copy(self, source: str, target: str) -> None:
        """A second copy within the store; refuses an existing target."""
        ...

    def move(self, source: str, target: str) -> None:
        """Rename within the store; refuses an existing target."""
        ...

    def remove(self, path: str, batch: str = "") -> str | None:
        """Take a file away, into the trash where there is one: what it is called there, or None if it was not there.

        `batch` is the run that does it.
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
