"""Folders of this machine as roots of stores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from catalog.domain.names import from_text, to_text
from catalog.errors import UsageError
from catalog.stores.local.store import LocalStore
from catalog.stores.marker import Marker, read_marker, write_marker
from catalog.stores.root import Overlap, Root, StoreContext


@dataclass(frozen=True, slots=True)
class LocalRoot:
    """A folder of this machine: disk, NAS mount, USB drive."""

    folder: Path
    kind: ClassVar[str] = LocalStore.kind
    caution: ClassVar[str] = ""

    @property
    def text(self) -> str:
        """The path."""
        return to_text(str(self.folder))

    @property
    def shown(self) -> str:
        """The path."""
        return self.text

    def is_there(self) -> bool:
        """Whether it is a folder."""
        return self.folder.is_dir()

    def marker(self) -> Marker | None:
        """From its file."""
        return read_marker(self.folder)

    def mark(self, name: str, identity: str | None = None, catalog: str = "") -> Marker:
        """By a file."""
        return write_marker(self.folder, name, identity, catalog)

    def store(self, name: str, *, managed: bool = True, is_new: bool = False) -> LocalStore:  # noqa: ARG002
        """The folder as a store; a disk that is not there is no empty one."""
        return LocalStore(name, self.folder, managed=managed)

    def overlap(self, other: Root) -> Overlap | None:
        """By the real paths, or by being the same on disk, as a bind mount shows it."""
        if not isinstance(other, LocalRoot):
            return None
        mine, theirs = (Path(os.path.realpath(root.folder)) for root in (self, other))
        if mine == theirs or _is_same(mine, theirs):
            return Overlap.SAME
        if mine.is_relative_to(theirs) or any(_is_same(above, theirs) for above in mine.parents):
            return Overlap.INSIDE
        if theirs.is_relative_to(mine) or any(_is_same(above, mine) for above in theirs.parents):
            return Overlap.AROUND
        return None

    def upwards(self) -> Iterator[LocalRoot]:
        """The folder and its parents."""
        return (LocalRoot(folder) for folder in (self.folder, *self.folder.parents))


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(one.stat(), other.stat())
    except OSError:
        return False


class LocalKind:
    """Folders of this machine.

    A person makes them: one that is not there may be a disk that is not mounted.
    """

    name: ClassVar[str] = LocalStore.kind
    prefix: ClassVar[str] = ""
    title: ClassVar[str] = "a folder of this machine"
    example: ClassVar[str] = "/photos"
    claims_itself: ClassVar[bool] = False

    def parse(self, given: str) -> str:
        """The absolute path."""
        if not given or "\0" in given:
            raise UsageError(
                f"{given!r} is no folder.", hint="Name a folder of this machine, such as /photos."
            )
        return to_text(str(Path(given).expanduser().absolute()))

    def folder(self, text: str) -> Path | None:
        """The folder."""
        return Path(from_text(text))

    def root(self, text: str, context: StoreContext) -> LocalRoot:  # noqa: ARG002 - a disk needs nothing
        """The folder."""
        return LocalRoot(Path(from_text(text)))

    def root_at(self, location: str, context: StoreContext) -> None:  # noqa: ARG002
        """None: a disk is not far away."""
        return
