"""Camera RAW formats with shapes of their own: Fujifilm RAF, Minolta MRW, Canon CRW (CIFF),
Sigma X3F.

None is documented by its maker (CIFF is, partly); the layouts are those the LibRaw, dcraw and
ExifTool projects found.
"""

from __future__ import annotations

import struct

from catalog.domain.filetypes import FileType
from catalog.media.findings import Findings
from catalog.media.images import add_size
from catalog.media.jpeg.reader import read_jpeg
from catalog.media.packets import try_read
from catalog.media.source import ByteSource, Window
from catalog.media.texts import decode_text
from catalog.media.tiff.ciff import add_epoch, read_ciff
from catalog.media.tiff.exif import read_exif

_MAX_BLOCK = 4 << 20
_MAX_ENTRIES = 512
_TURNS = {0: 1, 90: 6, 180: 3, 270: 8}


def read_raf(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a RAF states: EXIF of its embedded JPEG,
    size of its directory (height before width).
    """
    head = source.read(0, 108)
    start, length, directory = (int.from_bytes(head[i : i + 4], "big") for i in (84, 88, 92))
    _take_jpeg(source, start, length, findings)
    findings.add("make", "FUJIFILM", "raf")
    findings.add("model", decode_text(head[28:60].partition(b"\0")[0]), "raf")
    values = _raf_directory(source, directory)
    for tag in (0x111, 0x121, 0x100):
        data = values.get(tag, b"")
        if len(data) >= 4:
            height, width = struct.unpack_from(">2H", data)
            add_size(findings, width, height, "raf")
    return filetype


def _raf_directory(source: ByteSource, start: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    count = int.from_bytes(source.read(start, 4), "big")
    start += 4
    for _ in range(min(count, _MAX_ENTRIES)):
        head = source.read(start, 4)
        if len(head) < 4:
            break
        tag, length = struct.unpack(">2H", head)
        found.setdefault(tag, source.read(start + 4, min(length, 64)))
        start += 4 + length
    return found


def _take_jpeg(source: ByteSource, start: int, length: int, findings: Findings) -> bool:
    if length < 4 or source.read(start, 2) != b"\xff\xd8":
        return False
    read_jpeg(Window(source, start, length), findings, want_size=False)
    if start + length <= source.size:
        findings.add("preview_offset", start, "raw")
        findings.add("preview_length", length, "raw")
    return True


def read_mrw(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what an MRW states: PRD holds the size, TTW a TIFF block."""
    at, end = 8, min(source.size, 8 + int.from_bytes(source.read(4, 4), "big"))
    for _ in range(_MAX_ENTRIES):
        head = source.read(at, 8)
        if len(head) < 8 or at >= end:
            break
        length = int.from_bytes(head[4:8], "big")
        data = (
            source.read(at + 8, min(length, _MAX_BLOCK))
            if head[:4] in (b"\0PRD", b"\0TTW")
            else b""
        )
        if head[:4] == b"\0PRD" and len(data) >= 16:
            height, width = struct.unpack_from(">2H", data, 12)
            add_size(findings, width, height, "mrw")
        elif data:
            try_read(read_exif, data, findings)
        at += 8 + length
    return filetype


def read_crw(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a CRW states."""
    read_ciff(source, findings)
    return filetype


def read_x3f(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what an X3F states: embedded JPEG's EXIF, property list, header size and rotation."""
    head = source.read(0, 64)
    sections = _x3f_sections(source)
    for kind, start, length in sections:
        if kind in (b"IMA2", b"IMAG") and source.read(start, 4) == b"SECi":
            _take_jpeg(source, start + 28, length - 28, findings)
    for kind, start, length in sections:
        if kind == b"PROP":
            _take_properties(source.read(start, min(length, _MAX_BLOCK)), findings)
    if len(head) >= 52:
        at = 28 if head[6] < 4 else 40
        width, height, turn = struct.unpack_from("<3I", head, at)
        add_size(findings, width, height, "x3f")
        findings.add("orientation", _TURNS.get(turn), "x3f")
    return filetype


def _x3f_sections(source: ByteSource) -> list[tuple[bytes, int, int]]:
    tail = source.read(source.size - 4, 4)
    start = int.from_bytes(tail, "little")
    head = source.read(start, 12)
    if head[:4] != b"SECd":
        return []
    count = min(int.from_bytes(head[8:12], "little"), _MAX_ENTRIES)
    table = source.read(start + 12, count * 12)
    found = [
        (kind, at, length)
        for at, length, kind in struct.iter_unpack("<2I4s", table[: len(table) // 12 * 12])
    ]
    return sorted(found, key=lambda entry: -entry[2])[:32]


def _take_properties(data: bytes, findings: Findings) -> None:
    """The PROP section: pairs of UTF-16 texts found by their offsets in characters."""
    if data[:4] != b"SECp" or len(data) < 24:
        return
    count = min(int.from_bytes(data[8:12], "little"), _MAX_ENTRIES, (len(data) - 24) // 8)
    text = data[24 + count * 8 :]
    pairs = struct.iter_unpack("<2I", data[24 : 24 + count * 8])
    properties = {_wide(text, name): _wide(text, value) for name, value in pairs}
    findings.add("make", properties.get("CAMMANUF"), "x3f")
    findings.add("model", properties.get("CAMMODEL"), "x3f")
    findings.add("lens", properties.get("LENSMODEL"), "x3f")
    if properties.get("TIME", "").isdigit():
        add_epoch(int(properties["TIME"]), "maker:DateTimeOriginal", findings)
    for name, key in (("FLENGTH", "focal_length"), ("APERTURE", "f_number"), ("ISO", "iso")):
        value = properties.get(name, "")
        if value.replace(".", "", 1).isdigit() and float(value):
            findings.add(key, int(float(value)) if key == "iso" else float(value), "x3f")


def _wide(text: bytes, offset: int) -> str:
    piece = text[offset * 2 : offset * 2 + 256]
    return piece[: len(piece) // 2 * 2].decode("utf-16-le", "replace").partition("\0")[0]
