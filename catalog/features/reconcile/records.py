"""What the index says of a store, in the part that is looked at, and what of it is still open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog.domain.asset import Entry
from catalog.domain.checksums import NONE
from catalog.domain.copies import MISSING, OK, RecordedFile, read_recorded
from catalog.domain.document import CopyRow, SidecarRow
from catalog.domain.stacks import Candidate


class Recorded(NamedTuple):
    """The part of one document that a reconciliation needs;
    `checksums` are of the kinds that its store states.
    """

    hash: str
    copies: Sequence[CopyRow]
    sidecars: Sequence[SidecarRow]
    stack: str
    checksums: Mapping[str, str] = NONE


class Owned(NamedTuple):
    """A recorded sidecar and the asset it belongs to."""

    held: RecordedFile
    owner: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a store that is looked at: some folders ("" is all of it),
    with what lies below them or not.
    """

    folders: tuple[str, ...] = ("",)
    recursive: bool = True

    def holds(self, path: str) -> bool:
        """Whether a path belongs to it."""
        folder = path.rpartition("/")[0]
        if not self.recursive:
            return folder in self.folders
        return any(not f or folder == f or folder.startswith(f"{f}/") for f in self.folders)


@dataclass(slots=True)
class Records:
    """What the index says of a store: copies and sidecars by path, in one scope;
    `lost` are missing wherever they were.
    """

    copies: dict[str, RecordedFile] = field(default_factory=dict)
    lost: list[RecordedFile] = field(default_factory=list)
    contested: set[str] = field(default_factory=set)
    sidecars: dict[str, list[Owned]] = field(default_factory=lambda: defaultdict(list))
    stack_of: dict[str, str] = field(default_factory=dict)
    total: int = 0

    @classmethod
    def gathered(cls, found: Iterable[Recorded], store: str, scope: Scope) -> Records:
        """From the documents that speak of the store."""
        records = cls()
        for document in found:
            records.take(document, store, scope)
        return records

    def take(self, document: Recorded, store: str, scope: Scope) -> None:
        """Add what one document says of the store."""
        for row in document.copies:
            if row["store"] == store:
                self._add(read_recorded(row, document.hash, document.checksums), scope)
        for sidecar in document.sidecars:
            if sidecar["store"] == store and scope.holds(sidecar["path"]):
                owned = Owned(read_recorded(sidecar, sidecar["hash"]), document.hash)
                self.sidecars[sidecar["path"]].append(owned)
        if document.stack:
            self.stack_of[document.hash] = document.stack

    def stacked(self) -> dict[str, list[RecordedFile]]:
        """The copies of each stack."""
        found: dict[str, list[RecordedFile]] = defaultdict(list)
        for copy in self.copies.values():
            if copy.hash in self.stack_of:
                found[self.stack_of[copy.hash]].append(copy)
        return found

    def _add(self, known: RecordedFile, scope: Scope) -> None:
        self.total += known.state == OK
        if known.state == MISSING:
            self.lost.append(known)
        elif not scope.holds(known.path):
            return
        elif known.path in self.copies:  # two assets claim one file: at most one is right
            self.lost.append(known)
            self.contested.add(known.path)
        else:
            self.copies[known.path] = known


@dataclass(slots=True)
class Comparison:
    """A listing beside the records.

    `fresh` are the files that are not as recorded, `gone` the records without their file.

    `at` is what is recorded at the path of a fresh file: its content may lie elsewhere now, or
    nowhere. `explained` are the records (path and hash) whose content was found since.
    """

    fresh: list[Candidate]
    at: dict[str, RecordedFile]
    gone: Sequence[RecordedFile]
    explained: set[tuple[str, str]] = field(default_factory=set)

    def open_records(self) -> list[RecordedFile]:
        """The records whose content was not found yet."""
        return [
            k for k in (*self.gone, *self.at.values()) if (k.path, k.hash) not in self.explained
        ]

    def explain(self, known: RecordedFile) -> None:
        """A record's content was found."""
        self.explained.add((known.path, known.hash))

    def recorded_at(self, entry: Entry) -> RecordedFile | None:
        """What is recorded at a file's path and was not found yet."""
        known = self.at.get(entry.path)
        return (
            known if known is not None and (known.path, known.hash) not in self.explained else None
        )
