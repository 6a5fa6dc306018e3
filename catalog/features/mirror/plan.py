"""The plan that makes one store hold what another holds, under the same paths.

Nothing is ever taken away.

A file that was renamed in both stores follows the one where that happened last; so the two may be
mirrored in both directions, in any order, and neither undoes what a person did in the other. Which
path here is which there does not depend on the direction either: else a run would undo what the
other one did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from catalog.domain.checksums import NONE
from catalog.domain.copies import OK, milliseconds
from catalog.domain.document import CopyRow, SidecarRow
from catalog.domain.layout import other_sidecar_name
from catalog.domain.names import comparison_key, original_of
from catalog.features.mirror.arrangement import Pairing, Way
from catalog.features.mirror.history import Move, RenameHistory
from catalog.features.mirror.partners import Key, Pair, distinct, is_alike, partners_of
from catalog.features.mirror.sidecars import MirroredSidecars, at_home, find_path_beside, is_beside


@dataclass(frozen=True, slots=True)
class Transfer:
    """Copy a file to the other store.

    `owner` is the asset, `hash` the content; they differ for a sidecar.

    `to` is its path there where that is another one; `other` is that of a sidecar under the other
    naming (`photo.xmp`, `photo.jpg.xmp`), or "". `replaces` is the content of an older sidecar
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
    other: str = field(default="", compare=False)
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
NO_NAMES: Mapping[Pairing, str] = MappingProxyType({})


class MirrorNeeds(NamedTuple):
    """What one asset needs; `apart` are paths here and there of a copy that came to each by no
    rename that was later.

    `behind` counts those where the first store is the one to follow, when the two are mirrored the
    other way.
    """

    actions: list[Mirroring]
    apart: list[tuple[str, str]]
    behind: int = 0

    def knowing(self, checksums: Mapping[str, str]) -> MirrorNeeds:
        """The same with what is known of the asset's content besides its hash."""
        actions = (
            [a if a.is_sidecar else replace(a, checksums=checksums) for a in self.actions]
            if checksums
            else self.actions
        )
        return self._replace(actions=actions)


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


def limit_renames(follows: Sequence[Follow], limit: int, key: Key) -> list[Follow]:
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


Spelled = Callable[[str], str]
"""A path as it is spelt in the other store, whose folders may differ in case and Unicode form."""


@dataclass(frozen=True, slots=True)
class MirroredAsset:
    """One asset in two stores: its files as `pairings`, the rows of its sidecars,
    and the renames of both.

    `checksums` are what is known of its content besides the hash.
    """

    owner: str
    pairings: Sequence[Pairing]
    sidecars: Sequence[SidecarRow]
    pair: Pair
    history: RenameHistory
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE)

    def needs(self, names: Mapping[Pairing, str] = NO_NAMES, spelled: Spelled = str) -> MirrorNeeds:
        """What it needs: renames that follow the first store's,
        and copies of what the other store lacks.

        `names` are those that some of its files should have in the other store, as
        `arrangement.settle_names` gives them. A content that the other store has elsewhere, by an
        arrangement of its own, stays there and is not sent.
        """
        actions = sorted(self._copies(names, spelled), key=lambda a: a.path)
        apart = [(p.path, p.old) for p in self.pairings if p.way is Way.APART]
        behind = sum(p.way is Way.LEADS for p in self.pairings)
        copies = MirrorNeeds(actions, apart, behind).knowing(self.checksums)
        is_moved = any(isinstance(action, Follow) for action in actions)
        if not is_moved and all(r["store"] != self.pair.source for r in self.sidecars):
            return copies
        return copies._replace(actions=[*copies.actions, *self._sidecars(copies.actions)])

    def _copies(self, names: Mapping[Pairing, str], spelled: Spelled) -> Iterator[Mirroring]:
        there = {p.old for p in self.pairings if p.old}
        like = min((p.old for p in self.pairings if p.way is Way.SAME), default="")
        for pairing in self.pairings:
            goal = names.get(pairing, pairing.goal)
            if pairing.there is not None:
                if goal != pairing.old:
                    moved = _spelled_anew(goal, pairing.old, spelled)
                    if moved not in there:
                        yield Follow(self.owner, self.owner, pairing.there, moved)
            elif pairing.here is not None:
                row, to = pairing.here, spelled(goal)
                to = "" if to == row["path"] else to
                yield Transfer(self.owner, self.owner, row["path"], row["size"], to=to, like=like)

    def _sidecars(self, actions: Sequence[Mirroring]) -> Iterator[Mirroring]:
        pair, history = self.pair, self.history
        went = {a.path: a.old for a in actions if isinstance(a, Follow)}
        there = {p.old for p in self.pairings if p.old} - set(went.values())
        places = sorted(there | {a.goal for a in actions})
        former = {path: history.chain(pair.target, went.get(path, path)) for path in places}
        mine = sorted(p.here["path"] for p in self.pairings if p.here is not None)
        here = MirroredSidecars(mine, {path: history.chain(pair.source, path) for path in mine})
        beside = MirroredSidecars(places, former)
        yield from _sidecars(self.owner, self.sidecars, pair, here, beside)


def _spelled_anew(goal: str, old: str, spelled: Spelled) -> str:
    """Where a file is renamed to: in a folder that is there under an equal name,
    unless just that is what was renamed.
    """
    folder, before = goal.rpartition("/")[0], old.rpartition("/")[0]
    return goal if comparison_key(folder) == comparison_key(before) else spelled(goal)


def survey_asset(
    owner: str,
    copies: Sequence[CopyRow],
    sidecars: Sequence[SidecarRow],
    pair: Pair,
    moves: Sequence[Move] = (),
    checksums: Mapping[str, str] = NONE,
) -> MirroredAsset:
    """An asset as two stores have it, by its rows and renames."""
    history = RenameHistory(moves)
    pairings = _pairings(owner, copies, pair, history)
    # what lies beside no file of the asset there may be another one's by now
    stores = {pair.target, *(pair.source for p in pairings if p.here)}
    rows = [r for r in sidecars if r["store"] in stores]
    return MirroredAsset(owner, pairings, rows, pair, history, checksums)


def mirror_asset(
    owner: str,
    copies: Sequence[CopyRow],
    sidecars: Sequence[SidecarRow],
    pair: Pair,
    moves: Sequence[Move] = (),
) -> MirrorNeeds:
    """What one asset needs, as far as no other one has one of its names."""
    return survey_asset(owner, copies, sidecars, pair, moves).needs()


# --- copies ---------------------------------------------------------------------------------------


def _pairings(
    owner: str, copies: Sequence[CopyRow], pair: Pair, history: RenameHistory
) -> list[Pairing]:
    good = [r for r in copies if r["state"] == OK]
    wanted = {r["path"]: r for r in good if r["store"] == pair.source}
    there = {r["path"]: r for r in good if r["store"] == pair.target}
    partners, lacking = partners_of(wanted, there, pair, history)
    ways = {(path, path): Way.SAME for path in wanted.keys() & there.keys()}
    for path, old in partners:
        ways[path, old] = _way(wanted[path], there[old], history, pair.key)
    alone = there.keys() - {old for _path, old in ways}
    found = [_pairing(owner, wanted[p], there[o], way, history) for (p, o), way in ways.items()]
    found += [_pairing(owner, wanted[p], None, Way.LACKED, history) for p in lacking]
    found += [_pairing(owner, None, there[o], Way.LACKED, history) for o in sorted(alone)]
    return found


def _pairing(
    owner: str, here: CopyRow | None, there: CopyRow | None, way: Way, history: RenameHistory
) -> Pairing:
    came = (history.came(here).at if here else 0, history.came(there).at if there else 0)
    return Pairing(owner, here, there, way, came)


def _way(row: CopyRow, other: CopyRow, history: RenameHistory, key: Key) -> Way:
    """How the paths of two copies lie to each other, that are one file in two stores."""
    if _is_later(row, other, history, key):
        return Way.FOLLOWS
    if _is_later(other, row, history, key):
        return Way.LEADS
    path, old = row["path"], other["path"]
    is_one = is_alike(path, old, key) or comparison_key(path) == comparison_key(old)
    return Way.ALIKE if is_one else Way.APART


def _is_later(row: CopyRow, other: CopyRow, history: RenameHistory, key: Key) -> bool:
    """Whether a copy is to be followed by its partner in the other store:
    it was renamed after that one came to its path.

    Names that are alike are one, however late one of them got its number; unless just that is what
    was renamed.
    """
    path, partner = row["path"], other["path"]
    if original_of(path) or original_of(partner):
        return not original_of(path)
    if is_alike(path, partner, key) and partner not in history.chain(row["store"], path)[1:2]:
        return False
    came = history.came(row)
    return came.renamed and came.at > history.came(other).at


# --- sidecars -------------------------------------------------------------------------------------


def _sidecars(
    owner: str,
    rows: Sequence[SidecarRow],
    pair: Pair,
    here: MirroredSidecars,
    there: MirroredSidecars,
) -> Iterator[Mirroring]:
    """Sidecars lie beside their asset: those that were left behind in the other store go there
    first, whatever they say.
    """
    mine, theirs = ([r for r in rows if r["store"] == store] for store in pair[:2])
    both = {r["path"] for r in mine} & {r["path"] for r in theirs}
    at, left_behind = at_home(theirs, there, both)
    for path, row in left_behind:
        yield Follow(owner, row["hash"], row, path, is_sidecar=True)
    sent, _left_behind = at_home(mine, here, both)
    for content in sorted({r["hash"] for r in sent.values()}):
        wanted = {
            find_path_beside(path, here.places, there.places): r
            for path, r in sent.items()
            if r["hash"] == content
        }
        yield from _sidecar(owner, wanted, at, there.places, pair.key)


def _sidecar(
    owner: str,
    wanted: Mapping[str, SidecarRow],
    at: Mapping[str, SidecarRow],
    places: Sequence[str],
    key: Key,
) -> Iterator[Mirroring]:
    """What the other store needs of the files of one content, `wanted` by path there: those that
    lie there for nothing are renamed, then others are sent.

    `at` is what it has of all sidecars, `places` the files that they belong beside.
    """
    content = next(iter(wanted.values()))["hash"]
    others = {path: r for path, r in at.items() if r["hash"] == content}
    extra = sorted(others.keys() - wanted.keys())
    own = [path for path in extra if is_beside(path, places)]
    spare = [path for path in extra if path not in own]
    lacking = distinct(sorted(wanted.keys() - others.keys()), others.keys() & wanted.keys(), key)
    for path in lacking[: max(0, len(lacking) - len(own))]:
        row, older = wanted[path], at.get(path)
        if older is None and spare:
            yield Follow(owner, content, others[spare.pop(0)], path, is_sidecar=True)
        elif older is None or milliseconds(older["mtime"]) < milliseconds(row["mtime"]):
            # else the other store's was written later: it is the one that goes, the other way
            yield Transfer(
                owner,
                content,
                row["path"],
                row["size"],
                is_sidecar=True,
                replaces=older["hash"] if older else "",
                to=path if path != row["path"] else "",
                other=next(filter(None, (other_sidecar_name(path, p) for p in places)), ""),
            )
