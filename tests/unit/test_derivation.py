"""What follows from a document's values: what it is,
and that no change of a document leaves it behind.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from chance import times
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.domain import edits
from catalog.domain.derivation import OF_CAPTURED, OF_DOCUMENT, with_derived, without_derived
from catalog.domain.edits import Change, difference, reversed_change
from catalog.domain.person import lay_over, without_person
from catalog.features.backup.merge import with_imported
from catalog.features.lookalikes.inheritance import with_inheritance
from catalog.features.reingest.renditions import as_rendition, rendition_document

Document = dict[str, Any]
ROW = {"store": "nas", "path": "a.jpg", "state": "ok", "added": "2020", "size": 1}


def captured(wall: str, **more: Any) -> Document:
    return {"wall": wall, "source": "gps", "confidence": "high", "has_time": True, **more}


# --- what follows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wall", "has_time", "expected"),
    [
        ("2026-11-29T18:30:15.000", True, (2026, "11-29", 18, 7, "second")),
        ("2024-02-29T00:05:00.250", True, (2024, "02-29", 0, 4, "second")),
        ("2019-07-12T00:00:00.000", False, (2019, "07-12", None, 5, "day")),
        ("1826-01-02", True, (1826, "01-02", None, 1, "day")),
        ("9999-12-31T23:59:59.999", True, (9999, "12-31", 23, 5, "second")),
    ],
)
def test_what_follows_from_a_wall_clock(
    wall: str, has_time: bool, expected: tuple[Any, ...]
) -> None:
    found = with_derived({"captured": captured(wall, has_time=has_time)})["captured"]
    assert tuple(found.get(name) for name in OF_CAPTURED) == expected


@pytest.mark.parametrize(
    "wall",
    ["2023-02-29T10:00:00", "0000-01-01", "2019-13-01", "2019-00-10", "1562949015000", "", None],
)
def test_nothing_follows_from_what_is_no_date(wall: object) -> None:
    document = {"captured": {"wall": wall, "source": "gps"}}
    assert with_derived(document) == document


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))
def test_a_wall_clock_is_taken_apart_as_the_calendar_has_it(wall: datetime) -> None:
    found = with_derived({"captured": captured(wall.isoformat(timespec="milliseconds"))})[
        "captured"
    ]
    assert (found["year"], found["hour"], found["weekday"]) == (
        wall.year,
        wall.hour,
        wall.isoweekday(),
    )
    assert found["month_day"] == f"{wall:%m-%d}"


@pytest.mark.parametrize(
    ("width", "height", "shape", "megapixels"),
    [
        (4032, 3024, "landscape", 12.193),
        (3024, 4032, "portrait", 12.193),
        (900, 900, "square", 0.81),
        (1, 2, "portrait", 0.0),
    ],
)
def test_what_follows_from_a_size(width: int, height: int, shape: str, megapixels: float) -> None:
    found = with_derived({"width": width, "height": height})
    assert (found["shape"], found["megapixels"]) == (shape, megapixels)


def test_nothing_follows_from_half_a_size_and_a_preview_is_the_hash() -> None:
    assert with_derived({"width": 5}) == {"width": 5}
    assert with_derived({"width": 5, "height": 0}) == {"width": 5, "height": 0}
    assert with_derived({"hash": "a"}) == {"hash": "a", "preview": "a"}


def test_what_no_longer_follows_goes() -> None:
    stale = {
        "shape": "square",
        "megapixels": 1.0,
        "preview": "b",
        "captured": {"source": "gps", "year": 1, "hour": 2},
    }
    assert with_derived(stale) == {"captured": {"source": "gps"}}
    assert without_derived(stale) == {"captured": {"source": "gps"}}
    assert without_derived({"captured": None}) == {"captured": None}, "as an event holds it"


# --- after every change ---------------------------------------------------------------------------

_CAPTURED = st.builds(
    lambda wall, has_time: captured(wall.isoformat(timespec="milliseconds"), has_time=has_time),
    st.datetimes(datetime(1900, 1, 1), datetime(2030, 1, 1)),
    st.booleans(),
)
_PERSON = st.fixed_dictionaries(
    {},
    optional={
        "taken": st.sampled_from(
            ["2018-01-02", "2018-01-02T03:04:05", "1955-08-01T23:00:00+05:30"]
        ),
        "rating": st.integers(0, 5),
        "albums": st.just(["A"]),
        "tags_added": st.just(["t"]),
        "position": st.just([51.05, 3.72]),
    },
)
_BARE = st.fixed_dictionaries(
    {
        "hash": st.just("a"),
        "size": st.just(1),
        "copies": st.just([ROW]),
        "stores": st.just(["nas"]),
        "copy_count": st.just(1),
        "paths": st.just(["a.jpg"]),
    },
    optional={
        "captured": _CAPTURED,
        "width": st.integers(1, 5000),
        "height": st.integers(1, 5000),
        "rating": st.integers(0, 5),
        "checksums": st.just({"sha1": "1"}),
        "stack": st.just({"id": "s", "role": "raw"}),
        "albums": st.just(["Old"]),
        "renditions": st.just(["r"]),
        "owner": st.just("Ann"),
        "device": st.just("phone"),
        "place_removed": st.just(True),
    },
)
_DOCUMENT = st.builds(lay_over, _BARE, _PERSON)


def changes(other: Document, person: Document) -> list[Change]:
    """Every kind of change that there is, with what it needs."""
    row = {**ROW, "path": "b.jpg"}
    return [
        edits.created(other),
        edits.with_copy(row),
        edits.moved_copy("nas", "a.jpg", row),
        edits.without_copy("nas", "a.jpg"),
        edits.marked("nas", "a.jpg", "missing"),
        edits.relocated(edits.with_copy(row), {("nas", "b.jpg"): "c.jpg"}),
        edits.with_numbers("nas", "a.jpg", {"device": 1, "inode": 2}),
        edits.with_sidecars([], [{**ROW, "path": "a.xmp"}]),
        edits.with_saying(lambda _said, _base: person),
        edits.with_album("B"),
        edits.described_anew(other),
        edits.with_captured({"wall": "2019-07-12T18:30:15.000", "source": "shot:mtime"}),
        edits.with_checksums({"sha1": "2", "md5": "3"}),
        edits.with_stack("t", "still"),
        edits.without_stack(),
        edits.forgotten(),
        edits.forgotten_without("nas", "a.jpg"),
        with_inheritance(other, same_shot=True),
        with_imported(other),
        as_rendition(rendition_document(other, other)),
    ]


def test_every_kind_of_change_is_tried() -> None:
    makers = {
        name
        for name, value in vars(edits).items()
        if callable(value) and getattr(value, "__annotations__", {}).get("return") == "Change"
    }
    tried = {
        change.__qualname__.partition(".")[0] for change in changes({"hash": "a", "copies": []}, {})
    }
    assert makers - tried == {"reversed_change"}, "it has a test of its own"


@settings(max_examples=times(150))
@given(_DOCUMENT, _DOCUMENT, _PERSON)
def test_after_every_change_what_follows_is_what_follows_from_the_rest(
    before: Document, other: Document, person: Document
) -> None:
    assert with_derived(before) == before
    for change in changes(other, person):
        after = change(before)
        if after is None:
            continue
        assert with_derived(after) == after
        changed = difference(before, after)
        assert without_derived(before) == without_derived(after) or changed is not None
        if changed is None:
            continue
        assert not any(
            name in part.get("captured", {})
            for part in changed
            if part.get("captured")
            for name in OF_CAPTURED
        )
        assert not (changed[0].keys() | changed[1].keys()) & set(OF_DOCUMENT)
        back = reversed_change(*changed)(after)
        assert back is not None and with_derived(back) == back


@settings(max_examples=times(100))
@given(_DOCUMENT, _PERSON)
def test_what_an_older_version_told_is_taken_back_all_the_same(
    before: Document, person: Document
) -> None:
    """Its events know of nothing that follows;
    the document has it since the catalog was brought up to date.
    """
    after = edits.with_saying(lambda _said, _base: person)(before)
    changed = difference(without_derived(before), without_derived(after or {}))
    if changed is not None:
        assert reversed_change(*changed)(after) == before
    whole: Callable[[Document | None], Document | None] = reversed_change(
        {"document": without_derived(before)}, {}
    )
    assert whole(None) == before


@settings(max_examples=times(100))
@given(_DOCUMENT, _DOCUMENT)
def test_reading_again_keeps_what_no_file_states(before: Document, read: Document) -> None:
    after = edits.described_anew(without_person(read))(before)
    assert after is not None
    for name in ("renditions", "owner", "device", "place_removed"):
        assert after.get(name) == before.get(name), name
    assert after.get("checksums", {}) == {
        **read.get("checksums", {}),
        **before.get("checksums", {}),
    }


def test_checksums_are_added_to_and_never_taken_back() -> None:
    before = {"hash": "a", "copies": [], "checksums": {"sha1": "1"}}
    after = edits.with_checksums({"sha1": "other", "md5": "2"})(before)
    assert after is not None and after["checksums"] == {"sha1": "1", "md5": "2"}
    assert edits.with_checksums({"sha1": "other"})(before) is before
    changed = difference(before, {**after, "title": "T"})
    assert changed is not None
    back = reversed_change(*changed)({**after, "title": "T"})
    assert back is not None and back["checksums"] == after["checksums"] and "title" not in back
