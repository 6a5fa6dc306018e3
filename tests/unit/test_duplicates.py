"""Groups of duplicates: which kinds there are, which one is kept and why,
and what a person set apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
import pytest

from catalog import config
from catalog.domain.decisions import DROP, KEEP, NOT_BAD, NOT_DUPLICATE, WANTED, Decision
from catalog.domain.fixity import content_hash
from catalog.domain.looks import Likeness
from catalog.domain.person import lay_over
from catalog.domain.turns import turn_hashes
from catalog.features.lookalikes import ranking
from catalog.features.lookalikes.groups import Group, find_groups, pair, relate
from catalog.features.lookalikes.inheritance import with_inheritance
from catalog.features.lookalikes.ranking import (
    DEFAULT_ORDER,
    PREFERENCES,
    picture_of,
    rank,
    why_kept,
)
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
    return find_groups(found, pairs, compare, order=order, within_ms=within_ms, apart=said)


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


def test_what_goes_for_a_surer_reason_is_in_no_other_group() -> None:
    data = {"image_hash": "1" * 64}
    found = groups(
        document("a", scale=9, **data),
        document("b", scale=9, camera={}, **data),
        document("c"),
        same=["abc"],
    )
    assert told(found) == [("same-image", "ab"), ("similar", "ac")]


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
    assert relate(one, one, lambda *_: None, distance=6) == ("exact", 0, "")
    assert relate(one, other, lambda *_: SAME, distance=6) == ("similar", 0, "")
    assert relate(one, other, lambda *_: OTHER, distance=6) == ("alike", 0, "")
    assert relate(one, other, lambda *_: None, distance=6) == (
        "alike",
        0,
        "",
    )  # no small picture: nothing is proved


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
    dropped = document("b", rating=5, title="Theirs", location={"lat": 8.0, "lon": 9.0}) | low
    assert after(keeper, dropped) == keeper


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
    assert (merged["tags"], merged["title"], merged["description"]) == (["us"], "Sea", "At the sea")


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
    def decision(
        word: str, letter: str, kind: str = "similar", path: str = "", keeper: str = "a"
    ) -> Decision:
        return Decision("0" * 12, kind, word, name(letter), path, name(keeper) if keeper else "")

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
