"""Reading files in other processes, each of which may take too long, need too much, or die."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from catalog.domain.asset import Facts
from catalog.errors import CatalogError, GaveUp, MediaError, UnreadableMedia, UnsupportedType
from catalog.media.extract import Request
from catalog.media.worker import receive, send

Tag = TypeVar("Tag")
Result = Facts | str | MediaError
"""What became of a request: facts, the content hash where only that was wanted, or why there are none."""
QUEUED = 4
"""Requests sent ahead to each worker, so that it never waits for its parent."""
_START_SECONDS = 60.0
_END: Any = object()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost (seconds of time, bytes of memory), and which optional readers to ask."""

    seconds: float = 20.0
    memory: int = 1024 * 1024 * 1024
    optional_readers: tuple[str, ...] = ()


@dataclass(slots=True)
class _Worker(Generic[Tag]):
    process: subprocess.Popen[bytes]
    pending: deque[tuple[Tag, Request]] = field(default_factory=deque)
    deadline: float = 0.0
    answered: int = 0


class ReaderPool:
    """Worker processes that turn files into facts. Use as a context manager; one thread at a time may call `run`."""

    def __init__(self, workers: int = 0, limits: Limits | None = None) -> None:
        self._count = workers or len(os.sched_getaffinity(0))
        self._limits = limits or Limits()
        self._workers: list[_Worker[Any]] = []
        self._selector = selectors.DefaultSelector()
        self._failures = 0

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            self._end(worker)
        self._workers.clear()
        self._selector.close()

    def run(self, requests: Iterable[tuple[Tag, Request | None] | None]) -> Iterator[tuple[Tag, Result | None]]:
        """Facts, or why there are none, for each request, in the order they become ready.

        Requests are taken lazily, a few ahead of the workers. A request that is None comes back at once as None; None
        in place of tag and request means that there is nothing to ask before the next result.
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
                    waiting.append((item[0], item[1]))
            self._hand_out(waiting)
            if not any(w.pending for w in self._workers):
                if exhausted and not waiting:
                    return
                continue
            yield from self._collect(waiting)

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
                assert idle.process.stdin is not None
                send(idle.process.stdin, item[1])
            except OSError:  # it died; what it still owes is settled when its output ends
                waiting.appendleft(item)
                if not idle.pending:
                    self._replace(idle)
                return
            if not idle.pending:
                idle.deadline = time.monotonic() + self._limits.seconds + (0 if idle.answered else _START_SECONDS)
            idle.pending.append(item)

    def _collect(self, waiting: deque[tuple[Tag, Request]]) -> Iterator[tuple[Tag, Result]]:
        nearest = min(w.deadline for w in self._workers if w.pending)
        ready = {key.data for key, _events in self._selector.select(max(0.0, nearest - time.monotonic()))}
        now = time.monotonic()
        for worker in list(self._workers):
            if id(worker) in ready:
                if worker.pending:
                    yield self._receive(worker, waiting)
                else:  # it died with nothing to do
                    self._replace(worker)
            elif worker.pending and now >= worker.deadline:
                tag, _request = worker.pending.popleft()
                self._abandon(worker, waiting)
                yield tag, GaveUp(f"reading it took longer than {self._limits.seconds:g} s")

    def _receive(self, worker: _Worker[Tag], waiting: deque[tuple[Tag, Request]]) -> tuple[Tag, Result]:
        assert worker.process.stdout is not None
        tag, _request = worker.pending.popleft()
        try:
            kind, value = receive(worker.process.stdout)
        except (EOFError, OSError):
            status = self._abandon(worker, waiting)
            if not worker.answered:
                self._failures += 1
                if self._failures > 3 * self._count:
                    raise CatalogError("The processes that read files cannot be started.", hint="Try `catalog doctor`.") from None
            return tag, UnreadableMedia(f"the process that read it died ({_cause(status)})")
        worker.answered += 1
        worker.deadline = time.monotonic() + self._limits.seconds
        if kind == "read":
            return tag, value
        return tag, (UnsupportedType if kind == "unsupported" else UnreadableMedia)(value)

    def _start(self) -> _Worker[Any]:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "catalog.media.worker", str(self._limits.memory), *self._limits.optional_readers],
            bufsize=0,  # select() must see every message; a buffer would hide the second of two
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders complain there; what matters comes back as a reason
            env=environment,
            start_new_session=True,  # Ctrl-C is for the parent, which lets running work finish
        )
        worker: _Worker[Any] = _Worker(process)
        self._workers.append(worker)
        assert process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ, id(worker))
        return worker

    def _abandon(self, worker: _Worker[Tag], waiting: deque[tuple[Tag, Request]]) -> int:
        """Kill a worker, give back what it had not begun, and return its exit status."""
        waiting.extendleft(reversed(worker.pending))
        worker.pending.clear()
        return self._replace(worker)

    def _replace(self, worker: _Worker[Any]) -> int:
        self._workers.remove(worker)
        return self._end(worker)

    def _end(self, worker: _Worker[Any]) -> int:
        assert worker.process.stdout is not None and worker.process.stdin is not None
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(worker.process.stdout)
        worker.process.kill()
        worker.process.stdout.close()
        with contextlib.suppress(OSError):
            worker.process.stdin.close()
        return worker.process.wait()


def _cause(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
