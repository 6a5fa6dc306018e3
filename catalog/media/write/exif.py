"""Writing the date of capture into the bytes of a picture: nothing but EXIF (CIPA DC-008) is touched, no pixel is coded anew.

A date that stands there is overwritten in its place. Where there is none, a longer directory is added at the end of the
EXIF data and linked, so that maker notes, whose offsets nobody knows, stay where they are.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from catalog.domain.capture_time import format_offset
from catalog.domain.filetypes import BY_NAME
from catalog.errors import MediaError, UnsupportedType
from catalog.media.bmff.boxes import boxes
from catalog.media.bmff.heif import Items
from catalog.media.jpeg.segments import image_data_hash
from catalog.media.source import MemorySource
from catalog.media.write.stated import TAKEN, agrees, stated_dates

WRITABLE = frozenset({"jpeg", "mpo", "png", "webp", "tiff", "dng", "heic", "heif", "avif"})
"""Types into which a date can be written."""

_EXIF_POINTER, _ASCII, _LONG = 0x8769, 2, 4
_VERSION = 0x9000
_DATES = (0x9003, 0x9004)
_FRACTIONS = (0x9291, 0x9292)
_OFFSETS = (0x9011, 0x9012)
_MARK = b"Exif\0\0"
_LONGEST_SEGMENT = 0xFFFF - 2
_EXIFTOOL_SECONDS = 120

Stamp = Callable[[bytes], bytes]
"""From an EXIF block, b"" where there is none, to one with the date."""


def with_date(data: bytes, type_name: str, wall: datetime, offset: int | None = None) -> bytes:
    """The file with this date of capture, read back and compared. `offset` is in minutes east of UTC, if known.

    Raises MediaError with the reason where that cannot be done without touching the picture.
    """
    if type_name not in WRITABLE:
        raise UnsupportedType(f"no date can be written into {type_name} files")

    def stamp(block: bytes) -> bytes:
        return dated_block(block, wall, offset)

    try:
        written = _WRITERS[BY_NAME[type_name].family](data, stamp)
    except _OnlyByTool as reason:
        written = _by_exiftool(data, type_name, wall, offset, str(reason))
    except (struct.error, IndexError, ValueError) as error:
        raise MediaError("its structure is not understood well enough to write a date into it") from error
    written = _with_other_dates(written, type_name, wall, offset)
    _check(data, written, type_name, wall, offset)
    return written


class _OnlyByTool(Exception):
    """The date cannot be put in place: something must be moved that only a full editor moves."""


def _check(before: bytes, after: bytes, type_name: str, wall: datetime, offset: int | None) -> None:
    """Raise MediaError where our own reader does not find the date or finds another, or the picture data is not what it was."""
    stated = stated_dates(MemorySource(after), type_name)
    found = next((d.wall for d in stated if d.source == "exif:DateTimeOriginal"), None)
    if found is None or found.replace(microsecond=0) != wall.replace(microsecond=0):
        raise MediaError(f"the date that was written is not found again (instead: {found})")
    if other := next((d for d in stated if d.source in TAKEN and not agrees(d, wall, offset)), None):
        raise MediaError(
            f"it would state {other.wall:%Y-%m-%d %H:%M:%S} besides ({other.source}), which cannot be changed in its place"
        )
    if BY_NAME[type_name].family == "jpeg" and image_data_hash(before) != image_data_hash(after):
        raise MediaError("the picture data would not stay as it is")


# --- what states the date besides EXIF ---------------------------------------------------------------------------------


_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_DATE = re.compile(
    rb"(?:exif:DateTimeOriginal|exif:DateTimeDigitized|photoshop:DateCreated|xmp:CreateDate|xap:CreateDate)"
    rb"(?:\s*=\s*[\"']|\s*>\s*)(\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)(?=[\"'<\s])"
)
_IPTC_DATE = re.compile(rb"\x1c\x02(?:[\x37\x3e]\0\x08(\d{8})|[\x3c\x3f]\0\x0b(\d{6})([+-]\d{4}))")


def _with_other_dates(data: bytes, type_name: str, wall: datetime, offset: int | None) -> bytes:
    """The file with the dates of its XMP and IPTC-IIM records overwritten, no length changed; `_check` finds what was left."""
    family = BY_NAME[type_name].family
    patched = bytearray(data)
    if family == "jpeg":
        for marker, start, end in _segments(data):
            if marker == 0xE1 and data.startswith(_XMP_MARK, start + 4):
                patched[start:end] = _redated_xmp(data[start:end], wall, offset)
            elif marker == 0xED:
                patched[start:end] = _redated_iptc(data[start:end], wall, offset)
    elif family in ("webp", "tiff", "heif"):
        at = data.find(b"<x:xmpmeta")
        while 0 <= at < (end := data.find(b"</x:xmpmeta>", at)):
            patched[at:end] = _redated_xmp(data[at:end], wall, offset)
            at = data.find(b"<x:xmpmeta", end)
    elif family == "png":
        at = 8
        while at + 12 <= len(data):
            end = at + 12 + int.from_bytes(data[at : at + 4], "big")
            if data.startswith(b"iTXtXML:com.adobe.xmp\0", at + 4):
                patched[at:end] = _chunk(b"iTXt", _redated_xmp(data[at + 8 : end - 4], wall, offset))
            at = end
    return bytes(patched)


def _redated_xmp(packet: bytes, wall: datetime, offset: int | None) -> bytes:
    """A packet whose dates of capture are this one, each as exact as it was, in as many characters."""

    def fresh(match: re.Match[bytes]) -> bytes:
        old = match[1].decode()
        zone = re.search(r"T.*?(Z|[+-]\d\d:\d\d)$", old)
        shown, end = wall, zone[1] if zone else ""
        if zone and offset is not None:
            shown, end = (wall - timedelta(minutes=offset), "Z") if end == "Z" else (wall, format_offset(offset))
        clock = f"{shown.year:04d}-{shown:%m-%dT%H:%M:%S}.".ljust(len(old), "0")[: len(old) - len(end)]
        whole = match[0]
        return whole[: match.start(1) - match.start()] + (clock + end).encode() + whole[match.end(1) - match.start() :]

    return _XMP_DATE.sub(fresh, packet)


def _redated_iptc(block: bytes, wall: datetime, offset: int | None) -> bytes:
    """A Photoshop block whose IIM dates and times of creation (2:55, 2:60, and digital 2:62, 2:63) are this one."""

    def fresh(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return match[0][:-8] + f"{wall.year:04d}{wall:%m%d}".encode()
        zone = format_offset(offset).replace(":", "").encode() if offset is not None else match[3]
        return match[0][:-11] + f"{wall:%H%M%S}".encode() + zone

    return _IPTC_DATE.sub(fresh, block)


# --- the EXIF block ------------------------------------------------------------------------------------------------------


def dated_block(block: bytes, wall: datetime, offset: int | None) -> bytes:
    """A TIFF structure with the date in its Exif directory; all else keeps its place. A new one for b"". Raises ValueError."""
    if not block:
        block = b"MM\0*" + struct.pack(">IHI", 8, 0, 0)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        raise ValueError("no classic TIFF structure")
    main = _Directory(block, struct.unpack_from(f"{order}I", block, 4)[0], order)
    pointer = main.integer(_EXIF_POINTER)
    exif = _Directory(block, pointer, order) if pointer else None
    values = _values(exif, wall, offset)
    patched = bytearray(block)
    missing = {tag: value for tag, value in values.items() if exif is None or not exif.overwrite(patched, tag, value)}
    if not missing:
        return bytes(patched)
    version = {_VERSION: struct.pack(f"{order}HHI", _VERSION, 7, 4) + b"0232"}
    entries = _Directory(bytes(patched), pointer, order).entries if pointer else version
    at = _append_directory(patched, order, entries, missing, exif.following if exif else 0)
    link = struct.pack(f"{order}I", at)
    if pointer:
        place = main.places[_EXIF_POINTER] + 8
        patched[place : place + 4] = link
    else:
        entry = {_EXIF_POINTER: struct.pack(f"{order}HHI", _EXIF_POINTER, _LONG, 1) + link}
        first = _append_directory(patched, order, main.entries | entry, {}, main.following)
        struct.pack_into(f"{order}I", patched, 4, first)
    return bytes(patched)


def _values(exif: _Directory | None, wall: datetime, offset: int | None) -> dict[int, bytes]:
    """What the Exif directory is to hold: the dates, their offset if known, and no fraction of a second that was another's."""
    date = f"{wall.year:04d}:{wall:%m:%d %H:%M:%S}".encode() + b"\0"
    values = dict.fromkeys(_DATES, date)
    if offset is not None:
        values |= dict.fromkeys(_OFFSETS, format_offset(offset).encode() + b"\0")
    for tag in _FRACTIONS if exif else ():
        count = exif.count(tag) if exif else 0
        if count:
            values[tag] = b"0" * (count - 1) + b"\0"
    return values


class _Directory:
    """One directory as its raw entries of 12 bytes, by tag, with where each stands. Raises ValueError where it is cut short."""

    def __init__(self, block: bytes, start: int, order: str) -> None:
        self._order = order
        (count,) = struct.unpack_from(f"{order}H", block, start)
        end = start + 2 + 12 * count
        if end + 4 > len(block):
            raise ValueError("a directory runs past the end")
        self.entries: dict[int, bytes] = {}
        self.places: dict[int, int] = {}
        for place in range(start + 2, end, 12):
            (tag,) = struct.unpack_from(f"{order}H", block, place)
            self.entries.setdefault(tag, block[place : place + 12])
            self.places.setdefault(tag, place)
        self.following: int = struct.unpack_from(f"{order}I", block, end)[0]

    def integer(self, tag: int) -> int | None:
        """The value of an entry with one LONG (or IFD) number, or None."""
        entry = self.entries.get(tag)
        if entry is None or struct.unpack_from(f"{self._order}H", entry, 2)[0] not in (_LONG, 13):
            return None
        return int(struct.unpack_from(f"{self._order}I", entry, 8)[0])

    def count(self, tag: int) -> int:
        """Bytes of a text entry; 0 where there is none."""
        entry = self.entries.get(tag, b"")
        return int(struct.unpack_from(f"{self._order}I", entry, 4)[0]) if entry[2:4] in (b"\2\0", b"\0\2") else 0

    def overwrite(self, block: bytearray, tag: int, value: bytes) -> bool:
        """Put a text where the old one stands; whether there was one with room for it."""
        room = self.count(tag)
        if room < len(value):
            return False
        place = self.places[tag] + 8
        if room > 4:
            (place,) = struct.unpack_from(f"{self._order}I", block, place)
            if place < 8 or place + room > len(block):
                return False
        block[place : place + room] = value.ljust(room, b"\0")
        return True


def _append_directory(
    block: bytearray, order: str, entries: dict[int, bytes], texts: dict[int, bytes], following: int
) -> int:  # fmt: skip
    """Add a directory at the end of a block: entries as they are, and texts in place of those of their tags; where it begins."""
    block += bytes(len(block) % 2)
    start = len(block)
    tags = sorted({*entries, *texts})
    heap_at = start + 2 + 12 * len(tags) + 4
    table, heap = b"", b""
    for tag in tags:
        text = texts.get(tag)
        if text is None:
            table += entries[tag]
            continue
        inline = text.ljust(4, b"\0") if len(text) <= 4 else struct.pack(f"{order}I", heap_at + len(heap))
        table += struct.pack(f"{order}HHI", tag, _ASCII, len(text)) + inline
        heap += (text + bytes(len(text) % 2)) if len(text) > 4 else b""
    block += struct.pack(f"{order}H", len(tags)) + table + struct.pack(f"{order}I", following) + heap
    return start


# --- containers ----------------------------------------------------------------------------------------------------------


def _jpeg(data: bytes, stamp: Stamp) -> bytes:
    """The Exif segment (APP1) changed, or put behind the JFIF header; every other byte stays."""
    insert, positions_follow = 2, False
    for marker, start, end in _segments(data):
        payload = data[start + 4 : end]
        if marker == 0xE1 and payload.startswith(_MARK):
            block = stamp(payload[len(_MARK) :])
            if positions_follow and len(block) != len(payload) - len(_MARK):
                raise MediaError("pictures behind the first are found by their distance, which would change")
            return data[:start] + _segment(block) + data[end:]
        positions_follow = positions_follow or (marker == 0xE2 and payload.startswith(b"MPF\0"))
        if marker == 0xE0 and insert == 2 == start:
            insert = end
    return data[:insert] + _segment(stamp(b"")) + data[insert:]


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, beginning and end of every segment before the picture data, fill bytes between them left out."""
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in (0xD9, 0xDA) or marker < 0xC0:
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at, end
        at = end


def _segment(block: bytes) -> bytes:
    body = _MARK + block
    if len(body) > _LONGEST_SEGMENT:
        raise MediaError("its EXIF segment is full")
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _png(data: bytes, stamp: Stamp) -> bytes:
    """The eXIf chunk changed, or put before the first with pixels."""
    at, insert = 8, 0
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if kind == b"eXIf":
            block = data[at + 8 : end - 4]
            mark = _MARK if block.startswith(_MARK) else b""
            return data[:at] + _chunk(b"eXIf", mark + stamp(block[len(mark) :])) + data[end:]
        if kind == b"IDAT" and not insert:
            insert = at
        if kind == b"IEND":
            break
        at = end
    if not insert:
        raise ValueError("no pixels")
    return data[:insert] + _chunk(b"eXIf", stamp(b"")) + data[insert:]


def _chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def _webp(data: bytes, stamp: Stamp) -> bytes:
    """The EXIF chunk changed, or added behind the picture, with the extended header that announces it."""
    chunks: list[tuple[bytes, bytes]] = []
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > end:
            raise ValueError("a chunk runs past the end")
        chunks.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    old = next((payload for kind, payload in chunks if kind == b"EXIF"), b"")
    mark = _MARK if old.startswith(_MARK) else b""
    exif = (b"EXIF", mark + stamp(old[len(mark) :]))
    if old:
        chunks = [exif if kind == b"EXIF" else (kind, payload) for kind, payload in chunks]
    else:
        before_xmp = next((n for n, (kind, _p) in enumerate(chunks) if kind == b"XMP "), len(chunks))
        chunks.insert(before_xmp, exif)
    chunks = _extended(chunks)
    body = b"WEBP" + b"".join(k + struct.pack("<I", len(p)) + p + bytes(len(p) % 2) for k, p in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body + data[end + end % 2 :]


def _extended(chunks: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The chunks with a VP8X header that says there is EXIF."""
    kind, first = chunks[0]
    if kind == b"VP8X":
        return [(b"VP8X", bytes([first[0] | 0x08]) + first[1:]), *chunks[1:]]
    if kind == b"VP8L":
        bits = int.from_bytes(first[1:5], "little")
        width, height, flags = bits & 0x3FFF, bits >> 14 & 0x3FFF, 0x18 if bits >> 28 & 1 else 0x08
    elif kind == b"VP8 ":
        width, height, flags = (
            (int.from_bytes(first[6:8], "little") & 0x3FFF) - 1,
            (int.from_bytes(first[8:10], "little") & 0x3FFF) - 1,
            0x08,
        )
    else:
        raise ValueError("no picture")
    return [(b"VP8X", bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")), *chunks]


def _tiff(data: bytes, stamp: Stamp) -> bytes:
    """A TIFF file is an EXIF block itself."""
    return stamp(data)


def _heif(data: bytes, stamp: Stamp) -> bytes:
    """The date in its place in the Exif item; one that must be added would move what `iloc` points to."""
    source = MemorySource(data)
    meta = next((b for b in boxes(source, 0, source.size) if b.kind == b"meta"), None)
    if meta is None:
        raise _OnlyByTool("it has no metadata")
    items = Items(source, meta)
    for item in items.of_kind(b"Exif")[:1]:
        place, whole = items.place(item), items.data(item)
        start = 4 + int.from_bytes(whole[:4], "big")
        start += len(_MARK) if whole[start : start + 6] == _MARK else 0
        if place is None or whole[start : start + 2] not in (b"II", b"MM"):
            break
        block = stamp(whole[start:])
        if len(block) != len(whole) - start:
            raise _OnlyByTool("it holds no date that could be overwritten")
        return data[: place + start] + block + data[place + len(whole) :]
    raise _OnlyByTool("it holds no EXIF that could be changed in its place")


_WRITERS: dict[str, Callable[[bytes, Stamp], bytes]] = {
    "jpeg": _jpeg, "png": _png, "webp": _webp, "tiff": _tiff, "heif": _heif,
}  # fmt: skip


def _by_exiftool(data: bytes, type_name: str, wall: datetime, offset: int | None, reason: str) -> bytes:
    """Let an installed ExifTool write the date, into a temporary file."""
    program = shutil.which("exiftool")
    if program is None:
        raise MediaError(f"{reason}; install exiftool to have its date written")
    date = f"{wall.year:04d}:{wall:%m:%d %H:%M:%S}"
    tags = [f"-DateTimeOriginal={date}", f"-CreateDate={date}"]
    tags += [f"-{n}={format_offset(offset)}" for n in ("OffsetTimeOriginal", "OffsetTimeDigitized")] if offset is not None else []
    with tempfile.TemporaryDirectory(prefix="catalog-date-") as folder:
        path = Path(folder) / f"picture.{BY_NAME[type_name].extensions[0]}"
        path.write_bytes(data)
        command = [program, "-q", "-overwrite_original", *tags, str(path)]
        try:
            done = subprocess.run(command, capture_output=True, check=False, timeout=_EXIFTOOL_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MediaError(f"exiftool did not write its date ({type(error).__name__})") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise MediaError(f"exiftool did not write its date: {said[0][:160] if said else done.returncode}")
        return path.read_bytes()
