"""From a decoded picture to one for people to look at: small, upright, in the colours of every
screen (sRGB), as a WebP.
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

QUALITY = 75
"""WebP quality of previews: some 7 kB at 320 pixels."""
QUICK, THOROUGH = 0, 4
"""How much the encoder tries. The first takes a quarter of the time, and a tenth more bytes."""
LARGEST_QUICK = 640
"""Pixels on the long side up to which a picture is encoded quickly: there are many of those."""
BEHIND = (128, 128, 128)
"""What shows through transparent pixels: dark and light drawings can both be seen on it."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation."""
_DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N", "LAB"})
_SMOOTH = Image.Resampling.HAMMING
"""Averages what is made smaller, as sharp as a cubic filter at half the cost."""


def render(
    picture: Image.Image, side: int, orientation: int = 1, full: tuple[int, int] | None = None
) -> bytes:
    """A decoded picture, at most `side` pixels on its long side and never enlarged, upright, in
    sRGB, as a WebP. `full` is the size before it was decoded smaller.
    """
    size = within(full or picture.size, side)
    plain = _plain(picture, size)
    small = plain.resize(size, _SMOOTH, reducing_gap=2.0) if size != plain.size else plain
    if small.mode == "YCbCr":
        small = small.convert("RGB")
    return save(upright(_in_srgb(small, picture.info.get("icc_profile")), orientation))


def save(picture: Image.Image) -> bytes:
    """A picture (grey or RGB) as a WebP."""
    stream = io.BytesIO()
    method = QUICK if max(picture.size) <= LARGEST_QUICK else THOROUGH
    picture.save(stream, "WEBP", quality=QUALITY, method=method)
    return stream.getvalue()


def within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The size of a picture of that shape with at most `side` pixels on its long side;
    none is enlarged.
    """
    longest = max(size)
    if longest <= side:
        return size
    return max(1, round(size[0] * side / longest)), max(1, round(size[1] * side / longest))


def _plain(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture in a mode that can be scaled: grey, RGB, YCbCr or CMYK."""
    if picture.mode in ("L", "RGB", "YCbCr", "CMYK"):
        return picture
    if picture.mode in _DEEP:
        return grey_of(picture)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        if size != layer.size:
            layer = layer.resize(size, _SMOOTH, reducing_gap=2.0)
        whole = Image.new("RGBA", layer.size, (*BEHIND, 255))
        return Image.alpha_composite(whole, layer).convert("RGB")
    return picture.convert("L" if picture.mode in ("1", "LA") else "RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in the colours of every screen;
    one whose profile does not fit it is taken as it is.
    """
    if profile and picture.mode in ("RGB", "CMYK"):
        try:
            change = _change(profile, picture.mode)
            turned = ImageCms.applyTransform(picture, change) if change is not None else picture
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            turned = None
        if turned is not None and turned.mode == "RGB":
            return turned
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")


@lru_cache(maxsize=8)
def _change(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What turns colours of a profile into those of sRGB; None where they are these already. A
    camera's pictures have the same one. Raises what ImageCms does.
    """
    named = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(named):
        return None
    return ImageCms.buildTransform(named, ImageCms.createProfile("sRGB"), mode, "RGB")


def grey_of(picture: Image.Image) -> Image.Image:
    """The picture in 8-bit grey; values of more bits are scaled."""
    if picture.mode == "L":
        return picture
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, dtype=np.float32)
        low, high = float(values.min()), float(values.max())
        top = (
            255.0
            if low >= 0 and high <= 255
            else 65535.0
            if low >= 0 and high <= 65535
            else max(high, 1.0)
        )
        return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8))
    if picture.mode == "LAB":
        return picture.getchannel("L")
    return picture.convert("L")


def avif_upright(picture: Image.Image) -> Image.Image:
    """Pillow leaves an AVIF's own rotation to the EXIF orientation that it reports."""
    turn = TURNS.get(picture.getexif().get(0x0112, 1))
    return picture.transpose(turn) if turn is not None else picture


def upright(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture as it is to be shown, by its EXIF orientation (1-8;
    others mean that it is upright).
    """
    return picture.transpose(TURNS[orientation]) if orientation in TURNS else picture


def reason_of(error: BaseException) -> str:
    """What a decoder complained of, on one short line."""
    if isinstance(error, UnidentifiedImageError):
        return "its structure is not understood"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
