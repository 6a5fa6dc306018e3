"""Still pictures made by code, for the tests of their readers."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import Any

import pi_heif
import pillow_heif
from PIL import Image

from catalog.domain.filetypes import FileType, recognise
from catalog.media.findings import Findings
from catalog.media.source import MemorySource
from catalog.media.stills import read_still

pillow_heif.register_heif_opener()
assert pi_heif
SIZES = {2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8, 12: 8}


def value(kind: int, numbers: Any, order: str) -> tuple[int, bytes]:
    """Count and bytes of a TIFF value; text and bytes as given, rationals as (top,
    bottom) pairs.
    """
    if isinstance(numbers, str):
        numbers = numbers.encode() + b"\0"
    if isinstance(numbers, bytes):
        return len(numbers), numbers
    if kind in (5, 10):
        flat = [part for pair in numbers for part in pair]
        return len(numbers), struct.pack(f"{order}{len(flat)}{'I' if kind == 5 else 'i'}", *flat)
    code = {3: "H", 4: "I", 12: "d"}[kind]
    return len(numbers), struct.pack(f"{order}{len(numbers)}{code}", *numbers)


def tiff(
    main: dict[int, tuple[int, Any]],
    order: str = "<",
    magic: bytes = b"*\0",
    extra: bytes = b"",
    **subs: dict[int, tuple[int, Any]],
) -> bytes:
    """A TIFF block: `main` is IFD0; keywords exif, gps, raw are directories linked from it.

    `extra` follows at the end.
    """
    pointers = {"exif": 0x8769, "gps": 0x8825, "raw": 0x14A}
    blob = (b"II" if order == "<" else b"MM") + (magic if order == "<" else magic[::-1]) + bytes(4)
    entries = dict(main)
    for name, content in subs.items():
        entries[pointers[name]] = (4, [len(blob)])
        blob += directory(content, len(blob), order)
    first = len(blob)
    blob += directory(entries, first, order) + extra
    return blob[:4] + struct.pack(f"{order}I", first) + blob[8:]


def directory(entries: dict[int, tuple[int, Any]], start: int, order: str) -> bytes:
    """One directory that stands at `start`, its values behind it."""
    table, heap = b"", b""
    base = start + 2 + 12 * len(entries) + 4
    for tag in sorted(entries):
        kind, numbers = entries[tag]
        count, data = value(kind, numbers, order)
        if len(data) <= 4:
            inline = data.ljust(4, b"\0")
        else:
            inline = struct.pack(f"{order}I", base + len(heap))
            heap += data
        table += struct.pack(f"{order}HHI", tag, kind, count) + inline
    return struct.pack(f"{order}H", len(entries)) + table + bytes(4) + heap


def segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def plain(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """A picture by Pillow, without metadata unless given in `options`."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(*segments: bytes, size: tuple[int, int] = (64, 48)) -> bytes:
    """A JPEG with the given segments before all others."""
    data = plain(size=size)
    return data[:2] + b"".join(segments) + data[2:]


def exif_segment(block: bytes, mark: bytes = b"Exif\0\0") -> bytes:
    return segment(0xE1, mark + block)


def xmp(properties: str, attributes: str = "") -> bytes:
    """A packet whose only description has the given attributes and inner elements."""
    spaces = {
        "exif": "http://ns.adobe.com/exif/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "tiff": "http://ns.adobe.com/tiff/1.0/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "GCamera": "http://ns.google.com/photos/1.0/camera/",
        "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    }
    declared = " ".join(f'xmlns:{k}="{v}"' for k, v in spaces.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta '
        'xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {declared} '
        f"{attributes}>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()


def xmp_segment(packet: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def iptc(*records: tuple[int, bytes]) -> bytes:
    return b"".join(b"\x1c\x02" + bytes((n,)) + struct.pack(">H", len(v)) + v for n, v in records)


def photoshop(records: bytes) -> bytes:
    return (
        b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records + b"\0" * (len(records) % 2)
    )


def photoshop_segment(records: bytes) -> bytes:
    return segment(0xED, b"Photoshop 3.0\0" + photoshop(records))


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def degrees(angle: float) -> list[tuple[int, int]]:
    exact = Fraction(angle).limit_denominator(1_000_000)
    whole = int(exact)
    minutes = (exact - whole) * 60
    seconds = (minutes - int(minutes)) * 60
    return [(whole, 1), (int(minutes), 1), (round(seconds * 10_000), 10_000)]


CAMERA = {0x10F: (2, "Acme"), 0x110: (2, "Shot 1"), 0x112: (3, [6])}
TAKEN = {
    0x9003: (2, "2012:03:04 05:06:07"),
    0x9291: (2, "25"),
    0x9011: (2, "+03:00"),
    0x829A: (5, [(1, 250)]),
    0x829D: (5, [(28, 10)]),
    0x8827: (3, [400]),
    0x920A: (5, [(35, 1)]),
    0xA434: (2, "35mm f/2"),
}
PLACE = {
    1: (2, "S"),
    2: (5, degrees(33.8568)),
    3: (2, "E"),
    4: (5, degrees(151.2153)),
    5: (7, b"\0"),
    6: (5, [(125, 10)]),
}


def camera_exif(order: str = "<") -> bytes:
    """EXIF of a whole and sound picture."""
    return tiff(CAMERA, order, exif=TAKEN, gps=PLACE)


def read(data: bytes, name: str = "") -> Findings:
    return read_typed(data, name)[0]


def read_typed(data: bytes, name: str = "") -> tuple[Findings, FileType]:
    filetype = recognise(data[:4096], name)
    assert filetype is not None, data[:16]
    findings = Findings()
    return findings, read_still(MemorySource(data), filetype, findings)
