"""The only writer of an upload: journal, check again, copy, verify, record,
and only then remove a source.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from catalog.domain.actions import Skip
from catalog.errors import CatalogError
from catalog.features.ingest.actions import Action, CopyToStore, SkipDuplicate
from catalog.features.ingest.duplicates import KnownContents
from catalog.features.ingest.file_copier import FileCopier
from catalog.features.ingest.under_way import IngestRun
from catalog.work.outcome import Outcome

AHEAD = 256
"""Actions under way at most: two batches, so that the next one is read while this one is copied."""


class Applier:
    """Applies the plans of one run, with several copies at once.

    `apply` returns while copies are still under way; `finish` waits for all of it.
    """

    def __init__(self, run: IngestRun, threads: int) -> None:
        self._run = run
        self._under_way = run.under_way
        self._copying = FileCopier(run)
        self._duplicates = KnownContents(run)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="copy")
        self._slots = threading.Semaphore(AHEAD)
        self._submitted: set[Future[str]] = set()
        self._fatal: CatalogError | None = None

    def in_flight(self) -> dict[str, str]:
        """Content hash to target of what is planned and not yet in the index."""
        return self._under_way.targets()

    def apply(self, actions: Sequence[Action]) -> None:
        """Apply one plan. Raises what must stop the whole run."""
        for action in actions:
            self._raise_fatal()
            if isinstance(action, Skip):
                path, reason = action.source.path, action.reason
                self._run.tell(Outcome("skip", path, action.outcome, reason=reason))
            elif isinstance(action, CopyToStore):
                self._under_way.begin(action.hash, action.target)
                work = self._submit(partial(self._copying.copy, action), action)
                self._under_way.copying(action.hash, work)
        for action in actions:
            if isinstance(action, SkipDuplicate):
                # was submitted before, so that waiting for it never locks up
                first = self._under_way.first_copy(action.hash)
                self._submit(partial(self._repeat, action, first), action)

    def finish(self, *, at_once: bool = False) -> None:
        """Wait for every copy and its record; `at_once`: for those under way only.

        Raises what stopped the run.
        """
        self._pool.shutdown(wait=False, cancel_futures=at_once)
        # joining threads, when interrupted, takes them for ended ever after
        for work in tuple(self._submitted):
            with contextlib.suppress(CancelledError):
                work.exception()
        try:
            self._run.recorder.close()
        finally:
            self._run.removal.finish()
        self._raise_fatal()

    def release(self, lacking: Callable[[list[str]], Mapping[str, str]]) -> None:
        """Let the sources go that are held, when all is finished; see `SourceRemoval.release`."""
        self._run.removal.release(lacking)

    def _repeat(self, action: SkipDuplicate, first: Future[str] | None) -> str:
        """Record a duplicate once its first copy is made, if that is under way."""
        if first is None:
            return self._duplicates.record(action)
        with contextlib.suppress(CancelledError):
            action = replace(action, existing=first.result() or action.existing)
        if self._fatal is not None or first.cancelled():
            return ""
        return self._duplicates.record(action)

    def _submit(self, work: Callable[[], str], action: Action) -> Future[str]:
        self._slots.acquire()

        def guarded() -> str:
            try:
                if self._fatal is None:
                    return work()
            except CatalogError as error:
                self._fatal = self._fatal or error
            except BaseException as error:  # never lost in a thread, whatever a sink raises
                self._fatal = self._fatal or CatalogError(
                    f"{action.source.path}: {type(error).__name__}: {error}"
                )
            finally:
                self._slots.release()
            return ""

        future = self._pool.submit(guarded)
        self._submitted.add(future)
        future.add_done_callback(self._submitted.discard)
        return future

    def _raise_fatal(self) -> None:
        if self._fatal is not None:
            raise self._fatal
        if self._run.recorder.error is not None:
            raise self._run.recorder.error
