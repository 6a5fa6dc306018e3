"""Finding what is recorded among the files of a store, by reading as few of them as it takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from catalog.domain.asset import Entry, KnownAsset
from catalog.domain.copies import OK, RecordedFile, identity, read_recorded
from catalog.domain.fixity import Digests
from catalog.domain.names import comparison_key
from catalog.domain.stacks import Candidate
from catalog.features.reconcile.file_reader import FileReader, unread
from catalog.features.reconcile.index import Index, batches
from catalog.features.reconcile.matches import (
    by_content,
    by_identity,
    says_nothing_new,
    to_read,
    untangle,
)
from catalog.features.reconcile.plan import AddCopy, Known, Relocate
from catalog.features.reconcile.questions import Questions
from catalog.features.reconcile.records import Comparison
from catalog.features.reconcile.survey import Options, Sight
from catalog.stores.protocol import Store
from catalog.work.contents import stated_contents


class Recogniser:
    """Tells which recorded file is which file of a store now. Asks the index, writes nothing.

    `files` None: none is read. `digests` are the contents that became known, by path.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        questions: Questions,
        options: Options,
        files: FileReader | None = None,
    ) -> None:
        self.digests: dict[str, str] = {}
        self._store = store
        self._index = index
        self._questions = questions
        self._options = options
        self._files = files

    def recognise(self, sight: Sight, present: Iterable[RecordedFile]) -> list[Known]:
        """Everything recorded whose content is found in the store, at its place or at another.

        `present` are the records whose files are as recorded. What is explained is taken out of the
        comparison.
        """
        compared = sight.compared
        stated = stated_contents((c.entry for c in compared.fresh), self._index)
        self.digests |= stated
        found = [] if self._options.rehash or stated else by_identity(compared, present)
        if self._files is not None:
            unknown = [c for c in to_read(compared) if c.entry.path not in self.digests]
            self._read(self._files, unknown, sight)
        told, unclear = by_content(compared, self.digests)
        found += self._questions.moved(told, unclear)
        found += self._known_elsewhere(compared)
        actions = untangle(found, compared)
        news = [a for a in actions if not says_nothing_new(a)]
        sight.unchanged += len(actions) - len(news)
        return news

    def _read(self, files: FileReader, candidates: Sequence[Candidate], sight: Sight) -> None:
        """Learn the content hashes; what cannot be read is left alone."""
        newer: dict[str, Candidate] = {}
        failed: set[str] = set()
        for candidate, result in files.hashes(candidates):
            entry = candidate.entry
            if isinstance(result, Digests):
                self.digests[entry.path] = result.content
                newer[entry.path] = candidate
            else:
                sight.leave(replace(unread(candidate, result), outcome="failed"))
                failed.add(entry.path)
        compared = sight.compared
        compared.fresh = [
            newer.get(c.entry.path, c) for c in compared.fresh if c.entry.path not in failed
        ]

    def _known_elsewhere(self, compared: Comparison) -> list[Known]:
        """Fresh files whose content the catalog has: copies,
        or files that came from outside of what is looked at.
        """
        found: dict[str, Known] = {}
        for part in batches([c.entry for c in compared.fresh if c.entry.path in self.digests]):
            assets = self._index.known(sorted({self.digests[e.path] for e in part}))
            for entry in part:
                asset = assets.get(self.digests[entry.path])
                if asset is not None:
                    found[entry.path] = self.arrival(asset, entry, compared)
        compared.fresh = [c for c in compared.fresh if c.entry.path not in found]
        return list(found.values())

    def arrival(self, asset: KnownAsset, entry: Entry, compared: Comparison) -> Relocate | AddCopy:
        """A file that holds a known asset: a move, where a copy outside of the scope is no longer
        there; else a further copy.
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
                return Relocate(read_recorded(row, asset.hash, asset.checksums), entry)
        return AddCopy(asset.hash, entry, replaces=compared.recorded_at(entry) is not None)
