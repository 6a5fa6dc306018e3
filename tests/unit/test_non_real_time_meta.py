"""Sony's document of a clip, as it stands in clips and beside them."""

from __future__ import annotations

from datetime import datetime

import pytest
from clip_makers import sony_document
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.capture_time import DateCandidate
from catalog.media.findings import Findings
from catalog.media.non_real_time_meta import read_non_real_time_meta

CREATED = DateCandidate("quicktime:creationdate", datetime(2015, 1, 2, 3, 4, 5), 540)
CLOCK = DateCandidate("gps", datetime(2015, 1, 1, 18, 4, 4), is_utc=True)


def read(document: bytes) -> Findings:
    found = Findings()
    assert read_non_real_time_meta(document, found)
    return found


@pytest.mark.parametrize("between", [":", ";"])
def test_it_states_the_cameras_clock_the_device_the_lens_and_what_satellites_told(between: str):
    found = read(sony_document(between=between))
    assert found.dates == [CREATED, CLOCK]
    assert found.values == {"make": "Sony", "model": "ILCE-7S", "lens": "E 35mm F1.8"}
    assert found.position is not None and (found.position.lat, found.position.lon) == (50.5, -3.25)


def test_a_receiver_without_satellites_tells_neither_place_nor_time():
    found = read(sony_document(status="V"))
    assert (found.dates, found.position) == ([CREATED], None)


def test_a_clock_without_an_offset_is_one_whose_zone_nobody_knows():
    (created, _clock) = read(sony_document(created="2015-01-02T03:04:05")).dates
    assert (created.offset_minutes, created.is_utc) == (None, False)


def test_what_stands_before_and_after_the_document_is_passed_over():
    assert read(bytes(4) + sony_document() + bytes(7)).dates == [CREATED, CLOCK]


def test_a_damaged_document_keeps_what_came_before_and_says_so():
    found = read(sony_document()[:-30] + b">")
    assert CREATED in found.dates
    assert len(found.notes) == 1


def test_another_document_is_none_of_them():
    found = Findings()
    assert not read_non_real_time_meta(b"<?xml version='1.0'?><x:xmpmeta/>", found)
    assert not (found.dates or found.notes)


@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    read_non_real_time_meta(b"<NonRealTimeMeta>" + data, Findings())
