"""The plan that makes one store hold what another holds, under the same paths.

Nothing is ever taken away.

A file that was renamed in both stores follows the one where that happened last; so the two may be
mirrored in both directions, in any order, and neither undoes what a person did in the other. Which
path here is which there does not depend on the direction either: else a run would undo what the
other one did.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

from catalog.domain.checksums import NONE
from catalog.domain.copies import OK, milliseconds
from catalog.domain.document import CopyRow, SidecarRow
from catalog.domain.names import original_of

Key = Callable[[str], str]
_NUMBER = re.compile(r"_\d+$")


@dataclass(frozen=True, slots=True)
class Transfer:
    """Copy a file to the other store.

    `owner` is the asset, `hash` the content; they differ for a sidecar.

    `to` is its path there where that is another one. `replaces` is the content of an older sidecar
    that is recorded there. `like` is a path there that has the content already. `placed` is where
    it came to lie, `found` that it lay there before. `checksums` are what is known of the content
    besides its hash.
    """

    owner: str
    hash: str
    path: str
    size: int
    is_sidecar: bool = False
    replaces: str = ""
    placed: str = ""
    found: bool = False
    to: str = ""
    like: str = ""
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE, hash=False)
    name: ClassVar[str] = "copy"
    counts: ClassVar[bool] = True

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path

    @property
    def goal(self) -> str:
        """Where it should lie in the other store."""
        return self.to or self.path

    def describe(self) -> str:
        """One line for a person."""
        return f"copy {self.path}" + (f" -> {self.to}" if self.to else "")


@dataclass(frozen=True, slots=True)
class Follow:
    """Rename a file in the other store as it was renamed here: it is not sent again.

    `row` is its record there.

    `placed` is the name it got where the one it should have was taken. `checksums` are what is
    known besides the hash.
    """

    owner: str
    hash: str
    row: CopyRow | SidecarRow
    path: str
    is_sidecar: bool = False
    placed: str = ""
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE, hash=False)
    name: ClassVar[str] = "move"
    counts: ClassVar[bool] = True

    @property
    def old(self) -> str:
        """Where it lies in the other store."""
        return str(self.row["path"])

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path

    @property
    def goal(self) -> str:
        """Where it should lie in the other store."""
        return self.path

    def describe(self) -> str:
        """One line for a person."""
        return f"move {self.old} -> {self.path}"


Mirroring = Transfer | Follow


class Move(NamedTuple):
    """One rename of a file of an asset, as the history tells it;
    `at` is a moment as `domain.copies.timestamp` writes it.
    """

    store: str
    old: str
    new: str
    at: str


class Needs(NamedTuple):
    """What one asset needs; `apart` are paths here and there of a copy that came to each by no
    rename that was later.

    `behind` counts those where the first store is the one to follow, when the two are mirrored the
    other way.
    """

    actions: list[Mirroring]
    apart: list[tuple[str, str]]
    behind: int = 0

    def knowing(self, checksums: Mapping[str, str]) -> Needs:
        """The same with what is known of the asset's content besides its hash."""
        actions = (
            [a if a.is_sidecar else replace(a, checksums=checksums) for a in self.actions]
            if checksums
            else self.actions
        )
        return self._replace(actions=actions)


class Pair(NamedTuple):
    """The store that is mirrored, the other one, and what the other one compares paths by."""

    source: str
    target: str
    key: Key = str


def lacks(
    copies: Iterable[CopyRow], sidecars: Iterable[SidecarRow], pair: Pair
) -> tuple[str, bool]:
    """A path that the other store lacks, or "", and whether it has the content elsewhere: a first,
    quick look.
    """
    here, there = _places(copies, sidecars, pair.source), _places(copies, sidecars, pair.target)
    lacking = here - there
    return (min(lacking)[0], bool(there - here)) if lacking else ("", False)


def _places(
    copies: Iterable[CopyRow], sidecars: Iterable[SidecarRow], store: str
) -> set[tuple[str, str]]:
    found = {(r["path"], "") for r in copies if r["store"] == store and r["state"] == OK}
    return found | {(r["path"], r["hash"]) for r in sidecars if r["store"] == store}


def first_of(follows: Sequence[Follow], limit: int, key: Key) -> list[Follow]:
    """As many of some renames as a limit allows, none of them without those that free its name:
    a ring is never cut in two.

    What is held up by more than the limit allows is left, and those after it come first.
    """
    holders = {key(f.old): f for f in follows}
    chosen: dict[str, Follow] = {}
    for follow in follows:
        chain: dict[str, Follow] = {}
        needed: Follow | None = follow
        while (
            needed is not None
            and needed.old not in chain
            and needed.old not in chosen
            and len(chain) <= limit - len(chosen)
        ):
            chain[needed.old] = needed
            needed = holders.get(key(needed.goal))
        if len(chain) <= limit - len(chosen):
            chosen |= dict(reversed(chain.items()))
    return list(chosen.values())


def mirror_asset(
    owner: str,
    copies: Sequence[CopyRow],
    sidecars: Sequence[SidecarRow],
    pair: Pair,
    moves: Sequence[Move] = (),
) -> Needs:
    """What one asset needs: renames that follow the first store's,
    and copies of what the other store lacks.

    A content that the other store has elsewhere, by an arrangement of its own, stays there and is
    not sent.
    """
    history = History(moves)
    needs = _copies(owner, copies, pair, history)
    rows = [r for r in sidecars if r["store"] in pair[:2]]
    if not any(r["store"] == pair.source for r in rows):
        return needs
    went = {a.path: a.old for a in needs.actions if isinstance(a, Follow)}
    there = {r["path"] for r in copies if r["store"] == pair.target and r["state"] == OK} - set(
        went.values()
    )
    places = sorted(there | {a.goal for a in needs.actions})
    former = {path: history.chain(pair.target, went.get(path, path)) for path in places}
    mine = sorted(r["path"] for r in copies if r["store"] == pair.source)
    here = Beside(mine, {path: history.chain(pair.source, path) for path in mine})
    return Needs(
        [*needs.actions, *_sidecars(owner, rows, pair, here, Beside(places, former))],
        needs.apart,
        needs.behind,
    )


# --- the history ----------------------------------------------------------------------------------


class Arrival(NamedTuple):
    """When a copy came to its path, in ms since 1970, and whether by a rename."""

    at: int
    renamed: bool


class History:
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


# --- copies ---------------------------------------------------------------------------------------


def _copies(owner: str, copies: Sequence[CopyRow], pair: Pair, history: History) -> Needs:
    good = [r for r in copies if r["state"] == OK]
    wanted = {r["path"]: r for r in good if r["store"] == pair.source}
    there = {r["path"]: r for r in good if r["store"] == pair.target}
    partners, lacking = _partners(wanted, there, pair, history)
    actions: list[Mirroring] = []
    apart: list[tuple[str, str]] = []
    behind = 0
    for path, old in partners:
        if _is_later(wanted[path], there[old], history, pair.key):
            actions.append(Follow(owner, owner, there[old], path))
        elif _is_later(there[old], wanted[path], history, pair.key):
            behind += 1
        elif not _is_alike(path, old, pair.key):
            apart.append((path, old))
    like = min(there.keys() & wanted.keys(), default="")
    actions += [
        Transfer(owner, owner, p, wanted[p]["size"], to=original_of(p), like=like) for p in lacking
    ]
    return Needs(sorted(actions, key=lambda a: a.path), apart, behind)


def _is_later(row: CopyRow, other: CopyRow, history: History, key: Key) -> bool:
    """Whether a copy is to be followed by its partner in the other store:
    it was renamed after that one came to its path.

    Names that are alike are one, however late one of them got its number; unless just that is what
    was renamed.
    """
    path, partner = row["path"], other["path"]
    if original_of(path) or original_of(partner):
        return not original_of(path)
    if _is_alike(path, partner, key) and partner not in history.chain(row["store"], path)[1:2]:
        return False
    came = history.came(row)
    return came.renamed and came.at > history.came(other).at


def _is_alike(path: str, other: str, key: Key) -> bool:
    """Whether two names are one but for a number, as a file gets it whose name is taken,
    or for what `key` leaves out.
    """
    return key(path) == key(other) or is_numbered(path, other) or is_numbered(other, path)


def is_numbered(path: str, other: str) -> bool:
    """Whether a path is another one with a number, as a file gets it whose name is taken."""
    return bool(plain := _plain(path)) and plain == _exact(other)


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


# --- which copy here is which there ---------------------------------------------------------------

Labels = Mapping[str, Sequence[str]]
"""By what paths of one store are matched with those of the other, best first."""


def _partners(
    wanted: Mapping[str, CopyRow], there: Mapping[str, CopyRow], pair: Pair, history: History
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
        side.paths = set(_distinct(sorted(side.paths), taken, pair.key))
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
        self, store: str, rows: Mapping[str, CopyRow], both: Collection[str], history: History
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


def _distinct(paths: Sequence[str], taken: Iterable[str], key: Key) -> list[str]:
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


# --- sidecars -------------------------------------------------------------------------------------


class Beside(NamedTuple):
    """The copies of an asset in one store, and what their sidecars may still be called after:
    former paths of each.
    """

    places: Sequence[str]
    former: Mapping[str, Sequence[str]]

    def home(self, sidecar: str) -> str:
        """Where a sidecar belongs: where it lies,
        unless what it lay beside was renamed since and left it behind.
        """
        if _is_beside(sidecar, self.places):
            return sidecar
        for place in self.places:
            for old in self.former[place]:
                if _is_beside(sidecar, [old]):
                    return _renamed(sidecar, old, place)
        return sidecar


def _sidecars(
    owner: str, rows: Sequence[SidecarRow], pair: Pair, here: Beside, there: Beside
) -> Iterator[Mirroring]:
    """Sidecars lie beside their asset: those that were left behind in the other store go there
    first, whatever they say.
    """
    mine, theirs = ([r for r in rows if r["store"] == store] for store in pair[:2])
    both = {r["path"] for r in mine} & {r["path"] for r in theirs}
    at, left_behind = _at_home(theirs, there, both)
    for path, row in left_behind:
        yield Follow(owner, row["hash"], row, path, is_sidecar=True)
    sent, _left_behind = _at_home(mine, here, both)
    places = there.places
    for content in sorted({r["hash"] for r in sent.values()}):
        wanted = {
            _place(path, here.places, places): r for path, r in sent.items() if r["hash"] == content
        }
        others = {path: r for path, r in at.items() if r["hash"] == content}
        extra = sorted(others.keys() - wanted.keys())
        own = [path for path in extra if _is_beside(path, places)]
        spare = [path for path in extra if path not in own]
        lacking = _distinct(
            sorted(wanted.keys() - others.keys()), others.keys() & wanted.keys(), pair.key
        )
        for path in lacking[: max(0, len(lacking) - len(own))]:
            row, older = wanted[path], at.get(path)
            if older is not None and milliseconds(older["mtime"]) >= milliseconds(row["mtime"]):
                # the other store's was written later: it is the one that goes, the other way
                continue
            if spare and older is None:
                yield Follow(owner, content, others[spare.pop(0)], path, is_sidecar=True)
            else:
                to = path if path != row["path"] else ""
                yield Transfer(
                    owner,
                    content,
                    row["path"],
                    row["size"],
                    True,
                    older["hash"] if older else "",
                    to=to,
                )


def _at_home(
    rows: Sequence[SidecarRow], beside: Beside, both: Collection[str]
) -> tuple[dict[str, SidecarRow], list[tuple[str, SidecarRow]]]:
    """Sidecars by the path that each has once those that were left behind have followed; and these,
    with that path.

    Where another one lies there already both stay, and so does what lies at one path in both
    stores.
    """
    at = {r["path"]: r for r in rows}
    left_behind = []
    for row in rows:
        home = beside.home(row["path"])
        if home not in at and row["path"] not in both:
            left_behind.append((home, row))
            at[home] = at.pop(row["path"])
    return at, left_behind


def _place(sidecar: str, here: Collection[str], places: Collection[str]) -> str:
    """Where a sidecar belongs in the other store: at its own path,
    or beside the asset that lies elsewhere there.
    """
    owner = next((path for path in here if _is_beside(sidecar, [path])), "")
    if not owner or not places or _is_beside(sidecar, places):
        return sidecar
    return _renamed(sidecar, owner, next(iter(places)))


def _renamed(sidecar: str, owner: str, other: str) -> str:
    """What a sidecar that is called after one file is called beside another one."""
    name = sidecar.rpartition("/")[2]
    folder, slash, new = other.rpartition("/")
    old = _stem(owner.rpartition("/")[2])
    called = old if name.startswith(old) else _NUMBER.sub("", old)
    return f"{folder}{slash}{_stem(new)}{name[len(called) :]}"


def _is_beside(sidecar: str, places: Iterable[str]) -> bool:
    """Whether a sidecar lies beside one of some files, and is called like it,
    whatever number either has.
    """
    folder, _, name = sidecar.rpartition("/")
    for path in places:
        where, _, other = path.rpartition("/")
        if where == folder and name.startswith(_NUMBER.sub("", _stem(other))):
            return True
    return False


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
