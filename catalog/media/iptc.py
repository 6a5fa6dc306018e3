"""IPTC IIM 4 records, bare or inside Photoshop image resources (8BIM 1028): date, keywords, title,
caption.
"""

from __future__ import annotations

import re

from catalog.domain.capture_time import parse_offset
from catalog.media.findings import Findings
from catalog.media.texts import decode_text
from catalog.media.tiff.exif import add_copied_date

_WANTED = frozenset((5, 25, 55, 60, 120))
_DATE = re.compile(r"(\d{4})[-:]?(\d{2})?[-:]?(\d{2})?")
_TIME = re.compile(r"(\d{2}):?(\d{2}):?(\d{2})?\s*([+-]\d{2}:?\d{2})?")
_MAX_RECORDS = 2000
_MAX_RESOURCES = 500


def resources(data: bytes) -> dict[int, bytes]:
    """The image resources of a Photoshop block (Adobe Photoshop File Formats,
    "Image Resource Blocks") by their id.
    """
    found: dict[int, bytes] = {}
    start = data.find(b"8BIM")
    while (
        start >= 0
        and len(found) < _MAX_RESOURCES
        and data[start : start + 4] in (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR")
    ):
        name = start + 6
        size_at = name + (data[name] if name < len(data) else 0) + 1
        size_at += (size_at - name) % 2
        size = int.from_bytes(data[size_at : size_at + 4], "big")
        identifier = int.from_bytes(data[start + 4 : start + 6], "big")
        found.setdefault(identifier, data[size_at + 4 : size_at + 4 + size])
        start = size_at + 4 + size + size % 2
    return found


def read_photoshop(data: bytes, findings: Findings) -> None:
    """Add the IPTC facts of a Photoshop block, such as a JPEG's APP13 or TIFF tag 34377."""
    block = resources(data).get(1028)
    if block:
        read_iptc(block, findings)


def read_iptc(data: bytes, findings: Findings) -> None:
    """Add date, keywords, title and caption of IIM records."""
    records, utf8 = _records(data)
    texts: dict[int, list[str]] = {}
    for number, value in records:
        texts.setdefault(number, []).append(_decode(value, utf8=utf8))
    _add_date(texts, findings)
    findings.add_tags(texts.get(25, []))
    findings.add("title", texts.get(5, [""])[0], "iptc")
    findings.add("description", texts.get(120, [""])[0], "iptc")


def _records(data: bytes) -> tuple[list[tuple[int, bytes]], bool]:
    found: list[tuple[int, bytes]] = []
    utf8 = False
    at = max(0, data.find(b"\x1c", 0, 64))
    while at + 5 <= len(data) and data[at] == 0x1C and len(found) < _MAX_RECORDS:
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        start = at + 5
        if size & 0x8000:
            wide = min(size & 0x7FFF, 8)
            size = int.from_bytes(data[start : start + wide], "big")
            start += wide
        if data[at + 1] == 2 and data[at + 2] in _WANTED:
            found.append((data[at + 2], data[start : start + size]))
        elif data[at + 1 : at + 3] == b"\x01\x5a":
            utf8 = data[start : start + size] == b"\x1b%G"
        at = start + size
    return found, utf8


def _decode(value: bytes, *, utf8: bool) -> str:
    value = value.strip(b"\0 ")
    return value.decode("utf-8", "replace") if utf8 else decode_text(value)


def _add_date(texts: dict[int, list[str]], findings: Findings) -> None:
    day = _DATE.match(texts.get(55, [""])[0])
    if not day:
        return
    clock = _TIME.match(texts.get(60, [""])[0])
    text = "-".join(part for part in day.groups() if part)
    if clock and day[3]:
        # IIM demands an offset: +0000 is what a writer states that knows none
        offset = "" if clock[4] is None or parse_offset(clock[4]) == 0 else clock[4]
        text += f"T{clock[1]}:{clock[2]}:{clock[3] or '00'}{offset}"
    add_copied_date(findings, "iptc:DateCreated", text)
