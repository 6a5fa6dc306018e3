"""Where tagged files go: pure rules over tags and paths, and which files are tried again when."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from catalog.domain.names import portable

MOVE = "move"
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of a store that files are taken from (`unsorted`), and in which those of
    categories are made (`images`); `parent` is what stands before the colon in tags.
    """

    unsorted: str
    images: str
    parent: str

    @property
    def beginning(self) -> str:
        """What the tags begin with that count."""
        return f"{self.parent}:"

    @property
    def has_both(self) -> bool:
        """Whether the one lies in the other."""
        return not self.images or f"{self.unsorted}/".startswith(f"{self.images}/")

    def folder(self, category: str) -> str:
        """The folder of a category."""
        return below(self.images, category)

    def is_unsorted(self, path: str) -> bool:
        """Whether a file, or folder, lies where files are taken from."""
        return f"{path}/".startswith(f"{self.unsorted}/")


def below(folder: str, name: str) -> str:
    """The path of what lies in a folder; "" is the root."""
    return f"{folder}/{name}" if folder else name


@dataclass(frozen=True, slots=True)
class Sighting:
    """A file that was seen with tags; `hash` is its content, "" where nobody knows it yet."""

    path: str
    tags: tuple[str, ...]
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A file goes into the folder of the category that `tag` names.

    `is_there`: it lies there already, and only the tag is to go. `others` are tags that would have
    fitted as well. `problem` says why it stays.
    """

    path: str
    tag: str
    category: str
    folder: str
    hash: str = ""
    others: tuple[str, ...] = ()
    is_there: bool = False
    problem: str = ""
    name: str = MOVE

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.path

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return not self.problem

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.path} to {self.folder}" + (
            f": {self.problem}" if self.problem else ""
        )

    def told(self) -> str:
        """What a person is told besides."""
        return f"also tagged {', '.join(self.others)}" if self.others else ""


def plan_moves(sightings: Iterable[Sighting], places: Places) -> list[Move]:
    """What becomes of files with tags, by path; what has none that counts, or lies elsewhere, is
    left out.
    """
    planned = (_planned(one, places) for one in sorted(sightings, key=lambda s: s.path))
    moves = [move for move in planned if move is not None]
    # of a content that is there and waits besides, the tag goes with what waits
    waiting = {move.hash for move in moves if move.hash and not (move.is_there or move.problem)}
    return [move for move in moves if not (move.is_there and move.hash in waiting)]


def _planned(sighting: Sighting, places: Places) -> Move | None:
    tags = sorted(tag for tag in sighting.tags if tag.startswith(places.beginning))
    if not tags:
        return None
    fitting = [tag for tag in tags if not _why_not(tag, places)]
    path, tag = sighting.path, (fitting or tags)[0]
    category = category_of(tag, places.parent)
    folder = places.folder(category)
    if places.is_unsorted(path):
        others = tuple(fitting[1:])
        problem = _why_not(tag, places)
        return Move(path, tag, category, folder, sighting.hash, others, problem=problem)
    for tag in fitting:
        category = category_of(tag, places.parent)
        if path.rpartition("/")[0] == places.folder(category):
            folder = places.folder(category)
            return Move(path, tag, category, folder, sighting.hash, is_there=True)
    return None


def category_of(tag: str, parent: str) -> str:
    """The category that a tag names."""
    return unicodedata.normalize("NFC", tag.removeprefix(f"{parent}:")).strip()


def _why_not(tag: str, places: Places) -> str:
    """Why a tag names no folder, or ""."""
    category = category_of(tag, places.parent)
    if not category:
        return f"the tag {tag} names no category"
    if "/" in category or "\\" in category:
        return f"the category of the tag {tag} would be a path, and is to be one folder"
    if category.startswith("."):
        return f"the category of the tag {tag} begins with a dot"
    if portable(category) != category:
        return f"the category of the tag {tag} cannot be the name of a folder everywhere"
    if places.is_unsorted(places.folder(category)):
        return f"the folder of the tag {tag} is where files are taken from"
    return ""


@dataclass(slots=True)
class Pauses:
    """Files that could not be moved are left alone for a while that grows, or until their tags
    change. `moment` counts seconds from anywhere.
    """

    _known: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def due(self, moves: Sequence[Move], moment: float) -> list[Move]:
        """Those that are to be tried now; what is gone is forgotten."""
        keys = {(move.path, move.tag) for move in moves}
        self._known = {key: known for key, known in self._known.items() if key in keys}
        return [m for m in moves if moment >= self._known.get((m.path, m.tag), (0.0, 0.0))[0]]

    def add(self, path: str, tag: str, moment: float) -> None:
        """One that could not be moved."""
        known = self._known.get((path, tag))
        pause = min(2 * known[1], _LONGEST_PAUSE) if known else _FIRST_PAUSE
        self._known[path, tag] = moment + pause, pause
