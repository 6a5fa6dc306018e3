"""The pictures of a review, made one after the other or when somebody waits for one."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future

from catalog.domain.document import AssetDocument
from catalog.features.renditions.maker import RenditionMaker
from catalog.features.renditions.pictures import Picture
from catalog.features.renditions.stores import SIDES

_GRID, SIDE, LARGE = SIDES
"""Pixels on the long side of a picture, and of an enlarged one, where the page is served."""
AHEAD = 64
"""Pictures that are made ahead of the one that is written."""
PATIENCE = 60.0
"""Seconds that a browser waits for a picture."""


class Pictures:
    """The pictures of a review, by content hash."""

    def __init__(self, previews: RenditionMaker, documents: Mapping[str, AssetDocument]) -> None:
        self._previews = previews
        self._documents = documents

    def one(self, content_hash: str, large: bool) -> bytes | None:
        """One that a person waits for."""
        document = self._documents.get(content_hash)
        if document is None:
            return None
        with contextlib.suppress(TimeoutError):
            made = self._previews.picture(document, LARGE if large else SIDE)
            return made.result(PATIENCE).data or None
        return None

    def all(self, hashes: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each in turn, while the next ones are being made."""
        waiting: deque[tuple[str, Future[Picture] | None]] = deque()
        for name in hashes:
            document = self._documents.get(name)
            waiting.append(
                (
                    name,
                    None
                    if document is None
                    else self._previews.picture(document, SIDE, urgent=False),
                )
            )
            if len(waiting) > AHEAD:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(self, waiting: deque[tuple[str, Future[Picture] | None]]) -> tuple[str, bytes | None]:
        name, future = waiting.popleft()
        return name, None if future is None else future.result().data or None
