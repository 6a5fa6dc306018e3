"""PNG, WebP, GIF, BMP and PSD: size and metadata blocks from their headers;
pixels are never decoded.
"""

from __future__ import annotations

import email.utils
import re
import zlib
from datetime import datetime

from catalog.domain.capture_time import SECOND, ParsedDate, parse_date
from catalog.domain.filetypes import FileType
from catalog.media.findings import Findings
from catalog.media.iptc import resources
from catalog.media.packets import Packets
from catalog.media.source import ByteSource, MemorySource

_ZONE = re.compile(r"(?:[+-]\d{4}|[A-Z]{2,4})\s*$")
_MAX_CHUNKS = 100_000
_MAX_BLOCK = 8 << 20
_FEW_CHUNKS = 2
_TAIL = 1 << 17
_XMP_KEY = b"XML:com.adobe.xmp"
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"


def add_size(findings: Findings, width: int, height: int, source: str) -> None:
    """Set width and height (pixels) if both are possible."""
    if 0 < width < 1 << 31 and 0 < height < 1 << 31:
        findings.add("width", width, source)
        findings.add("height", height, source)


def add_frames(findings: Findings, count: int, source: str) -> None:
    """Set the number of frames or pages, where it is a possible one."""
    if 0 < count < 1 << 31:
        findings.add("frames", count, source)


def read_png(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a PNG (W3C PNG 3rd edition) states: IHDR, eXIf and the text chunks that hold EXIF,
    XMP or IPTC.
    """
    packets = Packets()
    at, pixels, frames = 8, 0, 1
    for _ in range(_MAX_CHUNKS):
        head = source.read(at, 8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IDAT":
            pixels += 1
            if pixels == _FEW_CHUNKS and (last := _last_pixels(source, at)):
                at = last
                continue
        elif kind == b"IHDR":
            data = source.read(at + 8, 8)
            add_size(
                findings, int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big"), "png"
            )
        elif kind == b"acTL":
            frames = int.from_bytes(source.read(at + 8, 4), "big")
        elif kind in (b"eXIf", b"zxIf"):
            packets.add_exif(source.read(at + 8, min(length, _MAX_BLOCK)))
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            _take_text(kind, source.read(at + 8, min(length, _MAX_BLOCK)), packets, findings)
        at += 12 + length
    add_frames(findings, frames, "png")
    packets.apply(findings)
    return filetype


def _last_pixels(source: ByteSource, start: int) -> int:
    """Where the last chunks with pixels begin, found from the end of the file;
    0 where they cannot be told for sure.

    There may be thousands of them, and walking over each reads nearly all of a file, which may be
    far away.
    """
    first = max(start, source.size - _TAIL)
    tail = source.read(first, _TAIL)
    for match in re.finditer(rb"IDAT", tail):
        begin = at = match.start() - 4
        while 0 <= at <= len(tail) - 12 and tail[at + 4 : at + 8].isalpha():
            at += 12 + int.from_bytes(tail[at : at + 4], "big")
        if at == len(tail) and tail[-8:-4] == b"IEND":
            return first + begin
    return 0


def _take_text(kind: bytes, data: bytes, packets: Packets, findings: Findings) -> None:
    key, _, rest = data.partition(b"\0")
    if len(packets.xmp) + len(packets.exif) + len(packets.photoshop) + len(packets.iptc) >= 8:
        return  # no sound file has so many, and each may unpack to megabytes
    if key == b"Creation Time":
        if (created := _creation_time(_text(kind, rest)[:100].decode("latin-1"))) is not None:
            findings.add_date(created.as_candidate("png:CreationTime"))
    elif key == _XMP_KEY:
        packets.add_xmp(_text(kind, rest))
    elif key.startswith(b"Raw profile type "):
        _take_profile(key[17:].lower(), _text(kind, rest), packets)


def _creation_time(text: str) -> ParsedDate | None:
    """When the original image was made (PNG 3rd edition, 11.3.3.2): a date of RFC 1123, as the
    standard suggests, or one in whatever form is usual elsewhere.
    """
    mail = email.utils.parsedate_tz(text)
    if (usual := parse_date(text)) is not None or mail is None:
        return usual
    try:
        wall = datetime(*mail[:6])
    except ValueError:
        return None
    offset = (mail[9] or 0) // 60 if _ZONE.search(text) else None
    return ParsedDate(wall, offset, SECOND)


def _text(kind: bytes, rest: bytes) -> bytes:
    if kind == b"zTXt":
        return _inflate(rest[1:])
    if kind == b"iTXt":
        packed = rest[:1] == b"\1"
        parts = rest[2:].split(b"\0", 2)
        return (_inflate(parts[2]) if packed else parts[2]) if len(parts) == 3 else b""
    return rest


def _inflate(data: bytes) -> bytes:
    """Unpacked text, at most 8 MB; what could be unpacked where it is damaged."""
    try:
        return zlib.decompressobj().decompress(data, _MAX_BLOCK)
    except zlib.error:
        return b""


def _take_profile(name: bytes, text: bytes, packets: Packets) -> None:
    """ImageMagick's form: a name, a length and hexadecimal digits over many lines."""
    match = re.match(rb"\s{0,8}[\w ]{1,40}\n\s{0,20}(\d{1,12})\s{0,8}\n", text)
    if not match:
        return
    digits = re.sub(rb"[^0-9A-Fa-f]", b"", text[match.end() :])
    data = bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
    if data.startswith(_XMP_MARK):
        packets.add_xmp(data[len(_XMP_MARK) :])
    elif name in (b"exif", b"app1"):
        packets.add_exif(data)
    elif name == b"xmp":
        packets.add_xmp(data)
    elif name in (b"iptc", b"8bim"):
        start = data.find(b"8BIM", 0, 64)
        (packets.photoshop if start >= 0 else packets.iptc).append(data[max(start, 0) :])


def read_webp(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a WebP (RFC 9649) states: size of VP8X, VP8 or VP8L, EXIF and XMP chunks."""
    packets = Packets()
    at, frames = 12, 0
    for _ in range(_MAX_CHUNKS):
        head = source.read(at, 18)
        if len(head) < 8:
            break
        kind, length = head[:4], int.from_bytes(head[4:8], "little")
        if kind in (b"VP8X", b"VP8 ", b"VP8L"):
            add_size(findings, *_webp_size(kind, source.read(at + 8, 10)), "webp")
        elif kind == b"ANMF":
            frames += 1
        elif kind.upper() == b"EXIF":
            packets.add_exif(source.read(at + 8, min(length, _MAX_BLOCK)))
        elif kind.upper() in (b"XMP ", b"XMP\0"):
            packets.add_xmp(source.read(at + 8, min(length, _MAX_BLOCK)))
        at += 8 + length + length % 2
    add_frames(findings, max(1, frames), "webp")
    packets.apply(findings)
    return filetype


def _webp_size(kind: bytes, data: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1) if data[:1] == b"\x2f" else (0, 0)
    if data[3:6] != b"\x9d\x01\x2a":
        return 0, 0
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(
        data[8:10], "little"
    ) & 0x3FFF


def read_gif(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add a GIF's logical screen size and the packet of its XMP application extension."""
    head = source.read(0, 10)
    add_size(
        findings, int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"), "gif"
    )
    data = source.data if isinstance(source, MemorySource) else source.read(0, _MAX_BLOCK)
    add_frames(findings, _gif_frames(data), "gif")
    mark = data.find(b"\x21\xff\x0bXMP DataXMP")
    if mark >= 0:
        start = mark + 14
        end = data.find(b"<?xpacket end", start)
        stop = data.find(b">", end) + 1 if end >= 0 else data.find(b"\1\xff\xfe", start)
        packets = Packets(xmp=[data[start:stop] if stop > start else data[start:]])
        packets.apply(findings)
    return filetype


def _gif_frames(data: bytes) -> int:
    """How many pictures a GIF has (GIF89a); 0 where its end is not there."""
    if len(data) < 13:
        return 0
    at, frames = 13 + _colours(data[10]), 0
    while at + 10 <= len(data) or data[at : at + 1] == b";":
        mark = data[at]
        if mark == 0x3B:
            return frames
        if mark == 0x2C:
            frames += 1
            at += 11 + _colours(data[at + 9])
        elif mark == 0x21:
            at += 2
        else:
            return 0
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return 0


def _colours(flags: int) -> int:
    """Bytes of a table of colours, by the flags before it."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def read_bmp(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add a BMP's size; a negative height means rows from the top."""
    head = source.read(0, 26)
    if head[14:15] == b"\x0c":
        add_size(
            findings,
            int.from_bytes(head[18:20], "little"),
            int.from_bytes(head[20:22], "little"),
            "bmp",
        )
    else:
        width, height = (int.from_bytes(head[i : i + 4], "little", signed=True) for i in (18, 22))
        add_size(findings, width, abs(height), "bmp")
    return filetype


def read_psd(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a Photoshop file (PSD, PSB) states: header size and image resources 1028 IPTC,
    1058 EXIF, 1060 XMP.
    """
    head = source.read(0, 30)
    add_size(
        findings, int.from_bytes(head[18:22], "big"), int.from_bytes(head[14:18], "big"), "psd"
    )
    start = 30 + int.from_bytes(head[26:30], "big")
    length = int.from_bytes(source.read(start, 4), "big")
    blocks = resources(source.read(start + 4, min(length, _MAX_BLOCK)))
    packets = Packets()
    if 1058 in blocks:
        packets.add_exif(blocks[1058])
    if 1060 in blocks:
        packets.add_xmp(blocks[1060])
    if 1028 in blocks:
        packets.iptc.append(blocks[1028])
    packets.apply(findings)
    return filetype
