"""All pairs of 64-bit hashes within a Hamming distance, by multi-index search; none is missed.

The bits are dealt out to a few tables. Hashes that differ in at most `distance` bits differ by
little in at least one table's share of them (the pigeonhole principle of Norouzi, Punjani and
Fleet, "Fast exact search in Hamming space with multi-index hashing"), so that only hashes with
nearly the same share need be compared.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

BITS = 64
BRUTE_FORCE = 1 << 24
"""Comparisons below which every pair is looked at: that needs no tables."""
_ROWS = 256
_MASKS = 16


def pairs_within(
    left: Hashes, right: Hashes, distance: int, threads: int = 0
) -> tuple[Numbers, Numbers]:
    """The numbers (i, j) of all hashes of `left` and `right` that differ in at most `distance`
    bits, sorted.

    `left` may be `right` itself; then (i, i) and both (i, j) and (j, i) are among them. `threads` 0
    is one for each core.
    """
    if len(left) * len(right) <= BRUTE_FORCE:
        parts = list(_all_pairs(left, right, distance))
    else:
        with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
            parts = [
                part
                for table in _tables(left, right, distance)
                for part in pool.map(table.pairs, table.masks())
            ]
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    codes = np.unique(np.concatenate(parts))
    return codes // len(right), codes % len(right)


def _all_pairs(left: Hashes, right: Hashes, distance: int) -> Iterator[Numbers]:
    for start in range(0, len(left), _ROWS):
        rows, columns = np.nonzero(
            np.bitwise_count(left[start : start + _ROWS, None] ^ right) <= distance
        )
        yield (rows + start) * len(right) + columns


@dataclass(frozen=True, slots=True)
class _Table:
    """One share of the bits: the hashes of both sides sorted by it,
    and where those of each value begin on the right.
    """

    left: Hashes
    left_keys: npt.NDArray[np.int32]
    left_order: Numbers
    right: Hashes
    right_order: Numbers
    starts: npt.NDArray[np.int32]
    bits: int
    radius: int
    distance: int

    def masks(self) -> Iterator[tuple[int, ...]]:
        """By what the shares of two hashes may differ, some at a time."""
        found = (
            sum(1 << bit for bit in chosen)
            for count in range(self.radius + 1)
            for chosen in itertools.combinations(range(self.bits), count)
        )
        while part := tuple(itertools.islice(found, _MASKS)):
            yield part

    def pairs(self, masks: tuple[int, ...]) -> Numbers:
        """The pairs whose shares differ by one of some masks, as i * len(right) + j."""
        return np.concatenate([self._pairs(mask) for mask in masks])

    def _pairs(self, mask: int) -> Numbers:
        keys = self.left_keys ^ np.int32(mask)
        first = self.starts[keys]
        counts = self.starts[keys + 1] - first
        rows = np.flatnonzero(counts)
        first, counts = first[rows], counts[rows]
        ends = np.cumsum(counts, dtype=np.int64)
        if not len(rows):
            return np.empty(0, np.int64)
        mine = np.repeat(rows, counts)
        theirs = np.arange(ends[-1]) - np.repeat(ends - counts - first, counts)
        near = np.bitwise_count(self.left[mine] ^ self.right[theirs]) <= self.distance
        found: Numbers = (
            self.left_order[mine[near]] * len(self.right) + self.right_order[theirs[near]]
        )
        return found


def _tables(left: Hashes, right: Hashes, distance: int) -> Iterator[_Table]:
    """The tables: as many that a value of a share is that of about one hash."""
    count = max(2, round(BITS / math.log2(max(len(left), len(right)))))
    whole, rest = divmod(distance + 1, count)
    for number in range(count):
        radius = whole - (number >= rest)
        if radius < 0:
            continue
        places = range(number, BITS, count)
        left_keys, right_keys = _share(left, places), _share(right, places)
        left_order, right_order = (
            np.argsort(left_keys, kind="stable"),
            np.argsort(right_keys, kind="stable"),
        )
        starts = np.zeros((1 << len(places)) + 1, np.int32)
        np.cumsum(np.bincount(right_keys, minlength=1 << len(places)), out=starts[1:])
        yield _Table(
            left[left_order],
            left_keys[left_order],
            left_order,
            right[right_order],
            right_order,
            starts,
            len(places),
            radius,
            distance,
        )


def _share(hashes: Hashes, places: range) -> npt.NDArray[np.int32]:
    """Some bits of each hash, side by side."""
    share = np.zeros(len(hashes), np.int32)
    for number, place in enumerate(places):
        share |= ((hashes >> np.uint64(place)) & np.uint64(1)).astype(np.int32) << number
    return share
