"""What a file holds.

By the checksums that its store states, where they tell it or the index knows them, else by reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

from catalog.domain.asset import Entry
from catalog.domain.checksums import CONTENT, agree, can_prove, strongest
from catalog.stores.protocol import Store

BATCH = 500
"""Checksums that the index is asked about at once."""


class ByChecksum(Protocol):
    """Who knows contents by other checksums than their content hash."""

    def known_by(self, kind: str, values: list[str]) -> dict[str, str]:
        """The content hash of the asset that has each of some checksums of a kind, by checksum.

        Without those of none.
        """
        ...


def content_of(store: Store, entry: Entry) -> str:
    """The content hash of a file: as its entry states it, else by reading all of it."""
    return entry.content_hash or store.checksum(entry.path)


def has_content(store: Store, entry: Entry, recorded: Mapping[str, str]) -> bool:
    """Whether a file has a recorded content (see `checksums.recorded`).

    As its entry states, else by reading all of it.
    """
    same = agree(entry.checksums, recorded)
    return store.checksum(entry.path) == recorded[CONTENT] if same is None else same


def states_contents(store: Store) -> bool:
    """Whether a store states in its listings what proves contents.

    Then each question about one file costs a request.
    """
    return can_prove(store.capabilities.checksums)


def stated_contents(entries: Iterable[Entry], index: ByChecksum) -> dict[str, str]:
    """The content hash, by path, of those files whose checksums tell it, or the index by them.

    The index is asked about many files at once, by the strongest checksum of each.
    """
    found: dict[str, str] = {}
    unknown: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        if entry.content_hash:
            found[entry.path] = entry.content_hash
        elif (kind := strongest(entry.checksums)) is not None:
            unknown[kind][entry.checksums[kind]].append(entry.path)
    for kind, paths in unknown.items():
        values = sorted(paths)
        for start in range(0, len(values), BATCH):
            known = index.known_by(kind, values[start : start + BATCH])
            found |= {path: digest for value, digest in known.items() for path in paths[value]}
    return found
