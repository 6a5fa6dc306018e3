"""Mirrors: what one asset needs, who moved last, and that a second plan is empty."""

from __future__ import annotations

from typing import Any

from catalog.domain.names import comparison_key
from catalog.features.mirror.arrangement import Pairing, find_contents, settle_names
from catalog.features.mirror.history import Move
from catalog.features.mirror.partners import Pair, is_numbered
from catalog.features.mirror.plan import (
    Follow,
    MirrorNeeds,
    Transfer,
    lacks,
    limit_renames,
    mirror_asset,
    survey_asset,
)

PAIR = Pair("nas", "dropbox")
BACK = Pair("dropbox", "nas")


def at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02d}.000Z"


def rows(**places: list[str]) -> list[dict[str, Any]]:
    return [
        {"store": s, "path": p, "size": 1, "state": "ok", "added": at(10)}
        for s, paths in places.items()
        for p in paths
    ]


def sidecar(store: str, path: str, digest: str = "s", second: int = 0) -> dict[str, Any]:
    return {"store": store, "path": path, "hash": digest, "size": 1, "mtime": at(second)}


def needs(
    copies: list[dict[str, Any]], *moves: Move, sidecars: Any = (), pair: Pair = PAIR
) -> MirrorNeeds:
    return mirror_asset("h", copies, list(sidecars), pair, moves)


def mirrored(copies: list[dict[str, Any]], *moves: Move, **options: Any) -> list[object]:
    return list(needs(copies, *moves, **options).actions)


def test_what_is_lacking_is_sent_and_what_was_renamed_follows():
    there = rows(nas=["a", "b"], dropbox=["old a"])
    moved = Move("nas", "old a", "a", at(20))
    assert mirrored(there, moved) == [Follow("h", "h", there[-1], "a"), Transfer("h", "h", "b", 1)]
    assert mirrored(rows(nas=["a"], dropbox=["of its own"])) == []
    assert mirrored(rows(nas=["a", "b"], dropbox=["of its own"])) == [Transfer("h", "h", "a", 1)]
    assert (
        mirrored(rows(nas=["a"], dropbox=["a", "another"]), Move("nas", "another", "a", at(20)))
        == []
    )
    assert mirrored(rows(dropbox=["a"])) == []


def test_who_moved_last_wins():
    a_b = rows(nas=["b"], dropbox=["a"])
    assert isinstance(mirrored(a_b, Move("nas", "a", "b", at(20)))[0], Follow)
    assert mirrored(a_b, Move("nas", "a", "b", at(5))) == [], "it came there later"
    moves = [
        Move("nas", "a", "b", at(20)),
        Move("dropbox", "a", "b", at(21)),
        Move("nas", "b", "a", at(30)),
    ]
    back = rows(nas=["a"], dropbox=["b"])
    assert mirrored(back, *moves, pair=BACK) == [], "a rename back is not undone"
    assert isinstance(mirrored(back, *moves)[0], Follow)
    both = [Move("nas", "a", "b", at(20)), Move("dropbox", "a", "c", at(25))]
    apart = rows(nas=["b"], dropbox=["c"])
    assert needs(apart, *both) == MirrorNeeds([], [], 1)
    assert mirrored(apart, *both, pair=BACK) == [Follow("h", "h", apart[0], "c")]
    again = Move("nas", "b", "d", at(30))
    apart = rows(nas=["d"], dropbox=["c"])
    assert mirrored(apart, *both, again) == [Follow("h", "h", apart[1], "d")]
    assert needs(apart, *both, again, pair=BACK) == MirrorNeeds([], [], 1)


def test_two_stores_that_meet_keep_their_places():
    own = rows(nas=["a", "b", "d"], dropbox=["x", "y"])
    before = [Move("nas", "old", "a", at(5)), Move("dropbox", "older", "x", at(4))]
    assert needs(own, *before) == MirrorNeeds(
        [Transfer("h", "h", "a", 1)], [("b", "x"), ("d", "y")]
    )
    assert needs(own, *before, pair=BACK) == MirrorNeeds([], [("x", "b"), ("y", "d")])
    renamed = [*before, Move("nas", "d", "e", at(20))]
    own = rows(nas=["a", "b", "e"], dropbox=["x", "y"])
    assert needs(own, *renamed).actions == [
        Transfer("h", "h", "a", 1),
        Follow("h", "h", own[-1], "e"),
    ]


def test_what_the_history_tells_comes_before_places_of_their_own():
    more = rows(nas=["Z/a"], dropbox=["A/a", "D/x"])
    moved = Move("nas", "A/a", "Z/a", at(20))
    assert needs(more, moved) == MirrorNeeds([Follow("h", "h", more[1], "Z/a")], [])
    assert needs(more, moved, pair=BACK) == MirrorNeeds([Transfer("h", "h", "D/x", 1)], [], 1)
    many = rows(nas=["A/a2", "B/a3"], dropbox=["A/a1", "Y/a3"])
    moved = Move("dropbox", "B/a3", "Y/a3", at(20))
    assert needs(many, moved, pair=BACK) == MirrorNeeds(
        [Follow("h", "h", many[1], "Y/a3")], [("A/a1", "A/a2")]
    )
    twice = [Move("nas", "A/a", "B/a", at(20)), Move("nas", "B/a", "C/a", at(30))]
    many = rows(nas=["C/a"], dropbox=["A/a", "C/x"])
    assert needs(many, *twice).actions == [Follow("h", "h", many[1], "C/a")]


def test_what_got_a_number_moves_along_with_its_partner():
    apart = rows(nas=["N/a.jpg"], dropbox=["A/a_1.jpg"])
    moved = Move("nas", "A/a.jpg", "N/a.jpg", at(20))
    assert mirrored(apart, moved) == [Follow("h", "h", apart[1], "N/a.jpg")]
    assert mirrored(apart, moved, pair=BACK) == []
    apart = rows(nas=["A/a.jpg", "A/b.jpg"], dropbox=["N/a_1.jpg", "own.jpg"])
    moved = Move("dropbox", "A/a_1.jpg", "N/a_1.jpg", at(20))
    assert mirrored(apart, moved, pair=BACK) == [Follow("h", "h", apart[0], "N/a_1.jpg")]


def test_a_number_that_a_rename_ended_with_is_no_later_rename():
    settled = rows(nas=["b.jpg"], dropbox=["b_1.jpg"])
    moves = [Move("nas", "a.jpg", "b.jpg", at(20)), Move("dropbox", "a.jpg", "b_1.jpg", at(21))]
    assert needs(settled, *moves) == needs(settled, *moves, pair=BACK) == MirrorNeeds([], [])
    moves = [Move("nas", "b_1.jpg", "b.jpg", at(20)), Move("dropbox", "b_1.jpg", "b_1.jpg", at(21))]
    assert needs(settled, *moves) == needs(settled, *moves, pair=BACK) == MirrorNeeds([], [])


def test_a_rename_there_is_told_as_what_the_other_way_will_bring():
    moved = Move("dropbox", "a", "c", at(25))
    assert needs(rows(nas=["a"], dropbox=["c"]), moved) == MirrorNeeds([], [], 1)
    assert isinstance(mirrored(rows(nas=["a"], dropbox=["c"]), moved, pair=BACK)[0], Follow)


def test_what_got_a_number_is_not_sent_again():
    assert needs(rows(nas=["x/p.jpg"], dropbox=["x/p_1.jpg"])) == MirrorNeeds([], [])
    assert needs(rows(nas=["x/p_1.jpg"], dropbox=["x/p.jpg"])) == MirrorNeeds([], [])
    assert mirrored(rows(nas=["p.jpg", "q.jpg"], dropbox=["p_1.jpg"])) == [
        Transfer("h", "h", "q.jpg", 1)
    ]
    assert is_numbered("p_1.jpg", "p.jpg") and is_numbered("IMG_0007_12.JPG", "IMG_0007.jpg")
    assert not any(is_numbered(a, "p.jpg") for a in ("p.jpg", "p_a.jpg", "y/p_1.jpg", "p_1.png"))


def test_names_that_differ_in_case_are_one_where_the_store_takes_them_for_one():
    folded = Pair("nas", "dropbox", comparison_key)
    assert mirrored(rows(nas=["A.jpg", "a.jpg"]), pair=folded) == [Transfer("h", "h", "A.jpg", 1)]
    assert mirrored(rows(nas=["A.jpg", "a.jpg"], dropbox=["A.jpg"]), pair=folded) == []
    assert mirrored(rows(nas=["A.jpg"], dropbox=["a.jpg"]), pair=folded) == []
    renamed = Move("nas", "a.jpg", "A.jpg", at(20))
    assert isinstance(
        mirrored(rows(nas=["A.jpg"], dropbox=["a.jpg"]), renamed, pair=folded)[0], Follow
    )
    assert len(mirrored(rows(nas=["A.jpg", "a.jpg"], dropbox=["A.jpg"]))) == 1


def test_a_sidecar_lies_beside_its_asset_in_either_store():
    same = rows(nas=["x/p.jpg"], dropbox=["x/p.jpg"])
    assert mirrored(same, sidecars=[sidecar("nas", "x/p.xmp")]) == [
        Transfer("h", "s", "x/p.xmp", 1, True)
    ]
    assert mirrored(same, sidecars=[sidecar("nas", "x/p.xmp"), sidecar("dropbox", "x/p.xmp")]) == []
    own = rows(nas=["x/p.jpg"], dropbox=["Wedding/kiss.jpg"])
    both = [sidecar("nas", "x/p.jpg.xmp"), sidecar("dropbox", "Wedding/kiss.jpg.xmp")]
    assert mirrored(own, sidecars=both) == []
    assert mirrored(own, sidecars=both[:1]) == [
        Transfer("h", "s", "x/p.jpg.xmp", 1, True, to="Wedding/kiss.jpg.xmp")
    ]
    numbered = rows(nas=["x/p.jpg"], dropbox=["x/p_1.jpg"])
    assert (
        mirrored(numbered, sidecars=[sidecar("nas", "x/p.xmp"), sidecar("dropbox", "x/p_1.xmp")])
        == []
    )
    assert (
        mirrored(
            numbered, sidecars=[sidecar("nas", "x/p.jpg.xmp"), sidecar("dropbox", "x/p.jpg_1.xmp")]
        )
        == []
    )


def test_a_sidecar_goes_where_its_asset_goes():
    moved = rows(nas=["y/p.jpg"], dropbox=["x/p.jpg"])
    both = [sidecar("nas", "y/p.xmp"), sidecar("dropbox", "x/p.xmp")]
    found = mirrored(moved, Move("nas", "x/p.jpg", "y/p.jpg", at(20)), sidecars=both)
    assert [(type(a), a.path) for a in found] == [(Follow, "y/p.jpg"), (Follow, "y/p.xmp")]  # type: ignore[attr-defined]


def test_the_sidecar_that_was_written_last_replaces_the_other_and_never_the_other_way():
    same = rows(nas=["p.jpg"], dropbox=["p.jpg"])
    both = [sidecar("nas", "p.xmp", "new", 9), sidecar("dropbox", "p.xmp", "old", 5)]
    assert mirrored(same, sidecars=both) == [Transfer("h", "new", "p.xmp", 1, True, "old")]
    assert mirrored(same, sidecars=both, pair=BACK) == []


def test_the_quick_look_sees_whatever_may_be_needed():
    assert lacks(rows(nas=["a"], dropbox=["a"]), [], PAIR) == ("", False)
    assert lacks(rows(nas=["b", "a"]), [], PAIR) == ("a", False)
    assert lacks(rows(nas=["a"], dropbox=["b"]), [], PAIR) == ("a", True)
    assert lacks(rows(dropbox=["b"]), [], PAIR) == ("", False)
    assert lacks(rows(nas=["a"], dropbox=["a"]), [sidecar("nas", "a.xmp")], PAIR) == (
        "a.xmp",
        False,
    )


def test_a_sidecar_that_was_edited_there_goes_along_and_the_newest_text_wins():
    moved = Move("nas", "M/q.jpg", "R/r.jpg", at(20))
    copies = rows(nas=["R/r.jpg"], dropbox=["M/q.jpg"])
    for newest in ("nas", "dropbox"):
        mine = sidecar("nas", "R/r.jpg.xmp", "of nas", 5 + (newest == "nas") * 5)
        theirs = sidecar("dropbox", "M/q.jpg.xmp", "of dropbox", 6)
        follows = [
            Follow("h", "h", copies[1], "R/r.jpg"),
            Follow("h", "of dropbox", theirs, "R/r.jpg.xmp", True),
        ]
        sent = (
            [Transfer("h", "of nas", "R/r.jpg.xmp", 1, True, "of dropbox")]
            if newest == "nas"
            else []
        )
        assert mirrored(copies, moved, sidecars=[mine, theirs]) == [*follows, *sent]
        back = (
            [Transfer("h", "of dropbox", "M/q.jpg.xmp", 1, True, "of nas", to="R/r.jpg.xmp")]
            if not sent
            else []
        )
        assert mirrored(copies, moved, sidecars=[mine, theirs], pair=BACK) == back


def test_a_sidecar_that_was_left_behind_is_brought_to_its_photo_in_both_stores():
    moves = [
        Move("nas", "A/a.jpg", "B/b.jpg", at(20)),
        Move("dropbox", "A/a.jpg", "B/b.jpg", at(21)),
    ]
    copies = rows(nas=["B/b.jpg"], dropbox=["B/b.jpg"])
    both = [sidecar("nas", "A/a.xmp"), sidecar("dropbox", "B/b.xmp")]
    assert mirrored(copies, *moves, sidecars=both) == []
    assert mirrored(copies, *moves, sidecars=both, pair=BACK) == [
        Follow("h", "s", both[0], "B/b.xmp", True)
    ]
    numbered = rows(nas=["x/p.jpg"], dropbox=["y/q.jpg"])
    found = mirrored(numbered, sidecars=[sidecar("dropbox", "y/q.xmp")], pair=BACK)
    assert found == [Transfer("h", "s", "y/q.xmp", 1, True, to="x/p.xmp")]


def renamed(*places: tuple[str, str]) -> list[Follow]:
    return [Follow(old, old, {"path": old}, new) for old, new in places]


def test_a_limit_never_cuts_a_ring_and_takes_what_frees_a_name_first():
    ring = renamed(("a", "b"), ("b", "c"), ("c", "a"), ("x", "y"))
    assert (
        [f.old for f in limit_renames(ring, 1, str)]
        == [f.old for f in limit_renames(ring, 2, str)]
        == ["x"]
    )
    assert sorted(f.old for f in limit_renames(ring, 3, str)) == ["a", "b", "c"]
    shifted = renamed(*((str(n), str(n + 1)) for n in range(8)))
    assert [f.old for f in limit_renames(shifted, 3, str)] == ["7", "6", "5"] and len(
        limit_renames(shifted, 8, str)
    ) == 8
    assert limit_renames(renamed(("a", "A")), 1, comparison_key) == renamed(("a", "A"))
    assert limit_renames(ring, 0, str) == []


def test_what_has_a_name_that_two_stores_give_to_different_contents_is_found():
    here = {"a.jpg": "one", "b.jpg": "two", "c.jpg": "three"}
    assert find_contents(here, dict(here), str) == set()
    assert find_contents(here, {"a.jpg": "two", "b.jpg": "two"}, str) == {"one", "two"}
    assert find_contents(here, {"A.jpg": "two"}, str) == set()
    assert find_contents(here, {"A.jpg": "two"}, comparison_key) == {"one", "two"}


def numbered(_pairing: Pairing, path: str) -> str:
    stem, dot, extension = path.rpartition(".")
    return f"{stem}_9{dot}{extension}"


def settled(
    pair: Pair, *assets: tuple[str, list[dict[str, Any]], tuple[Move, ...]]
) -> dict[str, str]:
    """Where a store is to have what it has elsewhere, or lacks: by content."""
    found = [survey_asset(h, rows_, [], pair, moves) for h, rows_, moves in assets]
    names = settle_names([p for asset in found for p in asset.pairings], pair.key, numbered)
    return {a.hash: a.goal for asset in found for a in asset.needs(names).actions}


def came(second: int, **places: list[str]) -> list[dict[str, Any]]:
    return [{**row, "added": at(second)} for row in rows(**places)]


def test_what_came_last_to_a_name_has_it_in_both_stores():
    old = ("old", came(10, nas=["a.jpg"]), ())
    new = ("new", came(20, dropbox=["a.jpg"]), ())
    assert settled(PAIR, old, new) == {"old": "a_9.jpg"}
    assert settled(BACK, old, new) == {"old": "a_9.jpg", "new": "a.jpg"}
    there = ("old", [*old[1], *came(30, dropbox=["a_9.jpg"])], ())
    assert settled(PAIR, there, new) == {}
    assert settled(BACK, there, new) == {"old": "a_9.jpg", "new": "a.jpg"}


def test_names_that_lie_crosswise_are_changed_in_one_of_the_stores():
    old = ("old", [*came(10, nas=["a.jpg"]), *came(21, dropbox=["a_1.jpg"])], ())
    new = ("new", [*came(20, dropbox=["a.jpg"]), *came(22, nas=["a_1.jpg"])], ())
    assert settled(PAIR, old, new) == {}
    assert settled(BACK, old, new) == {"old": "a_1.jpg", "new": "a.jpg"}


def test_what_is_in_the_way_of_what_gives_way_gives_way_as_well():
    new = ("new", came(20, dropbox=["a.jpg"]), ())
    old = ("old", [*came(10, nas=["a.jpg"]), *came(21, dropbox=["a_1.jpg"])], ())
    third = ("third", came(5, nas=["a_1.jpg"]), ())
    assert settled(PAIR, new, old, third) == {"third": "a_1_9.jpg"}
    after = ("third", [*third[1], *came(30, dropbox=["a_1_9.jpg"])], ())
    assert settled(BACK, new, old, after) == {
        "new": "a.jpg",
        "old": "a_1.jpg",
        "third": "a_1_9.jpg",
    }


def test_places_that_nobody_renamed_do_not_give_way():
    own = ("own", [*came(10, nas=["a.jpg"]), *came(10, dropbox=["beach.jpg"])], ())
    new = ("new", came(20, dropbox=["a.jpg"]), ())
    assert settled(PAIR, own, new) == {"new": "a_9.jpg"}
    after = ("new", came(20, dropbox=["a_9.jpg"]), ())
    assert settled(BACK, own, after) == {"new": "a_9.jpg"}
