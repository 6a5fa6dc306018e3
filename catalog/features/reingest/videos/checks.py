"""Whether a converted video is what it was made from: streams, sizes, durations, colours, dates and
place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

from catalog.domain.asset import Facts
from catalog.domain.capture_time import CaptureTime
from catalog.domain.geo import Position
from catalog.domain.video import (
    AAC,
    FAMILY,
    GOOD_TAGS,
    HEVC,
    Clip,
    ConversionNeeds,
    Pictures,
    Sound,
    round_to_even,
    target_depth,
)

_AAC_FRAME = 1024
"""Samples of one frame of AAC; an encoder adds a part of one at each end."""
_UNSTATED = (0, 2)
_METRES_OF_A_DEGREE = 111_320.0
_NEAR_METRES = 5.0
_PACKED = frozenset(
    {"mpeg4", "msmpeg4v3", "msmpeg4v2", "vp8", "vp9", "av1", "mpeg2video", "vc1", "wmv3"}
)
"""Codecs whose packets need not be a frame each."""


def difference(source: Clip, made: Clip, wanted: ConversionNeeds) -> str:
    """What is wrong with a converted clip, or "". Both were looked at packet by packet."""
    return next(_differences(source, made, wanted), "")


def _differences(source: Clip, made: Clip, wanted: ConversionNeeds) -> Iterator[str]:
    assert source.pictures is not None
    if made.pictures is None:
        yield "its pictures are missing"
        return
    if made.type not in FAMILY:
        yield f"it is {made.type}"
    yield from _wrong_form(source.pictures, made.pictures, wanted)
    yield from _wrong_colours(source.pictures, made.pictures)
    yield from _wrong_times(source.pictures, made.pictures)
    yield from _wrong_sounds(source, made)


def _wrong_form(source: Pictures, made: Pictures, wanted: ConversionNeeds) -> Iterator[str]:
    if made.codec != HEVC or made.tag not in GOOD_TAGS:
        yield f"its pictures are {made.codec} ({made.tag})"
    size = (
        (round_to_even(source.width), round_to_even(source.height))
        if wanted.video
        else (source.width, source.height)
    )
    if (made.width, made.height) != size:
        yield f"it is {made.width}x{made.height} and not {size[0]}x{size[1]}"
    if made.rotation != source.rotation:
        yield f"it is turned by {made.rotation} and not by {source.rotation} degrees"
    if _ratio(made.aspect) != _ratio(source.aspect):
        yield (
            f"its pixels are {made.aspect[0]}:{made.aspect[1]} and not "
            f"{source.aspect[0]}:{source.aspect[1]}"
        )
    depth = target_depth(source) if wanted.video else source.depth
    if made.depth != depth:
        yield f"it has {made.depth} bits a sample and not {depth}"


def _ratio(aspect: tuple[int, int]) -> float:
    return round(aspect[0] / aspect[1], 3) if aspect[0] > 0 and aspect[1] > 0 else 1.0


def _wrong_colours(source: Pictures, made: Pictures) -> Iterator[str]:
    for name, was, now in (
        ("primaries", source.primaries, made.primaries),
        ("transfer", source.transfer, made.transfer),
    ):
        if was not in _UNSTATED and now != was:
            yield f"its colour {name} are {now} and not {was}"
    if (source.mastering and not made.mastering) or (source.light and not made.light):
        yield "its HDR display or light levels are missing"


def _wrong_times(source: Pictures, made: Pictures) -> Iterator[str]:
    frame = max(source.frame_seconds, made.frame_seconds)
    if abs(made.seconds - source.seconds) > frame * 1.01:
        yield f"its pictures last {made.seconds:.3f} s and not {source.seconds:.3f} s"
    may_differ = source.interlaced or source.codec in _PACKED or not source.rate
    if not may_differ and abs(made.frames - source.frames) > 1:
        yield f"it has {made.frames:,} frames and not {source.frames:,}"


def _wrong_sounds(source: Clip, made: Clip) -> Iterator[str]:
    kept = source.kept_sounds
    if len(made.sounds) != len(kept):
        yield f"it has {len(made.sounds)} sounds and not {len(kept)}"
        return
    for was, now in zip(kept, made.sounds, strict=True):
        yield from _wrong_sound(source, made, was, now)


def _wrong_sound(source: Clip, made: Clip, was: Sound, now: Sound) -> Iterator[str]:
    assert source.pictures is not None and made.pictures is not None
    if now.codec != AAC:
        yield f"its sound is {now.codec}"
    if now.channels != was.channels:
        yield f"its sound has {now.channels} channels and not {was.channels}"
    slowest = min((rate for rate in (was.rate, now.rate) if rate), default=48_000)
    slack = max(source.pictures.frame_seconds, 2 * _AAC_FRAME / slowest) * 1.01
    if abs(now.seconds - was.seconds) > slack:
        yield f"its sound lasts {now.seconds:.3f} s and not {was.seconds:.3f} s"
    apart = (now.heard_from - made.pictures.start) - (was.heard_from - source.pictures.start)
    if abs(apart) > slack:
        yield f"its sound is {apart * 1000:+.0f} ms away from its pictures"


# --- what it says of itself -----------------------------------------------------------------------


def statement_difference(
    facts: Facts, made: Facts, captured: CaptureTime | None, read: CaptureTime | None
) -> str:
    """What a converted file states otherwise than its source, or "".

    `captured` is when it is to say that it was taken, `read` when it does say.
    """
    problem = date_difference(captured, read)
    if problem:
        return problem
    if facts.position and (
        made.position is None or _metres(facts.position, made.position) > _NEAR_METRES
    ):
        return "its position is not that of the source"
    for name in ("make", "model", "live_id"):
        was, now = facts.values.get(name), made.values.get(name)
        if was and str(was).strip() != str(now or "").strip():
            return f"its {name} is {now!r} and not {was!r}"
    return ""


def date_difference(wanted: CaptureTime | None, read: CaptureTime | None) -> str:
    """How the capture time that was read differs from the one that was to be written, or ""; to the
    second."""
    if wanted is None:
        return ""
    if read is None:
        return "its date is missing"
    if wanted.instant is not None and read.instant is not None:
        same = _second(wanted.instant) == _second(read.instant)
    else:
        same = _second(wanted.wall) == _second(read.wall)
    return "" if same else f"its date is {read.isoformat()} and not {wanted.isoformat()}"


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _metres(one: Position, other: Position) -> float:
    """A flat earth will do: they are the same place or they are not."""
    east = (one.lon - other.lon) * math.cos(math.radians(one.lat))
    return math.hypot(one.lat - other.lat, east) * _METRES_OF_A_DEGREE
