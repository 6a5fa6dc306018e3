"""The plan that makes the index agree with a store.

Everything here is pure: the actions, and the rules for what is new, what is gone and what was moved
away from its stack. Which file is which recorded one is told in `matches`, and what came and went
beside them in `sidecars`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from catalog.domain.actions import Action
from catalog.domain.asset import Asset, Entry
from catalog.domain.copies import MISSING, OK, RecordedFile
from catalog.domain.stacks import Candidate, Member, stem_key
from catalog.features.reconcile.records import Comparison

# --- actions --------------------------------------------------------------------------------------


class _Planned:
    """What all actions have: a limit counts each,
    and a person is told what it is called and where.
    """

    __slots__ = ()
    counts: ClassVar[bool] = True

    def describe(self: Action) -> str:
        """One line for a person."""
        return f"{self.name} {self.key}"


class _Found(_Planned):
    """An action about a file that lies in the store; actions are ordered by its path."""

    __slots__ = ()
    entry: Entry

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.entry.path


class _Recorded(_Planned):
    """An action about a record."""

    __slots__ = ()
    known: RecordedFile

    @property
    def hash(self) -> str:
        """The asset's."""
        return self.known.hash


class _Absent(_Recorded):
    """An action about a record whose file is not there; actions are ordered by its path."""

    __slots__ = ()

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.known.path


@dataclass(frozen=True, slots=True)
class Touch(_Found, _Recorded):
    """The recorded content lies where it is recorded; only its time, inode or state is another.

    `unread`: not read now.
    """

    known: RecordedFile
    entry: Entry
    unread: bool = False
    name: ClassVar[str] = "touch"


@dataclass(frozen=True, slots=True)
class Relocate(_Found, _Recorded):
    """The recorded content lies at another path now.

    `unread`: known by its inode. `leaves_stack`: a person said so.
    """

    known: RecordedFile
    entry: Entry
    unread: bool = False
    leaves_stack: bool = False
    name: ClassVar[str] = "move"


@dataclass(frozen=True, slots=True)
class AddCopy(_Found):
    """A known content lies at a further path. `replaces`: other content was recorded there."""

    hash: str
    entry: Entry
    replaces: bool = False
    name: ClassVar[str] = "copy"


@dataclass(frozen=True, slots=True)
class Load(_Found):
    """A content that is new.

    `mates` are known assets, with their roles, that are of one stack with it.
    """

    entry: Entry
    asset: Asset
    sidecars: tuple[Entry, ...] = ()
    stack: tuple[str, str] | None = None
    mates: tuple[tuple[str, str], ...] = ()
    replaces: bool = False

    @property
    def name(self) -> str:
        """`changed` where other content was recorded at the path."""
        return "changed" if self.replaces else "new"

    @property
    def hash(self) -> str:
        """The asset's."""
        return self.asset.hash


@dataclass(frozen=True, slots=True)
class Attach(_Planned):
    """The sidecars beside an asset are others than recorded: paths that are gone,
    and files that came or changed.

    `reread`: the asset at `entry` is to be read again with all that lie `beside` it.
    """

    hash: str
    entry: Entry | None
    gone: tuple[str, ...]
    came: tuple[tuple[Entry, str], ...]
    beside: tuple[Entry, ...] = ()
    reread: bool = False
    name: ClassVar[str] = "sidecars"

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return (
            self.entry.path
            if self.entry
            else (*self.gone, *(e.path for e, _digest in self.came))[0]
        )


@dataclass(frozen=True, slots=True)
class Corrupt(_Found, _Recorded):
    """A copy whose bytes changed though nobody wrote to it."""

    known: RecordedFile
    entry: Entry
    name: ClassVar[str] = "damaged"


@dataclass(frozen=True, slots=True)
class Lose(_Absent):
    """A recorded copy is gone, and other copies of its asset are recorded: `elsewhere` says where.

    `overwritten`: its path holds other content now.
    """

    known: RecordedFile
    elsewhere: str
    overwritten: bool = False
    name: ClassVar[str] = "gone"


@dataclass(frozen=True, slots=True)
class Vanish(_Absent):
    """The only recorded copy of an asset is gone.

    It is marked as missing, or with `forget` the asset is forgotten.

    `overwritten`: its path holds other content now.
    """

    known: RecordedFile
    forget: bool = False
    overwritten: bool = False

    @property
    def name(self) -> str:
        """`forget` or `missing`."""
        return "forget" if self.forget else "missing"


Known = Touch | Relocate | AddCopy | Corrupt | Attach
Reconciliation = Known | Load | Lose | Vanish


# --- what is new ----------------------------------------------------------------------------------


class PossibleShot(NamedTuple):
    """Files that may be one shot: `fresh` ones, and known `mates` beside them; `home` is the folder
    that counts for them.
    """

    home: str
    fresh: Sequence[Candidate]
    mates: Sequence[Candidate] = ()


def shots_of(
    fresh: Iterable[Candidate],
    mates: Mapping[tuple[str, str], Sequence[Candidate]],
    home: Callable[[str], str],
) -> list[PossibleShot]:
    """Files that are to be read as new, those together that may be one shot.

    `mates` are known files, by home and stem.
    """
    shots: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in sorted(fresh, key=lambda c: c.entry.path):
        shots[home(candidate.entry.path), stem_key(candidate.entry)].append(candidate)
    return [PossibleShot(key[0], found, mates.get(key, ())) for key, found in shots.items()]


def loads_of(
    stack: Sequence[Member],
    new: Container[str],
    known: Container[str],
    planned: set[str],
    compared: Comparison,
) -> Iterator[Load | AddCopy]:
    """How the files of one stack, or one file alone, are recorded.

    `new` are the paths that this is about. `known` are the contents that the catalog has, `planned`
    those that are recorded before, and is added to: a second file of one is a copy.
    """
    stack_id = stack[0].asset.hash if len(stack) > 1 else ""
    mates = tuple((m.asset.hash, m.role) for m in stack if stack_id and m.asset.hash in known)
    carried: set[str] = set()
    for member in stack:
        entry, digest = member.entry, member.asset.hash
        if entry.path not in new:
            continue
        replaces = compared.recorded_at(entry) is not None
        if digest in planned:
            yield AddCopy(digest, entry, replaces)
            continue
        planned.add(digest)
        sidecars = tuple(s for s in member.sidecars if s.path not in carried)
        carried.update(s.path for s in sidecars)
        role = (stack_id, member.role) if stack_id else None
        yield Load(entry, member.asset, sidecars, role, mates, replaces)


# --- what is gone ---------------------------------------------------------------------------------


def fates(
    gone: Iterable[RecordedFile], elsewhere: Mapping[str, Sequence[str]], *, forget: bool
) -> list[Lose | Vanish]:
    """What to do about records without a file, sorted.

    One that is marked as missing already needs nothing more.

    `elsewhere` names, by hash, the other copies of their assets that count, as `store:path`.
    """
    found: list[Lose | Vanish] = []
    for known in sorted(gone, key=lambda k: k.path):
        others = elsewhere.get(known.hash, ())
        if others:
            found.append(Lose(known, others[0]))
        elif known.state != MISSING or forget:
            found.append(Vanish(known, forget))
    return found


# --- stacks ---------------------------------------------------------------------------------------


def breaks_stack(
    moves: Sequence[Relocate],
    stack_of: Mapping[str, str],
    paths_of_stack: Mapping[str, Sequence[RecordedFile]],
    home: Callable[[str], str],
) -> dict[str, list[str]]:
    """Moves that part files of one stack which lay together: by new path,
    where the others of the stack are.

    `home` gives the folder that counts for a path (the folder of videos belongs to the one above
    it).
    """
    new_path = {m.known.path: m.entry.path for m in moves}
    broken: dict[str, list[str]] = {}
    for move in moves:
        stack = stack_of.get(move.hash)
        if not stack:
            continue
        mates = [k for k in paths_of_stack.get(stack, ()) if k.hash != move.hash and k.state == OK]
        together = [k for k in mates if home(k.path) == home(move.known.path)]
        apart = [
            p for k in together if home(p := new_path.get(k.path, k.path)) != home(move.entry.path)
        ]
        if apart and len(apart) == len(together):
            broken[move.entry.path] = apart
    return broken
