"""Canon's CIFF: heaps with a directory at the end of each, in CRW files and in the JPEGs of early
PowerShots.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from catalog.domain.capture_time import DateCandidate
from catalog.media.findings import Findings
from catalog.media.images import add_size
from catalog.media.source import ByteSource
from catalog.media.texts import decode_text

_MAX_ENTRIES = 512
_TURNS = {0: 1, 90: 6, 180: 3, 270: 8}


def read_ciff(source: ByteSource, findings: Findings) -> None:
    """Add what a block states that begins with the byte order and its own length."""
    head = source.read(0, 14)
    order = "<" if head[:2] == b"II" else ">"
    start = struct.unpack_from(f"{order}I", head, 2)[0] if len(head) == 14 else 0
    heaps, seen = [(start, source.size)], 0
    while heaps and seen < 32:
        seen += 1
        block, end = heaps.pop(0)
        for tag, data_at, size, inline in _ciff_entries(source, block, end, order):
            if inline is None and tag & 0x3800 in (0x2800, 0x3000):
                heaps.append((data_at, data_at + size))
            else:
                _take_ciff(source, order, tag, data_at, size, inline, findings)


def _ciff_entries(
    source: ByteSource, block: int, end: int, order: str
) -> list[tuple[int, int, int, bytes | None]]:
    """Tag, offset, size and, for values kept in the directory itself, their 8 bytes."""
    tail = source.read(end - 4, 4)
    if len(tail) < 4 or block < 0 or end <= block:
        return []
    table = block + struct.unpack(f"{order}I", tail)[0]
    count = int.from_bytes(source.read(table, 2), "little" if order == "<" else "big")
    entries = source.read(table + 2, min(count, _MAX_ENTRIES) * 10)
    found: list[tuple[int, int, int, bytes | None]] = []
    for tag, data in struct.iter_unpack(f"{order}H8s", entries[: len(entries) // 10 * 10]):
        size, offset = struct.unpack(f"{order}2I", data)
        found.append((tag & 0x3FFF, block + offset, size, data if tag & 0xC000 == 0x4000 else None))
    return found


def _take_ciff(
    source: ByteSource,
    order: str,
    tag: int,
    at: int,
    size: int,
    inline: bytes | None,
    findings: Findings,
) -> None:
    if tag == 0x2007:
        if inline is None and at + size <= source.size and source.read(at, 2) == b"\xff\xd8":
            findings.add("preview_offset", at, "crw")
            findings.add("preview_length", size, "crw")
        return
    if tag not in (0x080A, 0x180E, 0x1810, 0x0805):
        return
    data = inline if inline is not None else source.read(at, min(size, 256))
    if tag == 0x080A:
        make, _, model = data.partition(b"\0")
        findings.add("make", decode_text(make), "crw")
        findings.add("model", decode_text(model.partition(b"\0")[0]), "crw")
    elif tag == 0x180E and len(data) >= 4:
        add_epoch(struct.unpack_from(f"{order}I", data)[0], "exif:DateTimeOriginal", findings)
    elif tag == 0x1810 and len(data) >= 16:
        width, height, _aspect, turn = struct.unpack_from(f"{order}2Ifi", data)
        add_size(findings, width, height, "crw")
        findings.add("orientation", _TURNS.get(turn % 360), "crw")


def add_epoch(seconds: int, source: str, findings: Findings) -> None:
    """Unix seconds of the camera's local clock."""
    if 0 < seconds < 1 << 32:
        wall = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        findings.add_date(DateCandidate(source, wall))
