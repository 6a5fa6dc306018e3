"""How fast, how much and how long a run may send: one limit for all of its threads."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, cast

from catalog.domain.amounts import Timetable
from catalog.errors import Interrupted

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

NO_LIMIT = Timetable()
_SLICE = 256 * 1024
"""Bytes read at once where a limit holds: small, so that a change of the rate is felt soon."""
_SLICES_A_SECOND = 8
_LONGEST_PAUSE = 1.0


class Throttle:
    """What all transfers of a run ask before they begin, and while they read.

    `max_bytes` and `max_seconds` end the run in order: what has begun is finished, and nothing more
    begins; 0 is no limit. `clock` is in seconds and only goes forward, `now` is the local time, by
    which the timetable is read.
    """

    def __init__(
        self,
        table: Timetable = NO_LIMIT,
        *,
        max_bytes: int = 0,
        max_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = datetime.now,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._table = table
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._clock = clock
        self._now = now
        self._cancelled = threading.Event()
        self._sleep = sleep or self._cancelled.wait
        self._lock = threading.Lock()
        self._began = clock()
        self._begun = 0
        self._free = 0.0
        self.ended = ""

    @property
    def is_limited(self) -> bool:
        """Whether any limit is set: then no more files begin at once than are to travel at once."""
        return bool(self._table.limits or self._max_bytes or self._max_seconds)

    def begin(self, size: int) -> bool:
        """Whether a transfer may begin. `ended` says, once one may not, which limit was reached."""
        with self._lock:
            if self._max_bytes and self._begun >= self._max_bytes:
                self.ended = "max_transfer"
            elif self._max_seconds and self._clock() - self._began >= self._max_seconds:
                self.ended = "max_duration"
            if self.ended or self._cancelled.is_set():
                return False
            self._begun += size
            return True

    def unused(self, size: int) -> None:
        """A transfer that had begun needed no bytes to travel."""
        with self._lock:
            self._begun -= size

    def cancel(self) -> None:
        """Make every transfer under way fail, so that a run that is interrupted ends soon."""
        self._cancelled.set()

    def paced(self, stream: BinaryIO, *, always: bool = False) -> BinaryIO:
        """A stream that is read no faster than allowed; the stream itself where no limit is set,
        unless `always`.
        """
        return cast("BinaryIO", Paced(stream, self)) if always or self._table.limits else stream

    def slice_size(self) -> int:
        """Bytes to ask for at once."""
        rate = self._table.rate(self._now())
        return max(1, min(_SLICE, rate // _SLICES_A_SECOND)) if rate else 4 * _SLICE

    def wait(self, count: int) -> None:
        """Until so many bytes, which were just read, may have been read. Raises Interrupted."""
        with self._lock:
            rate = self._table.rate(self._now())
            moment = self._clock()
            self._free = max(self._free, moment) + (count / rate if rate else 0.0)
            end = self._free if rate else moment
        while (left := end - self._clock()) > 0 and not self._cancelled.is_set():
            self._sleep(min(left, _LONGEST_PAUSE))
        if self._cancelled.is_set():
            raise Interrupted("The run was interrupted.")


class Paced(io.RawIOBase):
    """A stream read no faster than a throttle allows.

    It has no descriptor, so that nobody reads around it.
    """

    def __init__(self, stream: BinaryIO, throttle: Throttle) -> None:
        self._stream = stream
        self._throttle = throttle

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill part of a buffer; 0 at the end."""
        view = memoryview(buffer).cast("B")
        data = self._stream.read(min(len(view), self._throttle.slice_size()))
        view[: len(data)] = data
        self._throttle.wait(len(data))
        return len(data)

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes, fewer only at the end: callers count on full blocks, as of a file."""
        parts: list[bytes] = []
        left = -1 if size is None else size
        while left:
            step = self._throttle.slice_size()
            data = self._stream.read(step if left < 0 else min(left, step))
            if not data:
                break
            parts.append(data)
            left -= len(data) if left > 0 else 0
            self._throttle.wait(len(data))
        return b"".join(parts)

    def close(self) -> None:
        """Close what it reads from, too."""
        if not self.closed:
            self._stream.close()
        super().close()
