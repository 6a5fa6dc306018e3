"""Writing the date of capture into the bytes of a picture:
nothing but EXIF (CIPA DC-008) is touched, no pixel is coded anew.

What states the date besides (XMP, IPTC) is changed as well; the result is read back and compared.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from catalog.domain.capture_time import format_offset
from catalog.domain.filetypes import BY_NAME
from catalog.errors import MediaError, UnsupportedType
from catalog.media.jpeg.image_data import image_data_hash
from catalog.media.jpeg.segments import APP1, APP13, Segments
from catalog.media.source import MemorySource
from catalog.media.stated_dates import TAKEN, agrees, stated_dates
from catalog.media.write.containers import OnlyByTool, png_chunk, png_chunks, with_block
from catalog.media.write.exif_block import write_date

WRITABLE = frozenset({"jpeg", "mpo", "png", "webp", "tiff", "dng", "heic", "heif", "avif"})
"""Types into which a date can be written."""

_EXIFTOOL_SECONDS = 120


def with_date(data: bytes, type_name: str, wall: datetime, offset: int | None = None) -> bytes:
    """The file with this date of capture, read back and compared.

    `offset` is in minutes east of UTC, if known.

    Raises MediaError with the reason where that cannot be done without touching the picture.
    """
    if type_name not in WRITABLE:
        raise UnsupportedType(f"no date can be written into {type_name} files")

    def stamp(block: bytes) -> bytes:
        return write_date(block, wall, offset)

    try:
        written = with_block(data, BY_NAME[type_name].family, stamp)
    except OnlyByTool as reason:
        written = _by_exiftool(data, type_name, wall, offset, str(reason))
    except (struct.error, IndexError, ValueError) as error:
        raise MediaError(
            "its structure is not understood well enough to write a date into it"
        ) from error
    written = _with_other_dates(written, type_name, wall, offset)
    _check(data, written, type_name, wall, offset)
    return written


def _check(before: bytes, after: bytes, type_name: str, wall: datetime, offset: int | None) -> None:
    """Raise MediaError where our own reader does not find the date or finds another,
    or the picture data is not what it was.
    """
    stated = stated_dates(MemorySource(after), type_name)
    found = next((d.wall for d in stated if d.source == "exif:DateTimeOriginal"), None)
    if found is None or found.replace(microsecond=0) != wall.replace(microsecond=0):
        raise MediaError(f"the date that was written is not found again (instead: {found})")
    if other := next(
        (d for d in stated if d.source in TAKEN and not agrees(d, wall, offset)), None
    ):
        raise MediaError(
            f"it would state {other.wall:%Y-%m-%d %H:%M:%S} besides ({other.source}), which "
            "cannot be changed in its place"
        )
    if BY_NAME[type_name].family == "jpeg" and image_data_hash(before) != image_data_hash(after):
        raise MediaError("the picture data would not stay as it is")


# --- what states the date besides EXIF ------------------------------------------------------------


_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_DATE = re.compile(
    rb"(?:exif:DateTimeOriginal|exif:DateTimeDigitized|photoshop:DateCreated|xmp:CreateDate|xap:CreateDate)"
    rb"(?:\s*=\s*[\"']|\s*>\s*)(\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)(?=[\"'<\s])"
)
_IPTC_DATE = re.compile(rb"\x1c\x02(?:[\x37\x3e]\0\x08(\d{8})|[\x3c\x3f]\0\x0b(\d{6})([+-]\d{4}))")


def _with_other_dates(data: bytes, type_name: str, wall: datetime, offset: int | None) -> bytes:
    """The file with the dates of its XMP and IPTC-IIM records overwritten, no length changed;
    `_check` finds what was left.
    """
    family = BY_NAME[type_name].family
    patched = bytearray(data)
    if family == "jpeg":
        for marker, start, end in Segments(MemorySource(data)):
            if marker == APP1 and data.startswith(_XMP_MARK, start + 4):
                patched[start:end] = _redated_xmp(data[start:end], wall, offset)
            elif marker == APP13:
                patched[start:end] = _redated_iptc(data[start:end], wall, offset)
    elif family in ("webp", "tiff", "heif"):
        at = data.find(b"<x:xmpmeta")
        while 0 <= at < (end := data.find(b"</x:xmpmeta>", at)):
            patched[at:end] = _redated_xmp(data[at:end], wall, offset)
            at = data.find(b"<x:xmpmeta", end)
    elif family == "png":
        for _kind, start, end in png_chunks(data):
            if data.startswith(b"iTXtXML:com.adobe.xmp\0", start + 4):
                patched[start:end] = png_chunk(
                    b"iTXt", _redated_xmp(data[start + 8 : end - 4], wall, offset)
                )
    return bytes(patched)


def _redated_xmp(packet: bytes, wall: datetime, offset: int | None) -> bytes:
    """A packet whose dates of capture are this one, each as exact as it was,
    in as many characters.
    """

    def fresh(match: re.Match[bytes]) -> bytes:
        old = match[1].decode()
        zone = re.search(r"T.*?(Z|[+-]\d\d:\d\d)$", old)
        shown, end = wall, zone[1] if zone else ""
        if zone and offset is not None:
            shown, end = (
                (wall - timedelta(minutes=offset), "Z")
                if end == "Z"
                else (wall, format_offset(offset))
            )
        clock = f"{shown.year:04d}-{shown:%m-%dT%H:%M:%S}.".ljust(len(old), "0")[
            : len(old) - len(end)
        ]
        whole = match[0]
        return (
            whole[: match.start(1) - match.start()]
            + (clock + end).encode()
            + whole[match.end(1) - match.start() :]
        )

    return _XMP_DATE.sub(fresh, packet)


def _redated_iptc(block: bytes, wall: datetime, offset: int | None) -> bytes:
    """A Photoshop block whose IIM dates and times of creation (2:55, 2:60, and digital 2:62,
    2:63) are this one.
    """

    def fresh(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return match[0][:-8] + f"{wall.year:04d}{wall:%m%d}".encode()
        zone = format_offset(offset).replace(":", "").encode() if offset is not None else match[3]
        return match[0][:-11] + f"{wall:%H%M%S}".encode() + zone

    return _IPTC_DATE.sub(fresh, block)


def _by_exiftool(
    data: bytes, type_name: str, wall: datetime, offset: int | None, reason: str
) -> bytes:
    """Let an installed ExifTool write the date, into a temporary file."""
    program = shutil.which("exiftool")
    if program is None:
        raise MediaError(f"{reason}; install exiftool to have its date written")
    date = f"{wall.year:04d}:{wall:%m:%d %H:%M:%S}"
    tags = [f"-DateTimeOriginal={date}", f"-CreateDate={date}"]
    tags += (
        [f"-{n}={format_offset(offset)}" for n in ("OffsetTimeOriginal", "OffsetTimeDigitized")]
        if offset is not None
        else []
    )
    with tempfile.TemporaryDirectory(prefix="catalog-date-") as folder:
        path = Path(folder) / f"picture.{BY_NAME[type_name].extensions[0]}"
        path.write_bytes(data)
        command = [program, "-q", "-overwrite_original", *tags, str(path)]
        try:
            done = subprocess.run(
                command, capture_output=True, check=False, timeout=_EXIFTOOL_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MediaError(f"exiftool did not write its date ({type(error).__name__})") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise MediaError(
                f"exiftool did not write its date: {said[0][:160] if said else done.returncode}"
            )
        return path.read_bytes()
