"""The metadata of one still picture: the reader of its format,
then a second opinion where that found nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import exifread

from catalog.domain.capture_time import DateCandidate, parse_date, parse_offset, with_subseconds
from catalog.domain.filetypes import FileType
from catalog.media.bmff.cr3 import read_cr3
from catalog.media.bmff.heif import read_heif
from catalog.media.findings import Findings
from catalog.media.images import read_bmp, read_gif, read_png, read_psd, read_webp
from catalog.media.jpeg.jpeg_2000 import read_jp2
from catalog.media.jpeg.jpeg_xl import read_jxl
from catalog.media.jpeg.reader import read_jpeg
from catalog.media.source import ByteSource, stream_of
from catalog.media.tiff.raw import read_crw, read_mrw, read_raf, read_x3f
from catalog.media.tiff.reader import read_tiff_file

logging.getLogger("exifread").setLevel(logging.CRITICAL)

Reader = Callable[[ByteSource, FileType, Findings], FileType]

_MAX_SECOND_OPINION = 64 << 20
_EVIDENCE_BYTES = 1 << 18
_SECOND_OPINION_FAMILIES = frozenset(("jpeg", "tiff", "png", "webp", "heif"))


def _read_jpeg_file(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    read_jpeg(source, findings)
    return filetype


_READERS: dict[str, Reader] = {
    "jpeg": _read_jpeg_file,
    "tiff": read_tiff_file,
    "heif": read_heif,
    "cr3": read_cr3,
    "png": read_png,
    "webp": read_webp,
    "gif": read_gif,
    "bmp": read_bmp,
    "psd": read_psd,
    "jp2": read_jp2,
    "jxl": read_jxl,
    "raf": read_raf,
    "mrw": read_mrw,
    "crw": read_crw,
    "x3f": read_x3f,
}


def read_still(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a still picture states to `findings`; returns its type,
    made exact where only its tags tell.

    Never raises.
    """
    reader = _READERS.get(filetype.family)
    if reader is None:
        findings.notes.append(f"no reader for {filetype.name}")
        return filetype
    try:
        filetype = reader(source, filetype, findings)
    except Exception as error:
        findings.notes.append(f"{filetype.family}: {type(error).__name__}: {error}")
    try:
        if _wants_second_opinion(source, filetype, findings):
            _ask_exifread(source, findings)
    except Exception as error:
        findings.notes.append(f"exifread: {type(error).__name__}: {error}")
    return filetype


def _wants_second_opinion(source: ByteSource, filetype: FileType, findings: Findings) -> bool:
    """Whether camera and capture date are missing though the file's first bytes look like they hold
    EXIF.
    """
    if filetype.family not in _SECOND_OPINION_FAMILIES or source.size > _MAX_SECOND_OPINION:
        return False
    if {"make", "model"} & findings.values.keys() or any(
        d.source.startswith("exif:") for d in findings.dates
    ):
        return False
    head = source.read(0, _EVIDENCE_BYTES)
    return any(mark in head for mark in (b"Exif\0", b"\x87\x69\0\x04", b"\x69\x87\x04\0"))


def _ask_exifread(source: ByteSource, findings: Findings) -> None:
    tags = exifread.process_file(stream_of(source), details=False)
    texts = {name: str(value) for name, value in tags.items()}
    findings.add("make", texts.get("Image Make"), "exifread")
    findings.add("model", texts.get("Image Model"), "exifread")
    for name in ("DateTimeOriginal", "DateTimeDigitized"):
        parsed = parse_date(texts.get(f"EXIF {name}", ""))
        if parsed is not None:
            wall = with_subseconds(parsed.wall, texts.get(f"EXIF SubSec{name[4:]}", ""))
            offset = parse_offset(texts.get(f"EXIF OffsetTime{name[8:]}", ""))
            findings.add_date(
                DateCandidate(f"exif:{name}", wall, offset, precision=parsed.precision)
            )
