"""Removing sources after a move: a shot goes as a whole, once every file of it is stored,
recorded and still what was read.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

from catalog.domain.asset import Entry
from catalog.domain.checksums import select_recorded
from catalog.errors import StoreError
from catalog.features.ingest.actions import Shot
from catalog.stores.protocol import Store
from catalog.work.contents import content_of, has_content
from catalog.work.journal import Journal
from catalog.work.outcome import Outcome
from catalog.work.proof import is_same_file

AHEAD = 256
"""Shots whose removal is under way at most."""
KEPT_WITH_SHOT = "kept in the source until the rest of its shot can go, too"


class SourceStore(Store, Protocol):
    """A store that files are taken from."""

    def discard(self, path: str, seen: Entry | None = None) -> None:
        """Remove a file for good; its content is proved elsewhere."""
        ...


@dataclass(frozen=True, slots=True)
class Safe:
    """A source file whose content is recorded at `path` of the catalog,
    and its sidecars with their places there.

    `prove`: this run has not written the copy itself, so it is read once more, and so is the
    source.
    """

    entry: Entry
    hash: str
    path: str
    outcome: Outcome
    sidecars: Sequence[tuple[Entry, str]] = ()
    prove: bool = False


@dataclass(slots=True)
class SourceRemoval:
    """Holds the outcomes of a shot's files back until the last one is safe; then all sources go,
    or none.

    With `threads` several shots go at once, behind the caller's back: where each question to a
    store is a request. With `hold` none goes before `release`.
    """

    source: SourceStore
    target: Store
    journal: Journal
    tell: Callable[[Outcome], None]
    threads: int = 0
    hold: bool = False
    _held: list[list[Safe]] = field(default_factory=list)
    _waiting: dict[str, list[Safe]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor | None = None
    _slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AHEAD))
    _error: BaseException | None = None

    def __post_init__(self) -> None:
        if self.threads:
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="remove")

    def settle(self, shot: Shot, file: Safe) -> None:
        """One more file of a shot is safe."""
        with self._lock:
            files = self._waiting[shot.key]
            files.append(file)
            if len(files) < shot.files:
                return
            del self._waiting[shot.key]
            if self.hold:
                self._held.append(files)
                return
        if self._pool is None:
            self._remove(files)
        else:
            self._slots.acquire()
            self._pool.submit(self._remove, files).add_done_callback(self._ended)

    def _ended(self, work: Future[None]) -> None:
        self._slots.release()
        self._error = self._error or work.exception()

    def finish(self) -> None:
        """Wait for what is under way, and tell of the files whose shots never became whole;
        they stay.

        Raises what stopped a removal.
        """
        if self._pool is not None:
            self._wait()
            self._pool.shutdown(wait=False)
        with self._lock:
            waiting = [f for files in self._waiting.values() for f in files]
            self._waiting.clear()
        for file in waiting:
            self.tell(replace(file.outcome, reason=KEPT_WITH_SHOT))
        if self._error is not None:
            raise self._error

    def release(self, lacking: Callable[[list[str]], Mapping[str, str]]) -> None:
        """Let the shots go that were held; `lacking` says of contents why they may not,
        for those of which it is so.
        """
        held, self._held = self._held, []
        with ThreadPoolExecutor(self.threads or 1, thread_name_prefix="remove") as pool:
            for start in range(0, len(held), AHEAD):
                part = held[start : start + AHEAD]
                reasons = lacking(sorted({f.hash for files in part for f in files}))
                staying = [files for files in part if any(f.hash in reasons for f in files)]
                for file in (f for files in staying for f in files):
                    self.tell(replace(file.outcome, reason=reasons.get(file.hash, KEPT_WITH_SHOT)))
                list(
                    pool.map(
                        self._remove,
                        (files for files in part if not any(f.hash in reasons for f in files)),
                    )
                )

    def _wait(self) -> None:
        """Until every removal has given its slot back;
        a wait that is interrupted can be repeated.
        """
        taken = 0
        try:
            while taken < AHEAD:
                self._slots.acquire()
                taken += 1
        finally:
            if taken:
                self._slots.release(taken)

    def _remove(self, files: list[Safe]) -> None:
        doubts = [self._why_kept(f) for f in files]
        for file, doubt in zip(files, doubts, strict=True):
            if doubt:
                self.journal.failed("remove", source=file.entry.path, hash=file.hash, reason=doubt)
                self.tell(replace(file.outcome, outcome="failed", reason=doubt))
            elif any(doubts):
                self.tell(replace(file.outcome, reason=KEPT_WITH_SHOT))
            else:
                problem = self._discard(file)
                self.tell(
                    replace(file.outcome, outcome="failed", reason=problem)
                    if problem
                    else file.outcome
                )

    def _why_kept(self, file: Safe) -> str:
        try:
            return self._doubt(file) or next(
                (d for s, path in file.sidecars if (d := self._sidecar_doubt(s, path))), ""
            )
        except StoreError as error:
            return f"kept in the source: {error}"

    def _doubt(self, file: Safe) -> str:
        """Why a source must stay, or "". One that is gone already needs nothing."""
        here, there = self.source.stat(file.entry.path), self.target.stat(file.path)
        if here is None:
            return ""
        if there is None or there.size != file.entry.size:
            return f"kept in the source: the catalog copy {file.path} is gone or was changed"
        if is_same_file(here, there):
            return "kept: it is the catalog's own file, seen by another path"
        content = select_recorded(file.hash)
        if (file.prove or there.content_hash) and not has_content(self.target, there, content):
            return f"kept in the source: the catalog copy {file.path} is damaged"
        untouched = (
            replace(here, ctime_ns=file.entry.ctime_ns) == file.entry
        )  # removing a hard link changes the other's ctime
        must_read = file.prove or here != file.entry
        if not untouched or (
            (must_read or here.content_hash) and not has_content(self.source, here, content)
        ):
            return "kept in the source: it changed during the run"
        return ""

    def _sidecar_doubt(self, sidecar: Entry, path: str) -> str:
        here, there = self.source.stat(sidecar.path), self.target.stat(path)
        if here is None:
            return ""
        if replace(here, ctime_ns=sidecar.ctime_ns) != sidecar:
            return f"kept in the source: its sidecar {sidecar.name} changed during the run"
        if (
            there is None
            or is_same_file(here, there)
            or content_of(self.source, here) != content_of(self.target, there)
        ):
            return f"kept in the source: its sidecar {sidecar.name} has no good copy in the catalog"
        return ""

    def _discard(self, file: Safe) -> str:
        """Remove a source and its sidecars: these first,
        so that a run that is cut off finds them by their photo.
        """
        for entry, target in (*file.sidecars, (file.entry, file.path)):
            path = entry.path
            self.journal.started(
                "remove",
                source=path,
                hash=file.hash,
                target=target,
                device=file.entry.device,
                size=entry.size,
                mtime_ns=entry.mtime_ns,
            )
            try:
                self.source.discard(path, entry)
            except StoreError as error:
                self.journal.failed("remove", source=path, hash=file.hash, reason=str(error))
                return f"kept in the source: {error}"
            self.journal.done("remove", source=path, hash=file.hash)
        return ""
