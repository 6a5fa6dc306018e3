"""The eight ways to turn and mirror a picture, for pixels and for perceptual hashes.

A turn tells how one picture becomes another: clockwise degrees, of the picture or of its mirror
image (left and right exchanged).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

UPRIGHT = ""
TURNS = (UPRIGHT, "90", "180", "270", "mirrored", "mirrored 90", "mirrored 180", "mirrored 270")
INVERSE = {"90": "270", "270": "90"}
"""The turns that another one takes back; every other turn takes back itself."""

_ODD_COLUMNS = 0x5555555555555555
_ODD_ROWS = 0x00FF00FF00FF00FF


def turn_picture(picture: npt.NDArray[Any], turn: str) -> npt.NDArray[Any]:
    """A picture (height x width) turned."""
    if turn.startswith("mirrored"):
        picture = picture[:, ::-1]
    degrees = turn.removeprefix("mirrored").strip()
    return np.rot90(picture, -int(degrees or 0) // 90)


def turn_hashes(hashes: Hashes, turn: str) -> Hashes:
    """The perceptual hashes that turned pictures have, but for a few bits:
    nearly those of the pixels turned.

    Mirroring a picture changes the sign of every other row or column of its cosine transform, and
    turning exchanges rows and columns. A bit says whether a coefficient is above the median, which
    is near 0, so that a sign that changes is a bit that changes, unless the coefficient is smaller
    than the median.
    """
    odd_columns, odd_rows = np.uint64(_ODD_COLUMNS), np.uint64(_ODD_ROWS)
    if turn.startswith("mirrored"):
        hashes = hashes ^ odd_columns
    degrees = turn.removeprefix("mirrored").strip()
    if degrees in ("90", "270"):
        hashes = _transposed(hashes)
    if degrees in ("90", "180"):
        hashes = hashes ^ odd_columns
    return hashes ^ odd_rows if degrees in ("180", "270") else hashes


def _transposed(hashes: Hashes) -> Hashes:
    """The 8 x 8 bits of each hash with rows and columns exchanged (three swaps of ever larger
    blocks).
    """
    for mask, shift in (
        (0x00AA00AA00AA00AA, 7),
        (0x0000CCCC0000CCCC, 14),
        (0x00000000F0F0F0F0, 28),
    ):
        moved = (hashes ^ (hashes >> np.uint64(shift))) & np.uint64(mask)
        hashes = hashes ^ moved ^ (moved << np.uint64(shift))
    return hashes
