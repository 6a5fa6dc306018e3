"""Pictures of assets, made in the background from the first of their copies that can be had: what
somebody waits for first.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import queue
import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog.domain.copies import OK
from catalog.domain.document import AssetDocument
from catalog.domain.names import from_text
from catalog.errors import CatalogError, GaveUp, MediaError, StoreError
from catalog.features.renditions.shelf import LiveCopy, Shelf
from catalog.features.renditions.stores import Stores
from catalog.media.request import Request
from catalog.stores.scratch import scratch_folder
from catalog.work.workers import Limits, Nursery, ReaderPool

_LOG = logging.getLogger(__name__)
LOOK_SIDE = 256
"""Pixels on the long side where there is nothing but the tiny picture of the index."""
THUMBNAIL_SIDE = 640
"""Pixels up to which the picture that a service makes itself is good enough."""
AT_ONCE = 25
"""Pictures that a store far away is asked for together."""
THREADS = 8
LARGEST_FETCHED = 256 << 20
"""Bytes of a file far away that is fetched for its picture."""
MOST_BROKEN = 100_000
"""Pictures that cannot be made which are remembered, so that nobody tries again."""
URGENT, USUAL, LAST = 0, 1, 2
WEBP = "image/webp"
NOWHERE = "no copy of it can be had now"
ENDED = "the program is ending"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, or without `data` the `reason` why there is none.

    One that is not `lasting` is only what can be shown for now: the tiny grey picture of the index
    while no copy answers; it must not be remembered.
    """

    data: bytes = b""
    reason: str = ""
    lasting: bool = True
    media_type: str = WEBP

    @property
    def broken(self) -> bool:
        """Whether there is nothing to show."""
        return not self.data


@dataclass(eq=False, slots=True)
class _Job:
    """One picture to make; why it could not be made yet, and of how many copies nothing could be.
    Who has `claim` makes it.
    """

    document: AssetDocument
    side: int
    future: Future[Picture] = field(default_factory=Future)
    reason: str = ""
    tried: int = 0
    claim: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_hopeless(self) -> bool:
        """Whether no copy that should be good gives a picture."""
        rows = self.document.get("copies", ())
        return 0 < self.tried == sum(1 for row in rows if row["state"] == OK)

    def begin(self) -> bool:
        """Whether it is still wanted, and nobody else makes it."""
        return self.claim.acquire(blocking=False) and self.future.set_running_or_notify_cancel()


_Queued = tuple[int, int, _Job | None]


class PictureMaker:
    """Makes pictures in the background, of what lies in the stores of a shelf.

    Use as a context manager; its methods may be called from any thread. One thread a core makes
    what is asked for, and one more only what is urgent, so that nobody waits for work that nobody
    waits for. `scratch` is a folder for what is fetched, kept for moments.
    """

    def __init__(
        self,
        shelf: Shelf,
        stores: Stores,
        scratch: Path,
        limits: Limits | None = None,
        workers: int = 0,
    ) -> None:
        self._shelf = shelf
        self._stores = stores
        self._limits = limits or Limits()
        self._scratch = scratch
        self._numbers = itertools.count()
        self._jobs: queue.PriorityQueue[_Queued] = queue.PriorityQueue()
        self._urgent: queue.PriorityQueue[_Queued] = queue.PriorityQueue()
        self._far: queue.PriorityQueue[_Queued] = queue.PriorityQueue()
        self._broken: dict[tuple[str, int], str] = {}
        self._closed = threading.Event()
        self._nursery = Nursery(self._limits)
        count = workers or len(os.sched_getaffinity(0))
        self._threads = [
            threading.Thread(target=work, args=(waiting,), name=name, daemon=True)
            for work, waiting, name in (
                *[(self._make, self._jobs, "pictures")] * count,
                (self._make, self._urgent, "pictures-urgent"),
                (self._make_far, self._far, "pictures-far"),
            )
        ]

    def __enter__(self) -> PictureMaker:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closed.set()
        for waiting in (self._jobs, self._urgent, self._far):
            self._give_up(waiting)
        for thread in self._threads:
            thread.join()
        self._nursery.close()

    def kept(self, content_hash: str, side: int) -> bytes | None:
        """A picture that was made before, at once; the document is not needed for it."""
        return self._stores.of(side).get(content_hash, side)

    def picture(
        self, document: AssetDocument, side: int, urgent: bool = True, *, last: bool = False
    ) -> Future[Picture]:
        """The WebP of an asset, upright, at most `side` (of SIDES) pixels on its long side.

        `urgent` ones are made before the others, `last` ones after them. Where the future is
        cancelled before it is begun, it is not made.
        """
        job = _Job(document, side)
        kept = self.kept(document["hash"], side)
        if kept is not None:
            job.future.set_result(Picture(kept))
        elif reason := self._broken.get((document["hash"], side)):
            job.future.set_result(Picture(reason=reason))
        elif self._closed.is_set():
            job.future.set_result(Picture(reason=ENDED, lasting=False))
        else:
            self._put(job, URGENT if urgent else LAST if last else USUAL)
        return job.future

    def _put(self, job: _Job, urgency: int) -> None:
        """For whoever is first: what is urgent waits in two places."""
        queued = (urgency, next(self._numbers), job)
        self._jobs.put(queued)
        if urgency == URGENT:
            self._urgent.put(queued)

    # --- threads ----------------------------------------------------------------------------------

    def _give_up(self, waiting: queue.PriorityQueue[_Queued]) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                job = waiting.get_nowait()[2]
                if job is not None and not job.future.done():
                    self._finish(job, None, ENDED)
        for _thread in self._threads:
            waiting.put((URGENT, -1, None))

    def _make(self, waiting: queue.PriorityQueue[_Queued]) -> None:
        """Make pictures of copies that can be read here, one after the other."""
        with ReaderPool(1, self._limits, self._nursery) as pool:
            while (queued := waiting.get())[2] is not None:
                urgency, _number, job = queued
                if job is None or not job.begin():
                    continue
                with self._settling([job]):
                    if (kept := self.kept(job.document["hash"], job.side)) is not None:
                        job.future.set_result(Picture(kept))  # it was asked for twice
                        continue
                    data = self._read_near(job, pool)
                    if data is None and self._shelf.has_far(job.document):
                        self._far.put((urgency, next(self._numbers), job))
                    else:
                        self._finish(job, data)

    @contextlib.contextmanager
    def _settling(self, jobs: Sequence[_Job]) -> Iterator[None]:
        """Whatever goes wrong with some jobs costs no others, and nobody waits for them."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, CatalogError):
                _LOG.exception("pictures of %s", ", ".join(job.document["hash"] for job in jobs))
            for job in jobs:
                if not job.future.done():
                    self._finish(job, None, str(error))

    def _read_near(self, job: _Job, pool: ReaderPool) -> bytes | None:
        with contextlib.closing(self._shelf.copies(job.document, far=False)) as copies:
            for copy in copies:
                root = from_text(copy.store.location)
                path = f"{root}/{from_text(copy.path)}"
                data = self._read(job, pool, Request(path, size=copy.row["size"], root=root))
                if data is not None:
                    return data
        return None

    def _read(self, job: _Job, pool: ReaderPool, request: Request) -> bytes | None:
        """The picture of a file; why there is none is noted."""
        answers = pool.run([(None, replace(request, preview=job.side))])
        answer: object = next(iter(answers))[1]
        if isinstance(answer, bytes):
            return answer
        job.reason = str(answer)
        job.tried += not isinstance(answer, GaveUp)
        return None

    # --- copies far away --------------------------------------------------------------------------

    def _make_far(self, waiting: queue.PriorityQueue[_Queued]) -> None:
        """Ask services for pictures, many together, and fetch what they have none of."""
        with (
            ThreadPoolExecutor(THREADS, thread_name_prefix="stat") as threads,
            ReaderPool(1, self._limits, self._nursery) as pool,
        ):
            while (first := waiting.get()[2]) is not None:
                jobs = [first]
                while len(jobs) < AT_ONCE and not waiting.empty():
                    more = waiting.get()[2]
                    if more is None:
                        waiting.put((URGENT, -1, None))
                        break
                    jobs.append(more)
                with self._settling(jobs):
                    self._ask(jobs, threads, pool)

    def _ask(self, jobs: Sequence[_Job], threads: ThreadPoolExecutor, pool: ReaderPool) -> None:
        """One question for the copies of all, by store; what has no answer is fetched."""
        found = list(zip(jobs, threads.map(self._far_copies, jobs), strict=True))
        made: dict[tuple[str, str], bytes] = {}
        wanted: dict[str, tuple[LiveCopy, list[str]]] = {}
        for job, copies in found:
            for copy in copies if job.side <= THUMBNAIL_SIDE else ():
                wanted.setdefault(copy.store.name, (copy, []))[1].append(copy.path)
        for name, (copy, paths) in wanted.items():
            with contextlib.suppress(StoreError):
                pictures = copy.store.thumbnails(paths)  # type: ignore[attr-defined]
                made |= {(name, path): data for path, data in pictures.items()}
        lacking: list[tuple[_Job, list[LiveCopy]]] = []
        for job, copies in found:
            pictures = (made.get((copy.store.name, copy.path)) for copy in copies)
            data = next(filter(None, (_shrunk(p, job.side) for p in pictures if p)), None)
            if data is None and copies and not self._closed.is_set():
                lacking.append((job, copies))
            else:
                self._finish(job, data)
        if lacking:
            self._fetch(lacking, threads, pool)

    def _far_copies(self, job: _Job) -> list[LiveCopy]:
        with contextlib.closing(self._shelf.copies(job.document, near=False)) as copies:
            return list(copies)

    def _fetch(
        self,
        lacking: Sequence[tuple[_Job, list[LiveCopy]]],
        threads: ThreadPoolExecutor,
        pool: ReaderPool,
    ) -> None:
        """The pictures of files far away, whose bytes are had for a moment."""
        with scratch_folder(self._scratch) as folder:

            def fetched(numbered: tuple[int, tuple[_Job, list[LiveCopy]]]) -> Path | None:
                number, (job, copies) = numbered
                extension = job.document.get("extension", "")
                path = folder / (f"{number}.{extension}" if extension.isalnum() else f"{number}")
                return path if any(_is_fetched(copy, path) for copy in copies) else None

            paths = threads.map(fetched, enumerate(lacking))
            for (job, _copies), path in zip(lacking, paths, strict=True):
                data = None
                if path is not None:
                    data = self._read(job, pool, Request(os.fspath(path), size=path.stat().st_size))
                    path.unlink()
                self._finish(job, data)

    def _finish(self, job: _Job, data: bytes | None, passing: str = "") -> None:
        """Keep what was made; without it the index's tiny picture is shown. `passing`: why there is
        none now, where that says nothing of the asset.
        """
        if data is not None:
            self._stores.of(job.side).put(job.document["hash"], job.side, data)
            picture = Picture(data)
        else:
            reason = passing or job.reason or NOWHERE
            tiny = _of_look(job.document)
            is_broken = job.is_hopeless and not tiny and not passing
            if is_broken and len(self._broken) < MOST_BROKEN:
                self._broken[job.document["hash"], job.side] = reason
            picture = Picture(tiny or b"", reason, lasting=is_broken)
        with contextlib.suppress(InvalidStateError):  # it was cancelled meanwhile, or is done
            job.future.set_result(picture)


def _is_fetched(copy: LiveCopy, path: Path) -> bool:
    """Whether all bytes of a copy came."""
    if copy.row["size"] > LARGEST_FETCHED:
        return False
    with contextlib.suppress(StoreError, OSError), copy.open() as stream, path.open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
        return file.tell() == copy.row["size"]
    return False


def _shrunk(thumbnail: bytes, side: int) -> bytes | None:
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
