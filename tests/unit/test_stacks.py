"""Which files belong together: sidecars beside their assets, and one shot in several files."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from asset_makers import SUMMER, member, taken
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.asset import Entry
from catalog.domain.capture_time import OF_SHOT, ORDER, PRECISIONS, CaptureTime
from catalog.domain.shot_times import agree
from catalog.domain.stacks import (
    LIVE_MOVIE_SECONDS,
    Member,
    attach_sidecars,
    connect,
    group_shots,
    group_stacks,
    stem_key,
)
from catalog.media.findings import Findings
from catalog.media.sidecars import read_sidecar

LATER = taken(SUMMER + timedelta(minutes=5))


def attached(*names: str) -> dict[str, list[str]]:
    """Media name to the names of its sidecars; orphans under ""."""
    candidates, orphans = attach_sidecars([Entry(name, 5) for name in names])
    found = {c.entry.path: [s.path for s in c.sidecars] for c in candidates if c.sidecars}
    return found | ({"": [o.path for o in orphans]} if orphans else {})


def grouped(*members: Member) -> list[list[tuple[str, str]]]:
    return [[(m.entry.path, m.role) for m in stack] for stack in group_stacks(members)]


# --- sidecars -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media", "sidecar"),
    [
        ("IMG_0007.jpg", "IMG_0007.xmp"),
        ("IMG_0007.jpg", "IMG_0007.jpg.xmp"),
        ("IMG_0007.CR2", "img_0007.XMP"),
        ("IMG_0007.heic", "IMG_0007.AAE"),
        ("IMG_0007.heic", "IMG_O0007.aae"),
        ("MVI_0007.AVI", "MVI_0007.THM"),
        ("Zoe\u0308.jpg", "Zo\u00eb.xmp"),
        ("IMG_0007.jpg", "IMG_0007.jpg.json"),
        ("IMG_0007.JPG", "IMG_0007.jpg.json"),
        ("IMG_0007.jpg", "IMG_0007.jpg.supplemental-metadata.json"),
        ("IMG_0007.jpg", "IMG_0007.jpg.suppl.json"),
        ("IMG_0007.jpg", "IMG_0007.jpg.s.json"),
        ("IMG_0007.jpg", "IMG_0007.jpg..json"),
        ("IMG_0007(1).jpg", "IMG_0007.jpg(1).json"),
        ("IMG_0007(1).jpg", "IMG_0007(1).jpg.json"),
        ("IMG_0007(1).jpg", "IMG_0007.jpg.supplemental-metadata(1).json"),
        ("IMG_0007-edited.jpg", "IMG_0007.jpg.json"),
        ("IMG_0007-bearbeitet.jpg", "IMG_0007.jpg.supplemental-metadata.json"),
        ("IMG_0007-edited(1).jpg", "IMG_0007.jpg(1).json"),
        ("IMG_0007(1)-edited.jpg", "IMG_0007.jpg(1).json"),
        (
            "a very long name of a picture from the holidays 2019.jpg",
            "a very long name of a picture from the holiday.json",
        ),
        (
            "received_12345678901234567890123456789012.jpg",
            "received_12345678901234567890123456789012.jpg..json",
        ),
        ("scan", "scan.xmp"),
        ("scan", "scan.json"),
        ("IMG_0007.jpg", "IMG_0007.json"),
        ("Peanut Butter Balls.jpg", "Peanut Butter Balls.supplemental-metadata.json"),
        ("2013-scan(1).jpg", "2013-scan.supplemental-metadata(1).json"),
        ("IMG00-ha editado.jpg", "IMG00.jpg.supplemental-metadata.json"),
        ("IMG00-\u7de8\u96c6\u6e08\u307f.jpg", "IMG00.jpg.json"),
        ("IMG00-EFFECTS.jpg", "IMG00.jpg.json"),
        ("IMG_3.jpg", "IMG_3_01.jpg.xmp"),
        ("C0001.MP4", "C0001M01.XML"),
        ("C0001.MP4", "c0001m02.xml"),
        ("C0001.MP4", "C0001.XML"),
        ("2023-04-05 12-34-56_1.mp4", "2023-04-05 12-34-56_1M01.xml"),
        ("DJI_0001.MP4", "DJI_0001.SRT"),
        ("DJI_0001.MP4", "DJI_0001.MP4.srt"),
        ("A film.mkv", "A film.srt"),
        ("GOPR0001.LRV", "GOPR0001.THM"),
    ],
)
def test_a_sidecar_is_attached_to_its_asset(media: str, sidecar: str):
    assert attached(media, sidecar) == {media: [sidecar]}


@pytest.mark.parametrize(
    ("media", "sidecar"),
    [
        ("IMG_0007.jpg", "IMG_0008.xmp"),
        ("IMG_0007.jpg", "metadata.json"),
        ("IMG_0007.jpg", "IMG_0007.jpg(1).json"),
        ("IMG_0007(1).jpg", "IMG_0007.jpg.json"),
        ("IMG_0007(2).jpg", "IMG_0007.jpg(1).json"),
        ("IMG_0007.jpg", "IMG_0007.jpg.other.json"),
        ("IMG_0007.jpg", "IMG_0007.j.json"),
        ("IMG_00071.jpg", "IMG_0007.jpg.json"),
        ("IMG_0007.jpg", "IMG_0007.THM"),
    ],
)
def test_a_sidecar_of_nothing_is_left_over(media: str, sidecar: str):
    assert attached(media, sidecar) == {"": [sidecar]}


@pytest.mark.parametrize(
    "names",
    [("C0001.JPG", "C0001M01.XML"), ("C0001.MP4", "C0002M01.XML"), ("DJI_1.JPG", "DJI_1.SRT")],
)
def test_xml_and_subtitles_beside_no_film_are_files_as_any_other(names: tuple[str, str]):
    candidates, orphans = attach_sidecars([Entry(name, 5) for name in names])
    assert [(c.entry.path, c.sidecars) for c in candidates] == [(name, ()) for name in names]
    assert not orphans


def test_what_speaks_of_a_film_speaks_of_its_small_one_too_and_goes_with_the_film():
    entries = [Entry(f"DJI_1.{e}", 5) for e in ("LRF", "MP4", "SRT")]
    candidates, _orphans = attach_sidecars(entries)
    (shot,) = group_shots(candidates)
    assert [(c.entry.path, len(c.sidecars)) for c in shot] == [("DJI_1.MP4", 1), ("DJI_1.LRF", 1)]


def test_a_thumbnail_is_that_of_the_film_and_not_of_its_small_one():
    assert attached("GOPR1.LRV", "GOPR1.MP4", "GOPR1.THM") == {"GOPR1.MP4": ["GOPR1.THM"]}


def test_one_description_serves_the_original_and_the_edited_picture():
    found = attached("a.jpg", "a-edited.jpg", "a.jpg.json", "b.jpg")
    assert found == {"a.jpg": ["a.jpg.json"], "a-edited.jpg": ["a.jpg.json"]}


def test_numbered_descriptions_find_their_own_pictures():
    found = attached(
        "a.jpg", "a(1).jpg", "a(2).jpg", "a.jpg.json", "a.jpg(1).json", "a.jpg(2).json"
    )
    assert found == {
        "a.jpg": ["a.jpg.json"],
        "a(1).jpg": ["a.jpg(1).json"],
        "a(2).jpg": ["a.jpg(2).json"],
    }


def test_a_sidecar_with_the_full_name_is_only_that_files():
    assert attached("a.jpg", "a.cr2", "a.cr2.xmp") == {"a.cr2": ["a.cr2.xmp"]}


def test_a_sidecar_with_the_stem_is_every_files_of_that_stem():
    assert attached("a.jpg", "a.cr2", "a.xmp") == {"a.jpg": ["a.xmp"], "a.cr2": ["a.xmp"]}


def test_a_thumbnail_belongs_to_the_video_and_never_to_the_picture():
    assert attached("a.avi", "a.jpg", "a.thm") == {"a.avi": ["a.thm"]}


def test_a_sidecar_that_cannot_be_read_is_reported_like_any_other_file():
    candidates, orphans = attach_sidecars(
        [Entry("a.jpg", 5), Entry("a.xmp", 0, problem="a symbolic link")]
    )
    assert [c.entry.path for c in candidates] == ["a.jpg", "a.xmp"]
    assert orphans == [] and candidates[0].sidecars == ()


@given(
    st.lists(
        st.sampled_from(
            [
                "a.jpg",
                "a(1).jpg",
                "a-edited.jpg",
                "a.cr2",
                "a.mov",
                "a.xmp",
                "a.jpg.xmp",
                "a.jpg.json",
                "a.aae",
                "a.jpg(1).json",
                "b.json",
                "a.thm",
                "A.JPG",
            ]
        ),
        unique=True,
    )
)
def test_every_file_is_a_candidate_a_sidecar_or_an_orphan_and_none_is_lost(names: list[str]):
    candidates, orphans = attach_sidecars([Entry(name, 5) for name in names])
    seen = [c.entry.path for c in candidates] + [o.path for o in orphans]
    assert len(seen) == len(set(seen))
    used = {s.path for c in candidates for s in c.sidecars}
    assert set(seen) | used == set(names)
    assert not used & set(seen)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_names_can_be_sorted_into_media_and_sidecars(one: str, other: str):
    names = ["x" + n.replace("/", "") + end for n, end in ((one, ".jpg"), (other, ".json"))]
    candidates, orphans = attach_sidecars([Entry(name, 5) for name in names])
    assert len(candidates) == 1
    assert len(orphans) + len(candidates[0].sidecars) == 1


def test_a_large_export_is_matched_without_comparing_every_pair(monkeypatch: pytest.MonkeyPatch):
    import catalog.domain.stacks as stacks

    calls = 0
    real = stacks.extension_of

    def counted(name: str) -> str:
        nonlocal calls
        calls += 1
        return real(name)

    monkeypatch.setattr(stacks, "extension_of", counted)
    names = [f"IMG_{n:05d}.jpg" for n in range(500)]
    found = attached(*names, *(f"{n}.supplemental-metadata.json" for n in names))
    assert len(found) == 500 and "" not in found
    assert calls < 20 * 1000


def test_what_a_takeout_description_states_is_read():
    document = {
        "photoTakenTime": {"timestamp": "1562956215"},
        "geoData": {"latitude": 51.05, "longitude": 3.72, "altitude": 10},
        "description": "at the sea",
        "favorited": True,
    }
    findings = Findings()
    read_sidecar(json.dumps(document).encode(), "a.jpg.json", findings)
    assert [(d.source, d.wall, d.is_utc) for d in findings.dates] == [
        ("takeout:photoTakenTime", SUMMER, True)
    ]
    assert findings.position is not None and (
        findings.position.lat,
        findings.position.altitude,
    ) == (51.05, 10)
    assert (findings.get("description"), findings.get("favorite")) == ("at the sea", True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b'{"photoTakenTime": 3}',
        b'{"photoTakenTime": {"timestamp": "x"}}',
        b"\xff\xfe",
        b'{"photoTakenTime": {"timestamp": "99999999999999999999"}}',
        b'{"geoData": {"latitude": "north", "longitude": 3}}',
        b'{"geoData": 7}',
    ],
)
@pytest.mark.parametrize("name", ["a.jpg.json", "a.xmp", "a.thm", "a.aae"])
def test_a_sidecar_that_is_broken_leaves_a_note_and_no_crash(data: bytes, name: str):
    findings = Findings()
    read_sidecar(data, name, findings)
    assert findings.dates == [] and findings.position is None
    assert findings.notes or not name.endswith("json") or data in (b"",)


# --- stacks ---------------------------------------------------------------------------------------


def test_a_live_photo_is_a_stack_by_its_id_whatever_the_length():
    still = member("IMG_0007.heic", "a", "heic", values={"live_id": "X"})
    movie = member(
        "IMG_0007.mov", "b", "mov", values={"live_id": "X"}, duration=30.0, captured=LATER
    )
    assert grouped(still, movie) == [[("IMG_0007.heic", "still"), ("IMG_0007.mov", "live")]]
    assert grouped(movie, still) == [[("IMG_0007.heic", "still"), ("IMG_0007.mov", "live")]]


def test_a_live_photo_whose_names_differ_is_joined_by_its_id():
    still = member("a.heic", "a", "heic", values={"live_id": "X"})
    movie = member("b.mov", "b", "mov", values={"live_id": "X"})
    assert grouped(movie, still) == [[("a.heic", "still"), ("b.mov", "live")]]


def test_two_stills_with_one_id_share_no_movie():
    members = [member(f"{n}.heic", n, "heic", values={"live_id": "X"}) for n in "ab"]
    movie = member("m.mov", "m", "mov", values={"live_id": "X"})
    assert sorted(map(len, grouped(*members, movie))) == [1, 2]


def test_a_short_movie_of_the_same_name_is_the_live_part_of_its_still():
    movie = member("IMG_0007.mov", "b", "mov", duration=LIVE_MOVIE_SECONDS)
    assert grouped(member("IMG_0007.jpg", "a"), movie) == [
        [("IMG_0007.jpg", "still"), ("IMG_0007.mov", "live")]
    ]


def at(delta: timedelta, offset: int | None = None, zone: str | None = None) -> CaptureTime:
    return replace(
        taken(SUMMER + delta), source="quicktime:CreateDate", offset_minutes=offset, zone=zone
    )


@pytest.mark.parametrize(
    ("delta", "is_live"),
    [
        (timedelta(seconds=2), True),
        (timedelta(hours=-2, seconds=1), True),
        (timedelta(hours=5, minutes=30), True),
        (timedelta(seconds=60), False),
        (timedelta(hours=3, minutes=4), False),
        (timedelta(days=600), False),
    ],
)
def test_a_short_movie_without_an_id_must_be_of_the_moment_of_its_still(
    delta: timedelta, is_live: bool
):
    movie = member("DSC0001.mp4", "movie", "mp4", duration=2.0, captured=at(delta))
    assert (len(grouped(member("DSC0001.jpg", "still"), movie)) == 1) == is_live


def test_instants_decide_where_both_are_known():
    still = member("a.jpg", "still", captured=replace(taken(SUMMER), offset_minutes=120))
    for hours, is_live in ((-2, True), (0, False)):
        movie = member(
            "a.mov", "movie", "mov", duration=2.0, captured=at(timedelta(hours=hours), 0)
        )
        assert (len(grouped(still, movie)) == 1) == is_live


def test_a_movie_of_unknown_length_is_no_live_part():
    assert (
        len(grouped(member("a.jpg", "still"), member("a.mov", "movie", "mov", duration=None))) == 2
    )


def test_a_description_whose_name_is_cut_short_belongs_to_the_one_file_that_begins_so():
    stem = "A" * 46
    assert attached(f"{stem}1.jpg", f"{stem}.json") == {f"{stem}1.jpg": [f"{stem}.json"]}
    assert attached(f"{stem}1.jpg", f"{stem}2.jpg", f"{stem}.json") == {"": [f"{stem}.json"]}


def test_shots_are_joined_by_their_stem_and_by_shared_sidecars():
    entries = [
        Entry(n)
        for n in (
            "b.jpg",
            "IMG_1-edited.png",
            "a.cr2",
            "IMG_1.png",
            "A.jpg",
            "IMG_1.png.json",
            "b.xmp",
        )
    ]
    found = [[c.entry.path for c in shot] for shot in group_shots(attach_sidecars(entries)[0])]
    assert found == [["A.jpg", "a.cr2"], ["b.jpg"], ["IMG_1.png", "IMG_1-edited.png"]]


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3), max_size=8))
def test_connected_names_are_those_that_a_path_of_groups_joins(groups: list[list[str]]):
    found = connect(groups)
    assert set(found) == {name for group in groups for name in group}
    assert all(len({found[name] for name in group}) == 1 for group in groups)
    assert all(found[leader] == leader for leader in found.values())
    reached = {name: {name} for name in found}
    for _ in found:
        for one in groups:
            everyone = set().union(*(reached[name] for name in one))
            for name in everyone:
                reached[name] = reached[name] | everyone
    assert all(min(reached[name]) == leader for name, leader in found.items())


@pytest.mark.parametrize(
    "movie",
    [
        member("IMG_0007.mov", "b", "mov", duration=LIVE_MOVIE_SECONDS + 1),
        member("IMG_0007.mov", "b", "mov", duration=2.0, values={"live_id": "Y"}),
        member("IMG_0007.avi", "b", "avi", duration=2.0),
        member("IMG_0008.mov", "b", "mov", duration=2.0),
    ],
    ids=["long", "another id", "not QuickTime", "another name"],
)
def test_a_movie_that_is_no_part_of_the_still_stays_alone(movie: Member):
    still = member("IMG_0007.jpg", "a", values={"live_id": "X"} if movie.asset.facts.values else {})
    assert grouped(still, movie) == [[("IMG_0007.jpg", "")], [(movie.entry.path, "")]]


def test_raw_and_jpeg_of_one_shot_are_a_stack_with_the_jpeg_first():
    stack = grouped(member("IMG_0007.CR2", "a", "cr2"), member("IMG_0007.JPG", "b"))
    assert stack == [[("IMG_0007.JPG", "jpeg"), ("IMG_0007.CR2", "raw")]]


def test_raw_jpeg_and_live_movie_are_one_stack():
    members = [
        member("a.dng", "a", "dng"),
        member("a.mov", "b", "mov", duration=2.0),
        member("a.heic", "c", "heic"),
    ]
    assert grouped(*members) == [[("a.heic", "jpeg"), ("a.dng", "raw"), ("a.mov", "live")]]


def test_a_counter_that_started_again_joins_no_strangers():
    raw = member("IMG_0007.CR2", "a", "cr2", captured=taken(datetime(2018, 1, 2, 3, 4, 5)))
    assert grouped(member("IMG_0007.JPG", "b"), raw) == [
        [("IMG_0007.JPG", "")],
        [("IMG_0007.CR2", "")],
    ]


def test_two_seconds_apart_is_still_one_shot():
    for seconds, count in ((2, 1), (3, 2)):
        raw = member("a.nef", "a", "nef", captured=taken(SUMMER + timedelta(seconds=seconds)))
        assert len(grouped(member("a.jpg", "b"), raw)) == count


def test_names_that_differ_only_in_case_are_two_shots_of_one_extension():
    assert grouped(member("a.jpg", "a"), member("A.JPG", "b")) == [[("a.jpg", "")], [("A.JPG", "")]]


def test_two_movies_of_one_name_are_two_shots():
    assert grouped(member("a.mov", "a", "mov"), member("a.mp4", "b", "mp4")) == [
        [("a.mov", "")],
        [("a.mp4", "")],
    ]


def test_the_stem_ignores_case_unicode_form_and_extension():
    assert stem_key(Entry("x/Zoe\u0308.JPG")) == stem_key(Entry("y/zo\u00eb.cr2"))
    assert stem_key(Entry("a.b.jpg")) != stem_key(Entry("a.jpg"))


SHOTS = st.builds(
    lambda name, filetype, live, seconds: member(
        f"{name}.{filetype}",
        f"{name}{filetype}",
        filetype,
        values={"live_id": live} if live else {},
        duration=seconds,
        captured=taken(SUMMER + timedelta(seconds=seconds)),
    ),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["jpeg", "heic", "cr2", "mov", "mp4", "png", "dng"]),
    st.sampled_from(["", "", "X", "Y"]),
    st.sampled_from([0.0, 1.0, 4.0, 60.0]),
)


@given(st.lists(SHOTS, max_size=12, unique_by=lambda m: m.entry.path))
def test_every_file_is_in_exactly_one_stack(members: list[Member]):
    stacks = group_stacks(members)
    assert sorted(m.entry.path for s in stacks for m in s) == sorted(m.entry.path for m in members)
    for stack in stacks:
        assert all(bool(m.role) is (len(stack) > 1) for m in stack)
        assert sum(m.role == "live" for m in stack) <= 1
        assert stack[0].asset.facts.kind == "image" or len(stack) == 1


def test_a_photo_that_is_called_as_a_version_has_its_own_sidecar():
    found = attached("IMG_3.jpg", "IMG_3_01.jpg", "IMG_3_01.jpg.xmp")
    assert found == {"IMG_3_01.jpg": ["IMG_3_01.jpg.xmp"]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PXL_20231215_101112000.RAW-01.COVER.jpg", "PXL_20231215_101112000.RAW-02.ORIGINAL.dng"),
        (
            "PXL_20231215_101112000.RAW-01.MP.COVER.jpg",
            "PXL_20231215_101112000.RAW-02.ORIGINAL.dng",
        ),
        ("PXL_20231215_101112000.MP.jpg", "PXL_20231215_101112000.MP"),
    ],
)
def test_the_files_of_a_pixels_shot_have_one_stem(one: str, other: str):
    assert stem_key(Entry(one)) == stem_key(Entry(other)) == "pxl_20231215_101112000"


@pytest.mark.parametrize("source", ["mtime", "folder", "exif:DateTimeOriginal"])
def test_a_stranger_of_the_same_name_is_no_part_of_a_shot(source: str):
    weak = replace(taken(source=source), confidence="low")
    members = [member("IMG_8447.jpg", captured=taken()), member("IMG_8447.png", captured=weak)]
    assert [len(stack) for stack in group_stacks(members)] == [1, 1]


# --- one capture time -----------------------------------------------------------------------------


def carried(*members: Member) -> dict[str, tuple[datetime, str]]:
    (stack,) = group_stacks(members)
    return {
        m.entry.path: (m.asset.captured.wall, m.asset.captured.source)
        for m in stack
        if m.asset.captured is not None
    }


def test_the_files_of_a_shot_carry_the_time_of_the_surest_of_them():
    weak = CaptureTime(SUMMER + timedelta(days=3), "mtime", "low")
    still = member("a.heic", "one", "heic", captured=weak, values={"live_id": "x"})
    utc = CaptureTime(SUMMER, "quicktime:CreateDate", "medium", 0, "UTC")
    movie = member("a.mov", "two", "mov", captured=utc, values={"live_id": "x"})
    assert carried(still, movie) == {
        "a.heic": (SUMMER, "shot:quicktime:CreateDate"),
        "a.mov": (SUMMER, "quicktime:CreateDate"),
    }


def test_one_that_says_the_same_keeps_its_own_statement_and_an_offset_that_only_it_knows():
    known = replace(taken(), offset_minutes=120)
    for first, second in ((taken(), known), (known, taken())):
        stack = (
            member("a.jpg", "one", captured=first),
            member("a.dng", "two", "dng", captured=second),
        )
        (found,) = group_stacks(stack)
        sources = [m.asset.captured and m.asset.captured.source for m in found]
        assert sources.count("exif:DateTimeOriginal") == 1 + (second is known)
        assert found[1].asset.captured is not None
        assert found[1].asset.captured.offset_minutes == 120


@given(
    st.lists(
        st.none()
        | st.builds(
            CaptureTime,
            st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)),
            st.sampled_from(ORDER),
            st.sampled_from(["high", "medium", "low"]),
            st.none() | st.just(120),
            st.none(),
            st.sampled_from(PRECISIONS),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_times_of_a_shot_agree_and_settling_them_twice_changes_nothing(
    own: list[CaptureTime | None],
):
    found = agree(own)
    assert len({(t.wall.replace(microsecond=0), t.precision) for t in found if t}) <= 1
    assert (None in found) == (not any(own))
    of_its_own = [t if t and not t.source.startswith(OF_SHOT) else None for t in found]
    assert agree(of_its_own) == found
