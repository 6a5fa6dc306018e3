"""The coded picture of a JPEG: a hash of it, which copies have in common that differ in their
metadata; and whether a part of it is missing.
"""

from __future__ import annotations

import re

import xxhash

from catalog.media.jpeg.segments import APP0, APP15, COM, SOS, Segments
from catalog.media.source import MemorySource

_SOI = b"\xff\xd8"
_EOI = b"\xff\xd9"
_SECTOR = 512
_NOT_ZERO = re.compile(rb"[^\0]")


def image_data_hash(data: bytes) -> str | None:
    """XXH3 (128 bits, hex) of a JPEG without its APPn and COM segments.

    From the first table to the end of the picture (EOI included); a movie behind it does not count.
    None if the structure is broken.
    """
    if not data.startswith(_SOI):
        return None
    view = memoryview(data)
    digest = xxhash.xxh3_128()
    for marker, start, end in Segments(MemorySource(data)):
        if marker == SOS:
            digest.update(view[start : _end_of_picture(data, end)])
            return digest.hexdigest()
        if not (APP0 <= marker <= APP15 or marker == COM):
            digest.update(view[start:end])
    return None


def find_hole(data: bytes) -> int | None:
    """Where the coded picture of a JPEG has sectors of nothing but zeros, as a crash or a failing
    disk leaves them; decoders show grey there, and do not complain. None where it has none.

    A flat picture may be coded as zeros as well, but they do not begin and end with a sector.
    """
    segments = Segments(MemorySource(data)) if data.startswith(_SOI) else ()
    start = next((end for marker, _start, end in segments if marker == SOS), len(data))
    last = data.find(_EOI, start)
    limit = len(data) if last < 0 else last
    at = data.find(bytes(_SECTOR), start, limit)
    while at >= 0:
        found = _NOT_ZERO.search(data, at)
        end = found.start() if found else len(data)
        if at % _SECTOR == 0 and (end % _SECTOR == 0 or found is None):
            return at
        at = data.find(bytes(_SECTOR), end, limit)
    return None


def _end_of_picture(data: bytes, start: int) -> int:
    """Just past the picture's EOI, which coded data cannot hold.

    A file that ends with one is taken whole: looking for an earlier one would cost more than all
    the other metadata.
    """
    if data.endswith(_EOI):
        return len(data)
    end = data.find(_EOI, start)
    return len(data) if end < 0 else end + 2
