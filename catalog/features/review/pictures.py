"""The pictures of a review, made one after the other or when somebody waits for one."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future

from catalog.domain.document import AssetDocument
from catalog.features.review.previews import SIDE, Previewer

LARGE = 1600
"""Pixels on the long side of an enlarged picture, where the page is served."""
AHEAD = 64
"""Pictures that are made ahead of the one that is written."""
PATIENCE = 60.0
"""Seconds that a browser waits for a picture."""


class Pictures:
    """The pictures of a review, by content hash."""

    def __init__(self, previews: Previewer, documents: Mapping[str, AssetDocument]) -> None:
        self._previews = previews
        self._documents = documents

    def one(self, content_hash: str, large: bool) -> bytes | None:
        """One that a person waits for."""
        document = self._documents.get(content_hash)
        if document is None:
            return None
        with contextlib.suppress(TimeoutError):
            return self._previews.get(document, LARGE if large else SIDE, urgent=True).result(
                PATIENCE
            )
        return None

    def all(self, hashes: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Each in turn, while the next ones are being made."""
        waiting: deque[tuple[str, Future[bytes | None] | None]] = deque()
        for name in hashes:
            document = self._documents.get(name)
            waiting.append((name, None if document is None else self._previews.get(document)))
            if len(waiting) > AHEAD:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _next(
        self, waiting: deque[tuple[str, Future[bytes | None] | None]]
    ) -> tuple[str, bytes | None]:
        name, future = waiting.popleft()
        return name, None if future is None else future.result()
