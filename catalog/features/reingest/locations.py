"""Where the files lie that reports name: in a store of the catalog, or in any folder."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.domain.names import from_text, to_text
from catalog.errors import CatalogError, NotFound, StoreGuard, UsageError
from catalog.index.repository import Repository
from catalog.stores import registry
from catalog.stores.local.root import LocalRoot
from catalog.stores.local.store import LocalStore
from catalog.stores.protocol import ManagedStore
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace


def catalog_of(workspace: Workspace) -> Repository | None:
    """The catalog, if there is one."""
    repository = workspace.repository_if_there
    if repository is not None:
        repository.refresh()
    return repository


def local_roots(book: StoreBook) -> dict[str, Path]:
    """The real folders of the stores that are on this machine now, proved by their markers."""
    found = {}
    for name, record in book.known.items():
        if (folder := registry.folder_recorded(record)) is not None:
            with contextlib.suppress(StoreGuard):
                book.prove(name, LocalRoot(folder))
                found[name] = Path(os.path.realpath(folder))
    return found


@dataclass(frozen=True, slots=True)
class Located:
    """Where a file of a report lies: a store of the catalog (`is_catalog`),
    or the folder it is in.
    """

    store: ManagedStore
    path: str
    is_catalog: bool = False

    @property
    def system_path(self) -> str | None:
        """The path on this machine, or None for a file far away."""
        folder = self.store.folder
        return None if folder is None else f"{folder}/{from_text(self.path)}"


class Locations:
    """Finds the files that reports name, again. Without a catalog no file is a store's."""

    def __init__(self, workspace: Workspace, repository: Repository | None) -> None:
        book = StoreBook(workspace, repository)
        self._roots = local_roots(book)
        self._opened = contextlib.ExitStack()
        self._stores = self._opened.enter_context(book.open_present())
        self._folders: dict[Path, Located] = {}

    @property
    def stores(self) -> dict[str, ManagedStore]:
        """The stores that can be reached."""
        return self._stores

    def find(self, file: str) -> Located:
        """Where it lies. Raises UsageError where that is no place."""
        if "\0" in file:
            raise UsageError("its name holds a NUL")
        if file.startswith("/"):
            path = Path(from_text(file))
            base = self._folder(path.parent)
            name = to_text(path.name)
            return Located(
                base.store, f"{base.path}/{name}" if base.path else name, base.is_catalog
            )
        name, colon, rest = file.partition(":")
        if colon and name in self._stores:
            return Located(self._stores[name], rest, is_catalog=True)
        raise UsageError("it is no absolute path, and no path in a store that is there")

    def _folder(self, folder: Path) -> Located:
        if folder not in self._folders:
            real = Path(os.path.realpath(folder))
            inside = next(
                (n for n, root in self._roots.items() if real == root or real.is_relative_to(root)),
                None,
            )
            if inside is not None:
                path = (
                    to_text(os.fspath(real.relative_to(self._roots[inside])))
                    if real != self._roots[inside]
                    else ""
                )
                self._folders[folder] = Located(self._stores[inside], path, is_catalog=True)
            else:
                self._folders[folder] = Located(LocalStore("archive", folder, managed=False), "")
        return self._folders[folder]

    def entry(self, file: str) -> tuple[Located, Entry]:
        """Where it lies, and what it is now.

        Raises NotFound where there is no such file, UsageError or StoreError where it cannot be
        looked at.
        """
        located = self.find(file)
        entry = located.store.stat(located.path)
        if entry is None:
            raise NotFound("the file is not there", store=located.store.name, path=located.path)
        if entry.problem:
            raise UsageError(f"it is {entry.problem}")
        return located, entry

    def close(self) -> None:
        """Let go of the stores."""
        with contextlib.suppress(CatalogError):
            self._opened.close()
