"""Files that go to the trash of their store so that others can come to their paths, and those of
them that a killed run told nobody of.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from catalog.domain.copies import CopyKey
from catalog.domain.events import GIVING_WAY
from catalog.errors import StoreError
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.journal import Journal, read_journal


class StoreWithTrash(Protocol):
    """A store that says what lies in its trash."""

    name: str

    def trash_checksum(self, key: str) -> str:
        """The content hash of a file in the trash. Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class Replaced:
    """A file that a run brought to the trash, or was about to.

    `hash` is its own, or where it was rotten that of what it should be; `trash` its name there.
    `source` is what came in its place, "" where its journal does not say so.
    """

    store: str
    path: str
    hash: str
    trash: str
    source: str = ""


def read_replaced(row: Mapping[str, object]) -> Replaced:
    """What a line of a journal says."""
    names = ("store", "path", "hash", "trash", "source")
    return Replaced(*(str(row.get(name, "")) for name in names))


@contextlib.contextmanager
def give_way(
    store: ManagedStore, path: str, digest: str, run: str, journal: Journal
) -> Iterator[str]:
    """Meanwhile the file at a path, of a content, lies in the trash ("" where there is none): its
    name there. It comes back where what is to take its place fails with a StoreError.
    """
    journal.started(GIVING_WAY, store=store.name, path=path, hash=digest, trash=f"{run}/{path}")
    key = store.remove(path, run)
    try:
        yield key or ""
    except StoreError:
        if key:
            with contextlib.suppress(StoreError):
                store.restore(key, path)
        raise


class UntoldReplacements:
    """What by the journals of this machine went to the trash by one action (GIVING_WAY or REPAIR),
    and is in no event: its run was cut off. They are read when it is first asked for; from several
    threads.
    """

    def __init__(self, folder: Path, repository: Repository, action: str = GIVING_WAY) -> None:
        self._folder = folder
        self._action = action
        self._repository = repository
        self._found: dict[CopyKey, list[Replaced]] | None = None
        self._lock = threading.Lock()

    def find(self, store: StoreWithTrash, path: str) -> Replaced | None:
        """The last file that went so from a path of a store and lies in its trash, or None."""
        for replaced in reversed(self._left().get((store.name, path), [])):
            with contextlib.suppress(StoreError):
                store.trash_checksum(replaced.trash)
                return replaced
        return None

    def find_key(self, store: StoreWithTrash, path: str) -> str:
        """What that one is called in the trash, or ""."""
        found = self.find(store, path)
        return found.trash if found is not None else ""

    def knows(self, place: CopyKey) -> bool:
        """Whether a file went so from a place, or was about to."""
        return place in self._left()

    def give_back(self, store: ManagedStore) -> None:
        """Bring back what went so, is recorded still, and has nothing in its place."""
        for path in [path for name, path in self._left() if name == store.name]:
            found = self.find(store, path)
            if found and store.stat(path) is None and find_holder(self._repository, found):
                store.restore(found.trash, path)

    def _left(self) -> Mapping[CopyKey, Sequence[Replaced]]:
        with self._lock:
            if self._found is None:
                self._found = self._read()
            return self._found

    def _read(self) -> dict[CopyKey, list[Replaced]]:
        journals = sorted(self._folder.glob("*.jsonl"))
        begun = [replaced for path in journals for replaced in _begun(path, self._action)]
        if not begun:
            return {}
        self._repository.refresh()
        told = find_told(self._repository, begun)
        found = dict[CopyKey, list[Replaced]]()
        for replaced in begun:
            if (replaced.store, replaced.trash) not in told:
                found.setdefault((replaced.store, replaced.path), []).append(replaced)
        return found


def find_told(repository: Repository, replaced: Sequence[Replaced]) -> set[tuple[str, str]]:
    """Of which files (store, name in the trash) an event tells; as of the last refresh."""
    events = repository.history.of_trash([each.trash for each in replaced])
    return {(event.get("store", ""), event.get("trash", "")) for event in events}


def find_holder(repository: Repository, file: Replaced) -> str:
    """The asset that the very file is recorded with, where it lay; "" for none."""
    place = file.store, file.path
    owners = queries.claimants(repository, [place])[place]
    for owner, (document, *_version) in repository.documents(sorted(owners)).items():
        copies, sidecars = document.get("copies", []), document.get("sidecars", [])
        held = [*((r, owner) for r in copies), *((r, r["hash"]) for r in sidecars)]
        if any((r["store"], r["path"], digest) == (*place, file.hash) for r, digest in held):
            return owner
    return ""


def _begun(journal: Path, action: str) -> list[Replaced]:
    """What a run replaced that was cut off, in order."""
    rows, is_under_way = read_journal(journal, unless_ended=True)
    return [
        read_replaced(row)
        for row in rows
        if not is_under_way
        and row.get("state") == "started"
        and row.get("action") == action
        and row.get("trash")
    ]
