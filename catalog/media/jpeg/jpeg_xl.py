"""JPEG XL (ISO/IEC 18181): size from the code stream, metadata from boxes."""

from __future__ import annotations

import brotli

from catalog.domain.filetypes import FileType
from catalog.media.bmff.boxes import Box, Walk
from catalog.media.findings import Findings
from catalog.media.images import add_size
from catalog.media.packets import Packets
from catalog.media.source import ByteSource

_MAX_BLOCK = 8 << 20


def read_jxl(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a JPEG XL file states.

    The code stream's own orientation turns the picture; EXIF's does not.
    """
    if source.read(0, 2) == b"\xff\x0a":
        _read_code_stream(source.read(0, 64), findings)
        return filetype
    walk, packets = Walk(source), Packets()
    stream = b""
    for box in walk.top():
        if box.kind in (b"jxlc", b"jxlp"):
            if len(stream) < 64:
                stream += source.read(box.start + (4 if box.kind == b"jxlp" else 0), 64)
        elif box.kind in (b"Exif", b"xml ", b"brob") and len(packets.xmp) + len(packets.exif) < 8:
            _take_box(walk, box, packets)
    _read_code_stream(stream, findings)
    packets.apply(findings)
    return filetype


def _take_box(walk: Walk, box: Box, packets: Packets) -> None:
    kind, data = box.kind, walk.payload(box, _MAX_BLOCK)
    if kind == b"brob":
        kind, data = data[:4], _unpack(data[4:]) if data[:4] in (b"Exif", b"xml ") else b""
    if kind == b"Exif":
        skip = int.from_bytes(data[:4], "big")
        body = data[4 + skip :]
        packets.add_exif(body if body[:2] in (b"II", b"MM") else data[4:])
    elif kind == b"xml ":
        packets.add_xmp(data)


def _unpack(data: bytes) -> bytes:
    """Brotli data unpacked piece by piece, at most 8 MB."""
    decoder = brotli.Decompressor()
    out = b""
    for start in range(0, len(data), 4096):
        out += decoder.process(data[start : start + 4096], output_buffer_limit=_MAX_BLOCK)
        if len(out) >= _MAX_BLOCK or decoder.is_finished():
            break
    return out


class _Bits:
    """Bits of a JPEG XL header, least significant first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._value & (1 << count) - 1
        self._value >>= count
        return value


def _read_code_stream(data: bytes, findings: Findings) -> None:
    """SizeHeader and orientation of ImageMetadata (ISO/IEC 18181-1, D.2 and D.3)."""
    if data[:2] != b"\xff\x0a" or len(data) < 8:
        return
    bits = _Bits(data[2:])
    small = bits.take(1)
    height = _dimension(bits, small)
    ratio = bits.take(3)
    if ratio == 0:
        width = _dimension(bits, small)
    else:
        top, bottom = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
        width = height * top // bottom
    orientation = 1
    if not bits.take(1) and bits.take(1):
        orientation = bits.take(3) + 1
    if orientation >= 5:
        width, height = height, width
    add_size(findings, width, height, "jxl")
    findings.displayed = True


def _dimension(bits: _Bits, small: int) -> int:
    if small:
        return (bits.take(5) + 1) * 8
    return bits.take((9, 13, 18, 30)[bits.take(2)]) + 1
