"""Bringing a file from one store into another, by the shortest way."""

from __future__ import annotations

from catalog.domain.asset import Entry
from catalog.stores.protocol import Store


def copy_between(source: Store, entry: Entry, target: Store, path: str, digest: str) -> Entry:
    """A verified copy of a file at `path` of another store: made there where it can be,
    else its bytes travel.

    `digest` is its content hash. Raises as `Store.put` does, and NotFound.
    """
    adopted = target.adopt(source, entry.path, path, digest)
    if adopted is not None:
        return adopted
    with source.open(entry.path) as stream:
        return target.put(path, stream, entry.size, entry.mtime_ns, digest)
