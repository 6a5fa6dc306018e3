"""The marker file of a managed root: which store it is.

Its absence tells an unmounted share from an empty one.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import Protocol

import orjson

from catalog.errors import AlreadyExists, PermissionDenied, ReadOnlyStore, StoreGuard
from catalog.stores.atomic_rename import rename_without_overwriting
from catalog.stores.paths import PRIVATE
from catalog.stores.scratch import claim_scratch, release_scratch

MARKER = "store.json"


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

    Raises StoreGuard for a damaged marker.
    """
    try:
        data = marker_path(root).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreGuard(
            f"The marker {marker_path(root)} cannot be read ({error.strerror})."
        ) from error
    return identity_in(data, str(marker_path(root)))


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
        return str(orjson.loads(marker_path(root).read_bytes())["store"])
    return ""


def write_marker(root: Path, name: str, identity: str | None = None) -> str:
    """Mark a root as a store and return its id; if another program was faster, that one's id.

    With `identity` it becomes the store of that id again, whatever its marker said.
    """
    if identity is not None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            marker_path(root).unlink()
    if (known := read_marker(root)) is not None:
        return known
    path = marker_path(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        scratch, lock = claim_scratch(root)  # a later run removes it if this one is killed
        try:
            aside = scratch / MARKER
            aside.write_bytes(marker_data(name, identity))
            with contextlib.suppress(FileExistsError):
                rename_without_overwriting(os.fspath(aside), os.fspath(path))
        finally:
            release_scratch(scratch, lock)
    except PermissionError as error:
        raise PermissionDenied(
            f"The folder {root} cannot be written to.", store=name, hint="Check its owner and mode."
        ) from error
    except OSError as error:
        raise ReadOnlyStore(
            f"The folder {root} cannot be written to ({error.strerror}).", store=name
        ) from error
    found = read_marker(root)
    if found is None:
        raise StoreGuard(f"The marker {path} vanished while it was written.")
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
