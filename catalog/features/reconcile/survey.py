"""The plan of a reconciliation from beginning to end: compare, recognise, ask what is unclear,
read what is new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from catalog.domain.actions import Skip
from catalog.domain.asset import Asset, Entry, Facts, KnownAsset
from catalog.domain.checksums import agree, beside_the_content_hash
from catalog.domain.copies import (
    OK,
    Held,
    Row,
    held,
    identity,
    is_as_recorded,
    is_same_inode,
    recorded_identity,
)
from catalog.domain.edits import Document
from catalog.domain.fixity import Digests
from catalog.domain.names import comparison_key
from catalog.domain.stacks import Candidate, Member, group, stem_key
from catalog.errors import MediaError, StoreError, UnsupportedType
from catalog.features.reconcile.comparison import Looker, Owned, Recorded, Records, Scope, Sight
from catalog.features.reconcile.plan import (
    AddCopy,
    Attach,
    Comparison,
    Corrupt,
    Known,
    Load,
    Lose,
    Reconciliation,
    Relocate,
    Touch,
    Vanish,
    breaks_stack,
    by_content,
    by_identity,
    fates,
    to_read,
    untangled,
)
from catalog.stores.protocol import Store
from catalog.work import guards
from catalog.work.contents import content_of, stated_contents
from catalog.work.description import Describer
from catalog.work.reading import Reading, Wanted
from catalog.work.workers import Result

BATCH = 256
CHANGING = "it changes while it is read; run the command again"


class Index(Protocol):
    """What a reconciliation asks the index."""

    def recorded(self, store: str, kinds: Sequence[str] = ()) -> Iterator[Recorded]:
        """Every document that speaks of a store, with its checksums of some kinds."""
        ...

    def known_by(self, kind: str, values: list[str]) -> dict[str, str]:
        """See `contents.ByChecksum`."""
        ...

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        """Assets by content hash."""
        ...

    def document(
        self,
        asset: Asset,
        original: str,
        rows: Sequence[Row],
        sidecars: Sequence[Row],
        stack: tuple[str, str] | None,
    ) -> Document:
        """The document of a new asset."""
        ...

    def said_once(self, content_hash: str) -> Mapping[str, Any]:
        """What a person had said of an asset that was forgotten since; nothing where none was."""
        ...


class Judge(Protocol):
    """Who decides what is unclear: a person, or the rule that loses nothing."""

    def decide(self, kind: str, lines: Sequence[str], otherwise: bool) -> bool:
        """Whether the proposal is taken; `otherwise` is the answer that loses nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asked for, and the thresholds of the guard."""

    scope: Scope = field(default_factory=Scope)
    rehash: bool = False
    forget_missing: bool = False
    accept_losses: bool = False
    shrink_percent: float = 10.0
    shrink_files: int = 50
    video_folder: str = ""


class Reconciler:
    """Makes the plan for one store. Reads the store, asks the index, writes nothing."""

    def __init__(
        self,
        store: Store,
        index: Index,
        reading: Reading,
        describer: Describer,
        judge: Judge,
        options: Options,
        *,
        now: Callable[[], datetime],
        advance: Callable[[int], None] = lambda _count: None,
        learn: Callable[[Digests], None] | None = None,
    ) -> None:
        """`learn` is told the checksums of files that are read again (`rehash`):
        their assets may lack them.
        """
        self._store = store
        self._index = index
        self._reading = reading
        self._describer = describer
        self._judge = judge
        self._options = options
        self._now = now
        self._advance = advance
        self._learn = learn
        self._digests: dict[str, str] = {}
        self._problems: list[Skip] = []
        self._failed: set[str] = set()
        self.sight = Sight(Comparison([], {}, []))

    def plan(self) -> Iterator[Reconciliation | Skip]:
        """The actions, in the order in which they are to be done: what is known, what is new,
        what is gone.

        Raises StoreGuard, before the first action, where so much is missing that the store may not
        be what it seems.
        """
        options = self._options
        kinds = beside_the_content_hash(self._store.capabilities.checksums)
        records = Records.gathered(
            self._index.recorded(self._store.name, kinds), self._store.name, options.scope
        )
        looker = Looker(
            self._store,
            records,
            options.scope,
            rehash=options.rehash,
            video_folder=options.video_folder,
            by_case=self._store.capabilities.case_sensitive,
        )
        sight = self.sight = looker.look()
        known = self._recognised(sight.compared, looker)
        self._check_losses(sight.compared, records)
        known = self._with_stacks_asked(known, records, looker)
        actions = [*known, *self._attachments(known, sight, records)]
        yield from sorted(
            [*sight.problems, *self._problems, *actions], key=lambda a: (a.key, a.name)
        )
        found = {a.hash for a in actions}
        further: list[Relocate | AddCopy] = []
        for action in self._loads(sight, looker):
            if not isinstance(action, Skip):
                found.add(action.hash)
            if isinstance(action, Relocate | AddCopy):
                further.append(action)
            yield action
        yield from self._beside_further(further, sight)
        yield from self._gone(sight.compared, found)

    def missing(self) -> Iterator[str]:
        """The recorded paths whose content was not found."""
        return (known.path for known in self.sight.compared.open_records() if known.state == OK)

    # --- what is known ----------------------------------------------------------------------------

    def _recognised(self, compared: Comparison, looker: Looker) -> list[Known]:
        """Everything recorded whose content is found in the store, at its place or at another."""
        stated = stated_contents((c.entry for c in compared.fresh), self._index)
        self._digests |= stated
        actions = [] if self._options.rehash or stated else by_identity(compared, looker.present())
        self._hash(to_read(compared))
        told, unclear = by_content(compared, self._digests)
        actions += self._chosen(told, unclear)
        actions += self._known_elsewhere(compared)
        actions = untangled(actions, compared)
        kept = [a for a in actions if not (isinstance(a, Touch) and _says_nothing_new(a))]
        self.sight.unchanged += len(actions) - len(kept)
        return kept

    def _hash(self, candidates: Sequence[Candidate]) -> None:
        """Learn the content hashes; a file that changes meanwhile is tried once more,
        and then left alone.
        """
        pending = [c for c in candidates if c.entry.path not in self._digests]
        for is_last in (False, True):
            again: list[Candidate] = []
            for candidate, digest in self._read(pending, only_hash=True):
                if isinstance(digest, Digests):
                    self._digests[candidate.entry.path] = digest.content
                    if self._learn is not None:
                        self._learn(digest)
                elif isinstance(digest, MediaError):
                    self._fail(candidate, str(digest))
                elif is_last:
                    self._fail(candidate, CHANGING)
                elif (entry := self._store.stat(candidate.entry.path)) is not None:
                    again.append(replace(candidate, entry=entry))
                else:
                    self._fail(candidate, CHANGING)
            self._replace_fresh(again)
            pending = again
        compared = self.sight.compared
        compared.fresh = [c for c in compared.fresh if c.entry.path not in self._failed]

    def _replace_fresh(self, candidates: Sequence[Candidate]) -> None:
        newer = {c.entry.path: c for c in candidates}
        if newer:
            compared = self.sight.compared
            compared.fresh = [newer.get(c.entry.path, c) for c in compared.fresh]

    def _fail(self, candidate: Candidate, reason: str) -> None:
        """A file that cannot be judged: neither it nor what is recorded at its path is touched."""
        compared = self.sight.compared
        self._problems.append(Skip(candidate.entry, reason, "failed"))
        self._failed.add(candidate.entry.path)
        known = compared.recorded_at(candidate.entry)
        if known is not None:
            compared.explain(known)

    def _read(
        self, candidates: Sequence[Candidate], *, only_hash: bool
    ) -> Iterator[tuple[Candidate, Result | None]]:
        """What reading gave for each; None for a file that is another one now than before."""

        anew = self._options.rehash and self._learn is not None
        wanted = (
            (
                c,
                Wanted(
                    c.entry, () if only_hash else c.sidecars, only_hash=only_hash, checksums=anew
                ),
            )
            for c in candidates
        )
        for candidate, result in self._reading.run(wanted):
            self._advance(1)
            yield candidate, result if self._is_unchanged(candidate.entry) else None

    def _is_unchanged(self, entry: Entry) -> bool:
        """Whether a file is still the one that was listed.

        Where its store states its content hash, reading has seen to that.
        """
        if entry.content_hash:
            return True
        now = self._store.stat(entry.path)
        return now is not None and is_same(now, entry)

    def _chosen(
        self, told: Sequence[Known], unclear: Mapping[str, Sequence[Relocate]]
    ) -> list[Known]:
        """The actions, with a person's choice which of several places a file was moved to,
        and which are copies.
        """
        chosen: dict[str, Known] = {}
        for digest, places in unclear.items():
            told_to = next((p for p in places[:-1] if self._is_place(p, places)), places[-1])
            for place in places:
                chosen[place.entry.path] = (
                    place if place is told_to else AddCopy(digest, place.entry)
                )
        return [chosen.get(a.key, a) if isinstance(a, Relocate | AddCopy) else a for a in told]

    def _is_place(self, place: Relocate, places: Sequence[Relocate]) -> bool:
        """Whether a file was moved to this one of several places."""
        lines = [
            f"{place.known.path} is gone, and its content lies at {len(places)} places:",
            f"  moved to      {place.entry.path}",
            *(f"  then a copy   {other.entry.path}" for other in places if other is not place),
            "Is that so?",
        ]
        return self._judge.decide("moved to two places", lines, True)

    def _known_elsewhere(self, compared: Comparison) -> list[Known]:
        """Fresh files whose content the catalog has: copies,
        or files that came from outside of what is looked at.
        """
        hashed = [c for c in compared.fresh if c.entry.path in self._digests]
        found: list[Known] = []
        explained: set[str] = set()
        for start in range(0, len(hashed), BATCH):
            part = hashed[start : start + BATCH]
            assets = self._index.known(sorted({self._digests[c.entry.path] for c in part}))
            for candidate in part:
                asset = assets.get(self._digests[candidate.entry.path])
                if asset is not None:
                    found.append(self._from_asset(asset, candidate.entry))
                    explained.add(candidate.entry.path)
        compared.fresh = [c for c in compared.fresh if c.entry.path not in explained]
        return found

    def _from_asset(self, asset: KnownAsset, entry: Entry) -> Relocate | AddCopy:
        """A move, where a copy of the asset outside of the scope is no longer there;
        else a further copy.
        """
        for row in asset.copies:
            if (
                row["store"] != self._store.name
                or row["state"] != OK
                or self._options.scope.holds(row["path"])
            ):
                continue
            there = self._store.stat(row["path"])
            other_case = comparison_key(row["path"]) == comparison_key(entry.path)
            if there is None or (other_case and identity(there) == identity(entry)):
                return Relocate(held(row, asset.hash, asset.checksums), entry)
        return AddCopy(
            asset.hash, entry, replaces=self.sight.compared.recorded_at(entry) is not None
        )

    def _with_stacks_asked(
        self, known: list[Known], records: Records, looker: Looker
    ) -> list[Known]:
        moves = [a for a in known if isinstance(a, Relocate)]
        if not moves or not records.stack_of:
            return known
        stacked: dict[str, list[Held]] = defaultdict(list)
        for copy in records.copies.values():
            if copy.hash in records.stack_of:
                stacked[records.stack_of[copy.hash]].append(copy)
        broken = breaks_stack(moves, records.stack_of, stacked, looker.home)
        return [
            self._stack_asked(a, broken[a.entry.path])
            if isinstance(a, Relocate) and a.entry.path in broken
            else a
            for a in known
        ]

    def _stack_asked(self, move: Relocate, others: Sequence[str]) -> Relocate:
        lines = [
            f"{move.known.path} was moved away from the other files of its shot:",
            f"  it is now at  {move.entry.path}",
            *(f"  others at     {path}" for path in others),
            "Do they stay one shot?",
        ]
        return (
            move
            if self._judge.decide("moved away from its stack", lines, True)
            else replace(move, leaves_stack=True)
        )

    def _check_losses(self, compared: Comparison, records: Records) -> None:
        if self._options.accept_losses:
            return
        missing = [k for k in compared.open_records() if k.state == OK]
        guards.check_shrunk(
            len(missing), records.total, self._options.shrink_percent, self._options.shrink_files
        )

    # --- sidecars ---------------------------------------------------------------------------------

    def _attachments(self, known: Sequence[Known], sight: Sight, records: Records) -> list[Attach]:
        """What came and went beside known assets, one action an asset."""
        hash_at = {a.key: a.hash for a in known if not isinstance(a, Attach | Corrupt)}
        gone: dict[str, list[Owned]] = defaultdict(list)
        for owned in sight.sidecars_gone:
            gone[owned.owner].append(owned)
        moved = {
            key: o.held
            for o in sight.sidecars_gone
            if (key := recorded_identity(o.held)) is not None
        }
        came: dict[str, list[tuple[Entry, str]]] = defaultdict(list)
        beside: dict[str, Candidate] = {}
        fresh = {c.entry.path for c in sight.compared.fresh}

        def owners_of(candidates: Sequence[Candidate]) -> list[str]:
            """The known assets of candidates;
            each is read again with what lies beside its own file.
            """
            found = []
            for candidate in candidates:
                path = candidate.entry.path
                unchanged = records.copies.get(path) if path not in fresh else None
                owner = hash_at.get(path) or (unchanged.hash if unchanged else "")
                if owner:
                    beside.setdefault(owner, candidate)
                    found.append(owner)
            return found

        for entry, candidates in sight.sidecars_new:
            owners = owners_of(candidates)
            for owner in owners[:1]:
                self._arrive(entry, owner, moved, came)
            self._further_readers(entry, owners[1:], came)
        for entry, candidates in sight.sidecars_changed:
            owners = owners_of(candidates)
            recorded = {owned.owner for owned in records.sidecars[entry.path]}
            for owner in sorted(recorded):
                self._arrive(entry, owner, moved, came)
            self._further_readers(entry, [o for o in owners if o not in recorded], came)
        before: dict[str, set[str]] = {owner: set() for owner in came}
        for owned in (o for rows in records.sidecars.values() for o in rows if o.owner in before):
            before[owned.owner].add(owned.held.hash)
        return [
            _attach(owner, gone[owner], came[owner], beside.get(owner), before.get(owner, set()))
            for owner in sorted({*gone, *came})
            if gone[owner] or came[owner]
        ]

    def _further_readers(
        self, entry: Entry, owners: Sequence[str], came: dict[str, list[tuple[Entry, str]]]
    ) -> None:
        """Assets that a sidecar speaks for besides the one it is recorded with:
        they are only read again.
        """
        for owner in owners:
            came[owner].append((entry, ""))

    def _beside_further(self, further: Sequence[Relocate | AddCopy], sight: Sight) -> list[Attach]:
        """The sidecars beside files that turned out to be copies of known assets only when they
        were read.
        """
        hash_at = {a.key: a.hash for a in further}
        came: dict[str, list[tuple[Entry, str]]] = defaultdict(list)
        for entry, candidates in sight.sidecars_new:
            owners = [hash_at[c.entry.path] for c in candidates if c.entry.path in hash_at]
            for owner in owners[:1]:
                self._arrive(entry, owner, {}, came)
        return [_attach(owner, (), rows, None, set()) for owner, rows in sorted(came.items())]

    def _arrive(
        self,
        entry: Entry,
        owner: str,
        moved: Mapping[Any, Held],
        came: dict[str, list[tuple[Entry, str]]],
    ) -> None:
        key = identity(entry)
        try:
            digest = moved[key].hash if key in moved else content_of(self._store, entry)
        except StoreError as error:
            self._problems.append(Skip(entry, str(error), "failed"))
            return
        came[owner].append((entry, digest))

    # --- what is new ------------------------------------------------------------------------------

    def _loads(self, sight: Sight, looker: Looker) -> Iterator[Load | Relocate | AddCopy | Skip]:
        """What is to be read as new, in batches;
        files that may be one shot are never divided between two.
        """
        planned: dict[str, str] = {}
        shots: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in sorted(sight.compared.fresh, key=lambda c: c.entry.path):
            shots[f"{looker.home(candidate.entry.path)}/{stem_key(candidate.entry)}"].append(
                candidate
            )
        batch: list[tuple[str, list[Candidate]]] = []
        for key, shot in shots.items():
            batch.append((key, shot))
            if sum(len(s) for _key, s in batch) >= BATCH:
                yield from self._load_batch(batch, sight, planned)
                batch = []
        if batch:
            yield from self._load_batch(batch, sight, planned)

    def _load_batch(
        self, batch: Sequence[tuple[str, list[Candidate]]], sight: Sight, planned: dict[str, str]
    ) -> Iterator[Load | Relocate | AddCopy | Skip]:
        fresh = [c for _key, shot in batch for c in shot]
        mates = [c for key, _shot in batch for c in sight.neighbours.get(key, ())]
        facts: dict[str, Facts] = {}
        skips: list[Skip] = []
        pending = [*fresh, *mates]
        for is_last in (False, True):
            again: list[Candidate] = []
            for candidate, result in self._read(pending, only_hash=False):
                if isinstance(result, Facts):
                    facts[candidate.entry.path] = result
                elif (
                    result is None
                    and not is_last
                    and (entry := self._store.stat(candidate.entry.path)) is not None
                ):
                    again.append(replace(candidate, entry=entry))
                elif candidate not in mates:
                    skips.append(_skip(candidate, result))
                    self._problems += skips[-1:]
                    if not isinstance(result, UnsupportedType):
                        self._keep_record(candidate.entry)
            newer = {c.entry.path: c for c in again}
            fresh = [newer.get(c.entry.path, c) for c in fresh]
            pending = again
        members = self._members(fresh, mates, facts)
        assets = self._index.known(sorted({m.asset.hash for m in members}))
        actions: list[Load | Relocate | AddCopy | Skip] = list(skips)
        by_home: dict[str, list[Member]] = defaultdict(list)
        home = {
            c.entry.path: key.rpartition("/")[0]
            for key, shot in batch
            for c in [*shot, *sight.neighbours.get(key, ())]
        }
        for member in members:
            by_home[home[member.entry.path]].append(member)
        mate_paths = {c.entry.path for c in mates}
        for part in by_home.values():
            for stack in group(part):
                actions += self._load_stack(stack, assets, planned, mate_paths)
        yield from sorted(
            actions, key=lambda a: (isinstance(a, AddCopy | Relocate), a.key)
        )  # a copy of what is known by then

    def _keep_record(self, entry: Entry) -> None:
        """A file that cannot be read now may still be what is recorded there."""
        known = self.sight.compared.recorded_at(entry)
        if known is not None:
            self.sight.compared.explain(known)

    def _members(
        self, fresh: Sequence[Candidate], mates: Sequence[Candidate], facts: Mapping[str, Facts]
    ) -> list[Member]:
        now = self._now()
        return [
            Member(c.entry, self._describer.describe(facts[c.entry.path], c.entry, now), c.sidecars)
            for c in (*fresh, *mates)
            if c.entry.path in facts
        ]

    def _load_stack(
        self,
        stack: tuple[Member, ...],
        assets: Mapping[str, KnownAsset],
        planned: dict[str, str],
        mate_paths: set[str],
    ) -> Iterator[Load | Relocate | AddCopy]:
        stack_id = stack[0].asset.hash if len(stack) > 1 else ""
        mates = (
            tuple((m.asset.hash, m.role) for m in stack if m.asset.hash in assets)
            if stack_id
            else ()
        )
        carried: set[str] = set()
        for member in stack:
            entry, digest = member.entry, member.asset.hash
            if entry.path in mate_paths:
                continue
            if digest in assets:
                yield self._from_asset(assets[digest], entry)
                continue
            replaces = self.sight.compared.recorded_at(entry) is not None
            if digest in planned:
                yield AddCopy(digest, entry, replaces)
                continue
            planned[digest] = entry.path
            sidecars = tuple(s for s in member.sidecars if s.path not in carried)
            carried.update(s.path for s in sidecars)
            yield Load(
                entry,
                member.asset,
                sidecars,
                (stack_id, member.role) if stack_id else None,
                mates,
                replaces,
            )

    # --- what is gone -----------------------------------------------------------------------------

    def _gone(self, compared: Comparison, found: set[str]) -> Iterator[Lose | Vanish]:
        """What to do about the records that nothing in the store answers to."""
        gone = [k for k in compared.open_records() if self._options.scope.holds(k.path)]
        places = {(k.path, k.hash) for k in gone}
        for start in range(0, len(gone), BATCH):
            part = gone[start : start + BATCH]
            assets = self._index.known(sorted({k.hash for k in part}))
            elsewhere = {h: self._other_copies(a, places, found) for h, a in assets.items()}
            for fate in fates(
                part, elsewhere, forget=self._options.forget_missing and not self._is_blind()
            ):
                yield self._asked(replace(fate, overwritten=fate.known.path in compared.at))

    def _is_blind(self) -> bool:
        """Whether something could not be looked at, where what seems to be gone may lie:
        then nothing is forgotten.
        """
        return any(skip.outcome == "failed" for skip in (*self.sight.problems, *self._problems))

    def _other_copies(
        self, asset: KnownAsset, gone: set[tuple[str, str]], found: set[str]
    ) -> list[str]:
        others = [
            f"{row['store']}:{row['path']}"
            for row in asset.copies
            if row["state"] == OK
            and (row["store"] != self._store.name or self._is_there(row["path"], asset.hash, gone))
        ]
        return others or ([f"{self._store.name}: another path"] if asset.hash in found else [])

    def _is_there(self, path: str, content_hash: str, gone: set[tuple[str, str]]) -> bool:
        """Whether another recorded path of this store has its file:
        outside of the scope nobody has looked yet.
        """
        if self._options.scope.holds(path):
            return (path, content_hash) not in gone
        return self._store.stat(path) is not None

    def _asked(self, fate: Lose | Vanish) -> Lose | Vanish:
        if isinstance(fate, Lose) or fate.forget or self._is_blind():
            return fate
        lines = [
            f"{fate.known.path} is gone, and its content is nowhere else in the catalog:",
            f"  recorded  {fate.known.size:,} bytes, {fate.hash}",
            "  on disk   nothing",
            "Forget it? (no: it stays in the catalog, marked as missing)",
        ]
        return (
            replace(fate, forget=True)
            if self._judge.decide("missing, and nowhere else", lines, False)
            else fate
        )


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
    fresh = candidate is not None and any(digest not in before for _entry, digest in came)
    came = [row for row in came if row[1]]  # the others are recorded with another asset
    return Attach(
        owner,
        candidate.entry if candidate else None,
        tuple(sorted(o.held.path for o in gone)),
        tuple(came),
        candidate.sidecars if candidate else (),
        reread=fresh,
    )


def _says_nothing_new(touch: Touch) -> bool:
    """Whether a file that was read anyway is just as recorded."""
    entry, known = touch.entry, touch.known
    same = bool(entry.inode) == bool(known.inode) and is_same_inode(entry, known)
    same = same and (not known.inode or entry.mtime_ns // 1_000_000 == known.mtime_ms)
    return known.state == OK and same and is_as_recorded(entry, known)


def is_same(now: Entry, before: Entry) -> bool:
    """Whether a path shows the file that was listed, unchanged, by its checksums where they tell.

    Some file systems number a file anew at each look, so that the inode says nothing.
    """
    same = agree(now.checksums, before.checksums)
    if same is not None:
        return same
    return (now.size, now.mtime_ns, now.problem) == (before.size, before.mtime_ns, before.problem)


def _skip(candidate: Candidate, result: object) -> Skip:
    if isinstance(result, MediaError):
        return Skip(
            candidate.entry,
            str(result),
            "unsupported" if isinstance(result, UnsupportedType) else "failed",
        )
    return Skip(candidate.entry, CHANGING, "failed")
