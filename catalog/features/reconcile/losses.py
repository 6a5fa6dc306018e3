"""What becomes of the records that nothing in a store answers to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from catalog.domain.asset import KnownAsset
from catalog.domain.copies import OK
from catalog.features.reconcile.index import Index, batches
from catalog.features.reconcile.plan import Lose, Vanish, fates
from catalog.features.reconcile.questions import Questions
from catalog.features.reconcile.records import Comparison, Records
from catalog.features.reconcile.survey import Options, Sight
from catalog.stores.protocol import Store
from catalog.work import guards


class Losses:
    """Tells what is gone for good. Asks the index where else its content is recorded."""

    def __init__(self, store: Store, index: Index, questions: Questions, options: Options) -> None:
        self._store = store
        self._index = index
        self._questions = questions
        self._options = options

    def check(self, compared: Comparison, records: Records, *, changed: bool = False) -> None:
        """Raise StoreGuard where so much is missing that the store may not be what it seems;
        `changed`: what was overwritten counts, too.
        """
        options = self._options
        if not options.accept_losses:
            missing = sum(
                known.state == OK and (changed or compared.at.get(known.path) != known)
                for known in compared.open_records()
            )
            guards.check_shrunk(
                missing, records.total, options.shrink_percent, options.shrink_files
            )

    def fates(self, sight: Sight, found: set[str]) -> Iterator[Lose | Vanish]:
        """What to do about each record; `found` are the contents that turned up in the store.

        One of the size of a file that could not be read is left as it is: it may be that file.
        """
        compared, holds = sight.compared, self._options.scope.holds
        unread = {skip.source.size for skip in sight.problems if skip.outcome == "failed"}
        gone = [
            known
            for known in compared.open_records()
            if holds(known.path) and known.size not in unread
        ]
        places = {(known.path, known.hash) for known in gone}
        for part in batches(gone):
            assets = self._index.known(sorted({known.hash for known in part}))
            elsewhere = {h: self._elsewhere(a, places, found) for h, a in assets.items()}
            forget = self._options.forget_missing and not sight.is_blind
            for fate in fates(part, elsewhere, forget=forget):
                told = replace(fate, overwritten=fate.known.path in compared.at)
                if isinstance(told, Lose) or told.forget or sight.is_blind:
                    yield told
                else:
                    yield self._questions.vanished(told)

    def _elsewhere(
        self, asset: KnownAsset, gone: set[tuple[str, str]], found: set[str]
    ) -> list[str]:
        """The copies of an asset that count besides those that are gone, as `store:path`."""
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
