"""What a picture looks like, in numbers: the perceptual hash, and how sharp,
bright and rich it is.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from catalog.domain.asset import Quality

HASH_SIZE = 8
LOOK_SIDE = 64
"""Width and height of the small picture by which a match of hashes is checked;
the original is squeezed into it.
"""
GRID = 32
"""The hash looks at a grid of 32 x 32 grey values (ImageHash's phash with its defaults)."""

BLANK_CONTRAST, BLANK_DETAIL = 4.0, 0.02
"""A picture with less contrast, or with anything to see in a smaller share of its parts,
is blank.
"""
BLURRED_FOCUS, LEAST_CONTRAST = 45.0, 12.0
"""A picture whose sharpest parts have less is blurred, unless it has less contrast:
then there is nothing to be sharp.
"""
PART_CONTRAST = 4.0
DARK_GREY, BRIGHT_GREY = 24, 252
"""Grey values below which a pixel is as good as black, above which as good as white."""
PARTS = 12

Grey = npt.NDArray[np.float32]


@cache
def _cosines() -> npt.NDArray[np.float64]:
    """The first rows of the DCT-II matrix, HASH_SIZE x GRID (unnormalised,
    as scipy.fft.dct type 2).
    """
    k = np.arange(HASH_SIZE)[:, None]
    n = np.arange(GRID)[None, :]
    return 2 * np.cos(np.pi * k * (2 * n + 1) / (2 * GRID))


def perceptual_hash(grid: npt.NDArray[np.uint8]) -> str:
    """The 64-bit DCT hash of a GRID x GRID grey picture, as 16 hex digits;
    bit order as in ImageHash.
    """
    cosines = _cosines()
    low = cosines @ grid.astype(np.float64) @ cosines.T
    low[np.abs(low) < 1e-6] = 0.0  # the rounding errors of a flat picture are no structure
    bits = low > np.median(low)
    return np.packbits(bits.reshape(-1)).tobytes().hex()


def hamming(a: str, b: str) -> int:
    """How many of the 64 bits differ between two perceptual hashes."""
    return (int(a, 16) ^ int(b, 16)).bit_count()


def measure_quality(grey: npt.NDArray[np.uint8]) -> Quality:
    """Sharpness, brightness and contrast of a grey picture (height x width,
    some 256 pixels on the long side).
    """
    values = grey.astype(np.float32)
    contrast = float(values.std())
    laplacian = _laplacian(values)
    focus = _focus(laplacian)
    detail = float((_blocks(values).std(axis=1) > PART_CONTRAST).mean())
    blank = contrast < BLANK_CONTRAST or detail < BLANK_DETAIL
    return Quality(
        sharpness=round(float(laplacian.var()), 2),
        brightness=round(float(values.mean()), 2),
        contrast=round(contrast, 2),
        blank=blank,
        blurred=not blank and contrast >= LEAST_CONTRAST and focus < BLURRED_FOCUS,
        focus=round(focus, 2),
        dark=round(float((grey < DARK_GREY).mean()), 4),
        bright=round(float((grey > BRIGHT_GREY).mean()), 4),
        detail=round(detail, 4),
    )


def _laplacian(values: Grey) -> Grey:
    if min(values.shape) < 3:
        return np.zeros((1, 1), np.float32)
    centre = values[1:-1, 1:-1]
    return values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:] - 4 * centre


def _focus(laplacian: Grey) -> float:
    """The variance of the Laplacian in the sharpest tenth of a picture's parts."""
    return float(np.quantile(_blocks(laplacian).var(axis=1), 0.9))


def _blocks(values: Grey) -> Grey:
    """A picture in up to PARTS x PARTS equal parts, one a row;
    what is left over at the edges is not looked at.
    """
    down, across = (max(1, min(PARTS, side // 2)) for side in values.shape)
    height, width = values.shape[0] // down, values.shape[1] // across
    whole = values[: height * down, : width * across]
    return (
        whole.reshape(down, height, across, width)
        .swapaxes(1, 2)
        .reshape(down * across, height * width)
    )
