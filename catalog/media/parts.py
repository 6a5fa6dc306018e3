"""What a still picture's file can hold beside the picture itself, told by its metadata alone."""

from __future__ import annotations

import re

from catalog.media.source import MemorySource
from catalog.media.tiff.ifd import Tiff

FILM, DEPTH, GAIN_MAP, MATTE, PICTURES, SOUND = (
    "film",
    "depth",
    "gain-map",
    "matte",
    "pictures",
    "sound",
)
PARTS = (FILM, DEPTH, GAIN_MAP, MATTE, PICTURES, SOUND)
"""An embedded film, a depth map, a map of how bright each part may shine (HDR), mattes of persons
and sky, further pictures of the shot, sound.
"""
_SEMANTICS = {
    b"MotionPhoto": FILM,
    b"Depth": DEPTH,
    b"GainMap": GAIN_MAP,
    b"Confidence": DEPTH,
}
_SEMANTIC = re.compile(rb":Semantic(?:\s{0,9}=\s{0,9}[\"']|>\s{0,9})(\w{1,40})")
_MARKS = (
    (re.compile(rb"\bGDepth:(?:Data|Format|Mime)\b"), DEPTH),
    (re.compile(rb"\bGDepthMap:|\bdepth-map/"), DEPTH),
    (re.compile(rb"\bhdrgm:Version\b|\bHDRGainMapVersion\b"), GAIN_MAP),
    (re.compile(rb"\bGAudio:(?:Data|Mime)\b|\bGCamera:.{0,20}Audio\b"), SOUND),
)
_AUXILIARY = (
    (b"gainmap", GAIN_MAP),
    (b"matte", MATTE),
    (b"depth", DEPTH),
    (b"disparity", DEPTH),
    (b"auxid:2", DEPTH),
)
_SAMSUNG = {
    b"\x30\x0a": FILM,
    b"\x01\x02": FILM,
    b"\x00\x01": SOUND,
    b"\xb1\x0a": DEPTH,
    b"\xb3\x0a": DEPTH,
}
_MP_ENTRIES = 0xB002
_MOST_PICTURES = 100
_THUMBNAILS = (0x010001, 0x010002)


def parts_of_xmp(packet: bytes) -> set[str]:
    """The parts that an XMP packet (UTF-8) tells of: Google's containers, depth, sound, and gain
    maps."""
    found = {_SEMANTICS[m] for m in _SEMANTIC.findall(packet) if m in _SEMANTICS}
    return found | {part for mark, part in _MARKS if mark.search(packet)}


def parts_of_samsung(entries: bytes) -> set[str]:
    """The parts that the directory at the end of Samsung's JPEGs (12 bytes an entry) tells of."""
    kinds = {entries[at + 2 : at + 4] for at in range(0, len(entries) - 11, 12)}
    return {part for kind, part in _SAMSUNG.items() if kind in kinds}


def part_of_auxiliary(name: bytes) -> str:
    """What an auxiliary image of a HEIF file is by its URN (`auxC`); "" for transparency."""
    lower = name.lower()
    return next((part for mark, part in _AUXILIARY if mark in lower), "")


def parts_of_index(data: bytes) -> set[str]:
    """Whether a JPEG's index of further pictures (CIPA DC-007, behind `MPF` and a zero) names more
    than previews."""
    tiff = Tiff(MemorySource(data))
    ifd = tiff.ifd(tiff.first, frozenset({_MP_ENTRIES})) if tiff.order else None
    if ifd is None or _MP_ENTRIES not in ifd:
        return set()
    entries = ifd.raw(_MP_ENTRIES, 16 * _MOST_PICTURES)
    step = 1 if data[:2] == b"MM" else -1
    kinds = [
        int.from_bytes(entries[at : at + 4][::step], "big") & 0xFFFFFF
        for at in range(16, len(entries) - 15, 16)
    ]
    return {PICTURES} if any(kind not in _THUMBNAILS for kind in kinds) else set()


def has_sound(flashpix: bytes) -> bool:
    """Whether an APP2 segment holds a piece of FlashPix with sound (WAVE)."""
    return b"RIFF" in flashpix and b"WAVE" in flashpix
