"""Where an asset lives in the catalog: `YYYY/MM_Month/YYYY-MM-DD HH-MM-SS Place.ext` and its
relatives.

The wall clock names folders and files; month names are English whatever the locale.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from catalog.domain.asset import Asset
from catalog.domain.capture_time import DAY, MONTH, SECOND, YEAR, CaptureTime, format_day
from catalog.domain.filetypes import CLIP_DOCUMENT, extension_of
from catalog.domain.names import MAX_NAME_BYTES, portable, shorten

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MAX_EXTENSION_BYTES = 32
"""What stands behind a last dot can be a whole sentence; so much of it is kept."""
WEAK_SOURCES = frozenset({"folder", "mtime", "exif:DateTime"})
FIELDS = frozenset(
    {
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "month_name",
        "date",
        "time",
        "place",
        "city",
        "country",
        "region",
        "original",
        "make",
        "model",
        "kind",
    }
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Templates of folders and names.

    The fields are FIELDS, in braces; empty fields leave no stray space.

    `name` is for a known time of capture, `name_weak` where the time is only the file's own (mtime,
    folder), `name_date_only` where no time of day is known.
    """

    folder: str = "{year}/{month}_{month_name}"
    undated_folder: str = "undated"
    video_folder: str = "filmchen"
    messenger_folder: str = "Whatsapp"
    name: str = "{date} {time} {place}"
    name_weak: str = "{date} {time} @ {original}"
    name_date_only: str = "{date} @ {original}"
    name_undated: str = "{original}"
    live_video_beside_still: bool = False


@dataclass(frozen=True, slots=True)
class AlbumLayout(Layout):
    """The layout of one album: all of it lies in `album_folder`, videos included,
    and names that a person gave stay.
    """

    album_folder: str = ""


def album_layout(layout: Layout, folder: str) -> AlbumLayout:
    """The layout of an album that lies in a folder;
    the names that no person gave are made as elsewhere.
    """
    return AlbumLayout(
        **asdict(layout)
        | {"video_folder": "", "live_video_beside_still": True, "album_folder": folder}
    )


def unknown_fields(template: str, known: frozenset[str] = FIELDS) -> list[str]:
    """The words in braces that are no field of a template."""
    return [name for name in re.findall(r"\{([^{}]*)\}", template) if name not in known]


def folder_of(layout: Layout, asset: Asset, *, live_video: bool = False) -> str:
    """The folder of an asset, relative to the store's root, POSIX.

    `live_video`: the movie of a Live Photo.
    """
    if isinstance(layout, AlbumLayout):
        return layout.album_folder
    captured = asset.captured
    parts = [_dated_folder(layout.folder, asset) if captured else layout.undated_folder]
    if asset.messenger and captured and captured.statement in ("filename", "folder", "mtime"):
        parts.append(layout.messenger_folder)
    if asset.facts.kind == "video" and not (live_video and layout.live_video_beside_still):
        parts.append(layout.video_folder)
    return portable_folder("/".join(parts))


def _dated_folder(template: str, asset: Asset) -> str:
    """The folder of a template.

    A part for which less is known of the date than it asks is the date as far as it goes, or left
    out where it says nothing then.
    """
    assert asset.captured is not None
    fields = _date_fields(asset.captured)
    parts = []
    for part in template.split("/"):
        asked = {name for name in re.findall(r"\{(\w+)\}", part) if name in fields}
        known = {name for name in asked if fields[name]}
        if known == asked:
            parts.append(_fill(part, asset, ""))
        elif known:
            parts.append(fields["date"])
    return "/".join(parts)


def portable_folder(folder: str) -> str:
    """The path of a folder with every part a portable name."""
    return "/".join(shorten(portable(piece), "") for piece in folder.split("/") if piece)


def stem_of(layout: Layout, asset: Asset, original: str) -> str:
    """The file name without extension; `original` is the file's name before it came to
    the catalog.
    """
    old_stem = _stem(original)
    if isinstance(layout, AlbumLayout) and (kept := _kept_stem(asset, portable(old_stem))):
        return kept
    return portable(_fill(_name_template(layout, asset.captured), asset, old_stem))


def is_mostly_text(stem: str) -> bool:
    """Whether more than half of a name, without its extension,
    is letters of any script or spaces.
    """
    text = unicodedata.normalize("NFC", stem)
    return 2 * sum(c == " " or unicodedata.category(c)[0] in "LM" for c in text) > len(text)


def _kept_stem(asset: Asset, stem: str) -> str:
    """A name that a person gave, with the time of capture, once;
    "" for one that a camera or program gave.
    """
    captured = asset.captured
    is_known = captured is not None and captured.has_time and captured.statement not in WEAK_SOURCES
    time = _fill("{date} {time}", asset, "") if is_known else ""
    if not is_mostly_text(stem.replace(time, "") if time else stem):
        return ""
    return (
        stem
        if time in stem
        else f"{shorten(stem, time, MAX_NAME_BYTES - MAX_EXTENSION_BYTES)} {time}"
    )


def file_name(stem: str, original: str, number: int = 0) -> str:
    """Stem, `_number` if it is not 0, and the original's extension in lower case,
    within the portable length.
    """
    extension = (
        shorten(portable(extension_of(original)), "", MAX_EXTENSION_BYTES)
        if extension_of(original)
        else ""
    )
    suffix = f"_{number}" if number else ""
    cut = shorten(stem, suffix + extension)
    return f"{cut}{suffix}.{extension}" if extension else f"{cut}{suffix}"


def sidecar_names(sidecar: str, owner: str, target: str) -> Iterator[str]:
    """The names that a sidecar of `owner` may get beside it at `target`, best first, without end.

    Those that keep the full name of their asset (`photo.jpg.xmp`, Takeout's JSON) do so; the others
    share its stem (`film.srt`, Sony's `filmM01.xml`), and take the full name where that is taken.
    """
    extension = extension_of(sidecar)
    own = extension_of(target)
    document = CLIP_DOCUMENT.search(sidecar)
    if document and _stem(owner).lower() == sidecar[: document.start()].lower():
        yield f"{_stem(target)}{document[0][:3].upper()}.{extension}"
    version = re.fullmatch(r"(.+)_(\d\d)(\.[^.]+\.xmp)", sidecar, re.IGNORECASE)
    if version and f"{version[1]}{version[3][:-4]}".lower() == owner.lower():
        yield f"{_stem(target)}_{version[2]}.{own}.{extension}"
    if not sidecar.lower().startswith(owner.lower() + ".") and extension != "json":
        yield f"{_stem(target)}.{extension}"
    yield f"{target}.{extension}"
    for number in itertools.count(1):
        yield f"{target}_{number}.{extension}"


def other_sidecar_name(sidecar: str, target: str) -> str:
    """The path that a sidecar beside an asset at `target` has under the other naming:
    `photo.xmp` for `photo.jpg.xmp`, and the reverse; "" for one that has no other.
    """
    extension = extension_of(sidecar)
    both = (f"{_stem(target)}.{extension}", f"{target}.{extension}")
    if extension == "json" or sidecar not in both or both[0] == both[1]:
        return ""
    return both[sidecar == both[0]]


def _name_template(layout: Layout, captured: CaptureTime | None) -> str:
    if captured is None:
        return layout.name_undated
    if not captured.has_time:
        return layout.name_date_only
    return layout.name_weak if captured.statement in WEAK_SOURCES else layout.name


def _fill(template: str, asset: Asset, original: str) -> str:
    fields = {**_date_fields(asset.captured), **_other_fields(asset, original)}
    text = re.sub(r"\{(\w+)\}", lambda m: fields.get(m[1], ""), template)
    return re.sub(r" {2,}", " ", text).strip()


def _date_fields(captured: CaptureTime | None) -> dict[str, str]:
    """The fields that speak of the date, each "" as far as it is not known."""
    if captured is None:
        return {}
    wall, precision = captured.wall, captured.precision
    fields = {
        "year": f"{wall.year:04d}",
        "month": f"{wall.month:02d}",
        "month_name": MONTHS[wall.month - 1],
        "day": f"{wall.day:02d}",
        "hour": f"{wall.hour:02d}",
        "minute": f"{wall.minute:02d}",
        "second": f"{wall.second:02d}",
        "time": f"{wall.hour:02d}-{wall.minute:02d}-{wall.second:02d}",
    }
    known = list(fields)[: _KNOWN_FIELDS[precision]]
    return (
        dict.fromkeys(fields, "")
        | {f: fields[f] for f in known}
        | {"date": format_day(wall, precision)}
    )


def _other_fields(asset: Asset, original: str) -> dict[str, str]:
    place = asset.place
    return {
        "place": _flat((place.name or place.city) if place else ""),
        "city": _flat(place.city if place else ""),
        "country": _flat(place.country if place else ""),
        "region": _flat(place.region if place else ""),
        "original": _flat(original),
        "make": _flat(str(asset.facts.values.get("make", ""))),
        "model": _flat(str(asset.facts.values.get("model", ""))),
        "kind": asset.facts.kind,
    }


_KNOWN_FIELDS = {YEAR: 1, MONTH: 3, DAY: 4, SECOND: 8}
"""How many of the date's fields are known at a precision."""


def _stem(name: str) -> str:
    """A name, or a path, without its extension."""
    extension = extension_of(name.rpartition("/")[2])
    return name[: -len(extension) - 1] if extension else name


def _flat(text: str | None) -> str:
    return (text or "").replace("/", "-").replace("\\", "-")
