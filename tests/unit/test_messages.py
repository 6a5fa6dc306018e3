"""What reading processes say is JSON of the shape that was asked for, or is refused."""

from __future__ import annotations

import math
import struct
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.domain.asset import Facts, FactValues, Quality
from catalog.domain.capture_time import DateCandidate
from catalog.domain.fixity import Digests
from catalog.domain.geo import Position
from catalog.domain.video import Clip, Pictures, Sound
from catalog.media.messages import HEADER, LARGEST, convert, length_of, pack, unpack
from catalog.media.request import Part, Request

FACTS = Facts(
    "a" * 64,
    2**40,
    "jpeg",
    "image",
    "image/jpeg",
    duration=1.5,
    quality=Quality(1.0, 2.0, 3, False, True, 4.0, 0.1, 0.2, 0.3),
    position=Position(50.5, -3.25, None, "exif"),
    dates=(DateCandidate("exif:DateTimeOriginal", datetime(2019, 7, 12, 18, 30, 15, 123456), 120),),
    tags=("a", "\u202e"),
    values={
        "make": "x",
        "exposure_time": 1,
        "person": {"taken": "2019", "position": [1.0, 2.0], "around": {"country": "Belgium"}},
        "albums": ["b"],
    },
    sources={"make": "exif"},
    notes=("sidecar \udcff.xmp not understood",),
    checksums={"sha1": "b" * 40},
)


def through(kind: Any, value: Any) -> Any:
    data = pack(value)
    assert length_of(data) == len(data) - HEADER.size
    return convert(kind, unpack(data[HEADER.size :]))


@pytest.mark.parametrize(
    "value",
    [
        FACTS,
        replace(FACTS, notes=(), dates=(), tags=(), values={}),
        Digests("a", {"sha1": "b"}),
        Request(
            "/a/\udcff", ("b",), part=Part(((0, 5), (9, 1)), "d", last=True), checksums=("md5",)
        ),
        Clip("mov", Pictures(0, "h264", "avc1", 1, 2), (Sound(1, "aac", 2),)),
        b"\xff\xd8" + bytes(100),
    ],
)
def test_what_is_sent_is_what_arrives(value: Any):
    assert through(type(value), value) == value


@given(
    st.builds(Facts, *[st.text()] * 1, st.integers(), *[st.text()] * 3, tags=st.tuples(st.text()))
)
def test_any_text_and_number_arrives(facts: Facts):
    assert through(Facts, facts) == facts


def test_every_field_of_facts_has_a_form():
    plain = unpack(pack(FACTS)[HEADER.size :])
    assert plain.keys() == {about.name for about in fields(Facts)}
    assert convert(FactValues, {}) == {}


def test_what_is_no_number_stays_none():
    moved = through(Facts, replace(FACTS, duration=math.nan))
    assert moved.duration is None or math.isnan(moved.duration)
    assert through(Facts, Facts("", 0, "", "", "", duration=math.nan)).duration is None
    assert math.isnan(convert(float, None))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Facts, []),
        (Facts, {"hash": "a"}),
        (Facts, {"hash": "a", "size": "5", "type": "", "kind": "", "mime": ""}),
        (Facts, {"hash": "a", "size": True, "type": "", "kind": "", "mime": ""}),
        (Facts, {"hash": "a", "size": 5, "type": "", "kind": "", "mime": "", "more": 1}),
        (Facts, {"hash": "a", "size": 5, "type": "", "kind": "", "mime": "", "tags": "abc"}),
        (Facts, {"hash": "a", "size": 5, "type": "", "kind": "", "mime": "", "tags": [1]}),
        (Facts, {"hash": "a", "size": 5, "type": "", "kind": "", "mime": "", "dates": [{}]}),
        (Facts, {"hash": "a", "size": 5, "type": "", "kind": "", "mime": "", "values": {"x": 1}}),
        (Facts, {"hash": "a", "size": 5, "type": "", "kind": "", "mime": "", "sources": {"x": 1}}),
        (Digests, {"content": None}),
        (bytes, "not base64!"),
        (bytes, 5),
        (str, None),
        (datetime, "yesterday"),
        (tuple[tuple[int, int], ...], [[1, 2, 3]]),
        (tuple[tuple[int, int], ...], [[1, "2"]]),
        (tuple[tuple[int, int], ...], {}),
    ],
)
def test_another_shape_is_refused(kind: Any, value: Any):
    with pytest.raises(ValueError):
        convert(kind, orjson.loads(orjson.dumps(value)))


def test_a_message_that_is_too_long_is_refused_before_it_is_read():
    assert length_of(struct.pack("<I", LARGEST)) == LARGEST
    with pytest.raises(ValueError):
        length_of(struct.pack("<I", LARGEST + 1))


@pytest.mark.parametrize("data", [b"", b"\x80\x04N.", b"{", b"[" * 50_000])
def test_what_is_no_json_is_refused(data: bytes):
    with pytest.raises(ValueError):
        unpack(data)
