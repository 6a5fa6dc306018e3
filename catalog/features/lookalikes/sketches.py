"""Which assets may show the same: found over a whole catalog from a few numbers of each asset."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from catalog.domain.copies import milliseconds
from catalog.domain.document import AssetDocument, QualityFields
from catalog.domain.looks import LEAST_RELIEF
from catalog.domain.turns import TURNS, UPRIGHT, turn_hashes
from catalog.features.lookalikes.neighbours import pairs_within

FIELDS = (
    "phash",
    "phash_inner",
    "image_hash",
    "kind",
    "captured",
    "camera.model",
    "quality.detail",
    "quality.contrast",
    "quality.relief",
    "stack",
)
"""What a sketch takes of a document."""

DISTANCE, OF_MANY = 10, 8
"""Bits by which the hashes of two renderings of one picture differ at most, but for few; and among
MANY pictures, where a wider search takes minutes and finds hardly more.
"""
MANY, MANY_TURNS = 100_000, 20_000
"""From how many pictures on the search is narrower: upright, and turned, which is six searches."""
LEAST_DETAIL = 0.005
LEAST_CONTRAST = 2.5
"""Of a picture with less in it (sky, a black frame), the hash says nothing: it is compared with
none. So is what has less relief than `looks.LEAST_RELIEF`, where that was measured.
"""
SAME_MOMENT_BITS = 16
"""Bits by which pictures that were taken one right after the other may differ and show the same
moment.
"""
_SIDEWAYS = tuple(
    turn for turn in TURNS if turn not in (UPRIGHT, "270")
)  # what is turned by 270 is found from the other side

Pairs = npt.NDArray[np.int64]
"""Two columns: numbers of assets, the smaller one first."""


def usual_distances(count: int) -> tuple[int, int]:
    """By how many bits hashes are looked for that differ, among so many pictures: upright, and
    turned.
    """
    upright, turned = (DISTANCE if count <= many else OF_MANY for many in (MANY, MANY_TURNS))
    return upright, turned


@dataclass(slots=True)
class Sketches:
    """A few numbers of each asset, in columns.

    `hashes` are the content hashes; times are ms since 1970, -1 for none.
    """

    hashes: list[str] = field(default_factory=list)
    _phashes: array[int] = field(default_factory=lambda: array("Q"))
    _inner: array[int] = field(default_factory=lambda: array("Q"))
    _times: array[int] = field(default_factory=lambda: array("q"))
    _kinds: array[int] = field(default_factory=lambda: array("q"))
    _image_hashes: array[int] = field(default_factory=lambda: array("q"))
    _looked_at: array[int] = field(default_factory=lambda: array("b"))
    _numbers: dict[str, int] = field(default_factory=dict)

    @property
    def phashes(self) -> npt.NDArray[np.uint64]:
        """The perceptual hashes; 0 where there is none."""
        return np.array(self._phashes, np.uint64)

    def add(self, content_hash: str, document: AssetDocument) -> None:
        """One more asset, of whose document at least FIELDS are given."""
        phash, quality = document.get("phash"), document.get("quality", {})
        self.hashes.append(content_hash)
        self._phashes.append(int(phash or "0", 16))
        self._inner.append(int(document.get("phash_inner") or phash or "0", 16))
        self._looked_at.append(
            phash is not None and not is_flat(quality) and not is_movie_of_still(document)
        )
        self._image_hashes.append(int(document.get("image_hash", "0")[:15], 16))
        self._times.append(taken_ms(document))
        camera = document.get("camera", {}).get("model", "")
        self._kinds.append(
            self._numbers.setdefault(f"{document.get('kind')} {camera}", len(self._numbers))
        )

    def candidates(self, distance: int | None, within_ms: int, threads: int = 0) -> Pairs:
        """The pairs that may show the same: by their looks, their image data,
        or the moment they were taken. Without a distance it is the usual one.
        """
        usual = usual_distances(len(self.hashes))
        upright, turned = usual if distance is None else (distance, distance)
        by_look = self.by_look(upright, turned, threads)
        found = [by_look, self.by_image_data(), self.by_moment(within_ms)]
        return np.unique(np.concatenate(found), axis=0)

    def by_look(self, upright: int, turned: int, threads: int = 0) -> Pairs:
        """Pairs with perceptual hashes within a distance: upright, or cropped a little; and turned
        or mirrored.
        """
        known = np.flatnonzero(np.array(self._looked_at, bool))
        plain, inner = (
            np.array(values, np.uint64)[known] for values in (self._phashes, self._inner)
        )
        values, first, which = np.unique(plain, return_index=True, return_inverse=True)
        equal = np.column_stack(
            [known[first[which]], known]
        )  # of many with one hash, each is joined to the first
        sides = [turn_hashes(values, turn) for turn in _SIDEWAYS]
        found = [equal]
        for others, distance in (([values, inner[first]], upright), (sides, turned)):
            left, right = pairs_within(values, np.concatenate(others), distance, threads)
            theirs = right % max(1, len(values))
            found.append(np.column_stack([known[first[left]], known[first[theirs]]]))
        return _sorted_pairs(np.concatenate(found))

    def by_image_data(self) -> Pairs:
        """Pairs with the same image data: of several, each with the first."""
        data = np.array(self._image_hashes, np.int64)
        known = np.flatnonzero(data)
        _values, first, which = np.unique(data[known], return_index=True, return_inverse=True)
        return _sorted_pairs(np.column_stack([known[first[which]], known]))

    def by_moment(self, within_ms: int) -> Pairs:
        """Pairs of one camera, each taken within a time after the other with nothing between,
        that look somewhat alike.
        """
        times, kinds = np.array(self._times, np.int64), np.array(self._kinds, np.int64)
        order = np.lexsort((times, kinds))
        before, after = order[:-1], order[1:]
        plain, seen = np.array(self._phashes, np.uint64), np.array(self._looked_at, bool)
        near = (
            (kinds[before] == kinds[after])
            & (times[after] - times[before] <= within_ms)
            & (times[before] >= 0)
        )
        near &= (
            seen[before]
            & seen[after]
            & (np.bitwise_count(plain[before] ^ plain[after]) <= SAME_MOMENT_BITS)
        )
        return _sorted_pairs(np.column_stack([before[near], after[near]]))


def _sorted_pairs(pairs: Pairs) -> Pairs:
    ordered: Pairs = np.sort(pairs, axis=1)
    return ordered[ordered[:, 0] != ordered[:, 1], :]


def is_flat(quality: QualityFields) -> bool:
    """Whether a picture has so little in it that its hash says nothing."""
    if "relief" in quality:
        return quality["relief"] < LEAST_RELIEF
    return (
        quality.get("detail", 1.0) < LEAST_DETAIL or quality.get("contrast", 255.0) < LEAST_CONTRAST
    )


def is_movie_of_still(document: AssetDocument) -> bool:
    """Whether it is the moving part of a Live Photo, which goes with its still."""
    return document.get("stack", {}).get("role") == "live"


def taken_ms(document: AssetDocument) -> int:
    """When the shot was taken (the wall clock as ms since 1970);
    -1 where that is not known to the second.
    """
    captured = document.get("captured", {})
    if not captured.get("has_time") or captured.get("confidence") == "low":
        return -1
    return milliseconds(captured["wall"])
