"""Metadata of AVI files: RIFF chunks (Microsoft's AVI RIFF File Reference,
OpenDML 1.02) and cameras' own chunks.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from catalog.domain.capture_time import DAY, SECOND, DateCandidate, parse_date
from catalog.media.bmff.makers import read_olympus_block, text_at
from catalog.media.clips.codec_names import riff_video_codec, wave_codec
from catalog.media.clips.embedded_metadata import merge_bare_ifd, merge_xmp
from catalog.media.findings import Findings
from catalog.media.source import ByteSource
from catalog.media.texts import decode_text

_MAX_CHUNKS = 5000
_MAX_DEPTH = 5
_MAX_PAYLOAD = 1 << 18
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_C_TIME = re.compile(
    r"[A-Za-z]{3,9},?\s+([A-Za-z]{3})[a-z]*\s+(\d{1,2})\s+(\d{1,2}):(\d{1,2}):(\d{1,2})\s+(\d{4})"
)
_LOOSE = re.compile(
    r"(\d{4})[/:.-]\s*(\d{1,2})[/:.-]\s*(\d{1,2})[/T]?\s*(\d{1,2}):\s*(\d{1,2})(?::\s*(\d{1,2}))?\s*([AP]M?)?",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: its id (a list's own type for LIST and RIFF) and where its payload lies."""

    kind: bytes
    start: int
    end: int
    depth: int
    is_list: bool = False


@dataclass(slots=True)
class _Clip:
    """Numbers of the headers, joined at the end.

    `stream` is the type of the stream being described.
    """

    frame_microseconds: int = 0
    frames: int = 0
    header_size: tuple[int, int] = (0, 0)
    total_frames: int = 0
    stream: bytes = b""
    handler: bytes = b""
    rate: float = 0.0
    stream_frames: int = 0


def read_avi(source: ByteSource, findings: Findings) -> None:
    """Add the facts of an AVI file: local date, size in pixels, duration in seconds, codecs,
    device.
    """
    clip = _Clip()
    for chunk in _chunks(source):
        data = (
            source.read(chunk.start, min(chunk.end - chunk.start, _MAX_PAYLOAD))
            if not chunk.is_list
            else b""
        )
        try:
            _read_chunk(chunk, data, clip, findings)
        except Exception as error:
            findings.notes.append(f"chunk {chunk.kind!r}: {type(error).__name__}: {error}")
    _finish(clip, findings)


def _chunks(source: ByteSource) -> Iterator[Chunk]:
    """Every chunk of the file but those of the media itself (`movi`, index),
    lists before their members.
    """
    left = _MAX_CHUNKS
    pending = [(0, source.size, 0)]
    while pending:
        at, end, depth = pending.pop()
        while at + 8 <= end and left > 0:
            left -= 1
            head = source.read(at, 12)
            size = int.from_bytes(head[4:8], "little")
            stop = min(at + 8 + size, end)
            following = at + 8 + size + (size & 1)
            if head[:4] in (b"LIST", b"RIFF") and len(head) == 12:
                yield Chunk(head[8:12], at + 12, stop, depth, is_list=True)
                if head[8:12] not in (b"movi", b"rec ") and depth < _MAX_DEPTH and stop > at + 12:
                    pending.append((following, end, depth))
                    at, end, depth = at + 12, stop, depth + 1
                    continue
            elif not head[:4].strip(b"\0"):
                break
            elif head[:4] not in (b"idx1", b"indx"):
                yield Chunk(head[:4], at + 8, stop, depth)
            at = following


def _read_chunk(chunk: Chunk, data: bytes, clip: _Clip, findings: Findings) -> None:
    kind = chunk.kind
    if kind in (b"avih", b"strh", b"strf", b"dmlh"):
        _read_header(kind, data, clip, findings)
    elif kind in (b"IDIT", b"ICRD"):
        _add_date(data, findings)
    elif kind == b"ISFT":
        findings.add("software", text_at(data, 0, 256), "riff")
    elif kind == b"INAM":
        findings.add("title", decode_text(data.split(b"\0")[0]), "riff")
    elif kind == b"strd":
        _read_stream_data(data, findings)
    elif kind == b"JUNK":
        _read_junk(data, findings)
    elif kind == b"nctg":
        _read_nikon(data, findings)
    elif kind == b"_PMX":
        merge_xmp(data, findings)


def _read_header(kind: bytes, data: bytes, clip: _Clip, findings: Findings) -> None:
    if kind == b"avih" and len(data) >= 40:
        clip.frame_microseconds, clip.frames = struct.unpack_from("<I12xI", data)
        clip.header_size = struct.unpack_from("<II", data, 32)
    elif kind == b"dmlh" and len(data) >= 4:
        clip.total_frames = int.from_bytes(data[:4], "little")
    elif kind == b"strh" and len(data) >= 36:
        clip.stream, clip.handler = data[:4], data[4:8]
        scale, rate, _, length = struct.unpack_from("<IIII", data, 20)
        if clip.stream in (b"vids", b"iavs") and not clip.rate and scale:
            clip.rate, clip.stream_frames = rate / scale, length
        if clip.stream == b"iavs":
            findings.add("video_codec", "dvvideo", "riff")
    elif kind == b"strf":
        _read_format(data, clip, findings)


def _read_format(data: bytes, clip: _Clip, findings: Findings) -> None:
    """A stream's format: BITMAPINFOHEADER of video, WAVEFORMATEX of sound."""
    if clip.stream == b"vids" and len(data) >= 20 and "video_codec" not in findings.values:
        width, height = struct.unpack_from("<ii", data, 4)
        findings.add("video_codec", riff_video_codec(data[16:20]), "riff")
        if width and height:
            clip.header_size = (abs(width), abs(height))
    elif clip.stream == b"auds" and len(data) >= 14:
        bits = int.from_bytes(data[14:16], "little") or 16
        findings.add("audio_codec", wave_codec(int.from_bytes(data[:2], "little"), bits), "riff")


def _finish(clip: _Clip, findings: Findings) -> None:
    width, height = clip.header_size
    if 0 < width < 1 << 16 and 0 < height < 1 << 16:
        findings.add("width", width, "riff")
        findings.add("height", height, "riff")
        findings.displayed = True
    rate = clip.rate or (1e6 / clip.frame_microseconds if clip.frame_microseconds else 0.0)
    if 0 < rate < 2000:
        findings.add("frame_rate", round(rate, 4), "riff")
    duration = _duration(clip)
    if duration > 0:
        findings.add("duration", duration, "riff")


def _duration(clip: _Clip) -> float:
    """Seconds.

    The stream's header is preferred where the file's header differs wildly from it (some cameras
    count fields).
    """
    by_stream = clip.stream_frames / clip.rate if clip.rate else 0.0
    frames = max(clip.frames, clip.total_frames)
    by_file = frames * clip.frame_microseconds / 1e6
    if clip.total_frames > clip.frames and clip.rate:
        return clip.total_frames / clip.rate
    if not by_file or (by_stream and 1.9 < by_file / by_stream < 3.1):
        return by_stream
    return by_file


# --- dates ----------------------------------------------------------------------------------------


def riff_date(text: str) -> tuple[datetime, bool] | None:
    """The wall clock of an IDIT text and whether it has a time of day, or None.

    Forms seen: "MON JAN 05 12:34:56 2009", "2009:01:05 12:34:56", "2005/08/17/ 11:42", "2001/ 1/27
    1:42PM".
    """
    text = text.replace("\0", " ").strip()
    c_time = _C_TIME.search(text)
    loose = _LOOSE.search(text)
    try:
        if c_time:
            month = _MONTHS.index(c_time[1].lower()) + 1
            return datetime(
                int(c_time[6]),
                month,
                int(c_time[2]),
                int(c_time[3]),
                int(c_time[4]),
                int(c_time[5]),
            ), True
        if loose:
            hour = _clock_hour(int(loose[4]), (loose[7] or "").upper())
            return datetime(
                int(loose[1]), int(loose[2]), int(loose[3]), hour, int(loose[5]), int(loose[6] or 0)
            ), True
    except ValueError:
        return None
    parsed = parse_date(text)
    if parsed is None or parsed.precision not in (SECOND, DAY):
        return None
    return parsed.wall, parsed.precision == SECOND


def _clock_hour(hour: int, half: str) -> int:
    if half.startswith("P"):
        return hour if hour >= 12 else hour + 12
    return 0 if half.startswith("A") and hour == 12 else hour


def _add_date(data: bytes, findings: Findings) -> None:
    """A date text of IDIT or ICRD that names a day at least; a bare year is none."""
    found = riff_date(data[:64].decode("latin-1"))
    if found:
        findings.add_date(
            DateCandidate("riff:DateTimeOriginal", found[0], precision=SECOND if found[1] else DAY)
        )


# --- cameras' own chunks --------------------------------------------------------------------------


def _read_stream_data(data: bytes, findings: Findings) -> None:
    if data.startswith(b"AVIF"):
        merge_bare_ifd(data, 8, "<", (0, 8, 4), findings)
    elif data.startswith(b"CASI"):
        findings.add("software", text_at(data, 4, 64), "riff")


def _read_junk(data: bytes, findings: Findings) -> None:
    if data.startswith((b"OLYMDigital Camera", b"PENTDigital Camera")):
        read_olympus_block(data, findings)
    elif data.startswith(b"QVMI"):
        merge_bare_ifd(data, 10, ">", (0, 10, 4), findings)
    elif data.startswith(b"IIII\x01\0"):
        findings.add("model", text_at(data, 0x0C, 32), "maker")


def _read_nikon(data: bytes, findings: Findings) -> None:
    """Nikon's records: tag and size (two bytes each, little-endian), then the value."""
    at, left = 0, 256
    texts: dict[int, str] = {}
    while at + 4 <= len(data) and left:
        tag, size = struct.unpack_from("<HH", data, at)
        texts[tag] = text_at(data, at + 4, min(size, 64))
        at, left = at + 4 + size, left - 1
    for tag, name in ((3, "make"), (4, "model"), (5, "software")):
        findings.add(name, texts.get(tag), "maker")
    parsed = parse_date(texts.get(0x13, "")) or parse_date(texts.get(0x14, ""))
    if parsed:
        findings.add_date(parsed.as_candidate("maker:DateTimeOriginal"))
