"""The two folders: where pictures come in, and where what is made of them goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from catalog.errors import SourceInsideCatalog, UsageError
from catalog.stores.paths import PRIVATE
from catalog.stores.protocol import ManagedStore
from catalog.stores.root import Overlap, Root
from catalog.work.named_folders import root_of_setting
from catalog.work.store_book import is_marked
from catalog.work.workspace import Workspace

RAW, UNSORTED = "raw", "unsorted"


@dataclass(frozen=True, slots=True)
class Folders:
    """Both, opened; `shown` is the raw one as a person would name it."""

    raw: ManagedStore
    unsorted: ManagedStore
    shown: str


@contextmanager
def open_folders(workspace: Workspace, *, dry: bool) -> Iterator[Folders]:
    """The folders that the settings name; what killed runs left in them goes first, unless `dry`.

    Raises UsageError where they are one, SourceInsideCatalog where the raw one lies in a store:
    what was scaled is removed from there. StoreUnavailable.
    """
    raw, unsorted = check_folders(workspace)
    if any(is_marked(above) for above in raw.upwards()):
        raise SourceInsideCatalog(
            f"The folder {raw.shown} lies inside a store of a catalog, by its marker; pictures are "
            "removed from there once they were scaled, so nothing was changed.",
            hint="Name a folder outside it.",
        )
    try:
        with closing(raw.store(RAW)) as source, closing(_store(unsorted)) as target:
            if not dry:
                source.sweep()
                target.sweep()
            yield Folders(source, target, raw.shown)
    finally:
        for root in () if dry else (raw, unsorted):
            if root.folder is not None:
                with closing(root.store(RAW)) as store:
                    store.remove_empty_folder(PRIVATE)


def _store(root: Root) -> ManagedStore:
    """A folder, which a far store makes with its first file."""
    return root.store(UNSORTED, is_new=root.folder is None and not root.is_there())


def check_folders(workspace: Workspace) -> tuple[Root, Root]:
    """Where both are: the raw one first. Asks no server.

    Raises ConfigError, UsageError where nothing is set, or both are one.
    """
    raw, unsorted = (
        root_of_setting(workspace, name) for name in ("raw_remote_dir", "unsorted_remote_dir")
    )
    if raw.overlap(unsorted) is Overlap.SAME:
        raise UsageError(
            f"raw_remote_dir and unsorted_remote_dir are one folder ({raw.shown}).",
            hint="What is scaled would be scaled again: name two.",
        )
    return raw, unsorted
