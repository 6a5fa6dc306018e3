"""Which names the files of a store should have now, and in which order they get them. Pure.

The order is such that whoever stops anywhere leaves names that can be planned from again, and comes
to the same: a file goes only where nothing lies by then, and of files that change places in a ring
one goes by way of a number that no other file has.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

from catalog.domain.checksums import NONE
from catalog.domain.document import CopyRow, SidecarRow
from catalog.domain.layout import file_name, stem_at
from catalog.features.refile.file_names import BYWAY, number_at

COMMAND = "refile"
Key = Callable[[str], str]
"""What paths are compared by."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A recorded file of the asset `owner`, and where it lies: `path` is another one than recorded
    where a run was killed after it had renamed it. `content` is the file's hash.
    """

    owner: str
    content: str
    row: CopyRow | SidecarRow
    path: str
    is_sidecar: bool = False
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE)


@dataclass(frozen=True, slots=True)
class ShotFile:
    """A copy, the folder where it should lie, and its sidecars, each with what stands behind the
    stem in its name.
    """

    held: Held
    folder: str
    sidecars: tuple[tuple[Held, str], ...] = ()

    @property
    def row(self) -> CopyRow:
        """The copy's."""
        return cast("CopyRow", self.held.row)


Names = list[tuple[Held, str]]
"""Files, each with a path."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """The files of one release of the shutter in a store, which share a stem.

    `key` is its own, and by it shots are numbered; `recorded` are all paths in the store that its
    assets are recorded at, where that is of interest.
    """

    key: str
    stem: str
    files: tuple[ShotFile, ...]
    recorded: frozenset[str] = frozenset()

    def held(self) -> list[Held]:
        """All its files; sidecars go first, so that their photo is still there to find them by."""
        return [held for held, _path in self.names(0)]

    def names(self, number: int) -> Names:
        """Where each of its files should lie, with a number in its name if that is not 0."""
        beside: Names = []
        found: Names = []
        for file in self.files:
            name = file_name(self.stem, file.held.path.rpartition("/")[2], number)
            path = f"{file.folder}/{name}".lstrip("/")
            found.append((file.held, path))
            beside += [(held, f"{stem_at(path)}{tail}") for held, tail in file.sidecars]
        return beside + found

    def at(self, number: int) -> Shot:
        """The same, once its files lie where they should, with a number."""
        places = dict(self.names(number))

        def there(held: Held) -> Held:
            return replace(held, path=places[held])

        files = (
            ShotFile(there(f.held), f.folder, tuple((there(s), tail) for s, tail in f.sidecars))
            for f in self.files
        )
        return replace(self, files=tuple(files))

    def number(self) -> int | None:
        """The number with which all its files lie where they should; None where they do not."""
        first = self.files[0]
        number = number_at(first.held.path, first.folder, self.stem)
        if number is None or (len(self.files) == 1 and not first.sidecars):
            return number
        is_right = all(held.path == path for held, path in self.names(number))
        return number if is_right else None


@dataclass(frozen=True, slots=True)
class Rename:
    """A file of a store gets another name.

    `hash` is the asset, `content` the file's. `old` and `path` are where it lies and should lie;
    `there` says that a killed run has brought it there already. `shot` is the same for files that
    go together, or stay. `problem` says why it stays.
    """

    store: str
    hash: str
    content: str
    row: CopyRow | SidecarRow
    old: str
    path: str
    shot: str
    is_sidecar: bool = False
    there: bool = False
    problem: str = ""
    checksums: Mapping[str, str] = field(default_factory=lambda: NONE, hash=False)
    name: ClassVar[str] = "move"

    @property
    def key(self) -> str:
        """What a person knows it by."""
        return self.old

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return not self.problem

    def describe(self) -> str:
        """One line for a person."""
        return f"move {self.old} -> {self.path}" + (f": {self.problem}" if self.problem else "")


Step = list[tuple[Held, str, str]]
"""Files of one shot that go together, each from a path to another."""


def plan_renames(
    arriving: Sequence[Shot],
    numbered: Sequence[tuple[Shot, int]],
    taken: Collection[str],
    key: Key,
) -> Iterator[tuple[Shot, Step]]:
    """The renames that bring shots to their names, each step possible once those before it are
    done.

    `arriving` lie elsewhere: they get the lowest numbers that are free. `numbered` lie where they
    should, with a number, that they keep while anything else has the name without it. `taken` are
    the names, by `key`, of all other files.
    """
    kept = {key(held.path) for shot, _number in numbered for held in shot.held()}
    chosen = choose_numbers(arriving, {*taken, *kept}, key)
    yield from _Ordering(chosen, {*taken, *kept}, key).steps()
    came = [(shot.at(number), number) for shot, number in chosen if number]
    first = (key(path) for shot, number in chosen if not number for _held, path in shot.names(0))
    yield from _give_up_numbers([*numbered, *came], {*taken, *first}, key)


# --- numbers --------------------------------------------------------------------------------------


def choose_numbers(
    arriving: Sequence[Shot], taken: Collection[str], key: Key
) -> list[tuple[Shot, int]]:
    """The number of each shot: the lowest with which all of its names are free, 0 for none."""
    chosen: list[tuple[Shot, int]] = []
    given: set[str] = set()
    first: dict[str, int] = {}
    for shot in sorted(arriving, key=lambda shot: shot.key):
        base = "\0".join(path for _held, path in shot.names(0))
        for number in itertools.count(first.get(base, 0)):
            names = {key(path) for _held, path in shot.names(number)}
            if not any(name in taken or name in given for name in names):
                break
        first[base] = number + 1
        given |= names
        chosen.append((shot, number))
    return chosen


def _give_up_numbers(
    numbered: Sequence[tuple[Shot, int]], taken: set[str], key: Key
) -> Iterator[tuple[Shot, Step]]:
    """The steps by which shots lose numbers that they do not need any more, one after the other, so
    that what is free for one follows from those before it.
    """
    shots = [shot for shot, _number in sorted(numbered, key=lambda pair: (pair[1], pair[0].key))]
    occupied = {*taken, *(key(held.path) for shot in shots for held in shot.held())}
    waiting: dict[str, list[int]] = defaultdict(list)
    left = list(range(len(shots)))
    while left:
        first = heapq.heappop(left)
        shot = shots[first]
        names = [key(path) for _held, path in shot.names(0)]
        if blocking := next((name for name in names if name in occupied), ""):
            waiting[blocking].append(first)
            continue
        occupied.update(names)
        for held in shot.held():
            occupied.discard(key(held.path))
            for other in waiting.pop(key(held.path), ()):
                heapq.heappush(left, other)
        yield shot, [(held, held.path, path) for held, path in shot.names(0)]


# --- in which order -------------------------------------------------------------------------------


class _Ordering:
    """Shots that are to move: each waits for those that have one of its names."""

    def __init__(
        self, chosen: Iterable[tuple[Shot, int]], taken: Collection[str], key: Key
    ) -> None:
        self._key = key
        self._taken = taken
        self._occupied: set[str] = set()
        self._shots: dict[str, Shot] = {}
        self._left: dict[str, Step] = {}
        for shot, number in chosen:
            names = shot.names(number)
            self._occupied.update(key(p) for held, path in names for p in (held.path, path))
            step = [(held, held.path, path) for held, path in names if held.path != path]
            if step:
                self._shots[shot.key] = shot
                self._left[shot.key] = step
        self._holder = {
            key(old): name for name, step in self._left.items() for _held, old, _path in step
        }
        self._blockers = {name: self._blockers_of(name) for name in self._left}
        self._waiting: dict[str, list[str]] = defaultdict(list)
        for name, blockers in self._blockers.items():
            for blocker in blockers:
                self._waiting[blocker].append(name)

    def _blockers_of(self, name: str) -> set[str]:
        """The shots that have to go first; a shot itself, where one of its names stays the same but
        for its case or Unicode form, which some stores refuse as a rename.
        """
        goals = (self._key(path) for _held, _old, path in self._left[name])
        return {self._holder[goal] for goal in goals if goal in self._holder}

    def steps(self) -> Iterator[tuple[Shot, Step]]:
        """All of them; those that wait for nothing by their paths."""
        ready = [self._ranked(name) for name, blockers in self._blockers.items() if not blockers]
        heapq.heapify(ready)
        while self._left:
            while ready:
                _path, name = heapq.heappop(ready)
                yield self._shots[name], self._left.pop(name)
                self._release(name, ready)
            if self._left:
                name = self._in_ring()
                yield self._shots[name], self._aside(name)
                self._release(name, ready)

    def _ranked(self, name: str) -> tuple[str, str]:
        return self._shots[name].files[0].held.path, name

    def _release(self, name: str, ready: list[tuple[str, str]]) -> None:
        """A shot has left its names: those that waited for them need not any more."""
        for waiting in self._waiting.pop(name, ()):
            self._blockers[waiting].discard(name)
            if not self._blockers[waiting]:
                heapq.heappush(ready, self._ranked(waiting))

    def _in_ring(self) -> str:
        """A shot that waits, by way of others or not, for itself."""
        name, seen = min(self._left), set[str]()
        while name not in seen:
            seen.add(name)
            name = min(self._blockers[name])
        return name

    def _aside(self, name: str) -> Step:
        """The step by which a shot leaves its names for some that nothing has."""
        moving = {held: (old, path) for held, old, path in self._left[name]}
        for number in itertools.count(BYWAY):
            byway = {h: path for h, path in self._shots[name].names(number) if h in moving}
            keys = {self._key(path) for path in byway.values()}
            if not any(k in self._taken or k in self._occupied for k in keys):
                break
        self._occupied |= keys
        self._left[name] = [(held, byway[held], path) for held, (_old, path) in moving.items()]
        return [(held, old, byway[held]) for held, (old, _path) in moving.items()]


def limit_steps(steps: Sequence[list[Rename]], limit: int) -> list[list[Rename]]:
    """As many steps as a limit of files allows, and at least one; 0 means all.

    What stays is not counted, and what is brought on its way comes to its end: a ring is not cut.
    """
    if not limit:
        return list(steps)
    ahead = Counter(action.old for step in steps for action in step)
    taken: list[list[Rename]] = []
    on_the_way: set[str] = set()
    count = 0
    for step in steps:
        more = sum(action.counts for action in step)
        if count and count + more > limit and not on_the_way:
            break
        taken.append(step)
        count += more
        ahead.subtract(action.old for action in step)
        on_the_way -= {action.old for action in step}
        on_the_way |= {action.path for action in step if ahead[action.path] > 0}
    return taken
