"""Pictures written with what their originals state: in the same format where that can be, else as
PNG, which keeps all of it.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from catalog.domain.filetypes import FileType
from catalog.errors import UnsupportedType
from catalog.media.jpeg.segments import APP0, APP1, APP2, APP15, COM, Segments
from catalog.media.scaling.decoder import Picture, turned_round
from catalog.media.source import MemorySource
from catalog.media.write.containers import png_chunk, png_chunks
from catalog.media.write.tiff_picture import PROFILE, XMP, tiff_picture

QUALITY = 95
"""Of JPEG and WebP."""
_PACKING, _PACKING_DEEP = 3, 1
"""Of PNG with 8 and with 16 bits: what more effort saves is a few percent, and takes several times
as long."""
_LONGEST_SIDE = {"jpeg": 65_500, "webp": 16_383}
_APP14 = 0xEE
_XMP_MARK, _EXIF_MARK = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0\0"
_PROFILE_MARK, _INDEX_MARK = b"ICC_PROFILE\0", b"MPF\0"
_LONGEST_PAYLOAD = 0xFFFF - 2
_XMP_KEY = b"XML:com.adobe.xmp"
_PIXEL_CHUNKS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
_OF_OLD_PIXELS = _PIXEL_CHUNKS | {b"bKGD", b"hIST", b"sBIT", b"oFFs", b"sPLT", b"tIME"}
"""Chunks of a PNG that speak of pixels as they were."""


@dataclass(frozen=True, slots=True)
class Original:
    """The file that a picture was made of: its bytes, and its type."""

    data: bytes
    type: FileType


def target_type(original: FileType, picture: Picture) -> str:
    """The type that a picture is written as. Raises UnsupportedType where there is none."""
    height, width = picture.pixels.shape[:2]
    name, longest = original.name, max(height, width)
    is_deep = picture.pixels.dtype != np.uint8
    fits = longest <= _LONGEST_SIDE.get(name, longest) and not (is_deep and name != "tiff")
    if name in ("jpeg", "webp", "tiff") and fits:
        return name
    if picture.mode == "CMYK" or (is_deep and picture.mode == "LA"):
        raise UnsupportedType("no format here can hold it so large")
    return "png"


def encode(picture: Picture, name: str, original: Original) -> bytes:
    """The file of a picture, of the type `name`; its EXIF, XMP and colour profile are the
    picture's, and what else its original states is copied where the type is the same.
    """
    if name == "jpeg":
        return _jpeg(picture, original)
    if name == "webp":
        return _webp(picture, original)
    if name == "tiff":
        blocks = dict(picture.further) | {XMP: picture.xmp, PROFILE: picture.icc}
        given = {tag: data for tag, data in blocks.items() if data}
        return tiff_picture(picture.pixels, picture.mode, picture.exif, given)
    return _png(picture, original)


def _image(picture: Picture) -> Image.Image:
    return Image.fromarray(picture.pixels, picture.mode)


# --- JPEG -----------------------------------------------------------------------------------------


def _jpeg(picture: Picture, original: Original) -> bytes:
    """With every segment of the original's that says something, in its order."""
    stream = io.BytesIO()
    sampling = {"subsampling": picture.sampling} if picture.sampling >= 0 else {}
    _image(picture).save(stream, "JPEG", quality=QUALITY, **sampling)
    coded = stream.getvalue()
    insert = 2
    for marker, start, end in Segments(MemorySource(coded)):
        if marker == APP0 and start == 2:
            insert = end
    kept = [_segment(APP1, _XMP_MARK + picture.xmp)]
    if original.type.name == "jpeg":
        kept = [*_kept_segments(original.data), *kept]
    return coded[:insert] + b"".join(kept) + coded[insert:]


def _kept_segments(data: bytes) -> list[bytes]:
    """All but what speaks of coded pixels and of pictures behind the first, and the XMP packet."""
    kept = []
    for marker, start, end in Segments(MemorySource(data)):
        payload = data[start + 4 : end]
        is_told = (APP1 <= marker <= APP15 and marker != _APP14) or marker == COM
        is_xmp = marker == APP1 and payload.startswith(_XMP_MARK)
        is_index = marker == APP2 and payload.startswith(_INDEX_MARK)
        if is_told and not is_xmp and not is_index:
            kept.append(data[start:end])
    return kept


def _segment(marker: int, payload: bytes) -> bytes:
    if len(payload) > _LONGEST_PAYLOAD:
        raise UnsupportedType("what it states has no room in a JPEG")
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


# --- PNG ------------------------------------------------------------------------------------------


def _png(picture: Picture, original: Original) -> bytes:
    """With the original's chunks, or blocks of it as chunks."""
    coded = _coded_png(picture)
    told = [_text_chunk(picture.xmp)]
    if original.type.name == "png":
        told = [*_kept_chunks(original.data), *told]
    else:
        if picture.icc:
            told.append(png_chunk(b"iCCP", b"icc\0\0" + zlib.compress(picture.icc)))
        if picture.exif:
            told.append(png_chunk(b"eXIf", picture.exif))
    pieces = [coded[:8]]
    for kind, start, end in png_chunks(coded):
        if kind in _PIXEL_CHUNKS:
            pieces.append(coded[start:end])
        if kind == b"IHDR":
            pieces += told
    return b"".join(pieces)


def _coded_png(picture: Picture) -> bytes:
    if picture.mode == "LA":  # which OpenCV cannot write
        stream = io.BytesIO()
        _image(picture).save(stream, "PNG", compress_level=_PACKING)
        return stream.getvalue()
    packing = _PACKING if picture.pixels.dtype == np.uint8 else _PACKING_DEEP
    done, coded = cv2.imencode(
        ".png", turned_round(picture.pixels), [cv2.IMWRITE_PNG_COMPRESSION, packing]
    )
    if not done:
        raise UnsupportedType("it cannot be written as PNG")
    return coded.tobytes()


def _kept_chunks(data: bytes) -> list[bytes]:
    return [
        data[start:end]
        for kind, start, end in png_chunks(data)
        if kind not in _OF_OLD_PIXELS and not data.startswith(_XMP_KEY + b"\0", start + 8)
    ]


def _text_chunk(packet: bytes) -> bytes:
    """An XMP packet as a PNG holds it (XMP part 3, 1.1.5)."""
    return png_chunk(b"iTXt", _XMP_KEY + b"\0\0\0\0\0" + packet)


# --- WebP -----------------------------------------------------------------------------------------


def _webp(picture: Picture, original: Original) -> bytes:
    is_lossless = original.data.find(b"VP8L", 0, 1 << 16) >= 0
    stream = io.BytesIO()
    _image(picture).save(
        stream,
        "WEBP",
        lossless=is_lossless,
        quality=QUALITY,
        exact=True,
        exif=_EXIF_MARK + picture.exif if picture.exif else b"",
        xmp=picture.xmp,
        icc_profile=picture.icc or None,
    )
    return stream.getvalue()
