"""One original that gives way to what was made of it, step by step; where one fails, all is as it
was before."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.names import from_text, to_text
from catalog.errors import ConversionFailed, MediaError, NotFound, StoreError
from catalog.features.reingest.replacement.failsafe import backup_of, free_name
from catalog.features.reingest.replacement.jobs import Job
from catalog.features.reingest.replacement.plan import (
    BACK_UP,
    BRING_BACK,
    CHECK,
    PUT,
    RECORD,
    TAKE,
    VERIFY,
)
from catalog.features.reingest.replacement.replacer import Replacer
from catalog.features.reingest.videos.converter import Converter
from catalog.features.reingest.videos.plan import row_needs
from catalog.stores.local.store import LocalStore
from catalog.work.journal import Journal


@dataclass(frozen=True)
class Swap:
    """A job at its place. `failsafe` keeps originals, `films` looks into videos; the journal is
    that of the run."""

    job: Job
    place: Replacer
    failsafe: LocalStore
    films: Converter
    journal: Journal

    def take(self, steps: Sequence[str]) -> None:
        """Take some steps.

        Raises StoreError, MediaError or OSError; then the original lies where it was.
        """
        do: Mapping[str, Callable[[], None]] = {
            BRING_BACK: self._bring_back,
            BACK_UP: self._back_up,
            CHECK: self._check,
            TAKE: self._take,
            PUT: self._put,
            RECORD: self._record,
            VERIFY: self._verify,
        }
        taken = False
        try:
            for step in steps:
                do[step]()
                taken = taken or step == TAKE
        except (StoreError, MediaError, OSError):
            if taken:
                self.place.give_back(self.job)
            raise

    def backup(self) -> Entry:
        """The original in the failsafe folder. Raises ConversionFailed where it is not there."""
        kept = backup_of(self.failsafe.root, self.job)
        if kept is None:
            raise ConversionFailed("its backup is not what it should be")
        return kept

    def _bring_back(self) -> None:
        self.place.bring_back(self.job)

    def _back_up(self) -> None:
        """A verified copy in the failsafe folder, under a free name."""
        job, store = self.job, self.place.store
        if backup_of(self.failsafe.root, job) is not None:
            return
        entry = store.stat(job.path)
        if entry is None:
            raise NotFound(f"{job.path} vanished.", path=job.path)
        name = free_name(self.failsafe, job)
        with store.open(job.path) as stream:
            self.failsafe.put(name, stream, entry.size, entry.mtime_ns, job.original)
        self.failsafe.settle([name])

    def _check(self) -> None:
        """The converted file once more, beside its source: content, streams, durations, every
        packet."""
        source = self.failsafe.root / from_text(self.backup().path)
        made = self.job.staged
        if not made.is_file():
            made = Path(from_text(self.place.store.location)) / from_text(self.job.target)
        if self.films.facts(made).hash != self.job.rendition:
            raise ConversionFailed(
                "its converted file is not the one that was made: process it again"
            )
        self.films.check_again(
            source, made, row_needs(self.films.streams(source), self.job.row.cells)
        )

    def _take(self) -> None:
        self.place.take(self.job)

    def _put(self) -> None:
        """The converted file at its place, verified; never over another."""
        job, store = self.job, self.place.store
        made = LocalStore("staging", job.staged.parent, managed=False)
        name = to_text(job.staged.name)
        entry = made.stat(name)
        if entry is None:
            raise NotFound(f"{job.staged} vanished.", path=name)
        comes: AbstractContextManager[None] = contextlib.nullcontext()
        if job.located.is_catalog:
            source = to_text(str(job.staged))
            comes = self.journal.coming(store.name, job.target, job.rendition, source)
        with made.open(name) as stream, comes:
            store.put(job.target, stream, entry.size, entry.mtime_ns, job.rendition)
        store.settle([job.target])

    def _record(self) -> None:
        there = self.place.store.stat(self.job.target)
        if there is None:
            raise NotFound(f"{self.job.target} vanished.", path=self.job.target)
        self.place.record(self.job, there, self.films)

    def _verify(self) -> None:
        kept = self.backup()
        if self.failsafe.checksum(kept.path, anew=True) != self.job.original:
            raise ConversionFailed("its backup is not what it should be")
        if self.place.store.checksum(self.job.target) != self.job.rendition:
            raise ConversionFailed("the file that was put in its place is not what it should be")
