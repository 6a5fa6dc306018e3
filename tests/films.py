"""Small films made by code, of many codecs, containers and shapes; less than a second each."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

TAKEN = "2019-07-12T16:30:15.000000Z"
GHENT = "+51.0500+003.7200/"
MATRICES = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
"""Of the track header, for clockwise turns in degrees."""


@dataclass(frozen=True)
class Film:
    """What to make.

    `turned` is clockwise degrees; `ticks` the times of frames, one a frame without; `samples` are
    those of the sound a second.
    """

    codec: str = "libx264"
    pixels: str = "yuv420p"
    size: tuple[int, int] = (96, 64)
    frames: int = 12
    rate: int = 25
    sound: str = ""
    samples: int = 48_000
    layout: str = "stereo"
    turned: int = 0
    ticks: Sequence[int] = ()
    tag: str = ""
    hdr: bool = False
    aspect: tuple[int, int] = (1, 1)
    options: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=lambda: {"creation_time": TAKEN})
    seed: int = 0
    cover: bool = False


def make(path: Path, film: Film = Film(), mtime: float | None = None) -> Path:
    """Write a film; its container is that of the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"movflags": "use_metadata_tags"} if path.suffix.lower() == ".mov" else {}
    with av.open(str(path), "w", options=options) as out:
        out.metadata.update(film.metadata)
        video = _video(out, film)
        sound = _sound(out, film) if film.sound else None
        for packet in (p for n in range(film.frames) for p in video.encode(_frame(film, n))):
            out.mux(packet)
        out.mux(video.encode())
        if sound is not None:
            _fill(out, sound, film)
    if film.turned:
        turn(path, film.turned)
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path


def _video(out: Any, film: Film) -> Any:
    options = (
        {"x265-params": "log-level=none", "preset": "ultrafast"} if "265" in film.codec else {}
    )
    stream = out.add_stream(film.codec, rate=film.rate, options={**options, **film.options})
    stream.width, stream.height = film.size
    stream.pix_fmt = film.pixels
    stream.codec_context.time_base = Fraction(1, film.rate)
    if film.aspect != (1, 1):
        stream.codec_context.sample_aspect_ratio = Fraction(*film.aspect)
    if film.tag:
        stream.codec_context.codec_tag = film.tag
    if film.hdr:
        context = stream.codec_context
        context.color_primaries, context.color_trc = ColorPrimaries.BT2020, ColorTrc.SMPTE2084
        context.colorspace = Colorspace.BT2020
    return stream


def _frame(film: Film, number: int) -> Any:
    """Moving stripes, so that a frame more or less, or another order, is seen."""
    width, height = film.size
    across = (np.arange(width)[None, :] * 2 + number * 12 + film.seed * 37) % 256
    down = (np.arange(height)[:, None] * 3 + number * 5) % 256
    picture = np.stack(
        [across + 0 * down, down + 0 * across, (across + down) % 256], axis=-1
    ).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    if film.pixels != "rgb24":
        frame = frame.reformat(format=film.pixels)
    frame.pts = film.ticks[number] if film.ticks else number
    frame.time_base = Fraction(1, film.rate)
    return frame


def _sound(out: Any, film: Film) -> Any:
    stream = out.add_stream(film.sound, rate=film.samples)
    stream.codec_context.layout = film.layout
    if film.sound.startswith("wma"):
        stream.codec_context.bit_rate = 128_000
    return stream


def _fill(out: Any, stream: Any, film: Film) -> None:
    """A tone in every channel, as long as the pictures."""
    rate = stream.codec_context.sample_rate
    last = (film.ticks[film.frames - 1] if film.ticks else film.frames - 1) + 1
    total = round(rate * last / film.rate)
    channels = stream.codec_context.layout.nb_channels
    tone = (np.sin(np.arange(total) * 2 * np.pi * 440 / rate) * 0.3).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(
        np.tile(tone, (channels, 1)), format="fltp", layout=film.layout
    )
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    context = stream.codec_context
    resampler = av.AudioResampler(context.format, context.layout, rate, context.frame_size or None)
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        out.mux(stream.encode(piece))
    out.mux(stream.encode())


def turn(path: Path, degrees: int) -> None:
    """Write a rotation into the header of the first track of a MOV or MP4 file."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = MATRICES[degrees]
    struct.pack_into(">9i", data, at, a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


APPLE = {
    "creation_time": TAKEN,
    "com.apple.quicktime.creationdate": "2019-07-12T18:30:15+0200",
    "com.apple.quicktime.make": "Apple",
    "com.apple.quicktime.model": "iPhone 12",
    "com.apple.quicktime.software": "14.2",
    "com.apple.quicktime.location.ISO6709": GHENT,
    "com.apple.quicktime.title": "Blåbær",
    "com.example.kept": "as it is",
}
