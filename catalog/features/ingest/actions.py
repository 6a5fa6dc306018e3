"""What a run may do, as values: sorted, printable, comparable, and harmless until applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from catalog.domain.actions import Skip
from catalog.domain.asset import Asset, Entry


@dataclass(frozen=True, slots=True)
class Shot:
    """The files of one shot, and all that share a sidecar with them:
    with --move they leave their source as a whole.

    `key` is the same for all of them; `files` is how many photos and videos they are, unreadable
    ones included.
    """

    key: str
    files: int


@dataclass(frozen=True, slots=True)
class CopyToStore:
    """Copy a source file to `target` in `store`, verify it, and record it as a copy of its asset.

    `is_new`: the asset has no document yet. `present`: the target already holds this very content
    (an earlier run was cut off, or a person put it there), so it only needs to be verified and
    recorded. `sidecars` are (source, target). `fingerprint` is what the unchanged source will be
    recognised by. `shot`: with --move, whom the source goes with. `mates` are assets in the
    catalog, with their roles, that become part of the stack as well. `album`: the asset becomes
    part of it, and the copy is wanted although there may be others: only those in its own folder
    make it superfluous.
    """

    source: Entry
    asset: Asset
    store: str
    target: str
    sidecars: tuple[tuple[Entry, str], ...] = ()
    stack: tuple[str, str] | None = None
    mates: tuple[tuple[str, str], ...] = ()
    is_new: bool = True
    present: bool = False
    fingerprint: str = ""
    shot: Shot | None = None
    album: str = ""

    name: ClassVar[str] = "copy"
    counts: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.source.path

    @property
    def hash(self) -> str:
        """The content."""
        return self.asset.hash

    def describe(self) -> str:
        """One line for a person."""
        verb = "move" if self.shot else "copy"
        return f"{verb} {self.source.path} -> {self.store}:{self.target}" + (
            " (already there)" if self.present else ""
        )


@dataclass(frozen=True, slots=True)
class SkipDuplicate:
    """The content is in the catalog, or earlier in this run, already: record that,
    copy only sidecars that are new.

    `existing` says where. `remembered`: the file and its sidecars are as an earlier run left them,
    so that nothing is recorded. `shot`: with --move the source goes, once its catalog copy is
    proved again. `album`: what the asset is part of, if it was not before.
    """

    source: Entry
    hash: str
    store: str
    existing: str
    sidecars: tuple[Entry, ...] = ()
    remembered: bool = False
    fingerprint: str = ""
    shot: Shot | None = None
    album: str = ""

    name: ClassVar[str] = "duplicate"
    counts: ClassVar[bool] = False

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.source.path

    def describe(self) -> str:
        """One line for a person."""
        return f"duplicate {self.source.path} = {self.store}:{self.existing}"


Action = CopyToStore | SkipDuplicate | Skip
