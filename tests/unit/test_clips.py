"""Readers of video metadata: QuickTime, MP4, AVI, Matroska, ASF, AVCHD, MPEG,
and FFmpeg behind them.
"""

from __future__ import annotations

import struct
import zlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from chance import times
from clip_makers import (
    TURN_90,
    asf,
    avi,
    box,
    chunk,
    chunk_list,
    element,
    encode,
    encode_sound,
    keys_meta,
    mdpm,
    movie,
    mvhd,
    read,
    seconds_1904,
    sony_document,
    text_box,
    trak,
    transport_stream,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.domain.capture_time import DAY
from catalog.domain.filetypes import BY_NAME
from catalog.errors import UnsupportedType
from catalog.media.bmff.boxes import MAX_BOXES, Walk
from catalog.media.bmff.fields import clock
from catalog.media.clips.avchd import zone_minutes
from catalog.media.clips.reader import READERS, read_clip
from catalog.media.clips.riff import riff_date
from catalog.media.extract import read_facts
from catalog.media.findings import Findings
from catalog.media.request import Request
from catalog.media.source import MemorySource
from catalog.media.video import frames

SHOT = datetime(2019, 7, 12, 18, 30, 15)
CREATED = seconds_1904(SHOT)


def walls(found: Findings, source: str) -> list[datetime]:
    return [d.wall for d in found.dates if d.source == source]


# --- QuickTime and MP4 ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 1])
def test_the_movie_header_gives_a_utc_date_and_a_duration(version: int) -> None:
    found = read(movie(mvhd(CREATED, 7250, 1000, version), trak()))
    assert [(d.wall, d.source, d.is_utc, d.utc_doubtful) for d in found.dates] == [
        (SHOT, "quicktime:CreateDate", True, False)
    ]
    assert found.get("duration") == pytest.approx(7.25)


@pytest.mark.parametrize("created", [0, 1, 2_082_844_800, 2_082_844_860, 0xFFFFFFFF, 1 << 40])
def test_an_unset_clock_is_no_date(created: int) -> None:
    assert read(movie(mvhd(created, version=1), trak())).dates == []


def test_a_clock_that_counts_from_1970_by_mistake_is_mended() -> None:
    assert clock(CREATED - 2_082_844_800) == SHOT


def test_the_track_clock_serves_where_the_movie_has_none() -> None:
    assert walls(read(movie(mvhd(0), trak(created=CREATED))), "quicktime:CreateDate") == [SHOT]


def test_apple_keys_give_local_date_place_device_and_live_photo_id() -> None:
    keys = {
        "com.apple.quicktime.make": "Apple",
        "com.apple.quicktime.model": "iPhone 12",
        "com.apple.quicktime.creationdate": "2019-07-12T20:30:15+0200",
        "com.apple.quicktime.location.ISO6709": "+51.0500-003.7200+010.5/",
        "com.apple.quicktime.content.identifier": "ABC-1",
    }
    found = read(movie(mvhd(CREATED), trak(), keys_meta(keys)))
    local = next(d for d in found.dates if d.source == "quicktime:creationdate")
    assert (local.wall, local.offset_minutes) == (datetime(2019, 7, 12, 20, 30, 15), 120)
    assert (found.get("make"), found.get("model"), found.get("live_id")) == (
        "Apple",
        "iPhone 12",
        "ABC-1",
    )
    assert found.position is not None
    assert (found.position.lat, found.position.lon, found.position.altitude) == (51.05, -3.72, 10.5)


def test_a_meta_box_with_a_version_is_read_as_one_without() -> None:
    plain = keys_meta({"com.apple.quicktime.model": "X100"})
    versioned = box(b"meta", bytes(4), plain[8:])
    assert read(movie(mvhd(0), versioned)).get("model") == "X100"


def test_user_data_texts_are_read_and_the_terminator_is_no_box() -> None:
    device = text_box(b"\xa9mak", "ACME") + text_box(b"\xa9mod", "Cam 1")
    day, place = (
        text_box(b"\xa9day", "2019-07-12T20:30:15+0200"),
        text_box(b"\xa9xyz", "+10.0000+020.0000/"),
    )
    udta = box(b"udta", device, day, place, bytes(4))
    found = read(movie(mvhd(CREATED), trak(), udta))
    assert (found.get("make"), found.get("model")) == ("ACME", "Cam 1")
    assert walls(found, "quicktime:DateTimeOriginal") == [datetime(2019, 7, 12, 20, 30, 15)]
    assert found.position is not None and (found.position.lat, found.position.lon) == (10, 20)


def test_a_release_day_of_a_shop_is_no_capture_date() -> None:
    data = box(b"data", struct.pack(">II", 1, 0), b"2010-05-05T07:00:00Z")
    udta = box(
        b"udta",
        box(b"meta", bytes(4), box(b"hdlr", bytes(24)), box(b"ilst", box(b"\xa9day", data))),
        text_box(b"\xa9day", "2010"),
    )
    assert read(movie(mvhd(0), trak(), udta)).dates == []


@pytest.mark.parametrize("prefix", [b"", b"\0\0\0\0\x15\xc7"])
def test_the_date_box_is_read_with_and_without_3gpp_fields(prefix: bytes) -> None:
    udta = box(b"udta", box(b"date", prefix, b"2018-02-07T10:15:08-0500\0"))
    found = read(movie(mvhd(0), udta, brand=b"3gp5"), "a.3gp")
    assert [(d.wall, d.offset_minutes) for d in found.dates] == [
        (datetime(2018, 2, 7, 10, 15, 8), -300)
    ]


@pytest.mark.parametrize("name", [b"home\0", b"\xfe\xff\0h\0o\0\0"])
def test_a_3gpp_place_is_read(name: bytes) -> None:
    loci = box(
        b"loci",
        bytes(6),
        name,
        b"\0",
        struct.pack(">iii", int(-3.5 * 65536), int(51.25 * 65536), 7 << 16),
        b"earth\0\0",
    )
    found = read(movie(mvhd(0), box(b"udta", loci)))
    assert found.position is not None
    assert (found.position.lat, found.position.lon, found.position.altitude) == (51.25, -3.5, 7)


def test_a_place_of_zeros_is_no_place() -> None:
    found = read(movie(mvhd(0), box(b"udta", text_box(b"\xa9xyz", "+00.0000+000.0000/"))))
    assert found.position is None
    assert any("unset" in note for note in found.notes)


def test_a_turned_track_is_sized_as_shown() -> None:
    found = read(movie(mvhd(CREATED), trak(size=(1920, 1080), matrix=TURN_90)))
    assert (found.get("width"), found.get("height"), found.get("rotation"), found.displayed) == (
        1080,
        1920,
        90,
        True,
    )


def test_codecs_and_frame_rate_are_told() -> None:
    found = read(movie(mvhd(CREATED), trak(b"hvc1", frames=125), trak(b"sowt", handler=b"soun")))
    assert (found.get("video_codec"), found.get("audio_codec"), found.get("frame_rate")) == (
        "hevc",
        "pcm_s16le",
        25,
    )


@pytest.mark.parametrize(("ticks", "rate"), [(40, 25.0), (5000, None)])
def test_a_lone_sample_is_a_rate_only_where_it_lasts_as_long_as_a_frame(
    ticks: int, rate: float | None
) -> None:
    assert (
        read(movie(mvhd(CREATED), trak(b"jpeg", frames=1, ticks=ticks))).get("frame_rate") == rate
    )


def test_an_mp4a_track_may_hold_mp3() -> None:
    esds = box(b"esds", bytes(4), b"\x03\x19\0\0\0\x04\x11\x6b")
    assert (
        read(movie(mvhd(0), trak(b"mp4a", handler=b"soun", tail=esds))).get("audio_codec") == "mp3"
    )


def test_a_movie_of_sound_alone_says_so() -> None:
    sound, words = trak(b"mp4a", handler=b"soun"), trak(b"tx3g", handler=b"text")
    whole = movie(mvhd(CREATED), sound, words)
    assert read(whole).sound_alone
    assert not read(movie(mvhd(CREATED), sound, trak())).sound_alone
    assert not read(movie(mvhd(CREATED), words)).sound_alone
    assert not read(movie(mvhd(CREATED), sound, trak(handler=b"new!"))).sound_alone


def test_a_movie_whose_list_of_tracks_is_cut_is_not_said_to_be_sound() -> None:
    sound, film = trak(b"mp4a", handler=b"soun"), trak()
    whole = movie(mvhd(CREATED), sound, film)
    found = read(whole[: whole.index(film)])
    assert found.get("audio_codec") and not found.sound_alone


SOUNDS = [
    ("memo.mp4", "aac", "mp4"),
    ("memo.mov", "pcm_s16le", "mov"),
    ("memo.3gp", "aac", "3gp"),
    ("radio.mkv", "ac3", "matroska"),
    ("radio.webm", "libopus", "webm"),
    ("radio.avi", "pcm_s16le", "avi"),
    ("radio.wmv", "wmav2", "asf"),
    ("radio.flv", "aac", "flv"),
    ("radio.rm", "ac3", "rm"),
    ("radio.mpg", "mp2", "mpeg"),
    ("radio.vob", "ac3", "vob"),
    ("radio.ts", "aac", "mpegts"),
    ("radio.mts", "mp2", "mpegts"),
]


@pytest.mark.parametrize(("name", "codec", "form"), SOUNDS, ids=[s[0] for s in SOUNDS])
def test_sound_alone_in_a_container_of_films_is_no_film(
    tmp_path: Path, name: str, codec: str, form: str
) -> None:
    path = tmp_path / name
    encode_sound(path, codec, form)
    with pytest.raises(UnsupportedType, match="sound alone"):
        read_facts(Request(str(path)))


@pytest.mark.parametrize("form", ["mpeg", "mpegts"])
@pytest.mark.parametrize("share", [0.5, 1.0])
def test_sound_before_the_first_picture_of_a_broadcast_is_a_film(
    tmp_path: Path, form: str, share: float
) -> None:
    path = tmp_path / "broadcast.mpg"
    encode_sound(path, "mp2", form)
    sound = path.read_bytes() * 8
    at = int(len(sound) * share) // 188 * 188
    picture = b"\0\0\1\xe0" + bytes(200)
    path.write_bytes(sound[:at] + picture + sound[at:])
    assert read_facts(Request(str(path))).kind == "video"


def test_a_cover_picture_is_not_the_clip() -> None:
    found = read(movie(mvhd(0), trak(b"jpeg", size=(160, 120)), trak(b"avc1", size=(640, 480))))
    assert (found.get("width"), found.get("video_codec")) == (640, "h264")


@pytest.mark.parametrize(
    "parts",
    [
        (trak(b"mjpa"),),
        (trak(b"SVQ3"),),
        (trak(), box(b"udta", text_box(b"\xa9mak", "Canon"))),
        (trak(), box(b"udta", box(b"NCDT", box(b"NCTG", b"")))),
        (trak(), box(b"udta", text_box(b"\xa9inf", "Panasonic  PV-SD4090"))),
    ],
)
def test_the_clock_of_a_camera_without_zone_is_doubted(parts: tuple[bytes, ...]) -> None:
    assert [d.utc_doubtful for d in read(movie(mvhd(CREATED), *parts)).dates] == [True]


@pytest.mark.parametrize(
    "parts",
    [
        (keys_meta({"com.android.version": "11"}),),
        (box(b"udta", text_box(b"\xa9mak", "samsung")),),
        (),
    ],
)
def test_the_clock_of_a_phone_is_trusted(parts: tuple[bytes, ...]) -> None:
    codec = b"mjpa" if parts else b"avc1"
    assert [d.utc_doubtful for d in read(movie(mvhd(CREATED), trak(codec), *parts)).dates] == [
        False
    ]


def test_a_nikon_box_gives_device_local_date_and_place() -> None:
    def record(tag: int, kind: int, count: int, value: bytes) -> bytes:
        return struct.pack(">IHH", tag, kind, count) + value

    place = struct.pack(">6I", 35, 1, 30, 1, 0, 1)
    nctg = (
        record(1, 2, 6, b"NIKON\0")
        + record(2, 2, 8, b"COOLPIX\0")
        + record(0x12, 2, 20, b"2010:02:03 04:05:06\0")
    )
    nctg += record(0x1200001, 2, 2, b"S\0") + record(0x1200002, 5, 3, place)
    nctg += record(0x1200003, 2, 2, b"E\0") + record(0x1200004, 5, 3, place)
    found = read(movie(mvhd(0), trak(), box(b"udta", box(b"NCDT", box(b"NCTG", nctg)))))
    assert (found.get("make"), found.get("model")) == ("NIKON", "COOLPIX")
    assert walls(found, "maker:DateTimeOriginal") == [datetime(2010, 2, 3, 4, 5, 6)]
    assert found.position is not None and (found.position.lat, found.position.lon) == (-35.5, 35.5)


def test_an_old_tags_box_names_the_camera() -> None:
    tags = b"FUJIFILM DIGITAL CAMERA\0" + b"FinePix F10\0\0\0\0\0" + bytes(64)
    found = read(movie(mvhd(0), trak(), box(b"udta", box(b"TAGS", tags))))
    assert (found.get("make"), found.get("model")) == ("FUJIFILM DIGITAL CAMERA", "FinePix F10")


def test_the_exif_of_a_canon_thumbnail_dates_the_clip_but_does_not_size_it() -> None:
    text = b"2011:05:06 07:08:09\0"
    exif_ifd = struct.pack("<HHHIII", 1, 0x9003, 2, 20, 44, 0) + text
    tiff = (
        b"II*\0" + struct.pack("<I", 8) + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 26, 0) + exif_ifd
    )
    thumbnail = b"\xff\xd8\xff\xe1" + struct.pack(">H", 8 + len(tiff)) + b"Exif\0\0" + tiff
    found = read(movie(mvhd(0), trak(), box(b"udta", box(b"CNTH", box(b"CNDA", thumbnail)))))
    assert walls(found, "exif:DateTimeOriginal") == [datetime(2011, 5, 6, 7, 8, 9)]
    assert (found.get("width"), found.get("height")) == (640, 480)


def test_sony_xml_in_a_clip_gives_date_device_and_place() -> None:
    data = movie(mvhd(CREATED), trak(), brand=b"XAVC") + box(
        b"meta", bytes(4), box(b"hdlr", bytes(24)), box(b"xml ", bytes(4), sony_document())
    )
    found = read(data, "a.mp4")
    (created,) = (d for d in found.dates if d.source == "quicktime:creationdate")
    assert (created.wall, created.offset_minutes) == (datetime(2015, 1, 2, 3, 4, 5), 540)
    assert found.get("model") == "ILCE-7S"
    assert found.position is not None and (found.position.lat, found.position.lon) == (50.5, -3.25)


def test_entities_in_sonys_xml_are_never_expanded_whatever_the_encoding() -> None:
    declared = '<!DOCTYPE x [<!ENTITY a "bomb"><!ENTITY b "&a;&a;&a;&a;">]>'
    document = '<NonRealTimeMeta>{}<Device manufacturer="&b;" modelName="m"/></NonRealTimeMeta>'
    hidden = "<!--" + b"NonRealTimeMeta ".decode("utf-16-be") + "-->"
    wide = '\ufeff<?xml version="1.0" encoding="utf-16"?>' + declared + document.format(hidden)
    for xml in ((declared + document.format("")).encode(), wide.encode("utf-16-be")):
        meta = box(b"meta", bytes(4), box(b"hdlr", bytes(20)), box(b"xml ", xml))
        found = read(movie(mvhd(0), trak()) + meta)
        assert found.get("make") is None
        assert found.notes == ["Sony XML: document type declarations are not read"]


def test_a_gopro_names_itself_in_its_metadata() -> None:
    gpmf = b"DEVC\0\x01\0\x20" + b"MINFc\x01\0\x0cHERO7 Black\0"
    found = read(
        movie(mvhd(CREATED), trak(), box(b"udta", box(b"FIRM", b"HD7.01"), box(b"GPMF", gpmf)))
    )
    assert (found.get("make"), found.get("model")) == ("GoPro", "HERO7 Black")


def test_a_compressed_movie_header_is_unpacked() -> None:
    moov = box(b"moov", mvhd(CREATED), trak())
    packed = box(
        b"cmov",
        box(b"dcom", b"zlib"),
        box(b"cmvd", struct.pack(">I", len(moov)), zlib.compress(moov)),
    )
    assert read(movie(packed)).get("width") == 640


def test_the_header_is_found_behind_media_of_a_64_bit_size() -> None:
    moov = box(b"moov", mvhd(CREATED), trak())
    data = (
        box(b"ftyp", b"qt  ", bytes(4))
        + struct.pack(">I4sQ", 1, b"mdat", 16 + 500)
        + bytes(500)
        + moov
    )
    assert read(data).get("height") == 480


def test_the_header_is_found_although_the_media_claims_more_than_the_file_has() -> None:
    data = (
        box(b"ftyp", b"qt  ", bytes(4))
        + struct.pack(">I4s", 1 << 30, b"mdat")
        + bytes(500)
        + box(b"moov", mvhd(CREATED), trak())
    )
    found = read(data)
    assert walls(found, "quicktime:CreateDate") == [SHOT]
    assert any("signature" in note for note in found.notes)


def test_a_cut_header_gives_what_it_still_holds() -> None:
    data = box(b"ftyp", b"qt  ", bytes(4)) + box(
        b"moov", mvhd(CREATED), trak(), trak(b"mp4a", handler=b"soun")
    )
    assert read(data[:-200]).get("width") == 640


def test_fragments_are_summed_where_the_header_has_no_duration() -> None:
    run = struct.pack(">II", 0x100, 2) + struct.pack(">II", 1500, 500)
    moof = box(b"moof", box(b"traf", box(b"tfhd", struct.pack(">II", 0, 1)), box(b"trun", run)))
    default = box(
        b"moof",
        box(
            b"traf", box(b"tfhd", struct.pack(">II", 0, 1)), box(b"trun", struct.pack(">II", 0, 3))
        ),
    )
    empty = trak().replace(
        struct.pack(">IIIIII", 0, 0, 0, 1000, 5000, 0), struct.pack(">IIIIII", 0, 0, 0, 1000, 0, 0)
    )
    mvex = box(b"mvex", box(b"trex", struct.pack(">IIIIII", 0, 1, 1, 1000, 0, 0)))
    assert read(movie(mvhd(0, 0), empty, mvex) + moof + default).get("duration") == pytest.approx(
        5.0
    )


def test_segment_indexes_are_summed_by_track_and_indexes_of_indexes_left_out() -> None:
    def sidx(number: int, *references: tuple[int, int]) -> bytes:
        body = b"".join(
            struct.pack(">III", kind << 31 | 100, ticks, 0) for kind, ticks in references
        )
        return box(
            b"sidx", struct.pack(">IIIIIHH", 0, number, 1000, 0, 0, 0, len(references)), body
        )

    empty = trak().replace(
        struct.pack(">IIIIII", 0, 0, 0, 1000, 5000, 0), struct.pack(">IIIIII", 0, 0, 0, 1000, 0, 0)
    )
    indexes = sidx(1, (1, 4000)) + sidx(1, (0, 2500), (0, 1500)) + sidx(2, (0, 3900))
    assert read(movie(mvhd(0, 0), empty) + indexes).get("duration") == pytest.approx(4.0)


def test_a_hostile_nest_of_boxes_ends() -> None:
    data = box(b"ftyp", b"qt  ", bytes(4)) + box(
        b"moov", box(b"udta", box(b"free") * (MAX_BOXES * 2)), trak()
    )
    assert read(data).get("width") is None


def test_a_box_of_two_to_the_sixty_bytes_is_cut_to_the_file() -> None:
    walk = Walk(MemorySource(struct.pack(">I4sQ", 1, b"free", 1 << 60) + bytes(20)))
    assert [b.end for b in walk.top()] == [36]


# --- AVI ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wall"),
    [
        ("MON JAN 05 12:34:56 2009", datetime(2009, 1, 5, 12, 34, 56)),
        ("Sun Aug  7 09:05:01 2005\n\0", datetime(2005, 8, 7, 9, 5, 1)),
        ("2009:01:05 12:34:56", datetime(2009, 1, 5, 12, 34, 56)),
        ("2005/08/17/ 11:42", datetime(2005, 8, 17, 11, 42)),
        ("2001/ 1/27  1:42PM", datetime(2001, 1, 27, 13, 42)),
        ("2001/ 1/27 12:10AM", datetime(2001, 1, 27, 0, 10)),
        ("2002-12-16  15:35:01\0\0", datetime(2002, 12, 16, 15, 35, 1)),
    ],
)
def test_every_known_form_of_a_riff_date_is_read(text: str, wall: datetime) -> None:
    assert riff_date(text) == (wall, True)


@pytest.mark.parametrize("text", ["", "0000/00/00/ 00:00", "MON XXX 05 12:34:56 2009", "Friday"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert riff_date(text) is None


def test_an_avi_gives_date_size_duration_codec_and_software() -> None:
    found = read(
        avi(
            chunk(b"IDIT", b"MON JAN 05 12:34:56 2009\n\0"),
            chunk_list(b"INFO", chunk(b"ISFT", b"CanonMVI02\0")),
        ),
        "a.avi",
    )
    assert walls(found, "riff:DateTimeOriginal") == [datetime(2009, 1, 5, 12, 34, 56)]
    assert (found.get("width"), found.get("height"), found.get("video_codec")) == (
        320,
        240,
        "mjpeg",
    )
    assert (found.get("duration"), found.get("frame_rate"), found.get("software")) == (
        5.0,
        10.0,
        "CanonMVI02",
    )


def test_a_date_behind_the_media_is_found() -> None:
    assert read(avi() + chunk(b"IDIT", b"2009:01:05 12:34:56"), "a.avi").dates


def test_a_bare_year_is_no_capture_date_and_a_bare_day_has_no_time() -> None:
    assert read(avi(chunk_list(b"INFO", chunk(b"ICRD", b"2004\0"))), "a.avi").dates == []
    found = read(avi(chunk_list(b"INFO", chunk(b"ICRD", b"2004-05-06\0"))), "a.avi")
    assert [(d.wall, d.precision) for d in found.dates] == [(datetime(2004, 5, 6), DAY)]


def test_the_stream_is_believed_where_the_file_header_counts_double() -> None:
    assert read(avi(frames=100), "a.avi").get("duration") == pytest.approx(5.0)


def test_opendml_counts_all_frames() -> None:
    data = avi(frames=50, stream_frames=50)
    at = data.index(b"LIST", 20) - 0
    odml = chunk_list(b"odml", chunk(b"dmlh", struct.pack("<I", 300)))
    assert read(data[:at] + odml + data[at:], "a.avi").get("duration") == pytest.approx(30.0)


@pytest.mark.parametrize("start", [b"OLYMDigital Camera", b"PENTDigital Camera"])
def test_junk_of_olympus_and_pentax_names_the_camera(start: bytes) -> None:
    junk = start.ljust(0x12, b"\0") + b"MAKER CORP".ljust(0x1A, b"\0") + b"X-1".ljust(200, b"\0")
    found = read(avi(chunk(b"JUNK", junk)), "a.avi")
    assert (found.get("make"), found.get("model")) == ("MAKER CORP", "X-1")


def test_nikon_records_in_avi_are_read() -> None:
    records = b"".join(
        struct.pack("<HH", tag, len(v)) + v
        for tag, v in ((3, b"NIKON\0"), (4, b"E5\0\0"), (0x13, b"2005:01:02 03:04:05\0"))
    )
    found = read(avi(chunk_list(b"ncdt", chunk(b"nctg", records))), "a.avi")
    assert (found.get("make"), found.get("model")) == ("NIKON", "E5")
    assert walls(found, "maker:DateTimeOriginal") == [datetime(2005, 1, 2, 3, 4, 5)]


@pytest.mark.parametrize("values_at", [58, 50])
def test_a_bare_directory_is_read_whatever_its_offsets_count_from(values_at: int) -> None:
    text = b"2005:01:02 03:04:05\0"
    ifd = (
        struct.pack("<H", 2)
        + struct.pack("<HHII", 0x0110, 2, 4, 0x333232)
        + struct.pack("<HHII", 0x9003, 2, 20, values_at)
        + bytes(4)
    )
    data = b"AVIF\0\0\0\0" + ifd.ljust(50, b"\0") + text
    found = read(avi(chunk_list(b"strl", chunk(b"strd", data))), "a.avi")
    assert found.get("model") == "223"
    assert walls(found, "exif:DateTimeOriginal") == [datetime(2005, 1, 2, 3, 4, 5)]


# --- Matroska, ASF --------------------------------------------------------------------------------


def matroska(*more: bytes, seek: bool = False) -> bytes:
    since_2001 = int((SHOT - datetime(2001, 1, 1)).total_seconds()) * 10**9
    info = element(
        0x1549A966,
        element(0x2AD7B1, (1_000_000).to_bytes(3, "big")),
        element(0x4489, struct.pack(">d", 4500.0)),
        element(0x4461, struct.pack(">q", since_2001)),
    )
    video = element(0xE0, element(0xB0, b"\x02\x80"), element(0xBA, b"\x01\xe0"))
    entry = element(
        0xAE,
        element(0x83, b"\1"),
        element(0x86, b"V_VP9"),
        element(0x23E383, (40_000_000).to_bytes(4, "big")),
        video,
    )
    tracks, cluster = element(0x1654AE6B, entry), element(0x1F43B675, bytes(50))
    body = info + tracks + b"".join(more)
    if seek:
        head_size = len(
            element(
                0x114D9B74,
                element(0x4DBB, element(0x53AB, bytes(4)), element(0x53AC, bytes(8))) * 2,
            )
        )
        first = head_size + len(cluster)
        seeks = [(0x1549A966, first), (0x1654AE6B, first + len(info))]
        head = element(
            0x114D9B74,
            *(
                element(
                    0x4DBB,
                    element(0x53AB, struct.pack(">I", k)),
                    element(0x53AC, struct.pack(">Q", p)),
                )
                for k, p in seeks
            ),
        )
        body = head + cluster + body
    return element(0x1A45DFA3, element(0x4282, b"matroska")) + element(
        0x18538067, body, b"" if seek else cluster
    )


@pytest.mark.parametrize("seek", [False, True])
def test_matroska_facts_are_read_also_behind_the_clusters(seek: bool) -> None:
    found = read(matroska(seek=seek), "a.mkv")
    assert [(d.wall, d.source, d.is_utc) for d in found.dates] == [(SHOT, "matroska:DateUTC", True)]
    assert (found.get("width"), found.get("height"), found.get("duration")) == (640, 480, 4.5)
    assert (found.get("video_codec"), found.get("frame_rate")) == ("vp9", 25.0)


def test_matroska_tags_give_place_and_recording_date() -> None:
    def tag(name: bytes, text: bytes) -> bytes:
        return element(0x7373, element(0x67C8, element(0x45A3, name), element(0x4487, text)))

    tags = element(
        0x1254C367,
        tag(b"LOCATION", b"+10.5+020.25/"),
        tag(b"DATE_RECORDED", b"2019-07-12 20:30:15+02:00"),
        tag(b"DATE_RECORDED", b"2018"),
    )
    found = read(matroska(tags), "a.mkv")
    assert found.position is not None and (found.position.lat, found.position.lon) == (10.5, 20.25)
    assert [(d.wall, d.offset_minutes) for d in found.dates if not d.is_utc] == [
        (datetime(2019, 7, 12, 20, 30, 15), 120)
    ]


def test_asf_facts_are_read_and_the_preroll_is_no_playing_time() -> None:
    ticks = int((SHOT - datetime(1601, 1, 1)) / timedelta(microseconds=1)) * 10
    found = read(asf(ticks, 80_000_000, 3000), "a.wmv")
    assert [(d.wall, d.source, d.is_utc) for d in found.dates] == [(SHOT, "asf:CreationDate", True)]
    assert (
        found.get("duration"),
        found.get("width"),
        found.get("height"),
        found.get("video_codec"),
    ) == (5.0, 352, 288, "wmv2")


# --- AVCHD, MPEG ----------------------------------------------------------------------------------

DATE_PACKS = {0x18: bytes.fromhex("02201007"), 0x19: bytes.fromhex("04123156")}


@pytest.mark.parametrize("step", [188, 192])
@pytest.mark.parametrize("shift", [0, 150, 175])
def test_the_avchd_record_is_found_also_where_packets_cut_it(step: int, shift: int) -> None:
    packs = DATE_PACKS | {0xE0: b"\x01\x08\0\0", 0xE4: b"HDR-", 0xE5: b"CX55", 0xE6: b"0\0\0\0"}
    found = read(transport_stream(b"\x55" * shift + mdpm(packs), step), "a.mts")
    assert [(d.source, d.wall, d.offset_minutes) for d in found.dates] == [
        ("avchd:DateTimeOriginal", datetime(2010, 7, 4, 12, 31, 56), 60)
    ]
    assert (found.get("make"), found.get("model")) == ("Sony", "HDR-CX550")


def test_the_avchd_position_is_read_and_a_void_one_is_not() -> None:
    def degrees(first: int, letter: bytes, d: int, m: int) -> dict[int, bytes]:
        return {
            first: letter + bytes(3),
            first + 1: struct.pack(">HH", d, 1),
            first + 2: struct.pack(">HH", m, 1),
            first + 3: struct.pack(">HH", 0, 1),
        }

    packs = DATE_PACKS | degrees(0xB1, b"N", 50, 30) | degrees(0xB5, b"W", 3, 15)
    found = read(transport_stream(mdpm(packs)), "a.mts")
    assert found.position is not None and (found.position.lat, found.position.lon) == (50.5, -3.25)
    assert read(transport_stream(mdpm(packs | {0xBE: b"V\0\0\0"})), "a.mts").position is None


@pytest.mark.parametrize(
    ("zone", "minutes"),
    [(0x02, 60), (0x44, 120), (0x2B, -330), (0x00, 0), (0xFF, None), (0x80, None)],
)
def test_the_avchd_zone_byte_is_understood(zone: int, minutes: int | None) -> None:
    assert zone_minutes(zone) == minutes


def test_an_impossible_avchd_date_is_none() -> None:
    assert (
        read(transport_stream(mdpm({0x18: b"\x02\xff\xff\xff", 0x19: b"\xff" * 4})), "a.mts").dates
        == []
    )


def test_an_mpeg_sequence_header_gives_size_and_rate() -> None:
    sequence = (
        b"\0\0\1\xba"
        + bytes(10)
        + b"\0\0\1\xb3"
        + bytes.fromhex("1400f0")
        + b"\x13"
        + bytes(4)
        + b"\0\0\1\0"
        + bytes(40)
    )
    found = read(sequence, "a.mpg")
    assert (found.get("width"), found.get("height"), found.get("frame_rate")) == (320, 240, 25.0)
    assert found.get("video_codec") == "mpeg1video"


# --- real clips, FFmpeg ---------------------------------------------------------------------------

REAL = [
    ("a.mov", "mjpeg", "mjpeg", {}),
    ("b.mp4", "libx264", "h264", {}),
    ("c.mkv", "mpeg4", "mpeg4", {}),
    ("d.avi", "mpeg4", "mpeg4", {}),
    ("e.mts", "libx264", "h264", {}),
    ("f.webm", "libvpx", "vp8", {}),
    ("g.flv", "flv", "flv1", {}),
    ("l.ogv", "libvpx", "vp8", {}),
    ("m.rm", "rv10", "rv10", {}),
    ("h.wmv", "wmv2", "wmv2", {}),
    ("i.avi", "mjpeg", "mjpeg", {}),
    ("j.mp4", "libx264", "h264", {"movflags": "frag_keyframe+empty_moov"}),
    ("k.mp4", "mpeg4", "mpeg4", {"movflags": "faststart"}),
]


@pytest.mark.parametrize(("name", "encoder", "codec", "options"), REAL, ids=[r[0] for r in REAL])
def test_a_clip_encoded_by_ffmpeg_is_described(
    tmp_path: Path, name: str, encoder: str, codec: str, options: dict[str, str]
) -> None:
    created = {} if name == "e.mts" else {"creation_time": "2019-07-12T18:30:15.000000Z"}
    formats = {"e.mts": "mpegts"}
    path = encode(
        tmp_path / name,
        encoder,
        options=options,
        metadata=created,
        container_format=formats.get(name),
    )
    found = read(path.read_bytes(), name, str(path))
    assert (found.get("width"), found.get("height"), found.get("video_codec")) == (320, 240, codec)
    assert found.get("duration") == pytest.approx(2.0, abs=0.11)
    assert found.get("frame_rate") == pytest.approx(12, rel=0.05) or found.get("frame_rate") is None
    if name[-3:] in ("mov", "mp4", "mkv", "ebm", "wmv"):
        assert [d.wall for d in found.dates] == [SHOT]
        assert found.dates[0].is_utc


@pytest.mark.parametrize("name", ["a.mp4", "b.mkv", "c.avi", "d.wmv"])
def test_the_own_reader_needs_no_decoder(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(tmp_path / name, "wmv2" if name.endswith("wmv") else "mpeg4")
    monkeypatch.setattr("catalog.media.clips.reader.probe", lambda *_: pytest.fail("asked FFmpeg"))
    assert read(path.read_bytes(), name, str(path)).get("duration")


def test_a_key_frame_that_is_not_black_is_chosen(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", "libx264", frames=60, black=20)
    image = frames.key_frame(str(path))
    assert image is not None
    assert image.size == (320, 240)
    red = image.getpixel((40, 120))
    assert isinstance(red, tuple) and red[0] > 150 > red[1]


def test_a_clip_that_is_black_throughout_still_gives_a_frame(tmp_path: Path) -> None:
    image = frames.key_frame(str(encode(tmp_path / "a.mp4", "libx264", frames=30, black=99)))
    assert image is not None and image.getextrema() == ((0, 0), (0, 0), (0, 0))


def test_a_clip_whose_coding_nobody_knows_has_no_key_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    path.write_bytes(movie(mvhd(seconds_1904(datetime(2019, 7, 12))), trak(b"wxyz")))
    assert frames.key_frame(str(path)) is None


def test_a_key_frame_is_turned_upright(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mov", "mjpeg")
    data = path.read_bytes()
    at = data.index(b"tkhd") + 44
    path.write_bytes(data[:at] + struct.pack(">9i", *TURN_90) + data[at + 36 :])
    found = read(path.read_bytes(), "a.mov", str(path))
    image = frames.key_frame(str(path))
    assert image is not None
    assert image.size == (found.get("width"), found.get("height")) == (240, 320)
    top, bottom = image.getpixel((120, 40)), image.getpixel((120, 280))
    assert isinstance(top, tuple) and isinstance(bottom, tuple)
    assert top[1] < 100 < bottom[1], "a clockwise quarter turn brings the left half to the top"


def test_no_frame_comes_from_what_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(box(b"ftyp", b"mp42") + bytes(100))
    assert frames.key_frame(str(path)) is None


def test_a_decoder_that_fails_leaves_a_note() -> None:
    found = Findings()
    read_clip(
        MemorySource(b"\0\0\1\xba" + bytes(50)), BY_NAME["mpg"], "/nonexistent/clip.mpg", found
    )
    assert any(note.startswith("ffmpeg") for note in found.notes)


# --- hostile bytes --------------------------------------------------------------------------------

ESDS = box(b"esds", bytes(4), b"\x03\x19\0\0\0\x04\x11\x6b")
USER_DATA = box(
    b"udta",
    text_box(b"\xa9xyz", "+1+2/"),
    box(b"PENT", bytes(300)),
    box(b"NCDT", box(b"NCTG", struct.pack(">IHH", 1, 2, 4) + b"abc\0")),
    box(b"QVMI", bytes(60)),
    box(b"loci", bytes(30)),
)
KEYS = keys_meta({"com.apple.quicktime.model": "X"})
OLYMPUS = b"OLYMDigital Camera" + bytes(90)
SEEDS = [
    (
        "mov",
        movie(mvhd(CREATED), trak(), trak(b"mp4a", handler=b"soun", tail=ESDS), KEYS, USER_DATA),
    ),
    (
        "avi",
        avi(
            chunk(b"IDIT", b"2009:01:05 12:34:56"),
            chunk(b"JUNK", b"QVMI" + bytes(40)),
            chunk(b"JUNK", OLYMPUS),
        ),
    ),
    ("mkv", matroska(seek=True)),
    ("wmv", asf(10**17, 10**8, 3000)),
    (
        "mts",
        transport_stream(
            mdpm(DATE_PACKS | {0xE0: b"\x01\x08\0\0", 0xB1: b"N\0\0\0", 0xB2: b"\0\1\0\0"})
        ),
    ),
    ("mpg", b"\0\0\1\xba" + bytes(10) + b"\0\0\1\xb3" + bytes(9) + b"\0\0\1\xb5\x14\x8a"),
]


@settings(max_examples=times(60))
@given(data=st.data())
def test_damaged_bytes_never_raise_nor_hang(data: st.DataObject) -> None:
    name, seed = data.draw(st.sampled_from(SEEDS))
    damaged = bytearray(seed[: data.draw(st.integers(0, len(seed)))])
    for at, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(seed)), st.integers(0, 255)), max_size=30)
    ):
        if at < len(damaged):
            damaged[at] = value
    source, found = MemorySource(bytes(damaged)), Findings()
    for reader in READERS[BY_NAME[name].family]:
        reader(source, found)


@settings(max_examples=times(60))
@given(family=st.sampled_from(sorted(READERS)), noise=st.binary(max_size=600))
def test_noise_never_raises(family: str, noise: bytes) -> None:
    for reader in READERS[family]:
        reader(MemorySource(noise), Findings())
