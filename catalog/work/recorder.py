"""Writing what was done into the index: in the background, in bulk, and never before it is true."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from catalog.errors import CatalogError, IndexUnavailable
from catalog.index.client import BulkReply, Line

log = logging.getLogger(__name__)
LONGEST_PAUSE = 8.0
BATCH = 200
WAIT_SECONDS = 0.3

T = TypeVar("T")
Settled = Callable[[list[BulkReply]], list[Line]]


class BulkWriter(Protocol):
    """What the recorder needs of the index."""

    def bulk(self, lines: Sequence[Line]) -> list[BulkReply]:
        """Several writes in one request; the replies in order."""
        ...


@dataclass(slots=True)
class Record:
    """Writes that belong together.

    `lines` is bulk NDJSON as values; `settled` gets the replies, in order.

    It returns lines that may be written once all it did is done (what it remembers must be true);
    they go with the next. `paths` are the catalog files that the writes speak of: they are brought
    to the disk first. `first` is what must be in the index before the writes are.
    """

    lines: list[Line]
    settled: Settled
    paths: list[str] = field(default_factory=list)
    first: Callable[[], None] = lambda: None


def retry(call: Callable[[], T], seconds: float, recover: Callable[[], None] | None = None) -> T:
    """The result of a call to Elasticsearch,
    repeated with growing pauses while it cannot be reached.

    Raises IndexUnavailable after `seconds` without success. `recover` is tried between the
    attempts.
    """
    end = time.monotonic() + seconds
    pause = 0.25
    while True:
        try:
            return call()
        except IndexUnavailable as error:
            if time.monotonic() + pause > end:
                raise
            log.warning("%s Waiting.", error.message)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            if recover:
                try:
                    recover()
                except CatalogError as problem:
                    log.warning("%s", problem.message)


class Recorder:
    """A thread that sends records in bulk.

    After a failure that lasts, `error` is set and nothing more is sent.
    """

    def __init__(
        self,
        index: BulkWriter,
        settle: Callable[[list[str]], None],
        *,
        patience: float,
        recover: Callable[[], None] | None = None,
    ) -> None:
        self._index = index
        self._settle = settle
        self._patience = patience
        self._recover = recover
        self._queue: queue.Queue[Record | None] = queue.Queue(maxsize=BATCH * 2)
        self._afterwards: list[Line] = []
        self._ended = threading.Event()
        self.error: CatalogError | None = None
        threading.Thread(target=self._serve, name="recorder", daemon=True).start()

    def add(self, record: Record) -> None:
        """Hand over writes; blocks while too many are waiting. Raises what stopped the recorder."""
        if self.error:
            raise self.error
        self._queue.put(record)

    def send(self, lines: list[Line]) -> list[BulkReply]:
        """Send writes at once, from a record's own `settled`; the replies in order."""
        return retry(lambda: self._index.bulk(lines), self._patience, self._recover)

    def close(self) -> None:
        """Send what is left and wait for it.

        Raises what stopped the recorder. May be called again where it was cut off.
        """
        if not self._ended.is_set():
            self._queue.put(None)
            self._ended.wait()
        if self.error:
            raise self.error

    def _serve(self) -> None:
        ended = False
        while not ended:
            records, ended = self._gather()
            if (records or ended) and self.error is None:
                try:
                    self._send(records)
                    if ended and self._afterwards:
                        self.send(self._afterwards)
                except CatalogError as error:
                    self.error = error
                # whatever a sink raises: the thread must not die with work in its queue
                except BaseException as error:
                    log.debug("recorder failed", exc_info=True)
                    self.error = CatalogError(f"Recording failed: {error}")
        self._ended.set()

    def _gather(self) -> tuple[list[Record], bool]:
        """The next records, as many as come within a moment, and whether they are the last."""
        records: list[Record] = []
        end = 0.0
        while len(records) < BATCH:
            try:
                item = self._queue.get(
                    timeout=max(0.0, end - time.monotonic()) if records else None
                )
            except queue.Empty:
                break
            if item is None:
                return records, True
            records.append(item)
            end = end or time.monotonic() + WAIT_SECONDS
        return records, False

    def _send(self, records: list[Record]) -> None:
        self._settle([p for r in records for p in r.paths])
        for record in records:
            retry(record.first, self._patience, self._recover)
        before, self._afterwards = self._afterwards, []
        lines = before + [line for record in records for line in record.lines]
        replies = self.send(lines) if lines else []
        start = sum(1 for line in before if _is_operation(line))
        for record in records:
            count = sum(1 for line in record.lines if _is_operation(line))
            settled = partial(record.settled, replies[start : start + count])
            self._afterwards += retry(settled, self._patience, self._recover)
            start += count


def _is_operation(line: Line) -> bool:
    """Operations are objects with one key that holds `_index`;
    the lines after them are documents.
    """
    return (
        len(line) == 1
        and isinstance(value := next(iter(line.values())), dict)
        and "_index" in value
    )
