"""Groups of assets that show the same, with the one to keep first.

A group is a keeper and what is compared with it directly, never a chain: the last of many that each
resemble the one before may show something else. All forms of one picture are one group, whatever
each of them is to the keeper, and further copies of these in one store. An asset that is to go for
one group is in no later one; what is near to it is near to its keeper.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from catalog.domain.decisions import ALIKE, BURST, DUPLICATES, EXACT, SAME_IMAGE, SIMILAR
from catalog.domain.stacks import connect
from catalog.domain.turns import UPRIGHT
from catalog.features.lookalikes.keepers import list_unique, propose, propose_place
from catalog.features.lookalikes.ranking import Picture, rank
from catalog.features.lookalikes.relations import (
    Judge,
    Relation,
    are_one_shot,
    are_two_shots,
    hash_distance,
)
from catalog.features.lookalikes.sketches import SAME_MOMENT_BITS

Apart = frozenset[tuple[str, str]]
"""Pairs of hashes, the lesser first, of which a person said that they are no duplicates; (a,
a) is said of a's own copies.
"""
Found = tuple[Picture, Relation]
Stars = dict[str, dict[str, Relation]]
"""What is the same picture as some assets, by their hashes."""
_TRIED, _AT_MOST = 8, 64
"""How many of the best of some assets are tried for the one that the others were made of; of more
than so many assets none is.
"""
_PATIENCE = 50
"""With how many assets in vain one is compared, before only what is like its like is looked at:
hundreds of pages of one layout have one hash.
"""
_POOR = 0.9
"""Agreement of what is only just the same picture."""
_SELF = Relation(SAME_IMAGE, agreement=1.0)


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One of a group.

    `kind` is what it is to the first member; one of kind exact is one copy, in one place, of the
    member of its hash before it. `distance` is that of its hash to the first one's, turned
    as `turned` tells (see `domain.turns`).
    """

    picture: Picture
    paths: tuple[str, ...]
    distance: int = 0
    turned: str = UPRIGHT
    kind: str = SIMILAR


@dataclass(frozen=True, slots=True)
class Group:
    """Assets that show the same, the best first; `reason` says why that is the one to keep.

    Where it is not `proposed`, nothing has all that the others have, and `reason` says what is
    missing.
    """

    kind: str
    members: tuple[GroupMember, ...]
    reason: str
    is_proposed: bool = True

    @property
    def first(self) -> Picture:
        """The one that the others are compared with."""
        return self.members[0].picture

    @property
    def keeper(self) -> Picture | None:
        """The one to keep; None where none is proposed."""
        return self.first if self.is_proposed else None

    def event(self) -> dict[str, object]:
        """For a program; without a proposal `keeper` is empty."""
        return {
            "kind": self.kind,
            "keeper": self.first.hash if self.is_proposed else "",
            "reason": self.reason,
            "members": [
                {
                    "hash": m.picture.hash,
                    "paths": list(m.paths),
                    "distance": m.distance,
                    "turned": m.turned,
                    "kind": m.kind,
                    "has": [] if m.kind == EXACT else list_unique(m.picture),
                }
                for m in self.members
            ],
        }


def pair(one: str, other: str) -> tuple[str, str]:
    """Two hashes as a decision on them is kept."""
    return (one, other) if one <= other else (other, one)


def find_groups(
    pictures: Mapping[str, Picture],
    candidates: Iterable[tuple[str, str]],
    judge: Judge,
    *,
    order: Sequence[str],
    apart: Apart = frozenset(),
    kinds: Collection[str] = DUPLICATES,
) -> list[Group]:
    """The groups of some kinds, in the order of `decisions.DUPLICATES`; of a group those members
    that are of these kinds. `candidates` are pairs that may show the same.
    """
    finder = _Finder(pictures, judge, order, apart, frozenset(kinds))
    for one, other in candidates:
        if one in pictures and other in pictures:
            finder.near[one].append(other)
            finder.near[other].append(one)
    exact, pictures_of_one = list(finder.exact()), list(finder.pictures_of_one())
    joined = _with_copies(pictures_of_one, exact)
    found = [*joined, *finder.bursts(), *finder.alike()]
    return sorted(found, key=lambda group: DUPLICATES.index(group.kind))


def _with_copies(groups: Sequence[Group], exact: Sequence[Group]) -> Iterator[Group]:
    """Groups of one picture with the further copies of their members in a store, each after its
    member; then the groups of copies that are in none of these, or of which none is proposed.
    """
    further: dict[str, list[Group]] = defaultdict(list)
    for copies in exact:
        if copies.is_proposed:
            further[copies.first.hash].append(copies)
        else:
            yield copies
    for group in groups:
        members: list[GroupMember] = []
        for member in group.members:
            extra = [
                c for copies in further.pop(member.picture.hash, ()) for c in copies.members[1:]
            ]
            apart = {path for copy in extra for path in copy.paths}
            members.append(replace(member, paths=tuple(p for p in member.paths if p not in apart)))
            members += extra
        yield replace(group, members=tuple(members))
    yield from itertools.chain.from_iterable(further.values())


def _worth(star: Iterable[Relation]) -> float:
    """How well something agrees with what is the same picture as it."""
    return sum(max(0.0, relation.agreement - _POOR) for relation in star)


class _Finder:
    """One search. What goes for an earlier group is out of the later ones."""

    def __init__(
        self,
        pictures: Mapping[str, Picture],
        judge: Judge,
        order: Sequence[str],
        apart: Apart,
        kinds: frozenset[str],
    ) -> None:
        self.pictures = pictures
        self.near: dict[str, list[str]] = defaultdict(list)
        self._judge = judge
        self._order = order
        self._apart = apart
        self._kinds = kinds
        self._touched = {name for both in apart for name in both}
        self._leader: dict[str, str] = {}
        plain = [preference for preference in order if preference != "sharpness"]
        self._ranked = [p.hash for p in rank(list(pictures.values()), plain)]
        self._rank = {name: number for number, name in enumerate(self._ranked)}

    # --- the kinds --------------------------------------------------------------------------------

    def exact(self) -> Iterator[Group]:
        """Several copies in one store."""
        for name in self._ranked if EXACT in self._kinds else ():
            picture = self.pictures[name]
            if (name, name) in self._apart:
                continue
            for store in sorted({row["store"] for row in picture.rows}):
                paths = [row["path"] for row in picture.rows if row["store"] == store]
                if len(paths) > 1:
                    first, proposal = propose_place(picture, store, paths)
                    ordered = [first, *(path for path in paths if path != first)]
                    members = [
                        GroupMember(picture, (f"{store}:{path}",), kind=EXACT) for path in ordered
                    ]
                    yield Group(EXACT, tuple(members), proposal.reason, proposal.is_made)

    def pictures_of_one(self) -> Iterator[Group]:
        """The same picture: the same image data with other metadata, or proved on pixels.

        Each is compared with the keeper, also where only what lies between was near. Shots of one
        moment are near to each other: what may be a rendering of several is one of that which it
        agrees with best.
        """
        stars: Stars = {}
        claimed: set[str] = set()
        for name in self._ranked:
            if name not in claimed and self.near.get(name):
                stars[name] = dict(self._renderings(name))
                claimed |= stars[name].keys()
        stars = self._centred(stars)
        claims: dict[str, list[str]] = defaultdict(list)
        for name, star in stars.items():
            for other in star:
                claims[other].append(name)
        groups: dict[str, list[Found]] = defaultdict(list)
        for other, names in claims.items():
            name = max(names, key=lambda name: stars[name][other].agreement)
            groups[name].append((self.pictures[other], stars[name][other]))
        for name in sorted(groups, key=self._rank.__getitem__):
            others = sorted(groups[name], key=lambda f: (f[1].distance, f[0].hash))
            yield from self._group(SIMILAR, [(self.pictures[name], _SELF), *others])

    def _centred(self, stars: Stars) -> Stars:
        """The stars, each around what the others were made of.

        Where two have something in common and are not around shots of their own, one of these is a
        rendering that has lost too much to be compared with the other: they are one star, around
        the one that agrees best with all of them.
        """
        claims: dict[str, list[str]] = defaultdict(list)
        for name, star in stars.items():
            for other in star:
                claims[other].append(name)
        pairs = [
            (a, b)
            for names in claims.values()
            for a, b in pairwise(names)
            if pair(a, b) not in self._apart
            and not are_two_shots(self.pictures[a], self.pictures[b])
        ]
        components: dict[str, set[str]] = defaultdict(set)
        for name, leader in connect(pairs).items():
            components[leader] |= {name, *stars[name]}
        common = set().union(*components.values())
        found = {name: star for name, star in stars.items() if name not in common}
        for rest in components.values():
            if len(rest) > _AT_MOST:
                found |= {name: stars[name] for name in rest if name in stars}
                continue
            while len(rest) > 1:
                ranked = sorted(rest, key=self._rank.__getitem__)
                made = {name: self._star(name, ranked) for name in ranked[:_TRIED]}
                name = max(made, key=lambda name: _worth(made[name].values()))
                found[name] = made[name]
                rest = rest - {name, *made[name]}
        return found

    def _star(self, name: str, others: Iterable[str]) -> dict[str, Relation]:
        """What of some assets is the same picture as one."""
        keeper, star = self.pictures[name], {}
        for other in others:
            if other != name and pair(name, other) not in self._apart:
                relation = self._related(keeper, self.pictures[other], self._judge.same_picture)
                if relation is not None:
                    star[other] = relation
        return star

    def bursts(self) -> Iterator[Group]:
        """Shots of one moment: each within the time of the one before, and somewhat alike."""
        pairs = [
            (a, b)
            for a, others in self._open().items()
            for b in others
            if a < b and self._is_burst(self.pictures[a], self.pictures[b])
        ]
        leader = connect(pairs)
        groups: dict[str, list[Picture]] = defaultdict(list)
        for name in self._ranked:
            if name in leader:
                groups[leader[name]].append(self.pictures[name])
        for found in groups.values():
            relations = [(p, Relation(BURST, hash_distance(found[0], p))) for p in found]
            yield from self._group(BURST, relations)

    def alike(self) -> Iterator[Group]:
        """What is near by its hash, and neither the same picture nor the same moment."""
        near = self._open()
        for name in self._ranked:
            keeper = self.pictures[name]
            others = [] if name in self._leader else near.get(name, ())
            found: list[Found] = []
            for other in dict.fromkeys(others):
                picture = self.pictures[other]
                is_open = other not in self._leader and self._rank[other] > self._rank[name]
                if is_open and pair(name, other) not in self._apart:
                    relation = self._related(keeper, picture, self._judge.alike)
                    if relation is not None:
                        found.append((picture, relation))
            found.sort(key=lambda f: (f[1].distance, f[0].hash))
            yield from self._group(ALIKE, [(keeper, Relation(ALIKE)), *found])

    # --- grouping ---------------------------------------------------------------------------------

    def _open(self) -> dict[str, list[str]]:
        """What is near to what, each asset that goes standing for the keeper that it goes for."""
        found: dict[str, list[str]] = defaultdict(list)
        for one, others in self.near.items():
            mine = self._led(one)
            for theirs in map(self._led, others):
                if theirs != mine:
                    found[mine].append(theirs)
        return found

    def _led(self, name: str) -> str:
        while name in self._leader:
            name = self._leader[name]
        return name

    def _renderings(self, name: str) -> Iterator[tuple[str, Relation]]:
        """What is the same picture as one, of those that rank after it.

        Of many assets with one hash all are near to the first of them alone: the search goes on
        through those with the hash of the one that is asked about, or of what is near to it,
        whether they are the same picture or not, as long as that is worth it.
        """
        keeper, seen, in_vain = self.pictures[name], {name}, 0
        sure, further = list(self.near[name]), list[str]()
        while sure or (further and in_vain <= _PATIENCE):
            other = (sure or further).pop()
            if other in seen:
                continue
            seen.add(other)
            picture = self.pictures[other]
            is_apart = pair(name, other) in self._apart
            may_join = not is_apart and self._rank[other] > self._rank[name]
            relation = (
                self._related(keeper, picture, self._judge.same_picture) if may_join else None
            )
            if relation is not None:
                yield other, relation
            in_vain += may_join and relation is None
            if is_apart or relation is not None:
                sure += self.near[other]
            elif picture.phash == keeper.phash:
                further += self.near[other]
            else:
                further += [n for n in self.near[other] if self.pictures[n].phash == picture.phash]

    def _related(
        self,
        keeper: Picture,
        other: Picture,
        judge: Callable[[Picture, Picture], Relation | None],
    ) -> Relation | None:
        return None if are_one_shot(keeper, other) else judge(keeper, other)

    def _group(self, kind: str, found: Sequence[Found]) -> Iterator[Group]:
        """The group of some assets, the first of which the others are compared with, without what a
        person set apart from one of them; its others go.
        """
        members: list[Found] = []
        for picture, relation in found:
            if picture.hash in self._leader or any(are_one_shot(m, picture) for m, _ in members):
                continue
            if picture.hash in self._touched and any(
                pair(m.hash, picture.hash) in self._apart for m, _ in members
            ):
                continue
            members.append((picture, relation))
        for picture, _relation in members[1:]:
            self._leader[picture.hash] = members[0][0].hash
        wanted = [*members[:1], *(m for m in members[1:] if m[1].kind in self._kinds)]
        if len(wanted) > 1:
            if kind == SIMILAR and all(relation.kind == SAME_IMAGE for _, relation in wanted):
                kind = SAME_IMAGE
            yield self._proposed(kind, wanted)

    def _proposed(self, kind: str, found: Sequence[Found]) -> Group:
        """A group with the one to keep first, and each of the others related to that."""
        pictures = [picture for picture, _relation in found]
        related = {pictures[0].hash: {picture.hash: relation for picture, relation in found}}

        def is_proved(keeper: Picture, other: Picture) -> bool:
            mine = related.setdefault(keeper.hash, {})
            if other.hash not in mine and (again := self._again(kind, keeper, other)) is not None:
                mine[other.hash] = again
            return other.hash in mine

        proposal = propose(kind, pictures, self._order, is_proved)
        keeper = proposal.keeper or pictures[0]
        members = [GroupMember(keeper, keeper.paths, kind=kind)]
        for picture in (p for p in pictures if p is not keeper):
            is_ = related[keeper.hash][picture.hash]
            members.append(GroupMember(picture, picture.paths, is_.distance, is_.turned, is_.kind))
        return Group(kind, tuple(members), proposal.reason, proposal.is_made)

    def _again(self, kind: str, keeper: Picture, other: Picture) -> Relation | None:
        """What one of a group is to another than the first of it."""
        if kind in (SAME_IMAGE, SIMILAR):
            return self._judge.same_picture(keeper, other)
        return Relation(kind, *(self._judge.nearest(keeper, other) or (64, UPRIGHT)))

    # --- judging ----------------------------------------------------------------------------------

    def _is_burst(self, one: Picture, other: Picture) -> bool:
        is_apart = pair(one.hash, other.hash) in self._apart
        return (
            not is_apart
            and self._judge.is_one_moment(one, other)
            and hash_distance(one, other) <= SAME_MOMENT_BITS
        )
