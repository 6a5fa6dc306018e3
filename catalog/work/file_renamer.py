"""Renaming recorded files of a store."""

from __future__ import annotations

import contextlib

from catalog.domain.asset import Entry
from catalog.domain.copies import RecordedFile, is_as_recorded
from catalog.domain.evidence import as_proved
from catalog.errors import StoreError
from catalog.stores.protocol import ManagedStore
from catalog.work.journal import Journal
from catalog.work.live_listing import LiveListing


class FileRenamer:
    """Renames files of one store, each looked at once more when it has its new name; `shown` is
    kept in step.
    """

    def __init__(self, store: ManagedStore, shown: LiveListing, journal: Journal) -> None:
        self._store = store
        self._shown = shown
        self._journal = journal
        self._own: set[tuple[int, int]] = set()

    def bring(self, known: RecordedFile, old: str, new: str, back: str = "") -> Entry:
        """Rename a recorded file. Where another one lay there by then it is put back, to `back` if
        that is given, and StoreError is raised.

        A rename gives a file another ctime: that is ours where it was the recorded one before, and
        else for a sync to look into.
        """
        home = back or old
        is_ours = self._is_known(old, known)
        entry = self.move(old, new, known.hash)
        if not is_as_recorded(entry, known):
            with contextlib.suppress(StoreError):
                self.move(new, home, known.hash)
            raise self.changed(home)
        if not is_ours:
            return as_proved(entry, known)
        self._own.add((entry.inode, entry.ctime_ns))
        return entry

    def move(self, old: str, new: str, digest: str) -> Entry:
        """Rename a file, whatever it is; `digest` is the content that is recorded of it."""
        with self._journal.coming(self._store.name, new, digest, old, renamed=True):
            entry = self._store.move(old, new)
        self._shown.drop(old)
        self._shown.add(entry)
        return entry

    def changed(self, path: str) -> StoreError:
        """What is told of a file that is not as recorded."""
        return StoreError(
            f"{path} was changed in store {self._store.name}.",
            hint="Sync the catalog with that store.",
        )

    def _is_known(self, path: str, known: RecordedFile) -> bool:
        """Whether a file has the ctime that is recorded, or that a rename of this run gave it."""
        seen = self._shown.at(path)
        return seen is not None and (
            seen.ctime_ns == known.ctime_ns or (seen.inode, seen.ctime_ns) in self._own
        )
