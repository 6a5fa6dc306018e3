"""A reconciliation of what is known only: no file is read, and nothing that is new is loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.copies import Held, identity
from catalog.domain.filetypes import MEDIA_EXTENSIONS, extension_of
from catalog.domain.stacks import Candidate
from catalog.features.reconcile.comparison import Looker, Records, Scope, Sight
from catalog.features.reconcile.plan import Attach, Comparison, Known, Reconciliation, may_be_one_of
from catalog.features.reconcile.survey import Index, Options, Reconciler
from catalog.stores.protocol import Store
from catalog.work.description import Describer
from catalog.work.listing import Listing
from catalog.work.reading import Reading


class TakesTheSafeAnswer:
    """Decides what is unclear when nobody is asked: nothing is lost by it."""

    def decide(self, kind: str, lines: Sequence[str], otherwise: bool) -> bool:  # noqa: ARG002
        """The answer that loses nothing."""
        return otherwise


class KnownReconciler(Reconciler):
    """Makes the plan for one store from its listing alone:
    contents are known where the store states them.

    A store that states none is compared by size, time and inode; a record whose file is gone while
    files lie there that nobody has read is left alone where one of them may be it. `unknown`
    counts, once the plan is made, the photos and videos that the catalog does not have, or may not
    have.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        records: Records,
        seen: Listing,
        options: Options,
        now: Callable[[], datetime],
    ) -> None:
        no_reading, no_describer = cast("Reading", None), cast("Describer", None)  # nothing is read
        super().__init__(
            store, index, no_reading, no_describer, TakesTheSafeAnswer(), options, now=now
        )
        self._records = records
        self._seen = seen
        self.unknown = 0

    def plan(self) -> Iterator[Reconciliation | Skip]:
        """The actions: what is found, then what is gone.

        Raises StoreGuard as `Reconciler.plan` does.
        """
        records, options = self._records, self._options
        looker = Looker(
            self._seen,
            records,
            Scope(),
            video_folder=options.video_folder,
            by_case=self._store.capabilities.case_sensitive,
        )
        sight = self.sight = looker.look()
        known = self._recognised(sight.compared, looker)
        self._leave_unread(sight.compared)
        self._check_losses(sight.compared, records)
        actions = [*known, *self._attachments(known, sight, records)]
        problems = [s for s in sight.problems if s.outcome == "failed"]
        yield from sorted([*problems, *actions], key=lambda a: (a.key, a.name))
        yield from self._gone(sight.compared, {a.hash for a in actions})

    def _hash(self, candidates: Sequence[Candidate]) -> None:
        """Nothing: the contents that the store states are known by then."""

    def _leave_unread(self, compared: Comparison) -> None:
        """Count what is not known, and keep the records that a file which nobody has
        read may be.
        """
        self.unknown = sum(extension_of(c.entry.name) in MEDIA_EXTENSIONS for c in compared.fresh)
        unread = [c.entry for c in compared.fresh if c.entry.path not in self._digests]
        at = {e.path: e for e in unread}
        by_size: dict[int, list[Entry]] = defaultdict(list)
        for entry in unread:
            by_size[entry.size].append(entry)
        for known in compared.open_records():
            beside = [at[known.path]] if known.path in at else []
            if any(may_be_one_of(entry, [known]) for entry in (*beside, *by_size[known.size])):
                compared.explain(known)

    def _attachments(self, known: Sequence[Known], sight: Sight, records: Records) -> list[Attach]:
        """What came and went beside known assets;
        a sidecar whose content is new is left to be read.
        """
        before: dict[str, set[str]] = defaultdict(set)
        for owned in (o for rows in records.sidecars.values() for o in rows):
            before[owned.owner].add(owned.held.hash)
        found = []
        for action in super()._attachments(known, sight, records):
            came = tuple(row for row in action.came if row[1] in before[action.hash])
            if came or action.gone:
                found.append(replace(action, came=came, beside=(), reread=False))
        return found

    def _further_readers(
        self, entry: Entry, owners: Sequence[str], came: dict[str, list[tuple[Entry, str]]]
    ) -> None:
        """Nothing is read again."""

    def _arrive(
        self,
        entry: Entry,
        owner: str,
        moved: Mapping[Any, Held],
        came: dict[str, list[tuple[Entry, str]]],
    ) -> None:
        key = identity(entry)
        digest = moved[key].hash if key in moved else entry.content_hash
        if digest:
            came[owner].append((entry, digest))
