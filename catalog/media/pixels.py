"""Looking at pictures: a small upright grey version of any image, and what it measures.

JPEGs are decoded scaled (DCT), in grey: several times faster than a whole decode, with the same
hash within two bits.
"""

from __future__ import annotations

import base64
import io
import warnings
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, JpegImagePlugin, UnidentifiedImageError

from catalog.domain.asset import Appearance
from catalog.domain.filetypes import FileType
from catalog.domain.similarity import GRID, LOOK_SIDE, measure_quality, perceptual_hash
from catalog.errors import UnreadableMedia

DRAFT_SIDE = 128
"""Pixels that a scaled decode keeps on the short side at least:
four for each of the hash's grid.
"""
QUALITY_SIDE = 256
"""Pixels on the long side that quality is measured at."""
LOOK_QUALITY = 70
"""WebP quality of the small picture: some 600 bytes."""
INNER = 0.025
"""Share of each side that is cut off for the second hash,
which finds pictures that were cropped a little.
"""

Image.MAX_IMAGE_PIXELS = (
    None  # the reader's limits of memory and time guard against bombs, large panoramas are real
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
NO_DECODER = frozenset({"jxl", "x3f"})
"""Types of stills that nothing installed here decodes."""


def look(stream: BinaryIO, filetype: FileType, orientation: int) -> Appearance:
    """What a still image looks like as shown. Raises UnreadableMedia with the reason."""
    if filetype.name in NO_DECODER:
        raise UnreadableMedia(f"no decoder for {filetype.name} pictures is installed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = _small_grey(stream, filetype)
            return measure(
                picture, 1 if picture.format == "TIFF" else orientation
            )  # Pillow turns a TIFF itself
    except MemoryError:
        raise
    except Exception as error:  # decoders raise nearly anything for broken files
        raise UnreadableMedia(f"the picture cannot be decoded: {reason_of(error)}") from error


def measure(picture: Image.Image, orientation: int = 1) -> Appearance:
    """What a decoded picture looks like, turned upright first."""
    grey = grey_of(picture)
    longest = max(grey.size)
    small = grey
    if longest > QUALITY_SIDE:
        size = (
            max(1, grey.width * QUALITY_SIDE // longest),
            max(1, grey.height * QUALITY_SIDE // longest),
        )
        small = grey.resize(size, Image.Resampling.BILINEAR)
    grid = small.resize((GRID, GRID), Image.Resampling.LANCZOS, reducing_gap=3.0)
    inside = (
        small.width * INNER,
        small.height * INNER,
        small.width * (1 - INNER),
        small.height * (1 - INNER),
    )
    inner = small.resize((GRID, GRID), Image.Resampling.LANCZOS, box=inside, reducing_gap=3.0)
    tiny = small.resize((LOOK_SIDE, LOOK_SIDE), Image.Resampling.BILINEAR)
    if orientation in _TURNS:
        grid, inner, tiny = (each.transpose(_TURNS[orientation]) for each in (grid, inner, tiny))
    hashes = perceptual_hash(np.asarray(grid)), perceptual_hash(np.asarray(inner))
    return Appearance(*hashes, _encoded(tiny), measure_quality(np.asarray(small)))


def _encoded(tiny: Image.Image) -> str:
    stream = io.BytesIO()
    tiny.save(stream, "WEBP", quality=LOOK_QUALITY, method=1)
    return base64.b64encode(stream.getvalue()).decode()


def decode_look(look: str) -> npt.NDArray[np.uint8]:
    """The small picture of an asset (see `Appearance.look`): LOOK_SIDE x LOOK_SIDE grey values."""
    with Image.open(io.BytesIO(base64.b64decode(look))) as tiny:
        return np.asarray(tiny.convert("L"))


def _small_grey(stream: BinaryIO, filetype: FileType) -> Image.Image:
    if filetype.family == "jpeg":
        picture: ImageFile.ImageFile = JpegImagePlugin.JpegImageFile(stream)
        picture.draft("L", (DRAFT_SIDE, DRAFT_SIDE))
    elif filetype.name in ("heic", "heif"):
        return open_heif(stream)
    else:
        picture = Image.open(stream)
        if filetype.name == "jp2":
            picture.draft("L", (DRAFT_SIDE, DRAFT_SIDE))
    picture.load()
    return avif_upright(picture) if filetype.name == "avif" else picture


def open_heif(stream: BinaryIO) -> Image.Image:
    """The main picture of a HEIF file, upright, with its colour profile in `info`."""
    import pi_heif

    picture: Image.Image = pi_heif.open_heif(stream, convert_hdr_to_8bit=True).to_pillow()  # type: ignore[attr-defined]
    return picture


def avif_upright(picture: Image.Image) -> Image.Image:
    """Pillow leaves an AVIF's own rotation to the EXIF orientation that it reports."""
    turn = _TURNS.get(picture.getexif().get(0x0112, 1))
    return picture.transpose(turn) if turn is not None else picture


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


def upright(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture as it is to be shown, by its EXIF orientation (1-8;
    others mean that it is upright).
    """
    return picture.transpose(_TURNS[orientation]) if orientation in _TURNS else picture


def reason_of(error: BaseException) -> str:
    """What a decoder complained of, on one short line."""
    if isinstance(error, UnidentifiedImageError):
        return "its structure is not understood"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
