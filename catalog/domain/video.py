"""The streams of a video, and what a phone's cloud would have them be:
HEVC (hvc1) with AAC in a QuickTime or MP4 file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VIDEO_CODEC, AUDIO_CODEC, CONTAINER = "video codec", "audio codec", "container"
"""What may have to be converted, in the words of a report."""
FAMILY = frozenset({"mov", "mp4", "m4v"})
"""Types of file, told by content, that need no other container."""
HEVC, AAC = "hevc", "aac"
GOOD_TAGS = frozenset({"hvc1", "dvh1"})
"""Sample entries of HEVC that Apple's players take; `dvh1` is Dolby Vision."""

PQ, HLG = 16, 18
"""Transfer functions of HDR (ITU-T H.273): SMPTE ST 2084, and hybrid log-gamma."""
_BITRATES = {1: 96, 2: 192, 3: 256, 4: 320, 5: 384, 6: 448, 7: 512, 8: 576}
_BITS = 10


@dataclass(frozen=True, slots=True)
class Pictures:
    """The video stream that is the clip.

    Sizes are coded pixels, `rotation` is degrees counter-clockwise to show it upright.

    `tag` is its sample entry in a MOV or MP4 file. `aspect` is that of one pixel. `primaries`,
    `transfer`, `matrix` and `levels` are the numbers of ITU-T H.273, with 2 (0 of levels) for what
    is not stated. `rate` is frames a second on average. `frames` are packets, and `start` and `end`
    seconds, where all of it was looked at. `mastering`, `light`: an HDR display and light levels
    are stated.
    """

    index: int
    codec: str
    tag: str
    width: int
    height: int
    rotation: int = 0
    aspect: tuple[int, int] = (1, 1)
    pixels: str = "yuv420p"
    depth: int = 8
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    levels: int = 0
    rate: float = 0.0
    interlaced: bool = False
    dolby_vision: bool = False
    mastering: bool = False
    light: bool = False
    frames: int = 0
    start: float = 0.0
    end: float = 0.0

    @property
    def seconds(self) -> float:
        """From its first frame to the end of its last."""
        return self.end - self.start

    @property
    def frame_seconds(self) -> float:
        """How long a frame is shown on average; that of 24 a second where nothing is known."""
        return 1 / self.rate if self.rate > 0 else 1 / 24

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as shown, in coded pixels."""
        return (self.height, self.width) if self.rotation % 180 else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class Sound:
    """One audio stream.

    `known`: it can be decoded. Seconds as in `Pictures`; `rate` is samples a second.

    `first` is when its first decoded sample is heard, if that is known: decoders swallow what an
    encoder put before it.
    """

    index: int
    codec: str
    channels: int
    layout: str = ""
    rate: int = 0
    language: str = ""
    known: bool = True
    start: float = 0.0
    end: float = 0.0
    packets: int = 0
    first: float | None = None

    @property
    def seconds(self) -> float:
        """From its first sample to the end of its last."""
        return self.end - self.start

    @property
    def heard_from(self) -> float:
        """When it is heard first, in seconds."""
        return self.start if self.first is None else self.first


@dataclass(frozen=True, slots=True)
class Clip:
    """A video file: its type by content, and its streams.

    `seconds` is the duration its header states, 0 where it states none.

    `covers` counts attached pictures, `others` further streams by kind. `metadata` are the texts of
    the whole file.
    """

    type: str
    pictures: Pictures | None
    sounds: tuple[Sound, ...] = ()
    seconds: float = 0.0
    covers: int = 0
    others: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def main_sound(self) -> Sound | None:
        """The sound that is heard: the first that can be decoded, else the first."""
        return next((s for s in self.sounds if s.known), next(iter(self.sounds), None))

    @property
    def kept_sounds(self) -> tuple[Sound, ...]:
        """The sounds of a converted file: all that can be decoded."""
        return tuple(s for s in self.sounds if s.known)

    @property
    def summary(self) -> str:
        """For a person: `h264 1920x1080 29.97/s, aac 2 channels, mp4`."""
        parts = []
        if self.pictures is not None:
            width, height = self.pictures.shown
            parts.append(
                f"{self.pictures.codec} {width}x{height} {round(self.pictures.rate, 2):g}/s"
            )
        parts += [
            f"{s.codec} {s.channels} channel{'s' if s.channels != 1 else ''}" for s in self.sounds
        ] or ["silent"]
        return ", ".join([*parts, self.type])


@dataclass(frozen=True, slots=True)
class ConversionNeeds:
    """What must be converted.

    `video` and `audio`: encoded anew; without these they are taken over as they are.
    """

    video: bool = False
    audio: bool = False
    container: bool = False

    def __bool__(self) -> bool:
        return self.video or self.audio or self.container

    @property
    def reason(self) -> str:
        """In the words of a report."""
        words = ((self.video, VIDEO_CODEC), (self.audio, AUDIO_CODEC), (self.container, CONTAINER))
        return "+".join(word for needed, word in words if needed)


def needs(clip: Clip) -> ConversionNeeds:
    """What must be converted before a phone's cloud takes it;
    nothing of a clip that is fit as it is.

    Judged are the pictures and the sound that is heard. Cover art and data do not count, nor does
    silence. HEVC under another name than `hvc1`, or in another container, needs no new encoding.
    """
    pictures, sound = clip.pictures, clip.main_sound
    assert pictures is not None
    in_family = clip.type in FAMILY
    return ConversionNeeds(
        video=pictures.codec != HEVC,
        audio=sound is not None and sound.codec != AAC,
        container=not in_family or (pictures.codec == HEVC and pictures.tag not in GOOD_TAGS),
    )


def problem_of(clip: Clip) -> str:
    """Why a clip cannot be converted, or ""."""
    if clip.pictures is None:
        return "it has no video stream that can be decoded"
    if not (clip.pictures.width and clip.pictures.height):
        return "the size of its pictures is not known"
    if clip.sounds and not clip.kept_sounds:
        return f"its sound ({clip.sounds[0].codec}) cannot be decoded"
    return ""


def target_depth(pictures: Pictures) -> int:
    """Bits a sample of the HEVC that is made: more than 8 become 10, 8 stay 8."""
    return _BITS if pictures.depth > 8 else 8


def bitrate(channels: int) -> int:
    """Kilobits a second of AAC for so many channels."""
    return _BITRATES.get(channels, 72 * channels)


def round_to_even(size: int) -> int:
    """The next even number: HEVC with colour at half size has no odd sizes,
    so that a row or column is added.
    """
    return size + size % 2


def losses(clip: Clip, wanted: ConversionNeeds) -> list[str]:
    """What of a clip does not come along, for a person to know."""
    pictures = clip.pictures
    found = [
        f"{len(lost)} sound(s) that cannot be decoded"
        for lost in [[s for s in clip.sounds if not s.known]]
        if lost
    ]
    found += [f"{kind} track" for kind in sorted(set(clip.others) - {"chapters"})]
    if clip.covers:
        found.append("cover picture")
    if pictures is not None and wanted.video:
        if pictures.dolby_vision:
            found.append("Dolby Vision (its base layer is kept)")
        if pictures.interlaced:
            found.append("interlacing (frames are kept, deinterlaced)")
        if pictures.width % 2 or pictures.height % 2:
            found.append("its odd size (a row or column is repeated)")
        if pictures.pixels.startswith(("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya")):
            found.append("transparency")
    return found
