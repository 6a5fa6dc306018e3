"""Pictures with all their bits, as arrays; what would not be kept is refused.

Pillow decodes what has 8 bits in each channel, and proves that a file is whole; OpenCV decodes the
deeper ones.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from catalog.domain.filetypes import FileType
from catalog.errors import UnreadableMedia, UnsupportedType
from catalog.media import renderer
from catalog.media.packets import tiff_start
from catalog.media.tiff.ifd import tiff_in_memory
from catalog.media.write.containers import png_chunks
from catalog.media.write.exif_block import write_software
from catalog.media.write.tiff_picture import COPIED, XMP

Array: TypeAlias = npt.NDArray[Any]
"""Of 8 or 16 bits without a sign."""
_PLAIN = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
_SIMPLER = {"1": "L", "P": "RGB", "PA": "RGBA", "I;16": "I;16", "I;16B": "I;16", "I;16L": "I;16"}
_LAYOUT_TAGS = frozenset(
    (
        *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 277, 278, 279, 284, 292, 293, 317),
        *(320, 321, 322, 323, 324, 325, 330, 332, 334, 336, 338, 339, 340, 341, 347, 512, 513),
        *(514, 519, 520, 521, 529, 530, 531, 532),
    )
)
"""What a TIFF says of how its pixels lie, and where (TIFF 6.0)."""
_BLACK_IS_ZERO, _RGB = 1, 2
_GREY_WITH_ALPHA = 4
_HIGH_BITDEPTH = 0x40


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of pixels, of one channel or of several in the order of `mode` (L, LA, RGB, RGBA or
    CMYK), in 8 or 16 bits; and what the file states besides: a TIFF structure, an XMP packet, a
    colour profile, each b"" where there is none. `further` are blocks of a TIFF by tag.

    `is_upright`: the pixels lie as they are to be shown, whatever turn the metadata states.
    """

    pixels: Array
    mode: str
    exif: bytes = b""
    xmp: bytes = b""
    icc: bytes = b""
    further: tuple[tuple[int, bytes], ...] = ()
    is_upright: bool = False
    sampling: int = -1


def decode(data: bytes, filetype: FileType) -> Picture:
    """The picture of a still.

    Raises UnreadableMedia for one that is broken or not whole, UnsupportedType for one of which
    something would be lost.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decoded(data, filetype)
    except (MemoryError, UnsupportedType, UnreadableMedia):
        raise
    except Exception as error:  # decoders raise nearly anything for broken files
        reason = renderer.reason_of(error)
        raise UnreadableMedia(f"the picture cannot be decoded: {reason}") from error


def _decoded(data: bytes, filetype: FileType) -> Picture:
    if filetype.name in ("heic", "heif"):
        return _of_heif(data)
    if filetype.name == "avif":
        _check_shallow(data)
    picture = Image.open(io.BytesIO(data))
    exif = _exif_of(picture)
    is_tiff = picture.format == "TIFF"
    further = _tiff_blocks(data) if is_tiff else ()
    deep = _deep_png(data) if filetype.name == "png" else _deep_tiff(picture) if is_tiff else ""
    picture.load()
    info = picture.info
    xmp, icc = info.get("xmp") or b"", info.get("icc_profile") or b""
    stated = exif, xmp if isinstance(xmp, bytes) else xmp.encode(), icc, further
    if deep:
        # OpenCV turns some TIFFs, and nobody can tell which
        plain = write_software(data, "", upright=True) if is_tiff else data
        return Picture(_by_opencv(plain, deep), deep, *stated)
    array, mode = _as_array(picture)
    from PIL import JpegImagePlugin

    sampling = JpegImagePlugin.get_sampling(picture) if picture.format == "JPEG" else -1
    if filetype.name == "avif":
        turned = renderer.avif_upright(picture)
        array, mode = _as_array(turned)
    is_upright = is_tiff or filetype.name == "avif"  # Pillow turns a TIFF itself
    return Picture(array, mode, *stated, is_upright, sampling)


def _as_array(picture: Image.Image) -> tuple[Array, str]:
    """The pixels, of palettes and of two colours in all of their colours."""
    mode = picture.mode
    if mode == "P" and picture.has_transparency_data:
        mode = "RGBA"
    elif "transparency" in picture.info and mode in ("1", "L", "RGB"):
        mode = "RGBA" if mode == "RGB" else "LA"
    else:
        mode = _SIMPLER.get(mode, mode)
    if mode == "I;16":
        return np.asarray(picture).astype(np.uint16), "L"
    if mode not in _PLAIN:
        raise UnsupportedType(f"pictures with pixels of the kind {picture.mode} are not scaled")
    return np.asarray(picture if mode == picture.mode else picture.convert(mode)), mode


def _of_heif(data: bytes) -> Picture:
    import pi_heif

    found = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)[0]  # type: ignore[attr-defined]
    info, mode = found.info, found.mode.partition(";")[0]
    if mode not in _PLAIN:
        raise UnsupportedType(f"pictures with pixels of the kind {found.mode} are not scaled")
    exif, xmp = info.get("exif") or b"", info.get("xmp") or b""
    icc = info.get("icc_profile") or b""
    array = np.array(found)  # a view would outlive what it looks at
    return Picture(array, mode, _bare(exif), xmp, icc, is_upright=True)


def _check_shallow(avif: bytes) -> None:
    """Raise UnsupportedType where a decoder for 8 bits would lose some (AV1-ISOBMFF, 2.3.3)."""
    at = avif.find(b"av1C", 0, 1 << 16)
    if at >= 0 and len(avif) > at + 6 and avif[at + 6] & _HIGH_BITDEPTH:
        raise UnsupportedType("no decoder for all of its bits is installed")


def _deep_png(data: bytes) -> str:
    """The mode of a PNG of 16 bits, "" for others."""
    if len(data) < 26 or data[24] != 16:
        return ""
    is_masked = any(kind == b"tRNS" for kind, _start, _end in png_chunks(data))
    if data[25] == _GREY_WITH_ALPHA or is_masked:
        raise UnsupportedType("pictures of 16 bits with this kind of transparency are not scaled")
    return {0: "L", 2: "RGB", 6: "RGBA"}[data[25]]


def _deep_tiff(picture: Image.Image) -> str:
    """The same of a TIFF."""
    tags = picture.tag_v2  # type: ignore[attr-defined]
    bits, samples = max(tags.get(258, (1,))), tags.get(277, 1)
    if bits <= 8:
        return ""
    is_plain = (tags.get(262), samples) in ((_BLACK_IS_ZERO, 1), (_RGB, 3), (_RGB, 4))
    if bits != 16 or not is_plain or max(tags.get(339, (1,))) != 1:
        raise UnsupportedType("a TIFF with pixels of this kind is not scaled")
    return {1: "L", 3: "RGB", 4: "RGBA"}[samples]


def _by_opencv(data: bytes, mode: str) -> Array:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16:
        raise UnreadableMedia("the picture cannot be decoded in all of its bits")
    array: Array = found[:, :, 0] if found.ndim == 3 and mode == "L" else found
    return turned_round(array)


def turned_round(array: Array) -> Array:
    """An array whose colours are in the reverse order, as OpenCV has them."""
    if array.ndim == 2 or array.shape[2] < 3:
        return array
    order = [2, 1, 0, 3][: array.shape[2]]
    return np.ascontiguousarray(array[:, :, order])


def _exif_of(picture: Image.Image) -> bytes:
    """The EXIF as a TIFF structure of its own; of a TIFF, what says nothing of its pixels."""
    if picture.format != "TIFF":
        given = picture.info.get("exif") or b""
        return _bare(given if isinstance(given, bytes) else b"")
    exif = picture.getexif()
    for tag in [tag for tag in exif if tag in _LAYOUT_TAGS or tag in COPIED]:
        del exif[tag]
    return _bare(exif.tobytes()) if len(exif) else b""


def _bare(exif: bytes) -> bytes:
    start = tiff_start(exif)
    return exif[start:] if start >= 0 else b""


def _tiff_blocks(data: bytes) -> tuple[tuple[int, bytes], ...]:
    """The blocks of a TIFF that are copied byte by byte."""
    tiff = tiff_in_memory(data)
    main = tiff.ifd(tiff.first, COPIED) if tiff.order else None
    if main is None:
        return ()
    spans = {tag: main.span(tag) for tag in main.tags() if tag != XMP}
    return tuple((tag, data[start : start + size]) for tag, (start, size) in spans.items())
