"""The few facts read from camera makers' own notes (EXIF tag 927C): Apple, Canon, Reconyx.

None is documented by its maker.
"""

from __future__ import annotations

import struct
from datetime import datetime

from catalog.domain.capture_time import DateCandidate
from catalog.media.findings import Findings
from catalog.media.source import MemorySource
from catalog.media.tiff.ifd import Ifd, Tiff, read_ifd

_NOTE = 0x927C
_NOTE_CAP = 65536
_SMALLEST_NOTE = 14
"""Bytes of a directory with one entry."""


def read_maker_note(tiff: Tiff, exif: Ifd, findings: Findings) -> None:
    """Add Apple's Live Photo id, Canon's lens name or a Reconyx date from the note in `exif`."""
    make = str(findings.get("make", ""))
    if make == "Apple":
        _read_apple(exif.raw(_NOTE, _NOTE_CAP), findings)
    elif make.startswith("Canon"):
        _read_canon(tiff, exif, findings)
    else:
        head = exif.raw(_NOTE, 96)
        if head[:2] == b"\x01\xf1" or head[:7] == b"RECONYX":
            _read_reconyx(head, make, findings)


def _read_apple(note: bytes, findings: Findings) -> None:
    """Content identifier, tag 17: shared by a Live Photo's still and movie.

    Offsets count from the note's start.
    """
    if note[:9] != b"Apple iOS":
        return
    ifd = read_ifd(MemorySource(note), 14, "<" if note[12:14] == b"II" else ">", (0x11,))
    if ifd is not None:
        findings.add("live_id", ifd.text(0x11), "apple")


def _read_canon(tiff: Tiff, exif: Ifd, findings: Findings) -> None:
    offset, size = exif.span(_NOTE)
    if "lens" in findings.values or size < _SMALLEST_NOTE:
        return
    ifd = tiff.ifd(offset, (0x95,))
    if ifd is not None:
        findings.add("lens", ifd.text(0x95), "canon")


def _read_reconyx(note: bytes, make: str, findings: Findings) -> None:
    """Trap cameras' local clock, of three generations: HyperFire, UltraFire, HyperFire 2."""
    if note[:10] == b"RECONYXUF\0" and len(note) >= 0x42:
        second, minute, hour, day, month, year = struct.unpack_from("<5BH", note, 0x3B)
    elif note[:10] == b"RECONYXH2\0" and len(note) >= 0x4A:
        second, minute, hour, day, month, year = struct.unpack_from("<6H", note, 0x3E)
    elif (
        note[:2] == b"\x01\xf1"
        and len(note) >= 34
        and (note[2:4] in (b"\2\0", b"\3\0") or make == "RECONYX")
    ):
        order = ">" if note[23] and not note[22] else "<"
        second, minute, hour, month, day, year = struct.unpack_from(f"{order}6H", note, 22)
    else:
        return
    try:
        wall = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return
    findings.add_date(DateCandidate("maker:DateTimeOriginal", wall))
