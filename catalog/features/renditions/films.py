"""Films that every browser plays: one of 720p, H.264 and AAC, made once of each film that is asked
for, and kept while there is room.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from catalog.domain.document import AssetDocument
from catalog.domain.names import from_text
from catalog.domain.video import Clip
from catalog.errors import CatalogError, MediaError, UnreadableMedia
from catalog.features.renditions.originals import Original
from catalog.media.extract import open_regular
from catalog.media.request import Request
from catalog.media.video import ffmpeg, for_browsers
from catalog.media.video.probe import BRIEF
from catalog.stores.scratch import scratch_folder
from catalog.work.workers import Limits, ReaderPool

VERSION = 1
"""Of the films; raised when they are made in another way than before."""
MAKING = "making"
"""The folder in that of the films where one is made, and what it is made of may lie."""
LEAST_SECONDS, PER_SECOND, UNKNOWN_SECONDS = 300.0, 60.0, 7200.0
"""How long making one may take: so long at least, so many seconds a second of the film; where its
length is not known.
"""
Find = Callable[[AssetDocument], Original | None]


@dataclass(frozen=True, slots=True)
class Film:
    """A film made for browsers: where it lies; or how much of it is made (0 to 1); or the `reason`
    why there is none.
    """

    path: Path | None = None
    done: float = 0.0
    reason: str = ""


class FilmMaker:
    """Makes films one after the other, in a thread of its own.

    Use as a context manager; several threads may ask.

    `find` gives the bytes that a film is made of; `limit` is the space for films, in bytes, of
    which those that were not used for longest go first.
    """

    def __init__(
        self, folder: Path, limit: int, find: Find, limits: Limits, named: str | None = None
    ) -> None:
        self._folder = folder
        self._limit = limit
        self._find = find
        self._limits = limits
        self._named = named
        self._states: dict[str, Film] = {}
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[AssetDocument | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="films", daemon=True)

    def __enter__(self) -> FilmMaker:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closed.set()
        self._waiting.put(None)
        self._thread.join()

    def film(self, document: AssetDocument) -> Film:
        """The film of an asset, if it is made; else it will be, and this is how far it is."""
        path = self._path(document["hash"])
        with contextlib.suppress(OSError):
            os.utime(path)  # used now
            return Film(path, 1.0)
        with self._lock:
            state = self._states.get(document["hash"])
            if state is None:
                state = self._states[document["hash"]] = Film()
                self._waiting.put(document)
        return state

    @property
    def size(self) -> int:
        """Bytes that films take."""
        return sum(size for _used, size, _path in self._kept())

    def _path(self, content_hash: str) -> Path:
        return self._folder / f"{content_hash}-{VERSION}.mp4"

    def _work(self) -> None:
        while (document := self._waiting.get()) is not None and not self._closed.is_set():
            name = document["hash"]
            try:
                self._make(document)
                state = None
            except (CatalogError, OSError) as error:
                state = Film(reason=str(error))
            with self._lock:
                if state is None:
                    self._states.pop(name, None)
                else:
                    self._states[name] = state

    def _make(self, document: AssetDocument) -> None:
        """Raises MediaError, StoreError, ConfigError, OSError."""
        original = self._find(document)
        if original is None:
            raise UnreadableMedia("no copy of it can be had now")
        program = ffmpeg.find(self._named)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with scratch_folder(self._folder / MAKING) as folder:
            source, root = self._source(original, folder)
            clip, made = self._streams(source, root), folder / "film.mp4"
            # ffmpeg gets the file as it was opened: its path may lead elsewhere by then
            with open_regular(source, root) as (descriptor, _size):
                words = for_browsers.arguments(f"/dev/fd/{descriptor}", os.fspath(made), clip)
                follow = self._follow(document["hash"], clip)
                ran = program.run(words, follow, folder, (descriptor,))
            if ran.status or not made.stat().st_size:
                raise UnreadableMedia(f"it cannot be converted: {ran.reason}")
            self._keep(made, document["hash"])

    def _source(self, original: Original, folder: Path) -> tuple[str, str]:
        """A file with the bytes, and the root from which no link is followed: the one on a disk,
        else what is fetched, or cut out of another.
        """
        copy = original.copy
        if copy.is_near and not original.start:
            root = from_text(copy.store.location)
            return f"{root}/{from_text(copy.path)}", root
        if original.size > self._limit:
            raise UnreadableMedia("it is far away, and larger than the space for films")
        path = folder / "source"
        with path.open("xb") as file:
            for piece in original.open_range():
                file.write(piece)
        return os.fspath(path), ""

    def _streams(self, source: str, root: str) -> Clip:
        with ReaderPool(1, self._limits) as pool:
            request = Request(source, streams=BRIEF, root=root)
            answer = next(iter(pool.streams([(None, request)])))[1]
        if isinstance(answer, MediaError):
            raise answer
        if answer.pictures is None:
            raise UnreadableMedia("it has no pictures")
        return answer

    def _follow(self, name: str, clip: Clip) -> Callable[[float], None]:
        """Told how far it is; ends what takes too long, or is not wanted any more."""
        length = clip.seconds
        patience = max(LEAST_SECONDS, length * PER_SECOND) if length else UNKNOWN_SECONDS
        end = time.monotonic() + patience

        def follow(seconds: float) -> None:
            if self._closed.is_set():
                raise UnreadableMedia("the program is ending")
            if time.monotonic() > end:
                raise UnreadableMedia(f"converting it took longer than {patience:.0f} s")
            with self._lock:
                self._states[name] = Film(done=min(0.99, seconds / length) if length else 0.0)

        return follow

    def _keep(self, made: Path, name: str) -> None:
        """Give a film its name, once there is room for it."""
        wanted = self._limit - made.stat().st_size
        if wanted < 0:
            raise UnreadableMedia("it is larger than the space for films (film_cache_gb)")
        kept = sorted(self._kept())
        total = sum(size for _used, size, _path in kept)
        for _used, size, path in kept:
            if total <= wanted:
                break
            path.unlink(missing_ok=True)
            total -= size
        made.replace(self._path(name))

    def _kept(self) -> list[tuple[float, int, Path]]:
        """When each film was last used, its bytes, where it lies."""
        found = []
        with contextlib.suppress(OSError):
            for path in self._folder.glob("*.mp4"):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        return found
