"""A folder as a store that states the content of each file, as Dropbox does;
it counts what it is asked.
"""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from catalog.domain.asset import Entry
from catalog.domain.checksums import CONTENT
from catalog.domain.fixity import content_hash
from catalog.domain.names import comparison_key
from catalog.errors import AlreadyExists
from catalog.stores.local.store import LocalStore
from catalog.work.store_book import StoreBook


class Counting(LocalStore):
    """A folder that counts."""

    calls: Counter[str]
    before_put: Callable[[str], None] = staticmethod(lambda _path: None)

    def __init__(self, name: str, root: Path, calls: Counter[str]) -> None:
        super().__init__(name, root)
        self.calls = calls

    def _count(self, what: str) -> None:
        self.calls[f"{self.name} {what}"] += 1

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        self._count("list")
        return super().list(prefix, recursive=recursive)

    def stat(self, path: str) -> Entry | None:
        self._count("stat")
        return super().stat(path)

    def open(self, path: str, offset: int = 0) -> BinaryIO:
        self._count("open")
        return super().open(path, offset)

    def put(self, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str) -> Entry:
        self._count("put")
        self.before_put(path)
        return super().put(path, stream, size, mtime_ns, checksum)

    def move(self, source: str, target: str) -> Entry:
        self._count("move")
        return super().move(source, target)


class Stating(Counting):
    """Entries have a content and a version, whole seconds and no inode;
    names that differ in case only are one.
    """

    together = 6
    folder = None  # type: ignore[assignment]

    def __init__(self, name: str, root: Path, calls: Counter[str]) -> None:
        super().__init__(name, root, calls)
        self.capabilities = replace(
            self.capabilities,
            checksums=(CONTENT,),
            case_sensitive=False,
            together=self.together,
            server_side_copy=True,
        )

    def _stated(self, entry: Entry) -> Entry:
        digest = content_hash((self.root / entry.path).read_bytes())
        return Entry(
            entry.path,
            entry.size,
            entry.mtime_ns // 10**9 * 10**9,
            checksums={CONTENT: digest},
            revision=digest[:9],
        )

    def _there(self, path: str) -> Entry:
        entry = LocalStore.stat(self, path)
        assert entry
        return self._stated(entry)

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        return (self._stated(e) for e in super().list(prefix, recursive=recursive))

    def _is_called(self, path: str) -> str:
        names = (str(p.relative_to(self.root)) for p in self.root.rglob("*") if p.is_file())
        return next((n for n in names if comparison_key(n) == comparison_key(path)), "")

    def stat(self, path: str) -> Entry | None:
        found = self._is_called(path)
        entry = super().stat(found) if found else super().stat(path)
        return self._stated(entry) if entry else None

    def put(self, path: str, stream: BinaryIO, size: int, mtime_ns: int, checksum: str) -> Entry:
        self._check_free(path)
        return super().put(path, stream, size, mtime_ns, checksum)

    def move(self, source: str, target: str) -> Entry:
        if comparison_key(source) != comparison_key(target):
            self._check_free(target)
        return super().move(source, target)

    def copy(self, source: str, target: str) -> Entry:
        self._count("copy")
        self._check_free(target)
        (self.root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self.root / source, self.root / target)
        return self._there(target)

    def _check_free(self, path: str) -> None:
        if self._is_called(path):
            raise AlreadyExists(
                f"{path} is already in store {self.name}.", store=self.name, path=path
            )


def stand_in(monkeypatch: pytest.MonkeyPatch, stores: dict[str, type[Counting]]) -> Counter[str]:
    """Open these stores as such, and count what they are asked."""
    calls: Counter[str] = Counter()

    @contextlib.contextmanager
    def opened(book: StoreBook, name: str, *, dry: bool = False) -> Iterator[LocalStore]:
        root = book.root(name)
        book.prove(name, root)
        assert root.folder is not None
        store = stores.get(name, Counting)(name, root.folder, calls)
        try:
            yield store
        finally:
            store.close()

    monkeypatch.setattr(StoreBook, "open", opened)
    return calls
