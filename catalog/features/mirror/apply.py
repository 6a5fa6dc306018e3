"""Applies a mirror's plan: files are copied or renamed in the other store, verified,
and only then recorded.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from catalog.errors import FATAL, StoreError
from catalog.features.mirror.copier import Copier
from catalog.features.mirror.plan import Follow, Transfer
from catalog.features.mirror.preconditions import MirrorPreconditions
from catalog.features.mirror.renamer import Renamer
from catalog.features.mirror.transfer_recorder import Done, TransferRecorder
from catalog.work.empty_folders import remove_empty_folders
from catalog.work.session import Session
from catalog.work.throttle import Throttle

A = TypeVar("A", Follow, Transfer)
BATCH = 128
"""Files recorded together at most."""
SECONDS = 5.0
"""How long a file that arrived waits for others to be recorded with."""


class Sent(NamedTuple):
    """One file that was sent, and what is to be sent now:
    in one group what must not be sent twice.
    """

    done: Done
    further: list[list[Transfer]]


@dataclass(frozen=True, slots=True)
class Left:
    """What a limit left to be sent by the next run."""

    files: int = 0
    bytes: int = 0


class Waiting:
    """The files that are still to be sent, content by content."""

    def __init__(self, transfers: Iterable[Transfer]) -> None:
        groups = itertools.groupby(transfers, key=lambda transfer: transfer.hash)
        self._contents = (list(same) for _hash, same in groups)
        self._further: deque[list[Transfer]] = deque()
        self._refused: list[Transfer] = []

    def take(self) -> list[Transfer] | None:
        """What is to be sent next: further files of a content that was sent before new ones."""
        return self._further.popleft() if self._further else next(self._contents, None)

    def land(self, sent: Sent) -> list[Done]:
        """What became of a file, and what is to be sent now because of that;
        nothing of one that did not begin.
        """
        self._further.extend(sent.further)
        action, entry, error, _trash = sent.done
        if entry is None and error is None and isinstance(action, Transfer):
            self._refused.append(action)
            return []
        return [sent.done]

    def left(self) -> Left:
        """All that did not begin: nothing, unless a limit was reached."""
        rest = itertools.chain.from_iterable((*self._further, *self._contents))
        sizes = [action.size for action in (*self._refused, *rest)]
        return Left(len(sizes), sum(sizes))


@dataclass(slots=True)
class Arrived:
    """Files that wait for others to be recorded with."""

    done: list[Done] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    @property
    def is_due(self) -> bool:
        """Whether they have waited long enough, or are enough."""
        return len(self.done) >= BATCH or time.monotonic() - self.since > SECONDS

    @property
    def is_fatal(self) -> bool:
        """Whether going on is of no use."""
        return any(done.is_fatal for done in self.done)

    def take(self) -> list[Done]:
        """All of them."""
        taken, self.done, self.since = self.done, [], time.monotonic()
        return taken


class Mirrorer:
    """Makes one store hold what the other holds.

    Several files travel at once, and are recorded as they arrive: `threads`, or more where the
    store takes more and no limit is set.
    """

    def __init__(
        self,
        sight: MirrorPreconditions,
        run: Session,
        throttle: Throttle | None = None,
        threads: int = 1,
    ) -> None:
        self._store = sight.target
        self._target = sight.target.name
        self._journal = run.journal
        self._throttle = throttle or Throttle()
        self._recording = TransferRecorder(sight, run)
        self._renamer = Renamer(sight, run.journal, run.run)
        self._copier = Copier(sight, run.journal, run.run, self._throttle)
        at_once = 0 if self._throttle.is_limited else sight.target.capabilities.together
        self._together = max(threads, at_once)
        self._stopped = threading.Event()

    def apply(self, follows: Sequence[Follow], transfers: Iterable[Transfer]) -> Left:
        """All of it, renames first; what a limit of the run left.

        Raises what must stop the run, once all is recorded.
        """
        with ThreadPoolExecutor(self._together, thread_name_prefix="mirror") as pool:
            self._rename(follows, pool)
            waiting = Waiting(transfers)
            self._send(waiting, pool)
            return waiting.left()

    def _rename(self, follows: Sequence[Follow], pool: Executor) -> None:
        done = self._renamer.rename(follows, pool, self._attempt)
        self._recording.settle(done)
        left = [d.action.old for d in done if d.entry and isinstance(d.action, Follow)]
        remove_empty_folders(self._store, left)

    def _send(self, waiting: Waiting, pool: Executor) -> None:
        flying: set[Future[Sent]] = set()
        arrived = Arrived()
        try:
            while not arrived.is_fatal:
                self._begin(waiting, flying, pool)
                if not flying:
                    break
                landed, flying = wait(flying, timeout=SECONDS, return_when=FIRST_COMPLETED)
                for future in landed:
                    arrived.done += waiting.land(future.result())
                if arrived.is_due:
                    self._recording.settle(arrived.take())
        except KeyboardInterrupt:
            self._throttle.cancel()  # an interruption must not wait for a film to be sent
            raise
        finally:
            self._stopped.set()
            landing = [f for f in flying if not f.cancel() and f.exception() is None]
            self._recording.settle([*arrived.take(), *(f.result().done for f in landing)])

    def _begin(self, waiting: Waiting, flying: set[Future[Sent]], pool: Executor) -> None:
        """Let as many files fly as may."""
        while len(flying) < 2 * self._together and not self._throttle.ended:
            same = waiting.take()
            if same is None:
                return
            flying.add(pool.submit(self._content, same))

    def _content(self, actions: Sequence[Transfer]) -> Sent:
        """Send one copy of a content; the others may then be made by the store itself,
        all at once.
        """
        first, *rest = actions
        done = self._attempt(first, self._copier.copy)
        if done.entry is None:
            return Sent(done, [rest] if rest else [])
        like = done.entry.path
        return Sent(done, [[replace(action, like=action.like or like)] for action in rest])

    def _attempt(self, action: A, do: Callable[[A], Done]) -> Done:
        if self._stopped.is_set() or (
            isinstance(action, Transfer) and not self._throttle.begin(action.size)
        ):
            return Done(action)
        self._journal.started(action.name, store=self._target, path=action.path, hash=action.hash)
        try:
            return do(action)
        except FATAL as error:
            self._stopped.set()
            return Done(action, error=error)
        except StoreError as error:
            return Done(action, error=error)
