"""Moving tagged files, one after the other; each is looked at once more in its moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from catalog.domain.asset import Entry
from catalog.domain.checksums import agree
from catalog.domain.copies import is_as_recorded
from catalog.errors import (
    FATAL,
    AlreadyExists,
    DocumentConflict,
    FixityMismatch,
    Interrupted,
    StoreError,
)
from catalog.features.mirror.preconditions import names_of
from catalog.features.sorting.plan import MOVE, Move, below
from catalog.features.sorting.records import Known, Records
from catalog.stores.protocol import FileTags, ManagedStore
from catalog.work.journal import Journal
from catalog.work.outcome import Outcome

UNKNOWN = "the catalog does not know it yet; a sync of its store takes it up"
CHANGED = "it was changed since the catalog last saw it; a sync of its store takes it up"


@dataclass(slots=True)
class FileMover:
    """Moves files of a store. `records` are those of the catalog that it is of, `tags` its own
    ones. Without a `journal` all is only shown.
    """

    store: ManagedStore
    records: Records | None
    tags: FileTags | None
    journal: Journal | None
    _shown: dict[str, str] = field(default_factory=dict)
    """By path, which file will have been moved there."""

    def carry_out(self, move: Move) -> Outcome:
        """What became of a file. Raises FATAL errors of a store, Interrupted, CatalogIndexError."""
        try:
            return self._carry_out(move)
        except (Interrupted, *FATAL):
            raise
        except (StoreError, DocumentConflict, OSError) as error:
            return self._became(move, "failed", reason=str(error))

    def _became(self, move: Move, outcome: str, target: str = "", reason: str = "") -> Outcome:
        told = reason or move.told()
        return Outcome(MOVE, move.path, outcome, self.store.name, target, move.hash, told)

    def _carry_out(self, move: Move) -> Outcome:
        if move.problem:
            return self._became(move, "refused", reason=move.problem)
        entry = self.store.stat(move.path)
        if move.is_there:
            return self._finish(move, entry, move.path) if entry else self._became(move, "gone")
        known = self.records.find(move) if self.records is not None else None
        if entry is None:
            return self._gone(move, known)
        if self.records is not None and known is None:
            return self._unknown(move)
        if known is not None and not is_as_recorded(entry, known.recorded):
            return self._became(move, "held", reason=CHANGED)
        for equal in self._recorded_equals(known, move):
            if self._is_equal(entry, equal):
                return self._drop(move, known, entry, equal)
        return self._place(move, known, entry)

    def _recorded_equals(self, known: Known | None, move: Move) -> list[str]:
        if known is None or self.records is None:
            return []
        shown = [path for path in self._shown if path.rpartition("/")[0] == move.folder]
        return [*self.records.equals(known, move.folder), *shown]

    # --- moving -----------------------------------------------------------------------------------

    def _place(self, move: Move, known: Known | None, entry: Entry) -> Outcome:
        """Give a file the first of the names that is free."""
        for target in self._targets(move):
            if self._holds(target):
                if self._is_equal(entry, target):
                    return self._drop(move, known, entry, target)
                continue
            if self.journal is None:
                self._shown[target] = move.path
                return self._became(move, "planned", target)
            self.journal.started(MOVE, path=move.path, target=target, hash=move.hash, tag=move.tag)
            try:
                after = self._moved(move, known, entry, target)
            except AlreadyExists:
                continue
            if known is not None and self.records is not None:
                self.records.moved(known, after, move)
            self._untag(after, move)
            self.journal.done(MOVE, path=move.path, target=target, hash=move.hash)
            return self._became(move, "moved", target)
        raise AlreadyExists(f"All names of {move.path} in {move.folder} are taken.")

    def _targets(self, move: Move) -> Iterator[str]:
        return names_of(below(move.folder, move.path.rpartition("/")[2]))

    def _moved(self, move: Move, known: Known | None, entry: Entry, target: str) -> Entry:
        """A file at its new path, proved to be the same; else it is put back."""
        if known is not None and self.records is not None:
            self.records.bring_sidecars(known, target)
            after = self.records.rename(move.path, target, known.hash)
        else:
            after = self.store.move(move.path, target)
        if not _is_same(entry, after) or self.store.stat(move.path) is not None:
            with contextlib.suppress(StoreError):
                self.store.move(target, move.path)
            raise FixityMismatch(
                f"{move.path} changed while it was moved, and keeps its tag.",
                store=self.store.name,
                path=move.path,
            )
        self.store.settle([target])
        return after if known is None else known.renamed(entry, after)

    def _untag(self, entry: Entry, move: Move) -> None:
        if self.tags is not None:
            self.tags.take_off(entry, move.tag)

    # --- what lies there already ------------------------------------------------------------------

    def _holds(self, path: str) -> bool:
        return path in self._shown or self.store.stat(path) is not None

    def _is_equal(self, entry: Entry, path: str) -> bool:
        """Whether a file has the content of what lies, or will lie, at a path: both are read.

        Raises StoreError where both are one file, as a share or a link shows it: without the one
        there may be none.
        """
        at = self._shown.get(path, path)
        there = self.store.stat(at)
        if there is None or there.problem or there.size != entry.size:
            return False
        if entry.inode and (entry.device, entry.inode) == (there.device, there.inode):
            raise StoreError(
                f"{entry.path} is the very file that lies at {at}, and is left.",
                store=self.store.name,
                path=entry.path,
            )
        return self.store.checksum(entry.path) == self.store.checksum(at)

    def _drop(self, move: Move, known: Known | None, entry: Entry, equal: str) -> Outcome:
        """A file whose equal lies in the folder goes: into the trash of the store, or, in no store,
        away, if it is still the file that was compared.
        """
        told = f"the same lies at {equal}"
        if self.journal is None:
            return self._became(move, "planned", equal, told)
        if known is not None and self.records is not None:
            self.records.bring_sidecars(known, equal)
            if problem := self.records.drop(known, move):
                return self._became(move, "failed", reason=problem)
        else:
            self.journal.started("remove", path=move.path, equal=equal)
            self.store.discard(move.path, entry)
            self.journal.done("remove", path=move.path, equal=equal)
        return self._became(move, "equal", equal, told)

    # --- what a run that was cut off has left -----------------------------------------------------

    def _finish(self, move: Move, entry: Entry, path: str) -> Outcome:
        """A file lies in its folder already: what else there was to do is done."""
        if self.journal is None:
            return self._became(move, "planned", path, "it lies there already; its tag goes")
        if self.records is not None:
            self.records.finish(move.hash or self.store.checksum(path), entry, move)
        self._untag(entry, move)
        return self._became(move, "already", path)

    def _gone(self, move: Move, known: Known | None) -> Outcome:
        """Of a recorded file that is not there: where it was moved without being recorded."""
        if known is None or self.records is None:
            return self._became(move, "gone")
        for target in self._targets(move):
            there = self.store.stat(target)
            if there is None:
                return self._became(move, "gone")
            if self.store.checksum(target) == known.hash:
                if self.records.is_recorded(known.hash, target):
                    return self._became(move, "gone")
                return self._finish(move, there, target)
        return self._became(move, "gone")

    def _unknown(self, move: Move) -> Outcome:
        """A file that is not recorded: one that was about to go, or one that a sync takes up."""
        assert self.records is not None
        digest = self.store.checksum(move.path)
        if self.journal is not None and self.records.document(digest) is not None:
            self.records.finish(digest, None, move)
            if self.store.stat(move.path) is None:
                return self._became(move, "equal", move.folder)
        return self._became(move, "held", reason=UNKNOWN)


def _is_same(before: Entry, after: Entry) -> bool:
    """Whether a file that was renamed is the one that it was."""
    is_its = not before.inode or not after.inode or before.inode == after.inode
    same = agree(before.checksums, after.checksums)
    return before.size == after.size and is_its and same is not False
