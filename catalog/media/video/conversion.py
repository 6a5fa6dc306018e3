"""How ffmpeg is told to make a video that a phone's cloud takes:
HEVC (hvc1) and AAC in a QuickTime file.

What is fit already is taken over as it is. Nothing of the pictures is lost that the encoder can
keep: size, frame times, rotation (as the matrix it is), shape of pixels, 10 bits, colours, HDR
display and light levels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from catalog.domain.asset import Facts
from catalog.domain.capture_time import CaptureTime
from catalog.domain.geo import Position
from catalog.domain.video import AAC, Clip, ConversionNeeds, Pictures, bitrate, target_depth

APPLE = "com.apple.quicktime."
_KEYS = {
    "make": "make",
    "model": "model",
    "software": "software",
    "title": "title",
    "description": "description",
    "live_id": "content.identifier",
    "lens": "camera.lens_model",
}
_MECHANICAL = re.compile(
    r"major_brand|minor_version|compatible_brands|encoder|creation_time|date|year|duration|location(-\w+)?|"
    r"com\.apple\.quicktime\.(creationdate|location\.ISO6709)",
    re.IGNORECASE,
)
"""What a file says of its own making, and what is said anew: dates and position."""
_KEY = re.compile(r"[A-Za-z0-9_][\w.\-]{0,100}", re.ASCII)
_LONGEST_TEXT = 4000
_RGB = ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "x2rgb", "x2bgr")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is to be made of a file: system paths, its streams, what must be encoded, how well,
    and what it shall say.

    `crf` is x265's constant rate factor (0-51, lower is better); `preset` how much it
    tries, `ultrafast` to `veryslow`.
    """

    source: str
    target: str
    clip: Clip
    needs: ConversionNeeds
    crf: float = 23.0
    preset: str = "medium"
    texts: Mapping[str, str] = field(default_factory=dict)


def arguments(conversion: Conversion) -> list[str]:
    """The arguments of ffmpeg.

    The first damage that a decoder meets ends it: half a film is none.
    """
    pictures = conversion.clip.pictures
    assert pictures is not None
    sounds = conversion.clip.kept_sounds
    maps = [
        word
        for index in (pictures.index, *(s.index for s in sounds))
        for word in ("-map", f"0:{index}")
    ]
    texts = [
        word for key, value in conversion.texts.items() for word in ("-metadata", f"{key}={value}")
    ]
    return [
        "-xerror",
        "-noautorotate",
        "-i",
        _file(conversion.source),
        *maps,
        "-map_metadata",
        "-1",
        *_languages(conversion.clip),
        *(_encoding(conversion, pictures) if conversion.needs.video else ["-c:v", "copy"]),
        "-tag:v",
        "dvh1" if _is_dolby_only(conversion) else "hvc1",
        *_sound_arguments(conversion.clip),
        *texts,
        "-strict",
        "unofficial",
        "-movflags",
        "+faststart+use_metadata_tags",
        "-f",
        "mov",
        "-y",
        _file(conversion.target),
    ]


def decode_arguments(path: str) -> list[str]:
    """The arguments of ffmpeg that decode everything of a file and keep nothing."""
    return [
        "-xerror",
        "-err_detect",
        "explode",
        "-i",
        _file(path),
        "-map",
        "0:v",
        "-map",
        "0:a?",
        "-f",
        "null",
        "-",
    ]


def _file(path: str) -> str:
    """A path that is never taken for an option or a protocol."""
    return f"file:{path}"


def _encoding(conversion: Conversion, pictures: Pictures) -> list[str]:
    return [
        "-vf",
        ",".join(filters(pictures)),
        "-c:v",
        "libx265",
        "-preset",
        conversion.preset,
        "-crf",
        f"{conversion.crf:g}",
        "-x265-params",
        "log-level=error",
        "-fps_mode:v",
        "passthrough",
        "-enc_time_base:v",
        "demux",
    ]


def filters(pictures: Pictures) -> list[str]:
    """What becomes of each picture before it is encoded: 4:2:0 with its own depth, even sizes,
    whole frames.
    """
    chain = stated_colours(pictures)
    if pictures.interlaced:
        chain.append("bwdif=mode=send_frame:deint=interlaced")
    if pictures.pixels.startswith(_RGB):
        chain.append("scale=out_color_matrix=bt709:out_range=tv")
    chain.append(f"format={'yuv420p' if target_depth(pictures) == 8 else 'yuv420p10le'}")
    right, bottom = pictures.width % 2, pictures.height % 2
    if right or bottom:
        chain += [
            f"pad=w={pictures.width + right}:h={pictures.height + bottom}:x=0:y=0",
            f"fillborders=right={right}:bottom={bottom}:mode=smear",
        ]
    return chain


def stated_colours(pictures: Pictures) -> list[str]:
    """Filters that state the container's colours: some decoders (ProRes) do not pass them on.

    RGB has no matrix to keep.
    """
    stated = {"color_primaries": pictures.primaries, "color_trc": pictures.transfer}
    if not pictures.pixels.startswith(_RGB):
        stated |= {"colorspace": pictures.matrix, "range": pictures.levels}
    words = [
        f"{name}={number}"
        for name, number in stated.items()
        if number not in ((0,) if name == "range" else (0, 2))
    ]
    return [f"setparams={':'.join(words)}"] if words else []


def _is_dolby_only(conversion: Conversion) -> bool:
    """Whether pictures that are taken over have no base layer that other players can show (profile
    5 states no colours).
    """
    pictures = conversion.clip.pictures
    assert pictures is not None
    return not conversion.needs.video and pictures.dolby_vision and pictures.transfer in (0, 2)


def _sound_arguments(clip: Clip) -> list[str]:
    words = []
    for number, sound in enumerate(clip.kept_sounds):
        if sound.codec == AAC:
            words += [f"-c:a:{number}", "copy"]
        else:
            words += [f"-c:a:{number}", "aac", f"-b:a:{number}", f"{bitrate(sound.channels)}k"]
    return words


def _languages(clip: Clip) -> list[str]:
    return [
        word
        for number, sound in enumerate(clip.kept_sounds)
        if re.fullmatch("[a-z]{3}", sound.language)
        for word in (f"-metadata:s:a:{number}", f"language={sound.language}")
    ]


# --- what the file shall say ----------------------------------------------------------------------


def texts(
    clip: Clip, facts: Facts, captured: CaptureTime | None, home_offset: int | None
) -> dict[str, str]:
    """The metadata of a converted file: all texts of its source, with date,
    position and device under Apple's names.

    `home_offset` is the offset (minutes) of the home zone at that time, for a wall clock whose own
    is not known: a cloud wants a moment, and the wall clock stays what it was.
    """
    said = {
        APPLE + key: str(value) for name, key in _KEYS.items() if (value := facts.values.get(name))
    }
    covered = {key for name, key in _KEYS.items() if facts.values.get(name)}
    kept = {
        key: value
        for key, value in clip.metadata.items()
        if _KEY.fullmatch(key)
        and not _MECHANICAL.fullmatch(key)
        and key.removeprefix(APPLE).lower() not in covered
    }
    if facts.position is not None:
        said[f"{APPLE}location.ISO6709"] = position_text(facts.position)
    if captured is not None:
        said |= dates(captured, home_offset)
    return {
        key: value[:_LONGEST_TEXT].replace("\0", "")
        for key, value in (kept | said).items()
        if value
    }


def dates(captured: CaptureTime, home_offset: int | None) -> dict[str, str]:
    """The clock of movie and tracks, in UTC; and the wall clock with its offset,
    unless UTC is all that is known.
    """
    offset = captured.offset_minutes if captured.offset_minutes is not None else home_offset or 0
    wall = captured.wall.replace(microsecond=0)
    instant = wall.replace(tzinfo=timezone(timedelta(minutes=offset))).astimezone(UTC)
    found = {"creation_time": f"{instant.replace(tzinfo=None).isoformat()}Z"}
    if captured.zone != "UTC":
        found[f"{APPLE}creationdate"] = f"{wall.isoformat()}{_offset(offset)}"
    return found


def _offset(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def position_text(position: Position) -> str:
    """ISO 6709 as Apple writes it: `+51.05000+003.72000+012.000/`, degrees and metres."""
    height = f"{position.altitude:+08.3f}" if position.altitude is not None else ""
    return f"{position.lat:+010.6f}{position.lon:+011.6f}{height}/"


def instant_of(captured: CaptureTime, home_offset: int | None) -> datetime:
    """The moment (aware) that a converted file states as its date."""
    return datetime.fromisoformat(
        dates(captured, home_offset)["creation_time"].replace("Z", "+00:00")
    )
