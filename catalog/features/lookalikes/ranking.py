"""Which of several pictures of the same to keep, and why:
by an order of preferences that a person may change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catalog.domain.capture_time import OF_SHOT
from catalog.domain.copies import OK
from catalog.domain.dated_names import is_messenger_name
from catalog.domain.document import AssetDocument, CopyRow
from catalog.domain.filetypes import BY_NAME
from catalog.domain.stacks import OF_RAW, RAW_TYPES, stacking_order
from catalog.features.lookalikes.edit_marks import is_edited_name, is_editor, is_name_after
from catalog.features.lookalikes.sketches import is_flat, is_movie_of_still, taken_ms

FIELDS = (
    "hash",
    "kind",
    "type",
    "size",
    "width",
    "height",
    "duration",
    "image_hash",
    "phash",
    "phash_inner",
    "quality",
    "captured",
    "camera",
    "exposure",
    "location",
    "place",
    "altitude",
    "stack",
    "copies",
    "sidecars",
    "original",
    "software",
    "video",
    "motion_photo",
    "frames",
    "parts",
    "resized",
    "problem",
    "tags",
    "albums",
    "favorite",
    "rating",
    "title",
    "added",
)
"""What a picture takes of a document."""

_CAMERA_FORMATS = frozenset({"jpeg", "heic", "heif", "tiff", "mov", "mp4", "mts", "m2ts", "3gp"})
_BY_CAMERAS = ("exif:", "quicktime:", "maker:", "avchd:", "riff:", "srt:")
"""How the source of a capture time begins that a camera noted."""
_METADATA = (
    "captured",
    "location",
    "altitude",
    "camera.make",
    "camera.model",
    "camera.lens",
    "exposure.time",
    "exposure.f_number",
    "exposure.iso",
    "exposure.focal_length",
)


@dataclass(frozen=True, slots=True)
class Picture:
    """What deciding about duplicates takes of an asset.

    Times are ms since 1970, -1 for none; `document` is all of it. `companions` are the documents of
    what else belongs to its shot.
    """

    hash: str
    kind: str
    type: str
    size: int
    width: int
    height: int
    duration: float
    image_hash: str
    phash: int | None
    inner: int
    taken: int
    stack: str
    document: AssetDocument
    companions: tuple[AssetDocument, ...] = ()

    @property
    def name(self) -> str:
        """What a person calls it: the name of its first copy."""
        paths = self.paths
        return paths[0].rpartition("/")[2].rpartition(":")[2] if paths else self.hash[:12]

    @property
    def pixels(self) -> int:
        """Width by height; 0 where they are not known."""
        return self.width * self.height

    @property
    def focus(self) -> float:
        """How sharp its sharpest parts are."""
        return self.document.get("quality", {}).get("focus", 0.0)

    @property
    def is_camera_original(self) -> bool:
        """Whether it is as a camera made it: it names one,
        and is called as no messenger calls what it sends.
        """
        name = self.document.get("original", {}).get("name", "")
        return bool(self.document.get("camera", {}).get("model")) and not is_messenger_name(name)

    @property
    def is_raw(self) -> bool:
        """Whether it is a camera's RAW, or is called so: cameras and converters put JPEGs into RAW
        files."""
        name = self.document.get("original", {}).get("name", "")
        return self.type in RAW_TYPES or stacking_order(name) == OF_RAW

    @property
    def is_untouched(self) -> bool:
        """Whether it is the camera's own file: an original in whose size, name and tags no editor
        has left a mark."""
        name, software = (
            self.document.get("original", {}).get("name", ""),
            self.document.get("software", ""),
        )
        was_edited = is_edited_name(name) or is_editor(software) or self.document.get("resized")
        return self.is_camera_original and not was_edited

    @property
    def is_damaged(self) -> bool:
        """Whether only a part of its picture can be decoded."""
        return self.phash is not None and bool(self.document.get("problem"))

    @property
    def is_known(self) -> bool:
        """Whether it was looked for further frames and parts in it; not so by earlier versions."""
        return self.kind != "image" or "frames" in self.document

    @property
    def frames(self) -> int | None:
        """How many frames or pages it has."""
        return self.document.get("frames")

    @property
    def parts(self) -> frozenset[str]:
        """What its file holds beside the picture; see `keepers.PARTS`."""
        found = set(self.document.get("parts", ()))
        if self.document.get("motion_photo"):
            found.add("film")
        if self.document.get("video", {}).get("audio_codec"):
            found.add("sound")
        return frozenset(found)

    @property
    def movies(self) -> tuple[AssetDocument, ...]:
        """The moving parts of a still."""
        if self.document.get("stack", {}).get("role") == "live":
            return ()
        return tuple(d for d in self.companions if d.get("stack", {}).get("role") == "live")

    def is_named_after(self, other: Picture) -> bool:
        """Whether its name says that it was made of another."""
        names = [p.document.get("original", {}).get("name", "") for p in (self, other)]
        return is_name_after(*names)

    @property
    def metadata(self) -> int:
        """How many of the things that a camera notes are known of it."""
        return sum(_has(self.document, name) for name in _METADATA)

    @property
    def format_rank(self) -> int:
        """2 for what only a camera makes (RAW), 1 for what cameras make,
        0 for what pictures are exported to.
        """
        return 2 if self.type in RAW_TYPES else 1 if self.type in _CAMERA_FORMATS else 0

    @property
    def rows(self) -> list[CopyRow]:
        """Its copies that are there, the oldest first."""
        found = [row for row in self.document.get("copies", []) if row["state"] == OK]
        return sorted(found, key=lambda row: (row.get("added", ""), len(row["path"]), row["path"]))

    @property
    def paths(self) -> tuple[str, ...]:
        """Where they are: `store:path`."""
        return tuple(f"{row['store']}:{row['path']}" for row in self.rows)


def picture_of(
    content_hash: str, document: AssetDocument, companions: Sequence[AssetDocument] = ()
) -> Picture:
    """The picture that a document tells of; at least FIELDS of it must be given."""
    phash = document.get("phash")
    seen = (
        phash is not None
        and not is_flat(document.get("quality", {}))
        and not is_movie_of_still(document)
    )
    return Picture(
        content_hash,
        document["kind"],
        document["type"],
        document["size"],
        document.get("width", 0),
        document.get("height", 0),
        document.get("duration", 0.0),
        document.get("image_hash", ""),
        int(phash, 16) if seen and phash else None,
        int(document.get("phash_inner") or phash or "0", 16),
        taken_ms(document),
        document.get("stack", {}).get("id", ""),
        document,
        tuple(companions),
    )


def _has(document: AssetDocument, name: str) -> bool:
    outer, _, inner = name.partition(".")
    value = document.get(outer)
    if name == "captured":
        source = document.get("captured", {}).get("source", "")
        return source.removeprefix(OF_SHOT).startswith(_BY_CAMERAS)
    return value is not None and (not inner or (isinstance(value, dict) and inner in value))


# --- the order ------------------------------------------------------------------------------------


def _size_words(picture: Picture) -> str:
    return f"{picture.width} x {picture.height}" if picture.pixels else "size unknown"


_PREFERENCES: dict[str, tuple[Callable[[Picture], float], Callable[[Picture, Picture], str]]] = {
    "pixels": (
        lambda p: p.pixels,
        lambda a, b: f"more pixels ({_size_words(a)}, not {_size_words(b)})",
    ),
    "format": (
        lambda p: p.format_rank,
        lambda a, b: f"original format ({BY_NAME[a.type].name}, not {BY_NAME[b.type].name})",
    ),
    "metadata": (
        lambda p: p.metadata,
        lambda a, b: f"more metadata ({a.metadata} of what cameras note, not {b.metadata})",
    ),
    "camera": (
        lambda p: p.is_camera_original,
        lambda _a, _b: "as the camera made it, not sent by a messenger or exported",
    ),
    "sharpness": (
        lambda p: _notch(p.focus),
        lambda a, b: f"sharper ({a.focus:.0f}, not {b.focus:.0f})",
    ),
    "bytes": (lambda p: p.size, lambda _a, _b: "larger file, so less compressed"),
    "favorite": (lambda p: bool(p.document.get("favorite")), lambda _a, _b: "favorite"),
    "rating": (lambda p: p.document.get("rating", 0), lambda _a, _b: "better rating"),
    "copies": (lambda p: len({r["store"] for r in p.rows}), lambda _a, _b: "in more stores"),
}
PREFERENCES = tuple(_PREFERENCES)
"""By what a keeper can be preferred."""
DEFAULT_ORDER = ("pixels", "format", "metadata", "camera", "sharpness", "bytes")


def _notch(focus: float) -> int:
    """Sharpness in steps of a fifth: less is no difference between two renderings of
    one picture.
    """
    return round(math.log(max(focus, 1.0), 1.2))


def rank(pictures: Sequence[Picture], order: Sequence[str]) -> list[Picture]:
    """The pictures, the one to keep first.

    Before all preferences comes what is whole, has most parts, and is the camera's own file. Where
    the order sees no difference, the one that was catalogued first.
    """
    return sorted(pictures, key=lambda picture: _key(picture, order))


def _key(picture: Picture, order: Sequence[str]) -> tuple[object, ...]:
    parts = len(picture.parts) + bool(picture.movies)
    first = picture.is_damaged, -(picture.frames or 1), -parts, not picture.is_untouched
    added = picture.document.get("added", "")
    return (*first, *_worth(picture, order), added, picture.hash)


def _worth(picture: Picture, order: Sequence[str]) -> list[float]:
    return [-_PREFERENCES[name][0](picture) for name in order]


def is_before(one: Picture, other: Picture, order: Sequence[str]) -> bool:
    """Whether the order alone prefers one to another."""
    return _worth(one, order) < _worth(other, order)


def why_kept(keeper: Picture, others: Sequence[Picture], order: Sequence[str]) -> str:
    """Why the keeper is preferred to the others, in words:
    what it has over the next best of them.
    """
    if any(other.is_damaged for other in others) and not keeper.is_damaged:
        return "whole, which another is not"
    if keeper.movies and not all(other.movies for other in others):
        return "a Live Photo with its movie"
    if any(other.parts < keeper.parts for other in others) or any(
        (other.frames or 1) < (keeper.frames or 1) for other in others
    ):
        return "more parts or frames than another"
    if keeper.is_untouched and not any(other.is_untouched for other in others):
        return "as the camera made it, not edited, sent by a messenger or exported"
    for name in order:
        worth, words = _PREFERENCES[name]
        other = max(others, key=worth)
        if worth(keeper) > worth(other):
            return words(keeper, other)
    return "catalogued first; otherwise they are alike"
