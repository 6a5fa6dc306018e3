"""What the copies of one run share while they are under way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from catalog.features.ingest.placer import Placer
from catalog.features.ingest.records import IndexRecordWriter
from catalog.features.ingest.sources import SourceRemoval
from catalog.work.outcome import Outcome
from catalog.work.recorder import Recorder
from catalog.work.session import Session


@dataclass(slots=True)
class UnderWay:
    """Contents that are planned and not yet in the index; used from several threads."""

    _targets: dict[str, str] = field(default_factory=dict)
    _copying: dict[str, Future[str]] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def targets(self) -> dict[str, str]:
        """Content hash to target."""
        with self._lock:
            return dict(self._targets)

    def begin(self, content_hash: str, target: str) -> None:
        """It is to be copied."""
        with self._lock:
            self._targets[content_hash] = target

    def copying(self, content_hash: str, work: Future[str]) -> None:
        """It is copied now, unless that is done already."""
        with self._lock:
            if content_hash in self._targets:
                self._copying[content_hash] = work

    def first_copy(self, content_hash: str) -> Future[str] | None:
        """The work that copies it, if it is not done yet."""
        with self._lock:
            return self._copying.get(content_hash)

    def land(self, content_hash: str, *, failed: bool | None = None) -> None:
        """It is in the index, or will not be: `failed` says which; None where that stays open."""
        with self._lock:
            if failed:
                self._failed.add(content_hash)
            elif failed is not None:
                self._failed.discard(content_hash)
            self._targets.pop(content_hash, None)
            self._copying.pop(content_hash, None)

    def has_failed(self, content_hash: str) -> bool:
        """Whether its copy failed."""
        with self._lock:
            return content_hash in self._failed


@dataclass(frozen=True, slots=True)
class IngestRun:
    """What all copies and duplicates of one run share: where files go, where records go,
    and who is told what became of them.
    """

    session: Session
    placer: Placer
    records: IndexRecordWriter
    recorder: Recorder
    removal: SourceRemoval
    tell: Callable[[Outcome], None]
    under_way: UnderWay = field(default_factory=UnderWay)
