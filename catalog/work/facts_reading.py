"""How a survey comes by the facts of a store's files: from a folder of this machine,
or from a store far away.

Of a file far away the content hash is what the store states, its look is measured on the store's
thumbnail, and dates, place, camera and size come from the first bytes, and those further bytes that
a reader turns out to need.
"""

from __future__ import annotations

import contextlib
import functools
import os
import queue
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

from catalog.domain.asset import Entry, Facts
from catalog.domain.checksums import agree, select_recorded
from catalog.domain.filetypes import MEDIA_EXTENSIONS, extension_of
from catalog.domain.fixity import Digests
from catalog.domain.names import from_text
from catalog.errors import (
    MediaError,
    StoreError,
    StoreUnavailable,
    UnreadableMedia,
    UnsupportedType,
)
from catalog.media.request import Part, Request
from catalog.stores.protocol import RemoteStore
from catalog.stores.scratch import scratch_folder
from catalog.work import byte_ranges
from catalog.work.workers import ReaderPool, Result, Wants

Tag = TypeVar("Tag")
T = TypeVar("T")

FIRST = 128 * 1024
"""Bytes of each file that are fetched at first; smaller files are fetched whole,
and read as local ones are.
"""
MOST_BYTES = 24 * 1024 * 1024
"""Bytes of one file that are fetched at most for its facts."""
MOST_ROUNDS = 24
"""How often more bytes of one file are fetched at most."""
MOST_SIDECAR = 8 * 1024 * 1024
"""Bytes of a sidecar that are read at most; a sound one has a few thousand. One byte more is
fetched, by which a reader sees that there is more."""
THUMBNAILS = 25
"""Files whose thumbnails are asked for together."""
UNDER_WAY = 4 * THUMBNAILS
"""Files under way at most: enough for thumbnails and bytes to be fetched at the same time."""
THREADS = 8
_LONGEST_NAME = 200
CHANGED = "it changed while it was read; run the command again"
_END: Any = object()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to read, and the sidecars that speak for it.

    `only_hash`: the content hash is all that is wanted.

    `checksums`: and with it the checksums that are configured, because the index may lack them.
    """

    entry: Entry
    sidecars: tuple[Entry, ...] = ()
    only_hash: bool = False
    checksums: bool = False


class Reading(Protocol):
    """Reads the files of one store."""

    def run(
        self, wanted: Iterable[tuple[Tag, Wanted | None] | None]
    ) -> Iterator[tuple[Tag, Result | None]]:
        """Facts, or why there are none, for each file, in the order they become ready.

        Files are taken lazily. One that is None comes back at once as None; None in place of tag
        and file means that there is nothing to read before the next result. Raises StoreUnavailable
        where nothing can be read any more.
        """
        ...


class LocalReading:
    """Reads below a folder of this machine (system path, text form),
    with checksums of some kinds.
    """

    def __init__(self, pool: ReaderPool, base: str, checksums: tuple[str, ...] = ()) -> None:
        self._pool = pool
        self._base = base
        self._checksums = checksums

    def run(
        self, wanted: Iterable[tuple[Tag, Wanted | None] | None]
    ) -> Iterator[tuple[Tag, Result | None]]:
        """See `Reading.run`."""
        answers = self._pool.run(
            item if item is None else (item[0], self._request(item[1])) for item in wanted
        )
        return cast(
            "Iterator[tuple[Tag, Result | None]]", answers
        )  # nothing more is wanted of files that are whole

    def _request(self, wanted: Wanted | None) -> Request | None:
        if wanted is None:
            return None
        sidecars = tuple(self._system(s) for s in wanted.sidecars)
        kinds = self._checksums if wanted.checksums or not wanted.only_hash else ()
        system, size = self._system(wanted.entry), wanted.entry.size
        return Request(
            system,
            sidecars,
            only_hash=wanted.only_hash,
            size=size,
            checksums=kinds,
            root=self._base,
        )

    def _system(self, entry: Entry) -> str:
        return f"{self._base}/{from_text(entry.path)}"


class RemoteReading:
    """Reads the files of a store far away, several at once.

    `scratch` is a folder for what is fetched, kept for moments.

    An entry that changed since it was listed is an UnreadableMedia, as is one for which the store
    has an error. Checksums are computed of files that are fetched whole.
    """

    def __init__(
        self,
        pool: ReaderPool,
        store: RemoteStore,
        scratch: Path,
        threads: int = THREADS,
        checksums: tuple[str, ...] = (),
    ) -> None:
        self._pool = pool
        self._store = store
        self._scratch = scratch
        self._threads = threads
        self._checksums = checksums

    def run(
        self, wanted: Iterable[tuple[Tag, Wanted | None] | None]
    ) -> Iterator[tuple[Tag, Result | None]]:
        """See `Reading.run`."""
        with scratch_folder(self._scratch) as folder:
            threads = ThreadPoolExecutor(self._threads, thread_name_prefix="fetch")
            run = _Run[Tag](self._pool, self._store, folder, threads, self._checksums)
            try:
                yield from run.results(wanted)
            finally:
                run.stopped = True
                threads.shutdown(
                    cancel_futures=True
                )  # waits for the requests under way: what they fetch lies in the folder


@dataclass(eq=False, slots=True)
class _Job(Generic[Tag]):
    """A file under way. `folder` is for its bytes, `have` what was fetched of them.

    `thumbnail` is the system path of its look, "" where there is none, None until that is known.
    """

    tag: Tag
    entry: Entry
    folder: Path
    sidecars: tuple[Entry, ...]
    digest: str
    have: list[byte_ranges.Span] = field(default_factory=list)
    thumbnail: str | None = None
    rounds: int = 0
    begun: bool = False
    last: bool = False
    ended: bool = False

    @property
    def path(self) -> Path:
        """Where its bytes are kept; the name is what a reader judges it by."""
        return self.folder / _short(self.entry.name)

    def sidecar(self, number: int) -> Path:
        """Where a sidecar is kept."""
        return self.folder / str(number) / _short(self.sidecars[number].name)

    @property
    def size(self) -> int:
        """Bytes that were fetched."""
        return sum(end - start for start, end in self.have)

    @property
    def is_whole(self) -> bool:
        """Whether all of it was fetched."""
        return self.size >= self.entry.size

    def request(self, checksums: tuple[str, ...]) -> Request:
        """What to ask a reader."""
        part = Part(
            tuple((start, end - start) for start, end in self.have),
            self.digest,
            self.thumbnail or "",
            self.last,
        )
        sidecars = tuple(str(self.sidecar(number)) for number in range(len(self.sidecars)))
        return Request(str(self.path), sidecars, size=self.size, part=part, checksums=checksums)


def _short(name: str) -> str:
    """A name that every file system takes; its end says of what type a file is."""
    return (
        from_text(name)
        if len(name.encode("utf-8", "surrogateescape")) <= _LONGEST_NAME
        else name[-_LONGEST_NAME // 4 :]
    )


@dataclass(slots=True)
class _Run(Generic[Tag]):
    """One reading of many files.

    Threads fetch, processes read, and all that is decided is decided in one place.

    A job's first bytes and sidecars are fetched, and its thumbnail; it is asked about, more of it
    is fetched, and it is asked about again, until there are facts; at last the store is asked
    whether the file is the one that was listed.
    """

    pool: ReaderPool
    store: RemoteStore
    folder: Path
    threads: ThreadPoolExecutor
    checksums: tuple[str, ...]
    ready: deque[tuple[Tag, Result | None]] = field(default_factory=deque)
    unasked: deque[_Job[Tag]] = field(default_factory=deque)
    unseen: list[_Job[Tag]] = field(default_factory=list)
    done: queue.SimpleQueue[Callable[[], None]] = field(default_factory=queue.SimpleQueue)
    number: int = 0
    under_way: int = 0
    asked: int = 0
    batches: int = 0
    stopped: bool = False

    def results(
        self, wanted: Iterable[tuple[Tag, Wanted | None] | None]
    ) -> Iterator[tuple[Tag, Result | None]]:
        """See `Reading.run`."""
        for job, answer in self.pool.run(self._requests(iter(wanted))):
            if job is not None and answer is not None:
                self.asked -= 1
                self._answered(job, answer)
            while self.ready:
                yield self.ready.popleft()

    def _requests(
        self, incoming: Iterator[tuple[Tag, Wanted | None] | None]
    ) -> Iterator[tuple[_Job[Tag] | None, Request | None] | None]:
        """What to ask the processes.

        An empty request comes back at once, so that results are given out.
        """
        more = True
        while True:
            while not self.done.empty():
                self.done.get()()
            if self.ready:
                yield None, None
            elif self.unasked:
                job = self.unasked.popleft()
                self.asked += 1
                yield job, job.request(self.checksums)
            elif more and self.under_way < UNDER_WAY and (item := next(incoming, _END)) is not None:
                more = item is not _END
                if more:
                    self._take(*item)
            elif not self.under_way:
                if not more:
                    return
                yield None
            else:
                self._see_the_rest()
                if self.asked:
                    yield None  # a process answers next
                else:
                    self.done.get()()  # a thread does

    # --- fetching ---------------------------------------------------------------------------------

    def _take(self, tag: Tag, wanted: Wanted | None) -> None:
        known = None if wanted is None else _without_bytes(wanted)
        if wanted is None or known is not None:
            self.ready.append((tag, known))
            return
        entry = wanted.entry
        self.number += 1
        self.under_way += 1
        job = _Job(tag, entry, self.folder / str(self.number), wanted.sidecars, entry.content_hash)
        if wanted.only_hash:
            self._submit(
                job,
                lambda: self.store.checksum(entry.path),
                lambda digest: self._end(job, Digests(digest)),
            )
            return
        if entry.size > FIRST:
            self.unseen.append(job)
            if len(self.unseen) >= THUMBNAILS:
                self._see()
        else:
            job.thumbnail = ""
        self._submit(job, lambda: self._begin(job), lambda _none: self._had(job))

    def _begin(self, job: _Job[Tag]) -> None:
        """The first bytes and the sidecars, in a thread."""
        job.digest = job.digest or self.store.checksum(job.entry.path)
        job.folder.mkdir()
        with job.path.open("xb") as file:
            file.truncate(job.entry.size)
        self._fetch(job, [(0, min(FIRST, job.entry.size))])
        for number, sidecar in enumerate(job.sidecars):
            job.sidecar(number).parent.mkdir()
            job.sidecar(number).write_bytes(
                self.store.read_range(sidecar.path, 0, min(sidecar.size, MOST_SIDECAR + 1))
            )

    def _fetch(self, job: _Job[Tag], spans: Sequence[byte_ranges.Span]) -> None:
        """Bytes into their places, in a thread."""
        with job.path.open("r+b", buffering=0) as file:
            for offset, length in byte_ranges.requests(spans):
                data = (
                    b"" if self.stopped else self.store.read_range(job.entry.path, offset, length)
                )
                if len(data) != length:
                    raise UnreadableMedia(CHANGED)
                os.pwrite(file.fileno(), data, offset)
        job.have = byte_ranges.join_spans([*job.have, *spans])

    def _had(self, job: _Job[Tag]) -> None:
        """More of a file is there."""
        job.begun = True
        if job.thumbnail is not None:
            self.unasked.append(job)

    def _submit(self, job: _Job[Tag], work: Callable[[], T], after: Callable[[T], None]) -> None:
        """Do some work for a job in a thread,
        and then something with its result where the jobs are kept.
        """

        def settled() -> None:
            try:
                value = work()
            except BaseException as error:  # never lost in a thread
                self.done.put(functools.partial(self._fail, job, error))
            else:
                self.done.put(lambda: after(value))

        self.threads.submit(settled)

    def _fail(self, job: _Job[Tag], error: BaseException) -> None:
        if isinstance(error, MediaError):
            self._end(job, error)
        elif isinstance(error, StoreError) and not isinstance(error, StoreUnavailable):
            self._end(job, UnreadableMedia(str(error)))
        elif isinstance(error, OSError):
            self._end(
                job,
                UnreadableMedia(
                    f"what is fetched of it cannot be kept while it is read: {error.strerror}"
                ),
            )
        else:
            raise error

    # --- thumbnails -------------------------------------------------------------------------------

    def _see_the_rest(self) -> None:
        """Fewer thumbnails than are usual are asked for only where no others are awaited:
        more files come after those.
        """
        if self.unseen and not self.batches:
            self._see()

    def _see(self) -> None:
        jobs = [job for job in self.unseen if not job.ended]
        self.unseen = []
        self.batches += 1

        def settled() -> None:
            found: dict[str, bytes] = {}
            fatal: BaseException | None = None
            try:
                found = self.store.thumbnails([job.entry.path for job in jobs])
            except BaseException as error:
                fatal = (
                    error
                    if not isinstance(error, StoreError) or isinstance(error, StoreUnavailable)
                    else None
                )
            self.done.put(lambda: self._saw(jobs, found, fatal))

        self.threads.submit(settled)

    def _saw(
        self, jobs: Sequence[_Job[Tag]], found: dict[str, bytes], fatal: BaseException | None
    ) -> None:
        self.batches -= 1
        if fatal is not None:
            raise fatal
        for job in jobs:
            if job.ended:
                continue
            job.thumbnail = ""
            if data := found.get(job.entry.path):
                with contextlib.suppress(OSError):
                    path = job.folder.with_suffix(".jpg")
                    path.write_bytes(data)
                    job.thumbnail = str(path)
            if job.begun:
                self.unasked.append(job)

    # --- facts ------------------------------------------------------------------------------------

    def _answered(self, job: _Job[Tag], answer: Result | Wants) -> None:
        if isinstance(answer, Wants):
            self._fetch_more(job, answer)
        elif isinstance(answer, Facts) and not (
            job.is_whole and job.entry.content_hash
        ):  # else its content hash proved it
            self._submit(
                job,
                lambda: self.store.stat(job.entry.path),
                lambda now: self._confirm(job, answer, now),
            )
        else:
            self._end(job, answer)

    def _fetch_more(self, job: _Job[Tag], wants: Wants) -> None:
        """What a reader asked for; where that goes too far, it has to do with what there is."""
        spans = byte_ranges.to_fetch(job.have, wants.ranges, job.entry.size)
        total = job.size + sum(end - start for start, end in spans)
        job.rounds += 1
        if not spans or job.rounds > MOST_ROUNDS or total > MOST_BYTES:
            job.last = True
            self.unasked.append(job)
        else:
            self._submit(job, lambda: self._fetch(job, spans), lambda _none: self._had(job))

    def _confirm(self, job: _Job[Tag], facts: Facts, now: Entry | None) -> None:
        """Facts are the file's only if it is still the one that was listed,
        with the content hash that was stated or read.
        """
        before = job.entry
        same = now is not None and agree(
            now.checksums, select_recorded(job.digest, before.checksums)
        )
        if same is None and now is not None:
            same = (now.size, now.mtime_ns) == (before.size, before.mtime_ns)
        self._end(job, facts if same else UnreadableMedia(CHANGED))

    def _end(self, job: _Job[Tag], result: Result) -> None:
        job.ended = True
        self.under_way -= 1
        self.ready.append((job.tag, result))
        shutil.rmtree(job.folder, ignore_errors=True)
        if job.thumbnail:
            with contextlib.suppress(OSError):
                os.unlink(job.thumbnail)  # noqa: PTH108


def _without_bytes(wanted: Wanted) -> Digests | MediaError | None:
    """What can be said of a file by its entry alone; None where it must be looked at.

    A name without an extension says nothing; any other than those of photos and videos is believed,
    since a store far away may hold a person's documents as well, and looking into each would take
    hours.
    """
    entry = wanted.entry
    extension = extension_of(entry.name)
    if extension and extension not in MEDIA_EXTENSIONS:
        return UnsupportedType(
            f"its name is that of no photo or video known here (a .{extension} file)"
        )
    if entry.size == 0:
        return UnreadableMedia("the file is empty (0 bytes)")
    return Digests(entry.content_hash) if wanted.only_hash and entry.content_hash else None
