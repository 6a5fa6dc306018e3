"""Small pictures of assets, from the first of their copies that can be had."""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from catalog.domain.copies import OK
from catalog.domain.document import AssetDocument, CopyRow
from catalog.domain.names import from_text
from catalog.errors import CatalogError, MediaError, StoreError
from catalog.features.review.preview_cache import PreviewCache
from catalog.media.request import Request
from catalog.stores.protocol import ManagedStore, RemoteStore
from catalog.work.live_copies import find_entry
from catalog.work.store_book import StoreBook
from catalog.work.workers import ReaderPool
from catalog.work.workspace import Workspace

SIDE = 512
"""Pixels on the long side of a preview."""
LOOK_SIDE = 256
"""The same where there is nothing but the tiny picture of the index."""
AT_ONCE = 25
"""Pictures that a store far away is asked for together."""
THREADS = 8
URGENT, USUAL = 0, 1


@dataclass(eq=False, slots=True)
class _Job:
    """One picture to make, and the copies that were not tried yet: those that can be read here,
    and those far away.
    """

    document: AssetDocument
    side: int
    near: deque[tuple[ManagedStore, CopyRow]]
    far: deque[tuple[RemoteStore, CopyRow]]
    future: Future[bytes | None] = field(default_factory=Future)


class Previewer:
    """Makes previews in the background.

    Use as a context manager; `get` may be called from any thread.

    `stores` are those that are there, by name; `pool` is used by this object alone.
    """

    def __init__(
        self, stores: Mapping[str, ManagedStore], pool: ReaderPool, cache: PreviewCache
    ) -> None:
        self._stores = stores
        self._pool = pool
        self._cache = cache
        self._numbers = itertools.count()
        self._near: queue.PriorityQueue[tuple[int, int, _Job | None]] = queue.PriorityQueue()
        self._far: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._under_way = 0
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=work.__name__, daemon=True)
            for work in (self._read_near, self._read_far)
        ]

    def __enter__(self) -> Previewer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closed.set()
        self._near.put((URGENT, -1, None))
        self._far.put(None)
        for thread in self._threads:
            thread.join()

    def get(
        self, document: AssetDocument, side: int = SIDE, *, urgent: bool = False
    ) -> Future[bytes | None]:
        """The JPEG of an asset, upright, at most `side` pixels on its long side;
        None where nothing shows what it looks like.

        `urgent` ones are made before the others.
        """
        kept = self._cache.get(document["hash"], side)
        job = _Job(document, side, *self._copies(document))
        if kept is not None:
            job.future.set_result(kept)
        elif self._closed.is_set():
            job.future.set_result(None)
        else:
            self._near.put((URGENT if urgent else USUAL, next(self._numbers), job))
        return job.future

    def _copies(
        self, document: AssetDocument
    ) -> tuple[deque[tuple[ManagedStore, CopyRow]], deque[tuple[RemoteStore, CopyRow]]]:
        near: deque[tuple[ManagedStore, CopyRow]] = deque()
        far: deque[tuple[RemoteStore, CopyRow]] = deque()
        for row in document.get("copies", ()):
            store = self._stores.get(row["store"])
            if store is None or row["state"] != OK:
                continue
            if isinstance(store, RemoteStore):
                far.append((store, row))
            else:
                near.append((store, row))
        return near, far

    def _guarded(self, work: Callable[[], object]) -> None:
        """A thread's work; what ends it early ends nothing else,
        and nobody waits for what it did not make.
        """
        try:
            with contextlib.suppress(CatalogError):
                work()
        finally:
            self._closed.set()
            self._give_up()

    def _give_up(self) -> None:
        waiting: list[_Job | None] = []
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(self._near.get_nowait()[2])
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(self._far.get_nowait())
        for job in waiting:
            if job is not None:
                self._finish(job, None)
        if None in waiting:  # the word to end may be for the other thread
            self._near.put((URGENT, -1, None))
            self._far.put(None)

    # --- copies that can be read here -------------------------------------------------------------

    def _read_near(self) -> None:
        for job, answer in self._pool.run(self._requests()):
            self._under_way -= 1
            data: object = answer
            if isinstance(data, bytes):
                self._finish(job, data)
            else:
                self._near.put((URGENT, next(self._numbers), job))  # another copy may be better

    def _requests(self) -> Iterator[tuple[_Job, Request] | None]:
        while True:
            if not self._under_way and self._near.empty():
                self._let_go()
            try:
                job = self._near.get(block=not self._under_way)[2]
            except queue.Empty:
                yield None  # a process answers next
                continue
            if job is None:
                return
            kept = self._cache.get(
                job.document["hash"], job.side
            )  # it may have been asked for twice
            request = None if kept is not None else self._request(job)
            if kept is not None:
                job.future.set_result(kept)
            elif request is not None:
                self._under_way += 1
                yield job, request
            elif job.far:
                self._far.put(job)
            else:
                self._finish(job, None)

    def _let_go(self) -> None:
        """Keep no folder open while nobody looks, so that its disk can be taken out."""
        for store in self._stores.values():
            if not isinstance(store, RemoteStore):
                store.close()

    def _request(self, job: _Job) -> Request | None:
        """What to ask for the next copy that is as it is recorded;
        None where there is none left.
        """
        while job.near:
            store, row = job.near.popleft()
            if find_entry(store, row, job.document["hash"]) is not None:
                root = from_text(store.location)
                path = f"{root}/{from_text(row['path'])}"
                return Request(path, size=row["size"], preview=job.side, root=root)
        return None

    # --- copies far away --------------------------------------------------------------------------

    def _read_far(self) -> None:
        with ThreadPoolExecutor(THREADS, thread_name_prefix="stat") as threads:
            while (first := self._far.get()) is not None:
                jobs: list[_Job] = [first]
                while len(jobs) < AT_ONCE and not self._far.empty():
                    more = self._far.get()
                    if more is None:
                        self._far.put(None)
                        break
                    jobs.append(more)
                self._ask(jobs, threads)

    def _ask(self, jobs: Sequence[_Job], threads: ThreadPoolExecutor) -> None:
        """One question for the next copy of each, by store;
        those without an answer wait for their next copy.
        """
        turns = [(job, *job.far.popleft()) for job in jobs]
        there = threads.map(
            lambda turn: find_entry(turn[1], turn[2], turn[0].document["hash"]), turns
        )
        asked = [turn for turn, entry in zip(turns, there, strict=True) if entry is not None]
        found: dict[tuple[str, str], bytes] = {}
        for store in {turn[1].name: turn[1] for turn in asked}.values():
            paths = [
                row["path"] for _job, asked_store, row in asked if asked_store.name == store.name
            ]
            with contextlib.suppress(StoreError):
                found |= {
                    (store.name, path): data for path, data in store.thumbnails(paths).items()
                }
        for job, store, row in turns:
            data = _shrunk(found.get((store.name, row["path"])), job.side)
            if data is None and job.far:
                self._far.put(job)
            else:
                self._finish(job, data)

    def _finish(self, job: _Job, data: bytes | None) -> None:
        if data is not None:
            self._cache.put(job.document["hash"], job.side, data)
        job.future.set_result(data if data is not None else _of_look(job.document))


def _shrunk(thumbnail: bytes | None, side: int) -> bytes | None:
    if thumbnail is None:
        return None
    from catalog.media.previews import shrunk

    with contextlib.suppress(MediaError):
        return shrunk(thumbnail, side)
    return None


def _of_look(document: AssetDocument) -> bytes | None:
    if not document.get("look"):
        return None
    from catalog.media.previews import of_look

    with contextlib.suppress(MediaError):
        return of_look(
            document["look"],
            document.get("width") or LOOK_SIDE,
            document.get("height") or LOOK_SIDE,
            LOOK_SIDE,
        )
    return None


@contextlib.contextmanager
def previewer(workspace: Workspace) -> Iterator[Previewer]:
    """Previews from every store that is there now."""
    limit = workspace.settings.preview_cache_mb * 1_000_000
    with contextlib.ExitStack() as stack:
        book = StoreBook(workspace, workspace.existing_repository)
        stores = stack.enter_context(book.open_present())
        pool = stack.enter_context(workspace.readers())
        yield stack.enter_context(
            Previewer(stores, pool, PreviewCache(workspace.preview_dir, limit))
        )
