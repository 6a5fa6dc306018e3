"""The bytes of assets, by range, from the first store that answers; and the film that belongs to a
still, which is a file of its own (Live Photos) or lies within the still's (motion photos).
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from catalog.domain.document import AssetDocument
from catalog.errors import StoreError
from catalog.features.renditions.shelf import LiveCopy, Shelf
from catalog.index import queries
from catalog.index.repository import Repository

PIECE = 256 * 1024
"""Bytes that are given at once."""
LARGEST_SEARCHED = 64 << 20
"""Bytes of a still within which a film is looked for."""
REMEMBERED = 1000
"""Stills of which it is remembered where their films lie."""
MP4, QUICKTIME = "video/mp4", "video/quicktime"


class Shots(Protocol):
    """What is asked about files of the same shot."""

    def companions(self, document: AssetDocument) -> Iterable[AssetDocument]:
        """The other files of an asset's shot."""
        ...


@dataclass(frozen=True, slots=True)
class IndexShots:
    """The index's answer."""

    repository: Repository

    def companions(self, document: AssetDocument) -> Iterator[AssetDocument]:
        """The other files of an asset's shot."""
        return queries.companions(self.repository, document)


@dataclass(frozen=True, slots=True)
class Original:
    """The bytes of an asset, or of the film within it: where they come from, how many they are, and
    what they are. `hash` is the asset whose file it is.
    """

    hash: str
    store: str
    path: str
    size: int
    mime: str
    copy: LiveCopy
    shelf: Shelf
    start: int = 0

    def open_range(self, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """So many bytes from an offset, to the end where none are named, piece by piece. Close it
        if you do not read on. Raises StoreError where the store breaks off.
        """
        left = max(0, min(self.size - offset, self.size if length is None else length))
        with self.shelf.using():
            stream = self.copy.open(self.start + offset)
        with stream:
            while left:
                piece = stream.read(min(left, PIECE))
                if not piece:
                    raise StoreError(
                        f"{self.path} in store {self.store} is shorter than it was.",
                        store=self.store,
                        path=self.path,
                    )
                left -= len(piece)
                yield piece


class Originals:
    """Finds the bytes of assets. Several threads may use it."""

    def __init__(self, shelf: Shelf, shots: Shots | None) -> None:
        self._shelf = shelf
        self._shots = shots
        self._films: OrderedDict[str, tuple[int, int] | None] = OrderedDict()
        self._lock = threading.Lock()

    def original(self, document: AssetDocument) -> Original | None:
        """The file of an asset, from the first copy that is there and as recorded, disks first;
        None where there is none now.
        """
        with contextlib.closing(self._shelf.copies(document)) as copies:
            copy = next(copies, None)
        if copy is None:
            return None
        mime = document.get("mime") or "application/octet-stream"
        return Original(
            document["hash"],
            copy.store.name,
            copy.path,
            copy.entry.size,
            mime,
            copy,
            self._shelf,
        )

    def film_document(self, document: AssetDocument) -> AssetDocument | None:
        """The moving part of a still's shot, where that is an asset of its own."""
        if self._shots is None or document.get("kind") == "video":
            return None
        others = self._shots.companions(document)
        return next((o for o in others if o.get("stack", {}).get("role") == "live"), None)

    def film_part(self, document: AssetDocument) -> Original | None:
        """The film of a Live Photo or motion photo, as its bytes are; None where there is none, or
        none can be had now.
        """
        movie = self.film_document(document)
        if movie is not None and (found := self.original(movie)) is not None:
            return found
        if not document.get("motion_photo"):
            return None
        whole = self.original(document)
        if whole is None or whole.size > LARGEST_SEARCHED:
            return None
        span = self._span(whole)
        if span is None:
            return None
        return replace(whole, start=span[0], size=span[1] - span[0], mime=self._mime(whole, span))

    def moving(self, document: AssetDocument) -> Original | None:
        """What moves of an asset: a film itself, else the film that belongs to a still."""
        is_film = document.get("kind") == "video"
        return self.original(document) if is_film else self.film_part(document)

    def _span(self, whole: Original) -> tuple[int, int] | None:
        with self._lock:
            if whole.hash in self._films:
                self._films.move_to_end(whole.hash)
                return self._films[whole.hash]
        from catalog.media.trailer import find_film

        span = find_film(b"".join(whole.open_range()))
        with self._lock:
            self._films[whole.hash] = span
            while len(self._films) > REMEMBERED:
                self._films.popitem(last=False)
        return span

    def _mime(self, whole: Original, span: tuple[int, int]) -> str:
        """By the brand that the film's own header names."""
        head = b"".join(whole.open_range(span[0], 12))
        return QUICKTIME if head[8:12] == b"qt  " else MP4
