"""A TIFF of pixels and of what is said of them (TIFF 6.0, with Adobe's deflate and predictor)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from catalog.errors import UnsupportedType
from catalog.media.tiff.ifd import tiff_in_memory
from catalog.media.write.exif_block import NEW, ORDERS, append_directory, directory_row

XMP, IPTC, PHOTOSHOP, PROFILE = 700, 33723, 34377, 34675
COPIED = frozenset((XMP, IPTC, PHOTOSHOP, PROFILE))
"""Tags whose values are blocks of bytes."""
_BYTE, _SHORT, _LONG, _UNDEFINED = 1, 3, 4, 7
_KINDS = {XMP: _BYTE}
_PHOTOMETRIC = {"L": 1, "LA": 1, "RGB": 2, "RGBA": 2, "CMYK": 5}
_DEFLATE, _HORIZONTAL, _UNASSOCIATED = 8, 2, 2
_LEVEL = 6
_STRIP = 1 << 20
"""Bytes of pixels that are packed together, or those of one row."""
_LARGEST = 0xFFFF_0000


def tiff_picture(
    pixels: npt.NDArray[Any],
    mode: str,
    block: bytes,
    blocks: Mapping[int, bytes],
) -> bytes:
    """The file. `pixels` are rows of samples of 8 or 16 bits, `mode` says of what: L, LA, RGB, RGBA
    or CMYK.

    `block` is a TIFF structure without pixels whose directories it takes over, b"" for none;
    `blocks` are further values by tag. Raises ValueError where the structure is not understood,
    UnsupportedType for more than such a file can hold.
    """
    file = bytearray(block or NEW)
    order = ORDERS[bytes(file[:4])]
    tiff = tiff_in_memory(bytes(file))
    main = tiff.ifd(tiff.first, ()) if block else None
    rows = main.rows() if main else {}
    samples = pixels[:, :, None] if pixels.ndim == 2 else pixels
    height, width, count = samples.shape
    per_strip = max(1, _STRIP // max(1, samples[0].nbytes))
    offsets, lengths = [], []
    for top in range(0, height, per_strip):
        packed = _packed(samples[top : top + per_strip], order)
        offsets.append(len(file))
        lengths.append(len(packed))
        file += packed
        if len(file) > _LARGEST:
            raise UnsupportedType("it would be larger than a TIFF can be")
    stated = {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [samples.itemsize * 8] * count),
        259: (_SHORT, [_DEFLATE]),
        262: (_SHORT, [_PHOTOMETRIC[mode]]),
        273: (_LONG, offsets),
        277: (_SHORT, [count]),
        278: (_LONG, [per_strip]),
        279: (_LONG, lengths),
        284: (_SHORT, [1]),
        317: (_SHORT, [_HORIZONTAL]),
    }
    if mode.endswith("A"):
        stated[338] = (_SHORT, [_UNASSOCIATED])
    for tag, (kind, values) in stated.items():
        data = struct.pack(f"{order}{len(values)}{'H' if kind == _SHORT else 'I'}", *values)
        rows[tag] = _placed(file, order, tag, kind, data)
    for tag, data in blocks.items():
        rows[tag] = _placed(file, order, tag, _KINDS.get(tag, _UNDEFINED), data)
    following = main.next if main else 0
    struct.pack_into(f"{order}I", file, 4, append_directory(file, order, rows, {}, following))
    return bytes(file)


def _packed(samples: npt.NDArray[Any], order: str) -> bytes:
    """Rows as differences from the sample to the left, deflated."""
    differences = samples.copy()
    differences[:, 1:] -= samples[:, :-1]
    return zlib.compress(differences.astype(f"{order}u{samples.itemsize}").tobytes(), _LEVEL)


def _placed(file: bytearray, order: str, tag: int, kind: int, data: bytes) -> bytes:
    """A row of a directory, whose value is added to the file where it does not fit into the row."""
    count = len(data) // {_SHORT: 2, _LONG: 4}.get(kind, 1)
    if len(data) <= 4:
        return directory_row(order, tag, kind, count, data.ljust(4, b"\0"))
    file += bytes(len(file) % 2)
    start = struct.pack(f"{order}I", len(file))
    file += data
    return directory_row(order, tag, kind, count, start)
