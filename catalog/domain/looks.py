"""Whether two small pictures show the same picture: compared pixel by pixel,
after one is laid upon the other.

Lighter or darker, compressed, scaled and cropped by a few percent is still the same picture; a
frame of a burst in which somebody moved, or another page with the same layout, is not. The
alignment is that of Lucas and Kanade ("An iterative image registration technique"), for scale and
shift of both axes together with gain and offset of the grey values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.domain.similarity import LOOK_SIDE

Grey = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SAME_CORRELATION = 0.94
"""Correlation of grey values from which two pictures may be the same."""
SAME_DIFFERENCE = 18.0
"""Grey levels that no part of two pictures of the same may differ by on average."""
LIT_STRUCTURE, LIT_DIFFERENCE = 0.95, 26.0
"""Correlation without gradients from which they may differ by more: in a much lighter rendering
single colours are saturated, so that its tones are not those of the other in all parts.
"""
PEAK, PEAK_RATIO = 10.0, 9.0
"""Grey levels by which one small part may differ, and how many times the usual (median) part's
difference that may be: a rendering differs a little everywhere, somebody who came or went differs
in one place.
"""
LEAST_STRUCTURE, LEAST_RELIEF = 0.75, 1.2
"""Correlation of what is left of two pictures without their gradients, and the grey levels that it
must have: of cloudless skies nothing is left but grain.
"""
GRAIN = 0.6
"""Grey levels by which rounding and coding change each pixel of a small picture: of one with little
contrast they are much, and lower the correlation.
"""
EVEN = 6.0
"""Grey levels by which no small part of two frames differs that are one."""
HOPELESS = 0.35
"""Correlation below which aligning is not tried."""

_PARTS, _SMALL_PARTS = 8, 16
_STEPS = 12
_SETTLED = 2e-4
_LARGEST_STEP = 0.08
_SCALES = (0.85, 1.18)
_LARGEST_SHIFT = 0.2
_LEAST_OVERLAP = 0.6
_AXIS = np.linspace(-1, 1, LOOK_SIDE, dtype=np.float32)
_X, _Y = np.meshgrid(_AXIS, _AXIS)
_GRADIENTS = np.stack([np.ones_like(_X), _X, _Y, _X * _X, _X * _Y, _Y * _Y], axis=-1)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two pictures are: `correlation` of grey values (-1 to 1),
    and differences in grey levels.

    `difference` is the mean one of the part that differs most, `peak` that of the small part that
    does, `usual` the median. `structure` is the correlation without the gradients.
    """

    correlation: float
    difference: float
    peak: float = 0.0
    usual: float = 1.0
    structure: float = 1.0

    @property
    def agreement(self) -> float:
        """How well they agree, to tell which of several is meant; 1 is the best."""
        return self.correlation - self.peak / 255

    @property
    def is_same(self) -> bool:
        """Whether they are one picture, as far as small pictures show."""
        allowed = LIT_DIFFERENCE if self.structure >= LIT_STRUCTURE else SAME_DIFFERENCE
        is_even = self.peak <= PEAK or self.peak <= PEAK_RATIO * max(self.usual, 1.0)
        return (
            self.correlation >= SAME_CORRELATION
            and self.difference <= allowed
            and self.structure >= LEAST_STRUCTURE
            and is_even
        )


def likeness(
    one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], known: Mask | None = None
) -> Likeness:
    """How alike two small pictures are (each LOOK_SIDE x LOOK_SIDE), at their best alignment; where
    not all of them is `known`, as they lie.
    """
    first, second = one.astype(np.float32), other.astype(np.float32)
    if first.std() < second.std():  # differences count in the grey levels of the richer one
        first, second = second, first
    everywhere = np.ones((LOOK_SIDE, LOOK_SIDE), bool) if known is None else known
    plain = _compared(first, second, everywhere)
    if known is not None or plain.is_same or plain.correlation < HOPELESS:
        return plain
    laid = _aligned(first, second)
    return (
        plain
        if laid is None
        else max(
            plain, _compared(first, *laid), key=lambda found: (found.is_same, found.correlation)
        )
    )


def are_same_frames(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> bool:
    """Whether all of the small pictures of two animations or documents, one below the other, show
    the same; pictures with nothing in them must be as bright.
    """
    if one.shape != other.shape:
        return False
    pairs = zip(_tiles(one), _tiles(other), strict=True)
    return all(_are_as_bright(a, b) or likeness(a, b).is_same for a, b in pairs)


def _tiles(strip: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return strip.reshape(-1, LOOK_SIDE, LOOK_SIDE)


def _are_as_bright(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> bool:
    apart = np.abs(one.astype(np.float32) - other.astype(np.float32))
    return float((_sums(apart, _SMALL_PARTS) / (LOOK_SIDE // _SMALL_PARTS) ** 2).max()) <= EVEN


def _compared(first: Grey, second: Grey, mask: Mask) -> Likeness:
    """Two pictures where both are known, after the second was given the tones of the first:
    a curve of third degree.
    """
    a, b = first[mask], second[mask]
    spread = float(a.std() * b.std())
    correlation = float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 1e-3 else 0.0
    correlation = min(1.0, correlation * _grain(float(a.std()), float(b.std())))
    tones = (second - b.mean()) / max(float(b.std()), 1e-3)
    curve = np.stack([np.ones_like(tones), tones, tones**2, tones**3], axis=-1)
    known = curve[mask]
    weights = np.linalg.solve(known.T @ known + 1e-3 * np.eye(4, dtype=np.float32), known.T @ a)
    apart: Grey = np.where(mask, np.abs(first - curve @ weights), 0).astype(np.float32)
    small = _means(apart, mask, _SMALL_PARTS)
    return Likeness(
        correlation,
        float(_means(apart, mask, _PARTS).max()),
        float(small.max()),
        float(np.median(small)),
        _structure(first, second, mask) if correlation >= SAME_CORRELATION else 0.0,
    )


def measure_relief(look: npt.NDArray[np.uint8]) -> float:
    """The standard deviation of a small picture without its gradients, in grey levels."""
    values = look.astype(np.float32)[:, :, None]
    return float(_without_gradients(values, np.ones((LOOK_SIDE, LOOK_SIDE), bool)).std())


def _without_gradients(values: Grey, mask: Mask) -> Grey:
    """What is known of some pictures (behind each other) without surfaces of second degree."""
    known, both = _GRADIENTS[mask], values[mask]
    fitted = np.linalg.solve(known.T @ known + 1e-3 * np.eye(6, dtype=np.float32), known.T @ both)
    rest: Grey = both - known @ fitted
    return rest


def _structure(first: Grey, second: Grey, mask: Mask) -> float:
    """How two pictures correlate in what is left without their gradients; 0 where that is
    nothing."""
    rest = _without_gradients(np.stack([first, second], axis=-1), mask)
    one, other = rest.std(axis=0)
    if min(one, other) < LEAST_RELIEF:
        return 0.0
    return float((rest[:, 0] * rest[:, 1]).mean() / (one * other)) * _grain(one, other)


def _grain(one: float, other: float) -> float:
    """By what the correlation of two pictures is too low for their grain, by their deviations."""
    return float(np.sqrt((1 + (GRAIN / max(one, 1.0)) ** 2) * (1 + (GRAIN / max(other, 1.0)) ** 2)))


def _means(values: Grey, mask: Mask, parts: int) -> Grey:
    """The mean of each of parts x parts parts of a picture,
    of those of which at least half is known.
    """
    side = LOOK_SIDE // parts
    known = _sums(mask.astype(np.float32), parts)
    means: Grey = (_sums(values, parts) / np.maximum(known, 1)).astype(np.float32)[
        known >= side * side / 2
    ]
    return means


def _sums(values: Grey, parts: int) -> Grey:
    side = LOOK_SIDE // parts
    sums: Grey = values.reshape(parts, side, parts, side).sum(axis=(1, 3))
    return sums


def _aligned(first: Grey, second: Grey) -> tuple[Grey, Mask] | None:
    """The second picture laid upon the first, and where it covers it;
    None where no small change of scale and place fits.
    """
    target, source = _smoothed(first), _smoothed(second)
    down, across = (
        slope * np.float32((LOOK_SIDE - 1) / 2)
        for slope in (np.gradient(source, axis=0), np.gradient(source, axis=1))
    )
    place = np.array([1.0, 1.0, 0.0, 0.0])
    one = np.ones((LOOK_SIDE, LOOK_SIDE), np.float32)
    for _ in range(_STEPS):
        values, mask = _sampled(source, place)
        if mask.mean() < _LEAST_OVERLAP:
            return None
        to_right, to_bottom = _sampled(across, place)[0], _sampled(down, place)[0]
        moves = [to_right * _AXIS, to_bottom * _AXIS[:, None], to_right, to_bottom, values, one]
        known = np.stack(moves, axis=-1)[mask]
        damping = np.diag([1e-3] * 4 + [1e-6] * 2) * len(known)
        solution = np.linalg.solve(known.T @ known + damping, known.T @ target[mask])
        if abs(solution[4]) < 0.2:  # the gain: a negative, or nothing in common
            return None
        step = np.clip(solution[:4] / solution[4], -_LARGEST_STEP, _LARGEST_STEP)
        place += step
        if not _is_small(place):
            return None
        if np.abs(step).max() < _SETTLED:
            break
    return _sampled(second, place)


def _is_small(place: npt.NDArray[np.float64]) -> bool:
    scales, shifts = place[:2], place[2:]
    return bool(
        ((scales > _SCALES[0]) & (scales < _SCALES[1])).all()
        and (np.abs(shifts) < _LARGEST_SHIFT).all()
    )


def _sampled(values: Grey, place: npt.NDArray[np.float64]) -> tuple[Grey, Mask]:
    """A picture scaled and shifted: bilinear, with coordinates from -1 to 1;
    and where it has values.
    """
    columns, rows = (place[0] * _AXIS + place[2], place[1] * _AXIS + place[3])
    left, to_right = _cells(columns)
    top, to_bottom = _cells(rows)
    start = top[:, None] * LOOK_SIDE + left
    flat = values.reshape(-1)
    upper = flat[start] * (1 - to_right) + flat[start + 1] * to_right
    lower = flat[start + LOOK_SIDE] * (1 - to_right) + flat[start + LOOK_SIDE + 1] * to_right
    sampled = upper * (1 - to_bottom[:, None]) + lower * to_bottom[:, None]
    return sampled.astype(np.float32), (np.abs(rows) <= 1)[:, None] & (np.abs(columns) <= 1)


def _cells(
    places: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The pixel before each place, and how far beyond it the place lies (0 to 1)."""
    pixels = np.clip((places + 1) * (LOOK_SIDE - 1) / 2, 0, LOOK_SIDE - 1.001)
    whole = pixels.astype(np.int64)
    return whole, pixels - whole


def _smoothed(values: Grey) -> Grey:
    """Filtered by a binomial of five pixels: what is left can be followed over a few pixels."""
    weights = np.array([1, 4, 6, 4, 1], np.float32) / 16
    wide = np.pad(values, 2, mode="edge")
    rows = sum(weight * wide[at : at + LOOK_SIDE] for at, weight in enumerate(weights))
    smooth: Grey = np.asarray(
        sum(weight * rows[:, at : at + LOOK_SIDE] for at, weight in enumerate(weights)), np.float32
    )
    return smooth
