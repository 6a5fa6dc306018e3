"""Reading the files of a store: one that changes meanwhile is tried once more,
and then left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from catalog.domain.actions import Skip
from catalog.domain.asset import Asset, Entry, Facts
from catalog.domain.checksums import agree
from catalog.domain.fixity import Digests
from catalog.domain.stacks import Candidate
from catalog.errors import MediaError, UnsupportedType
from catalog.stores.protocol import Store
from catalog.work.facts_reading import Reading, Wanted
from catalog.work.workers import Result

Describe = Callable[[Sequence[tuple[Facts, Entry]]], list[Asset]]
"""From the facts of files that were read together to assets."""
CHANGING = "it changes while it is read; run the command again"


def _nobody(_count: int) -> None:
    """Is told of nothing."""


@dataclass(frozen=True, slots=True)
class FileReader:
    """Reads files of one store.

    `advance` is told how many were read; `learn` their checksums, where these are wanted: the
    assets of files that are read again may lack them.
    """

    store: Store
    reading: Reading
    advance: Callable[[int], None] = _nobody
    learn: Callable[[Digests], None] | None = None

    def hashes(self, candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, Result | None]]:
        """The `Digests` of each, or why there are none; see `facts`."""
        for candidate, result in self._settled(candidates, only_hash=True):
            if isinstance(result, Digests) and self.learn is not None:
                self.learn(result)
            yield candidate, result

    def facts(self, candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, Result | None]]:
        """The `Facts` of each, or why there are none; None for one that goes on changing.

        A candidate comes back as it was when it was read.
        """
        return self._settled(candidates, only_hash=False)

    def _settled(
        self, candidates: Sequence[Candidate], *, only_hash: bool
    ) -> Iterator[tuple[Candidate, Result | None]]:
        again: list[Candidate] = []
        for candidate, result in self._read(candidates, only_hash=only_hash):
            now = self.store.stat(candidate.entry.path) if result is None else None
            if now is None:
                yield candidate, result
            else:
                again.append(replace(candidate, entry=now))
        if again:
            yield from self._read(again, only_hash=only_hash)

    def _read(
        self, candidates: Sequence[Candidate], *, only_hash: bool
    ) -> Iterator[tuple[Candidate, Result | None]]:
        """What reading gave for each; None for a file that is another one now than before."""
        checksums = self.learn is not None
        wanted = (
            (
                c,
                Wanted(
                    c.entry,
                    () if only_hash else c.sidecars,
                    only_hash=only_hash,
                    checksums=checksums,
                ),
            )
            for c in candidates
        )
        for candidate, result in self.reading.run(wanted):
            self.advance(1)
            entry = candidate.entry
            # where its store states its content hash, reading has seen to that
            is_same = bool(entry.content_hash) or is_unchanged(self.store, entry)
            yield candidate, result if is_same else None


def is_unchanged(store: Store, entry: Entry) -> bool:
    """Whether a path of a store still shows the file that was listed, by its checksums where they
    tell.

    Some file systems number a file anew at each look, so that the inode says nothing.
    """
    now = store.stat(entry.path)
    if now is None:
        return False
    same = agree(now.checksums, entry.checksums)
    if same is not None:
        return same
    return (now.size, now.mtime_ns, now.problem) == (entry.size, entry.mtime_ns, entry.problem)


def unread(candidate: Candidate, result: Result | None) -> Skip:
    """A file of which reading gave no more than the reason why."""
    if not isinstance(result, MediaError):
        return Skip(candidate.entry, CHANGING, "failed")
    outcome = "unsupported" if isinstance(result, UnsupportedType) else "failed"
    return Skip(candidate.entry, str(result), outcome)
