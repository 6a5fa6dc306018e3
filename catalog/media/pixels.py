"""Looking at pictures: a small upright grey version of any image, and what it measures.

JPEGs are decoded scaled (DCT), in grey: several times faster than a whole decode, with the same
hash within two bits.
"""

from __future__ import annotations

import base64
import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, JpegImagePlugin

from catalog.domain.asset import Appearance
from catalog.domain.filetypes import FileType
from catalog.domain.looks import measure_relief
from catalog.domain.similarity import GRID, LOOK_SIDE, measure_quality, perceptual_hash
from catalog.errors import UnreadableMedia
from catalog.media import renderer

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
MOST_TWICE = 1_000_000
"""Pixels of a JPEG up to which it is decoded twice: for its look, and for a preview."""
SMALLEST_EMBEDDED = 320
"""Pixels on the long side below which a JPEG inside a RAW file is too small to judge by."""
_UNDECODED = 128
_END_OF_JPEG = b"\xff\xd9"
INNER = 0.025
"""Share of each side that is cut off for the second hash,
which finds pictures that were cropped a little.
"""

Image.MAX_IMAGE_PIXELS = (
    None  # the reader's limits of memory and time guard against bombs, large panoramas are real
)
NO_DECODER = frozenset({"jxl", "x3f"})
"""Types of stills that nothing installed here decodes."""


def look(stream: BinaryIO, filetype: FileType, orientation: int, side: int = 0) -> Appearance:
    """What a still image looks like as shown, with a preview of so many pixels on its long side (0:
    without one), where that costs no further decode of a large picture. Raises UnreadableMedia with
    the reason.
    """
    with _decoding(filetype):
        grey, picture, full, problem = decode(stream, filetype, side)
        turn = 1 if grey.format == "TIFF" else orientation  # Pillow turns a TIFF itself
        seen = measure(grey, turn)
        if side and picture is not None:
            seen = replace(seen, preview=renderer.render(picture, side, turn, full))
        with contextlib.suppress(OSError, SyntaxError, ValueError, EOFError, KeyError):
            seen = replace(seen, frames_look=_look_at_frames(grey, turn))
        return replace(seen, problem=problem)


def preview(stream: BinaryIO, filetype: FileType, orientation: int, side: int) -> bytes:
    """A still image as people are shown it. Raises UnreadableMedia with the reason."""
    with _decoding(filetype):
        if filetype.family == "jpeg":
            opened = JpegImagePlugin.JpegImageFile(stream)
            full = opened.size
            picture, _problem = _drafted(opened, stream, None, renderer.within(full, side))
            return renderer.render(picture, side, orientation, full)
        picture = _opened(stream, filetype)
        turn = 1 if picture.format == "TIFF" else orientation
        return renderer.render(picture, side, turn)


def is_enough(embedded: BinaryIO) -> bool:
    """Whether a JPEG inside a RAW file is large enough for people to judge the picture by."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return max(JpegImagePlugin.JpegImageFile(embedded).size) >= SMALLEST_EMBEDDED
    except Exception:  # it is developed, then
        return False
    finally:
        embedded.seek(0)


@contextlib.contextmanager
def _decoding(filetype: FileType) -> Iterator[None]:
    """Whatever a decoder raises, as UnreadableMedia."""
    if filetype.name in NO_DECODER:
        raise UnreadableMedia(f"no decoder for {filetype.name} pictures is installed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MemoryError:
        raise
    except Exception as error:  # decoders raise nearly anything for broken files
        reason = renderer.reason_of(error)
        raise UnreadableMedia(f"the picture cannot be decoded: {reason}") from error


def look_at(picture: Image.Image, orientation: int = 1, side: int = 0) -> Appearance:
    """What a picture looks like that is decoded already, with a preview if a side is given."""
    seen = measure(picture, orientation)
    return replace(seen, preview=renderer.render(picture, side, orientation)) if side else seen


def measure(picture: Image.Image, orientation: int = 1) -> Appearance:
    """What a decoded picture looks like, turned upright first."""
    grey = renderer.grey_of(picture)
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
    if orientation in renderer.TURNS:
        grid, inner, tiny = (
            each.transpose(renderer.TURNS[orientation]) for each in (grid, inner, tiny)
        )
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
        tiny = renderer.grey_of(picture).resize(
            (LOOK_SIDE, LOOK_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0
        )
        strip[number * tiles // count] += np.asarray(
            renderer.upright(tiny, orientation), np.float32
        )
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


class Decoded(NamedTuple):
    """A picture as it is measured, and as it is shown in colour, which may be the same object, and
    is None where it would have to be decoded for that alone; its size before it was decoded
    smaller, and what of it could not be decoded.
    """

    grey: Image.Image
    picture: Image.Image | None
    full: tuple[int, int]
    problem: str = ""


def decode(stream: BinaryIO, filetype: FileType, side: int) -> Decoded:
    """A picture to be measured, and to be shown with so many pixels on its long side; its grey is
    exactly what a decode for nothing else gives. Raises what decoders do.
    """
    if filetype.family == "jpeg":
        return _jpeg(stream, side)
    picture = _opened(stream, filetype)
    return Decoded(picture, picture, picture.size)


def _opened(stream: BinaryIO, filetype: FileType) -> Image.Image:
    """A picture that cannot be decoded smaller."""
    if filetype.name in ("heic", "heif"):
        return open_heif(stream)
    picture: Image.Image = Image.open(stream)
    picture.load()
    return renderer.avif_upright(picture) if filetype.name == "avif" else picture


def _jpeg(stream: BinaryIO, side: int) -> Decoded:
    """A JPEG; of one that is cut short as much as there is, and grey below.

    One decode does for both where they need the same scale: the first of three channels is the grey
    picture then. Else only a small one is decoded twice.
    """
    opened = JpegImagePlugin.JpegImageFile(stream)
    full = opened.size
    least, wanted = (DRAFT_SIDE, DRAFT_SIDE), renderer.within(full, side or DRAFT_SIDE)
    if side and _scale(full, wanted) == _scale(full, least) and _has_luma(opened):
        picture, problem = _drafted(opened, stream, "YCbCr", wanted)
        return Decoded(picture, picture, full, problem)
    grey, problem = _drafted(opened, stream, "L", least)
    if not side or full[0] * full[1] > MOST_TWICE:
        return Decoded(grey, None, full, problem)
    stream.seek(0)
    again = JpegImagePlugin.JpegImageFile(stream)
    return Decoded(grey, _drafted(again, stream, None, wanted)[0], full, problem)


def _scale(full: tuple[int, int], least: tuple[int, int]) -> int:
    """By how much Pillow has a JPEG decoded smaller so that it still has the least size."""
    by = min(full[0] // least[0], full[1] // least[1])
    return next((scale for scale in (8, 4, 2) if by >= scale), 1)


def _has_luma(picture: ImageFile.ImageFile) -> bool:
    """Whether a JPEG stores brightness apart from colours (libjpeg goes by the same marks), or
    nothing else.
    """
    names = [layer[0] for layer in getattr(picture, "layer", ())]
    is_rgb = picture.info.get("adobe_transform", 1) != 1 or names == [*b"RGB"]
    return picture.mode == "L" or (picture.mode == "RGB" and not is_rgb)


def _drafted(
    picture: ImageFile.ImageFile, stream: BinaryIO, mode: str | None, least: tuple[int, int]
) -> tuple[Image.Image, str]:
    """A JPEG that was opened, decoded scaled, and what of it could not be decoded."""
    picture.draft(mode, least)
    try:
        picture.load()
    except OSError:
        stream.seek(0)
        picture = JpegImagePlugin.JpegImageFile(io.BytesIO(stream.read(MOST_BYTES) + _END_OF_JPEG))
        picture.draft(mode, least)
        picture.load()
        share = share_decoded(np.asarray(renderer.grey_of(picture)))
        if share < LEAST_SHARE:
            raise
        what = "all" if share == 1 else f"only the upper {share:.0%}"
        return picture, f"the file is cut short: {what} of its picture can be decoded"
    return picture, ""


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
