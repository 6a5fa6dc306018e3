"""The date of capture, and who made a file, in an EXIF block: a TIFF structure (CIPA DC-008).

A date that stands there is overwritten in its place. Where there is none, a longer directory is
added at the end and linked, so that maker notes, whose offsets nobody knows, stay where they are.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import datetime

from catalog.domain.capture_time import format_offset
from catalog.media.tiff.exif import EXIF_POINTER
from catalog.media.tiff.ifd import Ifd, Tiff, tiff_in_memory

Values = Mapping[int, bytes]
"""By tag: whole rows of a directory, or texts with their NUL."""

NEW = b"MM\0*" + struct.pack(">IHI", 8, 0, 0)
ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ASCII, _SHORT, _LONG = 2, 3, 4
_ORIENTATION, _SOFTWARE = 0x0112, 0x0131
_VERSION = 0x9000
_DATES = (0x9003, 0x9004)
_FRACTIONS = (0x9291, 0x9292)
_OFFSETS = (0x9011, 0x9012)
_NAMED = frozenset((_ORIENTATION, _SOFTWARE))
_WRITTEN = frozenset((EXIF_POINTER, *_DATES, *_FRACTIONS, *_OFFSETS))


def write_date(block: bytes, wall: datetime, offset: int | None) -> bytes:
    """A TIFF structure with the date in its Exif directory; all else keeps its place.

    For b"" a new one. `offset` is in minutes east of UTC, if known. Raises ValueError where the
    structure is not understood.
    """
    order = ORDERS.get((block or NEW)[:4])
    if order is None:
        raise ValueError("no classic TIFF structure")
    tiff = tiff_in_memory(block or NEW)
    main = _directory(tiff, tiff.first) if block else None
    pointer = main.integer(EXIF_POINTER) if main else None
    exif = _directory(tiff, pointer) if pointer else None
    patched = bytearray(block or NEW)
    missing = _values(exif, wall, offset)
    if exif:
        missing = {t: text for t, text in missing.items() if not _overwrite(patched, exif, t, text)}
    if missing:
        start = struct.pack(f"{order}I", _append_exif(patched, order, pointer, missing))
        _link(patched, order, main, directory_row(order, EXIF_POINTER, _LONG, 1, start))
    return bytes(patched)


def write_software(block: bytes, software: str, *, upright: bool) -> bytes:
    """A TIFF structure that names a program in its first directory; all else keeps its place.

    For b"" a new one. `upright`: the picture is as it is to be shown, whatever turn stands there.
    Raises ValueError where the structure is not understood.
    """
    order = ORDERS.get((block or NEW)[:4])
    if order is None:
        raise ValueError("no classic TIFF structure")
    tiff = tiff_in_memory(block or NEW)
    main = tiff.ifd(tiff.first, _NAMED) if block else None
    if main is not None and not main.is_whole:
        raise ValueError("a directory runs past the end")
    rows = main.rows() if main else {}
    if upright and _ORIENTATION in rows:
        turn = struct.pack(f"{order}HH", 1, 0)
        rows[_ORIENTATION] = directory_row(order, _ORIENTATION, _SHORT, 1, turn)
    patched = bytearray(block or NEW)
    text = {_SOFTWARE: software.encode("ascii", "replace") + b"\0"}
    first = append_directory(patched, order, rows, text, main.next if main else 0)
    struct.pack_into(f"{order}I", patched, 4, first)
    return bytes(patched)


def _directory(tiff: Tiff, start: int) -> Ifd:
    """A directory with all its entries. Raises ValueError where it is cut short, or is none."""
    ifd = tiff.ifd(start, _WRITTEN)
    if ifd is None or not ifd.is_whole:
        raise ValueError("a directory runs past the end")
    return ifd


def _values(exif: Ifd | None, wall: datetime, offset: int | None) -> dict[int, bytes]:
    """What the Exif directory is to hold: the dates, and their offset if known.

    A fraction of a second that stands there is another's, and becomes 0.
    """
    date = f"{wall.year:04d}:{wall:%m:%d %H:%M:%S}".encode() + b"\0"
    values = dict.fromkeys(_DATES, date)
    if offset is not None:
        values |= dict.fromkeys(_OFFSETS, format_offset(offset).encode() + b"\0")
    for tag in _FRACTIONS:
        _, room = _text_span(exif, tag) if exif else (0, 0)
        if room:
            values[tag] = b"0" * (room - 1) + b"\0"
    return values


def _text_span(ifd: Ifd, tag: int) -> tuple[int, int]:
    """Offset and bytes of a text entry; (0, 0) where there is none."""
    return ifd.span(tag) if ifd.kind(tag) == _ASCII else (0, 0)


def _overwrite(block: bytearray, ifd: Ifd, tag: int, text: bytes) -> bool:
    """Put a text where the old one stands; whether there was one with room for it."""
    start, room = _text_span(ifd, tag)
    if room < len(text) or start < 8 or start + room > len(block):
        return False
    block[start : start + room] = text.ljust(room, b"\0")
    return True


def _append_exif(block: bytearray, order: str, pointer: int | None, texts: Values) -> int:
    """Add an Exif directory: the texts, and what the old one at `pointer` holds; its offset."""
    if not pointer:
        return append_directory(
            block, order, {_VERSION: directory_row(order, _VERSION, 7, 4, b"0232")}, texts, 0
        )
    exif = _directory(tiff_in_memory(bytes(block)), pointer)
    return append_directory(block, order, exif.rows(), texts, exif.next)


def _link(block: bytearray, order: str, main: Ifd | None, row: bytes) -> None:
    """Let the first directory have this row: in place of its tag's, else as a longer one."""
    if main and main.integer(EXIF_POINTER):
        value, size = main.span(EXIF_POINTER)
        if size > 4:
            raise ValueError("the Exif directory is not linked by one number")
        block[value - 8 : value + 4] = row
        return
    rows = main.rows() if main else {}
    first = append_directory(block, order, rows | {EXIF_POINTER: row}, {}, main.next if main else 0)
    struct.pack_into(f"{order}I", block, 4, first)


def append_directory(
    block: bytearray, order: str, rows: Values, texts: Values, following: int
) -> int:
    """Add a directory at the end of a TIFF structure: rows as they are, texts in place of their
    tags'; its offset. `following` is that of the directory behind it, 0 for none.
    """
    block += bytes(len(block) % 2)
    start = len(block)
    tags = sorted({*rows, *texts})
    heap_at = start + 2 + 12 * len(tags) + 4
    table, heap = b"", b""
    for tag in tags:
        text = texts.get(tag)
        if text is None:
            table += rows[tag]
            continue
        inline = text.ljust(4, b"\0")
        if len(text) > 4:
            inline = struct.pack(f"{order}I", heap_at + len(heap))
            heap += text + bytes(len(text) % 2)
        table += directory_row(order, tag, _ASCII, len(text), inline)
    end = struct.pack(f"{order}I", following)
    block += struct.pack(f"{order}H", len(tags)) + table + end + heap
    return start


def directory_row(order: str, tag: int, kind: int, count: int, inline: bytes) -> bytes:
    """A row of a directory: tag, type, count, and the value or where it lies."""
    return struct.pack(f"{order}HHI", tag, kind, count) + inline
