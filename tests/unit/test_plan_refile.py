"""Which names files get, and in which order: nothing is lost or overwritten, wherever it stops."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.names import comparison_key
from catalog.features.refile.file_names import BYWAY, number_at, tail_ahead, tail_beside
from catalog.features.refile.plan import (
    Held,
    Rename,
    Shot,
    ShotFile,
    limit_steps,
    plan_renames,
)

# --- a store as a dict ----------------------------------------------------------------------------

Store = dict[str, str]
"""What lies at each path: a name for its bytes."""
Wanted = dict[str, tuple[str, dict[str, str]]]
"""Shots by key: the stem that each should have, and the folder of each file by its name."""


def held(name: str, path: str) -> Held:
    return Held(name, name, {}, path)  # type: ignore[typeddict-item]


def shots_in(store: Store, wanted: Wanted) -> list[Shot]:
    at = {name: path for path, name in store.items()}
    return [
        Shot(key, stem, tuple(ShotFile(held(n, at[n]), folder) for n, folder in files.items()))
        for key, (stem, files) in wanted.items()
    ]


def planned(store: Store, wanted: Wanted) -> Iterator[list[tuple[str, str]]]:
    """The steps that bring the shots of a store to their names, as it lies."""
    shots = shots_in(store, wanted)
    numbers = {shot: shot.number() for shot in shots}
    numbered = [(s, n) for s, n in numbers.items() if n is not None and 0 < n < BYWAY]
    arriving = [s for s, n in numbers.items() if n is None or n >= BYWAY]
    own = {h.path for s in (*arriving, *(s for s, _n in numbered)) for h in s.held()}
    taken = {comparison_key(path) for path in store if path not in own}
    for _shot, step in plan_renames(arriving, numbered, taken, comparison_key):
        yield [(old, path) for _held, old, path in step]


def renamed(store: Store, step: list[tuple[str, str]]) -> Store:
    """The store after a step; where one of its names is taken, the test fails."""
    after = dict(store)
    for old, new in step:
        name = after.pop(old)
        assert comparison_key(new) not in map(comparison_key, after), (old, new, store)
        assert comparison_key(old) != comparison_key(new), "some stores refuse that"
        after[new] = name
    return after


def brought(store: Store, wanted: Wanted) -> Store:
    for step in planned(store, wanted):
        store = renamed(store, step)
    return store


STEMS = ["a", "a_1", "A", "b", "c", "b_2"]


@st.composite
def stores(draw: st.DrawFn) -> tuple[Store, Wanted]:
    """Files of shots and strangers, each under some name; and what the shots should be called."""
    store: Store = {}
    wanted: Wanted = {}
    seen: set[str] = set()

    def put(name: str, folder: str, extension: str) -> bool:
        stem = draw(st.sampled_from(STEMS))
        number = draw(st.sampled_from(["", "", "_1", "_2", f"_{BYWAY}"]))
        path = f"{folder}/{stem}{number}.{extension}"
        if comparison_key(path) in seen:
            return False
        seen.add(comparison_key(path))
        store[path] = name
        return True

    for number in range(draw(st.integers(1, 7))):
        files = {}
        for extension in draw(
            st.sampled_from([("jpg",), ("jpg", "dng"), ("dng",), ("jpg", "mov")])
        ):
            name = f"{number}.{extension}"
            if put(name, draw(st.sampled_from("fg")), extension):
                files[name] = draw(st.sampled_from("fg"))
        if files:
            wanted[str(number)] = (draw(st.sampled_from(STEMS)), files)
    for number in range(draw(st.integers(0, 2))):
        put(f"stranger {number}", draw(st.sampled_from("fg")), "jpg")
    return store, wanted


@given(stores())
def test_every_file_is_kept_every_shot_has_one_stem_and_no_name_is_given_twice(
    case: tuple[Store, Wanted],
) -> None:
    store, wanted = case
    after = brought(store, wanted)
    assert sorted(after.values()) == sorted(store.values())
    for shot in shots_in(after, wanted):
        number = shot.number()
        assert number is not None and number < BYWAY
    strangers = {p: n for p, n in store.items() if n.startswith("stranger")}
    assert strangers.items() <= after.items()


@given(stores())
def test_a_second_time_there_is_nothing_to_do(case: tuple[Store, Wanted]) -> None:
    store, wanted = case
    assert list(planned(brought(store, wanted), wanted)) == []


@given(stores())
def test_whoever_stops_anywhere_and_plans_again_comes_to_the_same(
    case: tuple[Store, Wanted],
) -> None:
    store, wanted = case
    after = brought(store, wanted)
    for step in planned(store, wanted):
        for count in range(len(step)):
            assert brought(renamed(store, step[:count]), wanted) == after
        store = renamed(store, step)
    assert store == after


# --- examples -------------------------------------------------------------------------------------


def of(stem: str, name: str = "x.jpg", key: str = "") -> Wanted:
    return {key or name: (stem, {name: "f"})}


def test_a_number_stays_while_something_else_has_the_name_without_it() -> None:
    wanted = of("a", "1") | of("a", "2")
    assert list(planned({"f/a.jpg": "1", "f/a_2.jpg": "2"}, wanted)) == []
    assert list(planned({"f/a_2.jpg": "2"}, of("a", "2"))) == [[("f/a_2.jpg", "f/a.jpg")]]


def test_names_that_are_swapped_change_hands_by_way_of_a_number() -> None:
    wanted = of("b", "1") | of("a", "2")
    assert list(planned({"f/a.jpg": "1", "f/b.jpg": "2"}, wanted)) == [
        [("f/a.jpg", f"f/b_{BYWAY}.jpg")],
        [("f/b.jpg", "f/a.jpg")],
        [(f"f/b_{BYWAY}.jpg", "f/b.jpg")],
    ]


def test_a_long_chain_moves_from_its_end() -> None:
    wanted: Wanted = {}
    for number in range(2000):
        wanted |= of(str(number + 1), f"{number:04}")
    store = {f"f/{number}.jpg": f"{number:04}" for number in range(2000)}
    steps = list(planned(store, wanted))
    assert steps[0] == [("f/1999.jpg", "f/2000.jpg")] and len(steps) == 2000


def test_very_many_files_of_one_name_get_their_numbers_at_once() -> None:
    wanted: Wanted = {}
    for number in range(3000):
        wanted |= of("day", f"{number:04}")
    store = {f"g/{number}.jpg": f"{number:04}" for number in range(3000)}
    after = brought_quickly(store, wanted)
    assert after["f/day.jpg"] == "0000" and after["f/day_2999.jpg"] == "2999"


def brought_quickly(store: Store, wanted: Wanted) -> Store:
    after = dict(store)
    for old, new in itertools.chain.from_iterable(planned(store, wanted)):
        assert new not in after
        after[new] = after.pop(old)
    return after


def test_a_change_of_case_goes_by_way_of_a_number() -> None:
    assert list(planned({"f/GHENT.jpg": "1"}, of("Ghent", "1"))) == [
        [("f/GHENT.jpg", f"f/Ghent_{BYWAY}.jpg")],
        [(f"f/Ghent_{BYWAY}.jpg", "f/Ghent.jpg")],
    ]


def test_sidecars_go_first_and_keep_what_stands_behind_the_stem() -> None:
    photo, own, other = held("p", "f/a_1.jpg"), held("s", "f/a_1.jpg.xmp"), held("t", "f/a_1.xmp")
    shot = Shot("p", "b", (ShotFile(photo, "g", ((own, ".jpg.xmp"), (other, ".xmp"))),))
    assert [(h.path, path) for h, path in shot.names(2)] == [
        ("f/a_1.jpg.xmp", "g/b_2.jpg.xmp"),
        ("f/a_1.xmp", "g/b_2.xmp"),
        ("f/a_1.jpg", "g/b_2.jpg"),
    ]


def test_what_stands_behind_the_stem_tells_whose_sidecar_it_is() -> None:
    assert tail_beside("f/a.jpg.xmp", "f/a.jpg") == ".jpg.xmp"
    assert tail_beside("f/a_01.jpg.xmp", "f/a.jpg") == "_01.jpg.xmp"
    assert tail_beside("f/C0001M01.XML", "f/C0001.mp4") == "M01.XML"
    assert tail_beside("f/ab.xmp", "f/a.jpg") == ""
    assert tail_beside("g/a.xmp", "f/a.jpg") == ""
    assert tail_ahead("g/b_2.jpg.xmp", "g", "b", "a.jpg") == ".jpg.xmp"
    assert tail_ahead("g/b.xmp", "g", "b", "a.jpg") == ".xmp"
    assert tail_ahead("g/b_2M01.XML", "g", "b", "a.mp4") == "M01.XML"
    assert tail_ahead("g/bb.xmp", "g", "b", "a.jpg") == ""


def test_the_number_of_a_name_is_told_from_its_stem() -> None:
    assert number_at("f/a_1.jpg", "f", "a_1") == 0
    assert number_at("f/a_1.jpg", "f", "a") == 1
    assert number_at("f/a_1.jpg", "g", "a") is None
    assert number_at("F/a.jpg", "f", "a") == 0, "a folder is used as it is spelt"
    assert number_at("f/A.jpg", "f", "a") is None


def test_a_limit_cuts_no_shot_and_takes_at_least_one() -> None:
    def step(key: str, count: int, problem: str = "") -> list[Rename]:
        row = {"path": ""}
        return [
            Rename("nas", key, key, row, f"{key}{n}", f"{n}", key, problem=problem)  # type: ignore[arg-type]
            for n in range(count)
        ]

    steps = [step("a", 2, "gone"), step("b", 2), step("c", 1), step("d", 2), step("e", 1)]

    def keys(limit: int) -> str:
        return "".join(taken[0].shot for taken in limit_steps(steps, limit))

    assert [keys(n) for n in range(7)] == ["abcde", "ab", "ab", "abc", "abc", "abcd", "abcde"]


def test_a_limit_cuts_no_ring() -> None:
    wanted = of("b", "1") | of("a", "2") | of("d", "3")
    store = {"f/a.jpg": "1", "f/b.jpg": "2", "f/c.jpg": "3"}
    row = {"path": ""}
    steps = [
        [Rename("nas", old, old, row, old, new, old) for old, new in step]  # type: ignore[arg-type]
        for step in planned(store, wanted)
    ]
    assert [len(limit_steps(steps, n)) for n in (1, 2, 3, 4)] == [1, 4, 4, 4]
