"""The stores of a catalog: which there are, where they lie, and whether the folder there is really the store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from catalog.domain.copies import timestamp
from catalog.domain.names import from_text
from catalog.errors import ConfigError, InvalidPath, SourceInsideCatalog, StoreGuard, StoreUnavailable, UsageError
from catalog.index.repository import Repository
from catalog.stores.local import LocalStore
from catalog.stores.marker import MARKER, read_marker
from catalog.stores.protocol import ManagedStore
from catalog.work import guards
from catalog.work.places import DropboxPlace, LocalPlace, Place
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

NAS = "nas"
"""The store whose folder the setting nas_root names."""
DROPBOX = "dropbox"
"""The store whose folder in Dropbox the setting dropbox_root names."""
OWN_FOLDER = "a folder of the catalog itself, by its marker"


def known_stores(repository: Repository) -> dict[str, dict[str, Any]]:
    """What is known of every store, by name, without those that were removed."""
    return {s["name"]: s for s in repository.stores() if not s.get("removed")}


def _record(repository: Repository, name: str) -> dict[str, Any] | None:
    """What is known of a store, if it was not removed."""
    record = repository.store_record(name)
    return None if record is None or record.get("removed") else record


def root_of(workspace: Workspace, name: str, known: dict[str, Any] | None) -> Path:
    """The folder of a store: as configured, else as the catalog knows it. Raises UsageError where neither does."""
    if name == NAS and workspace.settings.nas_root is not None:
        return workspace.settings.nas_root.expanduser().absolute()
    if known is None:
        if name == NAS:
            raise ConfigError("There is no nas_root: the folder of the catalog is not known.",
                              hint="Give --nas_root FOLDER, or set nas_root in config.json.")  # fmt: skip
        raise UsageError(
            f"There is no store {name}.", hint="`catalog store list` shows those there are; `catalog store add` adds."
        )
    return Path(from_text(known["root"]))


def place_of(workspace: Workspace, name: str, known: dict[str, Any] | None) -> Place:
    """Where a store lies: as configured, else as the catalog knows it. Raises UsageError where neither does."""
    kind = known["kind"] if known is not None else DROPBOX if name == DROPBOX else LocalPlace.kind
    if kind != DropboxPlace.kind:
        return LocalPlace(root_of(workspace, name, known))
    root = workspace.settings.dropbox_root if name == DROPBOX else None
    if root is None and known is None:
        raise ConfigError("There is no dropbox_root: the folder of the catalog in Dropbox is not known.",
                          hint="Give --dropbox_root /photos, or set dropbox_root in config.json.")  # fmt: skip
    return DropboxPlace(workspace, dropbox_folder(root if root is not None else known["root"] if known else ""))


def dropbox_folder(text: str) -> str:
    """A folder of Dropbox as a person named it: "" for the whole account, else with a slash before it. Raises UsageError."""
    from catalog.stores.dropbox.entries import root_of as normal

    try:
        return normal(text)
    except InvalidPath as error:
        raise UsageError(error.message, hint=error.hint) from None


def check_present(name: str, place: Place, known: dict[str, Any] | None) -> None:
    """Raise StoreGuard where a store's folder is missing, or is not the store that the catalog knows."""
    if not place.is_there():
        raise StoreGuard(f"The folder {place.shown} of store {name} is not there; nothing was changed.",
                         hint=_where_else(name, place))  # fmt: skip
    marker = place.marker()
    try:
        guards.check_marker(name, place.shown, marker, known)
    except StoreGuard as error:
        hint = f"{error.hint} If this is it: catalog store add {name} {place.shown} --force."
        raise StoreGuard(error.message, hint=hint) from None


def _where_else(name: str, place: Place) -> str:
    if name == DROPBOX and place.kind == DropboxPlace.kind:
        return "Was it renamed in Dropbox? Then set dropbox_root to its new name."
    return f"Is it mounted? If it moved: catalog store add {name} FOLDER --force."


@contextlib.contextmanager
def opened(workspace: Workspace, repository: Repository, name: str, *, dry: bool = False) -> Iterator[ManagedStore]:
    """A store, proved to be the one the catalog knows. Dropbox needs no more than its first use to become one, unless `dry`."""
    known = _record(repository, name)
    place = place_of(workspace, name, known)
    is_new = known is None and place.kind == DropboxPlace.kind
    if isinstance(place, DropboxPlace) and is_new:
        check_apart_from_others(workspace, repository, name, place)
    if is_new and not dry:
        claim_root(repository, name, place)
    elif not is_new:
        check_present(name, place, known)
    store = place.store(name, is_new=is_new and dry)
    try:
        yield store
    finally:
        store.close()


def reachable(workspace: Workspace, repository: Repository) -> dict[str, ManagedStore]:
    """Every store that is there now, by name. The others may be unmounted, or offline on a shelf."""
    found = {}
    for name, known in known_stores(repository).items():
        with contextlib.suppress(StoreGuard, UsageError, StoreUnavailable):
            place = place_of(workspace, name, known)
            check_present(name, place, known)
            found[name] = place.store(name)
    return found


def tell_absent(repository: Repository, stores: Mapping[str, ManagedStore], sink: Sink) -> None:
    """Tell which stores were left out because they are not there now."""
    for name in sorted(known_stores(repository).keys() - stores.keys()):
        sink.notice(f"Store {name} is not there now, and is left out. `catalog store list` says where it was.")


def source_outside(directory: str, workspace: Workspace, known: Iterable[dict[str, Any]]) -> LocalStore:
    """A folder to take files away from. Raises SourceInsideCatalog where any store has, or had, its place in or around it.

    Every marker counts, also that of a store the catalog does not know, and every recorded root, also of a store whose
    marker was lost: what lies there may be the only copy.
    """
    source = guards.check_folder(directory)
    roots = {Path(from_text(record["root"])) for record in known if record["kind"] == LocalPlace.kind}
    if workspace.settings.nas_root is not None:
        roots.add(workspace.settings.nas_root.expanduser().absolute())
    for root in sorted(roots):
        guards.check_apart(source, root)
    if any(is_marked(folder) for folder in (source, *source.parents)):
        raise SourceInsideCatalog(f"The folder {source} lies inside a store, by its marker; nothing was changed.",
                                  hint="Name a folder outside it.")  # fmt: skip
    return LocalStore("source", source, managed=False, avoid=lambda folder: OWN_FOLDER if is_marked(folder) else "")


def is_marked(folder: Path, markers: set[str] | None = None) -> bool:
    """Whether a folder is the root of a store, or of one of some stores, as a second mount of a share may show it."""
    with contextlib.suppress(StoreGuard):
        marker = read_marker(folder)
        return marker is not None and (markers is None or marker in markers)
    return True  # a damaged marker is one


def claim_root(repository: Repository, name: str, place: Place) -> None:
    """Mark the root on first use, and tell the index where its store is."""
    marker = place.mark(name)
    known = _record(repository, name)
    guards.check_marker(name, place.shown, marker, known)
    now = timestamp(datetime.now(UTC))
    record = {**(known or {"added": now}), "name": name, "id": marker, "kind": place.kind, "root": place.text}
    repository.remember_store({**record, "last_run": now})


def note_run(workspace: Workspace, repository: Repository, name: str) -> None:
    """Mark the store on first use, and tell the index where it is and that it was looked at."""
    claim_root(repository, name, place_of(workspace, name, _record(repository, name)))


def inside_dropbox(place: str, folder: str) -> str:
    """A folder of a Dropbox store as the store names it: relative to its root as given, or absolute in the account.

    Raises UsageError for one outside of it.
    """
    root = place.partition(":")[2].rstrip("/")
    if not folder.startswith("/"):
        return dropbox_folder(folder).lstrip("/")
    absolute = dropbox_folder(folder)
    if f"{absolute}/".lower().startswith(f"{root}/".lower()):
        return absolute[len(root) :].lstrip("/")
    raise UsageError(f"{folder} does not lie in {place}.", hint="Name a folder of the store, relative to its root or absolute.")


def check_apart_from_others(workspace: Workspace, repository: Repository, name: str, place: DropboxPlace) -> None:
    """Raise SourceInsideCatalog where another store lies in a folder of Dropbox, or around it: its files would count twice."""
    for other, record in known_stores(repository).items():
        if other != name and record["kind"] == DropboxPlace.kind:
            guards.check_places_apart(place.shown, place_of(workspace, other, record).shown)


def dropbox_places(workspace: Workspace, records: Iterable[dict[str, Any]]) -> list[DropboxPlace]:
    """Where stores lie, or lay, in Dropbox."""
    return [DropboxPlace(workspace, dropbox_folder(r["root"])) for r in records if r["kind"] == DropboxPlace.kind]


def dropbox_source(workspace: Workspace, folder: str, places: Iterable[DropboxPlace]) -> ManagedStore:
    """A folder of the Dropbox account that is no part of the catalog, to read from or to take files away from.

    Raises SourceInsideCatalog where a store has, or had, its place in or around it; UsageError where there is none.
    """
    root = dropbox_folder(folder)
    source = workspace.dropbox_store("source", root, managed=False)
    for place in places:
        guards.check_places_apart(source.place, place.shown)
    if not source.has_root():
        raise UsageError(
            f"There is no folder {root} in Dropbox.", hint="Check the spelling; it is named from the account's root."
        )
    for above in _and_above(root):
        if workspace.dropbox_store("source", above, managed=False).read_private(MARKER) is not None:
            raise SourceInsideCatalog(f"The folder {root} lies inside a store, by its marker; nothing was changed.",
                                      hint="Name a folder outside it.")  # fmt: skip
    if any(PurePosixPath(e.path).match(f"*/.catalog/{MARKER}") for e in source.list()):
        raise SourceInsideCatalog(f"In the folder {root} lies a store, by its marker; nothing was changed.",
                                  hint="Name the folders beside it one by one.")  # fmt: skip
    return source


def _and_above(root: str) -> Iterator[str]:
    """A folder of Dropbox and those above it, up to the account's own."""
    yield root
    while root:
        root = root.rpartition("/")[0]
        yield root
