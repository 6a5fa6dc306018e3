"""Keeping a store in step while it is changed: a sync of what changed once it has settled,
and of all now and then.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
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
    _sync(workspace, sink, SyncRequest(store, yes=True, command="watch"))
    settling, next_scan = Settling(pause), time.monotonic() + period
    while True:
        try:
            for changed in _changes(root, polling=polling):
                now = time.monotonic()
                places = (find_folder(path, root) for _kind, path in changed)
                settling.add((place for place in places if place is not None), now)
                folders = settling.settled(now)
                if now >= next_scan:
                    next_scan = now + period
                    _sync(workspace, sink, SyncRequest(store, yes=True, command="watch"))
                elif folders:
                    _sync(
                        workspace,
                        sink,
                        SyncRequest(store, folders, recursive=True, yes=True, command="watch"),
                    )
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
        _sync(workspace, sink, SyncRequest(store, yes=True, command="watch"))


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
    _sync(workspace, sink, request)
    next_scan = time.monotonic() + period
    while True:
        try:
            changed = wait(_LONGPOLL_SECONDS)
        except StoreUnavailable as error:
            sink.notice(f"Error: {printable(str(error))}")
            changed = False
        time.sleep(pause)
        if changed or time.monotonic() >= next_scan:
            next_scan = time.monotonic() + period
            _sync(workspace, sink, request)


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


def _sync(workspace: Workspace, sink: Sink, request: SyncRequest) -> None:
    """One sync; what stops it does not end the watch, unless a person does: the next change,
    or full scan, tries again.
    """
    try:
        run_sync(workspace, request, sink)
    except Interrupted:
        raise
    except CatalogError as error:
        sink.notice(f"Error: {printable(str(error))}")


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
