"""The plan that makes the index agree with a store.

The store is the truth: which recorded file is which file there now?

Everything here is pure. A recorded file is recognised by what it is on the disk (device, inode,
size, time), else by its content hash; only what is recognised by neither is new, or gone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from catalog.domain.actions import Action
from catalog.domain.asset import Asset, Entry
from catalog.domain.checksums import agree
from catalog.domain.copies import (
    MISSING,
    OK,
    Held,
    Identity,
    identity,
    is_as_recorded,
    is_same_inode,
    recorded_identity,
)
from catalog.domain.names import original_of
from catalog.domain.stacks import Candidate

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
    known: Held

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

    known: Held
    entry: Entry
    unread: bool = False
    name: ClassVar[str] = "touch"


@dataclass(frozen=True, slots=True)
class Relocate(_Found, _Recorded):
    """The recorded content lies at another path now.

    `unread`: known by its inode. `leaves_stack`: a person said so.
    """

    known: Held
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

    known: Held
    entry: Entry
    name: ClassVar[str] = "damaged"


@dataclass(frozen=True, slots=True)
class Lose(_Absent):
    """A recorded copy is gone, and other copies of its asset are recorded: `elsewhere` says where.

    `overwritten`: its path holds other content now.
    """

    known: Held
    elsewhere: str
    overwritten: bool = False
    name: ClassVar[str] = "gone"


@dataclass(frozen=True, slots=True)
class Vanish(_Absent):
    """The only recorded copy of an asset is gone.

    It is marked as missing, or with `forget` the asset is forgotten.

    `overwritten`: its path holds other content now.
    """

    known: Held
    forget: bool = False
    overwritten: bool = False

    @property
    def name(self) -> str:
        """`forget` or `missing`."""
        return "forget" if self.forget else "missing"


Known = Touch | Relocate | AddCopy | Corrupt | Attach
Reconciliation = Known | Load | Lose | Vanish


# --- what a store holds against what is recorded --------------------------------------------------


@dataclass(slots=True)
class Comparison:
    """A listing beside the records.

    `fresh` are the files that are not as recorded, `gone` the records without their file.

    `at` is what is recorded at the path of a fresh file: its content may lie elsewhere now, or
    nowhere. `explained` are the records (path and hash) whose content was found since.
    """

    fresh: list[Candidate]
    at: Mapping[str, Held]
    gone: Sequence[Held]
    explained: set[tuple[str, str]] = field(default_factory=set)

    def open_records(self) -> list[Held]:
        """The records whose content was not found yet."""
        return [
            k for k in (*self.gone, *self.at.values()) if (k.path, k.hash) not in self.explained
        ]

    def explain(self, known: Held) -> None:
        """A record's content was found."""
        self.explained.add((known.path, known.hash))

    def recorded_at(self, entry: Entry) -> Held | None:
        """What is recorded at a file's path and was not found yet."""
        known = self.at.get(entry.path)
        return (
            known if known is not None and (known.path, known.hash) not in self.explained else None
        )


def by_identity(compared: Comparison, present: Iterable[Held]) -> list[Known]:
    """What is recognised without reading: renamed files,
    and hard links to files that are `present` as recorded.

    Takes out of the comparison what it explains.
    """
    wanted: dict[Identity, list[Held]] = defaultdict(list)
    for known in compared.open_records():
        if (key := recorded_identity(known)) is not None:
            wanted[key].append(known)
    actions: list[Known] = []
    rest: list[Candidate] = []
    alike = Counter((c.entry.size, c.entry.mtime_ns) for c in compared.fresh)
    for candidate in compared.fresh:
        key = identity(candidate.entry)
        known_ = _best(wanted.get(key, []), candidate.entry) if key else None
        if known_ is not None and not _is_beyond_doubt(known_, candidate.entry, alike):
            known_ = None
        if known_ is None or key is None:
            rest.append(candidate)
            continue
        wanted[key].remove(known_)
        compared.explain(known_)
        same = known_.path == candidate.entry.path
        actions.append(
            Touch(known_, candidate.entry, unread=True)
            if same
            else Relocate(known_, candidate.entry, unread=True)
        )
    links = _links(rest, present, compared)
    linked = {a.key for a in links}
    compared.fresh = [c for c in rest if c.entry.path not in linked]
    return [*actions, *links]


def _is_beyond_doubt(known: Held, entry: Entry, alike: Mapping[tuple[int, int], int]) -> bool:
    """Whether an inode that is found again is the file: inodes are used again,
    and cameras give whole seconds.
    """
    has_name = known.path.rpartition("/")[2] == entry.name or known.path == original_of(entry.path)
    return has_name or (
        entry.mtime_ns % 1_000_000_000 != 0 and alike[entry.size, entry.mtime_ns] == 1
    )


def untangled(actions: Sequence[Known], compared: Comparison) -> list[Known]:
    """The actions without moves of a content from or to a path where it was recorded, and lies:
    that is only touched.

    Files of one content are exchangeable, so that what was recognised by its inode may be recorded
    at the other's path.
    """
    actions = _settled(actions, compared)
    moves: dict[str, list[Relocate]] = defaultdict(list)
    copies: dict[str, list[AddCopy]] = defaultdict(list)
    for action in actions:
        if isinstance(action, Relocate):
            moves[action.hash].append(action)
        elif isinstance(action, AddCopy):
            copies[action.hash].append(action)
    told: list[Known] = [a for a in actions if not isinstance(a, Relocate | AddCopy)]
    for digest in sorted({*moves, *copies}):
        told += _untangled_content(moves[digest], copies[digest])
    return told


def _settled(actions: Sequence[Known], compared: Comparison) -> list[Known]:
    """A content that came to a path where it was recorded and not found is what was recorded there;
    what moved, did not.
    """
    told = list(actions)
    again = True
    while again:
        again = False
        waiting = {(k.path, k.hash): k for k in compared.open_records()}
        for number, action in enumerate(told):
            known = (
                waiting.pop((action.entry.path, action.hash), None)
                if isinstance(action, Relocate | AddCopy)
                else None
            )
            if known is None or not isinstance(action, Relocate | AddCopy):
                continue
            again = True
            compared.explain(known)
            told[number] = Touch(
                known, action.entry, unread=isinstance(action, Relocate) and action.unread
            )
            if isinstance(action, Relocate):
                compared.explained.discard((action.known.path, action.hash))
    return told


def _untangled_content(moves: Sequence[Relocate], copies: Sequence[AddCopy]) -> list[Known]:
    """The same for the files of one content."""
    before = {m.known.path: m.known for m in moves}
    after: dict[str, tuple[Entry, bool]] = {m.entry.path: (m.entry, m.unread) for m in moves}
    after |= {c.entry.path: (c.entry, False) for c in copies}
    if not before.keys() & after.keys():
        return [*moves, *copies]
    told: list[Known] = [Touch(before[p], *after[p]) for p in sorted(before.keys() & after.keys())]
    old, new = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
    told += [Relocate(before[a], *after[b]) for a, b in zip(old, new, strict=False)]
    replaced = {c.entry.path: c.replaces for c in copies}
    return told + [
        AddCopy(moves[0].hash, after[p][0], replaced.get(p, False)) for p in new[len(old) :]
    ]


def _links(rest: list[Candidate], present: Iterable[Held], compared: Comparison) -> list[Known]:
    wanted = {key: c.entry for c in rest if (key := identity(c.entry)) is not None}
    if not wanted:
        return []
    of = {
        key: known
        for known in present
        if known.state == OK and (key := recorded_identity(known)) in wanted
    }
    return [
        AddCopy(of[key].hash, c.entry, replaces=compared.recorded_at(c.entry) is not None)
        for c in rest
        if (key := identity(c.entry)) is not None and key in of
    ]


def to_read(compared: Comparison) -> list[Candidate]:
    """The files that may be one of the records whose content was not found: of its size,
    and no checksum tells otherwise.
    """
    by_size: dict[int, list[Held]] = defaultdict(list)
    for known in compared.open_records():
        by_size[known.size].append(known)
    return [c for c in compared.fresh if may_be_one_of(c.entry, by_size.get(c.entry.size, ()))]


def may_be_one_of(entry: Entry, records: Iterable[Held]) -> bool:
    """Whether a file may hold the content of one of some records, as far as checksums tell."""
    return any(agree(entry.checksums, known.recorded) is not False for known in records)


def by_content(
    compared: Comparison, digests: Mapping[str, str]
) -> tuple[list[Known], dict[str, list[Relocate]]]:
    """What is recognised by its content hash (by path); and, of contents moved to several places,
    the further choices.

    Takes out of the comparison what it explains.
    """
    actions: list[Known] = []
    unclear: dict[str, list[Relocate]] = {}
    rest = []
    for candidate in compared.fresh:
        entry = candidate.entry
        known, digest = compared.recorded_at(entry), digests.get(entry.path)
        if known is not None and digest == known.hash:
            actions.append(Touch(known, entry))
            compared.explain(known)
        elif known is not None and digest and _has_rotted(known, entry):
            actions.append(Corrupt(known, entry))
            compared.explain(known)
        else:
            rest.append(candidate)
    wanted: dict[str, list[Held]] = defaultdict(list)
    for record in compared.open_records():
        wanted[record.hash].append(record)
    compared.fresh = []
    moved: dict[str, Relocate] = {}
    for candidate in rest:
        entry = candidate.entry
        digest = digests.get(entry.path, "")
        best = _best(wanted.get(digest, []), entry)
        if best is None and digest in moved:
            actions.append(AddCopy(digest, entry, replaces=compared.recorded_at(entry) is not None))
            unclear.setdefault(digest, [moved[digest]]).append(Relocate(moved[digest].known, entry))
        elif best is None:
            compared.fresh.append(candidate)
        else:
            wanted[digest].remove(best)
            compared.explain(best)
            same = best.path == entry.path
            actions.append(Touch(best, entry) if same else (move := Relocate(best, entry)))
            if not same:
                moved[digest] = move
    return actions, unclear


def _has_rotted(known: Held, entry: Entry) -> bool:
    """Whether the bytes changed though neither the file's time nor the file itself did,
    since they were last proved.
    """
    return (
        is_same_inode(entry, known)
        and is_as_recorded(entry, known)
        and entry.ctime_ns // 1_000_000 <= known.verified_ms
    )


def _best(records: Sequence[Held], entry: Entry) -> Held | None:
    """The record that a file most likely was: the same path, else the same name,
    else the same folder, else the first.
    """

    def unlikeness(known: Held) -> tuple[bool, bool, bool, str]:
        folder, _, name = known.path.rpartition("/")
        return known.path != entry.path, name != entry.name, folder != entry.folder, known.path

    return min(records, key=unlikeness) if records else None


# --- what is gone ---------------------------------------------------------------------------------


def fates(
    gone: Iterable[Held], elsewhere: Mapping[str, Sequence[str]], *, forget: bool
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
    paths_of_stack: Mapping[str, Sequence[Held]],
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
