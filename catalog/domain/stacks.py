"""Which files belong together: stacks (one shot in several files) and sidecars beside
their assets.
"""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeGuard

from catalog.domain.asset import Asset, Entry
from catalog.domain.capture_time import MAX_OFFSET, SECOND, CaptureTime
from catalog.domain.document import StackRow
from catalog.domain.filetypes import (
    BY_NAME,
    CLIP_DOCUMENT,
    COMMON,
    OF_FILMS,
    PREVIEWS,
    SIDECAR_EXTENSIONS,
    TYPES,
    extension_of,
)
from catalog.domain.names import comparison_key
from catalog.domain.shot_times import agree

RAW_TYPES = frozenset(t.name for t in TYPES if t.family == "tiff" and t.name != "tiff") | {
    "cr3",
    "crw",
    "raf",
    "mrw",
    "x3f",
}
LIVE_MOVIE_SECONDS = 6.0
"""A movie beside a still of the same name is taken for its Live Photo part,
without ids to prove it, up to this length.
"""
SAME_SHOT = timedelta(seconds=2)
SAME_MOMENT = timedelta(seconds=LIVE_MOVIE_SECONDS)
"""By how much the clocks of a still and of its movie part may differ."""
_QUARTER_HOUR = timedelta(minutes=15)
_LARGEST_SHIFT = timedelta(minutes=MAX_OFFSET) + SAME_MOMENT
TAKEOUT_NAME_LENGTH = 46
"""Google Takeout cuts a JSON sidecar's name, without its `.json`, to this many characters."""

_SUPPLEMENT = ".supplemental-metadata"
_NUMBER = re.compile(r"^(?P<base>.+?)(?P<number>\(\d+\))$")
EDITED_WORDS = (
    "edited",
    "effects",
    "smile",
    "mix",
    "bearbeitet",
    "modifié",
    "editado",
    "editada",
    "bewerkt",
    "edytowane",
    "edytowany",
    "modificato",
    "modificata",
    "editat",
    "editată",
    "redigert",
    "redigerad",
    "redigeret",
    "muokattu",
    "upravené",
    "upraveno",
    "urejeno",
    "uređeno",
    "szerkesztett",
    "düzenlendi",
    "redaguota",
    "muudetud",
    "diedit",
    "отредактировано",
    "редактирано",
    "відредаговано",
    "επεξεργασμένο",
    "編集済み",
    "已修改",
    "已编辑",
    "已編輯",
    "수정됨",
    "ha editado",
    "đã chỉnh sửa",
)
"""What Google calls an edit, in the languages of accounts."""
_EDITED = re.compile(f"-(?:{'|'.join(EDITED_WORDS)})$", re.IGNORECASE)
"""What Google appends to the name of an edit, in the language of the account."""
_PIXEL = re.compile(r"(?:\.raw-0\d)?(?:\.mp)?(?:\.(?:cover|original))?$")
"""What Pixel phones append to the names of the files of one shot: RAW-01.COVER, RAW-02.ORIGINAL,
MP for a motion photo.
"""
_VERSION = re.compile(r"^(?P<base>.+)_(?P<number>\d\d)(?P<tail>\.[^.]+)$")
"""How darktable names the sidecars of a photo's further versions: `photo_01.jpg.xmp`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may be an asset, with the sidecars found beside it."""

    entry: Entry
    sidecars: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A candidate whose content was read.

    `role` is "" alone, else `still`, `live`, `raw` or `jpeg`.
    """

    entry: Entry
    asset: Asset
    sidecars: tuple[Entry, ...] = ()
    role: str = ""


def stack_row(stack: str, role: str) -> StackRow:
    """What a document says of the stack that its asset belongs to."""
    return {"id": stack, "role": role}


def stem_key(entry: Entry) -> str:
    """Files of one folder with one key may be one shot; sorting by it keeps them together."""
    return _stem_of(entry.name)


def _stem_of(name: str) -> str:
    key = _name_key(name)
    return _PIXEL.sub("", key) if "." in key else key


def _name_key(name: str) -> str:
    """A name without its extension, to compare: of a sidecar that of what it is called after."""
    extension = extension_of(name)
    return comparison_key(name[: -len(extension) - 1] if extension else name)


def attach_sidecars(entries: Iterable[Entry]) -> tuple[list[Candidate], list[Entry]]:
    """The candidates of one folder, each with its sidecars, in the order given,
    and the sidecars left over.

    A sidecar belongs to `photo.jpg` if it is called `photo.jpg.xmp`, `photo.xmp` or, from Google
    Takeout, `photo.jpg.json`, `photo.jpg.supplemental-metadata.json` (cut short or not), both also
    without the `.jpg`, or `photo.jpg(1).json` for `photo(1).jpg`; as `photo_01.jpg.xmp` it is that
    of a further version, in darktable, and as `C0001M01.XML` Sony's of the film `C0001.MP4`. An XML
    or SRT file is one beside a film only.
    """
    rows = list(entries)
    sidecars = [e for e in rows if extension_of(e.name) in SIDECAR_EXTENSIONS and not e.problem]
    paths = {e.path for e in sidecars}
    media = [e for e in rows if e.path not in paths]
    by_name, by_stem = _index_names(media)
    takeout = _TakeoutNames(media)
    found: dict[str, list[Entry]] = defaultdict(list)
    orphans = []
    for sidecar in sidecars:
        is_json = extension_of(sidecar.name) == "json"
        owners = (
            takeout.owners(_name_key(sidecar.name))
            if is_json
            else _owners(sidecar, by_name, by_stem)
        )
        for owner in owners:
            found[owner.path].append(sidecar)
        if not owners:
            orphans.append(sidecar)
    others = {e.path for e in orphans if extension_of(e.name) in COMMON}
    return [
        Candidate(e, tuple(found.get(e.path, ())))
        for e in rows
        if e.path not in paths or e.path in others
    ], [e for e in orphans if e.path not in others]


def connect(groups: Iterable[Iterable[str]]) -> dict[str, str]:
    """For every name the least name that groups with a member in common join it to."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = name = leader[leader[name]]
        return name

    for group in groups:
        roots = {find(leader.setdefault(name, name)) for name in group}
        for root in roots:
            leader[root] = min(roots)
    return {name: find(name) for name in leader}


def group_shots(candidates: Iterable[Candidate]) -> list[tuple[Candidate, ...]]:
    """The candidates of one folder in the groups that are read, planned and removed together,
    sorted.

    Files with one stem are one group, and so are those that share a sidecar (Takeout's JSON speaks
    for edits as well); a camera's small film comes last, so that it carries nothing.
    """
    ordered = sorted(
        candidates,
        key=lambda c: (stem_key(c.entry), extension_of(c.entry.name) in PREVIEWS, c.entry.path),
    )
    key_of = connect((f"/{stem_key(c.entry)}", *(s.path for s in c.sidecars)) for c in ordered)
    found: dict[str, list[Candidate]] = {}
    for candidate in ordered:
        found.setdefault(key_of[f"/{stem_key(candidate.entry)}"], []).append(candidate)
    return [tuple(shot) for shot in found.values()]


def _index_names(media: list[Entry]) -> tuple[dict[str, Entry], dict[str, list[Entry]]]:
    by_stem: dict[str, list[Entry]] = defaultdict(list)
    for entry in media:
        by_stem[stem_key(entry)].append(entry)
    return {comparison_key(e.name): e for e in media}, by_stem


def _owners(
    sidecar: Entry, by_name: dict[str, Entry], by_stem: dict[str, list[Entry]]
) -> list[Entry]:
    key = _name_key(sidecar.name)
    extension = extension_of(sidecar.name)
    if extension in OF_FILMS:
        return _films(sidecar, key, by_name, by_stem)
    if key in by_name:
        return [by_name[key]]
    same = by_stem.get(stem_key(sidecar), [])
    version = _VERSION.match(key) if extension == "xmp" and not same else None
    if version and (first := by_name.get(version["base"] + version["tail"])):
        return [first]
    if extension == "aae" and not same:  # the edits of IMG_1234 lie in IMG_O1234.aae, too
        same = by_stem.get(key.replace("_o", "_", 1), [])
    return same


def _films(
    sidecar: Entry, key: str, by_name: dict[str, Entry], by_stem: dict[str, list[Entry]]
) -> list[Entry]:
    """The film that a sidecar speaks of, the camera's small one after the film itself; a thumbnail
    is of one of them only.
    """
    names = (sidecar.name, CLIP_DOCUMENT.sub(".xml", sidecar.name))
    same = [e for name in dict.fromkeys(names) for e in by_stem.get(_stem_of(name), ())]
    if key in by_name:
        same = [by_name[key]]
    films = [e for e in same if extension_of(e.name) in _VIDEO_EXTENSIONS]
    films.sort(key=lambda e: extension_of(e.name) in PREVIEWS)
    return films[:1] if extension_of(sidecar.name) == "thm" else films


_RAW_EXTENSIONS = frozenset(e for t in TYPES if t.name in RAW_TYPES for e in t.extensions)
_VIDEO_EXTENSIONS = frozenset(e for t in TYPES if t.kind == "video" for e in t.extensions)


OF_RAW = 1
"""The place of RAW files in that order."""


def stacking_order(name: str) -> int:
    """Pictures before RAW files before movies, by extension: the order of a stack's members."""
    extension = extension_of(name)
    return 2 if extension in _VIDEO_EXTENSIONS else OF_RAW if extension in _RAW_EXTENSIONS else 0


class _TakeoutNames:
    """The files of one folder by the names that Takeout's JSON may call them;
    exports hold tens of thousands in one.
    """

    def __init__(self, media: list[Entry]) -> None:
        self._entries: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._stems: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in media:
            name = comparison_key(entry.name)
            extension = extension_of(name)
            stem = _EDITED.sub("", name[: -len(extension) - 1] if extension else name)
            tail = f".{extension}" if extension else ""
            self._entries["", stem + tail].append(entry)
            if numbered := _NUMBER.match(stem):
                self._entries[numbered["number"], _EDITED.sub("", numbered["base"]) + tail].append(
                    entry
                )
                self._stems[numbered["number"], _EDITED.sub("", numbered["base"])].append(entry)
            self._stems["", stem].append(entry)
        self._sorted = sorted(self._entries)

    def owners(self, key: str) -> list[Entry]:
        """Whose name is the key's without a (cut) `.supplemental-metadata`,
        or is cut in it at Takeout's limit.
        """
        numbered = _NUMBER.match(key)
        base, number = (numbered["base"], numbered["number"]) if numbered else (key, "")
        cuts = [cut for cut in range(len(_SUPPLEMENT) + 1) if base.endswith(_SUPPLEMENT[:cut])]
        names = [(number, base[: len(base) - cut]) for cut in cuts]
        owners = [owner for name in names for owner in self._entries.get(name, ())]
        owners = owners or [owner for name in names for owner in self._stems.get(name, ())]
        if len(base) < TAKEOUT_NAME_LENGTH - 1 or owners:
            return owners
        first = bisect.bisect_right(self._sorted, (number, base))
        near = self._sorted[first : first + 2]
        longer = [row for row in near if row[0] == number and row[1].startswith(base)]
        return (
            self._entries[longer[0]] if len(longer) == 1 else []
        )  # of several that begin so, none can be told


def group_stacks(members: Sequence[Member]) -> list[tuple[Member, ...]]:
    """The members of one folder as stacks: still before movie, JPEG before RAW;
    singles are stacks of one. The files of a stack carry one capture time.
    """
    stacks: dict[str, list[Member]] = {}
    for member in members:
        stacks.setdefault(stem_key(member.entry), []).append(member)
    groups = [part for same in stacks.values() for part in _split(same)]
    return [_of_one_time(stack) for stack in _join_by_live_id(groups)]


def _of_one_time(stack: tuple[Member, ...]) -> tuple[Member, ...]:
    own = [m.asset.captured for m in stack]
    return tuple(
        m if time is m.asset.captured else replace(m, asset=_led(m.asset, time, stack))
        for m, time in zip(stack, agree(own), strict=True)
    )


def _led(asset: Asset, time: CaptureTime | None, stack: Sequence[Member]) -> Asset:
    """A file with the time of another one of its shot, which also says whether that is by the home
    zone.
    """
    by_home_zone = any(
        m.asset.by_home_zone and m.asset.captured == replace(time, source=time.statement)
        for m in stack
        if time is not None
    )
    return replace(asset, captured=time, by_home_zone=by_home_zone)


def _split(same: list[Member]) -> list[tuple[Member, ...]]:
    """One stem's files, divided where what they state speaks against one shot."""
    if len(same) == 1:
        return [tuple(same)]
    stills = [
        m for m in same if m.asset.facts.kind == "image" and m.asset.facts.type not in RAW_TYPES
    ]
    raws = [m for m in same if m.asset.facts.type in RAW_TYPES]
    movies = [m for m in same if m.asset.facts.kind == "video"]
    lead = (stills or raws)[:1]
    if not lead:
        return [(m,) for m in same]
    stack, rest = [lead[0]], list[Member]()
    for member in stills + raws + movies:
        if member is lead[0]:
            continue
        seen = {_place_in_stack(m) for m in stack}
        fits = _place_in_stack(member) not in seen and _is_one_shot(lead[0], member)
        (stack if fits else rest).append(member)
    return [_with_roles(stack)] + [(m,) for m in rest]


def _place_in_stack(member: Member) -> str:
    """A stack holds one file of each extension, and one movie."""
    return "movie" if member.asset.facts.kind == "video" else extension_of(member.entry.name)


def _is_one_shot(lead: Member, other: Member) -> bool:
    if other.asset.facts.kind == "video":
        return _is_live_pair(lead.asset, other.asset)
    a, b = _as_taken(lead.asset), _as_taken(other.asset)
    return _is_sure(a) and _is_sure(b) and abs(a.wall - b.wall) <= SAME_SHOT


def _as_taken(asset: Asset) -> CaptureTime | None:
    """The capture time as the camera told it: a sidecar may correct it for one file of a shot."""
    captured = asset.captured
    if captured is None or not captured.source.startswith("sidecar:"):
        return captured
    told = (d for d in asset.facts.dates if d.source == "exif:DateTimeOriginal" and d.has_time)
    date = next(told, None)
    if date is None:
        return captured
    return replace(captured, wall=date.wall, source=date.source, precision=SECOND)


def _is_sure(captured: CaptureTime | None) -> TypeGuard[CaptureTime]:
    """Whether a time can show that two files are one shot: a stranger may have the same name.

    That of the last change can, for no stranger was changed in the same moment.
    """
    return (
        captured is not None
        and captured.has_time
        and (captured.confidence != "low" or captured.source == "exif:DateTime")
    )


def _is_live_pair(still: Asset, movie: Asset) -> bool:
    ids = still.facts.values.get("live_id"), movie.facts.values.get("live_id")
    if any(ids):
        return ids[0] == ids[1]
    is_short = movie.facts.duration is not None and movie.facts.duration <= LIVE_MOVIE_SECONDS
    return (
        is_short
        and BY_NAME[movie.facts.type].family == "bmff"
        and _are_of_one_moment(_as_taken(still), movie.captured)
    )


def _are_of_one_moment(still: CaptureTime | None, movie: CaptureTime | None) -> bool:
    """Whether two capture times are of one moment; a zone that only one of them knows is
    allowed for. A file's own time is nobody's.
    """
    if still is None or movie is None or "mtime" in (still.source, movie.source):
        return False
    if still.instant and movie.instant and "UTC" not in (still.zone, movie.zone):
        return abs(still.instant - movie.instant) <= SAME_MOMENT
    apart = abs(still.wall - movie.wall)
    beyond_quarter = apart % _QUARTER_HOUR
    return (
        apart <= _LARGEST_SHIFT
        and min(beyond_quarter, _QUARTER_HOUR - beyond_quarter) <= SAME_MOMENT
    )


def _with_roles(stack: list[Member]) -> tuple[Member, ...]:
    if len(stack) == 1:
        return tuple(stack)
    has_raw = any(m.asset.facts.type in RAW_TYPES for m in stack)

    def role(member: Member) -> str:
        if member.asset.facts.kind == "video":
            return "live"
        if member.asset.facts.type in RAW_TYPES:
            return "raw"
        return "jpeg" if has_raw else "still"

    return tuple(Member(m.entry, m.asset, m.sidecars, role(m)) for m in stack)


def _join_by_live_id(groups: list[tuple[Member, ...]]) -> list[tuple[Member, ...]]:
    """Pairs whose names differ (as some exports make them), joined by their Live Photo id."""
    movies = {
        m.asset.facts.values["live_id"]: m
        for g in groups
        if len(g) == 1
        for m in g
        if m.asset.facts.kind == "video" and m.asset.facts.values.get("live_id")
    }
    joined: list[tuple[Member, ...]] = []
    used: set[str] = set()
    for g in groups:
        lead = g[0]
        movie = movies.get(lead.asset.facts.values.get("live_id", ""))
        has_movie = any(m.asset.facts.kind == "video" for m in g)
        if movie and not has_movie and movie.entry.path not in used:
            used.add(movie.entry.path)
            joined.append(_with_roles([*g, movie]))
        else:
            joined.append(g)
    return [g for g in joined if not (len(g) == 1 and g[0].entry.path in used)]
