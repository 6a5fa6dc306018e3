"""Requests to a service that are repeated where it may help, and wait where the service says so."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from catalog.errors import Interrupted, StoreError

log = logging.getLogger(__name__)
T = TypeVar("T")
FIRST_CONTACT = 30.0
"""Seconds for which a service is tried at most before it has answered for the first time:
there may be no network at all.
"""
TOLD_AFTER = 4
"""Attempts after which a person is told what is waited for: some ten seconds."""
LONGEST_PAUSE = 60.0
ATTEMPTS = 12
"""How often something is tried whose reply is lost each time: about seven minutes."""


class Ambiguous(Exception):
    """A request whose reply was lost: whether it was done is not known.

    `cause` is what happened to the line.
    """

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failed request is worth.

    `pause`: seconds after which it may be sent again, None where that would not help. With
    `for_all` no thread sends anything before. `is_answer`: the service itself said so. `is_lost`:
    whether it was done is not known.
    """

    pause: float | None = None
    for_all: bool = False
    is_answer: bool = False
    is_lost: bool = False


@dataclass
class Patience:
    """How long a service is waited for, by all threads alike.

    `service` is its name. `seconds`: for which a request is repeated while the service cannot be
    reached or asks to wait. `judge` says what a failure is worth, after so many attempts; None: it
    is no failure of the service, and is raised. `explain` makes an error of the catalog of it.
    Once `interrupted` is set nothing is waited for any more.
    """

    service: str
    store: str
    seconds: float
    judge: Callable[[Exception, int], Verdict | None]
    explain: Callable[[Exception, str], StoreError]
    interrupted: threading.Event = field(default_factory=threading.Event)
    sleep: Callable[[float], object] | None = None
    _not_before: float = 0.0
    _has_answered: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def repeat(self, request: Callable[[], T], path: str, *, is_once: bool = False) -> T:
        """The result of a request, which is sent again while that may help.

        With `is_once` only where it was surely not done: raises Ambiguous where its reply was lost.
        Raises StoreError.
        """
        began = time.monotonic()
        attempt = 0
        while True:
            end = began + (self.seconds if self._has_answered else min(self.seconds, FIRST_CONTACT))
            self._wait_for_leave(end)
            try:
                result = request()
            except Exception as error:
                verdict = self.judge(error, attempt)
                if verdict is None:
                    raise
                self._has_answered = self._has_answered or verdict.is_answer
                if is_once and verdict.is_lost:
                    raise Ambiguous(error) from error
                if verdict.pause is None or time.monotonic() + verdict.pause > end:
                    raise self.explain(error, path) from error
                told = log.warning if attempt == TOLD_AFTER else log.info
                told(
                    "%s does not answer as it should (%s); trying for up to %.0f s.",
                    self.service,
                    type(error).__name__,
                    end - began,
                )
                if verdict.for_all:
                    self._hold_back(verdict.pause)
                else:
                    self.pause(verdict.pause)
                attempt += 1
            else:
                self._has_answered = True
                return result

    def give_time(self, error: Exception | None, attempt: int, path: str) -> None:
        """Wait before something is tried again that was lost or refused for the moment.

        Raises StoreError after too many.
        """
        if attempt >= ATTEMPTS - 1:
            cause = error or TimeoutError(f"{self.service} is busy and remains so")
            raise self.explain(cause, path) from error
        self.pause(growing(attempt))

    def pause(self, seconds: float) -> None:
        """Wait. Raises Interrupted where the program is to end instead."""
        (self.sleep or self.interrupted.wait)(seconds)
        if self.interrupted.is_set():
            raise Interrupted(
                f"{self.service} is not waited for any longer: the run was interrupted.",
                store=self.store,
            )

    def _hold_back(self, seconds: float) -> None:
        """Let no thread send anything for a while: services count all requests of a program."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def _wait_for_leave(self, end: float) -> None:
        while (left := self._not_before - time.monotonic()) > 0:
            self.pause(min(left, max(0.0, end - time.monotonic()) + 0.01, LONGEST_PAUSE))


def growing(attempt: int) -> float:
    """Seconds to wait after so many attempts, a different time for each thread."""
    return float(min(LONGEST_PAUSE, 0.5 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - not for secrets
