"""What a store showed in this run, kept up to date as the run writes there:
asked instead of the store itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from catalog.domain.asset import Entry
from catalog.domain.names import comparison_key
from catalog.stores.protocol import ManagedStore
from catalog.work.contents import states_contents


class LiveListing:
    """The entries of a store, by path; names that differ in case only are one where the store takes
    them for one.

    Empty until `list` was read to its end: then a file that is there is found only when it is in
    the way. Only `remembered` where it is asked for, or the store states contents: else a look at
    the store itself costs little.
    """

    def __init__(self, store: ManagedStore, *, remembered: bool = False) -> None:
        self._store = store
        self._entries: dict[str, Entry] = {}
        self.states_content = states_contents(store)
        self._remembered = remembered or self.states_content
        self._digest: hashlib.blake2b | None = None

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """What the store lists, remembered on the way."""
        digest = hashlib.blake2b(digest_size=16)
        for entry in self._store.list(prefix, recursive=recursive):
            digest.update(_line(entry))
            if self._remembered:
                self.add(entry)
            yield entry
        self._digest = None if prefix or not recursive else digest

    @property
    def mark(self) -> str:
        """What is another where anything was other than `list` found it to its end: the store's own
        mark, else of a store on this machine a digest of its listing; "" where neither is known.
        """
        if self._store.folder is None:
            return self._store.mark(listed=True)
        return self._digest.hexdigest() if self._digest is not None else ""

    def key(self, path: str) -> str:
        """What paths are compared by."""
        return path if self._store.capabilities.case_sensitive else comparison_key(path)

    def at(self, path: str) -> Entry | None:
        """What was seen at a path."""
        return self._entries.get(self.key(path))

    def add(self, entry: Entry) -> None:
        """A file came there."""
        self._entries[self.key(entry.path)] = entry

    def drop(self, path: str) -> None:
        """A file went from there."""
        self._entries.pop(self.key(path), None)

    def live(self, path: str) -> Entry | None:
        """What lies at a path at this moment; remembered."""
        entry = self._store.stat(path)
        if entry is None:
            self.drop(path)
        else:
            self._entries[self.key(path)] = entry
        return entry

    def sure(self, path: str) -> Entry | None:
        """What lies at a path: as listed where the store states contents,
        since each look is a call; else as it is now.
        """
        entry = self.at(path) if self.states_content else None
        return entry if entry is not None else self.live(path)


def _line(entry: Entry) -> bytes:
    """All that a disk says of a file."""
    times = f"{entry.size} {entry.mtime_ns} {entry.ctime_ns} {entry.device} {entry.inode}"
    text = f"{entry.path}\0{times} {entry.host}\0{entry.problem}\0"
    return text.encode(errors="surrogateescape")
