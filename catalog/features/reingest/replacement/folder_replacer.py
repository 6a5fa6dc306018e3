"""A folder that is no store of the catalog, where originals give way to converted files and come
back."""

from __future__ import annotations

from pathlib import Path

from catalog.domain.asset import Entry
from catalog.errors import ConversionFailed, StoreError
from catalog.features.reingest.replacement.failsafe import let_go, rendition_name
from catalog.features.reingest.replacement.jobs import Job
from catalog.features.reingest.replacement.plan import NOTHING, ORIGINAL, OTHER, RENDITION
from catalog.features.reingest.videos.converter import Converter
from catalog.stores.local.store import LocalStore


class FolderReplacer:
    """A folder that is no store.

    The original is moved aside in it, and removed once all is verified.
    """

    def __init__(self, folder: Path) -> None:
        self.store = LocalStore("archive", folder)

    def close(self) -> None:
        """Leave nothing of a run in the folder."""
        let_go(self.store)

    def bring_back(self, job: Job) -> None:
        """See `Place`."""
        for kind, path in ((ORIGINAL, job.path), (RENDITION, job.target)):
            is_empty = self.store.stat(job.path) is None and self.store.stat(job.target) is None
            if is_empty and self.store.stat(job.aside(kind)) is not None:
                self.store.move(job.aside(kind), path)

    def take(self, job: Job) -> None:
        """See `Place`."""
        if self.store.checksum(job.path) != job.original:
            raise ConversionFailed("its content changed meanwhile")
        self.store.move(job.path, job.aside(ORIGINAL))

    def give_back(self, job: Job) -> None:
        """See `Place`. What took its place is still in the staging folder."""
        there = self.store.stat(job.target)
        if (
            there is not None
            and self.store.checksum(job.target) == job.rendition
            and job.staged.is_file()
        ):
            self.store.discard(job.target, there)
        self.store.move(job.aside(ORIGINAL), job.path)

    def record(self, job: Job, there: Entry, films: Converter) -> None:
        """Nothing: no catalog knows this folder."""

    def settle(self, job: Job) -> None:
        """See `Place`."""
        for kind in (ORIGINAL, RENDITION):
            self._drop(job, job.aside(kind), kind)

    def _drop(self, job: Job, path: str, kind: str) -> None:
        """Remove a file that lies elsewhere as well, if it still is what it should be."""
        there = self.store.stat(path)
        if there is not None and self._content_at(job, path) == kind:
            self.store.discard(path, there)

    def _content_at(self, job: Job, path: str) -> str:
        return job.content_at(path, self.store)

    def swap_back(self, job: Job, failsafe: LocalStore, kept: Entry) -> None:
        """The reverse of a replacement, or what a run that was killed has left of it.

        Nothing of the converted file goes before it lies in the failsafe folder and the original at
        its place. Raises StoreError; then the converted file is where it was.
        """
        same = job.path == job.target
        place, target = self._content_at(job, job.path), self._content_at(job, job.target)
        if place == OTHER or (place == NOTHING and target == OTHER):
            raise ConversionFailed("the converted file has changed, or another file lies there")
        aside = job.aside(RENDITION) if same else job.target
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
        if self._content_at(job, job.path) != ORIGINAL:
            raise ConversionFailed("the original that was put back is not what it should be")

    def _keep(self, job: Job, path: str, failsafe: LocalStore) -> None:
        """The converted file that lies at a path, in the failsafe folder as well."""
        there = self.store.stat(path)
        if there is None or self._content_at(job, path) != RENDITION:
            return
        name = rendition_name(failsafe, job)
        if failsafe.stat(name) is None:
            with self.store.open(path) as stream:
                failsafe.put(name, stream, there.size, there.mtime_ns, job.rendition)
            failsafe.settle([name])
