"""The streams of a video as FFmpeg's libraries see them (PyAV).

For reading processes: a hostile file may crash them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from catalog.domain.filetypes import HEAD_BYTES, recognise
from catalog.domain.video import Clip, Pictures, Sound
from catalog.errors import UnreadableMedia, UnsupportedType
from catalog.media.request import Request
from catalog.media.source import FileSource, SourceStream

BRIEF, WHOLE = "brief", "whole"
"""How much is looked at: headers and one frame, or every packet as well."""
_STILLS = frozenset({"mjpeg", "png", "gif", "bmp", "tiff", "webp"})
_FIRST_PACKETS = 300
_MICROSECONDS = 1_000_000
_SLACK_SECONDS = 0.2
_COVERS = ("attached_pic", "still_image", "timed_thumbnails")


def read_streams(request: Request) -> Clip:
    """The streams of one video file. Raises UnsupportedType or UnreadableMedia with a reason.

    With `request.streams` WHOLE every packet is looked at, so that a file that is cut off, or
    damaged between its packets, is an UnreadableMedia.
    """
    import av

    from catalog.media.extract import open_regular

    av.logging.set_level(av.logging.PANIC)
    name = os.path.basename(request.path)  # noqa: PTH119 - a system path may hold bytes that are no text
    with open_regular(request.path, request.root) as (descriptor, size):
        filetype = recognise(os.pread(descriptor, HEAD_BYTES, 0), name)
        if filetype is None or filetype.kind != "video":
            raise UnsupportedType("its content is no video known here")
        try:
            return _read_clip(FileSource(descriptor, size), name, filetype.name, request.streams)
        except (av.error.FFmpegError, ValueError) as error:
            raise UnreadableMedia(
                f"its streams cannot be read: {getattr(error, 'strerror', None) or error}"
            ) from error


def _read_clip(source: FileSource, name: str, kind: str, much: str) -> Clip:
    import av

    def opened() -> Any:
        return av.open(SourceStream(source, name), metadata_errors="ignore")

    with opened() as container:
        clip = _with_first_frame(container, _clip(container, kind))
    if much != WHOLE:
        return clip
    with opened() as container:
        clip = _with_packets(container, clip)
    with opened() as container:
        return _with_first_samples(container, clip)


def _clip(container: Any, kind: str) -> Clip:
    videos, covers = _videos(container)
    sounds = tuple(_sound(s) for s in container.streams.audio)
    others = tuple(s.type for s in container.streams if s.type not in ("video", "audio"))
    seconds = float(container.duration) / _MICROSECONDS if container.duration else 0.0
    pictures = _pictures(videos[0]) if videos else None
    others += ("further video",) * max(0, len(videos) - 1)
    return Clip(kind, pictures, sounds, seconds, len(covers), others, dict(container.metadata))


def _videos(container: Any) -> tuple[list[Any], list[Any]]:
    """The video streams that play, the clip first, and those that are pictures of a cover."""
    from av.stream import Disposition

    marks = [getattr(Disposition, name) for name in _COVERS]
    covers = [s for s in container.streams.video if any(s.disposition & mark for mark in marks)]
    playing = [
        s for s in container.streams.video if s not in covers and s.codec_context is not None
    ]
    playing.sort(
        key=lambda s: (s.codec_context.codec.canonical_name in _STILLS and s.frames == 1, s.index)
    )
    while (
        len(playing) > 1
        and playing[-1].codec_context.codec.canonical_name in _STILLS
        and playing[-1].frames == 1
    ):
        covers.append(playing.pop())
    return playing, covers


def _pictures(stream: Any) -> Pictures:
    context = stream.codec_context
    aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio
    rate = stream.average_rate or stream.guessed_rate
    return Pictures(
        stream.index,
        context.codec.canonical_name,
        _tag(context),
        context.width,
        context.height,
        aspect=(aspect.numerator, aspect.denominator) if aspect else (1, 1),
        pixels=context.pix_fmt or "",
        depth=_depth(context),
        primaries=int(context.color_primaries or 0),
        transfer=int(context.color_trc or 0),
        matrix=_number(context.colorspace, 2),
        levels=int(context.color_range or 0),
        rate=float(rate) if rate else 0.0,
    )


def _number(value: Any, default: int) -> int:
    return default if value is None else int(value)


def _depth(context: Any) -> int:
    try:
        return max((int(c.bits) for c in context.format.components), default=8)
    except AttributeError:
        return 8


def _tag(context: Any) -> str:
    return str(context.codec_tag).replace("\0", "").strip()


def _sound(stream: Any) -> Sound:
    context = stream.codec_context
    if context is None:
        return Sound(stream.index, "unknown", 0, known=False)
    language = stream.metadata.get("language", "")
    layout = str(context.layout.name) if context.channels else ""
    return Sound(
        stream.index,
        context.codec.canonical_name,
        context.channels,
        layout,
        context.sample_rate or 0,
        language,
    )


# --- the first frame ------------------------------------------------------------------------------


def _with_first_frame(container: Any, clip: Clip) -> Clip:
    """What only a decoded frame tells.

    A clip whose first frame cannot be had is as its headers say.
    """
    if clip.pictures is None:
        return clip
    stream = container.streams[clip.pictures.index]
    stream.codec_context.thread_count = 1
    frame = _first_frame(container, stream)
    if frame is None:
        return clip
    kinds = _kinds(frame)
    pictures = replace(
        clip.pictures,
        rotation=int(frame.rotation or 0) % 360,
        interlaced=bool(frame.interlaced_frame),
        pixels=frame.format.name,
        depth=max((int(c.bits) for c in frame.format.components), default=8),
        dolby_vision=any(kind.startswith("DOVI") for kind in kinds),
        mastering="MASTERING_DISPLAY_METADATA" in kinds,
        light="CONTENT_LIGHT_LEVEL" in kinds,
    )
    return replace(clip, pictures=pictures)


def _kinds(frame: Any) -> set[str]:
    """What a frame carries besides its picture.

    The library fails at kinds that it has no name for.
    """
    try:
        return {str(data.type.name) for data in frame.side_data}
    except ValueError:
        return set()


def _first_frame(container: Any, stream: Any) -> Any:
    import av

    for number, packet in enumerate(container.demux(stream)):
        if number >= _FIRST_PACKETS:
            return None
        with contextlib.suppress(av.error.FFmpegError):
            for frame in packet.decode():
                return frame
    return None


def _with_first_samples(container: Any, clip: Clip) -> Clip:
    """When each sound is heard first.

    Packets do not tell: those that only prime a decoder have times as well.
    """
    import av

    known = {s.index for s in clip.sounds if s.known}
    first: dict[int, float] = {}
    streams = [s for s in container.streams.audio if s.index in known]
    for number, packet in enumerate(container.demux(*streams) if streams else ()):
        if number >= _FIRST_PACKETS or len(first) == len(streams):
            break
        if packet.stream.index not in first:
            with contextlib.suppress(av.error.FFmpegError):
                frame = next((f for f in packet.decode() if f.pts is not None), None)
                if frame is not None:
                    first[packet.stream.index] = max(float(frame.pts * frame.time_base), 0.0)
    return replace(clip, sounds=tuple(replace(s, first=first.get(s.index)) for s in clip.sounds))


# --- every packet ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Span:
    """The packets of one stream: how many are shown, how many there are, and from when to when,
    in seconds.
    """

    packets: int = 0
    all: int = 0
    start: float | None = None
    end: float = 0.0

    def add(self, start: float, seconds: float) -> None:
        """One more packet."""
        self.packets += 1
        self.start = start if self.start is None else min(self.start, start)
        self.end = max(self.end, start + seconds)


def _with_packets(container: Any, clip: Clip) -> Clip:
    assert clip.pictures is not None
    spans: dict[int, _Span] = {s.index: _Span() for s in container.streams}
    for stream, packet in _packets(container):
        if packet.is_corrupt:
            raise UnreadableMedia("it is damaged, or cut off: a packet of it is not whole")
        spans[stream.index].all += 1
        at = packet.pts if packet.pts is not None else packet.dts
        if at is not None and not packet.is_discard:
            base = float(packet.time_base)
            spans[stream.index].add(at * base, (packet.duration or 0) * base)
    for stream in container.streams:
        if stream.index in (clip.pictures.index, *(s.index for s in clip.sounds)):
            _check_stated(stream, spans[stream.index])
    span = spans[clip.pictures.index]
    if not span.packets:
        raise UnreadableMedia("it holds no pictures")
    pictures = replace(clip.pictures, frames=span.packets, start=_begin(span), end=span.end)
    sounds = tuple(
        replace(
            s, start=_begin(spans[s.index]), end=spans[s.index].end, packets=spans[s.index].packets
        )
        for s in clip.sounds
    )
    last = (
        max(pictures.end, *(s.end for s in sounds), 0.0)
        - (container.start_time or 0) / _MICROSECONDS
    )
    if (
        clip.seconds
        and not clip.others
        and last
        < clip.seconds - max(_SLACK_SECONDS, 2 * pictures.frame_seconds, clip.seconds * 0.005)
    ):
        raise UnreadableMedia(_cut_off(last, clip.seconds))
    return replace(clip, pictures=pictures, sounds=sounds)


def _begin(span: _Span) -> float:
    """When a stream begins to be shown; what comes before zero is there for the decoder alone."""
    return max(span.start or 0.0, 0.0)


def _packets(container: Any) -> Iterator[tuple[Any, Any]]:
    """Every packet with its stream; the empty ones at the end, which flush decoders,
    are left out.
    """
    for packet in container.demux():
        if packet.size:
            yield packet.stream, packet


def _check_stated(stream: Any, span: _Span) -> None:
    """Raises UnreadableMedia where a stream has fewer packets, or is shorter,
    than its header says.
    """
    if stream.type == "video" and stream.frames and span.all < stream.frames * 0.98 - 2:
        raise UnreadableMedia(
            f"it is cut off: {span.all:,} of {stream.frames:,} packets of its {stream.type} are "
            "there"
        )
    if stream.duration and stream.time_base:
        stated = float(stream.duration * stream.time_base)
        if span.end - _begin(span) < stated - max(_SLACK_SECONDS, stated * 0.01):
            raise UnreadableMedia(_cut_off(span.end - _begin(span), stated))


def _cut_off(found: float, stated: float) -> str:
    return f"it is cut off: {max(found, 0):.1f} of {stated:.1f} seconds are there"
