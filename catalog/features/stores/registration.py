"""Making a folder a store of the catalog, or telling the catalog where a known one lies now."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.domain.copies import timestamp
from catalog.domain.document import StoreRecord
from catalog.errors import StoreGuard, UsageError
from catalog.stores import registry
from catalog.stores.local.file_system import file_system_of
from catalog.stores.local.root import LocalRoot
from catalog.stores.marker import read_marker
from catalog.stores.root import Overlap, Root
from catalog.work import guards
from catalog.work.store_book import NAS, SETTINGS, StoreBook
from catalog.work.workspace import Workspace

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")
Records = dict[str, StoreRecord]
"""What the catalog knows of each store, by name."""


@dataclass(frozen=True, slots=True)
class AddRequest:
    """Which folder becomes which store: one of this machine, or `dropbox:` and one of Dropbox.

    `force`: the folder is that store, though its marker was lost or is of another one.
    """

    name: str
    folder: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class StoreAdded:
    """A store that the catalog knows now: its name, its kind, and where it lies, for a person.

    `notices` say what its marker was before, where it was not this catalog's.
    `unproved` is the type of its file system, where that does not keep what tells rot from an edit.
    """

    name: str
    kind: str
    shown: str
    notices: tuple[str, ...] = ()
    unproved: str = ""


def add_store(workspace: Workspace, request: AddRequest) -> StoreAdded:
    """Make a folder a store. Only its marker is written, and nothing before all is checked."""
    name, force = request.name, request.force
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name} is no name for a store.", hint="Use small letters, digits, - and _."
        )
    root = _root_named(workspace, request.folder)
    notices: list[str] = []
    book = StoreBook(workspace, workspace.repository, notices.append)
    _check_name(book, name, root)
    _check_apart(book, name, root)
    if not force:
        book.check_catalog(name, root, root.marker())
    identity = _new_identity(name, root, book.known, force=force)
    if not force:
        _check_moved(name, root, book.known)
    if identity is not None:
        root.mark(name, identity, book.this_catalog())
    is_known = name in book.known
    book.claim(name, root, take_over=force)
    if is_known and root.folder is not None:
        # a disk that was replaced, or found elsewhere: its files may have been brought back
        book.remember(name, stirred_since=timestamp(datetime.now(UTC)), stirs=None)
    if root.caution:
        notices.append(f"{root.caution}.")
    unproved = _unproved(book, name, root)
    return StoreAdded(name, root.kind, root.shown, tuple(notices), unproved)


def _unproved(book: StoreBook, name: str, root: Root) -> str:
    if root.folder is None or book.evidence(name).ctime:
        return ""
    return file_system_of(root.folder) or "an unknown one"


def _root_named(workspace: Workspace, folder: str) -> Root:
    """The root that was named. It must be there, unless the first use of its kind makes it."""
    root = registry.root_named(folder, workspace.store_context)
    if root.folder is not None:
        return LocalRoot(guards.check_folder(str(Path(folder).expanduser())))
    if not (registry.kind_called(root.kind, folder).claims_itself or root.is_there()):
        raise UsageError(f"There is no folder {root.shown}.", hint="Check the spelling.")
    return root


def _check_name(book: StoreBook, name: str, root: Root) -> None:
    """Raise UsageError where a name stands for another kind of folder, or for another one."""
    if root.folder is not None:
        return
    kind = registry.kind_called(root.kind, name)
    known = book.known.get(name)
    its_kind = known["kind"] if known is not None else LocalRoot.kind if name == NAS else kind.name
    if its_kind != kind.name:
        its = registry.kind_called(its_kind, name)
        raise UsageError(
            f"Store {name} is {its.title}, not of {kind.title}.", hint="Choose another name."
        )
    configured = book.configured_root(name)
    if (
        configured is not None
        and configured.kind == kind.name
        and configured.overlap(root) is not Overlap.SAME
    ):
        setting = SETTINGS[name].name
        raise UsageError(
            f"{setting} says that store {name} is at {configured.text}.",
            hint=f"Change {setting} instead.",
        )


def _check_apart(book: StoreBook, name: str, root: Root) -> None:
    """Raise SourceInsideCatalog where another store lies in the folder, or around it."""
    if root.folder is None:
        book.check_apart(name, root)
        return
    for other in book.known:
        there = book.root(other) if other != name else None
        if there is not None and there.folder is not None and there.is_there():
            guards.check_apart(root, there)


def _new_identity(name: str, root: Root, known: Records, *, force: bool) -> str | None:
    """The id to mark the folder with; None where its marker fits, or is made by its first use.

    Raises StoreGuard where it has the marker of another store, or not that of this one, unless that
    is forced.
    """
    marker = root.marker() if root.is_there() else None
    marked = (
        other for other, record in known.items() if marker is not None and record["id"] == marker.id
    )
    owner = next(marked, name)
    expected = known[name]["id"] if name in known else None
    if owner == name and (expected is None or (marker is not None and expected == marker.id)):
        return None
    if not force:
        raise _other_store(name, root, owner, known)
    return expected or uuid.uuid4().hex


def _other_store(name: str, root: Root, owner: str, known: Records) -> StoreGuard:
    """Why a folder is not taken for a store."""
    is_disk = root.folder is not None
    if owner != name:
        what = f"has the marker of store {owner}"
        hint = "If it is a copy of that disk, and to be a store of its own, add --force."
    else:
        where = f", which the catalog knows at {known[name]['root']}" if is_disk else ""
        what = f"does not have the marker of store {name}{where}"
        hint = "Is it the right folder? If its marker was lost, or the disk replaced, add --force."
    return StoreGuard(
        f"{root.shown} {what}; nothing was changed.",
        hint=hint if is_disk else "If that is meant, add --force.",
    )


def _check_moved(name: str, root: Root, known: Records) -> None:
    """Raise StoreGuard where a known store is still there in another folder of this machine."""
    before = registry.folder_recorded(known[name]) if name in known else None
    if root.folder is None or before is None:
        return
    if not before.is_dir() or before.samefile(root.folder):
        return
    marker = read_marker(before)
    if marker is None or marker.id != known[name]["id"]:
        return
    raise StoreGuard(
        f"Store {name} is still there at {before}; nothing was changed.",
        hint="A copy of it gets a name of its own: catalog store add OTHER FOLDER --force.",
    )
