"""All that is made of assets to be looked at, for a program that shows them."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import Future
from functools import cached_property

from catalog.domain.document import AssetDocument
from catalog.features.renditions.backfill import Backfill
from catalog.features.renditions.films import Film, FilmMaker
from catalog.features.renditions.originals import IndexShots, Original, Originals
from catalog.features.renditions.pictures import Picture, PictureMaker
from catalog.features.renditions.shelf import Shelf
from catalog.features.renditions.store import VERSION as VERSION
from catalog.features.renditions.stores import FILMS, open_stores
from catalog.features.renditions.stores import SIDES as SIDES
from catalog.work.workspace import Workspace


class RenditionMaker:
    """Gives pictures, films and originals of the assets of a catalog.

    Use as a context manager; its methods may be called from any thread.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._shelf = Shelf(workspace)
        self._stores = open_stores(workspace)
        self._pictures = PictureMaker(
            self._shelf,
            self._stores,
            workspace.scratch_dir,
            workspace.limits,
            workspace.settings.workers,
        )
        self._stack = contextlib.ExitStack()
        self._beginning = threading.Lock()

    def __enter__(self) -> RenditionMaker:
        self._stack.callback(self._stores.close)
        self._stack.enter_context(self._shelf)
        self._stack.enter_context(self._pictures)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stack.close()

    def kept(self, content_hash: str, side: int) -> bytes | None:
        """See `PictureMaker.kept`."""
        return self._pictures.kept(content_hash, side)

    def picture(self, document: AssetDocument, side: int, urgent: bool = True) -> Future[Picture]:
        """See `PictureMaker.picture`."""
        return self._pictures.picture(document, side, urgent)

    def film(self, document: AssetDocument) -> Film:
        """The film for browsers of a video, or of the moving part of a still; see
        `FilmMaker.film`.
        """
        with self._beginning:
            films = self._films
        return films.film(document)

    def original(self, document: AssetDocument) -> Original | None:
        """See `Originals.original`."""
        return self._originals.original(document)

    def film_part(self, document: AssetDocument) -> Original | None:
        """See `Originals.film_part`."""
        return self._originals.film_part(document)

    def fill(self) -> Backfill | None:
        """Begin to make the small pictures that the catalog has none of, until this is left; None
        where the settings say that none are made ahead.
        """
        if self._workspace.settings.previews == "off":
            return None
        with self._beginning:
            return self._backfill

    @cached_property
    def _originals(self) -> Originals:
        return Originals(self._shelf, IndexShots(self._workspace.existing_repository))

    @cached_property
    def _films(self) -> FilmMaker:
        """Made when the first one is asked for."""
        settings = self._workspace.settings
        made = FilmMaker(
            self._workspace.preview_dir / FILMS,
            int(settings.film_cache_gb * 1e9),
            self._originals.moving,
            self._workspace.limits,
            settings.ffmpeg,
        )
        return self._stack.enter_context(made)

    @cached_property
    def _backfill(self) -> Backfill:
        repository = self._workspace.existing_repository
        return self._stack.enter_context(Backfill(repository, self._stores.small, self._pictures))
