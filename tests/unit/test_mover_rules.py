"""Where tagged files go, and when those that could not be moved are tried again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.features.sorting.plan import Move, Pauses, Places, Sighting, plan_moves

ROOT = Path(__file__).parents[2]
PLACES = Places("AI/_unsorted", "AI/organized", "ai")


def planned(path: str, *tags: str, places: Places = PLACES) -> Move | None:
    moves = plan_moves([Sighting(path, tags)], places)
    return moves[0] if moves else None


@pytest.mark.parametrize(
    ("tags", "folder", "others"),
    [
        (("ai:cats",), "AI/organized/cats", ()),
        (("ai:dogs", "holiday", "ai:cats"), "AI/organized/cats", ("ai:dogs",)),
        (("ai:a/b", "ai:cats"), "AI/organized/cats", ()),
        (("ai: cats ",), "AI/organized/cats", ()),
        (("ai:Cafe\u0301",), "AI/organized/Caf\u00e9", ()),
        (("ai:a:b",), None, ()),
    ],
)
def test_the_first_tag_by_name_that_names_a_folder_counts(
    tags: tuple[str, ...], folder: str | None, others: tuple[str, ...]
) -> None:
    move = planned("AI/_unsorted/x/a.jpg", *tags)
    assert move is not None and move.others == others
    assert (move.folder == folder) if folder else bool(move.problem)


@pytest.mark.parametrize("tag", ["cats", "AI:cats", "aim:cats", "ai", "holiday:ai:cats"])
def test_other_tags_never_count(tag: str) -> None:
    assert planned("AI/_unsorted/a.jpg", tag) is None


@given(st.text(st.characters(codec="utf-8"), max_size=12), st.sampled_from(["", "AI", "AI/made"]))
def test_whatever_a_tag_is_called_a_file_goes_into_one_folder_right_below(
    category: str, images: str
) -> None:
    places = Places("AI/_unsorted", images, "ai")
    move = planned("AI/_unsorted/a.jpg", f"ai:{category}", places=places)
    assert move is not None
    if not move.problem:
        above, _, name = move.folder.rpartition("/")
        assert above == images and name and name not in (".", "..") and not name.startswith(".")
        assert not places.is_unsorted(move.folder)


def test_what_lies_elsewhere_is_left_and_what_is_where_it_belongs_loses_its_tag() -> None:
    assert planned("AI/other/a.jpg", "ai:cats") is None
    assert planned("AI/_unsorted2/a.jpg", "ai:cats") is None
    assert planned("AI/organized/cats/deeper/a.jpg", "ai:cats") is None
    move = planned("AI/organized/dogs/a.jpg", "ai:cats", "ai:dogs")
    assert move is not None and move.is_there and move.tag == "ai:dogs"


def test_of_a_content_that_is_there_and_waits_besides_only_what_waits_is_planned() -> None:
    waits, there = (
        Sighting(f"AI/{path}/a.jpg", ("ai:cats",), "hash")
        for path in ("_unsorted", "organized/cats")
    )
    assert [move.path for move in plan_moves([there, waits], PLACES)] == [waits.path]
    assert [move.path for move in plan_moves([there], PLACES)] == [there.path]


def test_a_category_is_never_the_folder_that_files_are_taken_from() -> None:
    move = planned("AI/_unsorted/a.jpg", "ai:_unsorted", places=Places("AI/_unsorted", "AI", "ai"))
    assert move is not None and "taken from" in move.problem


def test_what_failed_is_tried_again_after_a_while_that_grows() -> None:
    pauses = Pauses()
    move = planned("AI/_unsorted/a.jpg", "ai:cats")
    assert move is not None
    moment, waited = 0.0, []
    for _time in range(9):
        assert pauses.due([move], moment) == [move]
        pauses.add(move.path, move.tag, moment)
        pause = next(s for s in range(1, 10_000) if pauses.due([move], moment + s))
        waited.append(pause)
        moment += pause
    assert waited == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    other = planned("AI/_unsorted/a.jpg", "ai:birds")
    assert other is not None and pauses.due([other], 0.0) == [other], "it has another tag"


def test_its_script_starts_what_is_installed(tmp_path: Path) -> None:
    program = tmp_path / "bin/mover"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "MOVER_VENV": str(tmp_path)}
    told = subprocess.run(
        [ROOT / "mover/run.sh", "--frequency", "5"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["--watch", "--frequency", "5"]
