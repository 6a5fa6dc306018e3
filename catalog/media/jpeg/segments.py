"""JPEG files (ITU-T T.81, JFIF, EXIF, XMP part 3, Photoshop): a segment walker that survives what cameras and editors write."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import xxhash

from catalog.domain.capture_time import DateCandidate, parse_date
from catalog.media.findings import Findings
from catalog.media.source import ByteSource
from catalog.media.video.packets import Packets

_CHUNK = 65536
_AHEAD = 8192
_MAX_SEGMENTS = 2000
_MAX_RESYNCS = 32
_FRAMES = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF))
_BARE = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
_READ = frozenset((0xE0, 0xE1, 0xEC, 0xED, *_FRAMES))
_SEGMENT = re.compile(rb"\xff[\xc0-\xcf\xdb-\xfe]")
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_MAX_EXTENDED = 4 << 20


class _Bytes:
    """A source seen through a chunk read ahead, since segments are small and many.

    Later chunks are small: what follows may have to be fetched from far away.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._start = 0
        self._chunk = source.read(0, _CHUNK)

    def read(self, offset: int, length: int) -> bytes:
        at = offset - self._start
        if at < 0 or at + length > len(self._chunk):
            if length > _CHUNK // 2:
                return self._source.read(offset, length)
            self._start, at = offset, 0
            self._chunk = self._source.read(offset, max(length, _AHEAD))
        return self._chunk[at : at + length]

    def peek(self, offset: int) -> bytes:
        """One byte, wherever it is, without moving the chunk."""
        return self._source.read(offset, 1)


class _Walk:
    """What the segments of one JPEG hold."""

    def __init__(self) -> None:
        self.packets = Packets()
        self.size: tuple[int, int] | None = None
        self.extended: dict[bytes, dict[int, bytes]] = {}
        self.dates: list[DateCandidate] = []
        self.broken = False

    def take(self, marker: int, data: bytes) -> None:
        """Keep what one segment's payload states."""
        if marker in _FRAMES:
            if self.size is None and len(data) >= 5:
                height, width = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big")
                self.size = (width, height) if width and height else None
        elif marker == 0xED:
            start = data.find(b"8BIM", 0, 64)
            if start >= 0:
                self._take_photoshop(data, start)
        elif marker == 0xEC:
            self._take_picture_info(data)
        else:
            self._take_application(data)

    def _take_application(self, data: bytes) -> None:
        head = data[:5]
        if head[:4].lower() == b"exif" or head[:4] in (b"II*\0", b"MM\0*"):
            before = len(self.packets.exif)
            self.packets.add_exif(data)
            if len(self.packets.exif) == before and before and len(self.packets.exif[-1]) < _MAX_EXTENDED:
                self.packets.exif[-1] += data[6:]  # EXIF beyond 64 kB goes on in further segments
        elif data.startswith(_XMP):
            self.packets.add_xmp(data[len(_XMP) :])
        elif data.startswith(_EXTENDED_XMP):
            guid, offset = data[35:67], int.from_bytes(data[71:75], "big")
            parts = self.extended.setdefault(guid, {})
            if len(self.extended) <= 4 and len(parts) < 100:
                parts[offset] = data[75:]
        elif head == b"QVCI\0":
            self._add_date(re.sub(rb"^(\d+\.\d+\.\d+)[.:]", rb"\1 ", data[0x4D:0x61]).decode("latin-1"))
        elif data[:32].lstrip(b"\0 ").startswith((b"<?xpacket", b"<x:xmpmeta", b"http://ns.adobe.com/xap/")):
            self.packets.add_xmp(data[max(0, data.find(b"<")) :])

    def _take_photoshop(self, data: bytes, start: int) -> None:
        earlier = self.packets.photoshop
        if earlier and 60_000 < len(earlier[-1]) < _MAX_EXTENDED:
            earlier[-1] += data[start:]
        else:
            earlier.append(data[start:])

    def _take_picture_info(self, data: bytes) -> None:
        """The text block of early Olympus, Agfa, Sanyo and Epson cameras; TimeDate is their local clock in Unix seconds."""
        if b"[picture info]" in data[:64].lower():
            match = re.search(rb"TimeDate=\s*(\d{1,10})\b", data)
            if match and int(match[1]):
                wall = datetime.fromtimestamp(int(match[1]), UTC).replace(tzinfo=None)
                self.dates.append(DateCandidate("maker:DateTimeOriginal", wall))

    def _add_date(self, text: str) -> None:
        parsed = parse_date(text)
        if parsed is not None:
            self.dates.append(DateCandidate("maker:DateTimeOriginal", parsed[0], precise=parsed[2]))

    def take_flir(self, data: bytes) -> None:
        """The clock of a thermal camera from its FFF block (record 32, camera info, at byte 900)."""
        records = int.from_bytes(data[0x18:0x1C], "big"), int.from_bytes(data[0x1C:0x20], "big")
        for at in range(records[0], records[0] + min(records[1], 64) * 32, 32):
            if data[at : at + 2] == b"\0\x20":
                start = int.from_bytes(data[at + 12 : at + 16], "big") + 0x384
                raw = data[start : start + 10]
                seconds, zone = int.from_bytes(raw[:4], "little"), int.from_bytes(raw[8:10], "little", signed=True)
                if len(raw) == 10 and seconds and abs(zone) <= 14 * 60:
                    wall = datetime(1970, 1, 1) + timedelta(seconds=seconds - zone * 60)
                    self.dates.append(DateCandidate("maker:DateTimeOriginal", wall, -zone))
                return

    def finish(self) -> None:
        """Put extended XMP together: only parts whose GUID the main packet names."""
        for guid, parts in self.extended.items():
            if any(guid in packet for packet in self.packets.xmp):
                self.packets.add_xmp(b"".join(parts[o] for o in sorted(parts))[:_MAX_EXTENDED])


def read_jpeg(source: ByteSource, findings: Findings, *, want_size: bool = True) -> Packets:
    """Add what a JPEG states; `width` and `height` only with `want_size`. Returns its blocks, as evidence for other readers."""
    walk = _Walk()
    _walk_segments(_Bytes(source), source.size, walk)
    if walk.broken and not walk.packets.exif:
        _search_exif(source.read(0, 4 * _CHUNK), walk.packets)
    walk.finish()
    if want_size and walk.size:
        findings.add("width", walk.size[0], "jpeg")
        findings.add("height", walk.size[1], "jpeg")
    walk.packets.apply(findings)
    for date in walk.dates:
        findings.add_date(date)
    if want_size:
        _find_samsung_movie(source, findings)
    return walk.packets


def _walk_segments(data: _Bytes, size: int, walk: _Walk) -> None:
    at, resyncs = 2, 0
    flir = bytearray()
    for _ in range(_MAX_SEGMENTS):
        head = data.read(at, 4)
        if len(head) < 2:
            walk.broken = walk.broken or walk.size is None
            break
        marker = head[1]
        if head[0] != 0xFF or (marker < 0xC0 and marker != 1):
            at, resyncs = _resync(data, at), resyncs + 1
            walk.broken = True
            if at < 0 or resyncs > _MAX_RESYNCS:
                break
        elif marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in (0xDA, 0xD9):
            break
        else:
            length = int.from_bytes(head[2:4], "big")
            if marker in _READ:
                payload = data.read(at + 4, max(0, length - 2))
                walk.take(marker, payload)
                if payload[:5] == b"FLIR\0" and len(flir) < _MAX_EXTENDED:
                    flir += payload[8:]
            at += 2 + max(length, 2)
    if flir:
        walk.take_flir(bytes(flir))
    walk.broken = walk.broken or at > size


def _resync(data: _Bytes, at: int) -> int:
    """The next place that looks like a segment, within 64 kB; -1 if there is none."""
    ahead = data.read(at, _CHUNK // 2)
    for match in _SEGMENT.finditer(ahead):
        length = int.from_bytes(ahead[match.start() + 2 : match.start() + 4], "big")
        following = at + match.start() + 2 + length
        if length >= 2 and data.peek(following) == b"\xff":
            return at + match.start()
    return -1


def _search_exif(head: bytes, packets: Packets) -> None:
    """Last resort for a broken structure: the EXIF mark anywhere in the first bytes."""
    match = re.search(rb"Exif\0\0(?=II\*\0|MM\0\*)", head)
    if match:
        packets.add_exif(head[match.end() : match.end() + _CHUNK])


def _find_samsung_movie(source: ByteSource, findings: Findings) -> None:
    """The directory at the very end of Samsung's JPEGs: entry type 0A30 is the movie of a motion photo."""
    if "motion_photo" in findings.values or not str(findings.get("make", "")).lower().startswith("samsung"):
        return
    tail = source.read(max(0, source.size - 4096), 4096)
    end, start = tail.rfind(b"SEFT"), tail.rfind(b"SEFH")
    if 0 <= start < end:
        entries = tail[start + 12 : end]
        if any(entries[i + 2 : i + 4] == b"\x30\x0a" for i in range(0, len(entries) - 11, 12)):
            findings.add("motion_photo", True, "samsung")


def image_data_hash(data: bytes) -> str | None:
    """XXH3 (128 bits, hex) of a JPEG without its APPn and COM segments, so equal for copies that differ in metadata alone.

    From the first table to the end of the picture (EOI included); a movie behind it does not count.
    None if the structure is broken.
    """
    if data[:2] != b"\xff\xd8":
        return None
    view = memoryview(data)
    digest = xxhash.xxh3_128()
    at = 2
    for _ in range(_MAX_SEGMENTS):
        if at + 4 > len(data) or data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF or marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            end = _end_of_picture(data, at + 2 + length)
            digest.update(view[at:end])
            return digest.hexdigest()
        if marker < 0xC0 or marker == 0xD9 or length < 2 or at + 2 + length > len(data):
            return None
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            digest.update(view[at : at + 2 + length])
        at += 2 + length
    return None


def _end_of_picture(data: bytes, start: int) -> int:
    """Just past the picture's EOI, which coded data cannot hold.

    A file that ends with one is taken whole: looking for an earlier one would cost more than all the other metadata.
    """
    if data.endswith(b"\xff\xd9"):
        return len(data)
    end = data.find(b"\xff\xd9", start)
    return len(data) if end < 0 else end + 2
