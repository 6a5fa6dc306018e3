"""Which content has a name that two stores give to different ones: chosen once, for both.

Where both stores have a file of one name, and the contents differ, one content keeps the name in
both stores and the other one gets a number in both. The name goes to what came to it last, by a
person's rename or edit; so neither direction undoes what the other one did, and a second run finds
nothing to do. All of it is pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from catalog.domain.document import CopyRow
from catalog.domain.names import comparison_key, original_of

Key = Callable[[str], str]
"""What paths are compared by."""
Number = Callable[["Pairing", str], str]
"""The path for a file with the next number that is free in both stores, and is taken by this."""
_NUMBER = re.compile(r"_(\d+)(?:\.[^./]*)?$")


class Way(Enum):
    """How the two paths of a file lie to each other: they are one; they differ by a number only;
    each store has an arrangement of its own; the second store is to follow the first; or the other
    way; or one store lacks the file.
    """

    SAME = "same"
    ALIKE = "alike"
    APART = "apart"
    FOLLOWS = "follows"
    LEADS = "leads"
    LACKED = "lacked"


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """One file of an asset as two stores have it: its rows here and there, one of which may be
    lacking.

    `came` are the moments when it came to its path here and there, in ms since 1970.
    """

    owner: str
    here: CopyRow | None
    there: CopyRow | None
    way: Way
    came: tuple[int, int] = (0, 0)

    @property
    def path(self) -> str:
        """Where it lies here, "" where it does not; what a killed run left counts as its goal."""
        return (original_of(self.here["path"]) or self.here["path"]) if self.here else ""

    @property
    def old(self) -> str:
        """Where it lies there, or ""."""
        return self.there["path"] if self.there else ""

    @property
    def is_respelled(self) -> bool:
        """Whether its paths are equal but for their case and Unicode form."""
        path, old = self.path, self.old
        return path != old and comparison_key(path) == comparison_key(old)

    @property
    def goal(self) -> str:
        """Where it should lie there, as far as nothing else has that name."""
        return self.path if self.way in (Way.FOLLOWS, Way.LACKED) and self.path else self.old


def settle_names(pairings: Sequence[Pairing], key: Key, number: Number) -> dict[Pairing, str]:
    """Where files should lie in the second store that have a name which the stores give to
    different contents; all others go to their `goal`.
    """
    settling = _Settling(pairings, key, number)
    settling.settle()
    return settling.names


def respell_folders(pairings: Sequence[Pairing]) -> dict[Pairing, str]:
    """Where files should lie whose folder is renamed in the second store to an equal name, with
    all that follows the first store: a folder does not become two.
    """
    respelled = [pairing for pairing in pairings if pairing.is_respelled]
    renamed = {_folder(p.old): _folder(p.path) for p in respelled if p.way is Way.FOLLOWS}
    return {
        pairing: pairing.path
        for pairing in respelled
        if pairing.way is Way.ALIKE and renamed.get(_folder(pairing.old)) == _folder(pairing.path)
    }


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


class _Settling:
    """One choice. `names` are what was chosen; what is `settled` is not asked again."""

    def __init__(self, pairings: Sequence[Pairing], key: Key, number: Number) -> None:
        self.names: dict[Pairing, str] = {}
        self._settled: set[Pairing] = set()
        self._key = key
        self._number = number
        self._here = {key(p.path): p for p in pairings if p.path}
        self._there = {key(p.old): p for p in pairings if p.old}

    def settle(self) -> None:
        """Choose for every name, those without a number first."""
        for name in sorted(self._here.keys() & self._there.keys(), key=_by_number):
            mine, theirs = self._here[name], self._there[name]
            if mine.owner != theirs.owner and self._is_wanted(mine, theirs):
                if self._wins(mine, theirs):
                    self._take(mine, theirs)
                else:
                    self._leave(mine, theirs)

    def _is_wanted(self, mine: Pairing, theirs: Pairing) -> bool:
        """Whether both want the name, in this direction or in the other."""
        if mine.way is Way.LEADS or theirs.way is Way.FOLLOWS or mine in self._settled:
            return False  # one of them goes from it anyway
        if theirs in self.names and self._key(self.names[theirs]) != self._key(theirs.old):
            return False
        return mine.way is not Way.APART or theirs.way is not Way.APART

    def _wins(self, mine: Pairing, theirs: Pairing) -> bool:
        if theirs in self._settled or theirs.way is Way.APART:
            return False
        if mine.way is Way.APART:
            return True
        return (mine.came[0], mine.owner) > (theirs.came[1], theirs.owner)

    def _take(self, mine: Pairing, theirs: Pairing) -> None:
        """The name is that of the first store's file: the other one gives way."""
        if mine.way is not Way.APART:
            self._call(mine, mine.path)
        self._settled.add(mine)
        self._displace(theirs)

    def _leave(self, mine: Pairing, theirs: Pairing) -> None:
        """The name stays with the second store's file; the first store's gets another there."""
        self._settled |= {mine, theirs}
        if mine.way in (Way.LACKED, Way.FOLLOWS):
            self._call(mine, self._number(mine, mine.path))

    def _displace(self, pairing: Pairing) -> None:
        """Give a file of the second store another name: the one that it has in the first store,
        where that is the same with a number, else a number.
        """
        self._settled.add(pairing)
        if pairing.way is not Way.ALIKE:
            self._call(pairing, self._number(pairing, pairing.old))
            return
        holder = self._there.get(self._key(pairing.path))
        if holder is not None and holder is not pairing and self._stays(holder):
            if holder in self._settled:
                self._call(pairing, self._number(pairing, pairing.old))
                return
            self._displace(holder)
        self._call(pairing, pairing.path)

    def _stays(self, pairing: Pairing) -> bool:
        """Whether a file of the second store keeps its name, as far as is known."""
        goal = self.names.get(pairing, pairing.goal)
        return self._key(goal) == self._key(pairing.old)

    def _call(self, pairing: Pairing, name: str) -> None:
        if name != pairing.goal:
            self.names[pairing] = name


def _by_number(name: str) -> tuple[int, str]:
    found = _NUMBER.search(name)
    return (int(found[1]) + 1 if found else 0), name


def find_contents(here: Mapping[str, str], there: Mapping[str, str], key: Key) -> set[str]:
    """The contents that have a name which the two stores give to different ones;
    contents by path.
    """
    odd = {path: digest for path, digest in here.items() if there.get(path) != digest}
    if not odd:
        return set()
    names = {key(path): digest for path, digest in there.items() if here.get(path) != digest}
    found: set[str] = set()
    for path, digest in odd.items():
        other = names.get(key(path))
        if other is not None and other != digest:
            found |= {digest, other}
    return found
