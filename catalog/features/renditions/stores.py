"""Where the pictures of a machine are kept, and reading that fills it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.features.renditions.store import RenditionStore, clear_old_cache
from catalog.work.workspace import Workspace

if TYPE_CHECKING:
    from catalog.work.workers import ReaderPool

SIDES = (320, 640, 1600)
"""Pixels on the long side that pictures are made with."""
GRID = SIDES[0]
"""Those of the picture that every asset should have before anybody looks."""
SMALL, LARGE, FILMS = "small", "large", "films"
"""The folders in that of the previews."""
LARGEST_SMALL = 640
"""Up to here a picture is kept with the small ones, which should all stay."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Where pictures are kept: small ones, which should all stay, and large ones, made when they
    are looked at.
    """

    small: RenditionStore
    large: RenditionStore

    def of(self, side: int) -> RenditionStore:
        """Where pictures of a side are."""
        return self.small if side <= LARGEST_SMALL else self.large

    def close(self) -> None:
        """Let go of both."""
        self.small.close()
        self.large.close()


def open_stores(workspace: Workspace) -> Stores:
    """Where the pictures are, as the settings say."""
    folder = workspace.preview_dir
    clear_old_cache(folder)
    limits = _limits(workspace)
    return Stores(*(RenditionStore(folder / name, limits[name]) for name in (SMALL, LARGE)))


def measure(workspace: Workspace) -> dict[str, tuple[int, int]]:
    """The bytes that small and large pictures and films take of the disk, and may take; nothing is
    opened or made.
    """
    folder = workspace.preview_dir
    return {name: (_size(folder / name), most) for name, most in _limits(workspace).items()}


def _limits(workspace: Workspace) -> dict[str, int]:
    settings = workspace.settings
    return {
        SMALL: int(settings.preview_gb * 1e9),
        LARGE: settings.preview_cache_mb * 1_000_000,
        FILMS: int(settings.film_cache_gb * 1e9),
    }


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # it went meanwhile
                total += path.stat().st_size if path.is_file() else 0
    return total


@contextlib.contextmanager
def open_readers(workspace: Workspace, *, dry: bool = False) -> Iterator[ReaderPool]:
    """Processes that read files of the catalog, or files that come into it; what they see on the
    way is kept as small pictures, unless the settings say otherwise, or nothing is to be written.
    """
    if dry or workspace.settings.previews == "off":
        with workspace.readers() as pool:
            yield pool
        return
    from catalog.work.workers import Previews

    with (
        contextlib.closing(open_stores(workspace).small) as store,
        workspace.readers(Previews(GRID, store.put)) as pool,
    ):
        yield pool
