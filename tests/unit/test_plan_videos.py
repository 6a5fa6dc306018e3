"""What is proposed for videos, what a person may change of it,
and how a converted file takes an original's place.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from catalog.domain.capture_time import CaptureTime
from catalog.domain.person import lay_over
from catalog.domain.spreadsheets import Row
from catalog.domain.video import Clip, ConversionNeeds, Pictures, Sound
from catalog.features.reingest.plan import EvaluatedFile, Rules
from catalog.features.reingest.renditions import (
    as_rendition,
    rendition_document,
    with_rendition,
    without_rendition,
)
from catalog.features.reingest.replacement.plan import (
    BACK_UP,
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
    ReplacementUndo,
    plan_replacement,
    plan_undo,
)
from catalog.features.reingest.videos.dates import film_date, row_problem
from catalog.features.reingest.videos.plan import decide_video, row_needs, utc_text

WALL = datetime(2019, 7, 12, 18, 30, 15)
TAKEN = CaptureTime(WALL, "quicktime:creationdate", "high", 120)
SHOT = EvaluatedFile(("2019",), "mov", TAKEN, datetime(2019, 8, 1))
FIT = Clip("mov", Pictures(0, "hevc", "hvc1", 64, 48), (Sound(1, "aac", 2),))
ALL = Rules()
OLD = replace(FIT, pictures=Pictures(0, "h264", "avc1", 64, 48))


def decided(
    shot: EvaluatedFile = SHOT, clip: Clip | None = FIT, rules: Rules = ALL, problem: str = ""
) -> tuple[str, str]:
    found = decide_video(shot, rules, clip, problem).decision
    return found.action, found.reason


def test_fit_videos_are_copied_and_the_others_converted():
    assert decided() == ("move", "fully compatible already")
    assert decided(clip=OLD) == ("convert", "convert: video codec")
    assert decided(clip=replace(OLD, type="avi")) == ("convert", "convert: video codec+container")


def test_a_date_that_the_film_does_not_state_is_written_into_a_new_one():
    by_year = replace(SHOT, captured=replace(TAKEN, source="mtime"))
    assert decided(by_year) == ("convert", "convert: date")
    assert decided(replace(SHOT, captured=replace(TAKEN, source="person"))) == (
        "convert",
        "convert: date",
    )


@pytest.mark.parametrize(
    ("shot", "reason"),
    [
        (replace(SHOT, problem="it cannot be read: it is empty"), "it cannot be read: it is empty"),
        (
            replace(SHOT, captured=replace(TAKEN, wall=datetime(1999, 1, 2)), folders=()),
            "taken in 1999, before 2000",
        ),
        (
            replace(SHOT, folders=("2018",)),
            "date taken year mismatch: 2019 (quicktime:creationdate), path 2018",
        ),
        (replace(SHOT, captured=None, folders=()), "no date taken, and no year in path"),
        (
            replace(SHOT, handed_over="handed over to icloud on 2026-01-02 as a.mov"),
            "handed over to icloud on 2026-01-02 as a.mov",
        ),
        (replace(SHOT, folders=("2019", "My Trash")), "skiplist match: My Trash"),
    ],
)
def test_a_skip_has_its_reason_and_all_that_is_needed_to_overrule_it(
    shot: EvaluatedFile, reason: str
):
    found = decide_video(shot, Rules(skip=("trash",)), OLD)
    assert (found.decision.action, found.decision.reason) == ("skip", reason)
    assert shot.problem or found.needs == ConversionNeeds(video=True)


def test_streams_that_cannot_be_read_are_a_reason_and_the_day_of_transition_is_one():
    assert decided(clip=None, problem="its streams cannot be read: x") == (
        "skip",
        "its streams cannot be read: x",
    )
    assert decided(rules=Rules(until=datetime(2019, 7, 12))) == (
        "skip",
        "taken on 2019-07-12, not before 2019-07-12",
    )


def test_a_person_may_ask_for_more_than_is_needed_but_not_for_less():
    assert row_needs(FIT, {"video_codec_needed": "1", "audio_codec_needed": ""}) == ConversionNeeds(
        video=True
    )
    assert row_needs(OLD, {"video_codec_needed": "0"}) == ConversionNeeds(video=True)
    assert row_needs(replace(FIT, sounds=()), {"audio_codec_needed": "1"}) == ConversionNeeds()


# --- the date of a row ----------------------------------------------------------------------------


def row(**changed: str) -> Row:
    cells = {
        "datetime": "2019-07-12 18:30:15",
        "taken": "20190712T183015",
        "offset": "120",
        "creation_time": utc_text(WALL, 120),
    }
    return Row(2, {**cells, **changed})


def test_the_date_of_a_row_is_as_proposed_unless_one_of_its_two_forms_was_changed():
    home = lambda _utc: 60  # noqa: E731
    assert (film_date(row(), home).wall, film_date(row(), home).edited) == (WALL, False)
    assert film_date(row(creation_time=""), home).wall == WALL
    reformatted = row(creation_time="12/07/2019 16:30")  # a spreadsheet's own way of writing it
    assert film_date(replace(reformatted, order="dmy"), home).edited is False
    with pytest.raises(
        ValueError, match="its creation_time 12/07/2019 16:30 cannot be understood for certain"
    ):
        film_date(reformatted, home)
    by_wall = film_date(row(datetime="2019-07-13 10:00:00"), home)
    assert (by_wall.wall, by_wall.edited) == (datetime(2019, 7, 13, 10), True)
    by_utc = film_date(row(creation_time="2019-07-13T10:00:00Z"), home)
    assert (by_utc.wall, by_utc.offset, by_utc.edited) == (datetime(2019, 7, 13, 12), 120, True)
    alone = film_date(Row(2, {"creation_time": "2019-07-13T10:00:00Z"}), home)
    assert (alone.wall, alone.offset) == (datetime(2019, 7, 13, 11), 60)
    with pytest.raises(ValueError, match="were both changed"):
        film_date(row(datetime="2019-07-13 10:00:00", creation_time="2019-07-14T10:00:00Z"), home)
    with pytest.raises(ValueError, match="cannot be understood"):
        film_date(row(creation_time="last summer"), home)


def test_a_film_is_not_copied_as_it_is_with_a_date_that_it_does_not_state():
    home = lambda _utc: 60  # noqa: E731
    for source in (
        "takeout:photoTakenTime",
        "filename",
        "folder",
        "person",
        "xmp:DateTimeOriginal",
        "gps",
        "",
    ):
        found = row_problem(row(action="move", source=source), home)
        assert "is not in the file" in found and found.endswith("set its action to convert")
        assert row_problem(row(action="convert", source=source), home) == ""
    for source in ("quicktime:CreateDate", "matroska:DateUTC", "riff:DateTimeOriginal", "mtime"):
        assert row_problem(row(action="move", source=source), home) == ""
    assert (
        row_problem(Row(2, {"action": "move", "source": ""}), home) == ""
    )  # no date at all: its name says so


# --- replacement ----------------------------------------------------------------------------------

START = ReplacementState(ORIGINAL, NOTHING, same=False, backed_up=False, staged=RENDITION)


def test_a_replacement_backs_up_and_checks_before_it_takes_anything():
    assert plan_replacement(START).steps == (BACK_UP, CHECK, TAKE, PUT, RECORD, VERIFY)
    assert plan_replacement(replace(START, target=RENDITION, staged=NOTHING)).steps == (
        BACK_UP,
        CHECK,
        TAKE,
        RECORD,
        VERIFY,
    )


def test_a_killed_replacement_does_what_is_left():
    taken = replace(START, place=NOTHING, backed_up=True)
    assert plan_replacement(taken).steps == (CHECK, PUT, RECORD, VERIFY)
    assert plan_replacement(replace(taken, target=RENDITION)).steps == (RECORD, VERIFY)


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (replace(START, place=OTHER), "its content changed"),
        (replace(START, target=OTHER), "another file lies where"),
        (replace(START, staged=NOTHING), "process-videos --again"),
        (replace(START, place=NOTHING), "neither the original nor its backup"),
        (replace(START, place=NOTHING, target=RENDITION), "neither the original nor its backup"),
        (
            replace(START, place=NOTHING, backed_up=True, staged=NOTHING),
            "its backup is in the failsafe folder",
        ),
    ],
)
def test_where_not_all_is_there_nothing_is_done(found: ReplacementState, problem: str):
    plan = plan_replacement(found)
    assert plan.steps == () and problem in plan.problem


GONE = replace(START, place=NOTHING, target=RENDITION, backed_up=True)


@pytest.mark.parametrize(
    "found",
    [
        GONE,
        replace(GONE, target=NOTHING),
        replace(GONE, place=ORIGINAL),
        replace(GONE, place=ORIGINAL, target=NOTHING, same=True, waiting=RENDITION),
    ],
)
def test_an_undo_is_done_to_its_end_wherever_it_was_killed(found: ReplacementState):
    assert plan_undo(found) == ReplacementUndo(is_needed=True)


def test_an_undo_touches_nothing_where_the_original_lies_or_where_it_has_no_backup():
    assert plan_undo(START) == ReplacementUndo()
    assert plan_undo(replace(START, target=OTHER)) == ReplacementUndo()
    assert plan_undo(replace(START, target=RENDITION, waiting=RENDITION)) == ReplacementUndo()
    for found in (
        replace(GONE, backed_up=False),
        replace(GONE, place=OTHER),
        replace(GONE, target=OTHER),
    ):
        assert plan_undo(found).problem


ORIGINAL_DOCUMENT = {
    "hash": "a",
    "copies": [],
    "stack": {"id": "s", "role": "live"},
    "albums": ["Italy"],
    "tags": ["sea"],
    "title": "Old",
    "captured": {
        "wall": "2019-07-12T18:30:15.000",
        "confidence": "high",
        "source": "takeout:photoTakenTime",
    },
    "location": {"lat": 1.0, "lon": 2.0},
    "place": {"city": "Ghent"},
    "rating": 3,
}
MADE_DOCUMENT = {
    "hash": "b",
    "copies": [{"store": "nas", "path": "x.mov", "state": "ok"}],
    "tags": ["xmp"],
    "captured": {
        "wall": "2019-07-12T18:30:15.000",
        "confidence": "medium",
        "source": "quicktime:CreateDate",
    },
}


def test_a_rendition_has_all_that_was_known_of_its_original():
    original = lay_over(
        ORIGINAL_DOCUMENT, {"tags_added": ["holiday"], "favorite": True, "title": "Mine"}
    )
    found = rendition_document(MADE_DOCUMENT, original)
    assert found["rendition_of"] == "a" and found["hash"] == "b"
    assert found["tags"] == ["xmp", "sea", "holiday"] and found["albums"] == ["Italy"]
    assert (found["favorite"], found["title"], found["rating"]) == (True, "Mine", 3)
    assert (
        found["extracted"]["title"] == "Old"
    )  # what is in force once a person takes the title back
    assert found["captured"]["source"] == "takeout:photoTakenTime" and found["place"] == {
        "city": "Ghent"
    }
    assert (
        found["stack"] == {"id": "s", "role": "live"} and found["copies"] == MADE_DOCUMENT["copies"]
    )


def test_another_date_that_is_as_sure_stays():
    other = {
        **MADE_DOCUMENT,
        "captured": {"wall": "2003-01-01T00:00:00.000", "confidence": "high", "source": "x"},
    }
    captured = rendition_document(other, ORIGINAL_DOCUMENT)["captured"]
    assert captured.items() >= other["captured"].items()  # and what follows from it
    assert captured["year"] == 2003


def test_links_are_made_once_and_taken_away_whole():
    linked = with_rendition("b")(dict(ORIGINAL_DOCUMENT))
    assert linked and linked["renditions"] == ["b"] and with_rendition("b")(linked) == linked
    assert without_rendition("b")(linked) == ORIGINAL_DOCUMENT
    made = {**MADE_DOCUMENT, "rendition_of": "a"}
    known = {key: value for key, value in MADE_DOCUMENT.items() if key != "tags"}
    assert as_rendition(made)(None) == made
    after = as_rendition({**made, "copies": []})(known)
    assert after and after["rendition_of"] == "a"
