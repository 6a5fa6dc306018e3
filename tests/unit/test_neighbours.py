"""Pairs of hashes within a distance: none is missed, whatever table finds them;
and what turning does to hashes.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.similarity import GRID, perceptual_hash
from catalog.domain.turns import INVERSE, TURNS, turn_hashes, turn_picture
from catalog.features.lookalikes import neighbours
from catalog.features.lookalikes.neighbours import pairs_within


def brute_force(left: np.ndarray, right: np.ndarray, distance: int) -> list[tuple[int, int]]:
    near = np.bitwise_count(left[:, None] ^ right[None, :]) <= distance
    return [(int(i), int(j)) for i, j in zip(*np.nonzero(near), strict=True)]


def found(left: np.ndarray, right: np.ndarray, distance: int) -> list[tuple[int, int]]:
    i, j = pairs_within(left, right, distance)
    return list(zip(i.tolist(), j.tolist(), strict=True))


def crowded(rng: np.random.Generator, count: int) -> np.ndarray:
    """Hashes in crowds: each is one of some with up to a dozen bits changed."""
    centres = rng.integers(0, 2**64, max(1, count // 8), dtype=np.uint64)
    hashes = centres[rng.integers(0, len(centres), count)]
    for _ in range(12):
        hashes = hashes ^ (
            rng.integers(0, 2, count, dtype=np.uint64)
            << rng.integers(0, 64, count, dtype=np.uint64)
        )
    return hashes


@pytest.mark.parametrize("distance", [0, 1, 2, 3, 5, 8, 11, 16])
@pytest.mark.parametrize("count", [2, 300])
def test_tables_find_what_comparing_all_finds(
    monkeypatch: pytest.MonkeyPatch, distance: int, count: int
) -> None:
    rng = np.random.default_rng(distance)
    left, right = crowded(rng, count), crowded(rng, count + 50)
    right[:count] ^= np.uint64(1) << rng.integers(0, 64, count, dtype=np.uint64)
    right[: count // 2] = left[: count // 2]
    wanted = brute_force(left, right, distance)
    assert found(left, right, distance) == wanted
    monkeypatch.setattr(neighbours, "BRUTE_FORCE", 0)
    assert found(left, right, distance) == wanted
    assert found(left, left, distance) == brute_force(left, left, distance)


def test_many_more_hashes_take_other_tables_and_none_is_missed() -> None:
    rng = np.random.default_rng(1)
    hashes = crowded(rng, 20_000)
    sample = hashes[:100]
    assert len(hashes) ** 2 > neighbours.BRUTE_FORCE
    mine = [pair for pair in found(hashes, hashes, 8) if pair[0] < 100]
    assert mine == brute_force(sample, hashes, 8)


def test_nothing_is_near_nothing() -> None:
    nothing = np.empty(0, np.uint64)
    assert found(nothing, nothing, 8) == []
    assert found(nothing, np.array([1], np.uint64), 8) == []


def picture(seed: int) -> np.ndarray:
    """Something smooth with an edge in it, without symmetry."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (5, 5)).astype(np.float64)
    grid = np.kron(small, np.ones((7, 7)))[:GRID, :GRID]
    return np.clip(grid + np.linspace(0, 60, GRID)[None, :], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_hash_is_nearly_that_of_the_turned_picture(turn: str) -> None:
    apart = []
    for seed in range(20):
        grid = picture(seed)
        foreseen = turn_hashes(np.array([int(perceptual_hash(grid), 16)], np.uint64), turn)[0]
        true = int(perceptual_hash(np.ascontiguousarray(turn_picture(grid, turn))), 16)
        apart.append((int(foreseen) ^ true).bit_count())
    assert max(apart) <= 10
    assert sum(apart) / len(apart) <= 4


@given(st.integers(0, 2**64 - 1))
def test_turning_back_gives_the_same_hash(value: int) -> None:
    hashes = np.array([value], np.uint64)
    for turn in TURNS:
        assert turn_hashes(turn_hashes(hashes, turn), INVERSE.get(turn, turn))[0] == hashes[0], turn


def test_turning_pixels_is_clockwise_and_mirrors_first() -> None:
    grid = np.array([[1, 2], [3, 4]])
    assert turn_picture(grid, "90").tolist() == [[3, 1], [4, 2]]
    assert turn_picture(grid, "270").tolist() == [[2, 4], [1, 3]]
    assert turn_picture(grid, "mirrored").tolist() == [[2, 1], [4, 3]]
    assert (
        turn_picture(grid, "mirrored 90").tolist()
        == turn_picture(turn_picture(grid, "mirrored"), "90").tolist()
    )
    assert len({str(turn_picture(grid, turn).tolist()) for turn in TURNS}) == 8
