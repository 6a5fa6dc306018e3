"""Every type is known by its content; names settle only what content leaves open."""

from __future__ import annotations

import io
import struct
from functools import cache

import av
import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from catalog.domain.filetypes import (
    BY_NAME,
    HEAD_BYTES,
    SIDECAR_EXTENSIONS,
    TYPES,
    extension_of,
    matches_extension,
    recognise,
    refine_tiff,
)

WANTED = (
    *(
        "jpg",
        "jpeg",
        "jpe",
        "png",
        "gif",
        "bmp",
        "tif",
        "tiff",
        "webp",
        "avif",
        "heic",
        "heif",
        "jp2",
        "mpo",
        "psd",
    ),
    *("dng", "cr2", "cr3", "nef", "nrw", "arw", "orf", "raf", "rw2", "pef", "srw", "3fr"),
    *("mov", "mp4", "m4v", "avi", "mkv", "webm", "mpg", "mpeg", "mts", "m2ts", "3gp", "wmv", "flv"),
    *("ogv", "ogm", "rm", "rmvb"),
)
"""The types that have to be known."""

LITTLE = b"II*\0\x08\0\0\0" + bytes(64)
BIG = b"MM\0*\0\0\0\x08" + bytes(64)


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    brands = major + bytes(4) + b"".join(compatible)
    return struct.pack(">I4s", 8 + len(brands), b"ftyp") + brands + b"\0\0\0\x08free" + bytes(64)


def ogg(*streams: bytes) -> bytes:
    """First pages of the streams of an Ogg file."""
    return (
        b"".join(b"OggS\0\2" + bytes(20) + bytes([1, len(first)]) + first for first in streams)
        + b"OggS\0\0"
        + bytes(60)
    )


def picture(kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    Image.fromarray(noise).save(buffer, kind, **options)
    return buffer.getvalue()


def heic() -> bytes:
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "red")).save(buffer)
    return buffer.getvalue()


def clip(container: str, codec: str, audio: bool = False) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        if audio:
            stream = output.add_stream(codec, rate=48000)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), "fltp", "mono")
            frame.sample_rate = 48000
        else:
            stream = output.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 352, 288, "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.zeros((288, 352, 3), np.uint8), "rgb24")
        for _ in range(5):
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return buffer.getvalue()


@cache
def made(extension: str) -> bytes:
    """A file of each type: real where a library here can write it, else its signature."""
    makers = {
        "jpg": lambda: picture("JPEG"),
        "png": lambda: picture("PNG"),
        "gif": lambda: picture("GIF"),
        "bmp": lambda: picture("BMP"),
        "tif": lambda: picture("TIFF"),
        "webp": lambda: picture("WEBP"),
        "avif": lambda: picture("AVIF"),
        "heic": heic,
        "heif": lambda: ftyp(b"mif1", b"mif1", b"miaf"),
        "jp2": lambda: picture("JPEG2000"),
        "mpo": lambda: picture("MPO", save_all=True, append_images=[Image.new("RGB", (64, 48))]),
        "psd": lambda: b"8BPS\0\x01" + bytes(80),
        "cr2": lambda: b"II*\0\x10\0\0\0CR\x02\0" + bytes(64),
        "cr3": lambda: ftyp(b"crx ", b"crx ", b"isom"),
        "nef": lambda: BIG,
        "pef": lambda: BIG,
        "orf": lambda: b"IIRO\x08\0\0\0" + bytes(64),
        "raf": lambda: b"FUJIFILMCCD-RAW 0201" + bytes(80),
        "rw2": lambda: b"IIU\0\x18\0\0\0" + bytes(64),
        "mov": lambda: clip("mov", "mpeg4"),
        "mp4": lambda: clip("mp4", "mpeg4"),
        "m4v": lambda: ftyp(b"M4V ", b"M4V ", b"isom"),
        "3gp": lambda: clip("3gp", "mpeg4"),
        "avi": lambda: clip("avi", "mpeg4"),
        "mkv": lambda: clip("matroska", "mpeg4"),
        "webm": lambda: clip("webm", "libvpx"),
        "mpg": lambda: clip("mpeg", "mpeg1video"),
        "mts": lambda: clip("mpegts", "mpeg2video"),
        "m2ts": lambda: b"".join(b"\0\0\0\0\x47" + bytes(187) for _ in range(12)),
        "wmv": lambda: clip("asf", "wmv2"),
        "flv": lambda: clip("flv", "flv"),
        "ogv": lambda: clip("ogg", "libvpx"),
        "ogm": lambda: ogg(b"\x01vorbis", b"\x01video\0\0\0DIV3"),
        "rm": lambda: clip("rm", "rv10"),
        "rmvb": lambda: clip("rm", "rv20"),
    }
    same = {"jpeg": "jpg", "jpe": "jpg", "tiff": "tif", "mpeg": "mpg"}
    maker = makers.get(same.get(extension, extension))
    return maker() if maker else LITTLE


@pytest.mark.parametrize("extension", WANTED)
def test_every_wanted_type_is_recognised_by_its_content(extension: str):
    head = made(extension)[:HEAD_BYTES]
    found = recognise(head, f"IMG_0007.{extension.upper()}")
    assert found is not None
    assert matches_extension(found, f"IMG_0007.{extension}")
    exact = {
        "jpeg": "jpeg",
        "jpe": "jpeg",
        "jpg": "jpeg",
        "tif": "tiff",
        "mpeg": "mpg",
        "m2ts": "mts",
        "ogm": "ogv",
        "rmvb": "rm",
    }
    assert found.name == exact.get(extension, extension)


BY_EXTENSION = {"dng", "nef", "nrw", "arw", "pef", "srw", "3fr"}
"""RAW files that look like any TIFF file until the tags inside are read."""


@pytest.mark.parametrize(
    "extension", [e for e in WANTED if e not in BY_EXTENSION and e not in ("mpo",)]
)
def test_content_wins_over_a_wrong_extension(extension: str):
    wrong = "png" if extension != "png" else "jpg"
    found = recognise(made(extension)[:HEAD_BYTES], f"x.{wrong}")
    right = recognise(made(extension)[:HEAD_BYTES], f"x.{extension}")
    assert found == right
    assert found is not None
    assert not matches_extension(found, f"x.{wrong}")


@pytest.mark.parametrize("extension", sorted(set(WANTED) - BY_EXTENSION - {"mpo"}))
def test_a_name_without_an_extension_does_not_hide_the_content(extension: str):
    head = made(extension)[:HEAD_BYTES]
    assert recognise(head, "x") == recognise(head, f"x.{extension}")


@pytest.mark.parametrize(
    "extension", sorted(set(WANTED) | {"crw", "jxl", "mrw", "x3f", "sr2", "3g2", "gpr"})
)
def test_every_wanted_extension_belongs_to_a_type(extension: str):
    assert any(extension in t.extensions for t in TYPES)


def test_types_have_one_name_each_and_only_lower_case_extensions():
    assert len(BY_NAME) == len(TYPES)
    assert all(e == e.lower() and "." not in e for t in TYPES for e in t.extensions)
    assert all(t.kind in ("image", "video") and t.mime.startswith(f"{t.kind}/") for t in TYPES)


def test_a_real_file_of_each_audio_container_is_no_video():
    assert recognise(clip("ipod", "aac", audio=True)[:HEAD_BYTES], "song.m4a") is None
    assert recognise(clip("mp4", "aac", audio=True)[:HEAD_BYTES], "song.m4a") is None
    assert recognise(clip("mp3", "libmp3lame", audio=True)[:HEAD_BYTES], "song.mp3") is None
    assert recognise(clip("asf", "wmv2")[:HEAD_BYTES], "song.wma") is None
    assert recognise(clip("matroska", "aac", audio=True)[:HEAD_BYTES], "song.mka") is None
    assert recognise(clip("wav", "pcm_s16le", audio=True)[:HEAD_BYTES], "song.wav") is None
    assert recognise(clip("ogg", "libopus", audio=True)[:HEAD_BYTES], "song.ogg") is None
    assert recognise(ogg(b"\x01vorbis" + bytes(20)) + b"\x80theora", "song.ogv") is None
    assert recognise(b"OggS\0\2" + bytes(20) + b"\xff", "song.ogv") is None
    assert recognise(clip("flac", "flac", audio=True)[:HEAD_BYTES], "song.flac") is None


@pytest.mark.parametrize("extension", ["m4a", "m4b", "mp4"])
def test_an_audio_book_by_its_brand_is_no_video_whatever_it_is_called(extension: str):
    assert recognise(ftyp(b"M4B ", b"M4A ", b"mp42"), f"book.{extension}") is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"a",
        b"hello, world\n" * 50,
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"PK\x03\x04" + bytes(60),
        b"\x7fELF" + bytes(60),
        b"The free lunch is over." * 3,
        b"The skip list, a note" * 3,
        b"Big junk drawer" * 3,
        b"The wide road" * 3,
        b"BMW prices in 2019 went up" * 3,
        b"GIF is a format" * 3,
        b"RIFFraff, a story" * 3,
        b"II* is how TIFF begins",
        b"<?xml version='1.0'?><svg/>",
        b"ID3\x04" + bytes(100),
        b"\xff\xfb\x90\x64" + bytes(400),
        b"\xff\xf1\x50\x80" + bytes(400),
        b"OggS\0\x02" + bytes(60),
        b"RIFF\x24\0\0\0WAVEfmt " + bytes(60),
        b"fLaC\0\0\0\x22" + bytes(60),
        b"FORM\0\0\0\x20AIFF" + bytes(60),
        b"G" * 3,
        b"GGGG",
        b"{}",
        bytes(4096),
        b"SQLite format 3\0" + bytes(60),
    ],
    ids=lambda head: repr(head[:12]),
)
@pytest.mark.parametrize("name", ["x.jpg", "x.mov", "x", "x.heic"])
def test_what_is_no_picture_and_no_video_is_not_taken_for_one(head: bytes, name: str):
    assert recognise(head, name) is None


def test_a_text_of_the_letter_that_marks_transport_packets_is_no_video():
    text = ("G" + "a" * 187) * 3
    assert recognise(text.encode(), "x.txt") is None


@given(st.binary(max_size=300), st.sampled_from(["x.jpg", "x.mp4", "x", ".jpg", "x."]))
def test_any_bytes_have_a_type_or_none(head: bytes, name: str):
    found = recognise(head, name)
    assert found is None or found in TYPES


@pytest.mark.parametrize("extension", WANTED)
@pytest.mark.parametrize("length", [0, 1, 3, 8, 11, 12, 20])
def test_a_file_cut_after_a_few_bytes_is_no_crash(extension: str, length: int):
    found = recognise(made(extension)[:length], f"x.{extension}")
    assert found is None or found in TYPES


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("a.JPG", "jpg"),
        ("a.b.Jpeg", "jpeg"),
        ("a", ""),
        (".hidden", ""),
        ("a.", ""),
        (".hidden.png", "png"),
        ("Ä.HEIC", "heic"),
    ],
)
def test_the_extension_is_what_stands_behind_the_last_dot(name: str, extension: str):
    assert extension_of(name) == extension


def test_quicktime_files_older_than_the_brand_box_are_known_by_their_atoms():
    for atom, size in (
        (b"moov", 900),
        (b"mdat", 2_000_000_000),
        (b"wide", 8),
        (b"free", 64),
        (b"skip", 64),
        (b"pnot", 20),
    ):
        found = recognise(struct.pack(">I4s", size, atom) + bytes(60), "x.MOV")
        assert found is BY_NAME["mov"]


def test_the_heif_brands_of_cameras_are_told_apart():
    assert recognise(ftyp(b"mif1", b"mif1", b"heic"), "x.heic") is BY_NAME["heic"]
    assert recognise(ftyp(b"mif1", b"mif1", b"avif"), "x.heic") is BY_NAME["avif"]
    assert recognise(ftyp(b"heix", b"mif1"), "x.hif") is BY_NAME["heic"]
    assert recognise(ftyp(b"isom", b"iso2", b"mp41"), "x.jpg") is BY_NAME["mp4"]
    assert recognise(ftyp(b"3gp5", b"3gp5"), "x.mp4") is BY_NAME["3gp"]


def test_raw_files_called_tif_get_their_type_from_the_tags_inside():
    tiff = BY_NAME["tiff"]
    assert refine_tiff(tiff, is_dng=True, make="Apple", has_raw_data=True).name == "dng"
    assert (
        refine_tiff(tiff, is_dng=False, make="NIKON CORPORATION", has_raw_data=True).name == "nef"
    )
    assert refine_tiff(tiff, is_dng=False, make="Canon", has_raw_data=False).name == "tiff"
    assert refine_tiff(BY_NAME["gpr"], is_dng=True, make="GoPro", has_raw_data=True).name == "gpr"
    assert refine_tiff(BY_NAME["nef"], is_dng=True, make="Nikon", has_raw_data=True).name == "dng"


def test_only_the_thumbnail_is_both_a_sidecar_and_a_picture():
    assert {e for t in TYPES for e in t.extensions} & SIDECAR_EXTENSIONS == {"thm"}
