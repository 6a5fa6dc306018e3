"""A reconciliation of what is known only: no file is read, and nothing that is new is loaded."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.domain.actions import Skip
from catalog.domain.filetypes import MEDIA_EXTENSIONS, extension_of
from catalog.features.reconcile.index import Index
from catalog.features.reconcile.losses import Losses
from catalog.features.reconcile.matches import keep_unread
from catalog.features.reconcile.plan import Reconciliation
from catalog.features.reconcile.questions import Questions
from catalog.features.reconcile.recognition import Recogniser
from catalog.features.reconcile.records import Records
from catalog.features.reconcile.sidecars import attachments, without_new_contents
from catalog.features.reconcile.survey import Looker, Options
from catalog.stores.protocol import Store
from catalog.work.live_listing import LiveListing


class KnownReconciler:
    """Makes the plan for one store from its listing alone:
    contents are known where the store states them.

    A store that states none is compared by size, time and inode; a record whose file is gone while
    files lie there that nobody has read is left alone where one of them may be it. `unknown`
    counts, once the plan is made, the photos and videos that the catalog does not have, or may not
    have. Nobody is asked anything: nothing is lost by the answers that are taken.
    """

    def __init__(
        self, store: Store, index: Index, records: Records, seen: LiveListing, options: Options
    ) -> None:
        questions = Questions()
        by_case = store.capabilities.case_sensitive
        self._looker = Looker(seen, records, options, by_case=by_case)
        self._records = records
        self._recogniser = Recogniser(store, index, questions, options)
        self._losses = Losses(store, index, questions, options)
        self.unknown = 0

    def plan(self) -> Iterator[Reconciliation | Skip]:
        """The actions: what is found, then what is gone.

        Raises StoreGuard as `Reconciler.plan` does.
        """
        records, sight = self._records, self._looker.look()
        known = self._recogniser.recognise(sight, self._looker.present())
        compared = sight.compared
        keep_unread(compared, self._recogniser.digests)
        self.unknown = sum(extension_of(c.entry.name) in MEDIA_EXTENSIONS for c in compared.fresh)
        self._losses.check(compared, records, changed=True)
        stated = attachments(known, sight, records, lambda entry: entry.content_hash, loads=False)
        actions = [*known, *without_new_contents(stated, records)]
        problems = [skip for skip in sight.problems if skip.outcome == "failed"]
        yield from sorted([*problems, *actions], key=lambda a: (a.key, a.name))
        yield from self._losses.fates(sight, {a.hash for a in actions})
