"""Canon CR3: ISO base media boxes around TIFF blocks (undocumented;
layout as found by the LibRaw and ExifTool projects).
"""

from __future__ import annotations

from catalog.domain.filetypes import FileType
from catalog.media.bmff.boxes import Box, Walk
from catalog.media.findings import Findings
from catalog.media.packets import Packets
from catalog.media.source import ByteSource
from catalog.media.tiff.exif import FIELD_TAGS, read_dates, read_fields
from catalog.media.tiff.gps import GPS_TAGS, read_gps
from catalog.media.tiff.ifd import Ifd, tiff_in_memory

_CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_PREVIEW = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406d4d16")
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MAX_BLOCK = 4 << 20


def read_cr3(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a CR3 file states: EXIF of its CMT blocks, XMP, the largest sensor track's size,
    the preview's place.
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
    sizes = []
    for box in walk.inside(moov):
        if box.kind == b"uuid" and walk.payload(box, 16) == _CANON:
            _read_blocks(walk, box, findings)
        elif box.kind == b"trak":
            sizes.append(_track_size(walk, box))
    width, height = max(sizes, key=lambda s: s[0] * s[1], default=(0, 0))
    if width and height:
        findings.add("width", width, "cr3")
        findings.add("height", height, "cr3")


def _read_blocks(walk: Walk, canon: Box, findings: Findings) -> None:
    """CMT1 is IFD0, CMT2 the Exif and CMT4 the GPS directory,
    each as the first of a TIFF block of its own.
    """
    inner = (b for b in walk.inside(canon, 16) if b.kind[:3] == b"CMT")
    blocks = {b.kind: walk.payload(b, _MAX_BLOCK) for b in inner}
    exif, main = (
        _first_ifd(blocks.get(b"CMT2"), FIELD_TAGS),
        _first_ifd(blocks.get(b"CMT1"), FIELD_TAGS),
    )
    for ifd in (main, exif):
        if ifd is not None:
            read_fields(ifd, findings)
    for ifd in (exif, main):
        if ifd is not None:
            read_dates(ifd, findings, exif)
    gps = _first_ifd(blocks.get(b"CMT4"), GPS_TAGS)
    if gps is not None:
        read_gps(gps, findings)


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
