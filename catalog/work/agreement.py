"""That a run found nothing to do, kept with marks of what it saw: while index and stores are as
they were then, there is nothing to do, and no file and no document is looked at again.

What is kept is no truth: without it everything is looked at.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from catalog.filesystem.aside import replace_file
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.version import __version__
from catalog.work.live_listing import LiveListing

BELIEVED = 24 * 3600
"""Seconds after which everything is looked at again."""
Counts = Mapping[str, int]


class Agreement:
    """Whether the index agrees with some stores, by what the last run that found so has kept.

    `state` is the folder in which that is kept, and with `keeps` kept anew. `what` names the kind
    of run; `options` are all else that its plan follows from.
    """

    def __init__(
        self,
        state: Path,
        repository: Repository,
        stores: Sequence[ManagedStore],
        what: str,
        options: object,
        *,
        keeps: bool = True,
    ) -> None:
        places = [f"{store.kind} {store.name} {store.location}" for store in stores]
        name = hashlib.sha256(f"{what} {places}".encode(errors="surrogateescape")).hexdigest()[:32]
        self._file = state / "agreements" / f"{name}.json"
        self._about = f"{__version__} {what} {options!r}"
        self._repository = repository
        # where it costs little first
        self._stores = sorted(stores, key=lambda store: store.folder is not None)
        self._keeps = keeps
        self._index = ""

    def recall(self) -> Counts | None:
        """What was counted by that run, if nothing has changed since; to be asked before anything
        is read. Raises what the stores raise.
        """
        self._index = self._repository.change_mark()
        try:
            kept = orjson.loads(self._file.read_bytes())
            is_of_now = 0 <= time.time() - kept["at"] < BELIEVED
            is_alike = (kept["about"], kept["index"]) == (self._about, self._index)
            if not (self._index and is_of_now and is_alike):
                return None
            marks, counts = dict(kept["stores"]), dict(kept["counts"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        for store in self._stores:
            if not marks.get(store.name) or marks[store.name] != _mark_now(store):
                return None
        return counts

    def keep(self, counts: Counts, marks: Mapping[str, str]) -> None:
        """There was nothing to do; `marks` are those of the stores as they were listed since, ""
        where there is none.
        """
        if not (self._keeps and self._index and all(marks.values())):
            return
        kept = {"at": time.time(), "about": self._about, "index": self._index}
        kept |= {"stores": marks, "counts": counts}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self._file, orjson.dumps(kept))
        except OSError:  # the next run looks at everything
            return


def _mark_now(store: ManagedStore) -> str:
    if store.folder is None:
        return store.mark()
    seen = LiveListing(store)
    for _entry in seen.list():
        pass
    return seen.mark
