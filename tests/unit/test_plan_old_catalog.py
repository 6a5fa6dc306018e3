"""The plan of importing an old catalog: months by the layout, albums in their place,
names of people kept.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from asset_makers import asset, member, taken
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry, KnownAsset
from catalog.domain.edits import described_anew, with_album
from catalog.domain.layout import (
    Layout,
    album_layout,
    file_name,
    folder_of,
    is_mostly_text,
    stem_of,
)
from catalog.domain.names import MAX_NAME_BYTES, portable
from catalog.domain.person import lay_over, without_person
from catalog.domain.stacks import Member, group_stacks
from catalog.features.ingest.actions import Action, CopyToStore, SkipDuplicate
from catalog.features.ingest.plan import IngestFacts, Occupancy
from catalog.features.old_catalog.plan import (
    YearPart,
    album_of,
    is_year,
    month_of,
    parts_of,
    plan_part,
)

LAYOUT = Layout()
TIME = datetime(2015, 7, 12, 18, 30, 15)
STAMP = "2015-07-12 18-30-15"
OMA = YearPart(("2015/Oma",), "2015/Oma")
MONTHS = YearPart(("2015/07_July",))


def old(
    path: str, content: str = "one", filetype: str = "jpeg", *sidecars: str, **known: Any
) -> Member:
    return member(path, content, filetype, *sidecars, **({"captured": taken(TIME)} | known))


@dataclass
class Index:
    """What is recorded, and what lies in the catalog: path to content hash."""

    copies: dict[str, str] = field(default_factory=dict)

    def plan(
        self, part: YearPart, members: Sequence[Member], skipped: Sequence[Skip] = ()
    ) -> list[Action]:
        known: dict[str, KnownAsset] = {}
        for path, digest in self.copies.items():
            rows = known[digest].copies if digest in known else ()
            known[digest] = KnownAsset(digest, (*rows, {"store": "nas", "path": path}), 1, 1)
        existing = {
            d: c["path"] for d, a in known.items() for c in a.copies if part.counts(c["path"])
        }
        occupancy = Occupancy(contents=dict(self.copies))
        for path in self.copies:
            occupancy.take(path)
        return plan_part(
            IngestFacts(group_stacks(members), (), skipped, known, existing),
            occupancy,
            part,
            LAYOUT,
            "nas",
        )

    def apply(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, CopyToStore):
                assert self.copies.get(action.target, action.asset.hash) == action.asset.hash, (
                    "overwritten"
                )
                self.copies[action.target] = action.asset.hash


def targets(actions: Sequence[Action]) -> list[str]:
    return [a.target for a in actions if isinstance(a, CopyToStore)]


# --- which folder is what -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("07", 7),
        ("07_July", 7),
        ("07_Juli", 7),
        ("07 july", 7),
        ("07-JULI", 7),
        ("12_December", 12),
        ("02_Fe\u0301vrier", 2),
        ("03 März", 3),
        ("09_Sept.", 9),
        ("13_Extra", 0),
        ("00", 0),
        ("7", 0),
        ("7_July", 0),
        ("July", 0),
        ("2015", 0),
        ("07-12 Party", 0),
        ("07 Tag am See", 0),
        ("Holiday 07", 0),
        ("", 0),
    ],
)
def test_a_month_is_a_number_and_at_most_one_word(name: str, month: int):
    assert month_of(name) == month


def test_a_year_is_four_digits():
    assert [
        n
        for n in ("2015", "15", "20155", "2015 ", "\uff12\uff10\uff11\uff15", "abcd", "")
        if is_year(n)
    ] == ["2015"]


@pytest.mark.parametrize(
    ("folder", "album"),
    [
        ("2015", ""),
        ("2015/07_July", ""),
        ("2015/07 Juli/filmchen", ""),
        ("2015/07/WHATSAPP", ""),
        ("2015/filmchen", ""),
        ("2015/Holiday", "Holiday"),
        ("2015/Holiday/Day 1", "Holiday/Day 1"),
        ("2015/07_July/Oma", "Oma"),
        ("2015/07_July/Oma/Day  1 ", "Oma/Day 1"),
        ("2015/Oma/filmchen", "Oma"),
        ("2015/07_July/filmchen/Party", "Party"),
        ("2015/Holiday/07_July", "Holiday/07_July"),
        ("2015/Mu\u0308ller: 80?", "Müller: 80?"),
    ],
)
def test_an_album_is_called_by_the_named_parts_of_its_folder(folder: str, album: str):
    assert album_of(folder, LAYOUT) == album


def test_months_come_first_and_every_album_is_a_part_of_its_own():
    folders = [
        "2015",
        "2015/Oma",
        "2015/Oma/filmchen",
        "2015/07_July",
        "2016/07_July",
        "2015/07_July/Zoo",
        "2015/07_July/filmchen",
    ]
    assert parts_of(folders, LAYOUT) == [
        YearPart(("2015", "2015/07_July", "2015/07_July/filmchen", "2016/07_July")),
        YearPart(("2015/07_July/Zoo",), "2015/07_July/Zoo"),
        YearPart(("2015/Oma",), "2015/Oma"),
        YearPart(("2015/Oma/filmchen",), "2015/Oma/filmchen"),
    ]


def test_a_month_restricts_to_its_folder_and_what_is_below():
    folders = [
        "2015",
        "2015/Oma",
        "2015/07_July",
        "2015/07_July/Zoo",
        "2015/08_August",
        "2015/Oma/07_July",
    ]
    assert parts_of(folders, LAYOUT, [7]) == [
        YearPart(("2015/07_July",)),
        YearPart(("2015/07_July/Zoo",), "2015/07_July/Zoo"),
    ]
    assert parts_of(folders, LAYOUT, [3]) == []


def test_folders_that_no_store_could_tell_apart_are_one_album():
    (part,) = parts_of(["2015/Mu\u0308ller", "2015/M\u00fcller"], LAYOUT)
    assert part == YearPart(("2015/Mu\u0308ller", "2015/M\u00fcller"), "2015/M\u00fcller")
    assert parts_of(["2015/Oma: 80."], LAYOUT)[0].album_folder == "2015/Oma- 80"


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stem",
    [
        "Oma und Opa",
        "Müller Hochzeit",
        "Mu\u0308ller",
        "Ελλάδα 1",
        "Tag 1",
        "東京タワー",
        "a",
        "Oma_2",
        "हिन्दी",
    ],
)
def test_text_is_letters_of_any_script_and_spaces(stem: str):
    assert is_mostly_text(stem)


@pytest.mark.parametrize(
    "stem",
    ["IMG_1234", "DSC_12", "20150712_183015", "P1010001", "", "____", "a1", "Oma 2015-07-12"],
)
def test_what_is_half_digits_and_underscores_is_no_text(stem: str):
    assert not is_mostly_text(stem)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Oma und Opa.JPG", f"Oma und Opa {STAMP}.jpg"),
        (f"Oma und Opa {STAMP}.jpg", f"Oma und Opa {STAMP}.jpg"),
        (f"{STAMP} Ghent.jpg", f"{STAMP} Ghent.jpg"),
        ("Mu\u0308ller Hochzeit.jpg", f"Müller Hochzeit {STAMP}.jpg"),
        ("What? A: day.jpg", f"What- A- day {STAMP}.jpg"),
        ("IMG_1234.JPG", f"{STAMP}.jpg"),
        ("DSC_12.jpg", f"{STAMP}.jpg"),
    ],
)
def test_a_name_in_an_album(name: str, kept: str):
    (action,) = Index().plan(OMA, [old(f"2015/Oma/{name}")])
    assert isinstance(action, CopyToStore)
    assert (action.target, action.album) == (f"2015/Oma/{kept}", "Oma")


@pytest.mark.parametrize(
    ("captured", "text", "other"),
    [
        (taken(TIME, "mtime"), "Opa.jpg", f"{STAMP} @ IMG_1234.jpg"),
        (taken(TIME, "filename", has_time=False), "Opa.jpg", "2015-07-12 @ IMG_1234.jpg"),
        (taken(TIME, "folder", has_time=False), "Opa.jpg", "2015-07-12 @ IMG_1234.jpg"),
        (None, "Opa.jpg", "IMG_1234.jpg"),
    ],
)
def test_a_name_gets_no_time_that_is_not_known(captured: Any, text: str, other: str):
    members = [
        old(f"2015/Oma/{n}.jpg", n, captured=captured, undated=captured is None)
        for n in ("IMG_1234", "Opa")
    ]
    assert sorted(targets(Index().plan(OMA, members))) == sorted(
        [f"2015/Oma/{text}", f"2015/Oma/{other}"]
    )


def test_a_long_name_keeps_its_time():
    shot = asset(captured=taken(TIME))
    name = file_name(
        stem_of(album_layout(LAYOUT, "2015/Oma"), shot, "ö" * 250 + ".jpg"), "x.jpg", 17
    )
    assert name.endswith(f"{STAMP}_17.jpg") and len(name.encode()) <= MAX_NAME_BYTES


@given(st.text(max_size=120).filter(lambda t: "/" not in t))
def test_any_name_becomes_one_that_stores_take_and_stays_so_when_imported_again(name: str):
    shot = asset(captured=taken(TIME))
    layout = album_layout(LAYOUT, "2015/Oma")
    first = file_name(stem_of(layout, shot, f"{name}.jpg"), f"{name}.jpg")
    assert first == portable(first)
    if is_mostly_text(portable(name)):
        assert file_name(stem_of(layout, shot, first), first) == first


# --- albums ---------------------------------------------------------------------------------------


def test_months_are_imported_as_an_upload_does_it():
    folder = "2015/07_July"
    plan = Index().plan(
        MONTHS, [old(f"{folder}/Oma und Opa.jpg", city="Ghent"), old(f"{folder}/x.mov", "v", "mov")]
    )
    assert targets(plan) == [f"{folder}/{STAMP} Ghent.jpg", f"{folder}/filmchen/{STAMP}.mov"]
    assert [a.album for a in plan if isinstance(a, CopyToStore)] == ["", ""]


def test_videos_lie_in_the_album_itself():
    plan = Index().plan(
        OMA, [old("2015/Oma/Tanz.mov", "v", "mov"), old("2015/Oma/MVI_0001.mov", "w", "mov")]
    )
    assert targets(plan) == [f"2015/Oma/{STAMP}.mov", f"2015/Oma/Tanz {STAMP}.mov"]


def test_a_live_pair_and_raw_with_jpeg_share_one_name_in_an_album():
    members = [
        old("2015/Oma/Torte.heic", "h", "heic", "2015/Oma/Torte.aae", values={"live_id": "A"}),
        old("2015/Oma/Torte.mov", "m", "mov", values={"live_id": "A"}),
        old("2015/Oma/DSC_0001.jpg", "j", "jpeg", "2015/Oma/DSC_0001.xmp"),
        old("2015/Oma/DSC_0001.nef", "n", "nef"),
    ]
    plan = Index().plan(OMA, members)
    assert sorted(targets(plan)) == [
        f"2015/Oma/{n}"
        for n in (f"{STAMP}.jpg", f"{STAMP}.nef", f"Torte {STAMP}.heic", f"Torte {STAMP}.mov")
    ]
    sidecars = [target for a in plan if isinstance(a, CopyToStore) for _entry, target in a.sidecars]
    assert sorted(sidecars) == [f"2015/Oma/{STAMP}.xmp", f"2015/Oma/Torte {STAMP}.aae"]
    assert all(a.stack for a in plan if isinstance(a, CopyToStore))


def test_a_duplicate_is_wanted_in_an_album_and_only_once_there():
    index = Index({"2015/07_July/x.jpg": asset("one").hash, "2014/Tante/x.jpg": asset("one").hash})
    copy, duplicate = index.plan(OMA, [old("2015/Oma/a.jpg"), old("2015/Oma/b.jpg")])
    assert isinstance(copy, CopyToStore) and isinstance(duplicate, SkipDuplicate)
    assert (copy.is_new, copy.target, copy.album) == (False, f"2015/Oma/a {STAMP}.jpg", "Oma")
    assert (duplicate.existing, duplicate.album) == (copy.target, "Oma")
    index.apply([copy, duplicate])
    assert targets(index.plan(OMA, [old("2015/Oma/a.jpg"), old("2015/Oma/b.jpg")])) == []
    assert targets(index.plan(MONTHS, [old("2015/07_July/a.jpg")])) == []


def test_a_file_that_lies_in_the_album_already_is_only_recorded():
    (action,) = Index({f"2015/Oma/a {STAMP}.jpg": asset("one").hash}).plan(
        YearPart(("2015/OMA",), "2015/oma"), [old("2015/OMA/a.jpg")]
    )
    assert isinstance(action, SkipDuplicate)


def test_other_content_of_the_same_name_gets_a_number_and_keeps_its_counter():
    names = [
        "2015/Oma/IMG_0007.jpg",
        "2015/Oma/img_0007.JPG",
        "2015/Oma/Opa.jpg",
        "2015/Oma/OPA.jpg",
    ]
    members = [old(n, n, undated=True) for n in names]
    plan = Index().plan(OMA, members)
    assert sorted(targets(plan)) == [
        f"2015/Oma/{n}" for n in ("IMG_0007.jpg", "OPA_1.jpg", "Opa.jpg", "img_0007_1.jpg")
    ]


def test_what_is_skipped_stays_skipped_and_all_is_sorted():
    skip = Skip(Entry("2015/Oma/b.txt"), "no photo")
    plan = Index().plan(OMA, [old("2015/Oma/c.jpg", "c"), old("2015/Oma/a.jpg", "a")], [skip])
    assert [a.key for a in plan] == ["2015/Oma/a.jpg", "2015/Oma/b.txt", "2015/Oma/c.jpg"] and plan[
        1
    ] is skip


NAMES = st.sampled_from(
    [
        "Oma",
        "IMG_0007",
        "img_0007",
        "Opa 1",
        "DSC_12",
        f"Oma {STAMP}",
        "Mu\u0308ller",
        "M\u00fcller",
    ]
)


@given(st.dictionaries(NAMES, st.sampled_from("abc"), max_size=6), st.sampled_from([OMA, MONTHS]))
def test_the_next_plan_is_empty_once_a_plan_was_applied(files: dict[str, str], part: YearPart):
    members = [old(f"{part.folders[0]}/{name}.jpg", content) for name, content in files.items()]
    index = Index()
    plan = index.plan(part, members)
    assert plan == index.plan(part, members)
    index.apply(plan)
    assert len(index.copies) == len(set(files.values()))
    assert targets(index.plan(part, members)) == []


def test_the_folder_of_an_album_is_taken_as_it_is():
    shot = asset("v", "mov", taken(TIME))
    assert folder_of(album_layout(LAYOUT, "2015/{year} Oma"), shot) == "2015/{year} Oma"


# --- the document ---------------------------------------------------------------------------------


def test_an_asset_joins_an_album_once():
    joined = with_album("Oma")({"hash": "h", "copies": []})
    assert joined == {"hash": "h", "copies": [], "albums": ["Oma"], "preview": "h"}
    assert with_album("Oma")(joined) == joined
    assert with_album("Fest")(joined) == {
        "hash": "h",
        "copies": [],
        "albums": ["Fest", "Oma"],
        "preview": "h",
    }
    assert with_album("Oma")(None) is None


def test_what_a_person_said_of_albums_stays():
    said = lay_over({"hash": "h", "albums": ["Oma"]}, {"albums": ["Mine"]})
    assert with_album("Oma")(said) == said  # known, and taken away by a person
    joined = with_album("Fest")(said)
    assert joined is not None and joined["albums"] == ["Fest", "Mine"]
    assert without_person(joined)["albums"] == ["Fest", "Oma"]


def test_albums_outlive_a_new_reading_of_the_file_with_and_without_what_a_person_said():
    plain = {
        "hash": "h",
        "copies": [{"store": "nas", "path": "x.jpg", "state": "ok"}],
        "albums": ["Oma"],
    }
    for document in (plain, lay_over(plain, {"albums": ["Mine"]})):
        again = described_anew({"hash": "h", "width": 5})(document)
        assert again is not None and again["albums"] == document["albums"]
        assert without_person(again)["albums"] == ["Oma"]


def test_names_are_compared_in_one_unicode_form():
    assert OMA.counts("2015/OMA/x.jpg") and not OMA.counts("2015/Oma/sub/x.jpg")
    nfd = unicodedata.normalize("NFD", "2015/Müller")
    assert YearPart((nfd,), "2015/Müller").counts(f"{nfd}/x.jpg")
