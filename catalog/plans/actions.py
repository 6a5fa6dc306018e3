"""What a run may do, as values: sorted, printable, comparable, and harmless until applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from catalog.domain.asset import Asset, Entry


@dataclass(frozen=True, slots=True)
class CopyToStore:
    """Copy a source file to `target` in `store`, verify it, and record it as a copy of its asset.

    `is_new`: the asset has no document yet. `present`: the target already holds this very content (an earlier run was
    cut off, or a person put it there), so it only needs to be verified and recorded. `sidecars` are (source, target).
    """

    source: Entry
    asset: Asset
    store: str
    target: str
    sidecars: tuple[tuple[Entry, str], ...] = ()
    stack: tuple[str, str] | None = None
    is_new: bool = True
    present: bool = False
    remove_source: bool = False

    name: ClassVar[str] = "copy"

    @property
    def key(self) -> str:
        """What actions are ordered and limited by."""
        return self.source.path

    def describe(self) -> str:
        """One line for a person."""
        verb = "move" if self.remove_source else "copy"
        return f"{verb} {self.source.path} -> {self.store}:{self.target}" + (" (already there)" if self.present else "")


@dataclass(frozen=True, slots=True)
class SkipDuplicate:
    """The content is in the catalog, or earlier in this run, already: record that, copy nothing.

    `existing` says where. `remove_source`: with --move the source goes, once its catalog copy is proved again, and with
    it those of its `sidecars`, (source, where it may lie beside the copy), that lie there with the same content.
    """

    source: Entry
    hash: str
    store: str
    existing: str
    remove_source: bool = False
    remembered: bool = False
    sidecars: tuple[tuple[Entry, str], ...] = ()

    name: ClassVar[str] = "duplicate"

    @property
    def key(self) -> str:
        """What actions are ordered and limited by."""
        return self.source.path

    def describe(self) -> str:
        """One line for a person."""
        return f"duplicate {self.source.path} = {self.store}:{self.existing}"


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is done with an entry, for a reason. `outcome` is `unsupported`, `ignored` or `failed`."""

    source: Entry
    reason: str
    outcome: str = "unsupported"

    name: ClassVar[str] = "skip"

    @property
    def key(self) -> str:
        """What actions are ordered and limited by."""
        return self.source.path

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.outcome} {self.source.path}: {self.reason}"


Action = CopyToStore | SkipDuplicate | Skip
