"""Metadata of Matroska and WebM files (EBML, RFC 8794; Matroska, RFC 9559),
without reading any cluster.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.domain.capture_time import DateCandidate, parse_date
from catalog.domain.geo import parse_iso6709
from catalog.media.clips.codec_names import matroska_codec, riff_video_codec
from catalog.media.findings import Findings
from catalog.media.source import ByteSource

_SEGMENT, _SEEK_HEAD, _SEEK, _SEEK_ID, _SEEK_POSITION = (
    0x18538067,
    0x114D9B74,
    0x4DBB,
    0x53AB,
    0x53AC,
)
_INFO, _SCALE, _DURATION, _DATE, _TITLE = 0x1549A966, 0x2AD7B1, 0x4489, 0x4461, 0x7BA9
_TRACKS, _ENTRY, _TYPE, _CODEC, _PRIVATE, _FRAME_NS = 0x1654AE6B, 0xAE, 0x83, 0x86, 0x63A2, 0x23E383
_VIDEO, _WIDTH, _HEIGHT, _PROJECTION, _ROLL = 0xE0, 0xB0, 0xBA, 0x7670, 0x7675
_TAGS, _TAG, _SIMPLE_TAG, _TAG_NAME, _TAG_STRING, _CLUSTER = (
    0x1254C367,
    0x7373,
    0x67C8,
    0x45A3,
    0x4487,
    0x1F43B675,
)
_TOP = frozenset({_INFO, _TRACKS, _TAGS})
_EPOCH = datetime(2001, 1, 1)
_MAX_ELEMENTS = 5000
_MAX_VALUE = 1 << 16
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_TEXT_TAGS = {
    "MAKE": "make",
    "MODEL": "model",
    "TITLE": "title",
    "COM.APPLE.QUICKTIME.MAKE": "make",
    "COM.APPLE.QUICKTIME.MODEL": "model",
}


@dataclass(frozen=True, slots=True)
class Element:
    """One EBML element: its id with the length marker, and where its content lies."""

    kind: int
    start: int
    end: int


class _Reader:
    """A walk over elements that ends after _MAX_ELEMENTS whatever the file claims."""

    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.left = _MAX_ELEMENTS

    def children(self, start: int, end: int) -> Iterator[Element]:
        end = min(end, self.source.size)
        while start < end and self.left > 0:
            self.left -= 1
            element = self.element(start, end)
            if element is None:
                return
            yield element
            start = element.end

    def element(self, start: int, end: int) -> Element | None:
        """The element at an offset; one of unknown size reaches to `end`."""
        head = self.source.read(start, 12)
        kind, used = _number(head, keep_marker=True)
        size, more = _number(head[used:], keep_marker=False)
        if not used or used > 4 or not more:
            return None
        content = start + used + more
        unknown = size == (1 << 7 * more) - 1
        return Element(kind, content, end if unknown else min(content + size, end))

    def value(self, element: Element) -> bytes:
        return self.source.read(element.start, min(element.end - element.start, _MAX_VALUE))

    def values(self, parent: Element) -> dict[int, bytes]:
        """Content by id of an element's children, the first of each."""
        found: dict[int, bytes] = {}
        for element in self.children(parent.start, parent.end):
            found.setdefault(element.kind, self.value(element))
        return found


def _number(data: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """An EBML variable-size integer and how many bytes it takes (0 where there is none)."""
    if not data or data[0] == 0:
        return 0, 0
    length = 9 - data[0].bit_length()
    if len(data) < length:
        return 0, 0
    value = int.from_bytes(data[:length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), length


def read_matroska(source: ByteSource, findings: Findings) -> None:
    """Add the facts of a Matroska file: UTC date, size in pixels, duration in seconds, codecs,
    position.
    """
    reader = _Reader(source)
    segment = next((e for e in reader.children(0, source.size) if e.kind == _SEGMENT), None)
    if segment is None:
        findings.notes.append("no Matroska segment")
        return
    done: set[int] = set()
    seeks: list[int] = []
    for element in reader.children(segment.start, segment.end):
        if element.kind == _CLUSTER:
            break
        if element.kind == _SEEK_HEAD:
            seeks.extend(_seek_targets(reader, element, segment.start))
        elif element.kind in _TOP:
            done.add(element.start)
            _read_top(reader, element, findings)
    for offset in seeks[:16]:
        target = reader.element(offset, segment.end)
        if target and target.kind in _TOP and target.start not in done:
            done.add(target.start)
            _read_top(reader, target, findings)


def _seek_targets(reader: _Reader, head: Element, base: int) -> list[int]:
    targets: list[int] = []
    for element in reader.children(head.start, head.end):
        if element.kind == _SEEK:
            values = reader.values(element)
            if int.from_bytes(values.get(_SEEK_ID, b"")[:8], "big") in _TOP:
                targets.append(base + int.from_bytes(values.get(_SEEK_POSITION, b"")[:8], "big"))
    return targets


def _read_top(reader: _Reader, element: Element, findings: Findings) -> None:
    if element.kind == _INFO:
        _read_info(reader.values(element), findings)
    elif element.kind == _TRACKS:
        for entry in reader.children(element.start, element.end):
            if entry.kind == _ENTRY:
                _read_track(reader, entry, findings)
    else:
        for tag in reader.children(element.start, element.end):
            if tag.kind == _TAG:
                for simple in reader.children(tag.start, tag.end):
                    if simple.kind == _SIMPLE_TAG:
                        _read_tag(reader.values(simple), findings)


def _float(raw: bytes) -> float:
    if len(raw) == 4:
        return float(struct.unpack(">f", raw)[0])
    return float(struct.unpack(">d", raw)[0]) if len(raw) == 8 else 0.0


def _read_info(values: dict[int, bytes], findings: Findings) -> None:
    scale = int.from_bytes(values.get(_SCALE, b"")[:8], "big") or 1_000_000
    seconds = _float(values.get(_DURATION, b"")) * scale / 1e9
    if 0 < seconds < 1e7:
        findings.add("duration", seconds, "matroska")
    findings.add("title", values.get(_TITLE, b"").decode("utf-8", "replace"), "matroska")
    raw = values.get(_DATE, b"")
    if len(raw) == 8:
        nanoseconds = int.from_bytes(raw, "big", signed=True)
        if nanoseconds:
            moment = _EPOCH + timedelta(seconds=nanoseconds // 1_000_000_000)
            findings.add_date(DateCandidate("matroska:DateUTC", moment, is_utc=True))


def _read_track(reader: _Reader, entry: Element, findings: Findings) -> None:
    values = reader.values(entry)
    kind = int.from_bytes(values.get(_TYPE, b"")[:8], "big")
    codec = values.get(_CODEC, b"").decode("ascii", "replace").strip("\0")
    if kind == 2:
        findings.add("audio_codec", matroska_codec(codec), "matroska")
    if kind != 1 or "video_codec" in findings.values:
        return
    private = values.get(_PRIVATE, b"")
    if codec == "V_MS/VFW/FOURCC":
        findings.add("video_codec", riff_video_codec(private[16:20]), "matroska")
    else:
        findings.add("video_codec", matroska_codec(codec), "matroska")
    frame = int.from_bytes(values.get(_FRAME_NS, b"")[:8], "big")
    if frame > 500_000:
        findings.add("frame_rate", round(1e9 / frame, 4), "matroska")
    for element in reader.children(entry.start, entry.end):
        if element.kind == _VIDEO:
            _read_video(reader, element, findings)


def _read_video(reader: _Reader, video: Element, findings: Findings) -> None:
    """Size in coded pixels turned by the projection's roll (counter-clockwise degrees)."""
    values = reader.values(video)
    width, height = (int.from_bytes(values.get(kind, b"")[:8], "big") for kind in (_WIDTH, _HEIGHT))
    rotation = 0
    for element in reader.children(video.start, video.end):
        if element.kind == _PROJECTION:
            roll = _float(reader.values(element).get(_ROLL, b""))
            rotation = round(-roll / 90) % 4 * 90 if abs(roll) <= 360 else 0
    if not (0 < width < 1 << 16 and 0 < height < 1 << 16):
        return
    if rotation in (90, 270):
        width, height = height, width
    findings.add("width", width, "matroska")
    findings.add("height", height, "matroska")
    findings.add("rotation", rotation, "matroska")
    findings.displayed = True


def _read_tag(values: dict[int, bytes], findings: Findings) -> None:
    name = values.get(_TAG_NAME, b"").decode("utf-8", "replace").strip("\0").upper()
    text = values.get(_TAG_STRING, b"").decode("utf-8", "replace").strip("\0")
    if name in _TEXT_TAGS:
        findings.add(_TEXT_TAGS[name], text, "matroska")
    elif name in ("LOCATION", "COM.APPLE.QUICKTIME.LOCATION.ISO6709"):
        place = parse_iso6709(text)
        if place:
            findings.add_position(*place, "matroska:LOCATION")
    elif name == "DURATION":
        _add_duration(text, findings)
    elif name in ("DATE_RECORDED", "CREATION_TIME", "COM.APPLE.QUICKTIME.CREATIONDATE"):
        _add_tag_date(name, text, findings)


def _add_duration(text: str, findings: Findings) -> None:
    match = _CLOCK.match(text)
    if match:
        seconds = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
        if 0 < seconds < 1e7:
            findings.add("duration", seconds, "matroska")


def _add_tag_date(name: str, text: str, findings: Findings) -> None:
    """A date tag with a time of day; Z means the UTC clock that muxers copy from other
    containers.
    """
    parsed = parse_date(text)
    if parsed is None or not parsed.has_time:
        return
    wall, offset, _ = parsed
    utc = text.strip().endswith("Z")
    source = "quicktime:creationdate" if name.endswith("CREATIONDATE") else "matroska:DateUTC"
    findings.add_date(DateCandidate(source, wall, None if utc else offset, is_utc=utc))
