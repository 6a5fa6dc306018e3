"""What the scaler says of itself to Prometheus, or to nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from catalog.work.metrics import serving_metrics
from catalog.work.outcome import Outcome
from catalog.work.service_address import Address


class Metrics(Protocol):
    """What is counted."""

    def looked(self, waiting: int) -> None:
        """The folder was listed; so many files are to be scaled."""
        ...

    def lost(self) -> None:
        """A folder cannot be reached."""
        ...

    def began(self) -> None:
        """A picture was taken in hand."""
        ...

    def ended(self, seconds: float) -> None:
        """It was let go of again."""
        ...

    def told(self, outcome: Outcome) -> None:
        """What became of one."""
        ...


class NoMetrics:
    """Counts nothing."""

    def looked(self, waiting: int) -> None:
        """Nothing."""

    def lost(self) -> None:
        """Nothing."""

    def began(self) -> None:
        """Nothing."""

    def ended(self, seconds: float) -> None:
        """Nothing."""

    def told(self, outcome: Outcome) -> None:
        """Nothing."""


class ScalerMetrics:
    """Counts for Prometheus."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = to = CollectorRegistry()
        self._pictures = Counter("scaler_pictures", "Pictures by outcome", ["outcome"], registry=to)
        self._read = Counter("scaler_read_bytes", "Bytes of raw pictures read", registry=to)
        self._stored = Counter("scaler_stored_bytes", "Bytes of pictures put away", registry=to)
        self._seconds = Histogram("scaler_picture_seconds", "Seconds for a picture", registry=to)
        self._in_hand = Gauge("scaler_in_hand", "Pictures in hand", registry=to)
        self._waiting = Gauge("scaler_waiting", "Pictures to do at the last look", registry=to)
        self._looked = Gauge("scaler_last_look_timestamp_seconds", "The last look", registry=to)
        self._reachable = Gauge("scaler_reachable", "Whether both folders are there", registry=to)

    def looked(self, waiting: int) -> None:
        """The folder was listed; so many files are to be scaled."""
        self._looked.set(time.time())
        self._waiting.set(waiting)
        self._reachable.set(1)

    def lost(self) -> None:
        """A folder cannot be reached."""
        self._reachable.set(0)

    def began(self) -> None:
        """A picture was taken in hand."""
        self._in_hand.inc()

    def ended(self, seconds: float) -> None:
        """It was let go of again."""
        self._in_hand.dec()
        self._seconds.observe(seconds)

    def told(self, outcome: Outcome) -> None:
        """What became of one."""
        self._pictures.labels(outcome.outcome).inc()
        self._read.inc(outcome.size)
        self._stored.inc(outcome.stored)


@contextmanager
def open_metrics(address: Address | None) -> Iterator[Metrics]:
    """What counts; served where there is an address for it. Raises UsageError."""
    if address is None:
        yield NoMetrics()
        return
    metrics = ScalerMetrics()
    with serving_metrics(metrics.registry, address):
        yield metrics
