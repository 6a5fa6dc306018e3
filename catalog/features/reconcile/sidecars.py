"""Which sidecars came to the files of known assets, changed or went. Everything here is pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from catalog.domain.asset import Entry
from catalog.domain.copies import Identity, RecordedFile, identity, recorded_identity
from catalog.domain.evidence import as_proved
from catalog.domain.stacks import Candidate
from catalog.features.reconcile.plan import AddCopy, Attach, Corrupt, Known, Relocate
from catalog.features.reconcile.records import Owned, Records
from catalog.features.reconcile.survey import Sight

DigestOf = Callable[[Entry], str]
"""Gives the content hash of a sidecar; "" where it is not to be had."""


@dataclass(slots=True)
class Arrivals:
    """Sidecars that came or changed, by the asset that each belongs to, with their content hashes.

    A hash is "" where the sidecar is recorded with another asset: this one is only read again.
    `moved` are those that lay beside other files: they are not read.
    """

    digest_of: DigestOf
    moved: dict[Identity, RecordedFile] = field(default_factory=dict)
    by_owner: dict[str, list[tuple[Entry, str]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entry: Entry, owners: Iterable[str], readers: Iterable[str] = ()) -> None:
        """A sidecar of `owners`, which speaks for `readers` too."""
        key = identity(entry)
        known = self.moved.get(key) if key is not None else None
        for owner in owners:
            if known is not None:
                self.by_owner[owner].append((as_proved(entry, known), known.hash))
            elif digest := self.digest_of(entry):
                self.by_owner[owner].append((entry, digest))
        for owner in readers:
            self.by_owner[owner].append((entry, ""))


def attachments(
    known: Sequence[Known],
    sight: Sight,
    records: Records,
    digest_of: DigestOf,
    *,
    loads: bool = True,
) -> list[Attach]:
    """What came and went beside known assets, one action an asset; `known` are the actions for the
    files that were recognised.

    `loads`: what is new will be recorded, with the sidecars beside it.
    """
    owner_at = _owner_at(known, sight, records)
    moved = {recorded_identity(o.held): o.held for o in sight.sidecars_gone}
    arrivals = Arrivals(digest_of, {key: held for key, held in moved.items() if key})
    beside: dict[str, Candidate] = {}
    for entry, candidates in sight.sidecars_new:
        owners = _owners(candidates, owner_at, beside)
        arrivals.add(entry, owners[:1], owners[1:])
    gone: dict[str, list[Owned]] = defaultdict(list)
    for owned in sight.sidecars_gone:
        gone[owned.owner].append(owned)
    left = _left_to_others(sight, records) if loads else set()
    for path, owner in sorted(left):
        gone[owner] += [owned for owned in records.sidecars[path] if owned.owner == owner]
    for entry, candidates in sight.sidecars_changed:
        owners = _owners(candidates, owner_at, beside)
        recorded = {owned.owner for owned in records.sidecars[entry.path]}
        recorded = {owner for owner in recorded if (entry.path, owner) not in left}
        arrivals.add(entry, sorted(recorded), (o for o in owners if o not in recorded))
    came = arrivals.by_owner
    before = _contents(records, came)
    return [
        _attach(owner, gone[owner], came[owner], beside.get(owner), before[owner])
        for owner in sorted({*gone, *came})
    ]


def beside_copies(
    copies: Iterable[Relocate | AddCopy], sight: Sight, digest_of: DigestOf
) -> list[Attach]:
    """The new sidecars beside files that turned out to be copies of known assets only when they
    were read.
    """
    hash_at = {a.key: a.hash for a in copies}
    arrivals = Arrivals(digest_of)
    for entry, candidates in sight.sidecars_new:
        owners = [hash_at[c.entry.path] for c in candidates if c.entry.path in hash_at]
        arrivals.add(entry, owners[:1])
    return [
        _attach(owner, (), came, None, set()) for owner, came in sorted(arrivals.by_owner.items())
    ]


def without_new_contents(found: Iterable[Attach], records: Records) -> list[Attach]:
    """The same where nothing is read: a sidecar whose content its asset did not have is left."""
    attached = list(found)
    before = _contents(records, {action.hash for action in attached})
    told = []
    for action in attached:
        came = tuple(row for row in action.came if row[1] in before[action.hash])
        if came or action.gone:
            told.append(replace(action, came=came, beside=(), reread=False))
    return told


def _owner_at(known: Iterable[Known], sight: Sight, records: Records) -> Callable[[str], str]:
    """Tells the content hash of the known asset that lies at a path now, or ""."""
    fresh = {c.entry.path for c in sight.compared.fresh}
    told = {a.key: a.hash for a in known if not isinstance(a, Attach | Corrupt)}

    def owner_at(path: str) -> str:
        copy = records.copies.get(path) if path not in fresh else None
        return told.get(path) or (copy.hash if copy else "")

    return owner_at


def _left_to_others(sight: Sight, records: Records) -> set[tuple[str, str]]:
    """Recorded sidecars, with their assets, beside files that are these assets no longer:
    they are those of what has the name now.
    """
    found: set[tuple[str, str]] = set()
    for candidate in sight.compared.fresh:
        before = sight.compared.recorded_at(candidate.entry)
        if before is not None:
            for sidecar in candidate.sidecars:
                rows = records.sidecars.get(sidecar.path, ())
                found.update((sidecar.path, o.owner) for o in rows if o.owner == before.hash)
    return found


def _owners(
    candidates: Iterable[Candidate], owner_at: Callable[[str], str], beside: dict[str, Candidate]
) -> list[str]:
    """The known assets among candidates.

    Each is put `beside` once: it is read again with what lies beside its own file.
    """
    found = []
    for candidate in candidates:
        if owner := owner_at(candidate.entry.path):
            beside.setdefault(owner, candidate)
            found.append(owner)
    return found


def _contents(records: Records, owners: Iterable[str]) -> dict[str, set[str]]:
    """The contents of the sidecars that are recorded with some assets."""
    found: dict[str, set[str]] = defaultdict(set, {owner: set() for owner in owners})
    for rows in records.sidecars.values():
        for owned in rows:
            if owned.owner in found:
                found[owned.owner].add(owned.held.hash)
    return found


def _attach(
    owner: str,
    gone: Sequence[Owned],
    came: Sequence[tuple[Entry, str]],
    candidate: Candidate | None,
    before: set[str],
) -> Attach:
    """The change of one asset's sidecars;
    the asset is read again with them where a content came that it did not have.
    """
    return Attach(
        owner,
        candidate.entry if candidate else None,
        tuple(sorted(o.held.path for o in gone)),
        tuple(row for row in came if row[1]),  # the others are recorded with another asset
        candidate.sidecars if candidate else (),
        reread=candidate is not None and any(digest not in before for _entry, digest in came),
    )
