"""Readers of still pictures: containers made by code, with metadata where real writers put it,
whole and damaged.
"""

from __future__ import annotations

import io
import struct
import zlib
from datetime import datetime

import brotli
import pytest
from chance import times
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from still_makers import (
    box,
    camera_exif,
    exif_segment,
    iptc,
    jpeg,
    photoshop,
    photoshop_segment,
    plain,
    read,
    read_typed,
    segment,
    tiff,
    xmp,
    xmp_segment,
)

from catalog.domain.filetypes import BY_NAME
from catalog.media.findings import Findings
from catalog.media.jpeg.image_data import image_data_hash
from catalog.media.source import MemorySource
from catalog.media.stills import read_still

PACKET = xmp(
    "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>",
    'xmp:CreateDate="2012-03-05T00:00:01"',
)


def _is_whole(found: Findings, width: int = 64, height: int = 48) -> None:
    assert (found.get("make"), found.get("model"), found.get("width"), found.get("height")) == (
        "Acme",
        "Shot 1",
        width,
        height,
    )
    assert found.dates[0].wall == datetime(2012, 3, 4, 5, 6, 7, 250_000)
    assert found.position is not None
    assert found.position.lat == pytest.approx(-33.8568)
    assert found.notes == []


# --- JPEG -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [b"Exif\0\0", b"Exif\0", b"EXIF\0\0", b"Exif\0\xff", b""])
def test_exif_is_found_behind_every_spelling_of_its_mark(mark: bytes) -> None:
    _is_whole(read(jpeg(exif_segment(camera_exif(), mark))))


def test_exif_behind_other_segments_fill_bytes_and_garbage_is_found() -> None:
    app7 = segment(0xE7, b"x" * 60_000)
    _is_whole(
        read(
            jpeg(xmp_segment(PACKET), app7, app7, b"\xff\xff\xff" + exif_segment(camera_exif())[1:])
        )
    )
    _is_whole(read(jpeg(app7, b"garbage", exif_segment(camera_exif()))))


def test_the_size_is_the_frames_not_the_thumbnails_nor_exifs() -> None:
    block = tiff({}, exif={0xA002: (4, [4000]), 0xA003: (4, [3000])}, extra=plain(size=(8, 8)))
    found = read(jpeg(exif_segment(block)))
    assert (found.get("width"), found.get("height")) == (64, 48)


def test_exif_leads_even_where_xmp_comes_first() -> None:
    other = xmp("", 'tiff:Model="Other" exif:GPSLatitude="1,0.0N" exif:GPSLongitude="2,0.0E"')
    found = read(jpeg(xmp_segment(other), exif_segment(camera_exif())))
    assert found.get("model") == "Shot 1"
    assert found.sources["location"] == "exif"


def test_an_empty_gps_block_leaves_the_place_to_xmp() -> None:
    block = tiff({}, gps={1: (2, "N"), 2: (5, [(0, 0)] * 3), 3: (2, "E"), 4: (5, [(0, 0)] * 3)})
    found = read(
        jpeg(
            exif_segment(block),
            xmp_segment(xmp("", 'exif:GPSLatitude="48,53.3N" exif:GPSLongitude="21,2.6E"')),
        )
    )
    assert found.position is not None
    assert found.position.source == "xmp"


def test_an_editors_zone_is_not_the_cameras() -> None:
    block = tiff({}, exif={0x9003: (2, "2012:03:04 05:06:07")})
    found = read(
        jpeg(exif_segment(block), photoshop_segment(iptc((55, b"20120304"), (60, b"050607+0000"))))
    )
    assert [d.offset_minutes for d in found.dates] == [None, None]


def test_extended_xmp_is_put_together_when_the_main_packet_names_it() -> None:
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    extended = xmp("", 'xmp:CreateDate="2012-03-05T00:00:01"')
    parts = [
        segment(
            0xE1,
            b"http://ns.adobe.com/xmp/extension/\0"
            + guid
            + struct.pack(">II", len(extended), at)
            + extended[at : at + 200],
        )
        for at in reversed(range(0, len(extended), 200))
    ]
    main = xmp(
        f"<xmpNote:HasExtendedXMP xmlns:xmpNote='n'>{guid.decode()}</xmpNote:HasExtendedXMP>"
    )
    assert [d.source for d in read(jpeg(xmp_segment(main), *parts)).dates] == ["xmp:CreateDate"]
    assert read(jpeg(xmp_segment(xmp("")), *parts)).dates == []


def test_iptc_of_the_photoshop_segment_is_read() -> None:
    found = read(jpeg(photoshop_segment(iptc((25, b"sea"), (55, b"20120304")))))
    assert found.tags == ["sea"]
    assert found.dates[0].source == "iptc:DateCreated"


def test_early_cameras_text_block_gives_their_clock() -> None:
    found = read(
        jpeg(
            segment(
                0xEC, b"OLYMPUS OPTICAL CO.,LTD.\0[picture info]\r\nTimeDate=926172727\r\n[end]"
            )
        )
    )
    assert [(d.source, d.wall) for d in found.dates] == [
        ("maker:DateTimeOriginal", datetime(1999, 5, 8, 14, 12, 7))
    ]


def test_samsungs_trailer_marks_a_motion_photo() -> None:
    entry = struct.pack("<HHII", 0, 0x0A30, 100, 100)
    directory = b"SEFH" + struct.pack("<II", 106, 1) + entry
    base = jpeg(exif_segment(tiff({0x10F: (2, "samsung")})))
    assert (
        read(base + directory + struct.pack("<I", len(directory)) + b"SEFT").get("motion_photo")
        is True
    )
    assert read(base).get("motion_photo") is None


def test_a_segment_that_runs_past_the_end_is_read_as_far_as_it_goes() -> None:
    block = camera_exif()
    found = read(b"\xff\xd8\xff\xe1\xff\xf0Exif\0\0" + block)
    assert found.get("model") == "Shot 1"


def test_the_image_hash_ignores_metadata_and_what_follows_the_picture() -> None:
    bare = jpeg()
    changed = (
        jpeg(exif_segment(camera_exif()), xmp_segment(PACKET), segment(0xFE, b"comment"))
        + b"trailer"
    )
    assert image_data_hash(bare) is not None
    assert image_data_hash(bare) == image_data_hash(changed)
    other = io.BytesIO()
    Image.new("RGB", (64, 48), (0, 0, 0)).save(other, "JPEG")
    assert image_data_hash(other.getvalue()) != image_data_hash(bare)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\xff\xff", b"GIF89a", b"\xff\xd8\xff\xdb\0\0"]
)
def test_a_broken_structure_has_no_image_hash(data: bytes) -> None:
    assert image_data_hash(data) is None


# --- other containers -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_exif_and_xmp_of_web_formats_are_read(kind: str) -> None:
    options = {} if kind == "PNG" else {"xmp": PACKET}
    found = read(plain(kind, exif=b"Exif\0\0" + camera_exif(), **options))
    _is_whole(found)
    assert found.get("orientation") == 6
    assert not found.displayed
    assert found.tags == ([] if kind == "PNG" else ["sea"])


def _png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    data = plain("PNG")
    extra = b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks
    )
    return data[:33] + extra + data[33:]


def a_png_of_many_chunks(*late: tuple[bytes, bytes], size: int = 500, end: bytes = b"") -> bytes:
    """A picture whose pixels lie in chunks of some bytes, with further chunks behind them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 400, 300, 8, 2, 0, 0, 0))
    pixels = zlib.compress(bytes(range(256)) * 1407 + bytes(300), 0)[:360_300]
    parts = [chunk(b"IDAT", pixels[at : at + size]) for at in range(0, len(pixels), size)]
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + b"".join(parts)
        + b"".join(chunk(*c) for c in late)
        + chunk(b"IEND", b"")
        + end
    )


@pytest.mark.parametrize(
    ("size", "end"), [(500, b""), (8192, b""), (200_000, b""), (500, b"garbage behind the end")]
)
def test_what_a_png_states_behind_its_pixels_is_found(size: int, end: bytes) -> None:
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp("", 'xmp:Rating="3"')
    data = a_png_of_many_chunks((b"eXIf", camera_exif()), (b"iTXt", text), size=size, end=end)
    found = read(data)
    assert found.get("make") == read(jpeg(exif_segment(camera_exif()))).get("make")
    assert (found.get("rating"), found.get("width")) == (3, 400)


def test_a_png_of_many_chunks_is_not_walked_over() -> None:
    class Counted(MemorySource):
        reads = 0

        def read(self, offset: int, length: int) -> bytes:
            self.reads += 1
            return super().read(offset, length)

    source = Counted(a_png_of_many_chunks(size=100))
    read_still(source, BY_NAME["png"], Findings())
    assert source.reads < 1300


def test_pngs_text_chunks_give_exif_xmp_and_iptc() -> None:
    def profile(name: str, data: bytes) -> tuple[bytes, bytes]:
        text = f"\n{name}\n{len(data):8d}\n{data.hex()}\n".encode()
        return b"zTXt", f"Raw profile type {name}".encode() + b"\0\0" + zlib.compress(text)

    found = read(
        _png_with(
            profile("exif", b"Exif\0\0" + camera_exif()),
            profile("iptc", photoshop(iptc((25, b"iptc tag")))),
        )
    )
    _is_whole(found)
    assert found.tags == ["iptc tag"]
    for flag, body in ((b"\0", PACKET), (b"\1", zlib.compress(PACKET))):
        assert read(
            _png_with((b"iTXt", b"XML:com.adobe.xmp\0" + flag + b"\0\0\0" + body))
        ).tags == ["sea"]


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2017:10:05 14:15:16", None),
        ("2017-10-05T14:15:16", None),
        ("Thu, 05 Oct 2017 14:15:16 +0200", 120),
        ("Thu, 05 Oct 2017 14:15:16 GMT", 0),
        ("Thu Oct  5 14:15:16 2017", None),
    ],
)
def test_the_creation_time_of_a_png_is_read(text: str, offset: int | None) -> None:
    for chunk in ((b"tEXt", b"\0"), (b"iTXt", bytes(5))):
        (found,) = read(_png_with((chunk[0], b"Creation Time" + chunk[1] + text.encode()))).dates
        assert (found.source, found.wall) == ("png:CreationTime", datetime(2017, 10, 5, 14, 15, 16))
        assert found.offset_minutes == offset


def test_a_creation_time_that_is_none_is_left_out() -> None:
    for text in (b"yesterday", b"Thu, 35 Oct 2017 14:15:16", b"\xff\xfe"):
        assert read(_png_with((b"tEXt", b"Creation Time\0" + text))).dates == []


def test_a_text_chunk_that_unpacks_to_gigabytes_is_stopped() -> None:
    bomb = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * (64 << 20), 9)
    assert read(_png_with((b"iTXt", bomb))).get("width") == 64


def test_lossless_webp_has_its_size() -> None:
    found = read(plain("WEBP", (70, 50), lossless=True))
    assert (found.get("width"), found.get("height")) == (70, 50)


def test_gif_gives_size_and_xmp() -> None:
    data = plain("GIF", (70, 50))
    at = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    found = read(data[:at] + b"\x21\xff\x0bXMP DataXMP" + PACKET + b"\1\xff\xfe\0" + data[at:])
    assert (found.get("width"), found.get("height"), found.tags) == (70, 50, ["sea"])


def test_bmp_rows_from_the_top_have_a_positive_height() -> None:
    data = bytearray(plain("BMP", (70, 50)))
    data[22:26] = struct.pack("<i", -50)
    found = read(bytes(data))
    assert (found.get("width"), found.get("height")) == (70, 50)


def test_photoshop_files_give_size_and_resources() -> None:
    def resource(number: int, data: bytes) -> bytes:
        return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + b"\0" * (len(data) % 2)

    blocks = (
        resource(1028, iptc((25, b"iptc tag")))
        + resource(1058, camera_exif())
        + resource(1060, PACKET)
    )
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 48, 64, 8, 3) + struct.pack(">I", 0)
    found = read(head + struct.pack(">I", len(blocks)) + blocks)
    _is_whole(found)
    assert found.tags == ["sea", "iptc tag"]


@pytest.mark.parametrize(("name", "turned"), [("HEIF", True), ("AVIF", True)])
def test_heif_is_read_as_displayed_and_exif_does_not_turn_it_again(name: str, turned: bool) -> None:
    found = read(plain(name, (64, 48), exif=b"Exif\0\0" + camera_exif(), xmp=PACKET))
    _is_whole(found, *((48, 64) if _has_turn(name) else (64, 48)))
    assert found.displayed is turned
    assert found.tags == ["sea"]


def _has_turn(name: str) -> bool:
    return b"irot" in plain(name, (64, 48), exif=b"Exif\0\0" + camera_exif())


def _heif(properties: list[bytes], *, idat: bytes = b"") -> bytes:
    """A HEIC skeleton: item 1 is the picture, item 2 EXIF kept in `idat`."""
    infe = box(b"infe", b"\2\0\0\0\0\1\0\0hvc1\0") + box(b"infe", b"\2\0\0\0\0\2\0\0Exif\0")
    iloc = b"\1\0\0\0\x44\0\0\1\0\2\0\1\0\0\0\1" + struct.pack(">II", 0, len(idat))
    ipma = b"\0\0\0\0\0\0\0\1\0\1" + bytes((len(properties), *range(1, len(properties) + 1)))
    meta = (
        bytes(4)
        + box(b"pitm", bytes(4) + b"\0\1")
        + box(b"iinf", bytes(4) + b"\0\2" + infe)
        + box(b"iloc", iloc)
    )
    meta += box(b"iprp", box(b"ipco", b"".join(properties)) + box(b"ipma", ipma)) + box(
        b"idat", idat
    )
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", meta)


def test_clean_aperture_and_rotation_decide_the_displayed_size() -> None:
    ispe = box(b"ispe", bytes(4) + struct.pack(">II", 4096, 3072))
    clap = box(b"clap", struct.pack(">8I", 4032, 1, 3024, 1, 0, 1, 0, 1))
    found = read(
        _heif(
            [ispe, clap, box(b"irot", b"\1")],
            idat=struct.pack(">I", 6) + b"Exif\0\0" + camera_exif(),
        )
    )
    _is_whole(found, 3024, 4032)
    assert read(_heif([ispe], idat=struct.pack(">I", 0) + camera_exif())).get("width") == 4096


def _jxl_stream(width: int, height: int, orientation: int) -> bytes:
    fields = [
        (0, 1),
        (1, 2),
        (height - 1, 13),
        (0, 3),
        (1, 2),
        (width - 1, 13),
        (0, 1),
        (1, 1),
        (orientation - 1, 3),
    ]
    value = at = 0
    for number, bits in fields:
        value |= number << at
        at += bits
    return b"\xff\x0a" + value.to_bytes(16, "little")


def test_jpeg_xl_gives_size_turned_by_its_own_orientation_and_packed_boxes() -> None:
    bare = read(_jxl_stream(4000, 3000, 1))
    assert (bare.get("width"), bare.get("height"), bare.displayed) == (4000, 3000, True)
    start = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    packed = box(b"brob", b"Exif" + brotli.compress(bytes(4) + camera_exif())) + box(
        b"brob", b"xml " + brotli.compress(PACKET)
    )
    found = read(start + packed + box(b"jxlc", _jxl_stream(4000, 3000, 6)))
    _is_whole(found, 3000, 4000)
    assert found.tags == ["sea"]


def test_jpeg_2000_gives_size_and_metadata_boxes() -> None:
    data = plain("JPEG2000")
    exif = box(b"uuid", b"JpgTiffExif->JP2" + camera_exif())
    _is_whole(read(data + exif))
    stream = data[data.index(b"\xff\x4f\xff\x51") :]
    assert read(stream).get("width") == 64


# --- RAW formats with shapes of their own ---------------------------------------------------------


def _raf() -> bytes:
    inner = jpeg(exif_segment(camera_exif()))
    entries = (
        struct.pack(">I", 2)
        + struct.pack(">4H", 0x100, 4, 3100, 4100)
        + struct.pack(">4H", 0x111, 4, 3000, 4000)
    )
    head = b"FUJIFILMCCD-RAW 0201FF383501" + b"FinePix".ljust(32, b"\0") + bytes(24)
    return (
        head
        + struct.pack(">6I", 108, len(inner), 108 + len(inner), len(entries), 0, 0)
        + inner
        + entries
    )


def test_fuji_raw_takes_dates_from_its_jpeg_and_size_from_its_directory() -> None:
    found = read(_raf())
    _is_whole(found, 4000, 3000)
    assert found.get("preview_offset") == 108


def _mrw() -> bytes:
    prd = b"27820001" + struct.pack(">4H", 3016, 4016, 3000, 4000) + bytes(8)
    ttw = camera_exif(">")
    blocks = (
        b"\0PRD" + struct.pack(">I", len(prd)) + prd + b"\0TTW" + struct.pack(">I", len(ttw)) + ttw
    )
    return b"\0MRM" + struct.pack(">I", len(blocks)) + blocks


def test_minolta_raw_is_read() -> None:
    _is_whole(read(_mrw()), 4000, 3000)


def _crw() -> bytes:
    info = struct.pack("<2IfiIII", 4000, 3000, 1, 90, 0, 0, 0)
    values = {
        0x080A: b"Canon\0Canon EOS 10D\0",
        0x180E: struct.pack("<3I", 1330837567, 0, 0),
        0x1810: info,
    }
    inner, table = b"", b""
    for tag, data in values.items():
        table += struct.pack("<HII", tag, len(data), len(inner))
        inner += data
    inner += struct.pack("<H", len(values)) + table + struct.pack("<I", len(inner))
    root = inner + struct.pack("<HHII", 1, 0x300A, len(inner), 0) + struct.pack("<I", len(inner))
    return b"II\x1a\0\0\0HEAPCCDR".ljust(26, b"\0").replace(b"\x1a\0\0\0", b"\x1a\0\0\0", 1) + root


def test_the_heap_of_an_early_powershot_dates_its_jpeg() -> None:
    block = _crw().replace(b"HEAPCCDR", b"HEAPJPGM")
    found = read(jpeg(segment(0xE0, block)))
    assert (found.get("make"), found.get("model")) == ("Canon", "Canon EOS 10D")
    assert (found.get("width"), found.get("height")) == (64, 48), "its own, not those of a CRW"
    assert [(d.source, d.wall) for d in found.dates] == [
        ("exif:DateTimeOriginal", datetime(2012, 3, 4, 5, 6, 7))
    ]


def test_canon_heap_raw_is_read() -> None:
    found = read(_crw())
    assert (
        found.get("make"),
        found.get("model"),
        found.get("width"),
        found.get("orientation"),
    ) == (
        "Canon",
        "Canon EOS 10D",
        4000,
        6,
    )
    assert [(d.source, d.wall) for d in found.dates] == [
        ("exif:DateTimeOriginal", datetime(2012, 3, 4, 5, 6, 7))
    ]


def _x3f() -> bytes:
    texts = ["CAMMANUF", "SIGMA", "CAMMODEL", "SIGMA SD9", "TIME", "1330837567"]
    offsets, chars = [], b""
    for text in texts:
        offsets.append(len(chars) // 2)
        chars += text.encode("utf-16-le") + b"\0\0"
    prop = (
        b"SECp"
        + struct.pack("<5I", 0x20000, 3, 0, 0, len(chars) // 2)
        + struct.pack("<6I", *offsets)
        + chars
    )
    head = (
        b"FOVb"
        + struct.pack("<HH", 1, 2)
        + bytes(20)
        + struct.pack("<3I", 2268, 1512, 0)
        + bytes(32)
    )
    directory = (
        b"SECd"
        + struct.pack("<2I", 0x20000, 1)
        + struct.pack("<2I4s", len(head), len(prop), b"PROP")
    )
    return head + prop + directory + struct.pack("<I", len(head) + len(prop))


def test_sigma_raw_is_read() -> None:
    found = read(_x3f())
    assert (found.get("make"), found.get("model"), found.get("width"), found.get("height")) == (
        "SIGMA",
        "SIGMA SD9",
        2268,
        1512,
    )
    assert [(d.source, d.wall) for d in found.dates] == [
        ("maker:DateTimeOriginal", datetime(2012, 3, 4, 5, 6, 7))
    ]


def _cr3(*stated: tuple[int, int]) -> bytes:
    """A CR3 whose sensor saw 6288x4056, with a preview track, and the size that CMT1 states."""
    tags = {0x100 + n: (3, [side]) for size in stated for n, side in enumerate(size)}
    exif = {0xA434: (2, "EF-M15-45mm"), 0xA432: (5, [(15, 1), (45, 1), (0, 1), (0, 1)])}
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    blocks = box(b"CMT1", tiff({0x10F: (2, "Canon")} | tags)) + box(b"CMT2", tiff(exif))
    tracks = b"".join(
        box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", _coding(*size)))))
        for size in ((1624, 1080), (6288, 4056))
    )
    return box(b"ftyp", b"crx \0\0\0\1crx isom") + box(
        b"moov", box(b"uuid", canon + blocks) + tracks
    )


def _coding(width: int, height: int) -> bytes:
    entry = bytes(4) + b"CRAW" + bytes(24) + struct.pack(">HH", width, height) + bytes(20)
    return box(b"stsd", bytes(8) + entry)


def test_a_canon_raw_has_the_size_of_its_picture_not_of_its_sensor() -> None:
    found, filetype = read_typed(_cr3((6000, 4000)), "x.cr3")
    assert (found.get("width"), found.get("height"), filetype.name) == (6000, 4000, "cr3")
    assert found.get("lens") == "EF-M15-45mm"
    found = read(_cr3(), "x.cr3")
    assert (found.get("width"), found.get("height")) == (6288, 4056)


# --- damage ---------------------------------------------------------------------------------------

MADE = {
    "jpeg": jpeg(
        exif_segment(camera_exif()),
        xmp_segment(PACKET),
        photoshop_segment(iptc((55, b"20120304"), (25, b"sea"))),
    ),
    "png": _png_with((b"eXIf", camera_exif()), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PACKET)),
    "webp": plain("WEBP", exif=camera_exif(), xmp=PACKET),
    "gif": plain("GIF"),
    "bmp": plain("BMP", (5, 4)),
    "tiff": plain("TIFF", (9, 7)),
    "nef": tiff(
        {0x100: (3, [160])}, raw={0x100: (3, [900]), 0x101: (3, [700]), 0x106: (3, [32803])}
    ),
    "heic": plain("HEIF", exif=camera_exif(), xmp=PACKET),
    "jp2": plain("JPEG2000", (9, 7)) + box(b"uuid", b"JpgTiffExif->JP2" + camera_exif()),
    "jxl": box(b"JXL ", b"\r\n\x87\n")
    + box(b"brob", b"Exif" + brotli.compress(bytes(4) + camera_exif()))
    + box(b"jxlc", _jxl_stream(9, 7, 1)),
    "raf": _raf(),
    "mrw": _mrw(),
    "crw": _crw(),
    "x3f": _x3f(),
    "cr3": box(
        b"moov",
        box(
            b"uuid", bytes.fromhex("85c0b687820f11e08111f4ce462b6a48") + box(b"CMT1", camera_exif())
        ),
    ),
    "psd": b"8BPS\0\1" + bytes(20) + struct.pack(">I", 60) + photoshop(iptc((25, b"sea"))),
}


@settings(max_examples=times(60))
@given(
    st.sampled_from(sorted(MADE)),
    st.integers(0, 4000),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=12),
)
def test_no_damage_makes_a_reader_raise(
    name: str, cut: int, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(MADE[name])
    for at, byte in changes:
        data[at % len(data)] = byte
    whole = bytes(data[: max(1, len(data) - cut)])
    findings = Findings()
    read_still(MemorySource(whole), BY_NAME[name], findings)
    assert findings.get("width") is None or findings.get("width") > 0


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_file_read_as_another_format_gives_no_error(name: str) -> None:
    for other in BY_NAME.values():
        if other.kind == "image":
            read_still(MemorySource(MADE[name]), other, Findings())


def test_a_second_opinion_that_fails_is_only_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("odd brand")

    monkeypatch.setattr("catalog.media.stills.exifread.process_file", fail)
    found = read(jpeg(exif_segment(tiff({0x131: (2, "editor")}))))
    assert (found.get("software"), found.get("width")) == ("editor", 64)
    assert found.notes == ["exifread: AssertionError: odd brand"]


def test_the_type_of_a_raw_file_is_made_exact() -> None:
    found, filetype = read_typed(
        tiff({0x10F: (2, "SONY")}, raw={0x100: (3, [900]), 0x101: (3, [700]), 0x106: (3, [32803])}),
        "a.tif",
    )
    assert (filetype.name, found.get("width")) == ("arw", 900)
