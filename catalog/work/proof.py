"""Proof that a content is safe: copies that answer now, read now, each on a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from catalog.domain.asset import Entry
from catalog.domain.checksums import NONE, select_recorded
from catalog.domain.copies import OK
from catalog.domain.document import CopyRow, SidecarRow
from catalog.errors import StoreError
from catalog.stores.protocol import Store
from catalog.work.contents import has_content


def is_same_file(one: Entry, other: Entry) -> bool:
    """Whether two paths show one file: then removing one is no matter of copies.

    A second mount of a folder may show another device; a file whose inode and times, to the
    nanosecond, are the same is taken for the same all the same. Of stores without inodes the
    version tells; with them a copy may have that of its source.
    """
    if one.inode and other.inode and one.device == other.device:
        return one.inode == other.inode
    if one.revision and one.revision == other.revision:
        return True
    marks = [(e.inode, e.size, e.mtime_ns, e.ctime_ns) for e in (one, other)]
    return bool(one.inode) and marks[0] == marks[1]


@dataclass(frozen=True, slots=True)
class Proof:
    """Where copies were read and found right, and what speaks against the others."""

    good: tuple[tuple[str, str], ...] = ()
    doubts: tuple[str, ...] = ()

    def why_not(self, needed: int) -> str:
        """Why there is not proof enough, or ""."""
        if len(self.good) >= needed:
            return ""
        reasons = "; ".join(self.doubts) or "no other copy is recorded"
        return f"{len(self.good)} of {needed} verified copies answer: {reasons}"


@dataclass(slots=True)
class Prover:
    """Reads the copies of assets in the stores that can be reached.

    `is_same` says that a file is the one to be removed.
    """

    stores: Mapping[str, Store]
    is_same: Callable[[Entry], bool] = lambda _entry: False
    _files: set[tuple[int, int]] = field(default_factory=set)

    def prove(
        self,
        content_hash: str,
        rows: Iterable[CopyRow | SidecarRow],
        needed: int,
        checksums: Mapping[str, str] = NONE,
    ) -> Proof:
        """As many proofs as are needed, from the rows of a content's copies, or sidecars.

        `checksums` are what else is known of it.
        """
        good: list[tuple[str, str]] = []
        doubts: list[str] = []
        self._files = set()
        for row in rows:
            if len(good) >= needed:
                break
            doubt = self._doubt(select_recorded(content_hash, checksums), row)
            if doubt:
                doubts.append(f"{row['store']}:{row['path']} {doubt}")
            else:
                good.append((row["store"], row["path"]))
        return Proof(tuple(good), tuple(doubts))

    def _doubt(self, content: Mapping[str, str], row: CopyRow | SidecarRow) -> str:
        store = self.stores.get(row["store"])
        if store is None:
            return "cannot be reached"
        if (state := row.get("state", OK)) != OK:
            return f"is {state}"
        try:
            entry = store.stat(row["path"])
            if entry is None:
                return "is not there"
            if self.is_same(entry):
                return "is the file itself"
            if entry.inode and (entry.device, entry.inode) in self._files:
                return "is a link to another copy"
            if entry.size != row["size"] or not has_content(store, entry, content):
                return "has other content"
        except StoreError as error:
            return f"cannot be read ({error.message})"
        self._files.add((entry.device, entry.inode))
        return ""
