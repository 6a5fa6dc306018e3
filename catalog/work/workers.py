"""Reading files in other processes, each of which may take too long, need too much, or die."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import IO, Any, Generic, TypeVar, cast

from catalog.domain.asset import Facts
from catalog.domain.fixity import Digests
from catalog.domain.video import Clip
from catalog.errors import CatalogError, GaveUp, MediaError, UnreadableMedia, UnsupportedType
from catalog.media.messages import HEADER, convert, length_of, pack, unpack
from catalog.media.request import Request, Scaled
from catalog.media.worker import END, FORK, ORDER

Tag = TypeVar("Tag")
Result = Facts | Digests | MediaError
"""What became of a request: facts, the content hash and checksums where only these were wanted,
or why there are none.
"""
SLOWEST = 5_000_000
"""Bytes a second that the slowest medium gives: a share by radio, an old card."""
PREVIEW_BYTES = 64 * 1024 * 1024
"""Bytes of a file that a preview may have to read."""
QUEUED = 4
"""Requests sent ahead to each worker, so that it never waits for its parent."""
LARGEST_PREVIEW = 1 << 20
"""Bytes of a small picture beside facts; they have some ten thousand."""
_START_SECONDS = 60.0
_PIECE = 1 << 20
_ATTEMPTS = 3
_FRUGAL = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    # pictures go back to the system as soon as they are done with
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "MALLOC_TRIM_THRESHOLD_": "1048576",
}
_END: Any = object()


@dataclass(frozen=True, slots=True)
class Wants:
    """A file that was fetched in part cannot be told without these ranges as well: (offset,
    length) in bytes.
    """

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost (seconds of time, bytes of memory), and which optional readers to ask.

    Large files get more time, as much as a slow disk or share needs to hand them over. `writable`
    is a folder in which the processes may make files, "" for none.
    """

    seconds: float = 20.0
    memory: int = 1024 * 1024 * 1024
    optional_readers: tuple[str, ...] = ()
    writable: str = ""

    def seconds_for(self, request: Request) -> float:
        """How long one file may take; of a large one, a preview needs a part."""
        size = min(request.size, PREVIEW_BYTES) if request.preview else request.size
        return self.seconds + size / SLOWEST


@dataclass(frozen=True, slots=True)
class Previews:
    """Pictures that are made of each file whose facts are read, in the same decode: so many pixels
    on their long side, and who keeps them, by content hash and side.
    """

    side: int
    keep: Callable[[str, int, bytes], None]


@dataclass(slots=True)
class _Worker(Generic[Tag]):
    """A child of the nursery: its process id, our ends of its pipes, what it still owes, and what
    it has said so far.
    """

    pid: int
    requests: IO[bytes]
    replies: IO[bytes]
    pending: deque[tuple[Tag, Request]] = field(default_factory=deque)
    deadline: float = 0.0
    said: bytearray = field(default_factory=bytearray)


class Nursery:
    """The process that has loaded the readers and forks workers which share them;
    started again if it dies. Several threads may use it.
    """

    def __init__(self, limits: Limits) -> None:
        self._arguments = [str(limits.memory), limits.writable, *limits.optional_readers]
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self._lock = threading.RLock()

    def fork(self) -> tuple[int, IO[bytes], IO[bytes]]:
        """A new worker: its process id, where to write requests, where replies come from."""
        for _attempt in range(_ATTEMPTS):
            request_end, requests = os.pipe()
            replies, reply_end = os.pipe()
            try:
                with self._lock:
                    pid = self._order(FORK, 0, [request_end, reply_end])
            except OSError:
                os.close(requests)
                os.close(replies)
                self.close()
                continue
            finally:
                os.close(request_end)
                os.close(reply_end)
            return pid, open(requests, "wb", buffering=0), open(replies, "rb", buffering=0)
        raise CatalogError(
            "The processes that read files cannot be started.",
            hint="Is the installation whole? Try `catalog doctor`.",
        )

    def end(self, pid: int) -> int:
        """Kill a worker, if it still runs, and return its exit status (negative: a signal)."""
        with self._lock:
            try:
                return self._order(END, pid, [])
            except OSError:  # the nursery died, and its workers end when their pipes do
                self.close()
                return 0

    def close(self) -> None:
        """End the nursery; its workers end when their pipes are closed."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._orders is not None:
            self._orders.close()
            self._orders = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _order(self, order: bytes, pid: int, descriptors: list[int]) -> int:
        if self._orders is None:
            self._start()
        assert self._orders is not None
        socket.send_fds(self._orders, [ORDER.pack(order, pid)], descriptors)
        reply = self._orders.recv(ORDER.size, socket.MSG_WAITALL)
        if len(reply) < ORDER.size:
            raise BrokenPipeError("the nursery ended")
        return int(ORDER.unpack(reply)[1])

    def _start(self) -> None:
        self._orders, theirs = socket.socketpair()
        self._orders.settimeout(_START_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "catalog.media.worker",
                    str(theirs.fileno()),
                    *self._arguments,
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # decoders complain there; what matters comes back as a reason
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_FRUGAL},
                start_new_session=True,  # Ctrl-C is for the parent, which lets running work finish
            )


class ReaderPool:
    """Worker processes that turn files into facts.

    Use as a context manager; one thread at a time may call `run`. Several pools may share a
    `nursery`, which whoever made it closes. With `previews`, what is read is kept as a small
    picture as well.
    """

    def __init__(
        self,
        workers: int = 0,
        limits: Limits | None = None,
        nursery: Nursery | None = None,
        previews: Previews | None = None,
    ) -> None:
        self._previews = previews
        self._count = workers or len(os.sched_getaffinity(0))
        self._limits = limits or Limits()
        self._nursery = nursery or Nursery(self._limits)
        self._is_shared = nursery is not None
        self._workers: list[_Worker[Any]] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        for worker in list(self._workers):
            self._end(worker)
        if not self._is_shared:
            self._nursery.close()
        self._selector.close()

    def run(
        self, requests: Iterable[tuple[Tag, Request | None] | None]
    ) -> Iterator[tuple[Tag, Result | Wants | None]]:
        """Facts, or why there are none, for each request, in the order they become ready.

        Requests are taken lazily, a few ahead of the workers. A request that is None comes back at
        once as None; None in place of tag and request means that there is nothing to ask before the
        next result. Of a request for a part of a file it may come back that more of it is wanted.
        """
        incoming = iter(requests)
        waiting: deque[tuple[Tag, Request]] = deque()
        exhausted = False
        while True:
            while not exhausted and len(waiting) < self._room():
                item = next(incoming, _END)
                if item is _END:
                    exhausted = True
                elif item is None:
                    break
                elif item[1] is None:
                    yield item[0], None
                else:
                    waiting.append((item[0], self._with_preview(item[1])))
            self._hand_out(waiting)
            if not any(w.pending for w in self._workers):
                if exhausted and not waiting:
                    return
                continue
            yield from self._collect(waiting)

    def streams(
        self, requests: Iterable[tuple[Tag, Request]]
    ) -> Iterator[tuple[Tag, Clip | MediaError]]:
        """The streams of videos, or why they cannot be told, as `run` gives facts;
        each request must be one for streams.
        """
        return cast("Iterator[tuple[Tag, Clip | MediaError]]", self.run(requests))

    def _with_preview(self, request: Request) -> Request:
        """A request for facts with that for a picture."""
        is_alone = request.only_hash or request.preview or request.streams or request.scaling
        if self._previews is None or is_alone:
            return request
        return replace(request, with_preview=self._previews.side)

    def _kept(self, result: Result | Wants) -> Result | Wants:
        """Facts without their picture, which is kept if it is one."""
        if not isinstance(result, Facts) or not result.preview:
            return result
        if self._previews is not None and _is_preview(result.preview):
            self._previews.keep(result.hash, self._previews.side, result.preview)
        return replace(result, preview=b"")

    def _room(self) -> int:
        """How many more requests the workers could take at once."""
        return self._count * QUEUED - sum(len(w.pending) for w in self._workers)

    def _hand_out(self, waiting: deque[tuple[Tag, Request]]) -> None:
        while waiting:
            idle = min(self._workers, key=lambda w: len(w.pending), default=None)
            if (idle is None or idle.pending) and len(self._workers) < self._count:
                idle = self._start()
            if idle is None or len(idle.pending) >= QUEUED:
                return
            item = waiting.popleft()
            try:
                idle.requests.write(pack(item[1]))
            except OSError:  # it died; what it still owes is settled when its output ends
                waiting.appendleft(item)
                if not idle.pending:
                    self._end(idle)
                return
            if not idle.pending:
                idle.deadline = time.monotonic() + self._limits.seconds_for(item[1])
            idle.pending.append(item)

    def _collect(self, waiting: deque[tuple[Tag, Request]]) -> Iterator[tuple[Tag, Result | Wants]]:
        nearest = min(w.deadline for w in self._workers if w.pending)
        ready = {
            key.data for key, _events in self._selector.select(max(0.0, nearest - time.monotonic()))
        }
        now = time.monotonic()
        for worker in list(self._workers):
            if id(worker) in ready:
                if worker.pending:
                    yield from self._receive(worker, waiting)
                else:  # it died with nothing to do
                    self._end(worker)
            elif worker.pending and now >= worker.deadline:
                tag, request = worker.pending.popleft()
                self._abandon(worker, waiting)
                seconds = round(self._limits.seconds_for(request), 2)
                problem = GaveUp(f"reading it took longer than {seconds:g} s")
                yield from self._failed(tag, request, problem, waiting)

    def _receive(
        self, worker: _Worker[Tag], waiting: deque[tuple[Tag, Request]]
    ) -> Iterator[tuple[Tag, Result | Wants]]:
        """What has come from a worker, as far as it is whole; a worker that died, or says what it
        was not asked for, is ended.
        """
        try:
            worker.said += _piece(worker.replies)
            while worker.said and (message := _whole(worker.said)) is not None:
                tag, request = worker.pending[0]
                result = _result(request, message)
                worker.pending.popleft()
                if worker.pending:
                    seconds = self._limits.seconds_for(worker.pending[0][1])
                    worker.deadline = time.monotonic() + seconds
                yield tag, self._kept(result)
        except (EOFError, OSError, ValueError, IndexError) as error:
            if not worker.pending:
                self._end(worker)
                return
            tag, request = worker.pending.popleft()
            cause = _cause(self._abandon(worker, waiting))
            problem = UnreadableMedia(f"the process that read it died ({cause})")
            if not isinstance(error, EOFError | OSError):
                problem = UnreadableMedia("the process that read it gave no answer to it")
            yield from self._failed(tag, request, problem, waiting)

    def _failed(
        self, tag: Tag, request: Request, problem: MediaError, waiting: deque[tuple[Tag, Request]]
    ) -> Iterator[tuple[Tag, Result | Wants]]:
        """What ended a worker may lie in a sidecar: its photo is read once more without them."""
        if request.sidecars:
            alone = replace(request, sidecars=(), left_out=str(problem))
            waiting.appendleft((tag, alone))
        else:
            yield tag, problem

    def _start(self) -> _Worker[Any]:
        worker: _Worker[Any] = _Worker(*self._nursery.fork())
        self._workers.append(worker)
        self._selector.register(worker.replies, selectors.EVENT_READ, id(worker))
        return worker

    def _abandon(self, worker: _Worker[Tag], waiting: deque[tuple[Tag, Request]]) -> int:
        """End a worker, give back what it had not begun, and return its exit status."""
        waiting.extendleft(reversed(worker.pending))
        worker.pending.clear()
        return self._end(worker)

    def _end(self, worker: _Worker[Any]) -> int:
        self._workers.remove(worker)
        self._selector.unregister(worker.replies)
        worker.replies.close()
        worker.requests.close()
        return self._nursery.end(worker.pid)


def _piece(stream: IO[bytes]) -> bytes:
    """What has come, without waiting for more. Raises EOFError at the end."""
    data = os.read(stream.fileno(), _PIECE)
    if not data:
        raise EOFError
    return data


def _whole(said: bytearray) -> bytes | None:
    """The first message, taken off, once all of it is there. Raises ValueError."""
    if len(said) < HEADER.size:
        return None
    end = HEADER.size + length_of(said)
    if len(said) < end:
        return None
    message = bytes(said[HEADER.size : end])
    del said[:end]
    return message


def _is_preview(data: bytes) -> bool:
    """Whether bytes look like a small WebP: what made them may have been taken over."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) <= LARGEST_PREVIEW


def _result(request: Request, message: bytes) -> Result | Wants:
    """An answer, in the shape that the request has. Raises ValueError."""
    kind, value = convert(tuple[str, object], unpack(message))
    if kind == "read":
        return cast("Result", _converted(request, value))
    if kind == "wanted":
        return Wants(convert(tuple[tuple[int, int], ...], value))
    reason = convert(str, value)
    return UnsupportedType(reason) if kind == "unsupported" else UnreadableMedia(reason)


def _converted(request: Request, value: object) -> Any:
    if request.scaling is not None:
        return convert(Scaled, value)
    if request.streams:
        return convert(Clip, value)
    if request.preview:
        return convert(bytes, value)
    return convert(Digests if request.only_hash else Facts, value)


def _cause(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
