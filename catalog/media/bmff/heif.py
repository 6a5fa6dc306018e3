"""HEIF and AVIF (ISO/IEC 23008-12): EXIF, XMP and the displayed size of the primary item,
without decoding it.

Size is `ispe` after `clap` and `irot`: these turn the picture, not EXIF's orientation, which only
informs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from catalog.domain.capture_time import DateCandidate
from catalog.domain.filetypes import FileType
from catalog.media.bmff.boxes import Box, Walk
from catalog.media.findings import Findings
from catalog.media.packets import Packets
from catalog.media.parts import FILM, GAIN_MAP, part_of_auxiliary
from catalog.media.source import ByteSource
from catalog.media.trailer import add_parts, read_trailer

_MAX_META = 16 << 20
_MAX_ITEM = 4 << 20
_MAX_ITEMS = 20_000
_PICTURES = frozenset((b"hvc1", b"av01", b"grid", b"iovl", b"iden", b"jpeg", b"avc1", b"j2k1"))
_EPOCH_1904 = datetime(1904, 1, 1)


class _Cursor:
    """Big-endian integers read one after another; zeros past the end."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, size: int) -> int:
        value = int.from_bytes(self.data[self.at : self.at + size], "big")
        self.at += size
        return value

    @property
    def more(self) -> bool:
        return self.at < len(self.data)


class Items:
    """The items of a meta box: types, places, properties and references."""

    def __init__(self, walk: Walk, meta: Box) -> None:
        self._walk = walk
        self.primary = 0
        self.kinds: dict[int, tuple[bytes, bytes]] = {}
        self.properties: list[tuple[bytes, bytes]] = []
        self.linked: dict[int, list[int]] = {}
        self.described: dict[int, set[int]] = {}
        self._places: dict[int, tuple[int, list[tuple[int, int]]]] = {}
        self._idat: Box | None = None
        self._hidden: set[int] = set()
        readers = {
            b"pitm": self._pitm,
            b"iinf": self._iinf,
            b"iloc": self._iloc,
            b"iprp": self._iprp,
            b"iref": self._iref,
        }
        for box in walk.inside(meta, 4):
            if box.kind == b"idat":
                self._idat = box
            elif box.kind in readers:
                readers[box.kind](box)

    def _pitm(self, box: Box) -> None:
        data = self._walk.payload(box, 16)
        self.primary = int.from_bytes(data[4:6] if not data[:1].strip(b"\0") else data[4:8], "big")

    def _iinf(self, box: Box) -> None:
        wide = self._walk.payload(box, 1) != b"\0"
        for entry in self._walk.inside(box, 8 if wide else 6):
            data = self._walk.payload(entry, 256)
            if entry.kind != b"infe" or not data or data[0] < 2 or len(self.kinds) >= _MAX_ITEMS:
                continue
            width = 2 if data[0] == 2 else 4
            name = data[4 + width + 2 + 4 :].split(b"\0")
            self.kinds[int.from_bytes(data[4 : 4 + width], "big")] = (
                data[6 + width : 10 + width],
                name[1] if len(name) > 1 else b"",
            )

    def _iloc(self, box: Box) -> None:
        c = _Cursor(self._walk.payload(box, _MAX_META))
        version = c.take(1)
        c.at = 4
        sizes, more = c.take(1), c.take(1)
        offset_size, length_size, base_size, index_size = (
            sizes >> 4,
            sizes & 15,
            more >> 4,
            (more & 15 if version else 0),
        )
        for _ in range(min(c.take(2 if version < 2 else 4), _MAX_ITEMS)):
            if not c.more:
                break
            item = c.take(2 if version < 2 else 4)
            method = c.take(2) & 15 if version else 0
            c.take(2)
            base = c.take(base_size)
            extents: list[tuple[int, int]] = []
            for _ in range(min(c.take(2), 1024)):
                if not c.more:
                    break
                c.take(index_size)
                start = base + c.take(offset_size)
                extents.append((start, c.take(length_size)))
            self._places[item] = (method, extents)

    def _iprp(self, box: Box) -> None:
        for part in self._walk.inside(box):
            if part.kind == b"ipco":
                inner = self._walk.inside(part)
                self.properties = [(p.kind, self._walk.payload(p, 64)) for p in inner]
            elif part.kind == b"ipma":
                self._ipma(part)

    def _ipma(self, box: Box) -> None:
        c = _Cursor(self._walk.payload(box, _MAX_META))
        version, flags = c.take(1), c.take(3)
        for _ in range(min(c.take(4), _MAX_ITEMS)):
            if not c.more:
                break
            item = c.take(2 if version < 1 else 4)
            links = [
                c.take(2) & 0x7FFF if flags & 1 else c.take(1) & 0x7F for _ in range(c.take(1))
            ]
            self.linked.setdefault(item, []).extend(links)

    def _iref(self, box: Box) -> None:
        width = 2 if self._walk.payload(box, 1) == b"\0" else 4
        for ref in self._walk.inside(box, 4):
            if ref.kind in (b"cdsc", b"dimg", b"thmb", b"auxl"):
                c = _Cursor(self._walk.payload(ref, 65536))
                origin = c.take(width)
                targets = [c.take(width) for _ in range(min(c.take(2), 4096)) if c.more]
                if ref.kind == b"dimg":
                    self._hidden.update(targets)
                elif ref.kind in (b"thmb", b"auxl"):
                    self._hidden.add(origin)
                if ref.kind == b"cdsc":
                    self.described.setdefault(origin, set()).update(targets)

    def data(self, item: int, cap: int = _MAX_ITEM) -> bytes:
        """An item's bytes, in the file or in `idat`, its extents joined; at most `cap`."""
        method, extents = self._places.get(item, (0, []))
        if method > 1 or (method == 1 and self._idat is None):
            return b""
        base = self._idat.start if method == 1 and self._idat else 0
        whole = b""
        for start, length in extents[:64]:
            whole += self._walk.source.read(base + start, min(length or cap, cap - len(whole)))
        return whole

    def offset(self, item: int) -> int | None:
        """Where an item's bytes begin in the file; None unless they are one piece."""
        method, extents = self._places.get(item, (0, []))
        if method > 1 or (method == 1 and self._idat is None) or len(extents) != 1:
            return None
        return extents[0][0] + (self._idat.start if method == 1 and self._idat else 0)

    def property(self, item: int, kind: bytes) -> bytes | None:
        """The payload of an item's property of a type, or None."""
        for index in self.linked.get(item, ()):
            if 0 < index <= len(self.properties) and self.properties[index - 1][0] == kind:
                return self.properties[index - 1][1]
        return None

    def of_kind(self, kind: bytes, mime: bytes = b"") -> list[int]:
        """Items of a type, those that describe the primary item first."""
        found = [i for i, (k, m) in self.kinds.items() if k == kind and m.startswith(mime)]
        return sorted(found, key=lambda i: self.primary not in self.described.get(i, ()))

    def frames(self) -> int:
        """How many pictures there are to be seen."""
        return sum(
            kind in _PICTURES and item not in self._hidden for item, (kind, _) in self.kinds.items()
        )

    def parts(self) -> set[str]:
        """What there is beside them: depth, gain map, mattes."""
        found = {part_of_auxiliary(data) for kind, data in self.properties if kind == b"auxC"}
        if any(kind == b"tmap" for kind, _mime in self.kinds.values()):
            found.add(GAIN_MAP)
        return found - {""}

    def displayed_size(self) -> tuple[int, int] | None:
        """Width and height of the primary item as shown."""
        ispe = self.property(self.primary, b"ispe")
        if ispe and len(ispe) >= 12:
            width, height = int.from_bytes(ispe[4:8], "big"), int.from_bytes(ispe[8:12], "big")
        elif self.kinds.get(self.primary, (b"",))[0] == b"grid":
            grid = self.data(self.primary, 12)
            step = 4 if grid[1:2] == b"\1" else 2
            width, height = (
                int.from_bytes(grid[4 : 4 + step], "big"),
                int.from_bytes(grid[4 + step : 4 + 2 * step], "big"),
            )
        else:
            return None
        width, height = _clapped(self.property(self.primary, b"clap"), width, height)
        turn = self.property(self.primary, b"irot")
        if turn and turn[0] & 1:
            width, height = height, width
        return (width, height) if width and height else None


def _clapped(clap: bytes | None, width: int, height: int) -> tuple[int, int]:
    """The size after a clean aperture: fractions of width and height,
    as far as they lie inside the picture.
    """
    if clap and len(clap) >= 16:
        top_w, bottom_w, top_h, bottom_h = (
            int.from_bytes(clap[i : i + 4], "big") for i in range(0, 16, 4)
        )
        if (
            bottom_w
            and bottom_h
            and 0 < top_w // bottom_w <= width
            and 0 < top_h // bottom_h <= height
        ):
            return round(top_w / bottom_w), round(top_h / bottom_h)
    return width, height


def read_heif(source: ByteSource, filetype: FileType, findings: Findings) -> FileType:
    """Add what a HEIF or AVIF file states: of its primary item,
    or of its track where it is a bare image sequence.
    """
    walk = Walk(source)
    boxes = list(walk.top())
    top = {b.kind: b for b in reversed(boxes)}
    if meta := top.get(b"meta"):
        items = Items(walk, meta)
        _read_items(items, findings)
        findings.parts |= items.parts()
        if b"moov" not in top:
            findings.add("frames", max(1, items.frames()), "heif")
    if b"mpvd" in top or [b.kind for b in boxes].count(b"ftyp") > 1:
        add_parts({FILM}, findings, "heif")
    read_trailer(source, findings)
    if moov := top.get(b"moov"):
        _read_sequence(walk, moov, findings)
    findings.displayed = "width" in findings.values
    return filetype


def _read_items(items: Items, findings: Findings) -> None:
    size = items.displayed_size()
    if size:
        findings.add("width", size[0], "heif")
        findings.add("height", size[1], "heif")
    packets = Packets()
    for item in items.of_kind(b"Exif")[:4]:
        data = items.data(item)
        skip = int.from_bytes(data[:4], "big")
        for start in (4 + skip, 4, 0):
            if (
                data[start : start + 4] in (b"II*\0", b"MM\0*")
                or data[start : start + 4] == b"Exif"
            ):
                packets.add_exif(data[start:])
                break
    for item in items.of_kind(b"mime", b"application/rdf+xml")[:4]:
        packets.add_xmp(items.data(item))
    packets.apply(findings)


def _read_sequence(walk: Walk, moov: Box, findings: Findings) -> None:
    """Size of the first picture track, and the movie header's UTC clock."""
    header = walk.child(moov, b"mvhd")
    if header:
        data = walk.payload(header, 24)
        seconds = int.from_bytes(data[4:12] if data[:1] == b"\1" else data[4:8], "big")
        if 0 < seconds < 1 << 33:
            findings.add_date(
                DateCandidate(
                    "quicktime:CreateDate", _EPOCH_1904 + timedelta(seconds=seconds), is_utc=True
                )
            )
    for track in walk.inside(moov):
        if track.kind == b"trak" and (box := walk.child(track, b"tkhd")):
            data = walk.payload(box, 128)
            at = 92 - 4 if data[:1] == b"\1" else 76
            width, height = (
                int.from_bytes(data[at : at + 2], "big"),
                int.from_bytes(data[at + 4 : at + 6], "big"),
            )
            samples = walk.child(track, b"mdia", b"minf", b"stbl", b"stsz")
            if samples and width and height:
                count = int.from_bytes(walk.payload(samples, 12)[8:12], "big")
                findings.add("frames", max(1, count), "heif")
            if width and height:
                findings.add("width", width, "heif")
                findings.add("height", height, "heif")
                return
