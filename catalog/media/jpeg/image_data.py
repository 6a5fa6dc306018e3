"""What copies of a JPEG have in common that differ in their metadata: a hash of all the rest."""

from __future__ import annotations

import xxhash

from catalog.media.jpeg.segments import APP0, APP15, COM, SOS, Segments
from catalog.media.source import MemorySource

_SOI = b"\xff\xd8"
_EOI = b"\xff\xd9"


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


def _end_of_picture(data: bytes, start: int) -> int:
    """Just past the picture's EOI, which coded data cannot hold.

    A file that ends with one is taken whole: looking for an earlier one would cost more than all
    the other metadata.
    """
    if data.endswith(_EOI):
        return len(data)
    end = data.find(_EOI, start)
    return len(data) if end < 0 else end + 2
