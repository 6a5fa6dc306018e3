"""A folder that is no store of the catalog, where originals give way to converted files and come back."""

from __future__ import annotations

import contextlib
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.errors import ConversionFailed, StoreError
from catalog.features.reingest.replacement.jobs import Job, content_at, rendition_names
from catalog.features.reingest.replacement.plan import NOTHING, ORIGINAL, OTHER, RENDITION
from catalog.features.reingest.videos.converter import Converter
from catalog.stores.local import LocalStore
from catalog.stores.paths import PRIVATE

ASIDE = {ORIGINAL: "original", RENDITION: "converted"}
"""What is added to the name of a file that waits beside its place."""


def let_go(store: LocalStore) -> None:
    """Let go of a folder; what a run that was killed had left in it goes, too."""
    store.close()
    store.sweep()
    with contextlib.suppress(OSError):
        (store.root / PRIVATE).rmdir()


class FolderPlace:
    """A folder that is no store. The original is moved aside in it, and removed once all is verified."""

    def __init__(self, folder: Path) -> None:
        self.store = LocalStore("archive", folder)

    def close(self) -> None:
        """Leave nothing of a run in the folder."""
        let_go(self.store)

    def waits(self, job: Job) -> bool:
        """Whether an undo that was killed has left the converted file beside its place."""
        return self.store.stat(self._aside(job, RENDITION)) is not None

    def _aside(self, job: Job, what: str = ORIGINAL) -> str:
        """Where a file waits while another takes its place: the original, or with RENDITION what was made of it."""
        folder, _, name = job.path.rpartition("/")
        aside = f".{name}.{ASIDE[what]}"
        return f"{folder}/{aside}" if folder else aside

    def look(self, job: Job) -> None:
        """See `Place`."""
        for what, path in ((ORIGINAL, job.path), (RENDITION, job.target)):
            if self.store.stat(job.path) is None and self.store.stat(job.target) is None:
                aside = self._aside(job, what)
                if self.store.stat(aside) is not None:
                    self.store.move(aside, path)

    def take(self, job: Job) -> None:
        """See `Place`."""
        if self.store.checksum(job.path) != job.original:
            raise ConversionFailed("its content changed meanwhile")
        self.store.move(job.path, self._aside(job))

    def give_back(self, job: Job) -> None:
        """See `Place`. What took its place is still in the staging folder."""
        there = self.store.stat(job.target)
        if there is not None and self.store.checksum(job.target) == job.rendition and job.staged.is_file():
            self.store.discard(job.target, there)
        self.store.move(self._aside(job), job.path)

    def record(self, job: Job, there: Entry, films: Converter) -> None:
        """Nothing: no catalog knows this folder."""

    def settle(self, job: Job) -> None:
        """See `Place`."""
        self._drop(job, self._aside(job), ORIGINAL)
        self._drop(job, self._aside(job, RENDITION), RENDITION)

    def _drop(self, job: Job, path: str, what: str) -> None:
        """Remove a file that lies elsewhere as well, if it still is what it should be."""
        there = self.store.stat(path)
        if there is not None and content_at(self.store, path, job) == what:
            self.store.discard(path, there)

    def swap_back(self, job: Job, failsafe: LocalStore, kept: Entry) -> None:
        """The reverse of a replacement, or what a run that was killed has left of it.

        Nothing of the converted file goes before it lies in the failsafe folder and the original at its place. Raises
        StoreError; then the converted file is where it was.
        """
        same = job.path == job.target
        place, target = content_at(self.store, job.path, job), content_at(self.store, job.target, job)
        if place == OTHER or (place == NOTHING and target == OTHER):
            raise ConversionFailed("the converted file has changed, or another file lies there")
        aside = self._aside(job, RENDITION) if same else job.target
        if same and place == RENDITION:
            self._keep(job, job.path, failsafe)
            self._drop(job, aside, RENDITION)
            self.store.move(job.path, aside)
        self._keep(job, aside, failsafe)
        if place != ORIGINAL:
            try:
                with failsafe.open(kept.path) as stream:
                    self.store.put(job.path, stream, kept.size, kept.mtime_ns, job.original)
                self.store.settle([job.path])
            except (StoreError, OSError):
                if same:
                    self.store.move(aside, job.path)
                raise
        self._drop(job, aside, RENDITION)
        self.settle(job)

    def _keep(self, job: Job, path: str, failsafe: LocalStore) -> None:
        """The converted file that lies at a path, in the failsafe folder as well."""
        there = self.store.stat(path)
        if there is None or content_at(self.store, path, job) != RENDITION:
            return
        name = next(n for n in rendition_names(job) if failsafe.stat(n) is None or failsafe.checksum(n) == job.rendition)
        if failsafe.stat(name) is None:
            with self.store.open(path) as stream:
                failsafe.put(name, stream, there.size, there.mtime_ns, job.rendition)
            failsafe.settle([name])
