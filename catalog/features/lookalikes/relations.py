"""What one asset is to another: the same picture in another form, of one moment, merely near, or
neither."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from catalog.domain.decisions import ALIKE, BURST, EXACT, SAME_IMAGE, SIMILAR
from catalog.domain.looks import Likeness
from catalog.domain.turns import TURNS, UPRIGHT
from catalog.features.lookalikes.ranking import Picture
from catalog.features.lookalikes.sketches import DISTANCE

_FURTHER = 4
_OF_DAMAGED = 14
"""Further bits that may differ where only a part of one picture can be decoded."""
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


@dataclass(frozen=True, slots=True)
class Relation:
    """What an asset is to another: one of the kinds of duplicates, the distance of their hashes,
    how it is turned, and how well the pixels agree (1 is the best).
    """

    kind: str
    distance: int = 0
    turned: str = UPRIGHT
    agreement: float = 0.0


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges by hashes within a distance, small pictures, and times within that of a burst."""

    compare: Compare
    distance: int = DISTANCE
    within_ms: int = 10_000

    def relate(self, one: Picture, other: Picture) -> Relation | None:
        """What an asset is to another, of whatever kind; None where nothing."""
        if one.hash == other.hash:
            return Relation(EXACT)
        if (found := self.same_picture(one, other)) is not None:
            return found
        near = self.nearest(one, other, self.distance)
        if near is None or one.kind != other.kind:
            return None
        return Relation(BURST if self.is_one_moment(one, other) else ALIKE, *near)

    def same_picture(self, keeper: Picture, other: Picture) -> Relation | None:
        """What a rendering of the same picture is: by its image data, or by its pixels."""
        if keeper.image_hash and keeper.image_hash == other.image_hash:
            return Relation(SAME_IMAGE, agreement=1.0)
        if keeper.phash is None or other.phash is None or not _may_be_one(keeper, other):
            return None
        is_part = keeper.is_damaged != other.is_damaged
        further = _FURTHER + (_OF_DAMAGED if is_part else 0)
        for distance, turn in _tries(keeper, other, self.distance + further):
            found = self.compare(keeper.hash, other.hash, turn)
            if found is not None and found.is_same:
                return Relation(SIMILAR, distance, turn, found.agreement)
        return None

    def alike(self, keeper: Picture, other: Picture) -> Relation | None:
        """What is near by its hash, and not of one moment."""
        if keeper.phash is None or other.phash is None or keeper.kind != other.kind:
            return None
        near = self.nearest(keeper, other, self.distance)
        is_merely = near is not None and not self.is_one_moment(keeper, other)
        return Relation(ALIKE, *near) if near is not None and is_merely else None

    def nearest(self, one: Picture, other: Picture, distance: int = 64) -> tuple[int, str] | None:
        """The least distance within one, and the turn that has it."""
        return next(iter(_tries(one, other, distance)), None)

    def is_one_moment(self, one: Picture, other: Picture) -> bool:
        """Whether both were taken within the time of a burst."""
        are_timed = (
            one.taken >= 0 and other.taken >= 0 and abs(one.taken - other.taken) <= self.within_ms
        )
        return are_timed and one.kind == other.kind == "image" and not are_one_shot(one, other)


def are_one_shot(one: Picture, other: Picture) -> bool:
    """Whether two assets belong together by what they are (RAW and JPEG, a still and its movie):
    no duplicates.
    """
    return bool(one.stack) and one.stack == other.stack


def are_two_shots(one: Picture, other: Picture) -> bool:
    """Whether two assets that are not the same tell by their times, or their frames, that none was
    made of the other.
    """
    if min(one.frames or 1, other.frames or 1) > 1:
        return True
    return one.taken >= 0 and other.taken >= 0 and not _may_be_one(one, other)


def _tries(keeper: Picture, other: Picture, distance: int) -> list[tuple[int, str]]:
    """The turns by which a keeper may have become another picture, the nearest first,
    upright before all.
    """
    fitting = [turn for turn in TURNS if _fits(keeper, other, turn)]
    found = [(hash_distance(keeper, other, turn), turn) for turn in fitting]
    near = sorted((f for f in found if f[0] <= distance), key=lambda f: (f[1] != UPRIGHT, f[0]))
    return near[:_TRIES]


def hash_distance(keeper: Picture, other: Picture, turn: str = UPRIGHT) -> int:
    """Bits by which the hash of one, turned, differs from that of another; 64 for none."""
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
