"""Canon CR3: ISO base media boxes around TIFF blocks (undocumented;
layout as found by the LibRaw and ExifTool projects).
"""

from __future__ import annotations

from catalog.domain.filetypes import FileType
from catalog.media.bmff.boxes import Box, Walk
from catalog.media.findings import Findings
from catalog.media.images import add_size
from catalog.media.packets import Packets
from catalog.media.source import ByteSource
from catalog.media.tiff.exif import FIELD_TAGS, read_dates, read_fields, read_lens_lengths
from catalog.media.tiff.gps import GPS_TAGS, read_gps
from catalog.media.tiff.ifd import Ifd, tiff_in_memory

_CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_PREVIEW = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406d4d16")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MAX_BLOCK = 4 << 20
_WIDTH, _HEIGHT = 0x100, 0x101
_MAIN_TAGS = FIELD_TAGS | {_WIDTH, _HEIGHT}


def read_cr3(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a CR3 file states: EXIF of its CMT blocks, XMP, the picture's size, the preview's
    place.

    The largest track holds all that the sensor saw, borders without light included: its size is
    that of the picture only where the camera does not state one.
    """
    walk, packets = Walk(source), Packets()
    for box in walk.top():
        if box.kind == b"moov":
            _read_movie(walk, box, findings)
        elif box.kind == b"uuid":
            mark = walk.payload(box, 16)
            if mark == _XMP:
                packets.add_xmp(walk.payload(box, _MAX_BLOCK)[16:])
            elif mark == _PREVIEW:
                _add_preview(walk, box, findings)
    packets.apply(findings)
    return filetype


def _read_movie(walk: Walk, moov: Box, findings: Findings) -> None:
    stated, sizes = (0, 0), []
    for box in walk.inside(moov):
        if box.kind == b"uuid" and walk.payload(box, 16) == _CANON:
            stated = _read_blocks(walk, box, findings)
        elif box.kind == b"trak":
            sizes.append(_track_size(walk, box))
    sizes.sort(key=lambda size: -size[0] * size[1])
    for width, height in [stated, *sizes[:1]]:
        add_size(findings, width, height, "cr3")


def _read_blocks(walk: Walk, canon: Box, findings: Findings) -> tuple[int, int]:
    """CMT1 is IFD0, CMT2 the Exif and CMT4 the GPS directory,
    each as the first of a TIFF block of its own.

    The width and height that CMT1 states, else zeros.
    """
    inner = (b for b in walk.inside(canon, 16) if b.kind[:3] == b"CMT")
    blocks = {b.kind: walk.payload(b, _MAX_BLOCK) for b in inner}
    exif, main = (
        _first_ifd(blocks.get(b"CMT2"), FIELD_TAGS),
        _first_ifd(blocks.get(b"CMT1"), _MAIN_TAGS),
    )
    for ifd in (main, exif):
        if ifd is not None:
            read_fields(ifd, findings)
    for ifd in (exif, main):
        if ifd is not None:
            read_dates(ifd, findings, exif)
            read_lens_lengths(ifd, findings)
    gps = _first_ifd(blocks.get(b"CMT4"), GPS_TAGS)
    if gps is not None:
        read_gps(gps, findings)
    return (main.integer(_WIDTH) or 0, main.integer(_HEIGHT) or 0) if main is not None else (0, 0)


def _first_ifd(block: bytes | None, wanted: frozenset[int]) -> Ifd | None:
    if not block:
        return None
    tiff = tiff_in_memory(block)
    return tiff.ifd(tiff.first, wanted) if tiff.order else None


def _track_size(walk: Walk, track: Box) -> tuple[int, int]:
    """Width and height of a track's first sample entry; (0,
    0) unless it is Canon's raw or JPEG coding.
    """
    box = walk.child(track, b"mdia", b"minf", b"stbl", b"stsd")
    data = walk.payload(box, 64) if box else b""
    if data[12:16] != b"CRAW":
        return 0, 0
    return int.from_bytes(data[40:42], "big"), int.from_bytes(data[42:44], "big")


def _add_preview(walk: Walk, box: Box, findings: Findings) -> None:
    """The JPEG inside the PRVW box of the preview uuid box."""
    for inner in walk.inside(box, 24):
        if inner.kind == b"PRVW":
            length = int.from_bytes(walk.source.read(inner.start + 12, 4), "big")
            start = inner.start + 16
            if walk.source.read(start, 2) == b"\xff\xd8" and start + length <= walk.source.size:
                findings.add("preview_offset", start, "cr3")
                findings.add("preview_length", length, "cr3")
