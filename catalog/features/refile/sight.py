"""What a store shows of files that are to get other names, and what follows from it. Only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from catalog.domain.asset import Entry
from catalog.domain.checksums import select_recorded
from catalog.domain.copies import is_as_recorded, is_link, is_same_inode, read_recorded
from catalog.domain.names import comparison_key
from catalog.errors import NotFound
from catalog.features.refile.file_names import number_at, tail_ahead
from catalog.features.refile.plan import (
    Held,
    Rename,
    Shot,
    ShotFile,
    Step,
    plan_renames,
)
from catalog.stores.protocol import ManagedStore
from catalog.work.contents import has_content
from catalog.work.folder_names import FolderNames
from catalog.work.live_listing import LiveListing

GONE = "it is not there: a sync says what became of it"
CHANGED = "it is not as recorded: a sync says what it is"
SHOT = "another file of its shot cannot be renamed"


@dataclass(slots=True)
class Seen:
    """A shot as the store shows it: what was renamed already when a run was killed (`came`), and
    why some of its files have to stay.
    """

    shot: Shot
    came: Step = field(default_factory=list)
    problems: dict[Held, str] = field(default_factory=dict)
    sidecars: set[str] = field(default_factory=set)


class StoreSight:
    """The files of one store, folder by folder, each listed once."""

    def __init__(self, store: ManagedStore) -> None:
        self.store = store
        self.shown = LiveListing(store, remembered=True)
        self._folders = FolderNames(store)
        self._entries: dict[str, list[Entry]] = {}
        self._unlisted: dict[str, str] = {}

    # --- what is there ----------------------------------------------------------------------------

    def _list(self, folder: str) -> list[Entry]:
        """What lies in a folder; nothing where it is not there, or cannot be listed."""
        if self.shown.states_content and not self._entries:  # it tells all of them at once
            self._entries[""] = []
            for entry in self.shown.list():
                self._entries.setdefault(entry.folder, []).append(entry)
        if folder in self._entries or self.shown.states_content:
            return self._entries.get(folder, [])
        entries = self._entries[folder] = []
        try:
            for entry in self.shown.list(folder, recursive=False):
                if entry.path == folder:  # what is told of a folder in place of its entries
                    self._unlisted[folder] = entry.problem
                else:
                    entries.append(entry)
        except NotFound:
            pass
        return entries

    def look_at(self, shot: Shot) -> Seen:
        """A shot with its files where they are, and the folders as they are spelt."""
        seen = Seen(shot)
        files = tuple(self._look_at_file(shot, file, seen) for file in shot.files)
        seen.shot = replace(shot, files=files)
        return seen

    def _look_at_file(self, shot: Shot, file: ShotFile, seen: Seen) -> ShotFile:
        folder = self._folders.spell_folder(file.folder)
        name = file.held.path.rpartition("/")[2]
        self._list(file.held.path.rpartition("/")[0])
        self._list(folder)
        if problem := self._unlisted.get(folder):
            seen.problems[file.held] = f"{folder}: {problem}"
        sidecars = []
        for sidecar, tail in file.sidecars:
            if sidecar.path in seen.sidecars:  # it goes with the first that it is recorded with
                continue
            seen.sidecars.add(sidecar.path)
            is_its = partial(_is_sidecar, folder=folder, stem=shot.stem, name=name, tail=tail)
            if (at := self._find(sidecar, folder, is_its, seen)) is not None:
                sidecars.append((at, tail))  # one that is lost stays behind
        is_its = partial(_is_copy, folder=folder, stem=shot.stem)
        held = self._find(file.held, folder, is_its, seen)
        if held is None:
            seen.problems[file.held] = GONE
        return ShotFile(held or file.held, folder, tuple(sidecars))

    def _find(
        self, held: Held, folder: str, is_its: Callable[[str], bool], seen: Seen
    ) -> Held | None:
        """A file where it lies now, which may be where a killed run has brought it: in its folder
        under a name that `is_its`. None where it is not.
        """
        known = read_recorded(held.row, held.content, held.checksums)
        entry = self.shown.at(held.path)
        if entry is not None:
            if entry.problem or not is_as_recorded(entry, known):
                seen.problems[held] = entry.problem or CHANGED
            return held
        content = select_recorded(held.content, held.checksums)
        for entry in self._list(folder):
            if entry.path in seen.shot.recorded or not is_as_recorded(entry, known):
                continue
            if not is_same_inode(entry, known) or not is_its(entry.path):
                continue
            if is_link(entry, known) or has_content(self.store, entry, content):
                moved = replace(held, path=entry.path)
                seen.came.append((moved, held.path, entry.path))
                return moved
        return None

    def _lies(self, path: str) -> bool:
        """Whether anything has a name, at the least cost."""
        if self.shown.states_content:
            self._list(path.rpartition("/")[0])
            return self.shown.at(path) is not None
        return self.store.stat(path) is not None

    # --- what follows -----------------------------------------------------------------------------

    def plan(
        self, misnamed: Iterable[Shot], numbered: Sequence[tuple[Shot, int]]
    ) -> list[list[Rename]]:
        """The renames, in steps of one shot each: first those that stay for a reason, and those
        that a killed run has made.
        """
        stays: list[list[Rename]] = []
        came: list[list[Rename]] = []
        arriving: list[Shot] = []
        for shot in misnamed:
            seen = self.look_at(shot)
            if seen.problems:
                stays.append(self._staying(seen))
                continue
            arriving.append(seen.shot)
            if seen.came:
                came.append(self._renames(seen.shot, seen.came, there=True))
        needless = self._needless(arriving, numbered)
        taken = self._taken([*arriving, *(shot for shot, _number in needless)])
        steps = plan_renames(arriving, needless, taken, comparison_key)
        return [*stays, *came, *(self._renames(shot, step) for shot, step in steps)]

    def _needless(
        self, arriving: Iterable[Shot], numbered: Sequence[tuple[Shot, int]]
    ) -> list[tuple[Shot, int]]:
        """Those of the shots with a number whose name may be free without it by then."""
        vacated = {comparison_key(held.path) for shot in arriving for held in shot.held()}
        found: dict[Shot, tuple[Shot, int]] = {}
        is_more = True
        while is_more:
            is_more = False
            for shot, number in numbered:
                names = [path for _held, path in shot.names(0)]
                if shot in found or any(
                    comparison_key(n) not in vacated and self._lies(n) for n in names
                ):
                    continue
                seen = self.look_at(shot)
                if not seen.problems and not seen.came:
                    found[shot] = (seen.shot, number)
                    vacated |= {comparison_key(held.path) for held in shot.held()}
                    is_more = True
        return list(found.values())

    def _taken(self, shots: Sequence[Shot]) -> set[str]:
        """The names that other files have in the folders where some shots are to lie."""
        own = {held.path for shot in shots for held in shot.held()}
        folders = {file.folder for shot in shots for file in shot.files}
        entries = (entry for folder in folders for entry in self._list(folder))
        return {comparison_key(entry.path) for entry in entries if entry.path not in own}

    def _renames(self, shot: Shot, step: Step, *, there: bool = False) -> list[Rename]:
        return [self._rename(shot, held, old, path, there=there) for held, old, path in step]

    def _staying(self, seen: Seen) -> list[Rename]:
        return [
            self._rename(seen.shot, held, held.path, path, seen.problems.get(held, SHOT))
            for held, path in seen.shot.names(0)
        ]

    def _rename(
        self, shot: Shot, held: Held, old: str, path: str, problem: str = "", *, there: bool = False
    ) -> Rename:
        return Rename(
            self.store.name,
            held.owner,
            held.content,
            held.row,
            old,
            path,
            shot.key,
            held.is_sidecar,
            there,
            problem,
            held.checksums,
        )


def _is_copy(path: str, folder: str, stem: str) -> bool:
    return number_at(path, folder, stem) is not None


def _is_sidecar(path: str, folder: str, stem: str, name: str, tail: str) -> bool:
    return tail_ahead(path, folder, stem, name) == tail
