"""Looking at pictures: a small upright grey version of any image, and what it measures.

JPEGs are decoded scaled (DCT), in grey: several times faster than a whole decode, with the same
hash within two bits.
"""

from __future__ import annotations

import base64
import contextlib
import io
import warnings
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, JpegImagePlugin, UnidentifiedImageError

from catalog.domain.asset import Appearance
from catalog.domain.filetypes import FileType
from catalog.domain.looks import measure_relief
from catalog.domain.similarity import GRID, LOOK_SIDE, measure_quality, perceptual_hash
from catalog.errors import UnreadableMedia

DRAFT_SIDE = 128
"""Pixels that a scaled decode keeps on the short side at least:
four for each of the hash's grid.
"""
QUALITY_SIDE = 256
"""Pixels on the long side that quality is measured at."""
LOOK_QUALITY, FAINT_QUALITY = 70, 95
"""WebP quality of the small picture: some 600 bytes; of one with less contrast than FAINT, in which
there is little to be seen, some 1,000.
"""
FAINT = 15.0
"""Standard deviation of grey."""
MOST_TILES = 48
"""Small pictures that are kept of the frames of one file."""
MOST_PIXELS = 400_000_000
"""Pixels of all frames together, beyond which they are not looked at: seconds of decoding."""
MOST_BYTES = 256 * 1024 * 1024
LEAST_SHARE = 0.2
"""Share of a picture's rows that must be there for it to be looked at."""
_UNDECODED = 128
_END_OF_JPEG = b"\xff\xd9"
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
            picture, problem = _small_grey(stream, filetype)
            turn = 1 if picture.format == "TIFF" else orientation  # Pillow turns a TIFF itself
            seen = measure(picture, turn)
            with contextlib.suppress(OSError, SyntaxError, ValueError, EOFError, KeyError):
                seen = replace(seen, frames_look=_look_at_frames(picture, turn))
            return replace(seen, problem=problem)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise nearly anything for broken files
        raise UnreadableMedia(f"the picture cannot be decoded: {reason_of(error)}") from error


def measure(picture: Image.Image, orientation: int = 1) -> Appearance:
    """What a decoded picture looks like, turned upright first."""
    grey = grey_of(picture)
    small = _at_most(grey, QUALITY_SIDE)
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
    quality = replace(
        measure_quality(np.asarray(small)), relief=round(measure_relief(np.asarray(tiny)), 2)
    )
    return Appearance(*hashes, _encoded(tiny), quality)


def _at_most(grey: Image.Image, side: int) -> Image.Image:
    longest = max(grey.size)
    if longest <= side:
        return grey
    size = max(1, grey.width * side // longest), max(1, grey.height * side // longest)
    return grey.resize(size, Image.Resampling.BILINEAR)


def _look_at_frames(picture: Image.Image, orientation: int) -> str | None:
    """Small pictures of all frames or pages, one below the other; of many, each is the mean of some
    that follow each other. None of a single picture, or where there is too much to be decoded.
    """
    count = getattr(picture, "n_frames", 1)
    if count < 2 or count * picture.width * picture.height > MOST_PIXELS:
        return None
    tiles = min(count, MOST_TILES)
    strip = np.zeros((tiles, LOOK_SIDE, LOOK_SIDE), np.float32)
    for number in range(count):
        picture.seek(number)
        tiny = grey_of(picture).resize(
            (LOOK_SIDE, LOOK_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0
        )
        strip[number * tiles // count] += np.asarray(upright(tiny, orientation), np.float32)
    of_each = np.bincount(np.arange(count) * tiles // count, minlength=tiles)
    values = (strip / of_each[:, None, None]).round().astype(np.uint8)
    return _encoded(Image.fromarray(values.reshape(tiles * LOOK_SIDE, LOOK_SIDE)))


def _encoded(tiny: Image.Image) -> str:
    stream = io.BytesIO()
    is_faint = float(np.asarray(tiny).std()) < FAINT
    tiny.save(stream, "WEBP", quality=FAINT_QUALITY if is_faint else LOOK_QUALITY, method=1)
    return base64.b64encode(stream.getvalue()).decode()


def decode_look(look: str) -> npt.NDArray[np.uint8]:
    """The small picture of an asset (see `Appearance.look`): LOOK_SIDE x LOOK_SIDE grey values."""
    with Image.open(io.BytesIO(base64.b64decode(look))) as tiny:
        return np.asarray(tiny.convert("L"))


def _small_grey(stream: BinaryIO, filetype: FileType) -> tuple[Image.Image, str]:
    """A picture, and what of it could not be decoded."""
    if filetype.family == "jpeg":
        return _small_jpeg(stream)
    if filetype.name in ("heic", "heif"):
        return open_heif(stream), ""
    picture = Image.open(stream)
    if filetype.name == "jp2":
        picture.draft("L", (DRAFT_SIDE, DRAFT_SIDE))
    picture.load()
    return (avif_upright(picture) if filetype.name == "avif" else picture), ""


def _small_jpeg(stream: BinaryIO) -> tuple[Image.Image, str]:
    """A JPEG; of one that is cut short as much as there is, and grey below."""
    picture = _drafted(stream)
    try:
        picture.load()
    except OSError:
        stream.seek(0)
        picture = _drafted(io.BytesIO(stream.read(MOST_BYTES) + _END_OF_JPEG))
        picture.load()
        share = share_decoded(np.asarray(grey_of(picture)))
        if share < LEAST_SHARE:
            raise
        what = "all" if share == 1 else f"only the upper {share:.0%}"
        return picture, f"the file is cut short: {what} of its picture can be decoded"
    return picture, ""


def _drafted(stream: BinaryIO) -> ImageFile.ImageFile:
    picture = JpegImagePlugin.JpegImageFile(stream)
    picture.draft("L", (DRAFT_SIDE, DRAFT_SIDE))
    return picture


def share_decoded(grey: npt.NDArray[np.uint8], tolerance: int = 0) -> float:
    """The share of the rows of a JPEG (0 to 1) that are not left as its decoder leaves what it has
    no data for."""
    known = np.flatnonzero(np.abs(grey.astype(np.int16) - _UNDECODED).max(axis=1) > tolerance)
    return float(known[-1] + 1) / len(grey) if len(known) else 0.0


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
