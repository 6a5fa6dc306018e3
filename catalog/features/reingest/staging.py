"""The staging folder: flat, apart from archive and stores, and known again by its marker.

An uploader empties it.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from catalog.domain.asset import Entry
from catalog.domain.fixity import content_hash
from catalog.domain.layout import file_name
from catalog.domain.names import to_text
from catalog.errors import AlreadyExists, ReadOnlyStore, SourceInsideCatalog, StoreGuard, UsageError
from catalog.index.repository import Repository
from catalog.stores import registry
from catalog.stores.local.root import LocalRoot
from catalog.stores.local.store import LocalStore
from catalog.stores.marker import marker_data
from catalog.work import guards
from catalog.work.staging_marker import IN_STAGING, MARKER, identity_of
from catalog.work.store_book import is_marked


def check_apart(
    folder: Path, sources: Iterable[Path], repository: Repository | None, what: str = "staging"
) -> None:
    """Raise SourceInsideCatalog where a folder lies in or around a store, or one of `sources`
    (archives, folders of files)."""
    for record in repository.stores.read_all() if repository else ():
        for root in registry.folders_recorded(record):
            if root.is_dir():
                guards.check_apart(LocalRoot(folder), LocalRoot(root))
    if any(is_marked(above) for above in LocalRoot(folder).upwards()):
        raise SourceInsideCatalog(
            f"The {what} folder {folder} lies inside a store, by its marker; nothing was changed.",
            hint="Name a folder outside it.",
        )
    for source in sorted({Path(os.path.realpath(source)) for source in sources}):
        if source.is_relative_to(folder) or folder.is_relative_to(source):
            raise SourceInsideCatalog(
                f"The {what} folder {folder} and the archive {source} lie in each other; nothing "
                "was changed.",
                hint="Name a folder apart from it.",
            )


@dataclass(slots=True)
class Staging:
    """An opened staging folder. `identity` is what its marker says."""

    folder: Path
    store: LocalStore
    identity: str

    @property
    def text(self) -> str:
        """The folder, in text form."""
        return to_text(str(self.folder))

    def put(
        self, stem: str, original: str, stream: BinaryIO, size: int, mtime_ns: int, digest: str
    ) -> Entry:
        """A verified file under the first free name of a stem; where its content lies under one,
        that one.

        `original` gives the extension; `digest` is the content hash the bytes must have. Raises
        StoreError.
        """
        for name in names_of(stem, original):
            there = self.store.stat(name)
            if there is None:
                with contextlib.suppress(AlreadyExists):
                    return self.store.put(name, stream, size, mtime_ns, digest)
                stream.seek(0)
            elif _holds(self.store, name, size, digest):
                return there
        raise AssertionError("there are more numbers than files")

    def put_bytes(self, stem: str, original: str, data: bytes, mtime_ns: int) -> Entry:
        """The same for bytes in memory."""
        return self.put(stem, original, io.BytesIO(data), len(data), mtime_ns, content_hash(data))

    def holds(self, name: str, size: int, digest: str) -> bool:
        """Whether a staged file is there with this content."""
        return _holds(self.store, name, size, digest)


class Names:
    """The names in a staging folder, which need not be there yet; and those that what is only shown
    would take."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = LocalStore("staging", folder, managed=False)
        self._foreseen: dict[str, str] = {}

    def foresee(self, name: str, digest: str) -> None:
        """A name is taken by a content from now on; "" for one that nobody knows yet."""
        self._foreseen[name] = digest

    def first(self, stem: str, original: str, size: int, digest: str) -> str:
        """The first name of a stem that is free, or under which this content lies: what
        `Staging.put` gives it."""
        return next(
            name
            for name in names_of(stem, original)
            if self.is_free(name) or self._holds(name, size, digest)
        )

    def is_free(self, name: str) -> bool:
        """Whether nothing has it."""
        return name not in self._foreseen and (
            not self._folder.is_dir() or self._store.stat(name) is None
        )

    def _holds(self, name: str, size: int, digest: str) -> bool:
        if name in self._foreseen:
            return self._foreseen[name] == digest
        return _holds(self._store, name, size, digest)


def _holds(store: LocalStore, name: str, size: int, digest: str) -> bool:
    """Whether a staged file is there with this content."""
    there = store.stat(name)
    return (
        there is not None
        and not there.problem
        and there.size == size
        and store.checksum(name) == digest
    )


def names_of(stem: str, original: str) -> Iterator[str]:
    """The names that a staged file may have, best first, without end; `original` gives the
    extension."""
    return (file_name(stem, original, number) for number in itertools.count())


def check_folder(path: str, what: str = "staging") -> Path:
    """The real path of a folder for staging, which need not be there yet. Raises UsageError."""
    folder = Path(os.path.realpath(Path(path).expanduser()))
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--{what} {path} is a file, not a folder.", hint="Name a folder.")
    if not folder.parent.is_dir():
        raise UsageError(
            f"There is no folder {folder.parent} for the {what} folder.",
            hint=f"Is it mounted? Check --{what}.",
        )
    return folder


@contextlib.contextmanager
def open_staging(folder: Path) -> Iterator[Staging]:
    """A staging folder, made and marked on first use; leftovers of killed runs are removed."""
    store = LocalStore("staging", folder)
    try:
        folder.mkdir(exist_ok=True)
        store.sweep()
        identity = identity_of(folder) or _marked(store)
        if identity is None:
            raise StoreGuard(
                f"The marker of the staging folder {folder} cannot be read.",
                hint="Name another folder.",
            )
        yield Staging(folder, store, identity)
    except OSError as error:
        raise ReadOnlyStore(
            f"The staging folder {folder} cannot be written to ({error.strerror})."
        ) from error
    finally:
        store.close()


def _marked(store: LocalStore) -> str | None:
    """The id of a folder that is marked now."""
    with store.scratch() as scratch:
        scratch.folder.write(MARKER, marker_data("staging"))
        scratch.folder.place(MARKER, scratch.base, IN_STAGING, over=True)
    return identity_of(store.root)
