"""Reading the files of a store that are new, and what is to be recorded of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry, Facts
from catalog.domain.checksums import strongest
from catalog.domain.stacks import Candidate, Member, group_stacks
from catalog.errors import StoreError
from catalog.features.reconcile.file_reader import Describe, FileReader
from catalog.features.reconcile.index import Index, batches
from catalog.features.reconcile.plan import (
    AddCopy,
    Load,
    PossibleShot,
    Relocate,
    loads_of,
    shots_of,
)
from catalog.features.reconcile.recognition import Recogniser
from catalog.features.reconcile.survey import HELD, Sight

MOST_BYTES = 64 * 1024 * 1024
"""Of a larger file it is not looked whether a part is missing."""
Loading = Load | Relocate | AddCopy | Skip


class Loader:
    """Reads new files in batches; files that may be one shot are never divided between two.

    `describe` turns the facts of files into assets. `recogniser` tells moves from copies, and
    which changes are for a person.
    """

    def __init__(
        self,
        index: Index,
        files: FileReader,
        describe: Describe,
        recogniser: Recogniser,
    ) -> None:
        self._index = index
        self._files = files
        self._describe = describe
        self._recogniser = recogniser
        self._holding = recogniser.holding
        self._planned: set[str] = set()

    def loads(self, sight: Sight, home: Callable[[str], str]) -> Iterator[Loading]:
        """What is to be recorded of the fresh files; in each batch,
        the copies of what is known by then come last.

        `home` gives the folder that counts for a path.
        """
        shots = shots_of(sight.compared.fresh, sight.neighbours, home)
        for batch in batches(shots, lambda shot: len(shot.fresh)):
            yield from sorted(
                self._batch(batch, sight), key=lambda a: (isinstance(a, AddCopy | Relocate), a.key)
            )

    def _batch(self, shots: Sequence[PossibleShot], sight: Sight) -> Iterator[Loading]:
        read, skips = self._read(shots, sight)
        yield from skips
        assets = self._index.known(sorted({member.asset.hash for member in read.values()}))
        fresh = [read[c.entry.path] for s in shots for c in s.fresh if c.entry.path in read]
        for member in fresh:
            if (asset := assets.get(member.asset.hash)) is not None:
                yield self._recogniser.arrival(asset, member.entry, sight.compared)
        new = {m.entry.path for m in fresh if m.asset.hash not in assets}
        for members in _by_home(shots, read):
            for stack in group_stacks(members):
                yield from loads_of(stack, new, assets, self._planned, sight.compared)

    def _read(
        self, shots: Sequence[PossibleShot], sight: Sight
    ) -> tuple[Mapping[str, Member], Sequence[Skip]]:
        """What could be read, by path, and the fresh files that could not, or are held."""
        read: dict[str, Member] = {}
        skips: list[Skip] = []
        mates = [c for shot in shots for c in shot.mates]
        fresh = [c for shot in shots for c in shot.fresh]
        found: list[tuple[Facts, Candidate]] = []
        for candidate, result in self._files.facts([*fresh, *mates]):
            entry = candidate.entry
            if isinstance(result, Facts):
                found.append((result, candidate))
            elif candidate not in mates:
                is_recorded = sight.compared.recorded_at(entry) is not None
                skip = self._holding.unread(candidate, result, is_recorded=is_recorded)
                skips.append(sight.leave(skip))
        assets = self._describe([(facts, candidate.entry) for facts, candidate in found])
        for (_facts, candidate), asset in zip(found, assets, strict=True):
            entry = candidate.entry
            read[entry.path] = Member(entry, asset, candidate.sidecars)
        for path, reason in self._broken(read.values(), sight):
            skips.append(sight.leave(Skip(read.pop(path).entry, reason, HELD)))
        return read, skips

    def _broken(self, members: Iterable[Member], sight: Sight) -> list[tuple[str, str]]:
        """The changed files that cannot be decoded any more, with the reason; not those of a store
        that states contents, which are fetched in part only.
        """
        suspect: dict[str, tuple[str, str]] = {}
        for member in members:
            entry, facts = member.entry, member.asset.facts
            known = sight.compared.recorded_at(entry)
            if known is None or strongest(entry.checksums) is not None:
                continue
            if problem := facts.problem or self._find_hole(entry, facts):
                suspect[entry.path] = known.hash, self._holding.why_broken(problem)
        before = self._index.troubled(sorted({h for h, _ in suspect.values()})) if suspect else ()
        return [(path, why) for path, (h, why) in suspect.items() if why and h not in before]

    def _find_hole(self, entry: Entry, facts: Facts) -> str:
        """What is missing of a JPEG though it can be decoded, or ""."""
        if facts.type != "jpeg" or entry.size > MOST_BYTES:
            return ""
        from catalog.media.jpeg.image_data import find_hole

        try:
            with self._files.store.open(entry.path) as stream:
                hole = find_hole(stream.read())
        except StoreError:
            return ""  # whoever records it finds that out
        return f"a part of its picture is missing (zeros at byte {hole:,})" if hole else ""


def _by_home(shots: Sequence[PossibleShot], read: Mapping[str, Member]) -> Iterable[list[Member]]:
    """What was read, by the folder that counts for it; known files after fresh ones."""
    found: dict[str, list[Member]] = defaultdict(list)
    fresh = [(shot.home, c) for shot in shots for c in shot.fresh]
    mates = [(shot.home, c) for shot in shots for c in shot.mates]
    for home, candidate in (*fresh, *mates):
        if candidate.entry.path in read:
            found[home].append(read[candidate.entry.path])
    return found.values()
