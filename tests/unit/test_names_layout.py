"""Names that every store takes, a text form that loses nothing,
and where an asset lies in the catalog.
"""

from __future__ import annotations

import locale
import os
import subprocess
import unicodedata
from collections.abc import Iterator
from datetime import datetime

import pytest
from asset_makers import asset, taken
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.domain.layout import (
    FIELDS,
    MONTHS,
    Layout,
    file_name,
    folder_of,
    sidecar_names,
    stem_of,
    unknown_fields,
)
from catalog.domain.names import (
    MAX_NAME_BYTES,
    comparison_key,
    from_text,
    portable,
    shorten,
    to_text,
)
from catalog.domain.place import Place

LAYOUT = Layout()
NAMES = st.text(max_size=300).filter(lambda t: "/" not in t)


def whole_path(shot, original: str, layout: Layout = LAYOUT) -> str:
    return f"{folder_of(layout, shot)}/{file_name(stem_of(layout, shot, original), original)}"


# --- portable names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("holiday", "holiday"),
        ("con", "_con"),
        ("CON.jpg", "_CON.jpg"),
        ("aux", "_aux"),
        ("Lpt1", "_Lpt1"),
        ("com¹.txt", "_com¹.txt"),
        ("console", "console"),
        ("COM10", "COM10"),
        ("name.", "name"),
        ("name. . ", "name"),
        ("  name", "name"),
        ("a\tb\nc\x00d\x7fe", "a-b-c-d-e"),
        ('<>:"/\\|?*', "---------"),
        ("", "_"),
        (".", "_"),
        ("..", "_"),
        ("   ", "_"),
        ("con.", "_con"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("party 🎉👩\u200d👩\u200d👧", "party 🎉👩\u200d👩\u200d👧"),
        ("a\u00a0 \u2003b", "a b"),
        ("broken\udcff", "broken-"),
    ],
)
def test_names_lose_only_what_some_store_refuses(name: str, clean: str):
    assert portable(name) == clean


@given(NAMES)
@example("con .")
@example(". con")
def test_a_portable_name_is_accepted_by_every_store_and_stays_as_it_is(name: str):
    clean = portable(name)
    assert clean
    assert not set(clean) & set('<>:"/\\|?*') and all(ord(c) >= 32 for c in clean)
    assert clean == clean.strip(" ") and not clean.endswith(".")
    assert clean.partition(".")[0].lower() not in {
        "con",
        "prn",
        "aux",
        "nul",
        *(f"com{i}" for i in range(10)),
    }
    assert unicodedata.is_normalized("NFC", clean)
    assert portable(clean) == clean
    clean.encode()


@given(st.text(max_size=400), st.sampled_from(["", "jpg", "_12.jpeg"]))
def test_a_shortened_stem_fits_and_is_a_beginning_of_the_whole(stem: str, extension: str):
    stem = portable(stem)
    cut = shorten(stem, extension)
    assert stem.startswith(cut)
    assert len(f"{cut}.{extension}".encode()) <= MAX_NAME_BYTES


def test_a_name_of_255_bytes_is_cut_between_characters():
    original = "ü" * 125 + "x.jpg"
    assert len(original.encode()) == 255
    name = file_name(stem_of(LAYOUT, asset(undated=True), original), original, 3)
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name.rstrip("3_.jpg").strip("ü") == ""
    assert name.endswith("ü_3.jpg")


@pytest.mark.parametrize(
    "original", ["x." + "e" * 253, "x." + "🎉" * 63, "IMG 1. " + "then we went on " * 15]
)
def test_what_stands_behind_the_last_dot_may_be_as_long_as_a_name(original: str):
    name = file_name("2019-07-12 18-30-15", original, 7)
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name.startswith("2019-07-12 18-30-15_7.")


@given(NAMES, NAMES, st.integers(0, 9999))
def test_every_file_name_is_portable_and_short_enough(stem: str, original: str, number: int):
    name = file_name(portable(stem), original, number)
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert "/" not in name and name not in (".", "..")


@pytest.mark.parametrize(
    ("one", "other"), [("Zoë.jpg", "Zoe\u0308.JPG"), ("straße", "STRASSE"), ("İ", "i̇")]
)
def test_names_that_some_store_holds_for_one_have_one_key(one: str, other: str):
    assert comparison_key(one) == comparison_key(other)


def test_different_names_have_different_keys():
    assert comparison_key("Zoe.jpg") != comparison_key("Zoë.jpg")


# --- text form ------------------------------------------------------------------------------------


@given(st.binary(max_size=60).filter(lambda b: b"\0" not in b))
@example(b"\\xff")
@example(b"\xff\\")
@example(b"\\\\x80")
@example("e\u0301\\x41".encode())
def test_any_bytes_survive_the_text_form(raw: bytes):
    system = os.fsdecode(raw)
    text = to_text(system)
    text.encode()  # can be printed and stored
    assert from_text(text) == system
    assert os.fsencode(from_text(text)) == raw


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
@example(r"C:\x41\photos")
def test_any_text_can_be_asked_for_as_a_system_path(text: str):
    os.fsencode(from_text(text))


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_different_bytes_have_different_texts(one: bytes, other: bytes):
    assert (to_text(os.fsdecode(one)) == to_text(os.fsdecode(other))) is (one == other)


def test_plain_names_are_their_own_text():
    assert to_text("2019/07_July/a b.jpg") == "2019/07_July/a b.jpg"
    assert to_text("Zoë 🎉.jpg") == "Zoë 🎉.jpg"
    assert to_text("a\udcffb") == r"a\xffb"


# --- layout ---------------------------------------------------------------------------------------


def test_a_photo_lies_in_its_month_under_its_wall_clock_and_place():
    assert (
        whole_path(asset(city="Ghent"), "IMG_0007.JPG")
        == "2019/07_July/2019-07-12 18-30-15 Ghent.jpg"
    )


def test_without_a_place_there_is_no_stray_space():
    assert whole_path(asset(), "IMG_0007.JPG") == "2019/07_July/2019-07-12 18-30-15.jpg"


def test_the_owners_own_name_for_a_place_wins_over_the_city():
    garden = Place("Belgium", "BE", None, "Ghent", "known", name="Grandma's garden")
    assert whole_path(asset(place=garden), "a.jpg").endswith("18-30-15 Grandma's garden.jpg")


def test_videos_lie_one_folder_deeper():
    assert (
        whole_path(asset(filetype="mov"), "IMG_0007.MOV")
        == "2019/07_July/filmchen/2019-07-12 18-30-15.mov"
    )


def test_what_only_a_messengers_name_dates_lies_under_whatsapp():
    day = taken(datetime(2020, 1, 1), "filename", has_time=False)
    shot = asset(captured=day, messenger=True)
    assert (
        whole_path(shot, "IMG-20200101-WA0001.jpg")
        == "2020/01_January/Whatsapp/2020-01-01 @ IMG-20200101-WA0001.jpg"
    )
    film = asset(filetype="mp4", captured=day, messenger=True)
    assert folder_of(LAYOUT, film) == "2020/01_January/Whatsapp/filmchen"


def test_a_messengers_file_that_states_its_own_date_lies_with_the_others():
    assert folder_of(LAYOUT, asset(messenger=True)) == "2019/07_July"


@pytest.mark.parametrize("source", ["mtime", "exif:DateTime"])
def test_a_weak_time_keeps_the_old_name(source: str):
    shot = asset(captured=taken(source=source))
    assert whole_path(shot, "IMG_0007.JPG") == "2019/07_July/2019-07-12 18-30-15 @ IMG_0007.jpg"


def test_a_date_without_a_time_keeps_the_old_name():
    shot = asset(captured=taken(datetime(2019, 7, 1), "folder", has_time=False))
    assert whole_path(shot, "grandma.png") == "2019/07_July/2019-07-01 @ grandma.png"


def test_without_any_date_the_name_stays():
    assert whole_path(asset(undated=True), "IMG_0007.JPG") == "undated/IMG_0007.jpg"
    assert (
        whole_path(asset(filetype="mov", undated=True), "clip.MOV") == "undated/filmchen/clip.mov"
    )


def test_the_movie_of_a_live_photo_can_lie_beside_its_still():
    beside = Layout(live_video_beside_still=True)
    assert folder_of(beside, asset(filetype="mov"), live_video=True) == "2019/07_July"
    assert folder_of(beside, asset(filetype="mov")) == "2019/07_July/filmchen"
    assert folder_of(LAYOUT, asset(filetype="mov"), live_video=True) == "2019/07_July/filmchen"


@pytest.fixture
def installed_locales() -> Iterator[list[str]]:
    before = locale.setlocale(locale.LC_ALL)
    listed = subprocess.run(
        ["locale", "-a"], capture_output=True, text=True, check=False
    ).stdout.split()
    yield ["C", *listed[:20]]
    locale.setlocale(locale.LC_ALL, before)


def test_months_are_english_under_every_locale_of_this_machine(installed_locales: list[str]):
    english = [f"2019/{number:02d}_{name}" for number, name in enumerate(MONTHS, 1)]
    assert english[6] == "2019/07_July"
    for name in installed_locales:
        locale.setlocale(locale.LC_ALL, name)
        assert [
            folder_of(LAYOUT, asset(captured=taken(datetime(2019, month, 5))))
            for month in range(1, 13)
        ] == english


def test_month_names_do_not_come_from_the_locale_at_all(monkeypatch: pytest.MonkeyPatch):
    import calendar

    monkeypatch.setattr(calendar, "month_name", ["", *["Xyz"] * 12])
    assert folder_of(LAYOUT, asset()) == "2019/07_July"


def test_a_camera_counter_is_never_taken_for_a_suffix():
    assert file_name("IMG_0007", "IMG_0007.JPG", 1) == "IMG_0007_1.jpg"
    assert file_name("IMG_0007", "IMG_0007.jpg", 12) == "IMG_0007_12.jpg"
    assert file_name("DSC_1", "x.jpg") == "DSC_1.jpg"


def test_a_file_without_an_extension_gets_none():
    assert file_name("scan", "scan", 2) == "scan_2"


def test_slashes_in_a_place_are_no_folders():
    assert whole_path(asset(city="A/B\\C"), "a.jpg") == "2019/07_July/2019-07-12 18-30-15 A-B-C.jpg"


def test_templates_may_use_every_field():
    layout = Layout(
        folder="{country}/{year}{month}{day}",
        name="{kind} {make} {model} {hour}h{minute}m{second} {original}",
    )
    shot = asset(city="Ghent", values={"make": "Canon", "model": "EOS/5"})
    assert (
        whole_path(shot, "IMG_0007.JPG", layout)
        == "Belgium/20190712/image Canon EOS-5 18h30m15 IMG_0007.jpg"
    )


def test_a_folder_part_that_would_be_empty_is_left_out():
    assert folder_of(Layout(folder="{country}/{year}"), asset()) == "2019"


def test_a_template_cannot_lead_out_of_the_catalog():
    shot = asset(city="..", values={"make": "../../etc"})
    assert ".." not in folder_of(Layout(folder="../{city}/{make}/{year}"), shot).split("/")


def test_a_long_name_of_a_place_stays_within_a_folders_length():
    place = Place("Belgium", "BE", None, None, "known", name="ü" * 300)
    parts = folder_of(Layout(folder="{year}/{place}"), asset(place=place)).split("/")
    assert all(len(part.encode()) <= MAX_NAME_BYTES for part in parts)


@pytest.mark.parametrize(
    ("template", "unknown"),
    [("{year}/{moth}", ["moth"]), ("{}", [""]), ("{year}", []), ("plain", [])],
)
def test_words_that_are_no_field_are_found(template: str, unknown: list[str]):
    assert unknown_fields(template) == unknown


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_field_that_is_offered_can_be_filled(field: str):
    shot = asset(
        place=Place("Belgium", "BE", "Flanders", "Ghent", "table"),
        values={"make": "Canon", "model": "5D"},
    )
    stem = stem_of(Layout(name=f"<{{{field}}}>"), shot, "old.jpg")
    assert "{" not in stem and len(stem) > 2


@given(NAMES)
def test_any_old_name_gives_a_path_inside_the_month(original: str):
    shot = asset(captured=taken(source="mtime"))
    path = whole_path(shot, original)
    assert path.startswith("2019/07_July/2019-07-12 18-30-15 @")
    assert path.count("/") == 2


@pytest.mark.parametrize(
    ("sidecar", "owner", "names"),
    [
        ("IMG_1.xmp", "IMG_1.jpg", ["f/a.xmp", "f/a.mp4.xmp", "f/a.mp4_1.xmp"]),
        ("DJI_1.SRT", "DJI_1.MP4", ["f/a.srt", "f/a.mp4.srt"]),
        ("C0001M01.XML", "C0001.MP4", ["f/aM01.xml", "f/a.xml", "f/a.mp4.xml"]),
        ("am02.xml", "a.mp4", ["f/aM02.xml"]),
        ("IMG_1.MP4.xmp", "IMG_1.MP4", ["f/a.mp4.xmp", "f/a.mp4_1.xmp"]),
    ],
)
def test_a_sidecar_is_called_after_its_asset_in_the_way_it_was(
    sidecar: str, owner: str, names: list[str]
):
    found = sidecar_names(sidecar, owner, "f/a.mp4")
    assert [next(found) for _name in names] == names
