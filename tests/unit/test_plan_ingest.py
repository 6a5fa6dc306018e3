"""The plan of an upload: pure, sorted, never over another file, and empty once it was applied."""

from __future__ import annotations

import builtins
import copy
import itertools
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from asset_makers import SUMMER, asset, member, taken
from chance import times
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry, KnownAsset
from catalog.domain.filetypes import extension_of
from catalog.domain.layout import Layout
from catalog.domain.names import comparison_key
from catalog.domain.stacks import Member, group_stacks
from catalog.features.ingest.actions import Action, CopyToStore, Shot, SkipDuplicate
from catalog.features.ingest.plan import IngestFacts, Occupancy, Remembered, plan_ingest
from catalog.work.driver import limit_plans

LAYOUT = Layout()
JULY = "2019/07_July"


@dataclass
class Model:
    """A catalog in memory: what lies at which path, and which content is recorded."""

    files: dict[str, str] = field(default_factory=dict)
    recorded: dict[str, str] = field(default_factory=dict)

    def facts(
        self, stacks: Sequence[tuple[Member, ...]], skipped: Sequence[Skip] = ()
    ) -> IngestFacts:
        known = {
            h: KnownAsset(h, ({"store": "nas", "path": p},), 1, 1) for h, p in self.recorded.items()
        }
        return IngestFacts(stacks, (), skipped, known, dict(self.recorded))

    def occupancy(self) -> Occupancy:
        occupancy = Occupancy(contents=dict(self.files))
        for path in self.files:
            occupancy.take(path)
        return occupancy

    def plan(self, members: Sequence[Member], *, move: bool = False) -> list[Action]:
        return plan_ingest(
            self.facts(group_stacks(members)), self.occupancy(), LAYOUT, "nas", move=move
        )

    def apply(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, CopyToStore):
                taken_keys = {comparison_key(p) for p in self.files}
                assert action.present == (self.files.get(action.target) == action.asset.hash)
                assert action.present or comparison_key(action.target) not in taken_keys, (
                    "something would be overwritten"
                )
                self.files[action.target] = self.recorded[action.asset.hash] = action.asset.hash
                self.recorded[action.asset.hash] = action.target
                for entry, target in action.sidecars:
                    assert self.files.get(target, entry.path) == entry.path, (
                        "a sidecar would be overwritten"
                    )
                    self.files[target] = entry.path


def copies(actions: Sequence[Action]) -> dict[str, str]:
    """Source path to target."""
    return {a.source.path: a.target for a in actions if isinstance(a, CopyToStore)}


def duplicates(actions: Sequence[Action]) -> dict[str, str]:
    """Source path to where the content is."""
    return {a.source.path: a.existing for a in actions if isinstance(a, SkipDuplicate)}


# --- what a plan is -------------------------------------------------------------------------------


def test_a_new_photo_is_copied_to_its_month():
    (action,) = Model().plan([member("IMG_0007.JPG", "a", city="Ghent")])
    assert isinstance(action, CopyToStore)
    assert action.target == f"{JULY}/2019-07-12 18-30-15 Ghent.jpg"
    assert (action.store, action.is_new, action.present, action.shot, action.stack) == (
        "nas",
        True,
        False,
        None,
        None,
    )
    assert action.describe() == f"copy IMG_0007.JPG -> nas:{JULY}/2019-07-12 18-30-15 Ghent.jpg"


def test_planning_touches_no_file_no_network_and_no_clock(monkeypatch: pytest.MonkeyPatch):
    def forbidden(*_args: object, **_options: object) -> None:
        raise AssertionError("a plan is pure")

    members = [member(f"{n}.jpg", n, "jpeg", f"{n}.xmp") for n in "abc"]
    facts, occupancy = Model().facts(group_stacks(members)), Occupancy()
    for owner, name in (
        (builtins, "open"),
        (os, "open"),
        (os, "stat"),
        (os, "listdir"),
        (socket, "socket"),
        (time, "time"),
        (time, "monotonic"),
    ):
        monkeypatch.setattr(owner, name, forbidden)
    plan = plan_ingest(facts, occupancy, LAYOUT, "nas", move=False)
    monkeypatch.undo()
    assert len(plan) == 3


def test_the_plan_changes_none_of_its_facts():
    facts = Model().facts(group_stacks([member("a.jpg", "a"), member("b.jpg", "a")]))
    before = copy.deepcopy(facts)
    plan_ingest(facts, Occupancy(), LAYOUT, "nas", move=True)
    assert facts == before


def test_the_same_facts_give_the_same_plan():
    members = [member(f"{n}.jpg", n) for n in "cab"]
    assert Model().plan(members) == Model().plan(members)


def test_actions_come_sorted_by_source_whatever_their_kind():
    skips = [Skip(Entry("b.txt"), "no photo"), Skip(Entry("z.txt"), "no photo")]
    facts = Model().facts(
        group_stacks([member("c.jpg", "c"), member("a.jpg", "a"), member("d.jpg", "a")]), skips
    )
    plan = plan_ingest(facts, Occupancy(), LAYOUT, "nas", move=False)
    assert [a.key for a in plan] == ["a.jpg", "b.txt", "c.jpg", "d.jpg", "z.txt"]
    assert [a.name for a in plan] == ["copy", "skip", "copy", "duplicate", "skip"]


# --- duplicates -----------------------------------------------------------------------------------


def test_of_two_files_with_one_content_the_first_is_copied_and_the_second_recorded():
    plan = Model().plan([member("a.jpg", "same"), member("b.jpg", "same")])
    assert duplicates(plan) == {"b.jpg": copies(plan)["a.jpg"]}


def test_what_the_catalog_holds_is_not_copied_again():
    model = Model(recorded={asset("same").hash: "2018/01_January/x.jpg"})
    plan = model.plan([member("a.jpg", "same")], move=True)
    assert duplicates(plan) == {"a.jpg": "2018/01_January/x.jpg"}
    assert plan[0].shot == Shot("a.jpg", 1)  # type: ignore[union-attr]


def test_what_an_earlier_batch_planned_is_not_copied_again():
    facts = IngestFacts(
        group_stacks([member("a.jpg", "same")]),
        (),
        (),
        {},
        {},
        {asset("same").hash: "x/planned.jpg"},
    )
    assert duplicates(plan_ingest(facts, Occupancy(), LAYOUT, "nas", move=False)) == {
        "a.jpg": "x/planned.jpg"
    }


def test_an_asset_whose_copy_vanished_is_copied_again_but_is_no_new_asset():
    digest = asset("a").hash
    facts = IngestFacts(
        group_stacks([member("a.jpg", "a")]), (), (), {digest: KnownAsset(digest, (), 1, 1)}, {}
    )
    (action,) = plan_ingest(facts, Occupancy(), LAYOUT, "nas", move=False)
    assert isinstance(action, CopyToStore) and not action.is_new


def test_a_file_that_was_read_before_is_a_duplicate_without_being_read():
    item = Remembered(Entry("a.jpg"), "0" * 64)
    facts = IngestFacts((), (item,), (), {}, {"0" * 64: "x/y.jpg"})
    (action,) = plan_ingest(facts, Occupancy(), LAYOUT, "nas", move=False)
    assert action == SkipDuplicate(item.entry, "0" * 64, "nas", "x/y.jpg", remembered=True)


# --- moves ----------------------------------------------------------------------------------------


def shots_of(plan: Sequence[Action]) -> dict[str, int]:
    """How many files leave together with each one."""
    return {a.source.path: a.shot.files for a in plan if not isinstance(a, Skip) and a.shot}


def test_a_shot_leaves_its_source_as_a_whole():
    plan = Model().plan(
        [member("a.jpg", "a"), member("a.cr2", "b", "cr2"), member("c.jpg", "c")], move=True
    )
    assert shots_of(plan) == {"a.jpg": 2, "a.cr2": 2, "c.jpg": 1}
    assert plan[0].shot == plan[1].shot != plan[2].shot  # type: ignore[union-attr]
    assert shots_of(Model().plan([member("a.jpg", "a")])) == {}


def test_files_that_share_a_sidecar_leave_together_even_if_known():
    edited = member("IMG_1-edited.png", "b", "png", "IMG_1.png.json")
    known = Remembered(Entry("IMG_1.png"), "0" * 64, True, (Entry("IMG_1.png.json", 5),))
    facts = IngestFacts(group_stacks([edited]), (known,), (), {}, {"0" * 64: "x/y.png"})
    plan = plan_ingest(facts, Occupancy(), LAYOUT, "nas", move=True)
    assert shots_of(plan) == {"IMG_1-edited.png": 2, "IMG_1.png": 2}
    carried = [s.path for a in plan if isinstance(a, SkipDuplicate) for s in a.sidecars]
    assert carried == []  # the new one brings it


def test_an_unreadable_file_keeps_the_rest_of_its_shot_in_the_source():
    facts = IngestFacts(
        group_stacks([member("a.jpg", "a")]),
        (),
        (Skip(Entry("a.cr2"), "broken", "failed"),),
        {},
        {},
        {},
        {"a.jpg": "a", "a.cr2": "a"},
    )
    plan = plan_ingest(facts, Occupancy(), LAYOUT, "nas", move=True)
    assert shots_of(plan) == {"a.jpg": 2}


def test_a_known_file_learns_of_the_stack_that_it_has_become_part_of():
    model = Model(recorded={asset("a").hash: f"{JULY}/x.jpg"})
    still, raw = member("a.jpg", "a"), member("a.cr2", "b", "cr2")
    plan = model.plan([still, raw])
    assert [a.mates for a in plan if isinstance(a, CopyToStore)] == [((still.asset.hash, "jpeg"),)]
    assert [a.stack for a in plan if isinstance(a, CopyToStore)] == [(still.asset.hash, "raw")]


def test_a_member_that_was_dated_otherwise_gives_no_name_to_the_others():
    """It came without the sidecar that tells the date of the shot."""
    model = Model(recorded={asset("a").hash: "2021/03_March/2021-03-04 05-06-07 @ u.jpg"})
    plan = model.plan([member("u.jpg", "a"), member("u.cr2", "b", "cr2")])
    assert copies(plan) == {"u.cr2": f"{JULY}/2019-07-12 18-30-15.cr2"}


def test_a_shared_sidecar_goes_with_the_picture_whether_its_files_are_known_or_not():
    xmp = Entry("u.xmp", 5)
    known = [
        Remembered(Entry(name), digest * 64, True, (xmp,))
        for name, digest in (("u.dng", "0"), ("u.jpg", "1"))
    ]
    facts = IngestFacts((), known, (), {}, {"0" * 64: "x/u.dng", "1" * 64: "x/u.jpg"})
    plan = plan_ingest(facts, Occupancy(), LAYOUT, "nas", move=True)
    assert [a.source.path for a in plan if isinstance(a, SkipDuplicate) and a.sidecars] == ["u.jpg"]


# --- names that are taken -------------------------------------------------------------------------


def test_two_shots_of_one_second_get_suffixes_in_the_order_of_their_names():
    plan = Model().plan([member(f"{n}.jpg", n) for n in "abc"])
    stem = f"{JULY}/2019-07-12 18-30-15"
    assert copies(plan) == {
        "a.jpg": f"{stem}.jpg",
        "b.jpg": f"{stem}_1.jpg",
        "c.jpg": f"{stem}_2.jpg",
    }


def test_a_camera_counter_is_kept_when_a_suffix_is_needed():
    model = Model(files={"undated/IMG_0007.jpg": "other"})
    assert copies(model.plan([member("IMG_0007.jpg", "a", undated=True)])) == {
        "IMG_0007.jpg": "undated/IMG_0007_1.jpg"
    }


def test_names_that_differ_in_case_or_unicode_form_are_taken():
    model = Model(files={"undated/zo\u00eb.jpg": "x", "undated/IMG.jpg": "y"})
    plan = model.plan(
        [member("Zoe\u0308.jpg", "a", undated=True), member("img.jpg", "b", undated=True)]
    )
    assert copies(plan) == {
        "Zoe\u0308.jpg": "undated/Zo\u00eb_1.jpg",
        "img.jpg": "undated/img_1.jpg",
    }


def test_a_target_that_already_holds_this_content_is_adopted():
    target = f"{JULY}/2019-07-12 18-30-15.jpg"
    (action,) = Model(files={target: asset("a").hash}).plan([member("a.jpg", "a")])
    assert isinstance(action, CopyToStore)
    assert (action.target, action.present) == (target, True)
    assert action.describe().endswith("(already there)")


def test_the_content_is_found_under_a_suffix_as_well():
    stem = f"{JULY}/2019-07-12 18-30-15"
    (action,) = Model(files={f"{stem}.jpg": "other", f"{stem}_1.jpg": asset("a").hash}).plan(
        [member("a.jpg", "a")]
    )
    assert isinstance(action, CopyToStore)
    assert (action.target, action.present) == (f"{stem}_1.jpg", True)


# --- stacks and sidecars --------------------------------------------------------------------------


def live(still: str = "s", movie: str = "m", name: str = "IMG_0007") -> list[Member]:
    return [
        member(f"{name}.heic", still, "heic", city="Ghent"),
        member(f"{name}.mov", movie, "mov", duration=2.0),
    ]


def test_a_stack_shares_one_stem_and_lies_with_its_still():
    plan = Model().plan(live())
    assert copies(plan) == {
        "IMG_0007.heic": f"{JULY}/2019-07-12 18-30-15 Ghent.heic",
        "IMG_0007.mov": f"{JULY}/filmchen/2019-07-12 18-30-15 Ghent.mov",
    }
    assert [a.stack for a in plan if isinstance(a, CopyToStore)] == [
        (asset("s").hash, "still"),
        (asset("s").hash, "live"),
    ]


def test_a_stack_shares_one_suffix_though_only_one_of_its_names_is_taken():
    model = Model(files={f"{JULY}/filmchen/2019-07-12 18-30-15 Ghent.mov": "other"})
    assert {t.rpartition("/")[2] for t in copies(model.plan(live())).values()} == {
        "2019-07-12 18-30-15 Ghent_1.heic",
        "2019-07-12 18-30-15 Ghent_1.mov",
    }


def test_the_movie_may_lie_beside_the_still():
    facts = Model().facts(group_stacks(live()))
    plan = plan_ingest(facts, Occupancy(), Layout(live_video_beside_still=True), "nas", move=False)
    assert copies(plan)["IMG_0007.mov"] == f"{JULY}/2019-07-12 18-30-15 Ghent.mov"


def test_a_late_member_takes_the_stem_of_the_one_in_the_catalog():
    model = Model(recorded={asset("s").hash: f"{JULY}/2019-07-12 18-30-15 Ghent_4.heic"})
    plan = model.plan(live())
    assert copies(plan) == {"IMG_0007.mov": f"{JULY}/filmchen/2019-07-12 18-30-15 Ghent_4.mov"}
    assert duplicates(plan) == {"IMG_0007.heic": f"{JULY}/2019-07-12 18-30-15 Ghent_4.heic"}


def test_a_late_member_of_a_file_without_extension_takes_its_whole_name_as_stem():
    raw = member("scan.cr2", "raw", "cr2")
    model = Model(recorded={asset("jpeg").hash: f"{JULY}/2019-07-12 18-30-15"})  # no place, no dot
    plan = model.plan([member("scan", "jpeg"), raw])
    assert copies(plan) == {"scan.cr2": f"{JULY}/2019-07-12 18-30-15.cr2"}


def test_sidecars_travel_with_their_asset():
    shot = member(
        "IMG_0007.JPG",
        "a",
        "jpeg",
        "IMG_0007.xmp",
        "IMG_0007.JPG.json",
        "IMG_0007.AAE",
        "IMG_0007.JPG.xmp",
    )
    (action,) = Model().plan([shot])
    assert isinstance(action, CopyToStore)
    stem = f"{JULY}/2019-07-12 18-30-15"
    assert {e.path: t for e, t in action.sidecars} == {
        "IMG_0007.xmp": f"{stem}.xmp",
        "IMG_0007.JPG.json": f"{stem}.jpg.json",
        "IMG_0007.AAE": f"{stem}.aae",
        "IMG_0007.JPG.xmp": f"{stem}.jpg.xmp",
    }


def test_two_sidecars_of_one_kind_do_not_share_a_name():
    (action,) = Model().plan(
        [member("a.jpg", "a", "jpeg", "a.jpg.json", "a.jpg.supplemental-metadata.json")]
    )
    assert isinstance(action, CopyToStore)
    assert len({t for _e, t in action.sidecars}) == 2


def test_a_sidecar_beside_a_file_without_extension_stays_beside_it():
    (action,) = Model().plan([member("IMG_0007", "a", "jpeg", "IMG_O0007.aae")])
    assert isinstance(action, CopyToStore)
    assert action.sidecars[0][1] == f"{action.target}.aae"


def test_a_sidecar_whose_name_is_taken_keeps_the_full_name_of_its_asset():
    model = Model(files={f"{JULY}/2019-07-12 18-30-15.xmp": "strange"})
    (action,) = model.plan([member("a.jpg", "a", "jpeg", "a.xmp")])
    assert isinstance(action, CopyToStore)
    assert action.target == f"{JULY}/2019-07-12 18-30-15.jpg"
    assert action.sidecars[0][1] == f"{JULY}/2019-07-12 18-30-15.jpg.xmp"


@pytest.mark.parametrize(
    "second", [taken(), taken(SUMMER + timedelta(hours=1))], ids=["one stack", "two stacks"]
)
def test_a_sidecar_of_two_files_goes_with_the_first_alone_so_that_a_move_finds_it(second):
    members = [
        member("a.jpg", "a", "jpeg", "a.xmp"),
        member("a.cr2", "b", "cr2", "a.xmp", captured=second),
    ]
    plan = Model().plan(members, move=True)
    assert [len(a.sidecars) for a in plan if isinstance(a, CopyToStore)].count(1) == 1
    assert sum(len(a.sidecars) for a in plan if isinstance(a, CopyToStore)) == 1


# --- the end --------------------------------------------------------------------------------------


SHOTS = st.builds(
    lambda name, content, filetype, seconds, sidecar: member(
        f"{name}.{extension_of('x.' + filetype)}",
        content,
        filetype,
        *([f"{name}.xmp"] if sidecar else []),
        duration=float(seconds),
        captured=taken(SUMMER + timedelta(seconds=seconds)),
    ),
    st.sampled_from(["a", "b", "A", "IMG_0007", "Zo\u00eb", "Zoe\u0308"]),
    st.sampled_from("uvwxyz"),
    st.sampled_from(["jpeg", "heic", "cr2", "mov", "mp4"]),
    st.integers(0, 2),
    st.booleans(),
)
BATCHES = st.lists(st.lists(SHOTS, max_size=8, unique_by=lambda m: m.entry.path), max_size=3)


@settings(max_examples=times(60))
@given(BATCHES)
def test_once_a_plan_is_applied_nothing_is_left_to_copy(batches: list[list[Member]]):
    model = Model()
    for batch in batches:
        model.apply(model.plan(batch))
    for batch in batches:
        again = model.plan(batch)
        assert copies(again) == {}
        assert {a.source.path for a in again} == {m.entry.path for m in batch}


@settings(max_examples=times(60))
@given(BATCHES, st.integers(0, 20))
def test_an_applied_plan_stores_every_content_once_and_overwrites_nothing(
    batches: list[list[Member]], cut: int
):
    model = Model()
    for batch in batches:
        plan = model.plan(batch)
        model.apply(plan[:cut])  # killed here
        model.apply(model.plan(batch))
    contents = {m.asset.hash for b in batches for m in b}
    assert set(model.recorded) == contents
    assert sorted(h for h in model.files.values() if h in contents) == sorted(contents)
    assert len({comparison_key(p) for p in model.files}) == len(model.files)


@settings(max_examples=times(60))
@given(BATCHES, st.integers(0, 20))
def test_a_run_that_was_killed_ends_where_an_undisturbed_one_does(
    batches: list[list[Member]], cut: int
):
    undisturbed, killed = Model(), Model()
    for batch in batches:
        undisturbed.apply(undisturbed.plan(batch))
        killed.apply(killed.plan(batch)[:cut])
        killed.apply(killed.plan(batch))
    assert killed == undisturbed


def test_the_rest_of_a_shot_gets_the_number_that_its_first_files_got_before_a_kill():
    shots = [
        *(member("a.cr2", "u", "cr2"), member("A.jpg", "v")),
        *(member("Z.heic", "w", "heic"), member("Z.cr2", "x", "cr2"), member("Z.jpg", "u")),
    ]
    undisturbed, killed = Model(), Model()
    undisturbed.apply(undisturbed.plan(shots))
    killed.apply(
        [a for a in killed.plan(shots) if a.key in ("A.jpg", "Z.cr2")]
    )  # what u has to do with the number is not there yet
    killed.apply(killed.plan(shots))
    assert killed == undisturbed


@settings(max_examples=times(60))
@given(st.lists(SHOTS, max_size=8, unique_by=lambda m: m.entry.path))
def test_files_that_were_copied_but_not_recorded_are_found_again(members: list[Member]):
    model = Model()
    plan = model.plan(members)
    model.apply(plan)
    model.recorded.clear()  # killed between copying and recording
    again = model.plan(members)
    assert copies(again) == copies(plan)
    assert all(a.present for a in again if isinstance(a, CopyToStore))


# --- limit ----------------------------------------------------------------------------------------


def plans() -> list[list[Action]]:
    first = Model().plan([member("a.jpg", "a"), member("b.jpg", "a"), member("c.jpg", "c")])
    second = Model().plan([member("d.jpg", "d"), member("e.jpg", "e")])
    return [first, second]


@pytest.mark.parametrize(
    ("limit", "stored", "seen"),
    [
        (0, ["a.jpg", "c.jpg", "d.jpg", "e.jpg"], 5),
        (1, ["a.jpg"], 2),
        (2, ["a.jpg", "c.jpg"], 3),
        (3, ["a.jpg", "c.jpg", "d.jpg"], 4),
        (99, ["a.jpg", "c.jpg", "d.jpg", "e.jpg"], 5),
    ],
)
def test_a_limit_counts_the_files_that_are_stored_and_takes_the_first_ones(
    limit: int, stored: list[str], seen: int
):
    kept = [a for plan in limit_plans(iter(plans()), limit) for a in plan]
    assert list(copies(kept)) == stored
    assert len(kept) == seen


def test_a_limit_that_is_reached_asks_for_no_further_batch():
    def endless():
        yield plans()[0]
        raise AssertionError("asked for more than the limit needs")

    assert len(list(limit_plans(endless(), 2))) == 1


@settings(max_examples=times(60))
@given(BATCHES, st.integers(1, 6))
def test_a_limited_plan_is_the_beginning_of_the_whole_plan_without_duplicates_of_what_is_cut(
    batches: list[list[Member]], limit: int
):
    plans = [Model().plan(batch) for batch in batches]
    part = [a for plan in limit_plans(iter(plans), limit) for a in plan]
    rest = (a for plan in plans for a in plan)
    left_out: list[Action] = []
    for kept in part:
        left_out += itertools.takewhile(lambda a, kept=kept: a != kept, rest)
    cut = {a.asset.hash for a in rest if isinstance(a, CopyToStore)}
    assert all(isinstance(a, SkipDuplicate) and a.hash in cut for a in left_out)
    assert len(copies(part)) <= limit
