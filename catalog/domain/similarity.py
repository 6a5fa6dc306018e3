"""What a picture looks like, in numbers: the perceptual hash, and how sharp, bright and rich it is."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from catalog.domain.asset import Quality

HASH_SIZE = 8
GRID = 32
"""The hash looks at a grid of 32 x 32 grey values (ImageHash's phash with its defaults)."""

BLANK_CONTRAST = 4.0
BLURRED_SHARPNESS = 25.0

Grey = npt.NDArray[np.float32]


@cache
def _cosines() -> npt.NDArray[np.float64]:
    """The first rows of the DCT-II matrix, HASH_SIZE x GRID (unnormalised, as scipy.fft.dct type 2)."""
    k = np.arange(HASH_SIZE)[:, None]
    n = np.arange(GRID)[None, :]
    return 2 * np.cos(np.pi * k * (2 * n + 1) / (2 * GRID))


def perceptual_hash(grid: npt.NDArray[np.uint8]) -> str:
    """The 64-bit DCT hash of a GRID x GRID grey picture, as 16 hex digits; bit order as in ImageHash."""
    cosines = _cosines()
    low = cosines @ grid.astype(np.float64) @ cosines.T
    low[np.abs(low) < 1e-6] = 0.0  # the rounding errors of a flat picture are no structure
    bits = low > np.median(low)
    return np.packbits(bits.reshape(-1)).tobytes().hex()


def hamming(a: str, b: str) -> int:
    """How many of the 64 bits differ between two perceptual hashes."""
    return (int(a, 16) ^ int(b, 16)).bit_count()


def measure_quality(grey: npt.NDArray[np.uint8]) -> Quality:
    """Sharpness, brightness and contrast of a grey picture (height x width, some 256 pixels on the long side)."""
    values = grey.astype(np.float32)
    contrast = float(values.std())
    sharpness = _laplacian_variance(values)
    blank = contrast < BLANK_CONTRAST
    return Quality(
        sharpness=round(sharpness, 2),
        brightness=round(float(values.mean()), 2),
        contrast=round(contrast, 2),
        blank=blank,
        blurred=not blank and sharpness < BLURRED_SHARPNESS,
    )


def _laplacian_variance(values: Grey) -> float:
    if min(values.shape) < 3:
        return 0.0
    centre = values[1:-1, 1:-1]
    laplacian = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:] - 4 * centre
    return float(laplacian.var())
