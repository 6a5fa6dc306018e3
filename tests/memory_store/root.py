"""The kind: `memory:DISK/FOLDER`. Disks are made when they are first named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from catalog.errors import UsageError
from catalog.stores.marker import Marker, mark_in, marker_in
from catalog.stores.root import Overlap, Root, StoreContext
from memory_store.disk import Disk, Traits
from memory_store.store import MemoryStore


@dataclass(frozen=True, slots=True)
class MemoryRoot:
    """A folder of a disk; `path` is "" for all of it."""

    disk: Disk
    path: str
    kind: ClassVar[str] = MemoryStore.kind
    caution: ClassVar[str] = ""
    folder: ClassVar[Path | None] = None

    @property
    def text(self) -> str:
        """The disk and the folder."""
        return f"{self.disk.name}/{self.path}".rstrip("/")

    @property
    def shown(self) -> str:
        """The same, with its kind."""
        return f"{MemoryKind.prefix}{self.text}"

    def is_there(self) -> bool:
        """Whether the disk is mounted, and has the folder."""
        return self.disk.has_folder(self.path)

    def marker(self) -> Marker | None:
        """From its file."""
        return marker_in(self.store("memory"))

    def mark(self, name: str, identity: str | None = None, catalog: str = "") -> Marker:
        """By a file."""
        return mark_in(self.store(name), identity, catalog)

    def store(self, name: str, *, managed: bool = True, is_new: bool = False) -> MemoryStore:
        """The folder as a store."""
        return MemoryStore(name, self.path, self.disk, managed=managed, is_new=is_new)

    @property
    def device(self) -> int:
        """The disk's."""
        return self.disk.device if self.disk.traits.identifies else 0

    def overlap(self, other: Root) -> Overlap | None:
        """By the paths on one disk."""
        if not isinstance(other, MemoryRoot) or other.disk is not self.disk:
            return None
        mine, theirs = (
            self.disk.key(f"/{root.path}/".replace("//", "/")) for root in (self, other)
        )
        if mine == theirs:
            return Overlap.SAME
        return (
            Overlap.INSIDE
            if mine.startswith(theirs)
            else Overlap.AROUND
            if theirs.startswith(mine)
            else None
        )

    def upwards(self) -> Iterator[MemoryRoot]:
        """The folder and those above it."""
        path = self.path
        yield self
        while path:
            path = path.rpartition("/")[0]
            yield MemoryRoot(self.disk, path)


@dataclass
class MemoryKind:
    """Folders of disks in memory, by the name of the disk."""

    disks: dict[str, Disk] = field(default_factory=dict)
    name: ClassVar[str] = MemoryStore.kind
    prefix: ClassVar[str] = "memory:"
    title: ClassVar[str] = "memory"
    example: ClassVar[str] = "memory:disk/photos"
    claims_itself: ClassVar[bool] = True

    def disk(self, name: str, **traits: Any) -> Disk:
        """The disk of a name; a new one with such traits where there is none."""
        return self.disks.setdefault(name, Disk(name, Traits(**traits)))

    def parse(self, given: str) -> str:
        """The disk, and the folder on it."""
        parts = [
            part for part in given.removeprefix(self.prefix).split("/") if part not in ("", ".")
        ]
        if not parts or ".." in parts:
            raise UsageError(
                f"{given} is no folder in memory.", hint=f"Name one as in {self.example}."
            )
        return "/".join(parts)

    def folder(self, text: str) -> Path | None:
        """None: it is no folder of this machine."""
        return None

    def root(self, text: str, context: StoreContext) -> MemoryRoot:
        """The folder."""
        disk, _, path = self.parse(text).partition("/")
        return MemoryRoot(self.disk(disk), path)

    def root_at(self, location: str, context: StoreContext) -> MemoryRoot:
        """The folder."""
        return self.root(location, context)


KIND = MemoryKind()
"""The one that the tests register."""
