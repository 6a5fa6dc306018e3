"""What cameras and editors state in the segments of a JPEG: JFIF, EXIF, XMP part 3, Photoshop."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from catalog.domain.capture_time import DateCandidate, parse_date
from catalog.media.findings import Findings
from catalog.media.jpeg.segments import APP0, APP1, APP2, APP12, APP13, FRAMES, Segments
from catalog.media.packets import Packets
from catalog.media.parts import SOUND, has_sound, parts_of_index
from catalog.media.source import ByteSource, MemorySource
from catalog.media.tiff.ciff import read_ciff
from catalog.media.trailer import read_trailer

_READ = frozenset((APP0, APP1, APP2, APP12, APP13, *FRAMES))
_SEARCHED = 1 << 18
_LONGEST_EXIF = 1 << 16
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_MAX_EXTENDED = 4 << 20


class _Contents:
    """What the segments of one JPEG hold."""

    def __init__(self) -> None:
        self.packets = Packets()
        self.size: tuple[int, int] | None = None
        self.extended: dict[bytes, dict[int, bytes]] = {}
        self.dates: list[DateCandidate] = []
        self.flir = bytearray()
        self.ciff = b""
        self.parts: set[str] = set()

    def take(self, marker: int, data: bytes) -> None:
        """Keep what one segment's payload states."""
        if marker in FRAMES:
            if self.size is None and len(data) >= 5:
                height, width = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big")
                self.size = (width, height) if width and height else None
        elif marker == APP13:
            start = data.find(b"8BIM", 0, 64)
            if start >= 0:
                self._take_photoshop(data, start)
        elif marker == APP12:
            self._take_picture_info(data)
        elif marker == APP2:
            if data.startswith(b"MPF\0"):
                self.parts |= parts_of_index(data[4:])
            elif data.startswith(b"FPXR\0") and has_sound(data):
                self.parts.add(SOUND)
        else:
            self._take_application(data)

    def _take_application(self, data: bytes) -> None:
        head = data[:5]
        if head[:4].lower() == b"exif" or head[:4] in (b"II*\0", b"MM\0*"):
            before = len(self.packets.exif)
            self.packets.add_exif(data)
            if (
                len(self.packets.exif) == before
                and before
                and len(self.packets.exif[-1]) < _MAX_EXTENDED
            ):
                self.packets.exif[-1] += data[6:]  # EXIF beyond 64 kB goes on in further segments
        elif data.startswith(_XMP):
            self.packets.add_xmp(data[len(_XMP) :])
        elif data.startswith(_EXTENDED_XMP):
            guid, offset = data[35:67], int.from_bytes(data[71:75], "big")
            parts = self.extended.setdefault(guid, {})
            if len(self.extended) <= 4 and len(parts) < 100:
                parts[offset] = data[75:]
        elif head[:2] in (b"II", b"MM") and data[6:14] == b"HEAPJPGM":
            self.ciff = self.ciff or data
        elif head == b"FLIR\0" and len(self.flir) < _MAX_EXTENDED:
            self.flir += data[8:]
        elif head == b"QVCI\0":
            self._add_date(
                re.sub(rb"^(\d+\.\d+\.\d+)[.:]", rb"\1 ", data[0x4D:0x61]).decode("latin-1")
            )
        elif (
            data[:32]
            .lstrip(b"\0 ")
            .startswith((b"<?xpacket", b"<x:xmpmeta", b"http://ns.adobe.com/xap/"))
        ):
            self.packets.add_xmp(data[max(0, data.find(b"<")) :])

    def _take_photoshop(self, data: bytes, start: int) -> None:
        earlier = self.packets.photoshop
        if earlier and 60_000 < len(earlier[-1]) < _MAX_EXTENDED:
            earlier[-1] += data[start:]
        else:
            earlier.append(data[start:])

    def _take_picture_info(self, data: bytes) -> None:
        """The text block of early Olympus, Agfa, Sanyo and Epson cameras;
        TimeDate is their local clock in Unix seconds.
        """
        if b"[picture info]" in data[:64].lower():
            match = re.search(rb"TimeDate=\s*(\d{1,10})\b", data)
            if match and int(match[1]):
                wall = datetime.fromtimestamp(int(match[1]), UTC).replace(tzinfo=None)
                self.dates.append(DateCandidate("maker:DateTimeOriginal", wall))

    def _add_date(self, text: str) -> None:
        parsed = parse_date(text)
        if parsed is not None:
            self.dates.append(
                DateCandidate("maker:DateTimeOriginal", parsed[0], precision=parsed.precision)
            )

    def _take_flir(self) -> None:
        """The clock of a thermal camera from its FFF block (record 32, camera info,
        at byte 900).
        """
        data = bytes(self.flir)
        records = int.from_bytes(data[0x18:0x1C], "big"), int.from_bytes(data[0x1C:0x20], "big")
        for at in range(records[0], records[0] + min(records[1], 64) * 32, 32):
            if data[at : at + 2] == b"\0\x20":
                start = int.from_bytes(data[at + 12 : at + 16], "big") + 0x384
                raw = data[start : start + 10]
                seconds, zone = (
                    int.from_bytes(raw[:4], "little"),
                    int.from_bytes(raw[8:10], "little", signed=True),
                )
                if len(raw) == 10 and seconds and abs(zone) <= 14 * 60:
                    wall = datetime(1970, 1, 1) + timedelta(seconds=seconds - zone * 60)
                    self.dates.append(DateCandidate("maker:DateTimeOriginal", wall, -zone))
                return

    def finish(self) -> None:
        """Put together what came in parts; extended XMP if its GUID is in the main packet."""
        self._take_flir()
        for guid, parts in self.extended.items():
            if any(guid in packet for packet in self.packets.xmp):
                self.packets.add_xmp(b"".join(parts[o] for o in sorted(parts))[:_MAX_EXTENDED])


def read_jpeg(source: ByteSource, findings: Findings, *, want_size: bool = True) -> Packets:
    """Add what a JPEG states; `width` and `height` only with `want_size`.

    Returns its blocks, as evidence for other readers.
    """
    segments, contents = Segments(source, mend=True), _Contents()
    for segment in segments:
        if segment[0] in _READ:
            contents.take(segment[0], segments.payload(segment))
    if (segments.is_broken or contents.size is None) and not contents.packets.exif:
        _search_exif(source.read(0, _SEARCHED), contents.packets)
    contents.finish()
    if want_size and contents.size:
        findings.add("width", contents.size[0], "jpeg")
        findings.add("height", contents.size[1], "jpeg")
    contents.packets.apply(findings)
    if contents.ciff:
        _read_ciff(contents.ciff, findings)
    findings.parts |= contents.parts
    for date in contents.dates:
        findings.add_date(date)
    if want_size:
        read_trailer(source, findings)
    return contents.packets


def _read_ciff(block: bytes, findings: Findings) -> None:
    """Camera and date of an early PowerShot; sizes and previews are not those of this file."""
    own = Findings()
    read_ciff(MemorySource(block), own)
    for field in ("make", "model"):
        findings.add(field, own.get(field), "ciff")
    for date in own.dates:
        findings.add_date(date)


def _search_exif(head: bytes, packets: Packets) -> None:
    """Last resort for a broken structure: the EXIF mark anywhere in the first bytes."""
    match = re.search(rb"Exif\0\0(?=II\*\0|MM\0\*)", head)
    if match:
        packets.add_exif(head[match.end() : match.end() + _LONGEST_EXIF])
