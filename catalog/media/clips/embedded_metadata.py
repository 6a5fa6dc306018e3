"""EXIF, XMP and loose TIFF directories that cameras put into their clips,
merged without the facts of the thumbnails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from catalog.domain.capture_time import parse_date
from catalog.media.findings import Findings
from catalog.media.source import MemorySource, Window
from catalog.media.tiff.exif import EXIF_POINTER, read_exif
from catalog.media.tiff.ifd import Ifd, read_ifd
from catalog.media.xmp import read_xmp

Reader = Callable[[bytes, Findings], None]

_SHARED = (
    "make",
    "model",
    "lens",
    "software",
    "title",
    "description",
    "rating",
    "exposure_time",
    "f_number",
    "iso",
    "focal_length",
    "focal_length_35mm",
    "live_id",
)
_TIFF_IN_EXIF = re.compile(rb"Exif\0\0(II\*\0|MM\0\*)")
_ASCII_TAGS = {0x010F: "make", 0x0110: "model", 0x0131: "software"}
_DATE_TAGS = {0x9003: "exif:DateTimeOriginal", 0x9004: "exif:DateTimeDigitized"}
_DATE = re.compile(r"[\d ]{4}[:/-][\d ]{2}[:/-][\d ]{2}")
_WANTED = frozenset((EXIF_POINTER, *_ASCII_TAGS, *_DATE_TAGS))
_ASCII = 2
_LONGEST_TEXT = 256


def merge_xmp(packet: bytes, findings: Findings) -> None:
    """Facts of an XMP packet about the clip (not its size:
    editors state that of other renditions).
    """
    _merge(read_xmp, packet, findings, "XMP")


def merge_exif(block: bytes, findings: Findings) -> None:
    """Facts of an EXIF block (it starts with a TIFF header),
    without the size and orientation of its thumbnail.
    """
    _merge(read_exif, block, findings, "EXIF")


def merge_jpeg_exif(data: bytes, findings: Findings) -> None:
    """Facts of the first EXIF segment of a thumbnail JPEG lying anywhere in the bytes."""
    match = _TIFF_IN_EXIF.search(data)
    if match:
        merge_exif(data[match.start(1) : match.start(1) + 0x10000], findings)


def _merge(read: Reader, block: bytes, findings: Findings, what: str) -> None:
    found = Findings()
    try:
        read(block, found)
    except Exception as error:
        findings.notes.append(f"{what} in the clip not read: {type(error).__name__}: {error}")
    for name in _SHARED:
        if name in found.values:
            findings.add(name, found.values[name], found.sources.get(name, what.lower()))
    for date in found.dates:
        findings.add_date(date)
    findings.add_tags(found.tags)
    if found.position and findings.position is None:
        place = found.position
        findings.add_position(place.lat, place.lon, place.altitude, place.source)


def merge_bare_ifd(
    data: bytes, start: int, order: str, bases: tuple[int, ...], findings: Findings
) -> None:
    """A TIFF directory without its header, as Casio, Fujifilm and Nikon write into clips.

    `order` is "<" or ">". What the value offsets count from differs by camera: of `bases`, the one
    with which every text reads as text, every date as a date, and most of them have a value, is
    taken.
    """
    readings = [texts for texts in (_texts(data, start, order, base) for base in bases) if texts]
    if readings:
        _add_texts(max(readings, key=lambda texts: sum(map(bool, texts.values()))), findings)


def _add_texts(texts: dict[int, str], findings: Findings) -> None:
    for tag, name in _ASCII_TAGS.items():
        findings.add(name, texts.get(tag), "exif")
    for tag, source in _DATE_TAGS.items():
        parsed = parse_date(texts.get(tag, ""))
        if parsed:
            findings.add_date(parsed.as_candidate(source))


def _texts(data: bytes, start: int, order: str, base: int) -> dict[int, str] | None:
    """Texts by tag of a directory and of the EXIF directory it points to;
    None where one is no text.
    """
    source = Window(MemorySource(data), base, len(data))
    main = read_ifd(source, start - base, order, _WANTED)
    pointer = main.integer(EXIF_POINTER) if main else None
    exif = read_ifd(source, pointer, order, _WANTED) if pointer else None
    texts: dict[int, str] = {}
    for ifd in (found for found in (main, exif) if found):
        for tag in ifd.tags():
            if ifd.kind(tag) != _ASCII:
                continue
            text = _printable(ifd, tag)
            if text is None or (tag in _DATE_TAGS and text and not _DATE.match(text)):
                return None
            texts[tag] = text
    return texts


def _printable(ifd: Ifd, tag: int) -> str | None:
    """A text of at most 256 bytes that is there as a whole, and that a person could read."""
    _, size = ifd.span(tag)
    raw = ifd.raw(tag)
    if size > _LONGEST_TEXT or len(raw) < size:
        return None
    with suppress(UnicodeDecodeError):
        text = raw.partition(b"\0")[0].decode("ascii").strip()
        return text if text.isprintable() else None
    return None
