"""The survey of an upload: what lies in the source, what of it is known, and what its bytes state.

Only reads.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry, Facts, KnownAsset
from catalog.domain.stacks import Candidate, Member, group_stacks
from catalog.errors import MediaError, UnsupportedType
from catalog.features.ingest.batch import Batch, batches_of, fingerprint
from catalog.features.ingest.plan import IngestFacts, Occupancy
from catalog.features.ingest.target import TargetSurvey
from catalog.features.ingest.waiting_films import WaitingFilms
from catalog.stores.protocol import Store
from catalog.work.description import Describer, utc_now
from catalog.work.facts_reading import Reading, Wanted

_SIZES_KEPT = 50_000
InFlight = Callable[[], Mapping[str, str]]
"""What is planned but not yet in the index, hash to path."""


class Lookup(Protocol):
    """What the survey asks the index."""

    def known(self, hashes: list[str]) -> dict[str, KnownAsset]:
        """Assets by content hash."""
        ...

    def known_sources(self, fingerprints: list[str]) -> dict[str, str]:
        """Content hashes of unchanged source files."""
        ...

    def known_sizes(self, sizes: list[int]) -> set[int]:
        """Those of the file sizes that some asset has."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A store that files are read from, and how; some `folders` of it, with those below them or
    not.
    """

    store: Store
    reading: Reading
    describer: Describer
    folders: Sequence[str] = ("",)
    recursive: bool = False

    def entries(self) -> Iterator[Entry]:
        """What lies there, folder by folder."""
        return itertools.chain.from_iterable(
            self.store.list(folder, recursive=self.recursive) for folder in self.folders
        )


class IngestSurvey:
    """Lists a source folder by folder, reads what is new,
    and gives the facts of one batch after the other.
    """

    def __init__(self, source: Source, target: TargetSurvey, lookup: Lookup) -> None:
        self._source = source
        self._target = target
        self._lookup = lookup
        self._sizes: OrderedDict[int, None] = OrderedDict()
        self._films = WaitingFilms(source.describer)

    @property
    def occupancy(self) -> Occupancy:
        """The names that are taken in the target."""
        return self._target.occupancy

    def count(self) -> int:
        """How many files there are to look at, from a listing alone."""
        return sum(1 for _entry in self._source.entries())

    def batches(self, in_flight: InFlight) -> Iterator[IngestFacts]:
        """The facts of each batch, in listing order."""
        opened: deque[Batch] = deque()
        again: deque[tuple[Batch, Candidate]] = deque()
        for (batch, path), result in self._source.reading.run(self._wanted(opened, again)):
            if result is not None:
                batch.take(path, result)
            if batch.begun and not batch.waiting and not batch.decided:
                again.extend((batch, candidate) for candidate in self._decide(batch, in_flight))
            while opened and opened[0].decided and not opened[0].waiting:
                yield self._facts(opened.popleft(), in_flight)
        if self._films:
            yield self._facts(Batch(), in_flight)

    # --- what to read -----------------------------------------------------------------------------

    def _wanted(
        self, opened: deque[Batch], again: deque[tuple[Batch, Candidate]]
    ) -> Iterator[tuple[tuple[Batch, str], Wanted | None] | None]:
        """What to read: the listing's files,
        and between them those that were hashed and turned out to be new.
        """

        def repeated() -> Iterator[tuple[tuple[Batch, str], Wanted | None]]:
            while again:
                batch, candidate = again.popleft()
                yield (batch, candidate.entry.path), Wanted(candidate.entry, candidate.sidecars)

        for batch in batches_of(self._source.entries()):
            opened.append(batch)
            fresh = self._not_remembered(batch)
            likely = self._likely_known(fresh)
            batch.waiting = len(fresh)
            batch.begun = True
            for candidate in fresh:
                yield from repeated()
                only_hash = candidate.entry.path in likely
                yield (
                    (batch, candidate.entry.path),
                    Wanted(candidate.entry, candidate.sidecars, only_hash=only_hash),
                )
            if not fresh:
                yield (batch, ""), None
        while opened:
            yield from repeated()
            if opened:
                yield None

    def _likely_known(self, fresh: list[Candidate]) -> set[str]:
        """The paths of files that have the size of an asset, or of a file seen lately in this run.

        Those whose content hash is stated count as well: it costs nothing, and shows whether there
        is more to be read.
        """
        known = self._lookup.known_sizes(sorted({c.entry.size for c in fresh}))
        likely = set()
        for candidate in fresh:
            size = candidate.entry.size
            if size in known or size in self._sizes or candidate.entry.content_hash:
                likely.add(candidate.entry.path)
            self._sizes[size] = None
        while len(self._sizes) > _SIZES_KEPT:
            self._sizes.popitem(last=False)
        return likely

    def _decide(self, batch: Batch, in_flight: InFlight) -> list[Candidate]:
        """Which of the files that were only hashed are known; the others, and all of their stacks,
        are to be read.
        """
        batch.decided = True
        if not batch.digests:
            return []
        known = set(self._target.counting(in_flight()))
        known |= {f.hash for f in batch.read.values() if isinstance(f, Facts)}
        known |= self._answering(set(batch.digests.values()))
        new = batch.remember(batch.digests, known, unread=False)
        unread = [c for c in new if c.entry.path in batch.digests]
        batch.waiting += len(unread)
        return unread

    def _not_remembered(self, batch: Batch) -> list[Candidate]:
        """Those that must be read. One changed file of a shot makes all of the shot be read."""
        base = self._source.describer.base
        for shot in (shot for folder in batch.folders for shot in folder):
            batch.fingerprints |= {c.entry.path: fingerprint(base, c) for c in shot}
            batch.shots |= {c.entry.path: shot[0].entry.path for c in shot}
        known = self._lookup.known_sources(list(batch.fingerprints.values()))
        alive = self._answering(set(known.values()))
        seen = {path: known.get(found, "") for path, found in batch.fingerprints.items()}
        batch.unchanged = {path for path, digest in seen.items() if digest in alive}
        return batch.remember(seen, alive, unread=True)

    def _answering(self, hashes: set[str]) -> set[str]:
        """Those of some contents that the target really holds."""
        assets = self._lookup.known(sorted(hashes))
        return {digest for digest, asset in assets.items() if self._target.answering(asset)}

    # --- facts ------------------------------------------------------------------------------------

    def _facts(self, batch: Batch, in_flight: InFlight) -> IngestFacts:
        stacks, skipped = self._stacks(batch)
        # before the index is asked: what is recorded in between is found there
        planned = self._target.counting(in_flight())
        fresh = {m.asset.hash for s in stacks for m in s}
        known = self._lookup.known(sorted(fresh | {r.hash for r in batch.remembered}))
        existing = {
            h: path for h, asset in known.items() if (path := self._target.answering(asset))
        }
        self._target.look_at(
            [s for s in stacks if any(m.asset.hash not in existing for m in s)], planned
        )
        gone = "its copy in the catalog vanished during this run; run the command again"
        here = fresh | set(existing) | set(planned)
        skipped += [Skip(r.entry, gone, "failed") for r in batch.remembered if r.hash not in here]
        remembered = [r for r in batch.remembered if r.hash in here]
        return IngestFacts(
            stacks,
            remembered,
            skipped,
            known,
            existing,
            planned,
            batch.shots,
            batch.fingerprints,
            frozenset(batch.unchanged),
        )

    def _stacks(self, batch: Batch) -> tuple[list[tuple[Member, ...]], list[Skip]]:
        """What was read as stacks, and what is skipped."""
        stacks: list[tuple[Member, ...]] = []
        skipped = list(batch.skipped)
        now = utc_now()
        paths = list(batch.shots)
        for folder in batch.folders:
            found: list[tuple[Candidate, Facts]] = []
            for candidate in (c for shot in folder for c in shot):
                result = batch.read[candidate.entry.path]
                if isinstance(result, Facts):
                    found.append((candidate, result))
                else:
                    skipped.append(_skip_of(candidate.entry, result))
                    if isinstance(result, UnsupportedType):
                        del batch.shots[candidate.entry.path]
            described = self._source.describer.describe_all(
                [(facts, candidate.entry, ()) for candidate, facts in found], now
            )
            members = [
                Member(candidate.entry, asset, candidate.sidecars)
                for (candidate, _facts), asset in zip(found, described, strict=True)
            ]
            stacks += self._films.hold_back(members, group_stacks(members), batch)
        return [*self._films.release(batch, paths), *stacks], skipped


def _skip_of(entry: Entry, error: MediaError) -> Skip:
    return Skip(
        entry, str(error), "unsupported" if isinstance(error, UnsupportedType) else "failed"
    )
