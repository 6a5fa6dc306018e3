"""Where a picture keeps its EXIF block, by the kind of container; every other byte stays."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

from catalog.errors import MediaError
from catalog.media.bmff.boxes import Walk
from catalog.media.bmff.heif import Items
from catalog.media.jpeg.segments import APP0, APP1, APP2, Segments
from catalog.media.source import MemorySource

Stamp = Callable[[bytes], bytes]
"""From an EXIF block, b"" where there is none, to the one that shall stand in its place."""

_MARK = b"Exif\0\0"
_LONGEST_SEGMENT = 0xFFFF - 2


class OnlyByTool(Exception):
    """The block cannot be put in place: something must be moved that only a full editor moves."""


def with_block(data: bytes, family: str, stamp: Stamp) -> bytes:
    """The file with its EXIF block as `stamp` makes it.

    Raises MediaError or OnlyByTool with the reason, and ValueError, IndexError or struct.error
    where its structure is not understood.
    """
    return _WRITERS[family](data, stamp)


def _jpeg(data: bytes, stamp: Stamp) -> bytes:
    """The Exif segment (APP1) changed, or put behind the JFIF header; every other byte stays."""
    insert, positions_follow = 2, False
    for marker, start, end in Segments(MemorySource(data)):
        payload = data[start + 4 : end]
        if marker == APP1 and payload.startswith(_MARK):
            block = stamp(payload[len(_MARK) :])
            if positions_follow and len(block) != len(payload) - len(_MARK):
                raise MediaError(
                    "pictures behind the first are found by their distance, which would change"
                )
            return data[:start] + _segment(block) + data[end:]
        positions_follow = positions_follow or (marker == APP2 and payload.startswith(b"MPF\0"))
        if marker == APP0 and insert == 2 == start:
            insert = end
    return data[:insert] + _segment(stamp(b"")) + data[insert:]


def _segment(block: bytes) -> bytes:
    body = _MARK + block
    if len(body) > _LONGEST_SEGMENT:
        raise MediaError("its EXIF segment is full")
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _png(data: bytes, stamp: Stamp) -> bytes:
    """The eXIf chunk changed, or put before the first with pixels."""
    insert = 0
    for kind, start, end in png_chunks(data):
        if kind == b"eXIf":
            block = data[start + 8 : end - 4]
            mark = _MARK if block.startswith(_MARK) else b""
            return data[:start] + png_chunk(b"eXIf", mark + stamp(block[len(mark) :])) + data[end:]
        if kind == b"IDAT" and not insert:
            insert = start
    if not insert:
        raise ValueError("no pixels")
    return data[:insert] + png_chunk(b"eXIf", stamp(b"")) + data[insert:]


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, beginning and end of every chunk of a PNG up to IEND."""
    at = 8
    while at + 12 <= len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield kind, at, end
        if kind == b"IEND":
            return
        at = end


def png_chunk(kind: bytes, payload: bytes) -> bytes:
    """A chunk of a PNG with its checksum."""
    body = kind + payload
    return struct.pack(">I", len(payload)) + body + struct.pack(">I", zlib.crc32(body))


def _webp(data: bytes, stamp: Stamp) -> bytes:
    """The EXIF chunk changed, or added behind the picture,
    with the extended header that announces it.
    """
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
        before_xmp = next(
            (n for n, (kind, _p) in enumerate(chunks) if kind == b"XMP "), len(chunks)
        )
        chunks.insert(before_xmp, exif)
    chunks = _extended(chunks)
    body = b"WEBP" + b"".join(
        k + struct.pack("<I", len(p)) + p + bytes(len(p) % 2) for k, p in chunks
    )
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
    return [
        (
            b"VP8X",
            bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little"),
        ),
        *chunks,
    ]


def _tiff(data: bytes, stamp: Stamp) -> bytes:
    """A TIFF file is an EXIF block itself."""
    return stamp(data)


def _heif(data: bytes, stamp: Stamp) -> bytes:
    """The date in its place in the Exif item;
    one that must be added would move what `iloc` points to.
    """
    walk = Walk(MemorySource(data))
    meta = next((b for b in walk.top() if b.kind == b"meta"), None)
    if meta is None:
        raise OnlyByTool("it has no metadata")
    items = Items(walk, meta)
    for item in items.of_kind(b"Exif")[:1]:
        place, whole = items.offset(item), items.data(item)
        start = 4 + int.from_bytes(whole[:4], "big")
        start += len(_MARK) if whole[start : start + 6] == _MARK else 0
        if place is None or whole[start : start + 2] not in (b"II", b"MM"):
            break
        block = stamp(whole[start:])
        if len(block) != len(whole) - start:
            raise OnlyByTool("it holds no date that could be overwritten")
        return data[: place + start] + block + data[place + len(whole) :]
    raise OnlyByTool("it holds no EXIF that could be changed in its place")


_WRITERS: dict[str, Callable[[bytes, Stamp], bytes]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "tiff": _tiff,
    "heif": _heif,
}
