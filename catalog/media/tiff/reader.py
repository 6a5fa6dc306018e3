"""Whole files of TIFF shape: TIFF, BigTIFF, DNG and the RAW formats of cameras built on it.

Directories are read by offset, never the whole file. In RAW files the first directory is often a
thumbnail: the picture is the one with sensor data (photometric 32803 or 34892), else the largest
that is not marked as reduced.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from catalog.domain.filetypes import FileType, refine_tiff
from catalog.media.findings import Findings
from catalog.media.jpeg.reader import read_jpeg
from catalog.media.packets import Packets
from catalog.media.source import ByteSource, Window
from catalog.media.tiff.exif import EXIF_POINTER, FIELD_TAGS, read_directories
from catalog.media.tiff.ifd import Ifd, Tiff

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = (
    0xFE,
    0x100,
    0x101,
    0x102,
    0x103,
    0x106,
)
_STRIPS, _STRIP_SIZES, _TILES, _SUB_IFDS, _JPEG, _JPEG_SIZE = (
    0x111,
    0x117,
    0x144,
    0x14A,
    0x201,
    0x202,
)
_XMP, _IPTC, _PHOTOSHOP, _DNG_VERSION, _CROP = 0x2BC, 0x83BB, 0x8649, 0xC612, 0xC620
_RW2_BORDERS, _RW2_JPEG = (4, 5, 6, 7), 0x2E
_SHAPE_TAGS = frozenset(
    (
        _SUBFILE,
        _WIDTH,
        _HEIGHT,
        _BITS,
        _COMPRESSION,
        _PHOTOMETRIC,
        _STRIPS,
        _STRIP_SIZES,
        _TILES,
        _SUB_IFDS,
        _JPEG,
        _JPEG_SIZE,
        _XMP,
        _IPTC,
        _PHOTOSHOP,
        _DNG_VERSION,
        _CROP,
        0xA002,
        0xA003,
        0x115,
    )
)
_TAGS = _SHAPE_TAGS | FIELD_TAGS
_RW2_TAGS = _TAGS | {2, 3, 4, 5, 6, 7, 0x17, _RW2_JPEG}
_SENSOR = (32803, 34892)
_MAX_DIRECTORIES = 32
_MAX_PAGES = 10_000
_MAX_BLOCK = 4 << 20
_SIZE_FROM_EXIF = frozenset(("cr2", "iiq"))
_CROPPED = frozenset(("dng", "gpr", "arw", "sr2"))
_PADDED = frozenset(("arw", "sr2"))
"""Sony's hold what the sensor saw beyond the picture, and what fills their tiles up."""


@dataclass(slots=True)
class _Picture:
    """One directory that describes pixels."""

    ifd: Ifd
    width: int
    height: int
    sensor: bool
    reduced: bool

    @property
    def area(self) -> int:
        return self.width * self.height


def read_tiff_file(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a TIFF-shaped file states and return its exact type."""
    tiff = Tiff(source)
    panasonic = filetype.name == "rw2"
    first = tiff.ifd(tiff.first, _RW2_TAGS if panasonic else _TAGS) if tiff.order else None
    if first is None:
        findings.notes.append("tiff: no readable directory")
        return filetype
    directories = _directories(tiff, first)
    read_directories(tiff, directories[:8], findings)
    if panasonic:
        _read_panasonic(source, first, findings)
    _packets(first).apply(findings)
    pictures = [p for p in map(_picture, directories) if p]
    refined = refine_tiff(
        filetype,
        is_dng=_DNG_VERSION in first,
        make=str(findings.get("make", "")),
        has_raw_data=any(p.sensor for p in pictures),
    )
    _add_size(tiff, first, pictures, refined, findings)
    if refined.name == "tiff":
        findings.add("frames", max(1, _pages(tiff, first)), "tiff")
    if refined.name != "tiff" and not panasonic:
        _add_preview(source, directories, findings)
    return refined


def _directories(tiff: Tiff, first: Ifd) -> list[Ifd]:
    """The chain of directories and their sub-directories, the first one first; each offset once."""
    found, queue, seen = [first], _followers(first), {tiff.first}
    while queue and len(found) < _MAX_DIRECTORIES:
        offset = queue.pop(0)
        if offset in seen:
            continue
        seen.add(offset)
        ifd = tiff.ifd(offset, _TAGS)
        if ifd is not None:
            found.append(ifd)
            queue.extend(_followers(ifd))
    return found


def _pages(tiff: Tiff, first: Ifd) -> int:
    """How many pictures the chain of directories holds, without small versions of others."""
    pages, seen = 0, {tiff.first}
    ifd: Ifd | None = first
    while ifd is not None:
        picture = _picture(ifd)
        pages += picture is not None and not picture.reduced
        if not ifd.next or ifd.next in seen or len(seen) > _MAX_PAGES:
            break
        seen.add(ifd.next)
        ifd = tiff.ifd(ifd.next, _SHAPE_TAGS)
    return pages


def _followers(ifd: Ifd) -> list[int]:
    following = [int(n) for n in ifd.numbers(_SUB_IFDS, 16)] if _SUB_IFDS in ifd else []
    return [*following, ifd.next] if ifd.next else following


def _picture(ifd: Ifd) -> _Picture | None:
    width, height = ifd.integer(_WIDTH), ifd.integer(_HEIGHT)
    if not width or not height or width < 0 or height < 0 or width > 1 << 20 or height > 1 << 20:
        return None
    photometric, subfile = ifd.integer(_PHOTOMETRIC), ifd.integer(_SUBFILE)
    return _Picture(ifd, width, height, photometric in _SENSOR, bool((subfile or 0) & 1))


def _add_size(
    tiff: Tiff, first: Ifd, pictures: list[_Picture], filetype: FileType, findings: Findings
) -> None:
    size = None
    if filetype.name in _SIZE_FROM_EXIF:
        size = _exif_size(tiff, first)
    if size is None and (chosen := _choose(pictures, filetype)):
        size = _picture_size(chosen, filetype, _exif_size(tiff, first))
    if size is None or (filetype.name not in ("tiff", "dng") and max(size) < 400):
        size = _exif_size(tiff, first) or size
    if size:
        findings.add("width", size[0], "tiff")
        findings.add("height", size[1], "tiff")


def _choose(pictures: list[_Picture], filetype: FileType) -> _Picture | None:
    if not pictures:
        return None
    if filetype.name == "tiff":
        return next((p for p in pictures if not p.reduced), pictures[0])
    for group in (
        [p for p in pictures if p.sensor and not p.reduced],
        [p for p in pictures if p.sensor],
        pictures,
    ):
        if group:
            return max(group, key=lambda p: p.area)
    return None


def _picture_size(
    sensor: _Picture, filetype: FileType, exif: tuple[int, int] | None
) -> tuple[int, int]:
    """The size that a converter gives: DNG's DefaultCropSize, Sony's of EXIF as well, where it is a
    possible part of the sensor's.
    """
    crop = sensor.ifd.numbers(_CROP, 2) if filetype.name in _CROPPED else []
    stated = [(int(crop[0]), int(crop[1]))] if len(crop) == 2 and all(map(isfinite, crop)) else []
    if exif and filetype.name in _PADDED:
        stated.append(exif)
    for width, height in stated:
        if sensor.width < 2 * width <= 2 * sensor.width and (
            sensor.height < 2 * height <= 2 * sensor.height
        ):
            return width, height
    return sensor.width, sensor.height


def _exif_size(tiff: Tiff, first: Ifd) -> tuple[int, int] | None:
    offset = first.integer(EXIF_POINTER)
    exif = tiff.ifd(offset, _SHAPE_TAGS) if offset else None
    width, height = (exif.integer(0xA002), exif.integer(0xA003)) if exif else (None, None)
    return (
        (width, height)
        if width and height and 0 < width < 1 << 20 and 0 < height < 1 << 20
        else None
    )


def _packets(first: Ifd) -> Packets:
    packets = Packets()
    for tag, blocks in (
        (_XMP, packets.xmp),
        (_IPTC, packets.iptc),
        (_PHOTOSHOP, packets.photoshop),
    ):
        if tag in first:
            blocks.append(first.raw(tag, _MAX_BLOCK))
    return packets


def _read_panasonic(source: ByteSource, first: Ifd, findings: Findings) -> None:
    """RW2: the picture lies within the sensor's borders;
    EXIF with the dates is in the embedded JPEG.
    """
    top, left, bottom, right = (first.integer(t) or 0 for t in _RW2_BORDERS)
    if right > left and bottom > top:
        findings.add("width", right - left, "tiff")
        findings.add("height", bottom - top, "tiff")
    elif first.integer(2) and first.integer(3):
        findings.add("width", first.integer(2), "tiff")
        findings.add("height", first.integer(3), "tiff")
    findings.add("iso", first.integer(0x17) or None, "tiff")
    start, size = first.span(_RW2_JPEG)
    if size and source.read(start, 2) == b"\xff\xd8":
        read_jpeg(Window(source, start, size), findings, want_size=False)
        if start + size <= source.size:
            findings.add("preview_offset", start, "tiff")
            findings.add("preview_length", size, "tiff")


def _add_preview(source: ByteSource, directories: list[Ifd], findings: Findings) -> None:
    """The largest embedded JPEG that lies whole within the file."""
    best = (0, 0)
    for ifd in directories:
        for start, size in _embedded(ifd):
            whole = start > 0 and size > 1024 and start + size <= source.size
            if whole and size > best[1] and source.read(start, 3) == b"\xff\xd8\xff":
                best = (start, size)
    if best[1]:
        findings.add("preview_offset", best[0], "tiff")
        findings.add("preview_length", best[1], "tiff")


def _embedded(ifd: Ifd) -> list[tuple[int, int]]:
    """Places (offset, bytes) of a JPEG picture in one directory,
    sensor data in lossless JPEG excepted.
    """
    found = []
    if _JPEG in ifd and _JPEG_SIZE in ifd:
        found.append((ifd.integer(_JPEG) or 0, ifd.integer(_JPEG_SIZE) or 0))
    if ifd.integer(_COMPRESSION) in (6, 7) and ifd.integer(_PHOTOMETRIC) not in _SENSOR:
        offsets, sizes = ifd.numbers(_STRIPS, 2), ifd.numbers(_STRIP_SIZES, 2)
        deep = (ifd.integer(_BITS) or 8) > 8
        if len(offsets) == len(sizes) == 1 and not deep:
            found.append((int(offsets[0]), int(sizes[0])))
    return found
