"""One picture: fetched, scaled, put away under a free name, and proved there; only then does the
raw one go.

Killed anywhere, nothing is lost, and nothing is there twice: the name follows from the raw file and
its time, and what lies under it says by its XMP of which content it was made.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from catalog.domain.asset import Entry
from catalog.domain.filetypes import BY_NAME, extension_of
from catalog.domain.fixity import BLOCK_SIZE, ContentHasher, content_hash
from catalog.domain.layout import file_name
from catalog.domain.scaled_names import Source, scaled_names
from catalog.errors import (
    FATAL,
    AlreadyExists,
    CatalogError,
    FixityMismatch,
    Interrupted,
    JournalError,
    NotFound,
    UnreadableMedia,
    UnsupportedType,
)
from catalog.features.scaling.folders import RAW, UNSORTED, Folders
from catalog.features.scaling.pool import ScalingPool
from catalog.media.request import Request, Scaled, Scaling
from catalog.stores.protocol import Store
from catalog.work.journal import Journal
from catalog.work.outcome import Outcome

SCALE = "scale"
_LATEST = 253_370_764_800
"""Seconds since 1970 of the last year that a date can have: some files claim later ones."""
BROKEN = "_broken"
"""The folder in that of the raw pictures where those go that cannot be decoded."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How pictures are scaled and called: `offset_at` gives the minutes east of UTC of a moment
    (naive UTC), by which the time in a name is a wall clock's.
    """

    method: str
    factor: float
    template: str
    offset_at: Callable[[datetime], int]


@dataclass(slots=True)
class PictureScaler:
    """Scales one picture after the other; many threads may use it at once.

    `scratch` is a folder of this run's own. Without a `journal` nothing is written but there.
    """

    folders: Folders
    pool: ScalingPool
    scratch: Path
    wish: Wish
    journal: Journal | None
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _taken: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def scale(self, entry: Entry, *, is_abandoned: bool) -> Outcome:
        """What became of a picture. Raises FATAL errors of a store, Interrupted, JournalError.

        `is_abandoned`: nobody is still writing it, so that one which is cut short is broken.
        """
        try:
            if entry.problem:
                return Outcome(SCALE, entry.path, "unsupported", RAW, reason=entry.problem)
            return self._scale(entry, is_abandoned=is_abandoned)
        except (Interrupted, JournalError, *FATAL):
            raise
        except (CatalogError, OSError) as error:
            return Outcome(SCALE, entry.path, "failed", RAW, reason=str(error))

    def _scale(self, entry: Entry, *, is_abandoned: bool) -> Outcome:
        number = next(self._numbers)
        extension = extension_of(entry.name)
        fetched = self.scratch / (f"{number}.{extension}" if extension.isalnum() else f"{number}")
        made = self.scratch / f"{number}.made"
        try:
            try:
                digest = _fetch(self.folders.raw, entry, fetched)
            except NotFound:  # another scaler, or a person, was faster
                return Outcome(SCALE, entry.path, "gone", RAW)
            try:
                found = self._make(entry, digest, fetched, made)
            except UnsupportedType as error:
                return Outcome(
                    SCALE, entry.path, "unsupported", RAW, hash=digest, reason=f"{error}"
                )
            if found.broken:
                return self._put_aside(entry, digest, found.broken, is_abandoned=is_abandoned)
            return self._put_away(entry, digest, made, found)
        finally:
            for path in (fetched, made):
                path.unlink(missing_ok=True)

    def _make(self, entry: Entry, digest: str, fetched: Path, made: Path) -> Scaled:
        wish = self.wish
        scaling = Scaling(os.fspath(made), wish.method, wish.factor, digest, entry.name)
        return self.pool.scale(Request(os.fspath(fetched), size=entry.size, scaling=scaling))

    # --- putting away -----------------------------------------------------------------------------

    def _put_away(self, entry: Entry, digest: str, made: Path, found: Scaled) -> Outcome:
        size, checksum = made.stat().st_size, _hash(made)
        for name in self._names(entry, digest, BY_NAME[found.type].extensions[0]):
            outcome = Outcome(SCALE, entry.path, "scaled", UNSORTED, name, digest)
            if self.journal is None:
                if (there := self._foresee(name, digest)) is None:
                    continue
                became = "already" if there else "planned"
                stored = 0 if there else size
                return replace(outcome, outcome=became, size=entry.size, stored=stored)
            self.journal.started(SCALE, path=entry.path, hash=digest, target=name, made=checksum)
            try:
                with made.open("rb") as stream:
                    self.folders.unsorted.put(name, stream, size, entry.mtime_ns, checksum)
            except AlreadyExists:
                if not self._holds(name, digest):
                    continue
                became, size = "already", 0
            else:
                became = "scaled"
            self._let_go(entry, name)
            self.journal.done(SCALE, path=entry.path, hash=digest, target=name)
            return replace(outcome, outcome=became, size=entry.size, stored=size)
        raise AssertionError("there are more numbers than files")

    def _let_go(self, entry: Entry, name: str) -> None:
        """Remove the raw picture, if it is still the one that was scaled. Raises StoreError."""
        self.folders.unsorted.settle([name])
        self.folders.raw.discard(entry.path, entry)

    def _names(self, entry: Entry, digest: str, extension: str) -> Iterator[str]:
        seconds = min(max(entry.mtime_ns // 10**9, 0), _LATEST)
        utc = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        changed = utc + timedelta(minutes=self.wish.offset_at(utc))
        source = Source(entry.name, changed, digest, self.wish.factor)
        return scaled_names(self.wish.template, source, extension)

    def _foresee(self, name: str, digest: str) -> bool | None:
        """Of a name that is only shown: False for a free one, True where the result lies there
        already, None where something else does.
        """
        with self._lock:
            is_taken = name in self._taken
            self._taken.add(name)
        if is_taken:
            return None
        try:
            there = self.folders.unsorted.stat(name)
        except NotFound:
            there = None
        return False if there is None else self._holds(name, digest) or None

    def _holds(self, name: str, digest: str) -> bool:
        """Whether a whole picture lies under a name that was made of a content.

        Raises GaveUp where that takes too long to tell.
        """
        there = self.folders.unsorted.stat(name)
        if there is None or there.problem:
            return False
        path = self.scratch / f"{next(self._numbers)}.{extension_of(name)}"
        try:
            _fetch(self.folders.unsorted, there, path)
            facts = self.pool.read(path)
        except (UnreadableMedia, UnsupportedType):
            return False
        finally:
            path.unlink(missing_ok=True)
        return facts.values.get("rendition_of") == digest and not facts.problem

    # --- putting aside ----------------------------------------------------------------------------

    def _put_aside(self, entry: Entry, digest: str, reason: str, *, is_abandoned: bool) -> Outcome:
        """Bring a broken picture into a folder beside, and the reason with it."""
        outcome = Outcome(SCALE, entry.path, "damaged", RAW, hash=digest, reason=reason)
        if not is_abandoned:
            told = f"{reason}; it may still be being written"
            return Outcome(SCALE, entry.path, "held", RAW, hash=digest, reason=told)
        raw, note = self.folders.raw, f"{entry.name}: {reason}\n".encode()
        for number in itertools.count():
            name = f"{BROKEN}/{file_name(_stem(entry.name), entry.name, number)}"
            if raw.stat(name) is not None or not self._has_note(f"{name}.txt", note):
                continue
            if self.journal is not None:
                self.journal.started("quarantine", path=entry.path, target=name, reason=reason)
                with contextlib.suppress(AlreadyExists):
                    size, mtime = len(note), entry.mtime_ns
                    raw.put(f"{name}.txt", io.BytesIO(note), size, mtime, content_hash(note))
                raw.move(entry.path, name)
                self.journal.done("quarantine", path=entry.path, target=name)
            return replace(outcome, size=entry.size, target=name)
        raise AssertionError("there are more numbers than files")

    def _has_note(self, name: str, note: bytes) -> bool:
        """Whether a name is free for a note, or has it already."""
        raw = self.folders.raw
        there = raw.stat(name)
        return there is None or (
            there.size == len(note) and raw.checksum(name) == content_hash(note)
        )


def _stem(name: str) -> str:
    extension = extension_of(name)
    return name[: -len(extension) - 1] if extension else name


def _fetch(store: Store, entry: Entry, path: Path) -> str:
    """Bring a file to this machine: its content hash. Raises FixityMismatch where it is another
    than was listed, StoreError, OSError.
    """
    hasher, size = ContentHasher(()), 0
    with store.open(entry.path) as stream, path.open("xb") as file:
        while block := _block(stream):
            hasher.update(block)
            size += len(block)
            file.write(block)
    digest = hasher.digests().content
    if size != entry.size or entry.content_hash not in ("", digest):
        raise FixityMismatch(
            f"{entry.path} changed while it was read.", store=store.name, path=entry.path
        )
    return digest


def _block(stream: BinaryIO) -> bytes:
    """The next whole block; less of it at the end."""
    pieces: list[bytes] = []
    left = BLOCK_SIZE
    while left and (piece := stream.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _hash(path: Path) -> str:
    hasher = ContentHasher(())
    with path.open("rb") as file:
        while block := file.read(BLOCK_SIZE):
            hasher.update(block)
    return hasher.digests().content
