"""Tracks of a QuickTime or MP4 movie (ISO/IEC 14496-12 §8): size, rotation, codecs, frame rate,
durations.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from catalog.media.bmff.boxes import Box, Walk
from catalog.media.bmff.fields import clock, full_box_times
from catalog.media.bmff.samples import Sample, locate_samples
from catalog.media.clips.codec_names import mpeg4_object_codec, quicktime_codec

MAX_TRACKS = 64
_MAX_SAMPLES = 200_000
_TELEMETRY = frozenset({"gpmd", "djmd", "rtmd"})
_TEXTS = frozenset({b"text", b"sbtl", b"subt"})
DJI = b"DJI"
"""A mark in the names of DJI's tracks (`DJI.AVC`, `DJI.Subtitle`, `DJI meta`)."""


@dataclass(slots=True)
class Track:
    """One track.

    Sizes are pixels before rotation, `rotation` is clockwise degrees, durations are seconds.
    """

    handler: bytes = b""
    name: bytes = b""
    """What its handler calls itself; some makers write their own names."""
    number: int = 0
    width: int = 0
    height: int = 0
    rotation: int = 0
    codec: str = ""
    vendor: bytes = b""
    scale: int = 0
    duration: float = 0.0
    header_duration: int = 0
    frame_rate: float | None = None
    created: datetime | None = None
    samples: tuple[Sample, ...] = ()
    """Of a track of telemetry: the first, and some later ones."""

    @property
    def is_video(self) -> bool:
        """Whether the track shows pictures."""
        return self.handler == b"vide"

    @property
    def displayed(self) -> tuple[int, int]:
        """Width and height as shown, in pixels."""
        return (
            (self.height, self.width) if self.rotation in (90, 270) else (self.width, self.height)
        )


def read_track(walk: Walk, trak: Box) -> Track:
    """The facts of one `trak` box; what is missing keeps its default."""
    track = Track()
    for box in walk.inside(trak):
        if box.kind == b"tkhd":
            _read_track_header(walk.payload(box, 128), track)
        elif box.kind == b"mdia":
            _read_media(walk, box, track)
    return track


def _read_track_header(payload: bytes, track: Track) -> None:
    wide = payload[:1] == b"\1"
    if len(payload) < (96 if wide else 84):
        return
    created, _, track.number, _, track.header_duration = struct.unpack_from(
        ">QQIIQ" if wide else ">IIIII", payload, 4
    )
    track.created = clock(created)
    at = 52 if wide else 40
    track.rotation = rotation_of(struct.unpack_from(">9i", payload, at))
    width, height = struct.unpack_from(">II", payload, at + 36)
    track.width, track.height = width >> 16, height >> 16


def rotation_of(matrix: tuple[int, ...]) -> int:
    """Clockwise degrees (0, 90, 180, 270) of a track's 3x3 matrix; mirroring is not told."""
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    if a * d - b * c < 0:
        a, b = abs(a), abs(b)
    if a == 0 and b == 0:
        return 0
    return round(math.degrees(math.atan2(b, a)) / 90) % 4 * 90


def _read_media(walk: Walk, media: Box, track: Track) -> None:
    for box in walk.inside(media):
        if box.kind == b"mdhd":
            times = full_box_times(walk.payload(box, 64))
            if times and times[1]:
                track.scale = times[1]
                track.duration = times[2] / times[1]
                track.created = track.created or clock(times[0])
        elif box.kind == b"hdlr":
            payload = walk.payload(box, 64)
            track.handler, track.name = payload[8:12], payload[24:]
        elif box.kind == b"minf":
            _read_media_information(walk, box, track)


def _read_media_information(walk: Walk, information: Box, track: Track) -> None:
    for box in walk.inside(information):
        if box.kind == b"vmhd" and not track.handler.strip(b"\0"):
            track.handler = b"vide"
        elif box.kind == b"stbl":
            _read_sample_table(walk, box, track)


def _read_sample_table(walk: Walk, table: Box, track: Track) -> None:
    for box in walk.inside(table):
        if box.kind == b"stsd":
            _read_description(walk.payload(box, 4096)[8:], track)
        elif box.kind == b"stts":
            track.frame_rate = _frame_rate(walk.payload(box), track.scale)
    if track.codec in _TELEMETRY or track.codec == "captions":
        track.samples = locate_samples(walk, table, track.scale)


def _frame_rate(payload: bytes, scale: int) -> float | None:
    """Frames a second by a time-to-sample table (entries of a count and a duration in units of
    `scale`).

    One lone sample may be a still, but some cameras store the whole clip as one with the time of a
    frame.
    """
    entries = min(int.from_bytes(payload[4:8], "big"), (len(payload) - 8) // 8)
    table = list(struct.iter_unpack(">II", payload[8 : 8 + 8 * max(entries, 0)]))
    samples, ticks = sum(n for n, _ in table), sum(n * d for n, d in table)
    rate = samples * scale / ticks if ticks else 0.0
    return rate if rate > 0 and (samples > 1 or rate > 5) else None


def _read_description(entry: bytes, track: Track) -> None:
    """The first sample entry: its code and, for video,
    the coded size (preferred to the track header's).
    """
    code = entry[4:8]
    if len(code) < 4:
        return
    if track.handler == b"soun":
        bits = int.from_bytes(entry[26:28], "big")
        track.codec = _object_codec(entry) if code == b"mp4a" else quicktime_codec(code, bits or 16)
        return
    if track.handler == b"meta" and code.decode("latin-1") in _TELEMETRY:
        track.codec = code.decode("latin-1")
    if track.handler in _TEXTS and DJI in track.name:
        track.codec = "captions"
    if not track.is_video:
        return
    track.codec = _object_codec(entry) if code == b"mp4v" else _video_codec(entry, code)
    track.vendor = entry[20:24]
    if len(entry) >= 36:
        width, height = struct.unpack_from(">HH", entry, 32)
        if width and height:
            track.width, track.height = width, height


def _video_codec(entry: bytes, code: bytes) -> str:
    if code in (b"encv", b"drmi"):
        at = entry.find(b"frma")
        code = entry[at + 4 : at + 8] if at > 0 else code
    return quicktime_codec(code)


def _object_codec(entry: bytes) -> str:
    """The codec that the MPEG-4 elementary stream descriptor names (ISO/IEC 14496-1 §7.2.6),
    else the usual one.
    """
    usual = quicktime_codec(entry[4:8])
    at = entry.find(b"esds")
    if at < 0:
        return usual
    at = _descriptor(entry, at + 8, 3)
    if at < 0:
        return usual
    at = _descriptor(entry, at + 3, 4)
    return mpeg4_object_codec(entry[at]) or usual if 0 <= at < len(entry) else usual


def _descriptor(entry: bytes, at: int, tag: int) -> int:
    if at >= len(entry) or entry[at] != tag:
        return -1
    for end in range(at + 1, min(at + 5, len(entry))):
        if entry[end] < 0x80:
            return end + 1
    return -1


def main_video(tracks: list[Track]) -> Track | None:
    """The track that is the clip: the first with a size, leaving cover pictures (JPEG,
    PNG) to the end.
    """
    videos = [t for t in tracks if t.is_video]
    videos.sort(
        key=lambda t: (
            not (t.width and t.height),
            t.codec in ("mjpeg", "png") and t.duration < 0.5,
            t.codec == "png",
        )
    )
    if (
        len(videos) > 1
        and videos[0].codec == "mjpeg"
        and videos[1].width
        and videos[1].codec != "mjpeg"
    ):
        return videos[1]
    return videos[0] if videos else None


# --- fragments ------------------------------------------------------------------------------------


def fragment_seconds(
    walk: Walk, moof: Box, tracks: list[Track], defaults: dict[int, int]
) -> dict[int, float]:
    """Seconds of media in one `moof`, by track number.

    `defaults` are the `trex` sample durations.
    """
    scales = {t.number: t.scale for t in tracks if t.scale}
    seconds: dict[int, float] = {}
    for traf in (b for b in walk.inside(moof) if b.kind == b"traf"):
        number, default, total = 0, 0, 0
        for box in walk.inside(traf):
            if box.kind == b"tfhd":
                number, default = _fragment_header(walk.payload(box, 64), defaults)
            elif box.kind == b"trun":
                total += sum(_run_durations(walk.payload(box), default))
        if number in scales:
            seconds[number] = seconds.get(number, 0.0) + total / scales[number]
    return seconds


def _fragment_header(payload: bytes, defaults: dict[int, int]) -> tuple[int, int]:
    if len(payload) < 8:
        return 0, 0
    flags, number = struct.unpack_from(">II", payload)
    at = 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
    if flags & 8 and len(payload) >= at + 4:
        return number, int.from_bytes(payload[at : at + 4], "big")
    return number, defaults.get(number, 0)


def _run_durations(payload: bytes, default: int) -> Iterator[int]:
    if len(payload) < 8:
        return
    flags, count = struct.unpack_from(">II", payload)
    if not flags & 0x100:
        yield default * min(count, _MAX_SAMPLES)
        return
    start = 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
    step = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    for at in range(start, min(start + step * min(count, _MAX_SAMPLES), len(payload) - 3), step):
        yield int.from_bytes(payload[at : at + 4], "big")


def index_seconds(payload: bytes) -> tuple[int, float]:
    """Track number and the seconds of media that a segment index (`sidx`) lists;
    0 where it is damaged.

    References to further indexes (top bit set) are left out: those are summed themselves.
    """
    if len(payload) < 32:
        return 0, 0.0
    number, scale = struct.unpack_from(">II", payload, 4)
    return number, _index_ticks(payload) / scale if scale else 0.0


def _index_ticks(payload: bytes) -> int:
    at = 20 if payload[0] == 0 else 28
    count = int.from_bytes(payload[at + 2 : at + 4], "big")
    entries = range(at + 4, min(at + 4 + 12 * count, len(payload) - 11), 12)
    return sum(int.from_bytes(payload[i + 4 : i + 8], "big") for i in entries if payload[i] < 0x80)
