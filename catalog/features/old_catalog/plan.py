"""The plan of importing an old catalog: which of its folders are months and which are albums,
and what becomes of their files.

An old catalog has a folder for each year, in these a folder for each month (`07_July`) and named
folders, which are albums. Named folders may lie in months and in one another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from catalog.domain.actions import Skip
from catalog.domain.layout import Layout, album_layout, portable_folder
from catalog.domain.names import comparison_key
from catalog.features.ingest.actions import Action
from catalog.features.ingest.plan import IngestFacts, Occupancy, plan_ingest

_YEAR = re.compile(r"[0-9]{4}")
_MONTH = re.compile(r"(0[1-9]|1[0-2])[ _.-]*[^\W\d_]*\.?")


def is_year(name: str) -> bool:
    """Whether a folder's name is a year's: four digits."""
    return _YEAR.fullmatch(name) is not None


def month_of(name: str) -> int:
    """The month, 1 to 12, whose folder has this name: a number, and a word in whatever language;
    0 for another folder.
    """
    found = _MONTH.fullmatch(unicodedata.normalize("NFC", name))
    return int(found[1]) if found else 0


def album_of(folder: str, layout: Layout) -> str:
    """The album that a folder (`YEAR/...`, relative to the old catalog) is: its named parts;
    "" where there are none.
    """
    parts = folder.split("/")[1:]
    if parts and month_of(parts[0]):
        parts = parts[1:]
    unnamed = {comparison_key(name) for name in _unnamed(layout)}
    named = [p for p in parts if comparison_key(p) not in unnamed]
    return "/".join(" ".join(unicodedata.normalize("NFC", part).split()) for part in named)


def _unnamed(layout: Layout) -> tuple[str, ...]:
    """Folders that a layout makes by itself: as it is now, and as it was in the old catalog."""
    usual = Layout()
    return usual.video_folder, usual.messenger_folder, layout.video_folder, layout.messenger_folder


@dataclass(frozen=True, slots=True)
class YearPart:
    """Folders that are imported together: those of all months, or, with `album_folder`,
    those that become this folder.
    """

    folders: tuple[str, ...]
    album_folder: str = ""

    def layout(self, layout: Layout) -> Layout:
        """Where its files go, and how they are called."""
        return album_layout(layout, self.album_folder) if self.album_folder else layout

    def counts(self, path: str) -> bool:
        """Whether a copy at a path of the catalog makes another one superfluous;
        in an album only one that lies there does.
        """
        folder = path.rpartition("/")[0]
        return not self.album_folder or comparison_key(folder) == comparison_key(self.album_folder)


def parts_of(folders: Iterable[str], layout: Layout, months: Iterable[int] = ()) -> list[YearPart]:
    """The folders in the order of their import: months first,
    as what an album has already would be superfluous there.

    `months`: only their folders, and what is below them. Folders whose names differ in Unicode form
    or case only, or in what no store takes, become one.
    """
    wanted = frozenset(months)
    plain: list[str] = []
    albums: dict[str, tuple[str, list[str]]] = {}
    for folder in sorted(folders):
        if wanted and month_of((*folder.split("/"), "")[1]) not in wanted:
            continue
        if album_of(folder, layout):
            place = portable_folder(folder)
            albums.setdefault(comparison_key(place), (place, []))[1].append(folder)
        else:
            plain.append(folder)
    parts = [YearPart(tuple(plain))] if plain else []
    return parts + [YearPart(tuple(found), place) for place, found in albums.values()]


def plan_part(
    facts: IngestFacts, occupancy: Occupancy, part: YearPart, layout: Layout, store: str
) -> list[Action]:
    """The actions of one batch of a part, sorted by source path: those of an upload,
    and with the album each file is in.
    """
    actions = plan_ingest(facts, occupancy, part.layout(layout), store, move=False)
    return [
        a if isinstance(a, Skip) else replace(a, album=album_of(a.source.folder, layout))
        for a in actions
    ]
