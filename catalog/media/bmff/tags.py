"""Metadata texts of QuickTime and MP4 movies: Apple keys, iTunes items,
user data of QuickTime and 3GPP (TS 26.244).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from catalog.domain.capture_time import MAX_OFFSET, parse_date
from catalog.domain.geo import parse_iso6709
from catalog.media.bmff.boxes import Box, Walk
from catalog.media.findings import Findings
from catalog.media.non_real_time_meta import read_non_real_time_meta
from catalog.media.texts import decode_text

_APPLE = "com.apple.quicktime."
_MAX_KEYS = 512
_MAX_XML = 1 << 18
_KEY_FIELDS = {
    "make": "make",
    "model": "model",
    "software": "software",
    "content.identifier": "live_id",
    "title": "title",
    "description": "description",
    "displayname": "title",
    "camera.lens_model": "lens",
    "com.android.manufacturer": "make",
    "com.android.model": "model",
}
_TEXT_FIELDS = {
    b"mak": "make",
    b"mod": "model",
    b"swr": "software",
    b"nam": "title",
    b"des": "description",
}
_DATE_TEXT = re.compile(rb"\d{4}[-:/]\d\d[-:/]\d\d[ -~]{0,24}")


@dataclass(slots=True)
class Movie:
    """What the boxes of one movie told so far, besides the findings themselves."""

    findings: Findings
    brand: bytes = b""
    clock: datetime | None = None
    duration: float = 0.0
    phone: bool = False
    """A mark that phones leave: Apple or Android keys. Phones write UTC clocks as they should."""
    positioned: bool = False
    """A position text, as phones write it, and cameras too: where no maker is told, a phone's."""
    classic: bool = False
    """A mark that cameras with a local clock leave: previews, maker's boxes."""
    seen: set[bytes] = field(default_factory=set)
    offset: int | None = None
    """Minutes east of UTC of the camera's own clock, where it states them beside one in UTC."""


def add_date_text(movie: Movie, text: str, source: str) -> bool:
    """Keep a date text as a candidate if it names a day; whether it did."""
    parsed = parse_date(text)
    if parsed:
        movie.findings.add_date(parsed.as_candidate(source))
    return parsed is not None


def add_place_text(movie: Movie, text: str, source: str) -> None:
    """Keep an ISO 6709 position."""
    place = parse_iso6709(text)
    if place:
        movie.findings.add_position(*place, source)


# --- meta boxes -----------------------------------------------------------------------------------


def read_meta(walk: Walk, meta: Box, movie: Movie) -> None:
    """A `meta` box: QuickTime's own form,
    or the full box of MP4 with four bytes of version before its boxes.
    """
    skip = 0 if walk.source.read(meta.start + 4, 4) in (b"hdlr", b"keys", b"ilst", b"xml ") else 4
    boxes = list(walk.inside(meta, skip))
    keys: list[str] = []
    for box in boxes:
        if box.kind == b"keys":
            keys = _read_keys(walk, box)
    for box in boxes:
        if box.kind == b"ilst":
            _read_items(walk, box, keys, movie)
        elif box.kind == b"xml ":
            read_non_real_time_meta(walk.payload(box, _MAX_XML), movie.findings)


def _read_keys(walk: Walk, box: Box) -> list[str]:
    """The names of a `keys` box: after version and count, each is in a box of its namespace."""
    named = islice(walk.inside(box, 8), _MAX_KEYS)
    return [walk.payload(key).decode("utf-8", "replace").strip("\0") for key in named]


def _read_items(walk: Walk, items: Box, keys: list[str], movie: Movie) -> None:
    for item in walk.inside(items):
        data = next((b for b in walk.inside(item) if b.kind == b"data"), None)
        if data is None:
            continue
        payload = walk.payload(data, 8192)
        text = _item_text(payload)
        index = int.from_bytes(item.kind, "big")
        if 0 < index <= len(keys):
            _add_key(keys[index - 1], text, movie)
        elif item.kind[:1] == b"\xa9":
            _add_text(item.kind[1:], text, movie, "itunes")


def _item_text(payload: bytes) -> str:
    """The text of a `data` box (type, locale, value); empty for numbers and pictures."""
    kind = int.from_bytes(payload[:4], "big") & 0xFFFFFF
    if kind == 2:
        return payload[8:].decode("utf-16-be", "replace")
    return payload[8:].decode("utf-8", "replace") if kind in (0, 1) else ""


def _add_key(key: str, text: str, movie: Movie) -> None:
    if key.startswith((_APPLE, "com.android.")):
        movie.phone = True
    name = key.removeprefix(_APPLE)
    if name == "creationdate":
        add_date_text(movie, text, "quicktime:creationdate")
    elif name == "location.ISO6709":
        add_place_text(movie, text, "quicktime:location.ISO6709")
    elif name in _KEY_FIELDS:
        movie.findings.add(_KEY_FIELDS[name], text, "quicktime:keys")


def read_user_media(walk: Walk, uuid: Box, movie: Movie) -> None:
    """Sony's `USMT` box: after its identifier an `MTDT` with items, each with its length, number,
    language, encoding and value; 11 is the zone of the camera's clock, 0 also where none was set.
    """
    for box in walk.inside(uuid, 16):
        data = walk.payload(box, 4096) if box.kind == b"MTDT" else b""
        at = 2
        for _ in range(int.from_bytes(data[:2], "big")):
            length, number = int.from_bytes(data[at : at + 2], "big"), data[at + 2 : at + 6]
            if length < 10:
                break
            if number == b"\0\0\0\x0b" and length >= 12:
                minutes = int.from_bytes(data[at + 10 : at + 12], "big", signed=True)
                if minutes and abs(minutes) <= MAX_OFFSET:
                    movie.offset = minutes
            at += length


# --- user data ------------------------------------------------------------------------------------


def read_user_text(walk: Walk, box: Box, movie: Movie) -> bool:
    """One text box of user data (QuickTime's, 3GPP's, Ricoh's "@" spelling);
    whether its kind is one of them.
    """
    kind = box.kind
    if kind[:1] in (b"\xa9", b"@") and len(kind[1:].strip()) == 3 and kind[1:].isalpha():
        if kind in (b"@sec", b"@etc"):
            return False
        _add_text(kind[1:], _international_text(walk.payload(box, 4096)), movie, "quicktime")
    elif kind == b"date":
        match = _DATE_TEXT.search(walk.payload(box, 128))
        if match:
            add_date_text(movie, match[0].decode("ascii"), "quicktime:DateTimeOriginal")
    elif kind == b"loci":
        _read_3gpp_place(walk.payload(box, 1024), movie)
    elif kind in (b"titl", b"dscp"):
        text = _3gpp_text(walk.payload(box, 4096))
        movie.findings.add("title" if kind == b"titl" else "description", text, "3gpp")
    else:
        return False
    return True


def _international_text(payload: bytes) -> str:
    """The first text of a QuickTime list (size, language, text),
    or a bare text as some drones write.
    """
    if len(payload) >= 4:
        size, language = struct.unpack_from(">HH", payload)
        if 0 < size <= len(payload) - 4:
            return _decode(payload[4 : 4 + size], language)
    bare = payload.split(b"\0")[0]
    return _decode(bare, 0) if len(bare) > 4 and bare.isascii() else ""


def _decode(raw: bytes, language: int) -> str:
    if raw[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("mac-roman") if language < 0x400 else decode_text(raw)


def _add_text(name: bytes, text: str, movie: Movie, source: str) -> None:
    if name == b"xyz":
        movie.positioned = movie.brand[:3] in (b"mp4", b"iso", b"3gp")
        add_place_text(movie, text, f"{source}:xyz")
    elif name == b"day":
        _add_day(text, movie, source)
    elif name == b"mdl":
        movie.findings.add("model", text, source)
    elif name == b"inf":
        movie.seen.add(text.strip().split(" ")[0].lower().encode("utf-8", "replace"))
    elif name in (b"enc", b"too") and text.startswith("DJI"):
        movie.findings.add("make", "DJI", source)
    elif name in _TEXT_FIELDS:
        movie.findings.add(_TEXT_FIELDS[name], text, source)


def _add_day(text: str, movie: Movie, source: str) -> None:
    """A content date, only with a time of day; shops write the release day there,
    as midnight or so in UTC.
    """
    parsed = parse_date(text)
    if parsed is None or not parsed.has_time or (source == "itunes" and text.strip().endswith("Z")):
        return
    add_date_text(movie, text, "quicktime:DateTimeOriginal")


def _3gpp_text(payload: bytes) -> str:
    raw = payload[6:]
    return (
        raw.decode("utf-16", "replace")
        if raw[:2] == b"\xfe\xff"
        else decode_text(raw.split(b"\0")[0])
    )


def _read_3gpp_place(payload: bytes, movie: Movie) -> None:
    """`loci`: flags, language, name, role, then longitude, latitude,
    altitude as 16.16 fixed-point degrees and metres.
    """
    at = 6
    if payload[6:8] == b"\xfe\xff":
        while payload[at : at + 2] not in (b"\0\0", b""):
            at += 2
        at += 2
    else:
        at = payload.find(b"\0", at) + 1
    if at <= 0 or at + 13 > len(payload) or payload[at] > 1:
        return
    longitude, latitude, altitude = struct.unpack_from(">iii", payload, at + 1)
    movie.findings.add_position(latitude / 65536, longitude / 65536, altitude / 65536, "3gpp:loci")
