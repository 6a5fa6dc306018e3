"""What a person says: how it is understood, laid over, taken back, written into sidecars,
and read from them.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from chance import times
from hypothesis import given, settings
from hypothesis import strategies as st
from still_makers import xmp

from catalog.domain.assignments import (
    Clocks,
    assign_fields,
    assign_tags,
    check_name,
    describe_change,
    parse_assignments,
    split_words,
    with_surroundings,
)
from catalog.domain.derivation import with_derived, without_derived
from catalog.domain.edits import described_anew, difference, reversed_change, with_saying
from catalog.domain.person import NAMES, lay_over, merge, parse_fields, without_person
from catalog.domain.place import Place
from catalog.errors import UsageError
from catalog.features.annotations.plan import (
    ALREADY,
    FOREIGN,
    NO_COPY,
    TAKEN_BACK,
    SidecarsHere,
    decide,
    sidecar_path,
)
from catalog.media.findings import Findings
from catalog.media.sidecars import read_sidecar
from catalog.media.write.xmp import angle, is_own, is_worth_writing, sidecar_bytes
from catalog.media.xmp import OWN_NAMESPACE, OWN_TOOLKIT, parse_angle, read_xmp

NOW = datetime(2026, 1, 2, 3, 4, 5)
GHENT = Place("Belgium", "BE", "Flanders", "Ghent", "geonames")
COPY = {"store": "nas", "path": "a.jpg", "state": "ok", "added": "2020"}
PLAIN = with_derived(
    {
        "hash": "a",
        "size": 1,
        "captured": {"wall": "2019-07-12T18:30:15.000", "source": "exif:DateTimeOriginal"},
        "tags": ["sea"],
        "location": {"lat": 1.5, "lon": 2.5},
        "altitude": 12.0,
        "place": {"city": "Paris", "source": "geonames"},
        "rating": 3,
        "copies": [COPY],
        "stores": ["nas"],
        "copy_count": 1,
        "paths": ["a.jpg"],
    }
)


ZONES = {"Europe/Brussels": 120, "Asia/Tokyo": 540}
CLOCKS = Clocks(
    lambda position: "Asia/Tokyo" if position.lon > 100 else None,
    lambda zone, _utc: ZONES.get(zone),
    NOW,
)


def said(document: dict[str, Any], *texts: str) -> dict[str, Any]:
    """The document after `catalog set`."""
    assignments = with_surroundings(parse_assignments(texts, NOW), lambda _position: GHENT)
    after = with_saying(assign_fields(assignments, CLOCKS))(document)
    assert after is not None
    return after


def tagged(
    document: dict[str, Any], add: tuple[str, ...] = (), remove: tuple[str, ...] = ()
) -> dict[str, Any]:
    after = with_saying(assign_tags(add, remove))(document)
    assert after is not None
    return after


# --- laying over ----------------------------------------------------------------------------------

_WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
    unique=True,
    max_size=4,
)
_DOCUMENTS = st.fixed_dictionaries(
    {"copies": st.sampled_from([[], [COPY]]), "size": st.integers(0, 9)},
    optional={
        "captured": st.just(PLAIN["captured"]),
        "tags": _WORDS,
        "albums": _WORDS,
        "rating": st.integers(-1, 5),
        "favorite": st.booleans(),
        "title": st.text(max_size=5),
        "location": st.just({"lat": 1.5, "lon": 2.5}),
        "altitude": st.floats(0, 9),
        "place": st.just({"city": "Paris"}),
        "notes": st.just([]),
    },
).map(with_derived)
_PERSONS = st.fixed_dictionaries(
    {},
    optional={
        "taken": st.sampled_from(
            [
                "2018-01-02",
                "2018-01-02T03:04:05",
                "2018-01-02T03:04:05.250+05:30",
                "2018-01-02T03:04",
            ]
        ),
        "position": st.just([51.05, 3.72]),
        "around": st.sampled_from([{}, {"city": "Ghent", "country": "Belgium"}]),
        "place": st.just("Home"),
        "tags_added": _WORDS,
        "tags_removed": _WORDS,
        "albums": _WORDS,
        "title": st.just("T"),
        "description": st.just("D"),
        "rating": st.integers(-1, 5),
        "favorite": st.booleans(),
    },
)


@settings(max_examples=times(200))
@given(_DOCUMENTS, _PERSONS, _PERSONS)
def test_what_a_person_says_can_be_taken_off_again_and_said_twice(
    document: dict[str, Any], person: dict[str, Any], other: dict[str, Any]
) -> None:
    once = lay_over(document, person)
    assert without_person(once) == document
    assert lay_over(once, person) == once
    assert lay_over(once, other) == lay_over(document, other), (
        "nothing stays of what was said before"
    )
    assert lay_over(once, {}) == document
    assert once.get("person", {}) == person
    assert set(once.get("manual", [])) == person.keys() - {"around"} and person.keys() <= set(NAMES)


@settings(max_examples=times(100))
@given(_DOCUMENTS, _PERSONS, _PERSONS)
def test_every_change_can_be_taken_back_from_its_event(
    document: dict[str, Any], person: dict[str, Any], other: dict[str, Any]
) -> None:
    before = lay_over({**document, "hash": "a", "stores": [], "copy_count": 0, "paths": []}, person)
    before = {**before, "copies": []}
    after = with_saying(lambda _said, _base: other)(before)
    changed = difference(before, after)
    if changed is None:
        assert after == before
        return
    gone, come = json.loads(json.dumps(changed))
    assert reversed_change(gone, come)(after) == before
    assert reversed_change(come, gone)(before) == after


def test_a_change_is_not_taken_back_over_a_later_one() -> None:
    before = said(PLAIN, "rating=4")
    changed = difference(PLAIN, before)
    assert changed and set(changed[1]) == {"rating", "person", "extracted", "manual"}
    with pytest.raises(ValueError, match="was changed since"):
        reversed_change(*changed)(said(before, "rating=5"))


def test_a_corrected_time_is_held_as_a_cameras_is() -> None:
    captured = said(PLAIN, "taken=2019-07-12 18:30:15+02:00")["captured"]
    assert captured == {
        "wall": "2019-07-12T18:30:15.000",
        "instant": "2019-07-12T16:30:15.000Z",
        "offset_minutes": 120,
        "source": "person",
        "confidence": "high",
        "has_time": True,
        "year": 2019,
        "month_day": "07-12",
        "hour": 18,
        "weekday": 5,
        "precision": "second",
    }
    day = said(PLAIN, "taken=1955-08-01")["captured"]
    assert day == {
        "wall": "1955-08-01T00:00:00.000",
        "source": "person",
        "confidence": "high",
        "has_time": False,
        "year": 1955,
        "month_day": "08-01",
        "weekday": 1,
        "precision": "day",
    }


def test_a_position_brings_its_place_and_takes_it_away_again() -> None:
    there = said(PLAIN, "position=51.05, 3.72")
    assert there["place"] == {
        "country": "Belgium",
        "country_code": "BE",
        "region": "Flanders",
        "city": "Ghent",
        "source": "geonames",
    }
    assert "altitude" not in there and there["manual"] == ["position"]
    named = said(there, "place=Grandma")
    assert (named["place"]["name"], named["place"]["city"], named["place"]["source"]) == (
        "Grandma",
        "Ghent",
        "person",
    )
    assert said(named, "position=")["place"] == {
        "city": "Paris",
        "name": "Grandma",
        "source": "person",
    }
    assert said(named, "position=", "place=") == PLAIN
    nowhere = with_surroundings(parse_assignments(["position=0,-150"], NOW), lambda _position: None)
    ocean = with_saying(assign_fields(nowhere, CLOCKS))(PLAIN)
    assert ocean is not None and "place" not in ocean and without_person(ocean) == PLAIN


def test_tags_are_added_and_removed_without_saying_more_than_needed() -> None:
    assert tagged(PLAIN, add=("sea",)) == PLAIN, "the file says so itself"
    assert tagged(PLAIN, remove=("hills",)) == PLAIN
    both = tagged(PLAIN, add=("sun", "sand"), remove=("sea",))
    assert both["tags"] == ["sun", "sand"] and both["extracted"] == {"tags": ["sea"]}
    assert both["person"] == {"tags_added": ["sun", "sand"], "tags_removed": ["sea"]}
    assert tagged(both, add=("sea",), remove=("sun", "sand")) == PLAIN
    assert "tags" not in tagged(PLAIN, remove=("sea",))


def test_albums_are_set_added_to_and_left() -> None:
    stated = {**PLAIN, "albums": ["Old"]}
    more = said(stated, "albums+=A", "albums+=B, A")
    assert more["albums"] == ["Old", "A", "B"]
    assert said(more, "albums-=A,B") == stated
    assert said(more, "albums=")["albums"] == ["Old"]
    left = said(stated, "albums-=Old")
    assert (
        "albums" not in left and left["person"] == {"albums": []} and without_person(left) == stated
    )
    assert said(left, "albums+=Old") == stated


def test_what_is_said_survives_reading_the_file_again() -> None:
    before = said(PLAIN, "rating=5", "albums=A", "taken=2018-01-02")
    facts = {**PLAIN, "rating": 1, "tags": ["new"], "copies": [], "albums": ["from elsewhere"]}
    after = described_anew(facts)(before)
    assert after is not None
    assert (after["rating"], after["albums"], after["tags"]) == (5, ["A"], ["new"])
    assert after["person"] == before["person"] and after["copies"] == [COPY]
    assert after["extracted"] == {
        "rating": 1,
        "albums": None,
        "captured": without_derived(PLAIN)["captured"],
    }
    assert without_person(after)["rating"] == 1


def test_an_old_sidecar_says_nothing_where_the_index_knows_better() -> None:
    facts = lay_over({**PLAIN, "tags": ["new"]}, {"rating": 1, "title": "old"})
    known = described_anew(facts)(said(PLAIN, "rating=5"))
    assert known and known["person"] == {"rating": 5} and "title" not in known
    unknown = described_anew(facts)(PLAIN)
    assert (
        unknown
        and unknown["person"] == {"rating": 1, "title": "old"}
        and unknown["tags"] == ["new"]
    )
    assert without_person(unknown) == {**PLAIN, "tags": ["new"]}


def test_two_documents_of_one_asset_are_merged() -> None:
    mine = {"position": [1.0, 2.0], "tags_added": ["a"], "albums": ["x"]}
    other = {
        "position": [3.0, 4.0],
        "around": {"city": "Ghent"},
        "tags_removed": ["a", "b"],
        "albums": ["y"],
        "rating": 2,
    }
    assert merge(mine, other) == {
        "position": [1.0, 2.0],
        "tags_added": ["a"],
        "tags_removed": ["b"],
        "albums": ["x", "y"],
        "rating": 2,
    }
    assert merge(other, {})["around"] == {"city": "Ghent"}
    assert merge({}, {"albums": []}) == {"albums": []}


# --- understanding what was typed -----------------------------------------------------------------


def test_values_are_told_from_what_names_an_asset() -> None:
    words = ["a.jpg", "rating=4", "nas:x=y.jpg", "albums+=A", "./title=1.jpg", "title=a=b"]
    assert split_words(words) == (
        ["a.jpg", "nas:x=y.jpg", "./title=1.jpg"],
        ["rating=4", "albums+=A", "title=a=b"],
    )
    for word in ("a.jpg", "nas:x=y.jpg", "./title=1.jpg", "2019/a=b.jpg"):
        check_name(word)
    for word, hint in (("ratng=4", "rating"), ("tags=a", "catalog tag"), ("zzz=1", "It knows")):
        with pytest.raises(UsageError, match=hint):
            check_name(word)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("taken=2019-07-12 18:30:15", "2019-07-12T18:30:15"),
        ("taken=2019-07-12T18:30", "2019-07-12T18:30:00"),
        ("taken=1975", "1975"),
        ("taken=1975-08", "1975-08"),
        ("taken=2019-07-12T18:30:15.25-0330", "2019-07-12T18:30:15.250-03:30"),
        ("taken=2019-07-12 18:30:15Z", "2019-07-12T18:30:15+00:00"),
        ("taken=1826-01-01", "1826-01-01"),
        ("taken=2026-01-03", "2026-01-03"),
        ("taken=2026-01-03T16:00+14:00", "2026-01-03T16:00:00+14:00"),
        ("position=-33.85,151.2", [-33.85, 151.2]),
        ("rating=-1", -1),
        ("rating=0", 0),
        ("favorite=No", False),
        ("albums= A ,B,,A", ["A", "B"]),
        ("title= Two words ", "Two words"),
        ("description=line\nline", "line\nline"),
        ("place=", None),
    ],
)
def test_values_are_kept_in_one_form(text: str, kept: Any) -> None:
    (one,) = parse_assignments([text], NOW)
    assert one.value == kept


@pytest.mark.parametrize(
    "text",
    [
        "taken=yesterday",
        "taken=2019-13-01",
        "taken=2019-02-29",
        "taken=2019-01-01 25:00",
        "taken=1825-12-31",
        "taken=2026-01-04",
        "taken=2019-01-01+02:00",
        "taken=2019-01-01 10:00+15:00",
        "taken=2019-01-01 10:00 nonsense",
        "position=51",
        "position=51,3,4",
        "position=91,0",
        "position=0,0",
        "position=nan,1",
        "position=1e999,1",
        "position=a,b",
        "rating=6",
        "rating=-2",
        "rating=4.5",
        "rating=five",
        "rating=\u0665",
        "favorite=maybe",
        "title=a\nb",
        "title=\x1b[31m",
        "title=\udc80",
        "place=" + "x" * 1001,
        "description=" + "x" * 10_001,
        "rating+=1",
        "title-=a",
        "albums=" + ",".join(map(str, range(1001))),
    ],
)
def test_what_is_no_value_is_refused_on_one_line(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_assignments([text], NOW)
    assert "\n" not in str(refused.value) or "\n" in text
    assert len(str(refused.value)) < 300


def test_words_that_contradict_each_other_are_refused() -> None:
    for texts in ([], ["rating=1", "rating=2"], ["albums=A", "albums+=B"]):
        with pytest.raises(UsageError):
            parse_assignments(texts, NOW)
    for add, remove in (((), ()), (("a",), ("a",)), (("",), ()), (("a\x00b",), ())):
        with pytest.raises(UsageError):
            assign_tags(add, remove)
    full = tagged(PLAIN, add=tuple(map(str, range(1000))))
    with pytest.raises(ValueError, match="1,000"):
        tagged(full, add=("one more",))


def test_a_change_is_told_on_one_line() -> None:
    changed = difference(
        PLAIN,
        tagged(
            said(PLAIN, "rating=", "favorite=yes", "position=51.05,3.72", "taken=2018-01-02"),
            ("sun",),
        ),
    )
    assert changed
    assert describe_change(*changed) == (
        "altitude: 12.0 -> none; captured: 2019-07-12 18:30:15 -> 2018-01-02; favorite: none -> "
        "yes; "
        "location: 1.5, 2.5 -> 51.05, 3.72; place: Paris -> Ghent, Flanders, Belgium; tags: sea "
        "-> sea, sun"
    )


def test_values_from_a_file_are_believed_one_by_one() -> None:
    hostile = {
        "rating": True,
        "favorite": "yes",
        "title": "fine",
        "description": ["x"],
        "albums": ["a", 7],
        "tags_added": "abc",
        "taken": "0001-01-01",
        "position": [1, "2"],
        "around": {"city": "Ghent"},
        "place": "\x1b[2J",
        "copies": [],
        "manual": 1,
    }
    good, reasons = parse_fields(hostile)
    assert good == {"title": "fine"}, "the words for a position do not count without it"
    assert len(reasons) == len(hostile) - 2
    for nothing in (
        None,
        [],
        "x",
        7,
        {"position": [float("inf"), 0]},
        {"around": {"x": "y"}, "position": [1, 2, 3]},
    ):
        assert parse_fields(nothing)[0] == {}
    assert parse_fields({"position": [1, 2]}) == ({"position": [1.0, 2.0]}, [])


# --- sidecars -------------------------------------------------------------------------------------


def read(data: bytes, name: str = "a.jpg.xmp") -> Findings:
    findings = Findings()
    read_sidecar(data, name, findings)
    return findings


@settings(max_examples=times(60))
@given(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40
    ),
    _PERSONS,
)
def test_a_sidecar_says_exactly_what_the_person_said(text: str, person: dict[str, Any]) -> None:
    person = parse_fields({**person, "title": text, "tags_added": [text, "b"]})[0]
    document = lay_over({**PLAIN, "albums": ["Stated"], "tags": [text, "\x07bell\ufffe"]}, person)
    data = sidecar_bytes(document)
    assert data == sidecar_bytes(json.loads(json.dumps(document, sort_keys=True))), (
        "the same bytes each time"
    )
    assert is_own(data)
    found = read(data)
    assert found.notes == []
    assert found.values.get("person", {}) == person and found.values["albums"] == ["Stated"]
    assert (found.dates, found.tags, found.position) == ([], [], None), "the rest only repeats it"
    ElementTree.fromstring(data)


def test_other_programs_find_the_standard_properties() -> None:
    texts = (
        "taken=2018-01-02 03:04:05+02:00",
        "position=-33.856780,151.215300",
        "title=T & <t>",
        "rating=4",
        "place=Opera",
    )
    data = sidecar_bytes(tagged(said(PLAIN, *texts, "description=two\nlines"), ("sun",)))
    names = {
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "dc": "http://purl.org/dc/elements/1.1/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "x": "adobe:ns:meta/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "iptc": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    }
    root = ElementTree.fromstring(data)
    assert (
        root.tag == f"{{{names['x']}}}xmpmeta" and root.get(f"{{{names['x']}}}xmptk") == OWN_TOOLKIT
    )
    (about,) = root.findall("rdf:RDF/rdf:Description", names)

    def texts_of(path: str) -> list[str | None]:
        return [element.text for element in about.findall(path, names)]

    assert texts_of("dc:subject/rdf:Bag/rdf:li") == ["sea", "sun"]
    assert texts_of("dc:title/rdf:Alt/rdf:li") == ["T & <t>"]
    assert texts_of("dc:description/rdf:Alt/rdf:li") == ["two\nlines"]
    assert texts_of("xmp:Rating") == ["4"] and texts_of("xmp:CreatorTool") == ["image-catalog"]
    assert texts_of("exif:DateTimeOriginal") == ["2018-01-02T03:04:05+02:00"]
    assert texts_of("exif:GPSLatitude") == ["33,51.406800S"] and texts_of("exif:GPSLongitude") == [
        "151,12.918000E"
    ]
    assert texts_of("photoshop:City") == ["Ghent"] and texts_of("iptc:Location") == ["Opera"]
    foreign = read(data.replace(OWN_TOOLKIT.encode(), b"XMP Core 6.0"))
    assert (
        foreign.get("rating") == 4
        and foreign.tags == ["sea", "sun"]
        and foreign.dates[0].offset_minutes == 120
    )
    assert foreign.values["person"]["rating"] == 4, "another program edited it: nothing is lost"
    assert not is_own(data.replace(OWN_TOOLKIT.encode(), b"XMP Core 6.0"))


def test_a_time_or_position_of_the_file_is_not_repeated_in_its_sidecar() -> None:
    data = sidecar_bytes(said(PLAIN, "title=T"))
    assert b"DateTimeOriginal" not in data and b"GPS" not in data and b"City" not in data
    assert not is_worth_writing(PLAIN) and is_worth_writing({**PLAIN, "albums": ["A"]})


@given(st.floats(-180, 180))
def test_angles_are_exact_to_a_centimetre(degrees: float) -> None:
    assert abs((parse_angle(angle(degrees, "EW")) or 0) - degrees) < 1e-7


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("{broken", "not understood"),
        ("[1]", "not understood"),
        ("null", "not understood"),
        ('{"person": 7}', "no object"),
        ('{"person": {"rating": 99}}', "rating is left out"),
        ('{"person": {"hash": "x"}}', "cannot set"),
        ('{"albums": "x"}', "not understood"),
        ("[" * 50_000, "not understood"),
    ],
)
def test_a_hostile_sidecar_leaves_a_note(text: str, note: str) -> None:
    packet = xmp(
        "<catalog:person "
        f'xmlns:catalog="{OWN_NAMESPACE}">{text}</catalog:person><dc:title>T</dc:title>'
    )
    declared = packet.replace(
        b"<rdf:Description", f'<rdf:Description xmlns:catalog="{OWN_NAMESPACE}"'.encode()
    )
    found = read(declared)
    assert "person" not in found.values and "albums" not in found.values
    assert any(note in n for n in found.notes), found.notes
    assert found.get("title") == "T"


def test_only_a_sidecar_with_our_namespace_speaks_for_a_person() -> None:
    data = sidecar_bytes(said(PLAIN, "rating=5"))
    embedded = Findings()
    read_xmp(data, embedded)
    assert "person" not in embedded.values, "a picture from elsewhere cannot say it"
    assert "person" not in read(data.replace(OWN_NAMESPACE.encode(), b"urn:another")).values
    assert "person" not in read(data[:-200].replace(b"</catalog:person>", b"")).values


@pytest.mark.parametrize(
    ("wanted", "recorded", "there", "action", "reason"),
    [
        ("new", "", SidecarsHere(True), "write", ""),
        ("new", "old", SidecarsHere(True, "old", own=True), "write", ""),
        ("new", "new", SidecarsHere(True, "new", own=True), "unchanged", ""),
        ("new", "", SidecarsHere(True, "new", own=True), "record", ALREADY),
        ("new", "", SidecarsHere(True, "other"), "skipped", FOREIGN),
        ("new", "new", SidecarsHere(False), "skipped", NO_COPY),
        ("new", "", SidecarsHere(False, problem="no permission"), "skipped", "no permission"),
        ("", "old", SidecarsHere(True, "old", own=True), "withdraw", TAKEN_BACK),
        ("", "old", SidecarsHere(True, "other"), "unchanged", ""),
        ("", "old", SidecarsHere(True), "withdraw", TAKEN_BACK),
        ("", "old", SidecarsHere(False), "unchanged", ""),
    ],
)
def test_what_is_done_about_a_sidecar(
    wanted: str, recorded: str, there: SidecarsHere, action: str, reason: str
) -> None:
    done = decide(
        "h",
        "nas",
        sidecar_path("a.jpg"),
        (wanted.encode(), wanted) if wanted else None,
        recorded,
        there,
    )
    assert (done.action, done.reason, done.path) == (action, reason, "a.jpg.xmp")
    assert done.data == (b"new" if action == "write" else b"")
    assert done.counts == (action in ("write", "record", "withdraw"))


TIMED = with_derived(
    {
        **PLAIN,
        "captured": {
            "wall": "2019-07-12T18:30:15.000",
            "source": "exif:DateTimeOriginal",
            "confidence": "high",
            "has_time": True,
        },
    }
)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("taken+=1h", "2019-07-12T19:30:15"),
        ("taken-=1h30min", "2019-07-12T17:00:15"),
        ("taken+=-1y 2d", "2018-07-10T18:30:15"),
        ("taken+=5y", "2024-07-12T18:30:15"),
        ("taken+=1mo", "2019-08-12T18:30:15"),
        ("taken+=3m", "2019-07-12T18:33:15"),
        ("taken=zone:Europe/Brussels", "2019-07-12T18:30:15+02:00"),
    ],
)
def test_a_time_is_corrected_by_how_much_the_clock_was_wrong(text: str, taken: str) -> None:
    assert said(TIMED, text)["person"]["taken"] == taken


def test_a_corrected_time_is_corrected_again_and_a_change_that_is_asked_for_twice_shifts_once() -> (
    None
):
    once = said(TIMED, "taken+=1h")
    assert said(once, "taken+=1h")["person"]["taken"] == "2019-07-12T20:30:15"
    saying = assign_fields(parse_assignments(["taken+=1h"], NOW), CLOCKS)
    after = with_saying(saying)(TIMED)
    assert with_saying(saying)(after) == after


def test_a_clock_of_another_zone_shows_the_time_of_the_place_where_that_is_known() -> None:
    there = said(TIMED, "position=35.6,139.7")
    found = said(there, "taken=zone:Europe/Brussels")
    assert found["person"]["taken"] == "2019-07-13T01:30:15+09:00"
    assert found["captured"]["instant"] == "2019-07-12T16:30:15.000Z"


@pytest.mark.parametrize(
    ("document", "text", "reason"),
    [
        ({**PLAIN, "captured": None}, "taken+=1h", "no date that could be corrected"),
        (said(PLAIN, "taken=2019-07-12"), "taken+=1h", "not known so precisely"),
        (said(PLAIN, "taken=1975"), "taken+=1mo", "not known so precisely"),
        (said(PLAIN, "taken=1975-08"), "taken=zone:Asia/Tokyo", "time of day is not known"),
        (said(PLAIN, "taken=1830"), "taken-=10y", "before photography"),
        (TIMED, "taken+=10y", "in the future"),
    ],
)
def test_a_correction_that_cannot_be_made_says_why(
    document: dict[str, Any], text: str, reason: str
) -> None:
    without_none = {name: value for name, value in document.items() if value is not None}
    with pytest.raises(ValueError, match=reason):
        said(without_none, text)


def test_a_date_is_shifted_by_whole_days_and_a_month_by_months() -> None:
    assert said(said(PLAIN, "taken=2024-01-31"), "taken+=1mo")["person"]["taken"] == "2024-02-29"
    assert said(said(PLAIN, "taken=2019-07-12"), "taken-=2w")["person"]["taken"] == "2019-06-28"
    assert said(said(PLAIN, "taken=1975-08"), "taken-=13mo")["person"]["taken"] == "1974-07"
    assert said(said(PLAIN, "taken=1975"), "taken+=2y")["person"]["taken"] == "1977"


@pytest.mark.parametrize("text", ["taken+=", "taken+=1", "taken+=soon", "taken+=1h 2", "rating+=1"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"nothing was changed|is not understood"):
        parse_assignments([text], NOW)


def test_a_zone_that_is_none_is_refused_before_anything_is_changed() -> None:
    with pytest.raises(UsageError, match="Mars/Olympus is no time zone"):
        assign_fields(parse_assignments(["taken=zone:Mars/Olympus"], NOW), CLOCKS)
