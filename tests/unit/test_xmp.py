"""XMP packets and IPTC records."""

from __future__ import annotations

import struct
from datetime import datetime
from pathlib import Path

import pytest
from still_makers import iptc, photoshop, xmp

from catalog.domain.capture_time import MONTH, YEAR
from catalog.domain.xml_parser import Start, Text, parse_xml
from catalog.media.findings import Findings
from catalog.media.iptc import read_iptc, read_photoshop
from catalog.media.xmp import parse_angle, read_xmp


def _xmp(packet: bytes) -> Findings:
    findings = Findings()
    read_xmp(packet, findings)
    return findings


def test_dates_tags_and_texts_are_read_from_attributes_and_elements() -> None:
    found = _xmp(
        xmp(
            "<exif:DateTimeOriginal>2012-03-04T05:06:07.25+03:00</exif:DateTimeOriginal>"
            "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>M\u00e1laga</rdf:li></rdf:Bag></dc:subject>"
            '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Waves</rdf:li></rdf:Alt></dc:title>',
            'xmp:CreateDate="2012-03-05T00:00:01" xmp:Rating="4" tiff:Model="M 1" '
            'photoshop:DateCreated="2012-03-04"',
        )
    )
    dates = {d.source: d for d in found.dates}
    assert dates["xmp:DateTimeOriginal"].wall == datetime(2012, 3, 4, 5, 6, 7, 250_000)
    assert dates["xmp:DateTimeOriginal"].offset_minutes == 180
    assert dates["xmp:CreateDate"].has_time
    assert not dates["xmp:DateCreated"].has_time
    assert found.tags == ["sea", "M\u00e1laga"]
    assert (found.get("title"), found.get("rating"), found.get("model")) == ("Waves", 4, "M 1")


@pytest.mark.parametrize("text", ["", "unknown"])
def test_a_text_without_a_year_is_no_date(text: str) -> None:
    assert _xmp(xmp("", f'xmp:CreateDate="{text}"')).dates == []


@pytest.mark.parametrize(("text", "precision"), [("2012", YEAR), ("2012-03", MONTH)])
def test_a_year_and_a_month_are_dates_of_that_precision(text: str, precision: str) -> None:
    (found,) = _xmp(xmp("", f'xmp:CreateDate="{text}"')).dates
    assert (found.wall.year, found.precision) == (2012, precision)


def test_a_clock_of_satellites_is_read_where_nothing_else_is_stated() -> None:
    (found,) = _xmp(xmp("", 'exif:GPSTimeStamp="2023-11-15T12:30:00Z"')).dates
    assert (found.source, found.wall) == ("gps", datetime(2023, 11, 15, 12, 30))


def test_iptc_states_a_month_and_no_offset_that_it_must_state() -> None:
    found = Findings()
    read_iptc(iptc((55, b"19200700")), found)
    assert [(d.wall, d.precision) for d in found.dates] == [(datetime(1920, 7, 1), MONTH)]
    found = Findings()
    read_iptc(iptc((55, b"20120304"), (60, b"050607+0000")), found)
    assert found.dates[0].offset_minutes is None
    found = Findings()
    read_iptc(iptc((55, b"20120304"), (60, b"050607+0300")), found)
    assert found.dates[0].offset_minutes == 180


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("36,35.8465N", 36.597442),
        ("36,35,50S", -36.597222),
        ("-36.5975", -36.5975),
        ("0,0.25W", -0.004167),
        ("36.5N", 36.5),
        ("55/1 54/1 4074/100", 55.911317),
        ("55/1,3/2,0/1S", -55.025),
        ("55/0 54/1 0/1", None),
        ("abc", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_angles_come_in_many_forms(text: str, expected: float | None) -> None:
    found = parse_angle(text)
    if expected is None:
        assert found is None or abs(found) > 360
    else:
        assert found == pytest.approx(expected, abs=1e-6)


def test_the_position_of_the_packet_itself_is_taken() -> None:
    found = _xmp(
        xmp(
            "",
            'exif:GPSLatitude="36,35.8465N" exif:GPSLongitude="4,30.5076W" '
            'exif:GPSAltitude="58/10" exif:GPSAltitudeRef="1"',
        )
    )
    assert found.position is not None
    assert found.position.lon == pytest.approx(-4.50846)
    assert found.position.altitude == -5.8


def test_places_named_in_structures_are_not_the_cameras() -> None:
    latitude = "<exif:GPSLatitude>36,35.8N</exif:GPSLatitude>"
    inner = f"{latitude}<exif:GPSLongitude>4,30.5W</exif:GPSLongitude>"
    listed = f'<rdf:Bag><rdf:li rdf:parseType="Resource">{inner}</rdf:li></rdf:Bag>'
    shown = f"<Iptc4xmpExt:LocationShown>{listed}</Iptc4xmpExt:LocationShown>"
    described = f"<rdf:Description>{inner}</rdf:Description>"
    made = f"<Iptc4xmpExt:LocationCreated>{described}</Iptc4xmpExt:LocationCreated>"
    assert _xmp(xmp(shown + made)).position is None
    assert _xmp(xmp(shown + made)[:-80]).position is None


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_every_encoding_of_a_packet_is_read(encoding: str) -> None:
    packet = xmp("", 'tiff:Model="Caf\u00e9"').decode()
    assert _xmp(packet.encode(encoding) + b" " * 64).get("model") == "Caf\u00e9"


def test_a_packet_cut_short_keeps_what_came_before() -> None:
    packet = xmp("<dc:subject>", 'xmp:CreateDate="2012-03-05T00:00:01"')
    assert len(_xmp(packet[:-60]).dates) == 1


def test_a_packet_that_is_no_xml_yields_its_plain_properties() -> None:
    broken = b'<x & y><rdf:Description exif:DateTimeOriginal="2012-03-05T00:00:01"'
    assert [d.source for d in _xmp(broken).dates] == ["xmp:DateTimeOriginal"]


BOMB = '<!DOCTYPE x [<!ENTITY a "bomb"><!ENTITY b "&a;&a;&a;&a;">]>'
"""Of two levels: one that goes off is seen, and hurts nobody."""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32"])
def test_entities_are_never_expanded(encoding: str) -> None:
    packet = BOMB + xmp("<tiff:Model>&b;</tiff:Model>", 'tiff:Make="&b;"').decode()
    assert "bomb" not in str(_xmp(packet.encode(encoding)).values)


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE x [<!ENTITY b SYSTEM "{uri}">]>',
        '<!DOCTYPE x [<!ENTITY b PUBLIC "-//x//" "{uri}">]>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "{uri}"> %p;]>',
        '<!DOCTYPE x SYSTEM "{uri}">',
    ],
)
def test_nothing_that_a_packet_names_is_opened(
    declared: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text('<!ENTITY b "secret">')
    opened: list[object] = []
    monkeypatch.setattr("builtins.open", lambda *args, **_named: opened.append(args))
    monkeypatch.setattr("os.open", lambda *args, **_named: opened.append(args))
    monkeypatch.setattr("socket.socket", lambda *args, **_named: opened.append(args))
    packet = declared.format(uri=secret.as_uri()).encode() + xmp("<tiff:Model>&b;</tiff:Model>")
    found = _xmp(packet)
    assert opened == []
    assert "secret" not in str(found.values)


def test_what_stands_before_an_entity_declaration_is_all_that_is_read() -> None:
    elements: list[str] = []
    with pytest.raises(ValueError, match="document type declarations are not read"):
        parse_xml((BOMB + "<a>&b;</a>").encode(), lambda name, _attributes: elements.append(name))
    assert elements == []
    with pytest.raises(ValueError, match="mismatched tag"):
        parse_xml(b"<a><b></a>", lambda name, _attributes: elements.append(name))
    assert elements == ["a", "b"]


def test_other_prefixes_for_known_namespaces_are_understood() -> None:
    packet = xmp("").replace(
        b"<rdf:Description",
        b'<rdf:Description xmlns:q="http://ns.adobe.com/xap/1.0/" '
        b'q:CreateDate="2012-03-05T00:00:01"',
    )
    assert [d.source for d in _xmp(packet).dates] == ["xmp:CreateDate"]


@pytest.mark.parametrize("name", ["GCamera:MotionPhoto", "GCamera:MicroVideo"])
def test_a_motion_photo_is_marked(name: str) -> None:
    assert _xmp(xmp("", f'{name}="1"')).get("motion_photo") is True
    assert _xmp(xmp("", f'{name}="0"')).get("motion_photo") is None


def test_a_packet_nested_without_end_is_left_after_a_few_elements(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elements = 0

    def counting(data: bytes, start: Start, end: Text, text: Text, *, encoding: str) -> None:
        def counted(name: str, attributes: dict[str, str]) -> None:
            nonlocal elements
            elements += 1
            start(name, attributes)

        parse_xml(data, counted, end, text, encoding=encoding)

    monkeypatch.setattr("catalog.media.xmp.parse_xml", counting)
    found = _xmp(b"<a>" * 100_000 + b'<q xmp:CreateDate="2012-03-05T00:00:01">')
    assert 0 < elements < 1000
    assert [d.source for d in found.dates] == ["xmp:CreateDate"]


def test_a_packet_of_opening_brackets_alone_yields_nothing() -> None:
    assert _xmp(b"<" * 300_000 + b"exif:GPSLatitude" * 1000) == Findings()


def test_iptc_gives_date_tags_and_texts() -> None:
    records = iptc(
        (55, b"20120304"),
        (60, b"050607+0300"),
        (25, b"sea"),
        (25, "M\u00e1".encode()),
        (5, b"Waves"),
        (120, b"By the sea"),
    )
    found = Findings()
    read_photoshop(photoshop(records), found)
    assert (found.dates[0].source, found.dates[0].wall) == (
        "iptc:DateCreated",
        datetime(2012, 3, 4, 5, 6, 7),
    )
    assert found.dates[0].offset_minutes == 180
    assert found.tags == ["sea", "M\u00e1"]
    assert (found.get("title"), found.get("description")) == ("Waves", "By the sea")


def test_iptc_in_latin_1_and_without_a_time_is_read() -> None:
    found = Findings()
    read_iptc(iptc((55, b"20120304"), (25, b"M\xe1laga")), found)
    assert found.tags == ["M\u00e1laga"]
    assert not found.dates[0].has_time


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        (b"", "Z\u00fcrich".encode(), "Z\u00fcrich"),
        (b"", b"Z\xfcrich", "Z\u00fcrich"),
        (b"", b"\x93Caf\xe9\x94 \x96 5 \x80", "\u201cCaf\u00e9\u201d \u2013 5 \u20ac"),
        (b"", b"Caf\xe9", "Caf\u00e9"),
        (b"", b"\x81\xe9", "\x81\u00e9"),
        (b"", "Z\u00fcrich, Caf\u00e9".encode()[:-1], "Z\u00fcrich, Caf"),
        (b"\x1b%G", "Z\u00fcrich".encode(), "Z\u00fcrich"),
        (b"\x1b%G", b"Z\xfcrich", "Z\ufffdrich"),
        (b"\x1b.A", b"Z\xfcrich", "Z\u00fcrich"),
    ],
)
def test_iptc_without_a_charset_is_utf_8_where_it_is_that_else_latin(
    charset: bytes, data: bytes, text: str
) -> None:
    stated = b"\x1c\x01\x5a" + struct.pack(">H", len(charset)) + charset if charset else b""
    found = Findings()
    read_iptc(stated + iptc((5, data), (25, data)), found)
    assert (found.get("title"), found.tags) == (text, [text])


def test_iptc_zeros_are_no_date() -> None:
    found = Findings()
    read_iptc(iptc((55, b"00000000"), (60, b"000000+0000")), found)
    assert found.dates == []
