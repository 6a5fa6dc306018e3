"""Metadata of ASF files (WMV): the objects of the header,
after Microsoft's Advanced Systems Format specification.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta

from catalog.domain.capture_time import DateCandidate
from catalog.media.clips.codec_names import riff_video_codec, wave_codec
from catalog.media.findings import Findings
from catalog.media.source import ByteSource

_MAX_HEADER = 4 << 20
_MAX_OBJECTS = 500
_EPOCH = datetime(1601, 1, 1)


def _guid(text: str) -> bytes:
    a, b, c, d, e = text.split("-")
    return (
        bytes.fromhex(a)[::-1]
        + bytes.fromhex(b)[::-1]
        + bytes.fromhex(c)[::-1]
        + bytes.fromhex(d + e)
    )


_HEADER = _guid("75B22630-668E-11CF-A6D9-00AA0062CE6C")
_FILE_PROPERTIES = _guid("8CABDCA1-A947-11CF-8EE4-00C00C205365")
_STREAM_PROPERTIES = _guid("B7DC0791-A9B7-11CF-8EE6-00C00C205365")
_EXTENSION = _guid("5FBF03B5-A92E-11CF-8EE3-00C00C205365")
_EXTENDED_STREAM = _guid("14E6A5CB-C672-4332-8399-A96952065B5A")
_CONTENT = _guid("75B22633-668E-11CF-A6D9-00AA0062CE6C")
_VIDEO = _guid("BC19EFC0-5B4D-11CF-A8FD-00805F5C442B")
_AUDIO = _guid("F8699E40-5B4D-11CF-A8FD-00805F5C442B")


def read_asf(source: ByteSource, findings: Findings) -> None:
    """Add the facts of an ASF file: UTC date, size in pixels, duration in seconds, codecs,
    frame rate.
    """
    head = source.read(0, 30)
    if head[:16] != _HEADER or len(head) < 30:
        findings.notes.append("no ASF header")
        return
    header = source.read(0, min(int.from_bytes(head[16:24], "little"), _MAX_HEADER))
    for kind, data in _objects(header, 30):
        try:
            _read_object(kind, data, findings)
        except (struct.error, OverflowError) as error:
            findings.notes.append(f"ASF object: {error}")


def _objects(data: bytes, start: int) -> Iterator[tuple[bytes, bytes]]:
    """Identifier and content of the objects from an offset on."""
    for _ in range(_MAX_OBJECTS):
        size = int.from_bytes(data[start + 16 : start + 24], "little")
        if start + 24 > len(data) or size < 24:
            return
        yield data[start : start + 16], data[start + 24 : start + size]
        start += size


def _read_object(kind: bytes, data: bytes, findings: Findings) -> None:
    if kind == _FILE_PROPERTIES:
        _read_file(data, findings)
    elif kind == _STREAM_PROPERTIES:
        _read_stream(data, findings)
    elif kind == _CONTENT and len(data) >= 10:
        length = int.from_bytes(data[:2], "little")
        findings.add("title", data[10 : 10 + length].decode("utf-16-le", "replace"), "asf")
    elif kind == _EXTENSION:
        for inner, content in _objects(data, 22):
            if inner == _EXTENDED_STREAM and len(content) >= 60:
                _read_frame_time(content, findings)
                for nested, stream in _nested_stream(content):
                    _read_object(nested, stream, findings)


def _nested_stream(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The stream properties that may close an extended stream object, found by their identifier."""
    at = data.find(_STREAM_PROPERTIES, 64)
    if at >= 0:
        yield from _objects(data, at)


def _read_file(data: bytes, findings: Findings) -> None:
    created, _, play, _, preroll = struct.unpack_from("<QQQQQ", data, 24)
    seconds = play / 1e7 - preroll / 1000
    if 0 < seconds < 1e7:
        findings.add("duration", seconds, "asf")
    if 0 < created < 1 << 58:
        moment = (_EPOCH + timedelta(microseconds=created // 10)).replace(microsecond=0)
        if moment.year > 1970:
            findings.add_date(DateCandidate("asf:CreationDate", moment, is_utc=True))


def _read_stream(data: bytes, findings: Findings) -> None:
    kind, content = data[:16], data[54:]
    if kind == _VIDEO and len(content) >= 31 and "video_codec" not in findings.values:
        width, height = struct.unpack_from("<II", content)
        findings.add("video_codec", riff_video_codec(content[27:31]), "asf")
        if 0 < width < 1 << 16 and 0 < height < 1 << 16:
            findings.add("width", width, "asf")
            findings.add("height", height, "asf")
            findings.displayed = True
    elif kind == _AUDIO and len(content) >= 16:
        tag, bits = struct.unpack_from("<H12xH", content)
        findings.add("audio_codec", wave_codec(tag, bits), "asf")


def _read_frame_time(data: bytes, findings: Findings) -> None:
    """Average time of a frame in units of 100 ns; sound streams have 0 there."""
    units = int.from_bytes(data[52:60], "little")
    if 5000 < units < 100_000_000:
        findings.add("frame_rate", round(1e7 / units, 4), "asf")
