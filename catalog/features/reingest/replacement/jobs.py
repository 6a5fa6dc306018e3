"""The rows of a report whose converted files take the places of their originals, and what lies where."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.filetypes import extension_of
from catalog.domain.fixity import is_content_hash
from catalog.domain.layout import file_name
from catalog.domain.names import from_text
from catalog.domain.spreadsheets import Row
from catalog.errors import StoreError, UsageError
from catalog.features.reingest.archive import Located, Locations
from catalog.features.reingest.images.plan import CONVERT
from catalog.features.reingest.replacement.plan import NOTHING, ORIGINAL, OTHER, RENDITION, Found
from catalog.features.reingest.videos.run import SUCCESS
from catalog.stores.local import LocalStore
from catalog.stores.protocol import ManagedStore

NEEDED = ("file", "action", "hash", "derived_file", "derived_hash", "processing_status", "overwrite")
ADDED = ("source_file_size", "converted_file_size", "failsafe_backup_path", "replaced_file", "replacement_status", "run")
REPLACED = "_replaced"
UNDONE = "UNDONE"
FAILSAFE = "failsafe"
WORDS = {"outcomes": ("replaced", "already", "undone", "refused", "failed"), "always": ("replaced",), "done": "saved"}


def is_meant(row: Row) -> bool:
    """Whether a person wants it and an earlier command made it: the other rows are of no concern here."""
    done = row.get("processing_status") == SUCCESS and row.get("action").lower() == CONVERT
    return row.get("overwrite") in ("1", "1.0") and done


@dataclass(frozen=True, slots=True)
class Job:
    """A row that is to be done. Paths are those of the store, in text form; `target` may be the same as `path`."""

    row: Row
    located: Located
    path: str
    target: str
    original: str
    rendition: str
    staged: Path

    @property
    def file(self) -> str:
        """How the report names it."""
        return self.row.cells["file"]

    @property
    def name(self) -> str:
        """The original's name."""
        return self.path.rpartition("/")[2]


class Jobs:
    """The rows that can be done, by file. `earlier` is what former runs said of them, `files` are all that the report names."""

    def __init__(self, locations: Locations, earlier: Mapping[str, Mapping[str, str]], files: Iterable[str]) -> None:
        self._locations = locations
        self._earlier = earlier
        self._files = frozenset(files)
        self.found: dict[str, Job] = {}

    def check(self, row: Row) -> str:
        """Why a row cannot be done, or ""."""
        file, derived = row.cells["file"], row.get("derived_file")
        if not (is_content_hash(row.get("hash").lower()) and is_content_hash(row.get("derived_hash").lower())):
            return "its hash or derived_hash is none; process it again"
        if not derived.startswith("/"):
            return "its derived_file is no absolute path"
        try:
            located = self._locations.find(file)
        except UsageError as error:
            return error.message
        if located.system_path is None:
            return "it lies far away: only files of this machine can be replaced"
        job = Job(
            row, located, located.path, located.path, row.get("hash").lower(), row.get("derived_hash").lower(),
            Path(from_text(derived)),
        )  # fmt: skip
        try:
            self.found[file] = replace(job, target=self._target(job))
        except StoreError as error:
            return str(error)
        return ""

    def _target(self, job: Job) -> str:
        """Where its converted file goes: where a former run put it, or lies already, else to the first name that is free."""
        store, path = job.located.store, job.path
        earlier = self._earlier.get(job.file, {})
        told = earlier.get("replaced_file", "") if earlier.get("replacement_status") != UNDONE else ""
        if told.startswith(f"{store.place}/"):
            return told.removeprefix(f"{store.place}/")
        if extension_of(path) == "mov":
            return path
        folder, _, name = path.rpartition("/")
        stem = name[: -len(extension_of(name)) - 1] if extension_of(name) else name
        claimed = {j.target for j in self.found.values() if j.located.store.place == store.place}
        for number in itertools.count():
            name = file_name(stem, "x.mov", number)
            target = f"{folder}/{name}" if folder else name
            if target in claimed or f"{store.place}/{target}" in self._files:
                continue  # another's, also while that is out of its place
            if content_at(store, target, job) in (NOTHING, RENDITION):
                return target
        raise AssertionError("there are more numbers than files")


def content_at(store: ManagedStore, path: str, job: Job) -> str:
    """What lies at a path."""
    entry = store.stat(path)
    if entry is None:
        return NOTHING
    digest = "" if entry.problem else store.checksum(path)
    return {job.original: ORIGINAL, job.rendition: RENDITION}.get(digest, OTHER)


def found(job: Job, store: ManagedStore, *, backed_up: bool) -> Found:
    """What lies where; `backed_up`: a failsafe folder holds the original."""
    same = job.path == job.target
    place = content_at(store, job.path, job)
    target = place if same else content_at(store, job.target, job)
    if same:
        place, target = (NOTHING, RENDITION) if place == RENDITION else (place, NOTHING)
    staged = job.staged.is_file()
    return Found(place, OTHER if target == ORIGINAL else target, same, backed_up, staged)


def backup_of(failsafe: LocalStore, job: Job) -> Entry | None:
    """The original in the failsafe folder, under the first name that fits."""
    for number in itertools.count():
        there = failsafe.stat(backup_name(job, number))
        if there is None:
            return None
        if not there.problem and failsafe.checksum(there.path) == job.original:
            return there
    return None


def backup_name(job: Job, number: int) -> str:
    """The name of an original in the failsafe folder, with a number where others of that name lie there."""
    return file_name(job.name[: -len(extension_of(job.name)) - 1] if extension_of(job.name) else job.name, job.name, number)


def rendition_names(job: Job) -> Iterator[str]:
    """The names that a converted file may have in the failsafe folder, best first, without end."""
    name = job.target.rpartition("/")[2]
    return (file_name(f"{name.removesuffix('.mov')}-converted", name, n) for n in itertools.count())
