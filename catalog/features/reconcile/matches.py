"""Which recorded file is which file there now?

The store is the truth. Everything here is pure. A recorded file is recognised by what it is on the
disk (device, inode, size, time), else by its content hash; only what is recognised by neither is
new, or gone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from catalog.domain.asset import Entry
from catalog.domain.checksums import agree
from catalog.domain.copies import (
    OK,
    Identity,
    RecordedFile,
    identity,
    is_as_recorded,
    is_same_inode,
    recorded_identity,
)
from catalog.domain.evidence import KEPT, Evidence, is_untouched
from catalog.domain.names import original_of
from catalog.domain.stacks import Candidate
from catalog.features.reconcile.plan import AddCopy, Corrupt, Known, Relocate, Touch
from catalog.features.reconcile.records import Comparison


def by_identity(compared: Comparison, present: Iterable[RecordedFile]) -> list[Known]:
    """What is recognised without reading: renamed files,
    and hard links to files that are `present` as recorded.

    Takes out of the comparison what it explains.
    """
    wanted: dict[Identity, list[RecordedFile]] = defaultdict(list)
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


def _is_beyond_doubt(
    known: RecordedFile, entry: Entry, alike: Mapping[tuple[int, int], int]
) -> bool:
    """Whether an inode that is found again is the file: inodes are used again,
    and cameras give whole seconds.
    """
    has_name = known.path.rpartition("/")[2] == entry.name or known.path == original_of(entry.path)
    return has_name or (
        entry.mtime_ns % 1_000_000_000 != 0 and alike[entry.size, entry.mtime_ns] == 1
    )


def untangle(actions: Sequence[Known], compared: Comparison) -> list[Known]:
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


def _links(
    rest: list[Candidate], present: Iterable[RecordedFile], compared: Comparison
) -> list[Known]:
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
    by_size: dict[int, list[RecordedFile]] = defaultdict(list)
    for known in compared.open_records():
        by_size[known.size].append(known)
    return [c for c in compared.fresh if may_be_one_of(c.entry, by_size.get(c.entry.size, ()))]


def may_be_one_of(entry: Entry, records: Iterable[RecordedFile]) -> bool:
    """Whether a file may hold the content of one of some records, as far as checksums tell."""
    return any(agree(entry.checksums, known.recorded) is not False for known in records)


def keep_unread(compared: Comparison, digests: Mapping[str, str]) -> None:
    """Take the records that a file which nobody has read may be for found.

    `digests` are the contents that are known, by path.
    """
    at: dict[str, Entry] = {}
    by_size: dict[int, list[Entry]] = defaultdict(list)
    for entry in (c.entry for c in compared.fresh if c.entry.path not in digests):
        at[entry.path] = entry
        by_size[entry.size].append(entry)
    for known in compared.open_records():
        beside = [at[known.path]] if known.path in at else []
        if any(may_be_one_of(entry, [known]) for entry in (*beside, *by_size[known.size])):
            compared.explain(known)


def by_content(
    compared: Comparison, digests: Mapping[str, str], evidence: Evidence = KEPT
) -> tuple[list[Known], dict[str, list[Relocate]]]:
    """What is recognised by its content hash (by path); and, of contents moved to several places,
    the further choices.

    `evidence` is what tells rot from an edit. Takes out of the comparison what it explains.
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
        elif known is not None and digest and _has_rotted(known, entry, evidence):
            actions.append(Corrupt(known, entry))
            compared.explain(known)
        else:
            rest.append(candidate)
    wanted: dict[str, list[RecordedFile]] = defaultdict(list)
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


def _has_rotted(known: RecordedFile, entry: Entry, evidence: Evidence) -> bool:
    """Whether the bytes changed though nobody wrote to the file since they were last proved."""
    if not is_as_recorded(entry, known):
        return False
    untouched = is_untouched(entry, known, evidence)
    if untouched is not None or not evidence.ctime or known.ctime_ns:
        return untouched is True
    # a record of an older version does not say what the ctime was
    is_older = 0 < entry.ctime_ns // 1_000_000 <= known.verified_ms
    return is_older and is_same_inode(entry, known)


def _best(records: Sequence[RecordedFile], entry: Entry) -> RecordedFile | None:
    """The record that a file most likely was: the same path, else the same name,
    else the same folder, else the first.
    """

    def unlikeness(known: RecordedFile) -> tuple[bool, bool, bool, str]:
        folder, _, name = known.path.rpartition("/")
        return known.path != entry.path, name != entry.name, folder != entry.folder, known.path

    return min(records, key=unlikeness) if records else None


def says_nothing_new(action: Known) -> bool:
    """Whether it is of a file that was read anyway, and is just as recorded."""
    if not isinstance(action, Touch):
        return False
    entry, known = action.entry, action.known
    same = bool(entry.inode) == bool(known.inode) and is_same_inode(entry, known)
    same = same and (not known.inode or entry.mtime_ns // 1_000_000 == known.mtime_ms)
    return known.state == OK and same and is_as_recorded(entry, known)
