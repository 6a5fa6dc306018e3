"""The one check of paths that every store makes before it touches anything."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from catalog.domain.amounts import size_text
from catalog.domain.names import from_text, to_text
from catalog.errors import InvalidPath, LinkedFolder, ReadOnlyStore
from catalog.stores.protocol import Capabilities

PRIVATE = ".catalog"
"""The folder below a managed root that holds its marker, temporary files and trash.

Never listed.
"""

IN_SCRATCH = f"{PRIVATE}/tmp"  # noqa: S108 - a folder of ours, in a folder of ours
IN_TRASH = f"{PRIVATE}/trash"
OWN_FOLDERS = (PRIVATE, IN_SCRATCH, IN_TRASH)
"""The folders of a root in which the catalog keeps what is its own."""


class Named(Protocol):
    """What a check must know of a store."""

    name: str

    @property
    def capabilities(self) -> Capabilities:
        """What it is like."""
        ...


def check_inside(path: str, store: Named) -> None:
    """Raise InvalidPath for a path that leaves the root, or that the store cannot hold."""
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise InvalidPath(
            f"{path!r} is no path inside store {store.name}.", store=store.name, path=path
        )
    longest = store.capabilities.longest_name
    if longest and any(len(from_text(part).encode(errors="replace")) > longest for part in parts):
        raise InvalidPath(
            f"A name in {path[:60]}... is longer than store {store.name} can hold.",
            store=store.name,
            path=path,
        )


def check_writable(path: str, store: Named) -> None:
    """Raise ReadOnlyStore, or InvalidPath for what is no path of a file that may be written."""
    if store.capabilities.read_only:
        raise ReadOnlyStore(f"Store {store.name} is only read from.", store=store.name, path=path)
    parts = path.split("/")
    if "" in parts or "." in parts:
        raise InvalidPath(
            f"{path!r} is no path of a file in store {store.name}.", store=store.name, path=path
        )
    if (parts[0] if store.capabilities.case_sensitive else parts[0].lower()) == PRIVATE:
        raise InvalidPath(f"{PRIVATE} is kept for the catalog itself.", store=store.name, path=path)
    check_inside(path, store)


def check_size(path: str, size: int, store: Named) -> None:
    """Raise InvalidPath for a file of so many bytes that the store cannot hold it."""
    most = store.capabilities.largest_file
    if most and size > most:
        raise InvalidPath(
            f"{path} is larger ({size_text(size)}) than store {store.name} can hold "
            f"({size_text(most)}).",
            store=store.name,
            path=path,
        )


def check_in_trash(key: str, store: Named) -> None:
    """Raise InvalidPath for what is no key of the trash."""
    if key.startswith("/") or ".." in key.split("/") or "\0" in key:
        raise InvalidPath(
            f"{key!r} is nothing in the trash of store {store.name}.", store=store.name, path=key
        )


def link_refused(root: Path, link: str) -> LinkedFolder:
    """The error for a link in the place of a folder of the catalog's own (its system path)."""
    return LinkedFolder(
        f"{to_text(str(root / link))} is a symbolic link: nothing is read, written or removed "
        "through it.",
        hint="Put a folder in its place, with what belongs to the catalog, and run it again.",
    )
