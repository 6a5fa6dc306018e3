"""Finding what is recorded among the files of a store, by reading as few of them as it takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from catalog.domain.asset import Entry, KnownAsset
from catalog.domain.copies import OK, RecordedFile, identity, is_as_recorded, read_recorded
from catalog.domain.evidence import has_other_ctime
from catalog.domain.fixity import Digests
from catalog.domain.names import comparison_key
from catalog.domain.stacks import Candidate
from catalog.features.reconcile.file_reader import FileReader
from catalog.features.reconcile.held_changes import Faults, Holding
from catalog.features.reconcile.index import Index, batches
from catalog.features.reconcile.matches import (
    by_content,
    by_identity,
    says_nothing_new,
    to_read,
    untangle,
)
from catalog.features.reconcile.numbers import NumberWriter
from catalog.features.reconcile.plan import AddCopy, Attach, Known, Relocate, Touch
from catalog.features.reconcile.questions import Questions
from catalog.features.reconcile.records import Comparison, Records
from catalog.features.reconcile.sidecars import DigestOf
from catalog.features.reconcile.survey import HELD, Doubtful, Options, Sight
from catalog.stores.protocol import Store
from catalog.work.contents import content_of, stated_contents


class Recogniser:
    """Tells which recorded file is which file of a store now. Asks the index, writes nothing.

    `files` None: none is read. `digests` are the contents that became known, by path. `numbers`
    learns of files that were read and are as recorded but for their numbers: `reread` counts those
    that were read for nothing but their ctime. `holding` tells which changes are for a person.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        questions: Questions,
        options: Options,
        files: FileReader | None = None,
        numbers: NumberWriter | None = None,
    ) -> None:
        self.digests: dict[str, str] = {}
        self.holding = Holding(options)
        self.reread = 0
        self._store = store
        self._index = index
        self._questions = questions
        self._options = options
        self._files = files
        self._numbers = numbers or NumberWriter(store.name)

    def recognise(self, sight: Sight, present: Iterable[RecordedFile]) -> list[Known]:
        """Everything recorded whose content is found in the store, at its place or at another.

        `present` are the records whose files are as recorded. What is explained is taken out of the
        comparison.
        """
        compared = sight.compared
        if sight.is_stirred and self._files is not None:
            self._numbers.stir()
        differing = self._prove(sight)
        if self._files is None:
            sight.unchanged += len(sight.doubtful)
            differing = sight.doubtful
        unproved = {doubt.known.path for doubt in differing}
        present = (known for known in present if known.path not in unproved)
        stated = stated_contents((c.entry for c in compared.fresh), self._index)
        self.digests |= stated
        found = [] if self._options.rehash or stated else by_identity(compared, present)
        if self._files is not None:
            compared.fresh += [doubt.candidate for doubt in differing]
            compared.at |= {doubt.known.path: doubt.known for doubt in differing}
        if self._files is not None:
            unknown = [c for c in to_read(compared) if c.entry.path not in self.digests]
            self._read(self._files, unknown, sight)
        told, unclear = by_content(compared, self.digests, self._options.evidence)
        found += self._questions.moved(told, unclear)
        found += self._known_elsewhere(compared)
        actions = untangle(found, compared)
        news = [a for a in actions if not says_nothing_new(a)]
        sight.unchanged += len(actions) - len(news)
        self._note_numbers(actions, news)
        return news

    def _note_numbers(self, actions: Sequence[Known], news: Sequence[Known]) -> None:
        """Of files that were read anyway and are as they were, the numbers that are others."""
        told = {id(action) for action in news}
        for action in actions:
            if not isinstance(action, Touch) or action.unread or id(action) in told:
                continue
            if action.entry.ctime_ns != action.known.ctime_ns:
                self._numbers.note(action.hash, action.entry)

    def _prove(self, sight: Sight) -> list[Doubtful]:
        """Read what nothing but its ctime speaks against; those that have other content."""
        if self._files is None or not sight.doubtful:
            return []
        records = {doubt.candidate.entry.path: doubt.known for doubt in sight.doubtful}
        differing: list[Doubtful] = []
        self.reread += len(records)
        self._numbers.begin(len(records))
        for candidate, result in self._files.hashes([d.candidate for d in sight.doubtful]):
            entry, known = candidate.entry, records[candidate.entry.path]
            if not isinstance(result, Digests):
                skip = self.holding.unread(candidate, result, is_recorded=True)
                if skip.outcome == "unsupported":
                    differing.append(Doubtful(candidate, known))
                else:
                    sight.leave(skip)
            elif result.content == known.hash and is_as_recorded(entry, known):
                sight.unchanged += 1
                self._numbers.note(known.hash, entry)
            else:
                self.digests[entry.path] = result.content
                self.holding.differing.add(entry.path)
                differing.append(Doubtful(candidate, known))
        self._numbers.end()
        return differing

    def hold(self, sight: Sight, records: Records, faults: Faults) -> None:
        """Leave the changes that are for a person. Where most files have another ctime, it is noted
        of those that it tells nothing: else the next look would take them for edits.
        """
        self.holding.hold_files(sight, records)
        self.holding.hold_sidecars(sight, records, faults)
        for owner, entry in self.holding.unproved:
            self._numbers.note(owner, replace(entry, ctime_ns=0))

    def prove_found(self, actions: Sequence[Relocate | Touch | Attach]) -> None:
        """Read what was recorded without reading it, and has another ctime, as every file that is
        renamed by itself. What has other content is left to the next look, which finds it doubtful.
        """
        if self._files is None or not self._options.evidence.ctime:
            return
        found = {a.entry.path: a.hash for a in actions if not isinstance(a, Attach) and a.unread}
        candidates = [
            Candidate(a.entry)
            for a in actions
            if not isinstance(a, Attach)
            and a.unread
            and has_other_ctime(a.entry, a.known, self._options.evidence)
        ]
        if candidates:
            self.reread += len(candidates)
            self._numbers.begin(len(candidates))
            for candidate, result in self._files.hashes(candidates):
                path = candidate.entry.path
                if isinstance(result, Digests) and result.content == found[path]:
                    self._numbers.note(result.content, candidate.entry)
                else:
                    self.holding.differing.add(path)
            self._numbers.end()
        for action in actions:
            if isinstance(action, Attach):
                self._prove_attached(action)

    def _prove_attached(self, action: Attach) -> None:
        """The same for sidecars that went along."""
        for entry, digest in action.came:
            now = self._store.stat(entry.path)
            if now is None or now.ctime_ns == entry.ctime_ns:
                continue
            self.reread += 1
            if content_of(self._store, now) == digest:
                self._numbers.note(action.hash, now)
            else:
                self.holding.differing.add(entry.path)

    def prove_sidecars(self, sight: Sight, records: Records, digest_of: DigestOf) -> None:
        """The same for sidecars: those of other content have changed."""
        for entry, owners in sight.sidecars_doubtful:
            rows, digest = records.sidecars[entry.path], digest_of(entry)
            self.reread += 1
            if any(digest != row.held.hash for row in rows):
                self.holding.differing.add(entry.path)
                sight.sidecars_changed += [(entry, owners)] if digest else []
            else:
                for row in rows:
                    self._numbers.note(row.owner, entry)

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
                is_recorded = sight.compared.recorded_at(entry) is not None
                skip = self.holding.unread(candidate, result, is_recorded=is_recorded)
                outcome = HELD if skip.outcome == HELD else "failed"
                sight.leave(replace(skip, outcome=outcome))
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
