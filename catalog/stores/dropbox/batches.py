"""Requests of several threads sent as one: the first that comes sends what has gathered,
the others wait for their part.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
LINGER = 0.02
"""Seconds that the first of a batch waits for others:
nothing beside the time that a request to Dropbox takes.
"""


@dataclass(slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    weight: int
    done: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None
    error: BaseException | None = None
    leads: bool = False


class Batcher(Generic[Item, Result]):
    """Sends items in batches of at most `count` items and `weight` in all,
    `at_once` batches at a time.

    `send` gets the items and returns, in order, a result or an exception for each; what it raises
    is everybody's.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Item]], Sequence[Result | BaseException]],
        *,
        count: int,
        weight: int = 0,
        at_once: int = 1,
    ) -> None:
        self._send = send
        self._count = count
        self._weight = weight
        self._free = at_once
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[Item, Result]] = []

    def do(self, item: Item, weight: int = 0) -> Result:
        """The result for one item, however it is sent. Raises what `send` gave or raised for it."""
        mine: _Waiting[Item, Result] = _Waiting(item, weight)
        with self._lock:
            self._waiting.append(mine)
            self._appoint()
        while True:
            try:
                mine.done.wait()
            except BaseException:
                self._leave(mine)
                raise
            if not mine.leads:
                break
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        return mine.result  # type: ignore[return-value]

    def _leave(self, mine: _Waiting[Item, Result]) -> None:
        """Wait no more; whoever is appointed next leads instead."""
        with self._lock:
            self._waiting = [w for w in self._waiting if w is not mine]
            if mine.leads:
                self._free += 1
                self._appoint()

    def _appoint(self) -> None:
        """Make the first that waits send a batch, if one more may be under way. Needs the lock."""
        first = next((w for w in self._waiting if not w.leads), None)
        if self._free and first is not None:
            self._free -= 1
            first.leads = True
            first.done.set()

    def _lead(self, mine: _Waiting[Item, Result]) -> None:
        time.sleep(LINGER)
        batch = self._taken(mine)
        try:
            results = self._send([w.item for w in batch])
            for waiting, result in zip(batch, results, strict=True):
                if isinstance(result, BaseException):
                    waiting.error = result
                else:
                    waiting.result = result
        except BaseException as error:  # an interruption must not leave the others waiting for ever
            for waiting in batch:
                waiting.error = error
        finally:
            mine.leads = False
            with self._lock:
                self._free += 1
                self._appoint()
            for waiting in batch:
                waiting.done.set()

    def _taken(self, mine: _Waiting[Item, Result]) -> list[_Waiting[Item, Result]]:
        """The batch of a leader: it, and the others in the order they came, as far as they fit."""
        with self._lock:
            batch, weight = [mine], mine.weight
            for waiting in self._waiting:
                fits = len(batch) < self._count and (
                    not self._weight or weight + waiting.weight <= self._weight
                )
                if waiting.leads or not fits:
                    continue
                batch.append(waiting)
                weight += waiting.weight
            taken = {id(w) for w in batch}
            self._waiting = [w for w in self._waiting if id(w) not in taken]
            return batch
