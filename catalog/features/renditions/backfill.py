"""Making the small pictures of a catalog that has none yet, in the background, newest first."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from catalog.errors import CatalogError
from catalog.features.renditions.pictures import Picture, PictureMaker
from catalog.features.renditions.store import RenditionStore
from catalog.features.renditions.stores import GRID
from catalog.index.client import Query
from catalog.index.repository import Repository

AT_ONCE = 32
"""Pictures that are asked for ahead."""
PAUSE_SECONDS = 600.0
"""Between one pass and the next: stores that were away may be back."""
_ORDER: Sequence[Query] = [{"captured.wall": {"order": "desc", "missing": "_last"}}]
_FIELDS = ("hash", "copies", "look", "width", "height", "extension")


@dataclass(slots=True)
class Filled:
    """How far a pass is: assets that were looked at, of how many; pictures that were made, and that
    could not be.
    """

    done: int = 0
    of: int = 0
    made: int = 0
    failed: int = 0


class Backfill:
    """Passes over the catalog, in a thread of its own, until it is left, or the store of small
    pictures is full. Use as a context manager.
    """

    def __init__(
        self, repository: Repository, store: RenditionStore, pictures: PictureMaker
    ) -> None:
        self.state = Filled()
        self._repository = repository
        self._store = store
        self._pictures = pictures
        self._ended = threading.Event()
        self._waiting: deque[Future[Picture]] = deque()
        self._thread = threading.Thread(target=self._work, name="backfill", daemon=True)

    def __enter__(self) -> Backfill:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        for future in list(self._waiting):
            future.cancel()
        self._thread.join()

    def _work(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(CatalogError):  # the next pass goes on
                self._pass()
            self._ended.wait(PAUSE_SECONDS)

    def _pass(self) -> None:
        self.state = Filled(of=self._repository.count({"match_all": {}}))
        for page in self._repository.scan_pages(sort=_ORDER, source=_FIELDS):
            documents = {hit["_id"]: hit["_source"] for hit in page}
            for name in self._store.lacking(list(documents), GRID):
                if self._ended.is_set() or self._store.is_full:
                    return
                self._waiting.append(
                    self._pictures.picture(documents[name], GRID, urgent=False, last=True)
                )
                self._settle(AT_ONCE)
            self.state.done += len(page)
        self._settle(0)

    def _settle(self, left: int) -> None:
        """Wait until no more than so many are under way."""
        while len(self._waiting) > left and not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                picture = self._waiting[0].result(1.0)
                self._waiting.popleft()
                self.state.made += picture.lasting and not picture.broken
                self.state.failed += not picture.lasting or picture.broken
