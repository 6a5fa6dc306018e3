"""The survey of a reconciliation: a store's listing beside what the index says of it. Only reads, and only names and times."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from catalog.domain.asset import UNLISTED, Entry
from catalog.domain.copies import MISSING, OK, Held, held, is_as_recorded
from catalog.domain.filetypes import MEDIA_EXTENSIONS, extension_of
from catalog.domain.stacks import Candidate, stem_key
from catalog.errors import NotFound
from catalog.execution.survey import sorted_out
from catalog.plans.actions import Skip
from catalog.plans.reconcile import Comparison
from catalog.stores.protocol import Store


class Recorded(NamedTuple):
    """The part of one document that a reconciliation needs."""

    hash: str
    copies: Sequence[Mapping[str, Any]]
    sidecars: Sequence[Mapping[str, Any]]
    stack: str


class Owned(NamedTuple):
    """A recorded sidecar and the asset it belongs to."""

    held: Held
    owner: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of a store that is looked at: some folders ("" is all of it), with what lies below them or not."""

    folders: tuple[str, ...] = ("",)
    recursive: bool = True

    def holds(self, path: str) -> bool:
        """Whether a path belongs to it."""
        folder = path.rpartition("/")[0]
        if not self.recursive:
            return folder in self.folders
        return any(not f or folder == f or folder.startswith(f"{f}/") for f in self.folders)


@dataclass(slots=True)
class Records:
    """What the index says of a store: copies and sidecars by path, in one scope; `lost` are missing wherever they were."""

    copies: dict[str, Held] = field(default_factory=dict)
    lost: list[Held] = field(default_factory=list)
    contested: set[str] = field(default_factory=set)
    sidecars: dict[str, list[Owned]] = field(default_factory=lambda: defaultdict(list))
    stack_of: dict[str, str] = field(default_factory=dict)
    total: int = 0

    @classmethod
    def gathered(cls, found: Iterable[Recorded], store: str, scope: Scope) -> Records:
        """From the documents that speak of the store."""
        records = cls()
        for document in found:
            for row in document.copies:
                if row["store"] == store:
                    records._add(held(row, document.hash), scope)
            for row in document.sidecars:
                if row["store"] == store and scope.holds(row["path"]):
                    records.sidecars[row["path"]].append(Owned(held(row, row["hash"], "sidecar"), document.hash))
            if document.stack:
                records.stack_of[document.hash] = document.stack
        return records

    def _add(self, known: Held, scope: Scope) -> None:
        self.total += known.state == OK
        if known.state == MISSING:
            self.lost.append(known)
        elif not scope.holds(known.path):
            return
        elif known.path in self.copies:  # two assets claim one file: at most one is right
            self.lost.append(known)
            self.contested.add(known.path)
        else:
            self.copies[known.path] = known


@dataclass(slots=True)
class Sight:
    """What a look at a store showed, beside the records. `shots` are the folder-mates of fresh files that may be one shot."""

    compared: Comparison
    unchanged: int = 0
    ignored: int = 0
    problems: list[Skip] = field(default_factory=list)
    neighbours: dict[str, list[Candidate]] = field(default_factory=dict)
    sidecars_new: list[tuple[Entry, Candidate]] = field(default_factory=list)
    sidecars_changed: list[tuple[Entry, Candidate | None]] = field(default_factory=list)
    sidecars_gone: list[Owned] = field(default_factory=list)


class Looker:
    """Lists a store and compares it with the records."""

    def __init__(self, store: Store, records: Records, scope: Scope, *, rehash: bool = False, video_folder: str = "") -> None:
        self._store = store
        self._records = records
        self._scope = scope
        self._rehash = rehash
        self._video_folder = video_folder
        self._seen: set[str] = set()
        self._unseen: list[str] = []
        self._sight = Sight(Comparison([], {}, []))

    def look(self) -> Sight:
        """List everything; raises what the store raises: a listing is whole, or nothing is concluded from it."""
        for folder in self._scope.folders:
            try:
                entries = self._store.list(folder, recursive=self._scope.recursive)
                for _folder, rows in itertools.groupby(entries, key=lambda e: e.folder):
                    self._folder(rows)
            except NotFound:
                if not folder or not any(path.startswith(f"{folder}/") for path in self._records.copies):
                    raise  # a folder that is recorded was taken away; any other is a slip of the pen
        sight, records = self._sight, self._records
        fresh = {c.entry.path for c in sight.compared.fresh}
        at = {path: records.copies[path] for path in fresh if path in records.copies}
        gone = [
            k for path, k in records.copies.items() if path not in self._seen and path not in at and not self._is_hidden(path)
        ]
        sight.compared = Comparison(sight.compared.fresh, at, [*gone, *records.lost])
        sight.problems = [self._weighed(skip) for skip in sight.problems]
        sight.sidecars_gone = [
            owned
            for path, rows in records.sidecars.items()
            if path not in self._seen and not self._is_hidden(path)
            for owned in rows
        ]
        return sight

    def _weighed(self, skip: Skip) -> Skip:
        """A place that cannot be looked into fails the run where recorded files lie there."""
        path = skip.source.path
        count = sum(1 for known in self._records.copies if known == path or known.startswith(f"{path}/"))
        return (
            replace(skip, outcome="failed", reason=f"{skip.reason}; {count} recorded below are left as they are")
            if count
            else skip
        )

    def present(self) -> Iterator[Held]:
        """The records whose files are as recorded."""
        return (known for path, known in self._records.copies.items() if path in self._seen)

    def home(self, path: str) -> str:
        """The folder that counts for a path: that of videos belongs to the one above it."""
        folder = path.rpartition("/")[0]
        above, _, last = folder.rpartition("/")
        return above if self._video_folder and last == self._video_folder else folder

    def _is_hidden(self, path: str) -> bool:
        """Whether a path lies where nothing could be seen: below a folder that could not be listed, or at a link."""
        return any(path == blind or path.startswith(f"{blind}/") for blind in self._unseen)

    def _folder(self, rows: Iterable[Entry]) -> None:
        candidates, skipped = sorted_out(rows)
        fresh_stems: set[str] = set()
        for candidate in candidates:
            if candidate.entry.problem:
                self._blind(candidate.entry)
            elif self._is_unchanged(candidate.entry):
                self._seen.add(candidate.entry.path)
                self._sight.unchanged += 1
            else:
                self._sight.compared.fresh.append(candidate)
                fresh_stems.add(stem_key(candidate.entry))
        for candidate in candidates:
            if not candidate.entry.problem:
                self._neighbour(candidate, fresh_stems)
                for sidecar in candidate.sidecars:
                    self._sidecar(sidecar, candidate)
        for skip in skipped:
            if skip.source.problem:
                self._blind(skip.source)
            elif skip.source.path in self._records.sidecars:
                self._sidecar(skip.source, None)
            else:
                self._sight.ignored += 1

    def _is_unchanged(self, entry: Entry) -> bool:
        known = self._records.copies.get(entry.path)
        if known is None or self._rehash or entry.path in self._records.contested:
            return False
        return is_as_recorded(entry, known)

    def _blind(self, entry: Entry) -> None:
        self._unseen.append(entry.path)
        fails = extension_of(entry.name) in MEDIA_EXTENSIONS or entry.problem.startswith(UNLISTED)
        self._sight.problems.append(Skip(entry, entry.problem, "failed" if fails else "ignored"))

    def _neighbour(self, candidate: Candidate, fresh_stems: set[str]) -> None:
        """Remember a known file that a fresh one beside it may be of one shot with."""
        path, stem = candidate.entry.path, stem_key(candidate.entry)
        if path in self._seen and stem in fresh_stems:
            self._sight.neighbours.setdefault(f"{self.home(path)}/{stem}", []).append(candidate)

    def _sidecar(self, entry: Entry, candidate: Candidate | None) -> None:
        if entry.path in self._seen:
            return
        rows = self._records.sidecars.get(entry.path)
        if rows:
            self._seen.add(entry.path)
            if not all(is_as_recorded(entry, r.held) for r in rows):
                self._sight.sidecars_changed.append((entry, candidate))
        elif candidate is not None:
            self._seen.add(entry.path)
            self._sight.sidecars_new.append((entry, candidate))
