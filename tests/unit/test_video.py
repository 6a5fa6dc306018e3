"""What is fit for a cloud, what is said in a converted file, and how a bad one is known:
rules alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catalog.domain.asset import Facts
from catalog.domain.capture_time import CaptureTime
from catalog.domain.geo import Position
from catalog.domain.video import (
    HLG,
    Clip,
    ConversionNeeds,
    Pictures,
    Sound,
    losses,
    needs,
    problem_of,
    target_depth,
)
from catalog.features.reingest.videos.checks import (
    date_difference,
    difference,
    statement_difference,
)
from catalog.media.video.conversion import (
    Conversion,
    arguments,
    dates,
    filters,
    instant_of,
    position_text,
    texts,
)

FIT = Pictures(0, "hevc", "hvc1", 1920, 1080, rate=25.0, frames=250, end=10.0)
OLD = replace(FIT, codec="h264", tag="avc1")
AAC = Sound(1, "aac", 2, "stereo", 48_000, end=10.0, packets=470)
SUMMER = CaptureTime(datetime(2019, 7, 12, 18, 30, 15), "quicktime:creationdate", "high", 120)


def clip(pictures: Pictures = FIT, *sounds: Sound, kind: str = "mov", **more: object) -> Clip:
    return Clip(kind, pictures, sounds, 10.0, **more)  # type: ignore[arg-type]


def facts(**values: object) -> Facts:
    return Facts("0" * 64, 1, "mov", "video", "video/quicktime", values=values)


@pytest.mark.parametrize(
    ("made_of", "reason"),
    [
        (clip(FIT, AAC), ""),
        (clip(FIT), ""),
        (clip(FIT, AAC, kind="mp4"), ""),
        (clip(FIT, AAC, covers=1, others=("data",)), ""),
        (clip(FIT, AAC, Sound(2, "unknown", 0, known=False)), ""),
        (clip(replace(FIT, tag="hev1"), AAC, kind="mp4"), "container"),
        (clip(replace(FIT, tag=""), AAC, kind="mkv"), "container"),
        (clip(OLD, AAC), "video codec"),
        (clip(FIT, replace(AAC, codec="pcm_s16le")), "audio codec"),
        (clip(OLD, replace(AAC, codec="mp3"), kind="avi"), "video codec+audio codec+container"),
    ],
)
def test_only_pictures_and_the_sound_that_is_heard_decide(made_of: Clip, reason: str):
    assert needs(made_of).reason == reason
    assert bool(needs(made_of)) == bool(reason)


def test_what_cannot_be_converted_is_known_before():
    assert problem_of(Clip("mov", None)) == "it has no video stream that can be decoded"
    assert "sound (unknown)" in problem_of(clip(OLD, Sound(1, "unknown", 0, known=False)))
    assert problem_of(clip(OLD, AAC, Sound(2, "unknown", 0, known=False))) == ""


def test_eight_bits_stay_eight_and_more_become_ten():
    assert [target_depth(replace(OLD, depth=depth)) for depth in (8, 10, 12)] == [8, 10, 10]


def test_what_is_lost_is_told():
    made_of = clip(
        replace(OLD, interlaced=True, dolby_vision=True, width=97),
        AAC,
        covers=1,
        others=("data", "chapters"),
    )
    told = "; ".join(losses(made_of, ConversionNeeds(video=True)))
    for word in ("data track", "cover picture", "Dolby Vision", "deinterlaced", "odd size"):
        assert word in told
    assert losses(clip(FIT, AAC), ConversionNeeds(container=True)) == []


# --- what ffmpeg is told --------------------------------------------------------------------------


def words(made_of: Clip, wanted: ConversionNeeds) -> str:
    return " ".join(arguments(Conversion("/in", "/out", made_of, wanted)))


def test_what_is_fit_is_taken_over_and_not_encoded_again():
    told = words(clip(replace(FIT, tag="hev1"), AAC), ConversionNeeds(container=True))
    assert "-c:v copy" in told and "-c:a:0 copy" in told and "-tag:v hvc1" in told
    assert "libx265" not in told


def test_each_sound_keeps_its_channels_and_is_copied_if_it_is_aac():
    told = words(
        clip(OLD, AAC, Sound(2, "ac3", 6, "5.1", language="fra")), ConversionNeeds(video=True)
    )
    assert "-map 0:0 -map 0:1 -map 0:2" in told
    assert "-c:a:0 copy -c:a:1 aac -b:a:1 448k" in told
    assert "-metadata:s:a:1 language=fra" in told
    assert "-ac" not in told.split()


def test_an_odd_size_is_filled_up_interlaced_pictures_become_whole_and_depth_is_kept():
    assert filters(replace(OLD, width=97, height=65)) == [
        "format=yuv420p",
        "pad=w=98:h=66:x=0:y=0",
        "fillborders=right=1:bottom=1:mode=smear",
    ]
    assert filters(replace(OLD, interlaced=True))[0].startswith("bwdif=mode=send_frame")
    hdr = filters(replace(OLD, depth=10, primaries=9, transfer=HLG, matrix=9, levels=1))
    assert hdr == [
        "setparams=color_primaries=9:color_trc=18:colorspace=9:range=1",
        "format=yuv420p10le",
    ]
    assert "scale=out_color_matrix=bt709:out_range=tv" in filters(
        replace(OLD, pixels="rgb24", matrix=0)
    )


def test_a_path_is_never_an_option_or_a_protocol():
    told = arguments(Conversion("-x", "concat:a", clip(OLD), ConversionNeeds(video=True)))
    assert told[told.index("-i") + 1] == "file:-x" and told[-1] == "file:concat:a"


# --- what the file says ---------------------------------------------------------------------------


def test_the_date_is_written_as_utc_and_as_the_wall_clock_with_its_offset():
    assert dates(SUMMER, 0) == {
        "creation_time": "2019-07-12T16:30:15Z",
        "com.apple.quicktime.creationdate": "2019-07-12T18:30:15+0200",
    }
    assert instant_of(SUMMER, 0) == datetime(2019, 7, 12, 16, 30, 15, tzinfo=UTC)


def test_a_wall_clock_of_unknown_offset_is_that_of_home_and_utc_alone_stays_so():
    unknown = replace(SUMMER, offset_minutes=None)
    assert dates(unknown, 60)["com.apple.quicktime.creationdate"] == "2019-07-12T18:30:15+0100"
    assert dates(replace(SUMMER, offset_minutes=0, zone="UTC"), 60) == {
        "creation_time": "2019-07-12T18:30:15Z"
    }
    west = dates(replace(SUMMER, offset_minutes=-150), 0)
    assert west["com.apple.quicktime.creationdate"].endswith("-0230")


def test_all_texts_come_along_under_apples_names_and_none_of_the_making():
    source = clip(
        OLD,
        metadata={
            "major_brand": "isom",
            "encoder": "Lavf",
            "creation_time": "x",
            "make": "old",
            "com.example.note": "n",
            "location-eng": "+1+2/",
            "bad=key": "x",
            "artist": "me\0",
            "com.apple.quicktime.software": "1.0",
        },
    )
    stated = replace(facts(make="Canon", live_id="A-B"), position=Position(51.05, -3.72, 12.5, "x"))
    assert texts(source, stated, SUMMER, 0) == {
        "com.example.note": "n",
        "artist": "me",
        "com.apple.quicktime.software": "1.0",
        "com.apple.quicktime.make": "Canon",
        "com.apple.quicktime.content.identifier": "A-B",
        "com.apple.quicktime.location.ISO6709": "+51.050000-003.720000+012.500/",
        **dates(SUMMER, 0),
    }
    assert position_text(Position(-1.5, 170.25, None, "x")) == "-01.500000+170.250000/"


# --- how a bad one is known -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"codec": "h264"}, "its pictures are h264"),
        ({"tag": "hev1"}, "its pictures are hevc (hev1)"),
        ({"width": 960}, "960x1080"),
        ({"rotation": 90}, "turned by 90"),
        ({"aspect": (4, 3)}, "4:3"),
        ({"depth": 10}, "10 bits"),
        ({"end": 9.9}, "last 9.900 s"),
        ({"frames": 240}, "240 frames"),
    ],
)
def test_every_change_of_the_pictures_is_told(change: dict[str, object], told: str):
    wanted = ConversionNeeds(video=True)
    assert difference(clip(OLD, AAC), clip(FIT, AAC), wanted) == ""
    assert told in difference(clip(OLD, AAC), clip(replace(FIT, **change), AAC), wanted)  # type: ignore[arg-type]


def test_a_frame_of_difference_is_allowed_and_two_are_not():
    wanted = ConversionNeeds(video=True)
    assert difference(clip(OLD), clip(replace(FIT, end=10.04, frames=251)), wanted) == ""
    assert "last" in difference(clip(OLD), clip(replace(FIT, end=10.08, frames=252)), wanted)


def test_lost_colours_are_told_and_colours_that_nobody_stated_are_not():
    hdr = replace(OLD, depth=10, primaries=9, transfer=16, mastering=True)
    good = replace(FIT, depth=10, primaries=9, transfer=16, mastering=True)
    assert difference(clip(hdr), clip(good), ConversionNeeds(video=True)) == ""
    assert "transfer are 1" in difference(
        clip(hdr), clip(replace(good, transfer=1)), ConversionNeeds(video=True)
    )
    assert "HDR" in difference(
        clip(hdr), clip(replace(good, mastering=False)), ConversionNeeds(video=True)
    )
    assert (
        difference(
            clip(OLD), clip(replace(FIT, primaries=1, transfer=1)), ConversionNeeds(video=True)
        )
        == ""
    )


@pytest.mark.parametrize(
    ("sounds", "told"),
    [
        ((), "0 sounds and not 1"),
        ((replace(AAC, codec="mp3"),), "its sound is mp3"),
        ((replace(AAC, channels=1),), "1 channels and not 2"),
        ((replace(AAC, end=9.8),), "lasts 9.800 s"),
        ((replace(AAC, start=0.2, end=10.2),), "+200 ms away"),
    ],
)
def test_every_change_of_the_sound_is_told(sounds: tuple[Sound, ...], told: str):
    assert told in difference(clip(OLD, AAC), clip(FIT, *sounds), ConversionNeeds(video=True))


def test_sound_is_compared_from_where_it_is_heard_not_from_where_its_packets_begin():
    primed = replace(AAC, codec="wmav2", start=0.0, first=0.092)
    made = replace(AAC, start=0.069, end=10.03, first=0.092)
    assert (
        difference(clip(OLD, primed), clip(FIT, made), ConversionNeeds(video=True, audio=True))
        == ""
    )
    late = replace(made, first=0.292)
    assert "+200 ms away" in difference(
        clip(OLD, primed), clip(FIT, late), ConversionNeeds(video=True, audio=True)
    )


def test_date_place_and_device_must_be_those_of_the_source():
    stated = replace(facts(make="Apple", model="iPhone"), position=Position(51.05, 3.72, None, "x"))
    assert statement_difference(stated, stated, SUMMER, SUMMER) == ""
    assert "position" in statement_difference(
        stated, replace(stated, position=None), SUMMER, SUMMER
    )
    assert "model" in statement_difference(
        stated, replace(stated, values={"make": "Apple"}), SUMMER, SUMMER
    )
    assert date_difference(SUMMER, None) == "its date is missing"
    assert (
        date_difference(
            SUMMER, replace(SUMMER, wall=datetime(2019, 7, 12, 16, 30, 15), offset_minutes=0)
        )
        == ""
    )
    assert "2019-07-12T19:30:15" in date_difference(
        SUMMER, replace(SUMMER, wall=datetime(2019, 7, 12, 19, 30, 15))
    )
    assert "18:30:16" in date_difference(
        replace(SUMMER, offset_minutes=None),
        replace(SUMMER, wall=datetime(2019, 7, 12, 18, 30, 16)),
    )
