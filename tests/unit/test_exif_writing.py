"""Dates written into pictures are read back by three readers,
and nothing else of the file is another.
"""

from __future__ import annotations

import io
import struct
import zlib
from datetime import datetime
from typing import Any

import exifread
import pytest
import still_makers as make
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from catalog.domain.filetypes import BY_NAME
from catalog.errors import MediaError, UnsupportedType
from catalog.media.findings import Findings
from catalog.media.jpeg.image_data import image_data_hash
from catalog.media.source import MemorySource
from catalog.media.stills import read_still
from catalog.media.write import exif as exif_writing
from catalog.media.write.exif import with_date
from catalog.media.write.exif_block import write_date

WALL = datetime(2018, 5, 6, 7, 8, 9)
TEXT = "2018:05:06 07:08:09"
GPS = {
    1: (2, "N"),
    2: (5, [(51, 1), (3, 1), (0, 1)]),
    3: (2, "E"),
    4: (5, [(3, 1), (43, 1), (0, 1)]),
}
NOTE = bytes(range(256)) * 3


def block(order: str = "<", date: str | None = None, *, exif: bool = True, **more: Any) -> bytes:
    """EXIF of a camera with position and maker note; with a date, without one,
    or without an Exif directory at all.
    """
    inner: dict[int, Any] = {0x829A: (5, [(1, 250)]), 0x927C: (7, NOTE)}
    if date:
        inner |= {0x9003: (2, date), 0x9004: (2, date), 0x9291: (2, "123")}
    directories = {"gps": GPS, **({"exif": inner} if exif else {})}
    return make.tiff(
        {0x10F: (2, "Canon"), 0x110: (2, "EOS 5D Mark II")}, order, **directories, **more
    )


def facts(data: bytes, type_name: str) -> Findings:
    findings = Findings()
    read_still(MemorySource(data), BY_NAME[type_name], findings)
    return findings


def pillow_date(data: bytes) -> tuple[Any, Any]:
    with Image.open(io.BytesIO(data)) as picture:
        exif = picture.getexif().get_ifd(0x8769)
        return exif.get(0x9003), exif.get(0x9011)


def exifread_date(data: bytes) -> str:
    return str(exifread.process_file(io.BytesIO(data), details=False).get("EXIF DateTimeOriginal"))


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGBA").tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("date", ["2001:01:01 00:00:00", None], ids=["overwritten", "added"])
def test_a_jpeg_keeps_picture_position_camera_and_maker_note(order: str, date: str | None):
    before = make.jpeg(
        make.segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"), make.exif_segment(block(order, date))
    )
    after = with_date(before, "jpeg", WALL, 120)
    assert pillow_date(after) == (TEXT, "+02:00")
    assert exifread_date(after) == TEXT
    found = facts(after, "jpeg")
    assert found.dates[0].wall == WALL and found.dates[0].offset_minutes == 120
    assert found.get("make") == "Canon" and found.get("exposure_time") == 0.004
    assert found.position == facts(before, "jpeg").position is not None
    assert image_data_hash(before) == image_data_hash(after)
    assert after.endswith(before[before.index(b"\xff\xdb") :])
    at = before.index(NOTE)
    assert after.index(NOTE) == at


def test_a_date_with_the_room_it_needs_changes_no_length_and_no_other_byte():
    before = make.jpeg(make.exif_segment(block(date="2001:01:01 00:00:00")))
    after = with_date(before, "jpeg", WALL)
    assert len(before) == len(after)
    changed = {n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b}
    dates = [n for n in range(len(before)) if before[n : n + 19] == b"2001:01:01 00:00:00"]
    fraction = before.index(b"123\0")
    assert changed <= {n for d in dates for n in range(d, d + 19)} | set(
        range(fraction, fraction + 3)
    )
    assert with_date(after, "jpeg", WALL) == after


def test_a_jpeg_without_exif_gets_it_behind_its_header_and_fill_bytes_hide_none():
    before = make.jpeg(
        make.segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"), make.xmp_segment(make.xmp(""))
    )
    after = with_date(before, "jpeg", WALL)
    assert pillow_date(after)[0] == exifread_date(after) == TEXT
    assert after[:20] == before[:20] and after[22:26] != before[22:26]
    late = (
        make.plain()[:2]
        + make.segment(0xFE, b"hello")
        + b"\xff\xff"
        + make.exif_segment(block())
        + make.plain()[2:]
    )
    assert with_date(late, "jpeg", WALL).count(b"Exif\0\0") == 1
    assert facts(with_date(late, "jpeg", WALL), "jpeg").position is not None


@pytest.mark.parametrize("between", [b"\xff\x01", b"\xff\xd0", b"\xff\xff\xff\x01"])
def test_exif_behind_a_marker_without_a_length_is_the_one_that_is_changed(between: bytes):
    before = make.plain()[:2] + between + make.exif_segment(block()) + make.plain()[2:]
    after = with_date(before, "jpeg", WALL)
    assert after.count(b"Exif\0\0") == 1
    assert facts(after, "jpeg").get("model") == "EOS 5D Mark II"


def test_an_inner_directory_linked_by_a_short_number_is_kept():
    linked = block().replace(struct.pack("<HHI", 0x8769, 4, 1), struct.pack("<HHI", 0x8769, 3, 1))
    before = make.jpeg(make.exif_segment(linked))
    assert facts(before, "jpeg").get("exposure_time") == 0.004
    after = with_date(before, "jpeg", WALL)
    assert pillow_date(after)[0] == exifread_date(after) == TEXT
    assert facts(after, "jpeg").get("exposure_time") == 0.004


def test_exif_without_its_inner_directory_gets_one():
    after = with_date(make.jpeg(make.exif_segment(block(exif=False))), "jpeg", WALL)
    assert pillow_date(after)[0] == exifread_date(after) == TEXT
    assert facts(after, "jpeg").get("model") == "EOS 5D Mark II"
    assert facts(after, "jpeg").position is not None


@pytest.mark.parametrize(
    "options", [{}, {"exif": block()}, {"exif": block(date="2001:01:01 00:00:00")}]
)
def test_a_png_keeps_its_pixels_and_sound_checksums(options: dict[str, Any]):
    before = make.plain("PNG", **options)
    after = with_date(before, "png", WALL)
    assert pillow_date(after)[0] == exifread_date(after) == TEXT
    assert pixels(before) == pixels(after)
    assert after.count(b"eXIf") == 1
    at = 8
    while at < len(after):
        length = int.from_bytes(after[at : at + 4], "big")
        assert int.from_bytes(after[at + 8 + length : at + 12 + length], "big") == zlib.crc32(
            after[at + 4 : at + 8 + length]
        )
        at += 12 + length


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize(
    "options", [{}, {"lossless": True}, {"exif": block()}, {"lossless": True, "xmp": b"<x/>"}]
)
def test_a_webp_keeps_its_pixels_and_transparency(mode: str, options: dict[str, Any]):
    buffer = io.BytesIO()
    Image.new(mode, (33, 17), (200, 120, 40, 90)[: len(mode)]).save(buffer, "WEBP", **options)
    after = with_date(buffer.getvalue(), "webp", WALL)
    assert pillow_date(after)[0] == TEXT
    assert facts(after, "webp").dates[0].wall == WALL
    assert pixels(buffer.getvalue()) == pixels(after)
    with Image.open(io.BytesIO(after)) as picture:
        assert picture.size == (33, 17) and picture.mode == mode
    assert int.from_bytes(after[4:8], "little") == len(after) - 8


def test_a_tiff_keeps_its_pixels():
    before = make.plain("TIFF", compression="tiff_lzw")
    after = with_date(before, "tiff", WALL, -210)
    assert pillow_date(after) == (TEXT, "-03:30")
    assert exifread_date(after) == TEXT
    assert pixels(before) == pixels(after)


def heic(**options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (20, 120, 40)).save(buffer, "HEIF", **options)
    return buffer.getvalue()


def test_a_heic_date_is_overwritten_in_its_place():
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2001:01:01 00:00:00", 0x9004: "2001:01:01 00:00:00"})
    before = heic(exif=exif.tobytes())
    after = with_date(before, "heic", WALL)
    assert len(before) == len(after) and pixels(before) == pixels(after)
    assert pillow_date(after)[0] == TEXT
    assert facts(after, "heic").dates[0].wall == WALL


def test_a_heic_without_a_date_needs_exiftool_and_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exif_writing.shutil, "which", lambda _name: None)
    for before in (heic(), heic(exif=block())):
        with pytest.raises(MediaError, match="install exiftool to have its date written"):
            with_date(before, "heic", WALL)


@pytest.mark.skipif(
    exif_writing.shutil.which("exiftool") is None, reason="exiftool is not installed"
)
def test_exiftool_writes_a_heic_date_where_it_is_installed():
    after = with_date(heic(), "heic", WALL, 60)
    assert pixels(after) == pixels(heic())
    assert facts(after, "heic").dates[0].wall == WALL


@pytest.mark.parametrize(
    ("data", "type_name"),
    [
        (make.plain("GIF"), "gif"),
        (make.jpeg(make.exif_segment(b"II*\0\xff\xff\xff\xff")), "jpeg"),
        (make.jpeg(make.exif_segment(b"nonsense")), "jpeg"),
        (make.plain("PNG")[:40], "png"),
        (make.plain("WEBP")[:30], "webp"),
        (b"II+\0" + bytes(40), "tiff"),
        (make.jpeg(make.exif_segment(block(extra=bytes(65_520 - len(block()))))), "jpeg"),
    ],
)
def test_what_cannot_hold_a_date_is_an_error_with_a_reason(data: bytes, type_name: str):
    with pytest.raises(MediaError) as caught:
        with_date(data, type_name, WALL)
    assert str(caught.value)


def test_every_cut_of_an_exif_block_is_an_error_or_a_date():
    whole = block(date="2001:01:01 00:00:00")
    for end in range(len(whole)):
        try:
            written = write_date(whole[:end], WALL, 60)
        except (ValueError, struct.error):
            continue
        assert written == b"" or TEXT.encode() in written


OLD = make.xmp(
    "<photoshop:DateCreated>2001-01-01T00:00:00.123+01:00</photoshop:DateCreated>",
    'exif:DateTimeOriginal="2001-01-01T00:00:00Z" xmp:CreateDate="2001-01-01" '
    'xmp:ModifyDate="2001-01-01T00:00:00"',
)
NEW = (
    OLD.replace(b"2001-01-01T00:00:00.123+01:00", b"2018-05-06T07:08:09.000+02:00")
    .replace(b"2001-01-01T00:00:00Z", b"2018-05-06T05:08:09Z")
    .replace(b'"2001-01-01"', b'"2018-05-06"')
)


def webp(packet: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (33, 17), (200, 120, 40)).save(buffer, "WEBP", xmp=packet)
    return buffer.getvalue()


def png(packet: bytes) -> bytes:
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    return make.plain("PNG", pnginfo=info)


@pytest.mark.parametrize(
    ("before", "type_name"),
    [
        (
            make.jpeg(make.exif_segment(block(date="2001:01:01 00:00:00")), make.xmp_segment(OLD)),
            "jpeg",
        ),
        (webp(OLD), "webp"),
        (png(OLD), "png"),
        (make.plain("TIFF", tiffinfo={700: OLD}), "tiff"),
    ],
)
def test_xmp_says_the_same_as_exif_and_keeps_its_length(before: bytes, type_name: str):
    after = with_date(before, type_name, WALL, 120)
    assert NEW in after and len(NEW) == len(OLD) and OLD not in after
    assert b"ModifyDate" in NEW and b'xmp:ModifyDate="2001-01-01T00:00:00"' in after
    assert pillow_date(after)[0] == TEXT
    dates = {d.source: d.wall for d in facts(after, type_name).dates}
    assert dates["xmp:DateCreated"] == WALL and dates["xmp:CreateDate"] == datetime(2018, 5, 6)


def test_iptc_says_the_same_as_exif():
    records = make.iptc((55, b"20010101"), (60, b"000000+0100"), (120, b"on 20010101"))
    after = with_date(make.jpeg(make.photoshop_segment(records)), "jpeg", WALL, 120)
    assert make.iptc((55, b"20180506"), (60, b"070809+0200"), (120, b"on 20010101")) in after
    assert {d.wall for d in facts(after, "jpeg").dates} == {WALL}


def test_a_date_that_would_contradict_and_cannot_be_overwritten_is_an_error():
    packet = make.xmp("", 'exif:DateTimeOriginal="2001:01:01 00:00:00"')
    with pytest.raises(MediaError, match="it would state 2001-01-01 00:00:00 besides"):
        with_date(make.jpeg(make.xmp_segment(packet)), "jpeg", WALL)


def test_a_type_of_no_dates_is_named():
    with pytest.raises(UnsupportedType, match="no date can be written into gif files"):
        with_date(make.plain("GIF"), "gif", WALL)
