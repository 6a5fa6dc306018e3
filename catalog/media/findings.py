"""What the readers of one file found, merged field by field:
the first reader to state a field wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from catalog.domain.capture_time import DateCandidate
from catalog.domain.geo import Position, position_or_reason
from catalog.domain.person import MAX_DESCRIPTION, MAX_TEXT

FIELDS = (
    "make",
    "model",
    "lens",
    "width",
    "height",
    "orientation",
    "duration",
    "video_codec",
    "audio_codec",
    "frame_rate",
    "live_id",
    "title",
    "description",
    "rating",
    "favorite",
    "exposure_time",
    "f_number",
    "iso",
    "focal_length",
    "focal_length_35mm",
    "flash",
    "software",
    "rotation",
    "motion_photo",
    "frames",
    "stated_width",
    "stated_height",
    "preview_offset",
    "preview_length",
    "person",
    "albums",
)
"""Every field a reader may set with `add`.

`width` and `height` are as stored; `orientation` (EXIF 1-8) and `rotation` (clockwise degrees,
video) say how to turn them. `frames` counts frames and pages; `stated_width` and `stated_height`
are the size that the camera states (EXIF). `duration` is in seconds, `exposure_time` in seconds,
`focal_length` in mm. `person` and `albums` are what a sidecar of our own holds: see
`domain.person`.
"""
MOST_TAGS = 500
"""Tags of one file that are kept."""
MOST_NOTES = 100
"""Notes of one file that are kept."""


@dataclass(slots=True)
class Findings:
    """Facts of one file while its readers are at work.

    `sources` says which reader gave each field.
    """

    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    dates: list[DateCandidate] = field(default_factory=list)
    position: Position | None = None
    tags: list[str] = field(default_factory=list)
    parts: set[str] = field(default_factory=set)
    """What the file holds beside the picture; see `media.parts`."""
    notes: list[str] = field(default_factory=list)
    sound_alone: bool = False
    """Whether a file that may hold a film is known to hold tracks of sound and none of pictures."""
    displayed: bool = False
    """Whether width and height are already as shown, with orientation and rotation applied."""

    def add(self, name: str, value: Any, source: str) -> None:
        """Set a field unless an earlier reader did; blanks and None are no values.

        A text that is too long for the index is cut, and a note says so.
        """
        if isinstance(value, str) and name not in self.values:
            longest = MAX_DESCRIPTION if name == "description" else MAX_TEXT
            whole = value.replace("\0", " ").strip()
            value = whole[:longest].rstrip()
            if value != whole:
                self.notes.append(f"{name} was cut to {longest:,} of {len(whole):,} characters")
        if value is None or value == "" or name in self.values:
            return
        if name not in FIELDS:
            raise KeyError(name)
        self.values[name] = value
        self.sources[name] = source

    def add_tags(self, tags: Iterable[str]) -> None:
        """Keep tags once each, in their order; what is too long or too much leaves a note."""
        left_out = cut = 0
        for tag in dict.fromkeys(tags):
            clean = tag.strip()
            short = clean[:MAX_TEXT].rstrip()
            if not clean or short in self.tags:
                continue
            if len(self.tags) >= MOST_TAGS:
                left_out += 1
            else:
                self.tags.append(short)
                cut += short != clean
        if left_out:
            self.notes.append(f"{left_out:,} tags were left out: more than {MOST_TAGS:,}")
        if cut:
            self.notes.append(f"{cut:,} tags were cut to {MAX_TEXT:,} characters")

    def bounded_notes(self) -> tuple[str, ...]:
        """The notes, as many and as much of each as the index keeps."""
        kept = [note[:MAX_TEXT] for note in self.notes[:MOST_NOTES]]
        left_out = len(self.notes) - len(kept)
        return (*kept, f"and {left_out:,} notes more") if left_out else tuple(kept)

    def add_date(self, candidate: DateCandidate) -> None:
        """Keep one statement of the capture time; which one wins is decided later,
        over all of them.
        """
        if candidate not in self.dates:
            self.dates.append(candidate)

    def add_position(
        self, lat: float | None, lon: float | None, altitude: float | None, source: str
    ) -> None:
        """Set the position if it is a possible one and none was set;
        otherwise keep a note of the reason.
        """
        position, reason = position_or_reason(lat, lon, altitude, source)
        if position is None:
            self.notes.append(f"{source} position rejected: {reason}")
        elif self.position is None:
            self.position = position
            self.sources["location"] = source

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a field, or the default."""
        return self.values.get(name, default)
