"""Looking at a folder without an index: facts of every file, and counts of types."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from catalog.domain.asset import LINK, Asset, Entry, Facts
from catalog.domain.candidates import sort_candidates
from catalog.domain.filetypes import (
    HEAD_BYTES,
    MEDIA_EXTENSIONS,
    extension_of,
    recognise,
)
from catalog.domain.names import from_text
from catalog.errors import StoreError, UnsupportedType
from catalog.media.request import Request
from catalog.stores.local.store import LocalStore
from catalog.work.description import Describer, is_open, utc_now
from catalog.work.guards import check_folder
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class FolderRequest:
    """Which folder of this machine is looked at; with those below it, if `recursive`."""

    directory: str
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class FileDescription:
    """What a photo or video states of itself; where `asset` is None, `problem` says why."""

    entry: Entry
    asset: Asset | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How many files have an extension ("" for none) and are of a type, and their bytes."""

    extension: str
    type: str
    files: int
    bytes: int


# --- facts ----------------------------------------------------------------------------------------


def describe_files(workspace: Workspace, request: FolderRequest) -> Iterator[FileDescription]:
    """The photos and videos of a folder, in listing order, each once all before it are known."""
    base = str(check_folder(request.directory))
    return _described(workspace, base, recursive=request.recursive)


def _described(workspace: Workspace, base: str, *, recursive: bool) -> Iterator[FileDescription]:
    describer = workspace.describer(base)
    waiting = _Waiting(describer)

    def requests() -> Iterator[tuple[Entry, Request | None]]:
        for entry, sidecars in _candidates(base, recursive=recursive):
            if entry.problem.startswith(LINK):
                continue
            waiting.add(entry)
            if entry.problem:
                yield entry, None
            else:
                beside = tuple(_system(base, s) for s in sidecars)
                path = _system(base, entry)
                yield entry, Request(path, beside, size=entry.size, root=base)
        waiting.listed = None

    with workspace.readers() as pool:
        for entry, result in pool.run(requests()):
            if isinstance(result, Facts):
                asset = describer.look(result, entry, utc_now())
                waiting.take(entry, FileDescription(entry, asset))
            elif _is_no_media(entry, result):
                waiting.take(entry, None)
            else:
                reason = entry.problem if result is None else str(result)
                waiting.take(entry, FileDescription(entry, None, reason))
            yield from waiting.known()
    yield from waiting.known()


@dataclass(slots=True)
class _Waiting:
    """Files in listing order, each given out when all before it are known; one that states its
    time in UTC alone when all of its folder are, since they may speak for it.
    """

    describer: Describer
    listed: str | None = ""
    _order: deque[Entry] = field(default_factory=deque)
    _ready: dict[str, FileDescription | None] = field(default_factory=dict)
    _unread: Counter[str] = field(default_factory=Counter)

    def add(self, entry: Entry) -> None:
        self.listed = entry.folder
        self._order.append(entry)
        self._unread[entry.folder] += 1

    def take(self, entry: Entry, found: FileDescription | None) -> None:
        self._unread[entry.folder] -= 1
        self._ready[entry.path] = found

    def known(self) -> Iterator[FileDescription]:
        while self._order and self._order[0].path in self._ready:
            entry = self._order[0]
            found = self._ready[entry.path]
            if found is not None and found.asset is not None and is_open(found.asset):
                if self._unread[entry.folder] or self.listed == entry.folder:
                    return
                found = replace(found, asset=self.describer.settle(found.asset, entry))
            del self._ready[self._order.popleft().path]
            if found is not None:
                yield found


def _is_no_media(entry: Entry, result: object) -> bool:
    """Whether a file is no photo or video, and is not called one either."""
    is_called_media = extension_of(entry.name) in MEDIA_EXTENSIONS
    return isinstance(result, UnsupportedType) and not is_called_media


def _system(base: str, entry: Entry) -> str:
    return f"{base}/{from_text(entry.path)}"


def _candidates(base: str, *, recursive: bool) -> Iterator[tuple[Entry, tuple[Entry, ...]]]:
    """Every file that may be a photo or video, and its sidecars, a folder at a time."""
    folder: list[Entry] = []
    for entry in _listed(base, recursive=recursive):
        if folder and folder[0].folder != entry.folder:
            yield from _attached(folder)
            folder = []
        folder.append(entry)
    yield from _attached(folder)


def _listed(base: str, *, recursive: bool) -> Iterator[Entry]:
    return LocalStore("source", Path(base), managed=False).list(recursive=recursive)


def _attached(folder: list[Entry]) -> Iterator[tuple[Entry, tuple[Entry, ...]]]:
    for candidate in sort_candidates(folder)[0]:
        yield candidate.entry, candidate.sidecars


# --- types ----------------------------------------------------------------------------------------


def count_types(request: FolderRequest) -> list[TypeCount]:
    """Extensions and recognised types, most files first."""
    base = str(check_folder(request.directory))
    counts: Counter[tuple[str, str]] = Counter()
    sizes: Counter[tuple[str, str]] = Counter()
    for entry in _listed(base, recursive=request.recursive):
        key = (extension_of(entry.name), _recognised(base, entry))
        counts[key] += 1
        sizes[key] += entry.size
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [TypeCount(*key, count, sizes[key]) for key, count in rows]


def _recognised(base: str, entry: Entry) -> str:
    if entry.problem:
        return "link" if entry.problem.startswith(LINK) else "not readable"
    if entry.size == 0:
        return "empty"
    try:
        with LocalStore("source", Path(base), managed=False).open(entry.path) as stream:
            found = recognise(stream.read(HEAD_BYTES), os.path.basename(entry.path))  # noqa: PTH119
    except (StoreError, OSError):
        return "not readable"
    return f"{found.kind} {found.name}" if found else "unknown"
