"""The rows of a report whose converted files take the places of their originals,
and where they go.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.domain.filetypes import extension_of
from catalog.domain.fixity import is_content_hash
from catalog.domain.layout import file_name
from catalog.domain.names import from_text
from catalog.domain.spreadsheets import Row
from catalog.errors import StoreError, UsageError
from catalog.features.reingest.locations import Located, Locations
from catalog.features.reingest.plan import CONVERT
from catalog.features.reingest.replacement.plan import NOTHING, ORIGINAL, OTHER, RENDITION
from catalog.features.reingest.videos.plan import SUCCESS
from catalog.stores.protocol import ManagedStore

UNDONE = "UNDONE"
"""What the progress of a report says of a row whose replacement was taken back."""


def is_meant(row: Row) -> bool:
    """Whether a person wants it and an earlier command made it: the other rows are of no concern
    here."""
    done = row.get("processing_status") == SUCCESS and row.get("action").lower() == CONVERT
    return row.get("overwrite") in ("1", "1.0") and done


@dataclass(frozen=True, slots=True)
class Job:
    """A row that is to be done.

    Paths are those of the store, in text form; `target` may be the same as `path`.
    """

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
    def store(self) -> ManagedStore:
        """The store, or the folder, that the original lies in."""
        return self.located.store

    @property
    def name(self) -> str:
        """The original's name."""
        return self.path.rpartition("/")[2]

    def content_at(self, path: str, store: ManagedStore | None = None) -> str:
        """What lies at a path of its store, or of another."""
        store = store or self.store
        entry = store.stat(path)
        if entry is None:
            return NOTHING
        return self.kind_of("" if entry.problem else store.checksum(path))

    def kind_of(self, digest: str) -> str:
        """What a content is."""
        return {self.original: ORIGINAL, self.rendition: RENDITION}.get(digest, OTHER)

    def aside(self, kind: str) -> str:
        """Where a file waits beside its place while another takes it: the original, or what was
        made of it."""
        folder, _, name = self.path.rpartition("/")
        aside = f".{name}.{'original' if kind == ORIGINAL else 'converted'}"
        return f"{folder}/{aside}" if folder else aside


class Jobs:
    """The rows that can be done, by file.

    `earlier` is what former runs said of them, `files` are all that the report names.
    """

    def __init__(
        self, locations: Locations, earlier: Mapping[str, Mapping[str, str]], files: Iterable[str]
    ) -> None:
        self._locations = locations
        self._earlier = earlier
        self._files = frozenset(files)
        self.found: dict[str, Job] = {}

    def of(self, row: Row) -> Job:
        """The job of a row that can be done."""
        return self.found[row.cells["file"]]

    def check(self, row: Row) -> str:
        """Why a row cannot be done, or ""."""
        file, derived = row.cells["file"], row.get("derived_file")
        original, rendition = row.get("hash").lower(), row.get("derived_hash").lower()
        if not (is_content_hash(original) and is_content_hash(rendition)):
            return "its hash or derived_hash is none; process it again"
        if not derived.startswith("/"):
            return "its derived_file is no absolute path"
        try:
            located = self._locations.find(file)
        except UsageError as error:
            return error.message
        if located.system_path is None:
            return "it lies far away: only files of this machine can be replaced"
        path = located.path
        job = Job(row, located, path, path, original, rendition, Path(from_text(derived)))
        try:
            self.found[file] = replace(job, target=self._target(job))
        except StoreError as error:
            return str(error)
        return ""

    def _target(self, job: Job) -> str:
        """Where its converted file goes: where a former run put it, or lies already, else to the
        first name that is free."""
        store, path = job.store, job.path
        earlier = self._earlier.get(job.file, {})
        told = (
            earlier.get("replaced_file", "") if earlier.get("replacement_status") != UNDONE else ""
        )
        if told.startswith(f"{store.location}/"):
            return told.removeprefix(f"{store.location}/")
        if extension_of(path) == "mov":
            return path
        folder, _, name = path.rpartition("/")
        stem = name[: -len(extension_of(name)) - 1] if extension_of(name) else name
        claimed = {j.target for j in self.found.values() if j.store.location == store.location}
        for number in itertools.count():
            name = file_name(stem, "x.mov", number)
            target = f"{folder}/{name}" if folder else name
            if target in claimed or f"{store.location}/{target}" in self._files:
                continue  # another's, also while that is out of its place
            if job.content_at(target) in (NOTHING, RENDITION):
                return target
        raise AssertionError("there are more numbers than files")
