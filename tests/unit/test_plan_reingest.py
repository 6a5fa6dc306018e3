"""What becomes of the rows of a report: left, staged, taken away or brought back; from what is
known of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from catalog.domain.spreadsheets import Row
from catalog.features.reingest.duplicates.plan import (
    Remove,
    Restore,
    Seen,
    Trashed,
    plan_removal,
    plan_return,
)
from catalog.features.reingest.duplicates.plan import is_told as is_removal_told
from catalog.features.reingest.images import plan as photos
from catalog.features.reingest.replacement.plan import (
    BACK_UP,
    BRING_BACK,
    CHECK,
    NOTHING,
    ORIGINAL,
    OTHER,
    PUT,
    RECORD,
    RENDITION,
    TAKE,
    VERIFY,
    ReplacementState,
    plan_replacement,
)
from catalog.features.reingest.row_state import Dated, LeftRow, RowState
from catalog.features.reingest.videos import plan as films

WALL = datetime(2019, 7, 12, 18, 30, 15)
RECORD_OF_A = {
    "target": "icloud",
    "at": "2026-01-02T03:04:05Z",
    "name": "20190712_183015-a.jpg",
    "hash": "h",
    "staged": "h",
    "source": "/a.jpg",
    "run": "R",
    "size": 7,
}


def row(**cells: str) -> Row:
    return Row(5, {"file": "/a.jpg", "action": "move", "hash": "h", "reason": "", **cells})


def standing(**changed: Any) -> RowState:
    found = RowState(row(), Dated(WALL, 120), Dated(WALL, 120), {}, RECORD_OF_A, lies_staged=True)
    return replace(found, **changed)


DONE: dict[str, str] = {
    "processed": "20190712_183015-a.jpg",
    "reason": "",
    "action": "move",
    "hash": "h",
}


# --- photos ---------------------------------------------------------------------------------------


def test_a_photo_that_the_cloud_has_is_left_and_its_row_told_once():
    new = standing()
    assert photos.is_handed_over(new) and not photos.is_told(new)
    left = photos.leave(new, "")
    assert (left.outcome, left.target) == ("already", RECORD_OF_A["name"])
    assert left.cells == {"processed": RECORD_OF_A["name"], "processed_hash": "h"}
    told = standing(earlier=DONE)
    assert photos.is_told(told) and photos.leave(told, "").cells is None
    assert not photos.is_handed_over(standing(record=None))


def test_a_photo_is_staged_again_where_a_person_overrules_or_asks_for_what_is_gone():
    overruled = row(reason="handed over to icloud on 2026-01-02 as x.jpg")
    assert not photos.is_handed_over(standing(row=overruled))
    assert photos.is_handed_over(
        standing(row=overruled, earlier={**DONE, "reason": overruled.get("reason")})
    )
    assert photos.is_handed_over(standing(again=True))
    assert photos.is_handed_over(standing(lies_staged=False))
    assert not photos.is_handed_over(standing(lies_staged=False, again=True))
    assert "--again stages it" in photos.leave(standing(lies_staged=False), "").reason


def test_a_photo_whose_date_was_corrected_since_names_the_run_to_take_back():
    later = standing(when=Dated(datetime(2018, 1, 2), 120, edited=True), earlier=DONE)
    problem = photos.amendment(later)
    assert "its date was changed since" in problem and "`catalog undo R`" in problem
    left = photos.leave(later, problem)
    assert (left.outcome, left.reason, left.cells) == ("failed", f"line 5: {problem}", None)
    assert photos.leave(replace(later, earlier={}), problem).cells == {
        "processed": f"error: {problem}",
        "processed_hash": "",
    }
    elsewhere = standing(when=Dated(WALL, 60), earlier=DONE)
    assert photos.amendment(elsewhere) and not photos.amendment(replace(elsewhere, earlier={}))


def test_a_copy_is_looked_into_only_where_its_date_was_to_be_written():
    assert photos.may_lack_date(standing(), write_dates=True)
    assert not photos.may_lack_date(standing(), write_dates=False)
    assert not photos.may_lack_date(
        standing(row=row(source="exif:DateTimeOriginal")), write_dates=True
    )
    assert not photos.may_lack_date(
        standing(record={**RECORD_OF_A, "staged": "another"}), write_dates=True
    )
    assert not photos.may_lack_date(standing(when=Dated(None)), write_dates=True)


# --- films ----------------------------------------------------------------------------------------

FILM_DONE = {**DONE, "processing_status": "SUCCESS"}


def test_a_film_that_the_cloud_has_is_left_and_its_row_told_once():
    left = films.leave(standing(), "", "/staging/a.mov")
    assert (left.outcome, left.hash, left.cells) == (
        "already",
        "h",
        {
            "processing_status": "SUCCESS",
            "derived_file": "/staging/a.mov",
            "derived_hash": "h",
            "derived_size": "7",
        },
    )
    told = standing(earlier=FILM_DONE)
    assert films.is_told(told) and films.leave(told, "", "") == LeftRow(
        "hand over", told.row, "already"
    )
    assert films.leave(replace(told, lies_staged=False), "", "").reason.endswith(
        "--again stages it once more"
    )
    assert not films.is_told(standing(earlier=FILM_DONE, row=row(action="convert")))
    assert not films.is_told(standing(earlier={**FILM_DONE, "processing_status": "ERROR: x"}))


@pytest.mark.parametrize(
    ("cells", "earlier", "problem"),
    [
        ({"action": "convert"}, {}, "its action was changed since"),
        ({"video_codec_needed": "1"}, FILM_DONE, "what is to be encoded was changed since"),
        ({"video_codec_needed": "1"}, {}, ""),
        ({"file": "/other.jpg", "action": "convert"}, {}, ""),
    ],
)
def test_a_film_that_is_wanted_otherwise_since_names_the_run_to_take_back(
    cells: dict[str, str], earlier: dict[str, str], problem: str
):
    found = films.amendment(standing(row=row(**cells), earlier=earlier))
    assert problem in found and bool(problem) == ("`catalog undo R`" in found)


def test_a_row_without_a_reason_is_skipped_since_a_person_said_so():
    assert films.skip(row(action="skip")).cells == {
        "processing_status": "SKIPPED: a person said so"
    }
    assert films.fail(row(), "it broke", "StoreError").cells == {
        "processing_status": "ERROR: StoreError: it broke"
    }


# --- duplicates -----------------------------------------------------------------------------------

GOING = Row(
    3, {"file": "/a.jpg", "action": "Delete", "hash": "H", "dupe_of": "/b.jpg", "size": "2048"}
)


def test_a_duplicate_goes_stays_or_is_missing():
    assert plan_removal(GOING, Seen(7)) == Remove(GOING, "h", 7)
    assert plan_removal(GOING, Seen(trash="nas:RUN/a.jpg")) == Remove(
        GOING, "h", trash="nas:RUN/a.jpg"
    )
    kept = plan_removal(replace(GOING, cells={**GOING.cells, "action": "keep"}), Seen())
    missing, stays = (
        plan_removal(GOING, Seen()),
        plan_removal(GOING, Seen(7, "what it duplicates is gone")),
    )
    for left, outcome, removed in (
        (kept, "kept", "0"),
        (missing, "missing", "file_missing"),
        (stays, "failed", "0"),
    ):
        assert isinstance(left, LeftRow) and left.outcome == outcome and not left.counts
        assert left.cells is not None and left.cells["removed"] == removed
    assert isinstance(stays, LeftRow) and stays.reason == "line 3: what it duplicates is gone"


def test_a_duplicate_that_was_taken_away_is_told_once():
    assert is_removal_told(GOING, {"removed": "1"}, is_there=False)
    assert not is_removal_told(GOING, {"removed": "1"}, is_there=True)
    assert not is_removal_told(GOING, {"removed": "file_missing"}, is_there=False)


def test_a_duplicate_comes_back_to_an_empty_place_alone():
    found = Trashed(GOING, "/x/.catalog/trash/RUN/a.jpg", "a.jpg", "h", None)
    assert plan_return(found) == Restore(GOING, "h", found.trash, "a.jpg")
    assert plan_return(replace(found, content=None, lying="h")) == Restore(
        GOING, "h", found.trash, "a.jpg", is_back=True
    )
    for lacking, reason in (
        (replace(found, content=None), "no longer in the trash"),
        (replace(found, content="other"), "has another content"),
        (replace(found, lying="h"), "another file lies where it was"),
        (replace(found, lying=""), "another file lies where it was"),
        (replace(found, trash="nas:RUN/a.jpg"), "catalog trash restore RUN/a.jpg"),
        (replace(found, problem="the disk broke"), "the disk broke"),
    ):
        left = plan_return(lacking)
        assert (
            isinstance(left, LeftRow)
            and left.outcome == "failed"
            and reason in left.reason
            and left.cells is None
        )


# --- replacement ----------------------------------------------------------------------------------

START = ReplacementState(ORIGINAL, NOTHING, same=False, backed_up=False, staged=RENDITION)


def test_a_replacement_that_gains_nothing_or_has_another_file_is_refused_at_once():
    larger = replace(START, grows=True)
    assert plan_replacement(larger).problem == "nothing would be gained in size"
    assert plan_replacement(larger, larger=True).steps == (
        BACK_UP,
        CHECK,
        TAKE,
        PUT,
        RECORD,
        VERIFY,
    )
    assert plan_replacement(replace(larger, place=NOTHING, backed_up=True)).steps == ()
    assert plan_replacement(
        replace(larger, place=NOTHING, target=RENDITION, backed_up=True)
    ).steps == (RECORD, VERIFY)
    assert "is not the one that was made" in plan_replacement(replace(START, staged=OTHER)).problem


def test_what_a_killed_run_had_moved_aside_comes_back_first_whatever_follows():
    gone = replace(START, place=NOTHING, backed_up=True)
    back = plan_replacement(replace(gone, aside=ORIGINAL))
    assert (
        back.steps == (BRING_BACK, BACK_UP, CHECK, TAKE, PUT, RECORD, VERIFY) and not back.problem
    )
    assert plan_replacement(replace(gone, waiting=RENDITION)).steps == (BRING_BACK, RECORD, VERIFY)
    unmade = plan_replacement(replace(gone, aside=ORIGINAL, staged=NOTHING))
    assert unmade.steps == (BRING_BACK,) and "process-videos --again" in unmade.problem
    assert plan_replacement(replace(START, aside=ORIGINAL)).steps[0] == BACK_UP
