"""Which copy here is which copy there, where an asset has another path in each of two stores."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from catalog.domain.document import CopyRow
from catalog.features.mirror.history import RenameHistory

Key = Callable[[str], str]
"""What paths are compared by."""
_NUMBER = re.compile(r"_\d+$")


class Pair(NamedTuple):
    """The store that is mirrored, the other one, and what the other one compares paths by."""

    source: str
    target: str
    key: Key = str


# --- names and numbers ----------------------------------------------------------------------------


def is_alike(path: str, other: str, key: Key) -> bool:
    """Whether two names are one but for a number, as a file gets it whose name is taken,
    or for what `key` leaves out.
    """
    return key(path) == key(other) or is_numbered(path, other) or is_numbered(other, path)


def is_numbered(path: str, other: str) -> bool:
    """Whether a path is another one with a number, as a file gets it whose name is taken."""
    return bool(bare := _plain(path)) and bare == _exact(other)


def _exact(path: str) -> str:
    """What a path is compared by where numbers are told from names:
    the case of its extension is nothing.
    """
    stem, dot, extension = path.rpartition(".")
    return f"{stem}{dot}{extension.lower()}"


def _plain(path: str) -> str:
    """The same of a path without its number, or "" where it has none."""
    stem, dot, extension = path.rpartition(".")
    return f"{_NUMBER.sub('', stem)}{dot}{extension.lower()}" if _NUMBER.search(stem) else ""


def without_number(stem: str) -> str:
    """A stem without the number that a file gets whose name is taken."""
    return _NUMBER.sub("", stem)


# --- matching -------------------------------------------------------------------------------------

Labels = Mapping[str, Sequence[str]]
"""By what paths of one store are matched with those of the other, best first."""


def partners_of(
    wanted: Mapping[str, CopyRow], there: Mapping[str, CopyRow], pair: Pair, history: RenameHistory
) -> tuple[list[tuple[str, str]], list[str]]:
    """The paths, here and there, of the copies that have another place in each store;
    and those that have no partner.

    What the history tells comes first, then names that are alike, then what once had one name, then
    what is left.
    """
    is_turned = pair.source > pair.target  # the same is found in both directions
    stores = (pair.target, pair.source) if is_turned else pair[:2]
    rows = (there, wanted) if is_turned else (wanted, there)
    both = wanted.keys() & there.keys()
    sides = [_Side(store, mine, both, history) for store, mine in zip(stores, rows, strict=True)]
    found: list[tuple[str, str]] = []

    def match(labels: Callable[[_Side], Labels], others: Callable[[_Side], Labels]) -> None:
        left, right = sides
        ranked = {*_joined(labels(left), others(right)), *_joined(others(left), labels(right))}
        for _rank, one, other in sorted(ranked):
            if one in left.paths and other in right.paths:
                left.paths.remove(one)
                right.paths.remove(other)
                found.append((one, other))

    match(lambda s: {p: s.chain(p)[1:2] for p in s.paths}, lambda s: {p: [p] for p in s.paths})
    for number, side in enumerate(sides):
        taken = [*both, *(places[number] for places in found)]
        side.paths = set(distinct(sorted(side.paths), taken, pair.key))
    match(lambda s: s.names(pair.key), lambda s: s.names(pair.key))
    match(lambda s: s.names(_plain), lambda s: s.names(_exact))
    match(lambda s: s.chains(pair.key), lambda s: s.chains(pair.key))
    match(lambda s: s.chains(_plain), lambda s: s.chains(_exact))
    rest = list(zip(*(side.newest_first() for side in sides), strict=False))
    for number, side in enumerate(sides):
        side.paths -= {places[number] for places in rest}
    found += rest
    partners = [(other, one) for one, other in found] if is_turned else found
    return sorted(partners), sorted(sides[is_turned].paths)


class _Side:
    """The paths of one store for which a partner in the other one is looked for."""

    def __init__(
        self, store: str, rows: Mapping[str, CopyRow], both: Collection[str], history: RenameHistory
    ) -> None:
        self.paths = {path for path in rows if path not in both}
        self._store = store
        self._rows = rows
        self._history = history
        self._chains: dict[str, list[str]] = {}

    def chain(self, path: str) -> list[str]:
        """See `History.chain`."""
        if path not in self._chains:
            self._chains[path] = self._history.chain(self._store, path)
        return self._chains[path]

    def names(self, label: Key) -> Labels:
        """All that is left, with what it is called now."""
        return {path: [label(path)] for path in self.paths}

    def chains(self, label: Key) -> Labels:
        """All that is left, with what each was called before."""
        return {path: [label(old) for old in self.chain(path)] for path in self.paths}

    def came(self, path: str) -> int:
        """When a copy came there."""
        return self._history.came(self._rows[path]).at

    def newest_first(self) -> list[str]:
        """All that is left, what came last before the others."""
        return sorted(self.paths, key=lambda path: (self.came(path), path), reverse=True)


def _joined(labels: Labels, others: Labels) -> Iterator[tuple[int, str, str]]:
    """The pairs that have a label in common, with a rank: the less,
    the sooner it is among the labels of both.
    """
    by_label: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for path, some in others.items():
        for rank, label in enumerate(some):
            by_label[label].append((rank, path))
    for path, some in labels.items():
        for rank, label in enumerate(some):
            for further, other in by_label.get(label, ()) if label else ():
                yield rank + further, path, other


def distinct(paths: Sequence[str], taken: Iterable[str], key: Key) -> list[str]:
    """The paths without those that are one with another, or with one that is `taken`,
    in the other store.
    """
    seen = {key(path) for path in taken}
    found = []
    for path in paths:
        if key(path) not in seen:
            found.append(path)
        seen.add(key(path))
    return found
