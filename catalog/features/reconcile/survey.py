"""The survey of a reconciliation: a store's listing beside what the index says of it.

Only reads, and only names and times.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

from catalog.domain.actions import Skip
from catalog.domain.asset import UNEXAMINED, UNLISTED, Entry
from catalog.domain.candidates import sort_candidates
from catalog.domain.copies import MISSING, RecordedFile, is_as_recorded, is_renumbered
from catalog.domain.evidence import KEPT, Evidence, has_other_ctime
from catalog.domain.filetypes import COMMON, extension_of
from catalog.domain.names import comparison_key
from catalog.domain.stacks import Candidate, stem_key
from catalog.errors import NotFound
from catalog.features.reconcile.records import Comparison, Owned, Records, Scope

HELD = "held"
"""The outcome of a file that changed in a way that only a person can judge:
it is left alone, and so is what is recorded of it.
"""
FEW = 20
"""Files that were replaced, up to which each is read."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asked for, the thresholds of the guards,
    and which numbers of the store's files tell anything.

    `stirred`: an earlier look found that most files have another ctime, and not all of them have
    been read since.
    """

    scope: Scope = field(default_factory=Scope)
    rehash: bool = False
    forget_missing: bool = False
    accept_losses: bool = False
    accept_changes: bool = False
    shrink_percent: float = 10.0
    shrink_files: int = 50
    change_percent: float = 10.0
    change_files: int = 50
    video_folder: str = ""
    evidence: Evidence = KEPT
    stirred: bool = False


class Doubtful(NamedTuple):
    """A file of the recorded size and time whose ctime is another: somebody may have written to it
    and put its time back.
    """

    candidate: Candidate
    known: RecordedFile


@dataclass(slots=True)
class Sight:
    """What a look at a store showed, beside the records.

    `neighbours` are known files, by home and stem, that fresh ones may be of one shot with.
    `doubtful` files, and sidecars, are to be read; until then they count as there. `is_stirred`:
    most files are doubtful, because the disk was restored, or all of it given another owner; then
    another ctime is no sign that somebody wrote to one of them.
    """

    compared: Comparison
    unchanged: int = 0
    ignored: int = 0
    problems: list[Skip] = field(default_factory=list)
    neighbours: dict[tuple[str, str], list[Candidate]] = field(default_factory=dict)
    doubtful: list[Doubtful] = field(default_factory=list)
    sidecars_new: list[tuple[Entry, list[Candidate]]] = field(default_factory=list)
    sidecars_changed: list[tuple[Entry, list[Candidate]]] = field(default_factory=list)
    sidecars_doubtful: list[tuple[Entry, list[Candidate]]] = field(default_factory=list)
    sidecars_gone: list[Owned] = field(default_factory=list)
    is_stirred: bool = False

    @property
    def is_blind(self) -> bool:
        """Whether something could not be looked at, where what seems to be gone may lie:
        then nothing is forgotten.
        """
        return any(skip.outcome == "failed" for skip in self.problems)

    @property
    def is_as_recorded(self) -> bool:
        """Whether every file is as recorded, and every record but those of missing files has its
        file: then there is nothing to do, nor to ask.
        """
        compared = self.compared
        of_sidecars = (
            *(self.sidecars_new, self.sidecars_changed),
            *(self.sidecars_doubtful, self.sidecars_gone),
        )
        is_whole = all(known.state == MISSING for known in compared.gone)
        return is_whole and not any((compared.fresh, self.doubtful, self.problems, *of_sidecars))

    def leave(self, skip: Skip) -> Skip:
        """A file that nothing is done with; one that could not be judged may still be what is
        recorded at its path.
        """
        self.problems.append(skip)
        known = self.compared.recorded_at(skip.source)
        if known is not None and skip.outcome in ("failed", HELD):
            self.compared.explain(known)
        return skip


class Lister(Protocol):
    """What shows the entries of a store."""

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        """See `Store.list`."""
        ...


class Looker:
    """Lists a store and compares it with the records."""

    def __init__(
        self,
        store: Lister,
        records: Records,
        options: Options,
        *,
        by_case: bool = True,
    ) -> None:
        """`by_case`: names that differ in case only are two files."""
        self._store = store
        self._records = records
        self._scope = options.scope
        self._rehash = options.rehash
        self._video_folder = options.video_folder
        self._evidence = options.evidence
        self._stirred = options.stirred
        self._as_recorded = [0, 0]
        self._seen: set[str] = set()
        self._blind_at: set[str] = set()
        self._blind_below: set[str] = set()
        self._renumbered: list[Candidate] = []
        self._spelled = (
            {} if by_case else {comparison_key(p): p for p in (*records.copies, *records.sidecars)}
        )
        self._sight = Sight(Comparison([], {}, []))

    def look(self) -> Sight:
        """List everything; raises what the store raises: a listing is whole,
        or nothing is concluded from it.
        """
        for folder in self._scope.folders:
            try:
                entries = self._store.list(folder, recursive=self._scope.recursive)
                for _folder, rows in itertools.groupby(
                    map(self._named, entries), key=lambda e: e.folder
                ):
                    self._folder(rows)
            except NotFound:
                if not folder or not any(
                    path.startswith(f"{folder}/") for path in self._records.copies
                ):
                    # a folder that is recorded was taken away; any other is a slip of the pen
                    raise
        sight, records = self._sight, self._records
        certain, doubtful = self._as_recorded
        sight.is_stirred = self._stirred or doubtful > max(FEW, certain)
        self._judge_renumbered()
        fresh = {c.entry.path for c in sight.compared.fresh}
        at = {path: records.copies[path] for path in fresh if path in records.copies}
        gone = [
            k
            for path, k in records.copies.items()
            if path not in self._seen and path not in at and not self._is_hidden(path)
        ]
        sight.compared = Comparison(sight.compared.fresh, at, [*gone, *records.lost])
        sight.problems = self._weighed()
        sight.sidecars_gone = [
            owned
            for path, rows in records.sidecars.items()
            if path not in self._seen and not self._is_hidden(path)
            for owned in rows
        ]
        return sight

    def _named(self, entry: Entry) -> Entry:
        """An entry under its recorded path where that differs in case or Unicode form only,
        and the store takes it for one.

        Such a store may show a name in any of its spellings: no rename is concluded from that.
        """
        recorded = (
            self._spelled.get(comparison_key(entry.path), entry.path)
            if self._spelled
            else entry.path
        )
        return entry if recorded == entry.path else replace(entry, path=recorded)

    def _weighed(self) -> list[Skip]:
        """A place that cannot be looked into fails the run where recorded files lie there."""
        below: Counter[str] = Counter(
            place
            for path in self._records.copies
            for place in (path, *_above(path))
            if place in self._blind_below
        )
        return [
            replace(
                s,
                outcome="failed",
                reason=f"{s.reason}; {below[s.source.path]} recorded below are left as they are",
            )
            if below[s.source.path]
            else s
            for s in self._sight.problems
        ]

    def _judge_renumbered(self) -> None:
        """Files of the recorded size and time with another inode were replaced, and are read;
        unless all files were.

        A disk that was restored, and file systems that number files anew at each mount, are
        believed, but not where two files could be taken for each other.
        """
        alike = Counter((c.entry.size, c.entry.mtime_ns) for c in self._renumbered)
        many = len(self._renumbered) > max(FEW, len(self._seen))
        for candidate in self._renumbered:
            entry = candidate.entry
            if many and alike[entry.size, entry.mtime_ns] == 1:
                self._seen.add(entry.path)
                self._sight.unchanged += 1
            else:
                self._sight.compared.fresh.append(candidate)

    def present(self) -> Iterator[RecordedFile]:
        """The records whose files are as recorded."""
        return (known for path, known in self._records.copies.items() if path in self._seen)

    def home(self, path: str) -> str:
        """The folder that counts for a path: that of videos belongs to the one above it."""
        folder = path.rpartition("/")[0]
        above, _, last = folder.rpartition("/")
        return above if self._video_folder and last == self._video_folder else folder

    def _is_hidden(self, path: str) -> bool:
        """Whether nothing can be said of a path: it could not be examined,
        or lies below a link or an unlistable folder.
        """
        return path in self._blind_at or any(place in self._blind_below for place in _above(path))

    def _folder(self, rows: Iterable[Entry]) -> None:
        candidates, skipped = sort_candidates(rows, self._records.copies)
        left = {c.entry.path: c.entry for c in candidates if self._is_left(c.entry)}
        files = [c for c in candidates if not c.entry.problem and c.entry.path not in left]
        fresh_stems = {stem_key(c.entry) for c in files if self._is_fresh(c)}
        for candidate in files:
            self._neighbour(candidate, fresh_stems)
        passed = [skip.source for skip in skipped]
        for entry in (*(c.entry for c in candidates), *passed):
            if entry.problem:
                self._blind(entry)
        orphans = [e for e in (*passed, *left.values()) if not e.problem]
        kept = [e for e in orphans if e.path in self._records.sidecars]
        self._sight.ignored += len(orphans) - len(kept)
        for sidecar, owners in self._sidecars(candidates, kept):
            self._sidecar(sidecar, owners)

    def _is_left(self, entry: Entry) -> bool:
        """Whether it is a recorded sidecar beside no film any more, by whose name none can tell
        that it is one.
        """
        return (
            extension_of(entry.name) in COMMON
            and entry.path in self._records.sidecars
            and entry.path not in self._records.copies
            and not entry.problem
        )

    def _is_fresh(self, candidate: Candidate) -> bool:
        """Whether a file is not as recorded; it is put where it belongs."""
        entry = candidate.entry
        known = self._records.copies.get(entry.path)
        if (
            known is None
            or entry.path in self._records.contested
            or not is_as_recorded(entry, known)
        ):
            self._sight.compared.fresh.append(candidate)
            return True
        is_doubtful = has_other_ctime(entry, known, self._evidence)
        self._as_recorded[is_doubtful] += 1
        if self._rehash:
            self._sight.compared.fresh.append(candidate)
            return True
        if is_doubtful:
            self._sight.doubtful.append(Doubtful(candidate, known))
            self._seen.add(entry.path)
        elif self._evidence.inode and is_renumbered(entry, known):
            self._renumbered.append(candidate)
        else:
            self._seen.add(entry.path)
            self._sight.unchanged += 1
        return False

    def _sidecars(
        self, candidates: Sequence[Candidate], orphans: Iterable[Entry]
    ) -> Iterable[tuple[Entry, list[Candidate]]]:
        """The sidecars of a folder, each with the files that it lies beside.

        One that is recorded is there, even where what it lies beside is no file.
        """
        found: dict[str, tuple[Entry, list[Candidate]]] = {}
        for candidate in candidates:
            is_file = not candidate.entry.problem
            for sidecar in candidate.sidecars:
                if is_file or sidecar.path in self._records.sidecars:
                    owners = found.setdefault(sidecar.path, (sidecar, []))[1]
                    owners += [candidate] if is_file else []
        return (*found.values(), *((orphan, []) for orphan in orphans))

    def _blind(self, entry: Entry) -> None:
        """Something that is no file: what is recorded below it stays;
        at its own place nothing is left of a file.
        """
        self._blind_below.add(entry.path)
        unclear = entry.problem.startswith((UNLISTED, UNEXAMINED))
        if unclear:
            self._blind_at.add(entry.path)
        self._sight.problems.append(Skip(entry, entry.problem, "failed" if unclear else "ignored"))

    def _neighbour(self, candidate: Candidate, fresh_stems: set[str]) -> None:
        """Remember a known file that a fresh one beside it may be of one shot with."""
        path, stem = candidate.entry.path, stem_key(candidate.entry)
        if path in self._seen and stem in fresh_stems:
            self._sight.neighbours.setdefault((self.home(path), stem), []).append(candidate)

    def _sidecar(self, entry: Entry, owners: list[Candidate]) -> None:
        self._seen.add(entry.path)
        rows = self._records.sidecars.get(entry.path)
        if rows and not all(is_as_recorded(entry, r.held) for r in rows):
            self._sight.sidecars_changed.append((entry, owners))
        elif rows and any(has_other_ctime(entry, r.held, self._evidence) for r in rows):
            self._sight.sidecars_doubtful.append((entry, owners))
        elif not rows and owners:
            self._sight.sidecars_new.append((entry, owners))


def _above(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path
