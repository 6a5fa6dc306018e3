"""The stores of a catalog: which there are, where they lie, and whether the folder there is really the store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from catalog.domain.copies import timestamp
from catalog.domain.roots import with_root
from catalog.errors import ConfigError, SourceInsideCatalog, StoreGuard, StoreUnavailable, UsageError
from catalog.index.repository import Repository
from catalog.stores import registry
from catalog.stores.dropbox.root import DropboxKind
from catalog.stores.local import LocalStore
from catalog.stores.local_root import LocalKind, LocalRoot
from catalog.stores.machine import machine_id, machine_name
from catalog.stores.marker import MARKER
from catalog.stores.paths import PRIVATE
from catalog.stores.protocol import ManagedStore
from catalog.stores.root import Root
from catalog.work import guards
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

NAS = "nas"
"""The store whose folder the setting nas_root names."""
DROPBOX = "dropbox"
"""The store whose folder in Dropbox the setting dropbox_root names."""
OWN_FOLDER = "a folder of the catalog itself, by its marker"


class Setting(NamedTuple):
    """The setting that names the root of a store, the kind of the store, and how a person is told of it."""

    name: str
    kind: str
    told: str
    example: str


SETTINGS = {
    NAS: Setting("nas_root", LocalKind.name, "the folder of the catalog", "FOLDER"),
    DROPBOX: Setting("dropbox_root", DropboxKind.name, "the folder of the catalog in Dropbox", "/photos"),
}
"""The stores whose roots are settings."""


def known_stores(repository: Repository) -> dict[str, dict[str, Any]]:
    """What is known of every store, by name, without those that were removed."""
    return {s["name"]: s for s in repository.stores() if not s.get("removed")}


def _record(repository: Repository, name: str) -> dict[str, Any] | None:
    """What is known of a store, if it was not removed."""
    record = repository.store_record(name)
    return None if record is None or record.get("removed") else record


def root_of(workspace: Workspace, name: str, known: dict[str, Any] | None) -> Root:
    """Where a store lies: as configured, else as the catalog knows it. Raises UsageError where neither does, UnknownKind."""
    configured = configured_root(workspace, name)
    if configured is not None and (known is None or known["kind"] == configured.kind):
        return configured
    if known is not None:
        return registry.root_recorded(known, workspace.store_context)
    if (setting := SETTINGS.get(name)) is not None:
        raise ConfigError(
            f"There is no {setting.name}: {setting.told} is not known.",
            hint=f"Give --{setting.name} {setting.example}, or set {setting.name} in config.json.",
        )
    raise UsageError(f"There is no store {name}.", hint="`catalog store list` shows those there are; `catalog store add` adds.")


def configured_root(workspace: Workspace, name: str) -> Root | None:
    """The root that a setting names for a store, if there is one. Raises UsageError where it cannot be one."""
    if name not in SETTINGS:
        return None
    given = getattr(workspace.settings, SETTINGS[name].name)
    kind = registry.kind_called(SETTINGS[name].kind, name)
    return None if given is None else kind.root(kind.parse(str(given)), workspace.store_context)


def check_present(name: str, root: Root, known: dict[str, Any] | None) -> None:
    """Raise StoreGuard where a store's folder is missing, or is not the store that the catalog knows."""
    if not root.is_there():
        raise StoreGuard(f"The folder {root.shown} of store {name} is not there; nothing was changed.",
                         hint=_where_else(name, root))  # fmt: skip
    marker = root.marker()
    try:
        guards.check_marker(name, root.shown, marker, known)
    except StoreGuard as error:
        hint = f"{error.hint} If this is it: catalog store add {name} {root.shown} --force."
        raise StoreGuard(error.message, hint=hint) from None


def _where_else(name: str, root: Root) -> str:
    if name == DROPBOX and root.kind == SETTINGS[name].kind:
        return "Was it renamed in Dropbox? Then set dropbox_root to its new name."
    return f"Is it mounted? If it moved: catalog store add {name} FOLDER --force."


@contextlib.contextmanager
def opened(workspace: Workspace, repository: Repository, name: str, *, dry: bool = False) -> Iterator[ManagedStore]:
    """A store, proved to be the one the catalog knows. Where its kind says so, its first use makes it one, unless `dry`."""
    known = _record(repository, name)
    root = root_of(workspace, name, known)
    is_new = known is None and registry.kind_called(root.kind, name).claims_itself
    if is_new:
        check_apart_from_others(workspace, repository, name, root)
    if is_new and not dry:
        claim_root(repository, name, root)
    elif not is_new:
        check_present(name, root, known)
    store = root.store(name, is_new=is_new and dry)
    try:
        yield store
    finally:
        store.close()


def reachable(workspace: Workspace, repository: Repository) -> dict[str, ManagedStore]:
    """Every store that is there now, by name. The others may be unmounted, or offline on a shelf."""
    found = {}
    for name, known in known_stores(repository).items():
        with contextlib.suppress(StoreGuard, UsageError, StoreUnavailable):
            root = root_of(workspace, name, known)
            check_present(name, root, known)
            found[name] = root.store(name)
    return found


@contextlib.contextmanager
def open_present(workspace: Workspace, repository: Repository) -> Iterator[dict[str, ManagedStore]]:
    """Every store that is there now, by name, until it is done with them."""
    with contextlib.ExitStack() as stack:
        stores = reachable(workspace, repository)
        for store in stores.values():
            stack.callback(store.close)
        yield stores


def list_absent(repository: Repository, stores: Mapping[str, ManagedStore]) -> list[str]:
    """The names of the stores that are not among those that are there now."""
    return sorted(known_stores(repository).keys() - stores.keys())


def describe_absence(name: str) -> str:
    """What is told of a store that is not there now."""
    return f"Store {name} is not there now, and is left out. `catalog store list` says where it was."


def tell_absent(repository: Repository, stores: Mapping[str, ManagedStore], sink: Sink) -> None:
    """Tell which stores were left out because they are not there now."""
    for name in list_absent(repository, stores):
        sink.notice(describe_absence(name))


def source_outside(directory: str, workspace: Workspace, known: Iterable[dict[str, Any]]) -> LocalStore:
    """A folder to take files away from. Raises SourceInsideCatalog where any store has, or had, its root in or around it.

    Every marker counts, also that of a store the catalog does not know, and every recorded root, also of a store whose
    marker was lost: what lies there may be the only copy.
    """
    source = LocalRoot(guards.check_folder(directory))
    roots = {root.text: root for root in roots_of(workspace, known) if root.folder is not None}
    if (configured := configured_root(workspace, NAS)) is not None:
        roots[configured.text] = configured
    for text in sorted(roots):
        guards.check_apart(source, roots[text])
    if any(is_marked(root) for root in source.upwards()):
        raise SourceInsideCatalog(f"The folder {source.shown} lies inside a store, by its marker; nothing was changed.",
                                  hint="Name a folder outside it.")  # fmt: skip
    return LocalStore(
        "source", source.folder, managed=False, avoid=lambda folder: OWN_FOLDER if is_marked(LocalRoot(folder)) else ""
    )


def is_marked(root: Root, markers: set[str] | None = None) -> bool:
    """Whether a folder is the root of a store, or of one of some stores, as a second mount of a share may show it."""
    with contextlib.suppress(StoreGuard):
        marker = root.marker()
        return marker is not None and (markers is None or marker in markers)
    return True  # a damaged marker is one


def claim_root(repository: Repository, name: str, root: Root) -> None:
    """Mark the root on first use, and tell the index where its store is."""
    marker = root.mark(name)
    known = _record(repository, name)
    guards.check_marker(name, root.shown, marker, known)
    now = timestamp(datetime.now(UTC))
    record = {**(known or {"added": now}), "name": name, "id": marker, "kind": root.kind, "root": root.text}
    if root.folder is not None:
        record = with_root(record, machine_id(), machine_name(), root.text, now)
    repository.remember_store({**record, "last_run": now})


def note_run(workspace: Workspace, repository: Repository, name: str) -> None:
    """Mark the store on first use, and tell the index where it is and that it was looked at."""
    claim_root(repository, name, root_of(workspace, name, _record(repository, name)))


def check_apart_from_others(workspace: Workspace, repository: Repository, name: str, root: Root) -> None:
    """Raise SourceInsideCatalog where another store lies in a root, or around it: its files would count twice."""
    for other, record in known_stores(repository).items():
        if other != name:
            guards.check_apart(root, root_of(workspace, other, record))


def roots_of(workspace: Workspace, records: Iterable[dict[str, Any]]) -> list[Root]:
    """Where stores lie, or lay, on whatever machine, by their records."""
    return [root for record in records for root in registry.roots_recorded(record, workspace.store_context)]


def dropbox_source(workspace: Workspace, folder: str, roots: Iterable[Root]) -> ManagedStore:
    """A folder of the Dropbox account that is no part of the catalog, to read from or to take files away from.

    Raises SourceInsideCatalog where a store has, or had, its root in or around it; UsageError where there is none.
    """
    kind = DropboxKind()
    source = kind.root(kind.parse(folder), workspace.store_context)
    for root in roots:
        guards.check_apart(source, root)
    if not source.is_there():
        raise UsageError(
            f"There is no folder {source.path} in Dropbox.",
            hint="Check the spelling; it is named from the account's root.",
        )
    if any(is_marked(root) for root in source.upwards()):
        raise SourceInsideCatalog(f"The folder {source.path} lies inside a store, by its marker; nothing was changed.",
                                  hint="Name a folder outside it.")  # fmt: skip
    store = source.store("source", managed=False)
    if any(PurePosixPath(e.path).match(f"*/{PRIVATE}/{MARKER}") for e in store.list()):
        raise SourceInsideCatalog(f"In the folder {source.path} lies a store, by its marker; nothing was changed.",
                                  hint="Name the folders beside it one by one.")  # fmt: skip
    return store
