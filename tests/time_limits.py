"""How long a test may take. None can hang the suite: what it started is killed, then it fails."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

AGAIN = 15.0
"""Seconds after which whatever tidies up after a test that took too long is interrupted as well."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Fail where the block takes longer, and kill the processes that it started."""
    began = time.time()

    def fail(_number: int, _frame: object) -> None:
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if child.create_time() >= began - 0.1:
                    child.kill()
        pytest.fail(f"it takes longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
