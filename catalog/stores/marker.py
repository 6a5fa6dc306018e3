"""The marker file of a managed root: which store of which catalog it is.

Its absence tells an unmounted share from an empty one.
"""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson

from catalog.errors import AlreadyExists, PermissionDenied, ReadOnlyStore, StoreGuard
from catalog.filesystem.beneath import LinkOnTheWay
from catalog.filesystem.tree import Tree, release_held
from catalog.stores.paths import OWN_FOLDERS, PRIVATE, link_refused
from catalog.stores.scratch import claim_scratch, release_scratch

MARKER = "store.json"
_PATH = f"{PRIVATE}/{MARKER}"


class Marker(NamedTuple):
    """What a marker states: the id of the store, that of its catalog, and the name it was made
    with.

    `catalog` is "" in markers of versions that did not name it; `store` is "" where it is lacking.
    """

    id: str
    catalog: str = ""
    store: str = ""


class Markable(Protocol):
    """A folder far away that keeps small files of the catalog's own; `name` is the store's."""

    name: str

    @property
    def location(self) -> str:
        """Where it lies, as a person would name it."""
        ...

    def read_private(self, name: str) -> bytes | None:
        """A small file of the catalog's own below the root, or None."""
        ...

    def write_private(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Put one there, as the root's first file where need be.

        Raises AlreadyExists where there is one.
        """
        ...


def marker_path(root: Path) -> Path:
    """Where a root's marker lies."""
    return root / PRIVATE / MARKER


def read_marker(root: Path) -> Marker | None:
    """The marker of a root, or None where it was never marked.

    Raises StoreGuard for a damaged marker, LinkedFolder where a folder of the catalog's own beside
    it is a symbolic link, or the one that it lies in.
    """
    tree = Tree(root)
    try:
        data = tree.read(_PATH)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except LinkOnTheWay as error:
        raise link_refused(root, error.link) from error
    except OSError as error:
        raise StoreGuard(
            f"The marker {marker_path(root)} cannot be read ({error.strerror})."
        ) from error
    check_own_folders(tree)
    return parse_marker(data, str(marker_path(root)))


def check_own_folders(tree: Tree) -> None:
    """Raise LinkedFolder where a folder of the catalog's own in a root is a symbolic link."""
    for folder in OWN_FOLDERS:
        with contextlib.suppress(OSError):
            if stat.S_ISLNK(tree.stat(folder).st_mode):
                raise link_refused(tree.path, folder)


def parse_marker(data: bytes, where: str) -> Marker:
    """What a marker states. Raises StoreGuard for a damaged one; `where` it lies is told."""
    try:
        stated = orjson.loads(data)
        identity, catalog, store = stated["id"], stated.get("catalog", ""), stated.get("store", "")
        if not isinstance(identity, str) or not identity or not isinstance(catalog, str):
            raise ValueError("no id")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "If this is the right folder, remove the file and run the command again."
        raise StoreGuard(f"The marker {where} is damaged.", hint=hint) from error
    return Marker(identity, catalog, store if isinstance(store, str) else "")


def marker_data(name: str, identity: str | None = None, catalog: str = "") -> bytes:
    """What a marker holds: the name of its store, its id, a new one if none is given,
    and the id of its catalog, if it has one.
    """
    stated = {"store": name, "id": identity or uuid.uuid4().hex}
    return orjson.dumps({**stated, "catalog": catalog} if catalog else stated) + b"\n"


def write_marker(root: Path, name: str, identity: str | None = None, catalog: str = "") -> Marker:
    """Mark a root as a store of a catalog and return its marker;
    if another program was faster, that one's.

    With `identity` it becomes the store of that id again, in one step, whatever its marker said.
    """
    tree = Tree(root)
    if identity is None and (known := read_marker(root)) is not None:
        return known
    try:
        root.mkdir(parents=True, exist_ok=True)
        check_own_folders(tree)
        scratch = claim_scratch(tree)  # a later run removes it if this one is killed
        try:
            scratch.folder.write(MARKER, marker_data(name, identity, catalog))
            os.fsync(scratch.folder.open(MARKER))
            with contextlib.suppress(FileExistsError):
                scratch.folder.place(MARKER, tree, _PATH, over=identity is not None)
        finally:
            release_scratch(scratch)
    except LinkOnTheWay as error:
        raise link_refused(root, error.link) from error
    except PermissionError as error:
        raise PermissionDenied(
            f"The folder {root} cannot be written to.", store=name, hint="Check its owner and mode."
        ) from error
    except OSError as error:
        release_held(error)
        raise ReadOnlyStore(
            f"The folder {root} cannot be written to ({error.strerror}).", store=name
        ) from error
    found = read_marker(root)
    if found is None:
        raise StoreGuard(f"The marker {marker_path(root)} vanished while it was written.")
    return found


def marker_in(store: Markable) -> Marker | None:
    """The marker of a store far away, or None.

    Raises StoreGuard for a damaged marker.
    """
    data = store.read_private(MARKER)
    return None if data is None else parse_marker(data, f"{store.location}/{PRIVATE}/{MARKER}")


def mark_in(store: Markable, identity: str | None = None, catalog: str = "") -> Marker:
    """The same as `write_marker` for a store far away."""
    if identity is None and (known := marker_in(store)) is not None:
        return known
    data = marker_data(store.name, identity, catalog)
    with contextlib.suppress(AlreadyExists):
        store.write_private(MARKER, data, replace=identity is not None)
    found = marker_in(store)
    if found is None:
        raise StoreGuard(f"The marker of {store.location} vanished while it was written.")
    return found
