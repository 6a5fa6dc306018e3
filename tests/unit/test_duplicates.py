"""Groups of duplicates: which kinds there are, which one is kept and why,
and what a person set apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from catalog import config
from catalog.domain.decisions import (
    DROP,
    KEEP,
    NOT_BAD,
    NOT_DUPLICATE,
    WANTED,
    Decision,
    contradictions,
)
from catalog.domain.fixity import content_hash
from catalog.domain.looks import Likeness
from catalog.domain.person import lay_over
from catalog.domain.turns import turn_hashes
from catalog.features.lookalikes import ranking
from catalog.features.lookalikes.duplicates import list_undecided
from catalog.features.lookalikes.edit_marks import is_edited_name, is_editor
from catalog.features.lookalikes.groups import Group, find_groups, pair
from catalog.features.lookalikes.inheritance import with_inheritance
from catalog.features.lookalikes.keepers import list_lacking, propose_place
from catalog.features.lookalikes.ranking import (
    DEFAULT_ORDER,
    PREFERENCES,
    Picture,
    picture_of,
    rank,
    why_kept,
)
from catalog.features.lookalikes.relations import Judge
from catalog.features.lookalikes.sketches import Sketches
from catalog.features.review.plan import pair_decisions

SHARP = {"focus": 900.0, "detail": 0.8, "contrast": 50.0}
SAME, OTHER = Likeness(0.99, 3.0), Likeness(0.6, 60.0)


def name(letter: str) -> str:
    return content_hash(letter.encode())


def document(
    letter: str, taken: str | None = "2019-07-12T18:30:15.000", scale: int = 1, **known: Any
) -> dict[str, Any]:
    """An asset's document; by default all of a kind: same hash of the look, size,
    camera and time.
    """
    captured = {
        "wall": taken,
        "source": "exif:DateTimeOriginal",
        "confidence": "high",
        "has_time": True,
    }
    row = {
        "store": "nas",
        "path": f"{letter}.jpg",
        "size": 1000,
        "state": "ok",
        "added": f"2020-01-{ord(letter) - 96:02d}",
    }
    return {
        "hash": name(letter),
        "kind": "image",
        "type": "jpeg",
        "size": 1000,
        "width": 400 * scale,
        "height": 300 * scale,
        "phash": "f0f0f0f0f0f0f0f0",
        "quality": SHARP,
        "copies": [row],
        "original": {"name": f"IMG_{letter}.jpg"},
        "added": f"2020-01-{ord(letter) - 96:02d}",
        "camera": {"model": "Shot 1"},
        "frames": 1,
        **({"captured": captured} if taken else {}),
        **known,
    }


def groups(
    *documents: dict[str, Any],
    same: Sequence[str] = (),
    apart: Sequence[tuple[str, str]] = (),
    within_ms: int = 10_000,
    order: Sequence[str] = DEFAULT_ORDER,
) -> list[Group]:
    """The groups of some assets, all of which are candidates;
    those named in a text of `same` show the same picture.
    """
    found = {d["hash"]: picture_of(d["hash"], d) for d in documents}
    alike = {frozenset((name(a), name(b))) for text in same for a in text for b in text}

    def compare(one: str, other: str, _turn: str) -> Likeness:
        return SAME if frozenset((one, other)) in alike else OTHER

    sketched = Sketches()
    for d in documents:
        sketched.add(d["hash"], d)
    pairs = [(sketched.hashes[a], sketched.hashes[b]) for a, b in sketched.candidates(8, within_ms)]
    said = frozenset(pair(name(a), name(b)) for a, b in apart)
    return find_groups(found, pairs, Judge(compare, within_ms=within_ms), order=order, apart=said)


def decision(
    word: str, letter: str, kind: str = "similar", path: str = "", keeper: str = "a"
) -> Decision:
    return Decision("0" * 12, kind, word, name(letter), path, name(keeper) if keeper else "")


def told(found: Sequence[Group]) -> list[tuple[str, str]]:
    """Kind and members of each group, as letters, the keeper first."""
    letters = {name(c): c for c in "abcdefghijkl"}
    return [(g.kind, "".join(letters[m.picture.hash] for m in g.members)) for g in found]


# --- kinds ----------------------------------------------------------------------------------------


def test_the_same_picture_is_grouped_around_the_largest() -> None:
    found = groups(document("a"), document("b", scale=10), document("c"), same=["abc"])
    assert [(kind, members[0], set(members)) for kind, members in told(found)] == [
        ("similar", "b", set("abc"))
    ]
    assert found[0].reason == "more pixels (4000 x 3000, not 400 x 300)"
    event = found[0].event()
    assert event["keeper"] == name("b") and event["members"][0] == {
        "hash": name("b"),
        "paths": ["nas:b.jpg"],
        "distance": 0,
        "turned": "",
        "kind": "similar",
        "has": ["the camera"],
    }


def test_what_is_not_proved_on_pixels_is_merely_alike() -> None:
    found = groups(document("a", "2019-01-01T10:00:00"), document("b", "2020-01-01T10:00:00"))
    assert told(found) == [("alike", "ab")]


def test_a_chain_of_likeness_is_no_group() -> None:
    """b resembles a, c resembles b, and c is another picture than a."""
    times = ("2018-01-01T10:00:00", None, None)
    found = groups(
        *(document(c, t, scale) for c, t, scale in zip("abc", times, (9, 8, 7), strict=True)),
        same=["ab", "bc"],
    )
    assert told(found)[0] == ("similar", "ab")
    assert all("c" not in members or kind == "alike" for kind, members in told(found))


def test_same_image_data_needs_no_looking() -> None:
    found = groups(
        document("a", image_hash="1" * 64),
        document("b", image_hash="1" * 64, phash="0" * 16, camera={}),
    )
    assert told(found) == [("same-image", "ab")]


def test_all_forms_of_a_picture_are_one_group_whatever_each_is_to_the_keeper() -> None:
    """c is near to b alone by its hash, which goes for a."""
    data = {"image_hash": "1" * 64}
    found = groups(
        document("a", scale=9, **data),
        document("b", scale=9, camera={}, **data),
        document("c"),
        same=["abc"],
    )
    assert told(found) == [("similar", "abc")]
    assert [m.kind for m in found[0].members] == ["similar", "same-image", "similar"]


def test_several_copies_in_one_store_are_exact_and_copies_elsewhere_are_not() -> None:
    row = document("a")["copies"][0]
    twice = [
        row,
        {**row, "path": "album/a.jpg", "added": "2021"},
        {**row, "store": "archive"},
        {**row, "path": "x", "state": "missing"},
    ]
    found = groups(document("a", copies=twice))
    assert [(g.kind, [m.paths for m in g.members]) for g in found] == [
        ("exact", [("nas:a.jpg",), ("nas:album/a.jpg",)])
    ]
    assert groups(document("a", copies=twice), apart=["aa"]) == []


def test_copies_in_one_store_are_in_the_group_of_their_picture() -> None:
    row = document("a")["copies"][0]
    twice = [row, {**row, "path": "album/a.jpg", "added": "2021"}, {**row, "store": "archive"}]
    edited = {"image_hash": "1" * 32}
    one = document("a", copies=twice, **edited)
    found = groups(one, document("b", **edited), document("c", copies=twice))
    (group,) = (g for g in found if g.kind == "same-image")
    assert [(m.kind, m.paths) for m in group.members] == [
        ("same-image", ("nas:a.jpg", "archive:a.jpg")),
        ("exact", ("nas:album/a.jpg",)),
        ("same-image", ("nas:b.jpg",)),
    ]
    rows = list_undecided(group)
    assert [(d.kind, d.path) for d in rows] == [
        ("same-image", ""),
        ("exact", "nas:album/a.jpg"),
        ("same-image", ""),
    ]
    assert {(d.group, d.keeper) for d in rows} == {(rows[0].group, name("a"))}
    assert [g.first.hash for g in found if g.kind == "exact"] == [name("c")]
    left = groups(one, document("b", **edited), apart=["aa"])
    assert [m.kind for g in left for m in g.members] == ["same-image", "same-image"]


def test_a_picture_is_not_dropped_of_which_another_row_keeps_a_copy() -> None:
    rows = [
        decision(KEEP, "a"),
        decision(DROP, "b"),
        decision(KEEP, "b", "exact", "nas:album/b.jpg"),
        decision(DROP, "a", "exact", "nas:album/a.jpg"),
    ]
    assert list(contradictions(rows)) == [1]
    assert contradictions([rows[0], replace(rows[1], decision=KEEP), *rows[2:]]) == {}
    assert pair_decisions([rows[0], rows[2]]) == [], "of b nothing is said but of a copy"


def test_frames_of_one_moment_are_a_burst_and_the_sharpest_is_kept() -> None:
    shots = [
        document(c, f"2019-07-12T18:30:1{n}", quality={**SHARP, "focus": 100.0 * (n + 1)})
        for n, c in enumerate("abc")
    ]
    found = groups(*shots)
    assert [(kind, members[0], set(members)) for kind, members in told(found)] == [
        ("burst", "c", set("abc"))
    ]
    assert found[0].reason.startswith("sharper")


def test_frames_are_a_burst_though_their_pixels_agree() -> None:
    assert told(
        groups(
            document("a", "2019-07-12T18:30:15"), document("b", "2019-07-12T18:30:17"), same=["ab"]
        )
    ) == [("burst", "ab")]


def test_within_says_how_long_a_burst_pauses() -> None:
    shots = [document("a", "2019-07-12T18:30:15"), document("b", "2019-07-12T18:30:45")]
    assert told(groups(*shots, same=["ab"])) == [("alike", "ab")]
    assert told(groups(*shots, same=["ab"], within_ms=60_000)) == [("burst", "ab")]


def test_frames_of_one_second_are_told_by_parts_of_the_second_or_by_their_numbers() -> None:
    parts = [document(c, f"2019-07-12T18:30:15.{n}00") for n, c in ((1, "a"), (6, "b"))]
    assert told(groups(*parts, same=["ab"]))[0][0] == "burst"
    numbered = [document(c, original={"name": f"IMG_000{n}.jpg"}) for n, c in enumerate("ab")]
    assert told(groups(*numbered, same=["ab"]))[0][0] == "burst"
    exported = [
        document("a", original={"name": "IMG_0001.jpg"}),
        document("b", original={"name": "IMG_0001-edited.jpg"}),
    ]
    assert told(groups(*exported, same=["ab"]))[0][0] == "similar"


def test_an_export_may_tell_the_time_of_another_zone_and_a_series_at_even_intervals_is_none() -> (
    None
):
    original, export = document("a"), document("b", "2019-07-12T16:30:15.000", camera={})
    assert told(groups(original, export, same=["ab"])) == [("similar", "ab")]
    assert told(groups(original, document("b", "2019-07-12T19:30:15.000"), same=["ab"])) == [
        ("alike", "ab")
    ]


def test_files_of_one_shot_are_no_duplicates() -> None:
    stack = {"stack": {"id": "s", "role": "raw"}}
    assert groups(document("a", **stack), document("b", **stack), same=["ab"]) == []


def test_photos_and_films_are_never_one_and_films_must_be_as_long() -> None:
    film = {"kind": "video", "type": "mov", "phash": "f0f0f0f0f0f0f0f0"}
    assert groups(document("a"), document("b", **film, duration=3.0), same=["ab"]) == []
    assert told(
        groups(
            document("a", **film, duration=30.0), document("b", **film, duration=30.1), same=["ab"]
        )
    ) == [("similar", "ab")]
    assert told(
        groups(
            document("a", **film, duration=30.0), document("b", **film, duration=34.0), same=["ab"]
        )
    ) == [("alike", "ab")]


def test_films_of_other_times_or_unknown_times_are_not_one_picture() -> None:
    film = {"kind": "video", "type": "mov", "duration": 10.0}
    assert told(
        groups(document("a", **film), document("b", "2019-07-15T10:00:00", **film), same=["ab"])
    ) == [("alike", "ab")]
    assert (
        told(groups(document("a", None, **film), document("b", **film), same=["ab"]))[0][0]
        == "alike"
    )
    movie = {**film, "stack": {"id": "s", "role": "live"}}
    assert (
        groups(
            document("a", **movie),
            document("b", **{**movie, "stack": {"id": "t", "role": "live"}}),
            same=["ab"],
        )
        == []
    )


def test_flat_pictures_are_not_compared() -> None:
    flat = {"quality": {"detail": 0.0, "contrast": 3.0}}
    assert groups(document("a", **flat), document("b", **flat), document("c"), same=["abc"]) == []


def test_turned_pictures_have_other_shapes() -> None:
    wide, high = (
        document("a", phash="123456789abcdef0"),
        document("b", width=300, height=400, camera={}),
    )
    high["phash"] = f"{int(turn_hashes(np.array([0x123456789ABCDEF0], np.uint64), '90')[0]):016x}"
    (group,) = groups(wide, high, same=["ab"])
    assert (group.kind, group.members[1].turned, group.members[1].distance) == ("similar", "90", 0)
    high |= {"width": 400, "height": 300}
    assert groups(wide, high, same=["ab"]) == []


def test_what_a_person_set_apart_is_in_no_group_together() -> None:
    shots = [document(c, None, scale) for c, scale in zip("abc", (9, 8, 7), strict=True)]
    assert told(groups(*shots, same=["abc"], apart=["ab", "ac", "bc"])) == []
    assert told(groups(*shots, same=["abc"], apart=["ab"])) == [("similar", "ac")]
    assert told(groups(*shots, same=["abc"], apart=["ab", "ac"])) == [("similar", "bc")], (
        "a, to which both are near, is apart"
    )
    found = told(groups(*shots, same=["abc"], apart=["bc"]))
    assert found[0] in (("similar", "ab"), ("similar", "ac"))
    assert all({"b", "c"} - set(members) for _kind, members in found)
    frames = [document(c, f"2019-07-12T18:30:1{n}") for n, c in enumerate("abc")]
    assert all({"a", "b"} - set(members) for _kind, members in told(groups(*frames, apart=["ab"])))


def test_how_one_is_related_to_another() -> None:
    one, other = (picture_of(d["hash"], d) for d in (document("a"), document("b", None)))

    def kind(first: Picture, second: Picture, found: Likeness | None) -> str | None:
        relation = Judge(lambda *_: found, 6).relate(first, second)
        return relation.kind if relation else None

    assert kind(one, one, None) == "exact"
    assert kind(one, other, SAME) == "similar"
    assert kind(one, other, OTHER) == "alike"
    assert kind(one, other, None) == "alike", "no small picture: nothing is proved"


# --- the one to keep ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("better", "worse", "word"),
    [
        ({"width": 500}, {}, "more pixels"),
        ({}, {"type": "png"}, "original format (jpeg, not png)"),
        ({"type": "nef"}, {}, "original format"),
        ({"location": {"lat": 1, "lon": 2}}, {}, "more metadata"),
        ({}, {"original": {"name": "IMG-20190712-WA0003.jpg"}}, "as the camera made it"),
        ({"quality": {**SHARP, "focus": 2000.0}}, {}, "sharper"),
        ({"size": 2000}, {}, "larger file"),
        ({"added": "2019"}, {}, "catalogued first"),
    ],
)
def test_the_keeper_is_chosen_by_the_order_and_the_reason_says_so(
    better: dict[str, Any], worse: dict[str, Any], word: str
) -> None:
    one, other = (
        picture_of(d["hash"], d) for d in (document("a", **better), document("b", **worse))
    )
    for both in ([one, other], [other, one]):
        assert rank(both, DEFAULT_ORDER)[0] is one
    assert why_kept(one, [other], DEFAULT_ORDER).startswith(word)


def test_the_order_is_a_setting() -> None:
    large, favorite = document("a", scale=9), document("b", favorite=True)
    assert told(groups(large, favorite, same=["ab"])) == [("similar", "ab")]
    assert told(groups(large, favorite, same=["ab"], order=["favorite", "pixels"])) == [
        ("similar", "ba")
    ]
    assert set(get_args(config.Preference)) == set(PREFERENCES)
    assert config.Settings().keeper_order == ranking.DEFAULT_ORDER


def test_many_pages_of_one_hash_are_not_all_compared_with_each_other() -> None:
    count, compared = 400, 0
    pages = {
        digest: picture_of(digest, document("a", None) | {"hash": digest})
        for digest in (content_hash(str(n).encode()) for n in range(count))
    }
    first = next(iter(pages))

    def compare(_one: str, _other: str, _turn: str) -> Likeness:
        nonlocal compared
        compared += 1
        return OTHER

    pairs = [(first, other) for other in pages if other != first]
    find_groups(pages, pairs, Judge(compare), order=DEFAULT_ORDER)
    assert count < compared < count * 100


# --- what no proposal costs -----------------------------------------------------------------------


def lone(*documents: dict[str, Any], same: str = "ab") -> Group:
    """The only group."""
    (group,) = groups(*documents, same=[same])
    return group


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"frames": 5}, "4 of 5 frames"),
        ({"motion_photo": True}, "the embedded film"),
        ({"parts": ["depth"]}, "the depth map"),
        ({"camera": {"model": "Shot 1", "lens": "50 mm"}}, "the lens"),
        ({"exposure": {"iso": 100}}, "the exposure"),
        ({"altitude": 12.0}, "the altitude"),
    ],
)
def test_a_keeper_has_what_cannot_be_handed_over(more: dict[str, Any], word: str) -> None:
    """Though the other is larger; where that has something of its own, too, none is proposed."""
    small, large = document("a", **more), document("b", scale=1, size=9000)
    group = lone(small, large)
    assert group.keeper is not None and group.keeper.hash == name("a"), group.reason
    own = {"parts": ["gain-map"]} if "parts" not in more else {"frames": 3}
    group = lone(small, document("b", **own))
    assert group.keeper is None and group.event()["keeper"] == ""
    assert group.reason.startswith("no proposal: ") and word in group.reason


def test_a_picture_with_more_pixels_and_one_with_the_movie_are_both_worth_keeping() -> None:
    motion = document("a", motion_photo=True)
    group = lone(motion, document("b", scale=2))
    assert group.keeper is None and "lacks pixels" in group.reason
    group = lone(motion, document("b", scale=2, camera={}))
    assert group.keeper is not None and group.keeper.hash == name("a"), "no camera made the larger"


def test_a_raw_and_its_development_are_never_proposed_for_each_other() -> None:
    raw = document("a", type="nef", original={"name": "IMG_a.nef"})
    for other in (document("b"), document("b", camera={})):
        assert lone(raw, other).keeper is None
    called_raw = document("a", original={"name": "PXL.RAW-02.ORIGINAL.nef"})
    assert lone(called_raw, document("b")).keeper is None, "a JPEG in a RAW's name"
    small = document("b", camera={}) | {"width": 200, "height": 150}
    kept = lone(raw, small).keeper
    assert kept is not None and kept.hash == name("a"), "what a messenger sends is no development"


def test_films_are_kept_with_their_sound_and_to_their_end() -> None:
    film = {"kind": "video", "type": "mov"}
    loud = document("a", **film, duration=30.0, video={"audio_codec": "aac"})
    group = lone(loud, document("b", **film, duration=30.0, size=9000, camera={}))
    assert group.keeper is not None and group.keeper.hash == name("a")
    long = document("b", **film, duration=120.9)
    group = lone(document("a", **film, duration=120.0, video={"audio_codec": "aac"}), long)
    assert group.keeper is None and "the sound" in group.reason and "1 seconds" in group.reason


def test_the_movies_of_two_live_photos_are_compared() -> None:
    def still(letter: str, **movie: Any) -> Picture:
        about = document(letter, stack={"id": letter, "role": "still"})
        clip = {"hash": f"movie of {letter}", "stack": {"id": letter, "role": "live"}, **movie}
        return picture_of(about["hash"], about, [clip])

    one = still("a", duration=3.0, width=1920, height=1080, video={"audio_codec": "aac"})
    same = still("b", duration=3.0, width=1920, height=1080, video={"audio_codec": "aac"})
    mute = still("b", duration=3.0, width=1920, height=1080)
    assert list_lacking(one, same) == list_lacking(same, one) == list_lacking(one, mute) == []
    assert list_lacking(mute, one) == ["the movie"]


def test_of_several_places_the_one_with_its_sidecar_and_its_movie_is_kept() -> None:
    row = document("a")["copies"][0]
    rows = [{**row, "path": f"{n}/a.jpg", "added": f"202{n}"} for n in range(3)]
    sidecars = [{"store": "nas", "path": "1/a.jpg.xmp", "hash": "x"}]
    about = document("a", copies=rows, sidecars=sidecars)
    (group,) = groups(about)
    assert [m.paths[0] for m in group.members] == ["nas:1/a.jpg", "nas:0/a.jpg", "nas:2/a.jpg"]
    assert group.is_proposed
    movie: Any = {"hash": "m", "copies": [{**row, "path": "2/a.mov"}]}
    picture = picture_of(about["hash"], about, [movie])
    paths = [r["path"] for r in rows]
    path, proposal = propose_place(picture, "nas", paths)
    assert (path, proposal.is_made) == ("0/a.jpg", False), "each has something else beside it"


def test_names_and_programs_that_tell_of_an_edit() -> None:
    edited = (
        "IMG_1-edited.jpg",
        "IMG_1-bearbeitet(1).jpg",
        "IMG_E1234.JPG",
        "a (edited).png",
        "b_upscaled.jpg",
    )
    plain = ("IMG_1.jpg", "credit.jpg", "IMG_1234 (2).jpg", "edited by nobody.jpg")
    assert [n for n in (*edited, *plain) if is_edited_name(n)] == list(edited)
    editors = ("Adobe Photoshop CS6 (Windows)", "GIMP 2.10.36", "Picasa", "Snapseed 2.0")
    cameras = ("Ver.1.00", "HDR+ 1.0.199571065z", "15.5", "G975FXXU3ASG8", "*ist DL     Ver 1.00")
    assert [s for s in (*editors, *cameras) if is_editor(s)] == list(editors)


# --- what is taken over ---------------------------------------------------------------------------


def after(
    keeper: dict[str, Any], dropped: dict[str, Any], *, same_shot: bool = True
) -> dict[str, Any]:
    result = with_inheritance(dropped, same_shot=same_shot)(keeper)
    assert result is not None
    assert with_inheritance(dropped, same_shot=same_shot)(result) == result, (
        "done twice, it is done once"
    )
    return result


def test_a_keeper_takes_over_what_it_lacks() -> None:
    place = {
        "location": {"lat": 51.05, "lon": 3.72},
        "place": {"city": "Ghent", "country": "Belgium", "source": "table"},
    }
    dropped = document(
        "b",
        tags=["snow", "us"],
        albums=["Winter"],
        favorite=True,
        rating=4,
        title="The hill",
        **place,
    )
    keeper = after(document("a", None, tags=["us"], albums=["Best"]), dropped)
    assert set(keeper["tags"]) == {"us", "snow"}
    assert keeper["albums"] == ["Best", "Winter"]
    assert (keeper["favorite"], keeper["rating"], keeper["title"]) == (True, 4, "The hill")
    assert keeper["captured"]["wall"].startswith("2019-07-12T18:30:15")
    assert keeper["location"] == {"lat": 51.05, "lon": 3.72} and keeper["place"]["city"] == "Ghent"


def test_what_the_keeper_knows_better_stays() -> None:
    low = {
        "captured": {
            "wall": "2001-01-01T00:00:00",
            "source": "mtime",
            "confidence": "low",
            "has_time": True,
        }
    }
    keeper = document("a", rating=2, title="Mine", location={"lat": 1.0, "lon": 2.0})
    dropped = document("b", rating=5, title="Mine", location={"lat": 8.0, "lon": 9.0}) | low
    assert after(keeper, dropped) == keeper


def test_words_that_the_keeper_has_otherwise_are_added_to_its_description() -> None:
    keeper = document("a", title="IMG 1", description="The hill in snow")
    dropped = document("b", title="Grandma", description="snow")
    result = after(keeper, dropped)
    assert (result["title"], result["description"]) == ("IMG 1", "The hill in snow\nGrandma")
    result = after(document("a", title="IMG 1"), document("b", title="Ours", description="1975"))
    assert (result["title"], result["description"]) == ("IMG 1", "1975\nOurs")


def test_a_time_that_a_person_gave_the_other_dates_no_keeper_that_knows_its_own() -> None:
    other = lay_over(document("b"), {"taken": "2001-02-03T04:05:06"})
    keeper = document("a")
    assert after(keeper, other) == keeper
    keeper["captured"] |= {"source": "mtime", "confidence": "low"}
    assert after(keeper, other)["captured"]["wall"].startswith("2001-02-03T04:05:06")


def test_another_shot_gives_neither_time_nor_place() -> None:
    place = {"location": {"lat": 51.05, "lon": 3.72}, "place": {"city": "Ghent", "source": "table"}}
    dropped = lay_over(
        document("b", tags=["us"], **place),
        {"taken": "2001-02-03T04:05:06", "position": [1.0, 2.0]},
    )
    keeper = after(document("a", None), dropped, same_shot=False)
    assert "captured" not in keeper and "location" not in keeper and keeper["tags"] == ["us"]


def test_an_offset_alone_makes_no_other_time_better() -> None:
    other = {
        "wall": "2019-07-11T23:30:00.000",
        "source": "exif:DateTimeOriginal",
        "confidence": "high",
        "has_time": True,
        "offset_minutes": 0,
    }
    keeper = document("a")
    assert after(keeper, document("b", captured=other)) == keeper


def test_a_favorite_and_a_position_of_the_keeper_stay() -> None:
    keeper = document("a", favorite=True, location={"lat": 1.0, "lon": 2.0})
    assert (
        after(keeper, lay_over(document("b"), {"favorite": False, "position": [8.0, 9.0]}))
        == keeper
    )


def test_what_a_person_said_of_both_counts() -> None:
    keeper = lay_over(document("a", tags=["beach"]), {"tags_removed": ["beach"], "title": "Sea"})
    dropped = lay_over(
        document("b", tags=["beach"]),
        {"tags_added": ["beach", "us"], "title": "Sand", "description": "At the sea"},
    )
    merged = after(keeper, dropped)
    assert (merged["tags"], merged["title"]) == (["us"], "Sea")
    assert merged["description"] == "At the sea\nSand"


def test_a_capture_time_with_its_offset_is_taken_over_whole() -> None:
    exact = {
        "wall": "2019-07-12T18:30:15.250",
        "source": "exif:DateTimeOriginal",
        "confidence": "high",
        "has_time": True,
        "offset_minutes": 120,
        "instant": "2019-07-12T16:30:15.250Z",
    }
    keeper = after(document("a", None), document("b", captured=exact))
    assert keeper["captured"]["offset_minutes"] == 120
    assert keeper["captured"]["instant"] == "2019-07-12T16:30:15.250Z"


# --- what is remembered ---------------------------------------------------------------------------


def test_decisions_that_are_remembered() -> None:
    assert pair_decisions([decision(NOT_DUPLICATE, "b")]) == [
        (NOT_DUPLICATE, *pair(name("a"), name("b")))
    ]
    apart = pair_decisions([decision(NOT_DUPLICATE, "b"), decision(DROP, "c")])
    assert {(one, other) for _kind, one, other in apart} == {
        pair(name("b"), name("a")),
        pair(name("b"), name("c")),
    }
    both = pair_decisions([decision(NOT_DUPLICATE, "b"), decision(NOT_DUPLICATE, "c")])
    assert {(one, other) for _kind, one, other in both} == {
        pair(name("a"), name("b")),
        pair(name("a"), name("c")),
    }
    assert pair_decisions([decision(KEEP, "a"), decision(KEEP, "b")]) == [
        (WANTED, *pair(name("a"), name("b")))
    ]
    assert pair_decisions([decision(KEEP, "a"), decision(DROP, "b")]) == []
    assert pair_decisions([decision(NOT_DUPLICATE, "a", "exact", "nas:a.jpg")]) == [
        (NOT_DUPLICATE, name("a"), name("a"))
    ]
    assert pair_decisions([decision(KEEP, "a", "bad", keeper="")]) == [
        (NOT_BAD, name("a"), name("a"))
    ]
