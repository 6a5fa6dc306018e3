"""Groups of assets that show the same, each of one kind, with the one to keep first.

A group is a keeper and what is compared with it directly, never a chain: the last of many that each
resemble the one before may show something else. An asset that is to go for one group is in no later
one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.domain.decisions import ALIKE, BURST, EXACT, SAME_IMAGE, SIMILAR
from catalog.domain.looks import Likeness
from catalog.domain.stacks import connect
from catalog.domain.turns import TURNS, UPRIGHT
from catalog.features.lookalikes.ranking import Picture, rank, why_kept
from catalog.features.lookalikes.sketches import SAME_MOMENT_BITS

DISTANCE = 8
"""Bits by which the hashes of two renderings of one picture differ at most, but for few."""
_FURTHER = 6
_TRIES = 3
_SAME_TIME_MS = 1000
_QUARTER_HOUR_MS = 15 * 60 * 1000
_LARGEST_OFFSET_MS = 14 * 60 * 60 * 1000
_LARGEST_STRETCH = 1.25
_SAME_LENGTH = 0.01, 0.5

Compare = Callable[[str, str, str], Likeness | None]
"""How alike one asset, turned, and another are, by their hashes;
None where there is no small picture of both.
"""
Apart = frozenset[tuple[str, str]]
"""Pairs of hashes, the lesser first, of which a person said that they are no duplicates; (a,
a) is said of a's own copies.
"""


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One of a group.

    `distance` is that of its hash to the keeper's, turned as `turned` tells (see `domain.turns`).
    """

    picture: Picture
    paths: tuple[str, ...]
    distance: int = 0
    turned: str = UPRIGHT


@dataclass(frozen=True, slots=True)
class Group:
    """Assets that show the same; the first member is the one to keep, and `reason` says why."""

    kind: str
    members: tuple[GroupMember, ...]
    reason: str

    @property
    def keeper(self) -> Picture:
        """The one to keep."""
        return self.members[0].picture

    def event(self) -> dict[str, object]:
        """For a program."""
        return {
            "kind": self.kind,
            "keeper": self.keeper.hash,
            "reason": self.reason,
            "members": [
                {
                    "hash": m.picture.hash,
                    "paths": list(m.paths),
                    "distance": m.distance,
                    "turned": m.turned,
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
    compare: Compare,
    *,
    order: Sequence[str],
    distance: int = DISTANCE,
    within_ms: int = 10_000,
    apart: Apart = frozenset(),
) -> list[Group]:
    """The groups of all kinds, in the order of `decisions.DUPLICATES`;
    `candidates` are pairs that may show the same.
    """
    finder = _Finder(pictures, compare, order, distance, within_ms, apart)
    for one, other in candidates:
        if one in pictures and other in pictures:
            finder.near[one].append(other)
            finder.near[other].append(one)
    return [
        *finder.exact(),
        *finder.same_image(),
        *finder.similar(),
        *finder.bursts(),
        *finder.alike(),
    ]


def relate(
    one: Picture, other: Picture, compare: Compare, *, distance: int, within_ms: int = 10_000
) -> tuple[str, int, str] | None:
    """What an asset is to another: kind, distance of their hashes, and how it is turned;
    None where nothing.
    """
    if one.hash == other.hash:
        return EXACT, 0, UPRIGHT
    finder = _Finder({}, compare, (), distance, within_ms, frozenset())
    same = finder.same_picture(one, other)
    near = next(iter(_tries(one, other, distance)), None)
    if one.image_hash and one.image_hash == other.image_hash:
        return SAME_IMAGE, *(same or near or (0, UPRIGHT))
    if same is not None:
        return SIMILAR, *same
    if near is None or one.kind != other.kind:
        return None
    return (BURST if finder.is_one_moment(one, other) else ALIKE), *near


class _Finder:
    """One search. What goes for an earlier kind is out of the later ones."""

    def __init__(
        self,
        pictures: Mapping[str, Picture],
        compare: Compare,
        order: Sequence[str],
        distance: int,
        within_ms: int,
        apart: Apart,
    ) -> None:
        self.pictures = pictures
        self.near: dict[str, list[str]] = defaultdict(list)
        self._compare = compare
        self._order = order
        self._distance = distance
        self._within_ms = within_ms
        self._apart = apart
        self._touched = {name for both in apart for name in both}
        self._going: set[str] = set()
        self._ranked = [p.hash for p in rank(list(pictures.values()), order)]

    # --- the kinds --------------------------------------------------------------------------------

    def exact(self) -> Iterator[Group]:
        """Several copies in one store."""
        for name in self._ranked:
            picture = self.pictures[name]
            if (name, name) in self._apart:
                continue
            by_store: dict[str, list[str]] = defaultdict(list)
            for row in picture.rows:
                by_store[row["store"]].append(f"{row['store']}:{row['path']}")
            for store, paths in sorted(by_store.items()):
                if len(paths) > 1:
                    reason = (
                        f"the same bytes at {len(paths)} places of {store}; the first that "
                        "was catalogued is kept"
                    )
                    yield Group(
                        EXACT, tuple(GroupMember(picture, (path,)) for path in paths), reason
                    )

    def same_image(self) -> Iterator[Group]:
        """The same image data, with other metadata."""
        groups: dict[str, list[Picture]] = defaultdict(list)
        for name in self._ranked:
            if self.pictures[name].image_hash:
                groups[self.pictures[name].image_hash].append(self.pictures[name])
        for found in groups.values():
            yield from self._group(SAME_IMAGE, [(picture, 0, UPRIGHT) for picture in found])

    def similar(self) -> Iterator[Group]:
        """The same picture, proved on pixels; each compared with the keeper,
        also where only what lies between was near.
        """
        yield from self._stars(SIMILAR, self.same_picture, follow=True)

    def bursts(self) -> Iterator[Group]:
        """Shots of one moment: each within the time of the one before, and somewhat alike."""
        pairs = [
            (a, b)
            for a, b in self._open_pairs()
            if self._is_burst(self.pictures[a], self.pictures[b])
        ]
        leader = connect(pairs)
        groups: dict[str, list[Picture]] = defaultdict(list)
        for name in self._ranked:
            if name in leader:
                groups[leader[name]].append(self.pictures[name])
        for found in groups.values():
            yield from self._group(
                BURST, [(p, _distance(found[0], p, UPRIGHT), UPRIGHT) for p in found]
            )

    def alike(self) -> Iterator[Group]:
        """What is near by its hash, and neither the same picture nor the same moment."""
        yield from self._stars(ALIKE, self._alike, follow=False)

    # --- grouping ---------------------------------------------------------------------------------

    def _open_pairs(self) -> Iterator[tuple[str, str]]:
        for one, others in self.near.items():
            if one not in self._going:
                yield from (
                    (one, other) for other in others if one < other and other not in self._going
                )

    def _stars(
        self,
        kind: str,
        judge: Callable[[Picture, Picture], tuple[int, str] | None],
        *,
        follow: bool,
    ) -> Iterator[Group]:
        """Groups around keepers, the best first; `follow`:
        also what is near to a member is compared with the keeper.
        """
        rank = {name: number for number, name in enumerate(self._ranked)}
        for name in self._ranked:
            if name in self._going or not self.near.get(name):
                continue
            keeper = self.pictures[name]
            found, seen, waiting = [(keeper, 0, UPRIGHT)], {name}, list(self.near[name])
            while waiting:
                other = waiting.pop()
                if other in seen or other in self._going:
                    continue
                seen.add(other)
                is_apart = pair(name, other) in self._apart
                may_join = not is_apart and rank[other] > rank[name]
                judged = self._judged(keeper, self.pictures[other], judge) if may_join else None
                if judged is not None:
                    found.append((self.pictures[other], *judged))
                if follow and (is_apart or judged is not None):
                    waiting += self.near[other]
            yield from self._group(
                kind, [found[0], *sorted(found[1:], key=lambda each: (each[1], each[0].hash))]
            )

    def _judged(
        self,
        keeper: Picture,
        other: Picture,
        judge: Callable[[Picture, Picture], tuple[int, str] | None],
    ) -> tuple[int, str] | None:
        return None if _are_one_shot(keeper, other) else judge(keeper, other)

    def _group(self, kind: str, found: Sequence[tuple[Picture, int, str]]) -> Iterator[Group]:
        """The group of a keeper and others, without what a person set apart from one of them;
        its others go.
        """
        members: list[GroupMember] = []
        for picture, distance, turn in found:
            if picture.hash in self._going or any(
                _are_one_shot(m.picture, picture) for m in members
            ):
                continue
            if picture.hash in self._touched and any(
                pair(m.picture.hash, picture.hash) in self._apart for m in members
            ):
                continue
            members.append(GroupMember(picture, picture.paths, distance, turn))
        if len(members) < 2:
            return
        others = [m.picture for m in members[1:]]
        self._going |= {p.hash for p in others}
        yield Group(kind, tuple(members), why_kept(members[0].picture, others, self._order))

    # --- judging ----------------------------------------------------------------------------------

    def same_picture(self, keeper: Picture, other: Picture) -> tuple[int, str] | None:
        """Distance and turn, where the other is a rendering of the same picture by its pixels."""
        if keeper.phash is None or other.phash is None or not _may_be_one(keeper, other):
            return None
        for distance, turn in _tries(keeper, other, self._distance + _FURTHER):
            found = self._compare(keeper.hash, other.hash, turn)
            if found is not None and found.is_same:
                return distance, turn
        return None

    def _alike(self, keeper: Picture, other: Picture) -> tuple[int, str] | None:
        if keeper.phash is None or other.phash is None or keeper.kind != other.kind:
            return None
        nearest = next(iter(_tries(keeper, other, self._distance)), None)
        return nearest if nearest is not None and not self.is_one_moment(keeper, other) else None

    def _is_burst(self, one: Picture, other: Picture) -> bool:
        is_apart = pair(one.hash, other.hash) in self._apart
        return (
            not is_apart
            and self.is_one_moment(one, other)
            and _distance(one, other, UPRIGHT) <= SAME_MOMENT_BITS
        )

    def is_one_moment(self, one: Picture, other: Picture) -> bool:
        """Whether both were taken within the time of a burst."""
        are_timed = (
            one.taken >= 0 and other.taken >= 0 and abs(one.taken - other.taken) <= self._within_ms
        )
        return are_timed and one.kind == other.kind == "image" and not _are_one_shot(one, other)


def _are_one_shot(one: Picture, other: Picture) -> bool:
    """Whether two assets belong together by what they are (RAW and JPEG, a still and its movie):
    no duplicates.
    """
    return bool(one.stack) and one.stack == other.stack


def _tries(keeper: Picture, other: Picture, distance: int) -> list[tuple[int, str]]:
    """The turns by which a keeper may have become another picture, the nearest first,
    upright before all.
    """
    found = [(_distance(keeper, other, turn), turn) for turn in TURNS if _fits(keeper, other, turn)]
    return sorted((f for f in found if f[0] <= distance), key=lambda f: (f[1] != UPRIGHT, f[0]))[
        :_TRIES
    ]


def _distance(keeper: Picture, other: Picture, turn: str) -> int:
    if keeper.phash is None or other.phash is None:
        return 64
    if turn != UPRIGHT:
        return (_turned(keeper.phash, turn) ^ other.phash).bit_count()
    pairs = (keeper.phash, other.phash), (keeper.inner, other.phash), (keeper.phash, other.inner)
    return min((mine ^ theirs).bit_count() for mine, theirs in pairs)


def _turned(phash: int, turn: str) -> int:
    import numpy as np

    from catalog.domain.turns import turn_hashes

    return int(turn_hashes(np.array([phash], np.uint64), turn)[0])


def _fits(keeper: Picture, other: Picture, turn: str) -> bool:
    """Whether the shapes allow for a turn: cropping changes them a little."""
    if not keeper.pixels or not other.pixels:
        return True
    width, height = (
        (keeper.height, keeper.width)
        if turn.endswith(("90", "270"))
        else (keeper.width, keeper.height)
    )
    stretch = (width * other.height) / (height * other.width)
    return 1 / _LARGEST_STRETCH <= stretch <= _LARGEST_STRETCH


def _may_be_one(one: Picture, other: Picture) -> bool:
    """Whether kind, length and time of two assets allow for one picture:
    a rendering is of the time of its original.
    """
    if one.kind != other.kind:
        return False
    if one.kind == "video":
        share, least = _SAME_LENGTH
        if (
            abs(one.duration - other.duration) > max(least, share * one.duration)
            or min(one.taken, other.taken) < 0
        ):
            return False  # one frame proves too little of a film whose time is not known
    if one.taken < 0 or other.taken < 0:
        return True
    apart = abs(one.taken - other.taken)
    if apart < _SAME_TIME_MS:
        both_exact = (
            one.taken % 1000 and other.taken % 1000
        )  # else one of them does not tell parts of a second
        return not (both_exact and apart) and not _are_frames(one, other)
    # An export may tell the time of another zone; two shots of cameras, one of a series at even
    # intervals, do not.
    beyond = apart % _QUARTER_HOUR_MS
    is_zone = apart <= _LARGEST_OFFSET_MS and min(beyond, _QUARTER_HOUR_MS - beyond) < _SAME_TIME_MS
    return is_zone and not (one.is_camera_original and other.is_camera_original)


def _are_frames(one: Picture, other: Picture) -> bool:
    """Whether two pictures of one second are shots of their own: as large, of one camera,
    which numbered them anew.
    """
    is_one_camera = one.document.get("camera", {}) == other.document.get("camera", {})
    if not (
        is_one_camera
        and one.is_camera_original
        and other.is_camera_original
        and one.pixels == other.pixels
    ):
        return False
    stems = [
        p.document.get("original", {}).get("name", "").rpartition(".")[0] for p in (one, other)
    ]
    return stems[0] != stems[1] and len({re.sub(r"\d+", "0", stem) for stem in stems}) == 1
