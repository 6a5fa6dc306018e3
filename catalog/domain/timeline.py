"""What a timeline holds of one asset: a few numbers and words, read from single fields of its
document, and how they are packed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from catalog.domain.capture_time import DAY, MONTH, SECOND, YEAR
from catalog.domain.privacy import PrivacyRule, persons_of
from catalog.domain.stacks import RAW_TYPES

FIELDS: tuple[str, ...] = (
    "hash",
    "captured.precision",
    "kind",
    "type",
    "width",
    "height",
    "favorite",
    "live_id",
    "motion_photo",
    "copy_count",
    "stack.id",
    "size",
    "quality.focus",
    "quality.brightness",
    "paths",
    "albums.keyword",
    "private",
    "place.name.keyword",
    "place.city.keyword",
    "place.region.keyword",
    "place.country.keyword",
    "camera.model.keyword",
)
MOMENTS = ("captured.wall", "added")
"""Further fields, as milliseconds since 1970 in text."""

UNDATED = -(2**63)
"""The wall clock, in milliseconds, of what has no date."""
NO_DATE = -(2**31)
"""The same in minutes."""
MINUTE = 60_000
PRECISIONS = {SECOND: 0, DAY: 0, MONTH: 1, YEAR: 2}
"""How a date is packed: 0 where the day is known."""

FILM, LIVE, FAVORITE, PANORAMA, RAW, UNSEEN, PRIVATE, SHOT = (1 << bit for bit in range(8))
"""The flags: a film; a live or motion photo; a favourite; a panorama; a RAW; damaged, or no picture
of it; private to somebody; one of several of its shot."""
WIDE = 2.0
"""From this ratio of width to height on a picture is a panorama: no field says so."""

STEPS, NARROWEST, SPAN = 127, 1 / 3, 12.0
"""Ratios from 1/3 to 4 in 127 steps of a logarithmic scale."""
NEUTRAL = 128
"""The grey of what nobody looked at."""


@dataclass(frozen=True, slots=True)
class Row:
    """One asset of a timeline.

    `wall` is the wall clock shown in milliseconds since 1970 (UNDATED for none), `added` minutes
    since 1970 UTC, `size` bytes. `folder` is that of its first good copy, `persons` are those it is
    private to. Words that are not known are "".
    """

    hash: bytes
    wall: int
    precision: int
    flags: int
    aspect: int
    colour: int
    added: int
    size: int
    quality: int
    persons: tuple[str, ...] = ()
    place: str = ""
    folder: str = ""
    camera: str = ""


def read_row(fields: Mapping[str, Sequence[Any]], rules: Sequence[PrivacyRule] = ()) -> Row:
    """The row of a document, of which FIELDS and MOMENTS are given, each a list of values, and none
    where it has none.
    """
    get = fields.get
    wall, added = get("captured.wall"), get("added")
    width, height = get("width", (0,))[0], get("height", (0,))[0]
    paths = get("paths", ())
    brightness = get("quality.brightness")
    private = get("private", ())
    persons = (
        persons_of(private, get("albums.keyword", ()), paths, rules) if rules or private else ()
    )
    precision = get("captured.precision")
    return Row(
        hash=bytes.fromhex(fields["hash"][0]),
        wall=int(wall[0]) if wall else UNDATED,
        precision=PRECISIONS.get(precision[0], 0) if precision else 0,
        flags=_flags(fields, width, height, seen=brightness is not None, private=bool(persons)),
        aspect=pack_ratio(width, height),
        colour=pack_grey(brightness[0] if brightness else NEUTRAL),
        added=int(added[0]) // MINUTE if added else 0,
        size=get("size", (0,))[0],
        quality=pack_quality(get("quality.focus", (None,))[0]),
        persons=persons,
        place=_place(fields),
        folder=paths[0].rpartition("/")[0] if paths else "",
        camera=get("camera.model.keyword", ("",))[0],
    )


def is_panorama(width: int, height: int) -> bool:
    """Whether a picture of a size, as shown, is so wide that it is one."""
    return height > 0 and width >= WIDE * height


def _flags(
    fields: Mapping[str, Sequence[Any]], width: int, height: int, *, seen: bool, private: bool
) -> int:
    get = fields.get
    is_film = get("kind") == ["video"]
    flags = FILM if is_film else 0
    if not is_film and ("live_id" in fields or get("motion_photo") == [True]):
        flags |= LIVE
    if get("favorite") == [True]:
        flags |= FAVORITE
    if not is_film and is_panorama(width, height):
        flags |= PANORAMA
    if get("type", ("",))[0] in RAW_TYPES:
        flags |= RAW
    if not seen or not get("copy_count", (0,))[0]:
        flags |= UNSEEN
    if private:
        flags |= PRIVATE
    return flags | SHOT if "stack.id" in fields else flags


def _place(fields: Mapping[str, Sequence[Any]]) -> str:
    """A place's own name; else the town, or the region, with its country."""
    get = fields.get
    own = get("place.name.keyword")
    if own:
        return str(own[0])
    town = get("place.city.keyword") or get("place.region.keyword") or ()
    return ", ".join((*town[:1], *get("place.country.keyword", ())[:1]))


@lru_cache(maxsize=4096)
def pack_ratio(width: int, height: int) -> int:
    """The ratio of a picture as it is shown: 0 for 1/3 or less, to 127 for 4 or more; a square
    where it is not known.
    """
    if width <= 0 or height <= 0:
        width = height = 1
    step = STEPS * math.log(width / height / NARROWEST) / math.log(SPAN)
    return min(STEPS, max(0, round(step)))


def ratio_of(packed: int) -> float:
    """Width by height of a packed ratio."""
    return float(NARROWEST * SPAN ** (packed / STEPS))


def pack_grey(brightness: float) -> int:
    """A grey of 0 to 255 as RGB565."""
    grey = min(255, max(0, round(brightness)))
    return (grey >> 3) << 11 | (grey >> 2) << 5 | grey >> 3


def pack_quality(focus: float | None) -> int:
    """How sharp the sharpest parts are, as a number to sort by; 0 where nobody looked."""
    return 0 if focus is None else min(65_535, 1 + round(4000 * math.log2(1 + max(0.0, focus))))
