"""Folders in which nothing is left."""

from __future__ import annotations

from collections.abc import Iterable

from catalog.stores.protocol import ManagedStore


def remove_empty_folders(store: ManagedStore, paths: Iterable[str]) -> None:
    """Remove the folders that some files of a store have left, and those above, as far as nothing
    is in them.
    """
    for folder in sorted({path.rpartition("/")[0] for path in paths}, reverse=True):
        while folder and store.remove_empty_folder(folder):
            folder = folder.rpartition("/")[0]
