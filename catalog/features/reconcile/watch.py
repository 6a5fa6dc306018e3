"""Keeping a store in step while it is changed: a sync of what changed once it has settled,
and of all now and then.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import psutil
import watchfiles

from catalog.domain.amounts import age
from catalog.domain.names import printable
from catalog.errors import CatalogError, Interrupted, StoreUnavailable
from catalog.features.reconcile.run import SyncRequest, run_sync
from catalog.filesystem.beneath import LinkOnTheWay
from catalog.filesystem.tree import Tree
from catalog.stores import registry
from catalog.stores.paths import PRIVATE
from catalog.stores.protocol import ManagedStore, NotifyingStore
from catalog.work.sink import Sink
from catalog.work.store_book import NAS, StoreBook
from catalog.work.workspace import Workspace

NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "davfs", "vboxsf", "virtiofs"}
)
"""File systems that do not tell what another machine changed:
they are looked at again and again instead.
"""
_TICK_MS = 500
_POLL_MS = 2000
_LONGPOLL_SECONDS = 60
_FIRST_RETRY, _LONGEST_RETRY = 60.0, 3600.0
"""Seconds until a sync that was stopped by something is tried again, though nothing changed."""


@dataclass(slots=True)
class Settling:
    """Folders in which something changed, held back until nothing has for a while.

    Moments are monotonic seconds.
    """

    seconds: float
    folders: set[str] = field(default_factory=set)
    last: float = 0.0

    def add(self, folders: Iterable[str], now: float) -> None:
        """Something changed there."""
        for folder in folders:
            self.folders.add(folder)
            self.last = now

    def settled(self, now: float) -> tuple[str, ...]:
        """The folders to look at now, without those below others;
        none while something still changes.
        """
        if not self.folders or now - self.last < self.seconds:
            return ()
        found = sorted(self.folders)
        self.folders = set()
        return tuple(
            f for f in found if not any(f != o and f.startswith(o.rstrip("/") + "/") for o in found)
        )


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """Which store, how often all of it is looked at, and how long after the last change;
    durations such as 24h and 5s.
    """

    store: str = NAS
    every: str = "24h"
    settle: str = "5s"
    poll: bool = False


def run_watch(workspace: Workspace, request: WatchRequest, sink: Sink) -> NoReturn:
    """Watch a store until interrupted, which is raised."""
    store, every, poll = request.store, request.every, request.poll
    period, pause = age(every).total_seconds(), age(request.settle).total_seconds()
    with StoreBook(workspace, workspace.repository, sink.notice).open(store) as found:
        if found.folder is None:
            _watch_afar(workspace, found, period, pause, sink)
        root = found.folder
    polling = poll or is_network(root)
    how = f"looking at it every {_POLL_MS // 1000} s" if polling else "told by the system"
    sink.notice(
        f"Watching {root} ({how}); a change is taken in {pause:g} s after the last one, "
        f"everything every {every}."
    )
    request_all = SyncRequest(store, yes=True, command="watch")
    syncs = _Syncs(workspace, sink, period)
    syncs.sync(request_all)
    settling = Settling(pause)
    while True:
        try:
            for changed in _changes(root, polling=polling):
                now = time.monotonic()
                places = (find_folder(path, root) for _kind, path in changed)
                settling.add((place for place in places if place is not None), now)
                folders = settling.settled(now)
                if syncs.is_due(now):
                    syncs.sync(request_all)
                elif folders:
                    syncs.sync(replace(request_all, folders=folders, recursive=True))
        except (
            OSError,
            RuntimeError,
        ) as error:  # the second is what the watcher itself raises, also for odd names
            reason = getattr(error, "strerror", None) or error
            if isinstance(error, OSError) and root.is_dir():
                raise StoreUnavailable(
                    f"{root} cannot be watched ({reason}).",
                    store=store,
                    hint="Where the system has too few watches, add --poll.",
                ) from error
            sink.notice(
                f"The watch was interrupted ({reason}); everything is looked at, and it goes on."
            )
        time.sleep(pause)
        syncs.sync(request_all)


def _watch_afar(
    workspace: Workspace, store: ManagedStore, period: float, pause: float, sink: Sink
) -> NoReturn:
    """Let the store say when something changes, if it can, and look then;
    and once in every period whatever it says.
    """
    if isinstance(store, NotifyingStore):
        told, wait = f"told by {registry.kind_called(store.kind, store.name).title}", store.wait
    else:
        told, wait = "looking at it every period", _nothing_told
    sink.notice(
        f"Watching {store.location} ({told}); a change is taken in {pause:g} s after the last one."
    )
    request = SyncRequest(store.name, yes=True, command="watch")
    syncs = _Syncs(workspace, sink, period)
    syncs.sync(request)
    is_lost = False
    while True:
        try:
            changed = wait(_LONGPOLL_SECONDS)
        except StoreUnavailable as error:
            syncs.tell(error)
            is_lost = True
            time.sleep(pause)
            continue
        time.sleep(pause)
        if changed or is_lost or syncs.is_due(time.monotonic()):
            is_lost = False
            syncs.sync(request)


def _nothing_told(seconds: int) -> bool:
    time.sleep(seconds)
    return False


def _changes(root: Path, *, polling: bool) -> Iterator[set[tuple[watchfiles.Change, str]]]:
    """What changed below a folder, from moment to moment; mostly nothing."""
    return watchfiles.watch(
        root,
        watch_filter=_concerns,
        debounce=_TICK_MS,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
        force_polling=polling,
        poll_delay_ms=_POLL_MS,
    )


def _concerns(_kind: watchfiles.Change, path: str) -> bool:
    return PRIVATE not in Path(path).parts


def find_folder(path: str, root: Path) -> str | None:
    """The folder to look at for a changed path: the nearest above it that is still there,
    the root at last. None for what lies behind a link, and so not in the store.
    """
    folder, tree = Path(path).parent, Tree(root)
    while folder != root and folder.is_relative_to(root):
        try:
            tree.open_folder(os.fspath(folder.relative_to(root)))
        except LinkOnTheWay:
            return None
        except OSError:
            folder = folder.parent
        else:
            break
    return os.fspath(folder if folder.is_relative_to(root) else root)


@dataclass(slots=True)
class _Syncs:
    """The syncs of a watch. What stops one does not end the watch, unless a person does: it is told
    once, and tried again soon.
    """

    workspace: Workspace
    sink: Sink
    period: float
    _next: float = 0.0
    _failed: int = 0
    _told: str = ""

    def sync(self, request: SyncRequest) -> None:
        """One sync."""
        try:
            run_sync(self.workspace, request, self.sink)
        except Interrupted:
            raise
        except CatalogError as error:
            self.tell(error)
            pause = min(_FIRST_RETRY * 2 ** min(self._failed, 10), _LONGEST_RETRY, self.period)
            self._next, self._failed = time.monotonic() + pause, self._failed + 1
        else:
            self._told, self._failed = "", 0
            if not request.folders:
                self._next = time.monotonic() + self.period

    def is_due(self, now: float) -> bool:
        """Whether all is to be looked at though nothing changed."""
        return now >= self._next

    def tell(self, error: CatalogError) -> None:
        """Say what is wrong, but the same only once."""
        if self._told != str(error):
            self._told = str(error)
            self.sink.notice(f"Error: {printable(self._told)}")


def is_network(root: Path) -> bool:
    """Whether a folder lies on a file system of the network."""
    real = os.path.realpath(root)
    above = f"{real}/"
    mounts = [
        p
        for p in psutil.disk_partitions(all=True)
        if above.startswith(p.mountpoint.rstrip("/") + "/")
    ]
    kind = max(mounts, key=lambda p: len(p.mountpoint)).fstype if mounts else ""
    return kind in NETWORK or kind.startswith("fuse")
