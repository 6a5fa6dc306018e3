"""The renames of an asset's files, as the history tells them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from catalog.domain.copies import milliseconds
from catalog.domain.document import CopyRow
from catalog.domain.names import original_of


class Move(NamedTuple):
    """One rename of a file of an asset, as the history tells it;
    `at` is a moment as `domain.copies.timestamp` writes it.
    """

    store: str
    old: str
    new: str
    at: str


class Arrival(NamedTuple):
    """When a copy came to its path, in ms since 1970, and whether by a rename."""

    at: int
    renamed: bool


class RenameHistory:
    """The renames of one asset, by where they led."""

    def __init__(self, moves: Iterable[Move]) -> None:
        self._to: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        for at, move in sorted((milliseconds(m.at), m) for m in moves):
            self._to[move.store, move.new].append((at, move.old))

    def came(self, row: CopyRow) -> Arrival:
        """When a copy came to its path: by its last rename, unless it was put there later.

        The name that a killed run left is nobody's choice. A rename that ended at the old name says
        only when that was.
        """
        path = row["path"]
        if original_of(path):
            return Arrival(0, False)
        added = milliseconds(row.get("added"))
        at, old = max(self._to.get((row["store"], path), []), default=(-1, ""))
        return Arrival(at, old != path) if at >= added else Arrival(added, False)

    def chain(self, store: str, path: str) -> list[str]:
        """A path, and those that the file there had before, the last one first."""
        found = [path]
        original = original_of(path)
        before = None
        while True:
            told = [
                (at, old)
                for at, old in self._to.get((store, found[-1]), [])
                if before is None or at < before
            ]
            if not told:
                break
            before, old = max(told)
            found.append(old)
        return [*found[:1], original, *found[1:]] if original else found
