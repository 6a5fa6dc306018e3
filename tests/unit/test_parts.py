"""What a still's file holds beside the picture: frames, pages, further pictures, depth, sound."""

from __future__ import annotations

import io
import struct

import pytest
from clip_makers import movie, mvhd, trak
from PIL import Image
from still_makers import box, exif_segment, jpeg, plain, read, segment, tiff, xmp, xmp_segment

from catalog.media.parts import PARTS, part_of_auxiliary, parts_of_xmp

BASELINE, PREVIEW, OTHER = 0x030000, 0x010002, 0x000000


def indexed(*kinds: int) -> bytes:
    """A JPEG with an index of pictures of some kinds."""
    entries = b"".join(struct.pack("<IIIHH", kind, 100, 0, 0, 0) for kind in kinds)
    return jpeg(segment(0xE2, b"MPF\0" + tiff({0xB002: (7, entries)})))


def test_further_pictures_in_a_jpeg_are_a_part_and_previews_are_none() -> None:
    assert read(indexed(BASELINE, OTHER)).parts == {"pictures"}
    assert read(indexed(BASELINE, PREVIEW)).parts == set()
    assert read(jpeg(segment(0xE2, b"MPF\0II*\0\xff"))).parts == set()
    assert read(jpeg(segment(0xE2, b"ICC_PROFILE\0\1\1"))).parts == set()


@pytest.mark.parametrize(
    ("properties", "part"),
    [
        (b'GDepth:Format="RangeInverse"', "depth"),
        (b'hdrgm:Version="1.0"', "gain-map"),
        (b'Item:Semantic="Depth"', "depth"),
        (b"<Item:Semantic>MotionPhoto</Item:Semantic>", "film"),
        (b'GAudio:Mime="audio/mp4"', "sound"),
    ],
)
def test_a_packet_tells_of_parts(properties: bytes, part: str) -> None:
    assert parts_of_xmp(properties) == {part} <= set(PARTS)
    assert read(jpeg(xmp_segment(b"<x>" + properties + b"</x>"))).parts == {part}
    assert parts_of_xmp(b'Item:Semantic="Primary" dc:title="Depth of field"') == set()


def test_the_directory_at_the_end_of_samsungs_jpegs_tells_of_sound_and_depth() -> None:
    entries = b"".join(struct.pack("<HHII", 0, kind, 100, 100) for kind in (0x0100, 0x0AB1))
    directory = b"SEFH" + struct.pack("<II", 106, 2) + entries
    base = jpeg(exif_segment(tiff({0x10F: (2, "samsung")})))
    found = read(base + directory + struct.pack("<I", len(directory)) + b"SEFT")
    assert (found.parts, found.get("motion_photo")) == ({"sound", "depth"}, None)


FILM = movie(mvhd(0), trak())
SAMSUNGS = b"".join(
    (
        b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + FILM,
        b"SEFH" + struct.pack("<II", 106, 1) + struct.pack("<HHII", 0, 0x0A30, 999, 999),
        struct.pack("<I", 24) + b"SEFT",
    )
)


@pytest.mark.parametrize(
    "trailer",
    [FILM, bytes(100) + FILM + b"LIVE_1234567890      ", plain(size=(8, 8)) + FILM, SAMSUNGS],
    ids=["film", "film in others' bytes", "behind a further picture", "samsung"],
)
def test_a_film_behind_a_jpeg_makes_a_motion_photo_whatever_the_metadata_say(
    trailer: bytes,
) -> None:
    found = read(plain() + trailer)
    assert (found.parts, found.get("motion_photo")) == ({"film"}, True)


@pytest.mark.parametrize(
    "trailer",
    [b"", b"ftyp", b"\0\0\0\x18ftypisom" + bytes(16), plain("HEIF"), bytes(64), FILM[:20]],
)
def test_what_is_no_film_behind_a_jpeg_makes_none(trailer: bytes) -> None:
    found = read(plain() + trailer)
    assert (found.parts, found.get("motion_photo")) == (set(), None)


@pytest.mark.parametrize(
    "trailer", [FILM, box(b"mpvd", FILM), box(b"sefd", SAMSUNGS), SAMSUNGS], ids=len
)
def test_a_film_in_a_heic_or_behind_it_makes_a_motion_photo(trailer: bytes) -> None:
    found = read(plain("HEIF") + trailer)
    assert (found.parts, found.get("motion_photo")) == ({"film"}, True)
    assert read(plain("HEIF")).parts == set()


def test_what_xmp_calls_a_motion_photo_has_a_film() -> None:
    assert read(jpeg(xmp_segment(xmp("", 'GCamera:MicroVideo="1"')))).parts == {"film"}


def test_sound_in_flashpix_pieces_is_a_part() -> None:
    assert read(jpeg(segment(0xE2, b"FPXR\0\0\2RIFF\0\0\0\0WAVEfmt "))).parts == {"sound"}
    assert read(jpeg(segment(0xE2, b"FPXR\0\0\1\0\1"))).parts == set()


def test_auxiliary_images_of_heif_are_named_by_their_urns() -> None:
    names = {
        b"\0\0\0\0urn:com:apple:photo:2020:aux:hdrgainmap\0": "gain-map",
        b"\0\0\0\0urn:com:apple:photo:2018:aux:portraiteffectsmatte\0": "matte",
        b"\0\0\0\0urn:mpeg:hevc:2015:auxid:2\0": "depth",
        b"\0\0\0\0urn:mpeg:hevc:2015:auxid:1\0": "",
    }
    assert {name: part_of_auxiliary(name) for name in names} == names


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_frames_and_pages_are_counted(form: str, count: int) -> None:
    pictures = [Image.new("RGB", (40, 30), (40 * n, 90, 200 - 30 * n)) for n in range(count)]
    stream = io.BytesIO()
    pictures[0].save(stream, form, save_all=count > 1, append_images=pictures[1:])
    assert read(stream.getvalue()).get("frames") == count


def test_pictures_of_a_heic_are_counted_and_its_tiles_and_thumbnails_are_none() -> None:
    import pillow_heif

    file = pillow_heif.HeifFile()
    for grey in (10, 200):
        file.add_from_pillow(Image.new("RGB", (128, 96), (grey, 90, 20)))
    stream = io.BytesIO()
    file.save(stream, quality=50)
    assert read(stream.getvalue()).get("frames") == 2
    stream = io.BytesIO()
    Image.new("RGB", (256, 192), (90, 9, 9)).save(stream, "HEIF", quality=50, thumbnails=[64])
    assert read(stream.getvalue()).get("frames") == 1


def test_a_gif_that_is_cut_short_has_no_known_number_of_frames() -> None:
    assert read(plain("GIF")[:-1]).get("frames") is None
    assert read(plain("GIF")).get("frames") == 1
