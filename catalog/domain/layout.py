"""Where an asset lives in the catalog: `YYYY/MM_Month/YYYY-MM-DD HH-MM-SS Place.ext` and its
relatives.

The wall clock names folders and files; month names are English whatever the locale.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache, lru_cache

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
    parts = []
    for part in template.split("/"):
        asked = [name for name in _split(part)[1::2] if name in _DATE_FIELDS]
        known = [name for name in asked if _date_field(asset.captured, name)]
        if len(known) == len(asked):
            parts.append(_fill(part, asset, ""))
        elif known:
            parts.append(_date_field(asset.captured, "date"))
    return "/".join(parts)


def portable_folder(folder: str) -> str:
    """The path of a folder with every part a portable name."""
    return "/".join(_portable_part(piece) for piece in folder.split("/") if piece)


@lru_cache(maxsize=1024)
def _portable_part(part: str, limit: int = MAX_NAME_BYTES) -> str:
    """A name of a folder, or an extension, that every store takes; most are the same again."""
    return shorten(portable(part), "", limit)


def stem_of(layout: Layout, asset: Asset, original: str) -> str:
    """The file name without extension; `original` is the file's name before it came to
    the catalog.
    """
    old_stem = stem_at(original)
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
    extension = extension_of(original)
    if extension:
        extension = _portable_part(extension, MAX_EXTENSION_BYTES)
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
    if document and stem_at(owner).lower() == sidecar[: document.start()].lower():
        yield f"{stem_at(target)}{document[0][:3].upper()}.{extension}"
    version = re.fullmatch(r"(.+)_(\d\d)(\.[^.]+\.xmp)", sidecar, re.IGNORECASE)
    if version and f"{version[1]}{version[3][:-4]}".lower() == owner.lower():
        yield f"{stem_at(target)}_{version[2]}.{own}.{extension}"
    if not sidecar.lower().startswith(owner.lower() + ".") and extension != "json":
        yield f"{stem_at(target)}.{extension}"
    yield f"{target}.{extension}"
    for number in itertools.count(1):
        yield f"{target}_{number}.{extension}"


def other_sidecar_name(sidecar: str, target: str) -> str:
    """The path that a sidecar beside an asset at `target` has under the other naming:
    `photo.xmp` for `photo.jpg.xmp`, and the reverse; "" for one that has no other.
    """
    extension = extension_of(sidecar)
    both = (f"{stem_at(target)}.{extension}", f"{target}.{extension}")
    if extension == "json" or sidecar not in both or both[0] == both[1]:
        return ""
    return both[sidecar == both[0]]


def _name_template(layout: Layout, captured: CaptureTime | None) -> str:
    if captured is None:
        return layout.name_undated
    if not captured.has_time:
        return layout.name_date_only
    return layout.name_weak if captured.statement in WEAK_SOURCES else layout.name


_SPACES = re.compile(" {2,}")


@cache
def _split(template: str) -> tuple[str, ...]:
    """The texts of a template, and between them the fields."""
    return tuple(re.split(r"\{(\w+)\}", template))


def _fill(template: str, asset: Asset, original: str) -> str:
    pieces = list(_split(template))
    for index in range(1, len(pieces), 2):
        pieces[index] = _field(pieces[index], asset, original)
    return _SPACES.sub(" ", "".join(pieces)).strip()


def _field(name: str, asset: Asset, original: str) -> str:
    """A field of FIELDS; "" for what is not known, and for any other."""
    if name in _DATE_FIELDS:
        return _date_field(asset.captured, name) if asset.captured is not None else ""
    if name == "original":
        return _flat(original)
    return _flat(_OTHER_FIELDS[name](asset)) if name in _OTHER_FIELDS else ""


def _date_field(captured: CaptureTime, name: str) -> str:
    """A field that speaks of the date, "" as far as it is not known."""
    if name == "date":
        return format_day(captured.wall, captured.precision)
    known, text = _DATE_FIELDS[name]
    return text(captured.wall) if captured.precision in known else ""


_TO_YEAR = frozenset({YEAR, MONTH, DAY, SECOND})
_TO_MONTH, _TO_DAY, _TO_SECOND = _TO_YEAR - {YEAR}, frozenset({DAY, SECOND}), frozenset({SECOND})
_DATE_FIELDS: dict[str, tuple[frozenset[str], Callable[[datetime], str]]] = {
    "year": (_TO_YEAR, lambda wall: f"{wall.year:04d}"),
    "month": (_TO_MONTH, lambda wall: f"{wall.month:02d}"),
    "month_name": (_TO_MONTH, lambda wall: MONTHS[wall.month - 1]),
    "day": (_TO_DAY, lambda wall: f"{wall.day:02d}"),
    "hour": (_TO_SECOND, lambda wall: f"{wall.hour:02d}"),
    "minute": (_TO_SECOND, lambda wall: f"{wall.minute:02d}"),
    "second": (_TO_SECOND, lambda wall: f"{wall.second:02d}"),
    "time": (_TO_SECOND, lambda wall: f"{wall.hour:02d}-{wall.minute:02d}-{wall.second:02d}"),
    "date": (_TO_YEAR, lambda wall: format_day(wall, DAY)),
}
"""The precisions with which each is known, and its text."""
_OTHER_FIELDS: dict[str, Callable[[Asset], object]] = {
    "place": lambda asset: (asset.place.name or asset.place.city) if asset.place else "",
    "city": lambda asset: asset.place.city if asset.place else "",
    "country": lambda asset: asset.place.country if asset.place else "",
    "region": lambda asset: asset.place.region if asset.place else "",
    "make": lambda asset: asset.facts.values.get("make", ""),
    "model": lambda asset: asset.facts.values.get("model", ""),
    "kind": lambda asset: asset.facts.kind,
}


def stem_at(name: str) -> str:
    """A name, or a path, without its extension."""
    extension = extension_of(name.rpartition("/")[2])
    return name[: -len(extension) - 1] if extension else name


def _flat(text: object) -> str:
    return str(text or "").replace("/", "-").replace("\\", "-")
