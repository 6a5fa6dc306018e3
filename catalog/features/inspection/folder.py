"""Looking at a folder without an index: facts of every file, and counts of types."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
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
from catalog.errors import MediaError, StoreError, UnsupportedType
from catalog.media.request import Request
from catalog.stores.local.store import LocalStore
from catalog.work.description import utc_now
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
    order: deque[Entry] = deque()
    ready: dict[str, FileDescription] = {}

    def requests() -> Iterator[tuple[Entry, Request | None]]:
        for entry, sidecars in _candidates(base, recursive=recursive):
            if entry.problem.startswith(LINK):
                continue
            order.append(entry)
            if entry.problem:
                ready[entry.path] = FileDescription(entry, None, entry.problem)
                yield entry, None
            else:
                beside = tuple(_system(base, s) for s in sidecars)
                path = _system(base, entry)
                yield entry, Request(path, beside, size=entry.size, root=base)

    with workspace.readers() as pool:
        for entry, result in pool.run(requests()):
            if isinstance(result, Facts):
                asset = describer.describe(result, entry, utc_now())
                ready[entry.path] = FileDescription(entry, asset)
            elif _is_no_media(entry, result):
                order.remove(entry)
            elif isinstance(result, MediaError):
                ready[entry.path] = FileDescription(entry, None, str(result))
            while order and order[0].path in ready:
                yield ready.pop(order.popleft().path)


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
