"""What is known of one photo or video: the facts its bytes state, and where its copies are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from catalog.domain.capture_time import CaptureTime, DateCandidate
from catalog.domain.checksums import CONTENT, NONE
from catalog.domain.document import CopyRow, PersonFields
from catalog.domain.geo import Position
from catalog.domain.place import Place

UNLISTED = "the folder cannot be listed"
"""How the problem of an entry begins that stands for a whole folder."""
UNEXAMINED = "cannot be examined"
"""How that of an entry begins of which nothing but the name is known."""
LINK = "a symbolic link"
"""How that of an entry begins that is a link: it is never followed, and is no failure."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a store's listing, not yet known to be an asset.

    `path` is relative to the listed root, POSIX, in the reversible text form of `domain.names`.
    Times are nanoseconds since 1970 UTC. `problem` says why the entry cannot be read as a file
    (link, socket, no permission). `device` and `inode` count on the machine `host`, and "" where
    the store numbers its files itself. `checksums` by kind (see `domain.checksums`) and `revision`,
    a version that no other file has, are what the store states.
    """

    path: str
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    device: int = 0
    inode: int = 0
    problem: str = ""
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE, hash=False)
    revision: str = ""
    host: str = ""

    @property
    def content_hash(self) -> str:
        """The content hash, or "" where the store does not state it."""
        return self.checksums.get(CONTENT, "")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path without its last part; "" at the root."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a picture is, measured on its small grey version (256 pixels on the long side).

    `sharpness`: variance of the Laplacian. `focus`: the same of the sharpest parts, so that a small
    sharp subject counts. `brightness`: mean grey 0-255. `contrast`: standard deviation of grey.
    `dark` and `bright`: share of pixels (0-1) that are as good as black, as good as white.
    `detail`: share of its parts (0-1) in which anything is to be seen. `relief`: standard deviation
    of what is left of its small picture without gradients.
    """

    sharpness: float
    brightness: float
    contrast: float
    blank: bool
    blurred: bool
    focus: float
    dark: float
    bright: float
    detail: float
    relief: float = 0.0


@dataclass(frozen=True, slots=True)
class Appearance:
    """What a picture looks like: its perceptual hash (16 hex digits), that of its inner part,
    a small picture, its quality.

    `media.pixels` measures them; the small picture is a WebP in base64. `frames_look` is one of all
    frames, of what has several; `problem` says what of the picture could not be decoded; `preview`
    is a WebP for people, where one was asked for.
    """

    phash: str
    phash_inner: str
    look: str
    quality: Quality
    frames_look: str | None = None
    problem: str = ""
    preview: bytes = field(default=b"", repr=False)


class FactValues(TypedDict, total=False):
    """What a file and its sidecars state besides, by field; see `media.findings.FIELDS`."""

    make: str
    model: str
    lens: str
    orientation: int
    video_codec: str
    audio_codec: str
    frame_rate: float
    rotation: int
    live_id: str
    motion_photo: bool
    frames: int
    parts: list[str]
    resized: bool
    title: str
    description: str
    rating: int
    favorite: bool
    exposure_time: float
    f_number: float
    iso: int
    focal_length: float
    focal_length_35mm: float
    flash: int
    software: str
    person: PersonFields
    albums: list[str]
    rendition_of: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the bytes of one file (and its sidecars) state;
    nothing here depends on where the file lies.

    `checksums` are those of the whole content that were computed beside its hash, by kind, in hex.
    `width` and `height` are pixels as shown. `duration` is in seconds. `phash` is 16 hex digits,
    `look` a small picture, `frames_look` small pictures of all frames (see `Appearance`). `values`
    holds the remaining fields (make, model, lens, exposure, codecs, live_id, title, rating ...),
    `sources` which reader gave what. `problem` says why the picture itself could not be looked at,
    or not wholly, though the file is kept. `in_part`: not all of its bytes were there, so that it
    was looked at by a thumbnail; `incomplete`: nor all that readers asked for. `preview` is a WebP
    for people, where one was asked for, until it is kept.
    """

    hash: str
    size: int
    type: str
    kind: str
    mime: str
    image_hash: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    phash: str | None = None
    phash_inner: str | None = None
    look: str | None = None
    frames_look: str | None = None
    quality: Quality | None = None
    position: Position | None = None
    dates: tuple[DateCandidate, ...] = ()
    tags: tuple[str, ...] = ()
    values: FactValues = field(default_factory=FactValues)
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str = ""
    checksums: Mapping[str, str] = field(default_factory=dict)
    in_part: bool = False
    incomplete: bool = False
    preview: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """One photo or video as the catalog describes it: its facts,
    and what was concluded from them and its name.
    """

    facts: Facts
    captured: CaptureTime | None
    place: Place | None = None
    notes: tuple[str, ...] = ()
    messenger: bool = False
    by_home_zone: bool = False
    """Whether the zone of its wall clock is that of home, for want of any other."""

    @property
    def hash(self) -> str:
        """The content hash, which is the asset's id."""
        return self.facts.hash


@dataclass(frozen=True, slots=True)
class KnownAsset:
    """What the index says of an asset: its copies, the version a conditional change must name,
    and further checksums.
    """

    hash: str
    copies: tuple[CopyRow, ...]
    seq_no: int
    primary_term: int
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE)
