"""The failsafe folders, where originals are kept that gave way to what was made of them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.filetypes import extension_of
from catalog.domain.layout import file_name
from catalog.domain.names import from_text
from catalog.features.reingest.replacement.jobs import Job
from catalog.stores.local.store import LocalStore
from catalog.stores.paths import PRIVATE

FAILSAFE = "failsafe"
"""The name of the folder beside the report, unless a person names another."""


@contextlib.contextmanager
def open_failsafe(folder: Path) -> Iterator[LocalStore]:
    """The failsafe folder as a store, made if need be;
    nothing of ours but the backups stays in it.
    """
    folder.mkdir(exist_ok=True)
    store = LocalStore(FAILSAFE, folder)
    store.sweep()
    try:
        yield store
    finally:
        let_go(store)


def let_go(store: LocalStore) -> None:
    """Let go of a folder; what a run that was killed had left in it goes, too."""
    store.close()
    store.sweep()
    store.remove_empty_folder(PRIVATE)
    store.close()


def backup_of(folder: Path, job: Job) -> Entry | None:
    """The original in a failsafe folder, under the first name that fits; None also where there is
    no such folder."""
    if not folder.is_dir():
        return None
    store = LocalStore(FAILSAFE, folder, managed=False)
    for name in _names(job):
        there = store.stat(name)
        if there is None:
            return None
        if not there.problem and store.checksum(name) == job.original:
            return there
    return None


def free_name(store: LocalStore, job: Job) -> str:
    """The first name for an original that nothing has in its failsafe folder."""
    return next(name for name in _names(job) if store.stat(name) is None)


def _names(job: Job) -> Iterator[str]:
    """The names that an original may have in the failsafe folder, best first, without end."""
    extension = extension_of(job.name)
    stem = job.name[: -len(extension) - 1] if extension else job.name
    return (file_name(stem, job.name, number) for number in itertools.count())


def rendition_name(store: LocalStore, job: Job) -> str:
    """The first name for a converted file in the failsafe folder that is free, or under which it
    lies already."""
    name = job.target.rpartition("/")[2]
    names = (
        file_name(f"{name.removesuffix('.mov')}-converted", name, n) for n in itertools.count()
    )
    return next(n for n in names if store.stat(n) is None or store.checksum(n) == job.rendition)


@dataclass(frozen=True, slots=True)
class Backups:
    """Where the backups of rows lie: in the folder `named` by a person, else where the report
    tells, else in `default`."""

    named: Path | None
    default: Path

    def folder(self, earlier: Mapping[str, str]) -> Path:
        """Where the backup of a row should lie, by what earlier runs said of it."""
        told = earlier.get("failsafe_backup_path", "")
        return self.named or (
            Path(from_text(told)).parent if told.startswith("/") else self.default
        )

    def find(self, job: Job, earlier: Mapping[str, str]) -> Entry | None:
        """The backup of an original in that folder, its content proved;
        None where there is none.
        """
        folder = self.folder(earlier)
        name = earlier.get("failsafe_backup_path", "").rpartition("/")[2]
        if name and folder.is_dir():
            store = LocalStore(FAILSAFE, folder, managed=False)
            there = store.stat(name)
            if there is not None and not there.problem and store.checksum(name) == job.original:
                return there
        return backup_of(folder, job)


@dataclass(slots=True)
class Opened:
    """The failsafe folders that an undo writes into, each opened once.

    None of them is made here.
    """

    _stores: dict[Path, LocalStore] = field(default_factory=dict)

    def store(self, folder: Path) -> LocalStore:
        """A folder as a store."""
        return self._stores.setdefault(folder, LocalStore(FAILSAFE, folder))

    def close(self) -> None:
        """Leave nothing of a run in the folders."""
        for store in self._stores.values():
            let_go(store)
