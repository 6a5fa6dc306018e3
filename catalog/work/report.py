"""What became of every file: counted, handed on as it happens,
and the result of a run that follows from it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from catalog.errors import CatalogError
from catalog.work.outcome import BAD, Outcome, RunResult
from catalog.work.sink import Level, Sink

_EXPLAINED = frozenset(
    {
        "failed",
        "damaged",
        "edited",
        "held",
        "missing",
        "unknown",
        "refused",
        "unsupported",
        "skipped",
    }
)
"""Outcomes whose reasons are counted."""


@dataclass(slots=True)
class Report:
    """Collects the outcomes of one run and hands them to its sink.

    Safe to use from several threads.

    `bad` are the outcomes that no file should have; `stopped` is what ended the run before its
    time; `further` is what its end says besides, in this order.
    """

    sink: Sink
    command: str
    run: str = ""
    journal: Path | None = None
    dry: bool = False
    bad: tuple[str, ...] = BAD
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    bytes_read: int = 0
    bytes_stored: int = 0
    bytes_planned: int = 0
    stopped: CatalogError | None = None
    further: dict[str, object] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _noticed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, outcome: str, number: int = 1) -> None:
        """Count files that nobody is told of one by one."""
        with self._lock:
            self.counts[outcome] += number

    def add(self, outcome: Outcome) -> None:
        """Count one file and tell of it."""
        with self._lock:
            self.counts[outcome.outcome] += 1
            if self.dry:
                self.bytes_planned += outcome.stored
            else:
                self.bytes_stored += outcome.stored
            self.bytes_read += outcome.size
            if outcome.reason and outcome.outcome in _EXPLAINED:
                self.reasons[outcome.outcome, outcome.reason] += 1
            self.sink.add(outcome)

    def notice(self, text: str, level: Level = Level.WARNING) -> None:
        """Tell something about the run as a whole, once."""
        with self._lock:
            is_new = text not in self._noticed
            self._noticed.add(text)
        if is_new:
            self.sink.notice(text, level)

    @property
    def problems(self) -> int:
        """Files with an outcome that none should have."""
        return sum(self.counts[outcome] for outcome in self.bad)

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._began

    def result(self) -> RunResult:
        """What the run has come to so far."""
        with self._lock:
            return RunResult(
                self.command,
                self.run,
                self.journal,
                self.dry,
                Counter(self.counts),
                self.problems,
                Counter(self.reasons),
                self.bytes_stored,
                self.bytes_read,
                self.bytes_planned,
                self.seconds,
                dict(self.further),
                self.stopped,
            )
