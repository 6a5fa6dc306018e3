"""The stores that answer now, for a program that runs for days: disks come and go."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from catalog.domain.asset import Entry
from catalog.domain.copies import OK
from catalog.domain.document import AssetDocument, CopyRow
from catalog.errors import CatalogError
from catalog.stores.protocol import ManagedStore, RemoteStore
from catalog.work.live_copies import find_entry
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

LOOK_SECONDS = 60.0
"""Seconds after which it is looked again which stores are there."""


@dataclass(frozen=True, slots=True)
class LiveCopy:
    """A copy that is as it is recorded: where it is, and the file there."""

    store: ManagedStore
    row: CopyRow
    entry: Entry

    @property
    def is_near(self) -> bool:
        """Whether its bytes are on this machine, or in a folder of it."""
        return not isinstance(self.store, RemoteStore)

    @property
    def path(self) -> str:
        """Its path below the store's root."""
        return self.row["path"]

    def open(self, offset: int = 0) -> BinaryIO:
        """Its bytes from an offset. Raises StoreError."""
        return self.store.open(self.row["path"], offset)


class Shelf:
    """The stores of a catalog that are there, looked for again now and then.

    Use as a context manager; several threads may use it. Given `stores`, it has these and no
    others. No folder stays open while nobody uses it, so that its disk can be taken out.
    """

    def __init__(
        self, workspace: Workspace | None, stores: Mapping[str, ManagedStore] | None = None
    ) -> None:
        self._workspace = workspace
        self._stores = dict(stores or {})
        self._is_fixed = stores is not None
        self._looked: float | None = None
        self._users = 0
        self._lock = threading.Lock()
        self._looking = threading.Lock()

    def __enter__(self) -> Shelf:
        return self

    def __exit__(self, *_exception: object) -> None:
        with self._looking:
            if not self._is_fixed:
                _close(self._stores.values(), far=True)

    @contextlib.contextmanager
    def using(self) -> Iterator[Mapping[str, ManagedStore]]:
        """The stores that are there, by name, to be used until this is left."""
        self._look_if_due()
        with self._lock:
            self._users += 1
            stores = self._stores
        try:
            yield stores
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    _close(stores.values())

    def copies(
        self, document: AssetDocument, *, near: bool = True, far: bool = True
    ) -> Generator[LiveCopy, None, None]:
        """The good copies of an asset that answer and are as recorded, those on disks first; to be
        used while the generator is not closed.
        """
        with self.using() as stores:
            known = _stored(document, stores)
            for is_far in [False] * near + [True] * far:
                for store, row in known:
                    if isinstance(store, RemoteStore) is not is_far:
                        continue
                    entry = find_entry(store, row, document["hash"])
                    if entry is not None:
                        yield LiveCopy(store, row, entry)

    def has_far(self, document: AssetDocument) -> bool:
        """Whether there may be a copy far away; nobody is asked."""
        with self.using() as stores:
            return any(isinstance(store, RemoteStore) for store, _row in _stored(document, stores))

    def _look_if_due(self) -> None:
        """At first nothing is known, and is waited for; later nobody waits."""
        if self._is_fixed:
            return
        if self._looked is None:
            with self._looking:
                if self._looked is None:
                    self._look()
        elif time.monotonic() - self._looked > LOOK_SECONDS and self._looking.acquire(
            blocking=False
        ):
            self._looked = time.monotonic()
            threading.Thread(target=self._look_aside, name="stores", daemon=True).start()

    def _look_aside(self) -> None:
        try:
            self._look()
        finally:
            self._looking.release()

    def _look(self) -> None:
        """Those that are there as before stay the same objects."""
        assert self._workspace is not None
        found: dict[str, ManagedStore] = {}
        with contextlib.suppress(CatalogError):
            book = StoreBook(self._workspace, self._workspace.existing_repository)
            with book.open_present() as present:  # closed again, and opened when it is used
                for name, store in present.items():
                    before = self._stores.get(name)
                    is_same = before is not None and before.location == store.location
                    found[name] = before if before is not None and is_same else store
            with self._lock:
                self._stores = found
        self._looked = time.monotonic()


def _stored(
    document: AssetDocument, stores: Mapping[str, ManagedStore]
) -> list[tuple[ManagedStore, CopyRow]]:
    return [
        (stores[row["store"]], row)
        for row in document.get("copies", ())
        if row["state"] == OK and row["store"] in stores
    ]


def _close(stores: Iterable[ManagedStore], *, far: bool = False) -> None:
    for store in stores:
        if far or not isinstance(store, RemoteStore):
            store.close()
