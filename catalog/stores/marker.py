"""The marker file of a managed root: which store it is.

Its absence tells an unmounted share from an empty one.
"""

from __future__ import annotations

import contextlib
import stat
import uuid
from pathlib import Path
from typing import Protocol

import orjson

from catalog.errors import AlreadyExists, PermissionDenied, ReadOnlyStore, StoreGuard
from catalog.filesystem.beneath import LinkOnTheWay
from catalog.filesystem.tree import Tree, release_held
from catalog.stores.paths import OWN_FOLDERS, PRIVATE, link_refused
from catalog.stores.scratch import claim_scratch, release_scratch

MARKER = "store.json"
_PATH = f"{PRIVATE}/{MARKER}"


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


def read_marker(root: Path) -> str | None:
    """The id of the store at a root, or None where it was never marked.

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
    return identity_in(data, str(marker_path(root)))


def check_own_folders(tree: Tree) -> None:
    """Raise LinkedFolder where a folder of the catalog's own in a root is a symbolic link."""
    for folder in OWN_FOLDERS:
        with contextlib.suppress(OSError):
            if stat.S_ISLNK(tree.stat(folder).st_mode):
                raise link_refused(tree.path, folder)


def identity_in(data: bytes, where: str) -> str:
    """The id that a marker states. Raises StoreGuard for a damaged one; `where` it lies is told."""
    try:
        identity = orjson.loads(data)["id"]
        if not isinstance(identity, str) or not identity:
            raise ValueError("no id")
    except (ValueError, KeyError, TypeError) as error:
        hint = "If this is the right folder, remove the file and run the command again."
        raise StoreGuard(f"The marker {where} is damaged.", hint=hint) from error
    return identity


def marker_data(name: str, identity: str | None = None) -> bytes:
    """What a marker holds: the name of its store, and its id, a new one if none is given."""
    return orjson.dumps({"store": name, "id": identity or uuid.uuid4().hex}) + b"\n"


def read_marked_name(root: Path) -> str:
    """The name that a marker was made with, or ""."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return str(orjson.loads(Tree(root).read(_PATH))["store"])
    return ""


def write_marker(root: Path, name: str, identity: str | None = None) -> str:
    """Mark a root as a store and return its id; if another program was faster, that one's id.

    With `identity` it becomes the store of that id again, whatever its marker said.
    """
    tree = Tree(root)
    if identity is not None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, LinkOnTheWay):
            tree.remove_file(_PATH)
    if (known := read_marker(root)) is not None:
        return known
    try:
        root.mkdir(parents=True, exist_ok=True)
        scratch = claim_scratch(tree)  # a later run removes it if this one is killed
        try:
            scratch.folder.write(MARKER, marker_data(name, identity))
            with contextlib.suppress(FileExistsError):
                scratch.folder.place(MARKER, tree, _PATH)
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


def marker_in(store: Markable) -> str | None:
    """The id that the marker of a store far away states, or None.

    Raises StoreGuard for a damaged marker.
    """
    data = store.read_private(MARKER)
    return None if data is None else identity_in(data, f"{store.location}/{PRIVATE}/{MARKER}")


def mark_in(store: Markable, identity: str | None = None) -> str:
    """The same as `write_marker` for a store far away."""
    if identity is None and (known := marker_in(store)) is not None:
        return known
    with contextlib.suppress(AlreadyExists):
        store.write_private(MARKER, marker_data(store.name, identity), replace=identity is not None)
    found = marker_in(store)
    if found is None:
        raise StoreGuard(f"The marker of {store.location} vanished while it was written.")
    return found
