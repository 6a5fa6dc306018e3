"""What needs a decoder (PyAV, that is FFmpeg): facts the own readers leave open,
and one still of a clip.

`av` is imported on first use only: it is large, and most clips never need it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from io import RawIOBase
from typing import TYPE_CHECKING, Any

from catalog.domain.capture_time import DateCandidate, parse_date
from catalog.media.findings import Findings

if TYPE_CHECKING:
    from PIL.Image import Image

_BLACK = 8
_SEEKS = (0.1, 0.3, 0.5)
_MAX_PACKETS = 600
_MICROSECONDS = 1_000_000


def _load() -> Any:
    import av

    av.logging.set_level(av.logging.PANIC)
    return av


def probe(path_or_file: str | RawIOBase, findings: Findings, date_source: str = "") -> None:
    """Fill what is still missing: size in pixels (as shown), duration in seconds, codecs,
    frame rate.

    Whether there is sound alone is told as well; the picture of a cover is none.
    `date_source` names the source for the container's UTC creation time, taken only if no date was
    found; "" for never. Errors of the library are not caught here.
    """
    av = _load()
    with av.open(path_or_file, metadata_errors="ignore") as container:
        video = next((s for s in container.streams.video if s.codec_context), None)
        if video is not None:
            _add_video(video, findings)
        sound = next(iter(container.streams.audio), None)
        if sound is not None:
            findings.sound_alone = all(_is_cover(s) for s in container.streams.video)
            if sound.codec_context is not None:
                findings.add("audio_codec", sound.codec_context.codec.canonical_name, "ffmpeg")
        seconds = _seconds(container, video)
        if 0 < seconds < 1e7:
            findings.add("duration", seconds, "ffmpeg")
        if date_source and not findings.dates:
            _add_date(container.metadata, findings, date_source)


def _is_cover(stream: Any) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _seconds(container: Any, video: Any) -> float:
    if container.duration:
        return float(container.duration) / _MICROSECONDS
    if video is not None and video.duration and video.time_base:
        return float(video.duration * video.time_base)
    return 0.0


def _add_video(stream: Any, findings: Findings) -> None:
    context = stream.codec_context
    findings.add("video_codec", context.codec.canonical_name, "ffmpeg")
    rate = stream.average_rate or stream.guessed_rate
    if rate and 0 < float(rate) < 2000:
        findings.add("frame_rate", round(float(rate), 4), "ffmpeg")
    if "width" in findings.values or not (context.width and context.height):
        return
    width, height = context.width, context.height
    rotate = stream.metadata.get("rotate", "0")
    rotation = int(rotate) % 360 if rotate.lstrip("-").isdigit() else 0
    if rotation in (90, 270):
        width, height = height, width
    findings.add("width", width, "ffmpeg")
    findings.add("height", height, "ffmpeg")
    findings.add("rotation", rotation, "ffmpeg")
    findings.displayed = True


def _add_date(metadata: dict[str, str], findings: Findings, source: str) -> None:
    for name in ("creation_time", "creationdate"):
        parsed = parse_date(metadata.get(name, ""))
        if parsed and parsed.has_time:
            offset = parsed[1]
            findings.add_date(DateCandidate(source, parsed[0], offset or None, is_utc=not offset))
            return


# --- stills ---------------------------------------------------------------------------------------


def key_frame(path_or_file: str | RawIOBase) -> Image | None:
    """The first key frame that is not black, upright, in RGB at full size;
    None where nothing can be decoded.
    """
    av = _load()
    try:
        with av.open(path_or_file, metadata_errors="ignore") as container:
            stream = next(
                (s for s in container.streams.video if s.codec_context), None
            )  # FFmpeg knows no decoder of the others
            return None if stream is None else _first_bright(container, stream)
    except (av.error.FFmpegError, OSError, ValueError, MemoryError):
        return None


def _first_bright(container: Any, stream: Any) -> Image | None:
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    stream.codec_context.skip_frame = "NONKEY"
    first = frame = _decode_one(container, stream)
    for share in _SEEKS:
        if frame is not None and not _is_black(frame):
            break
        if not container.duration:
            break
        frame = _decode_after(container, stream, int(container.duration * share))
        first = first or frame
    chosen = frame if frame is not None and not _is_black(frame) else first
    return _upright(chosen) if chosen is not None else None


def _decode_after(container: Any, stream: Any, microseconds: int) -> Any:
    with contextlib.suppress(Exception):
        container.seek(microseconds + (container.start_time or 0))
        stream.codec_context.flush_buffers()
        return _decode_one(container, stream)
    return None


def _decode_one(container: Any, stream: Any) -> Any:
    """The next frame that decodes, or None; damaged packets are passed over,
    and not without end.
    """
    av = _load()
    for packet in _packets(container, stream):
        with contextlib.suppress(av.error.FFmpegError):
            for frame in packet.decode():
                return frame
    return None


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    for count, packet in enumerate(container.demux(stream)):
        if count >= _MAX_PACKETS:
            return
        yield packet


def _is_black(frame: Any) -> bool:
    """Whether the mean luma is below 8 of 255, judged on a small copy."""
    small = frame.reformat(width=32, height=32, format="gray").to_image()
    values: bytes = small.tobytes()
    return sum(values) < _BLACK * len(values)


def _upright(frame: Any) -> Image:
    """The frame as shown: FFmpeg states its rotation counter-clockwise, as Pillow turns."""
    image: Image = frame.to_image()
    rotation = int(getattr(frame, "rotation", 0) or 0) % 360
    return image.rotate(rotation, expand=True) if rotation else image
