"""JPEG 2000 (ISO/IEC 15444-1): size from box or code stream, metadata from boxes."""

from __future__ import annotations

from catalog.domain.filetypes import FileType
from catalog.media.bmff.boxes import Walk
from catalog.media.findings import Findings
from catalog.media.images import add_size
from catalog.media.packets import Packets
from catalog.media.source import ByteSource

_MAX_BLOCK = 8 << 20
_UUID_EXIF = b"JpgTiffExif->JP2"
_UUID_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_UUID_IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")


def read_jp2(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a JPEG 2000 file or bare code stream states."""
    if source.read(0, 4) == b"\xff\x4f\xff\x51":
        _add_siz(source.read(0, 24), findings)
        return filetype
    walk, packets = Walk(source), Packets()
    for box in walk.top():
        if box.kind == b"jp2h" and (header := walk.child(box, b"ihdr")):
            data = walk.payload(header, 8)
            add_size(
                findings, int.from_bytes(data[4:8], "big"), int.from_bytes(data[:4], "big"), "jp2"
            )
        elif box.kind == b"jp2c":
            _add_siz(source.read(box.start, 24), findings)
        elif box.kind == b"uuid":
            _take_uuid(walk.payload(box, _MAX_BLOCK), packets)
        elif box.kind == b"xml ":
            packets.add_xmp(walk.payload(box, _MAX_BLOCK))
    packets.apply(findings)
    return filetype


def _add_siz(data: bytes, findings: Findings) -> None:
    """Size of the SIZ marker segment: the reference grid less its offset."""
    if data[:4] == b"\xff\x4f\xff\x51":
        x, y, left, top = (int.from_bytes(data[i : i + 4], "big") for i in (8, 12, 16, 20))
        add_size(findings, x - left, y - top, "jp2")


def _take_uuid(data: bytes, packets: Packets) -> None:
    mark, body = data[:16], data[16:]
    if mark == _UUID_EXIF:
        packets.add_exif(body)
    elif mark == _UUID_XMP:
        packets.add_xmp(body)
    elif mark == _UUID_IPTC:
        packets.iptc.append(body)
