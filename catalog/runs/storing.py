"""The stores of a catalog: which there are, where they lie, and whether the folder there is really the store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog.domain.copies import timestamp
from catalog.domain.names import from_text, to_text
from catalog.errors import ConfigError, SourceInsideCatalog, StoreGuard, UsageError
from catalog.execution import guards
from catalog.index.repository import Repository
from catalog.stores.local import LocalStore
from catalog.stores.marker import read_marker, write_marker
from catalog.wiring import Workspace

NAS = "nas"
"""The store whose folder the setting nas_root names."""
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


def check_present(name: str, root: Path, known: dict[str, Any] | None) -> None:
    """Raise StoreGuard where a store's folder is missing, or is not the store that the catalog knows."""
    if not root.is_dir():
        raise StoreGuard(f"The folder {root} of store {name} is not there; nothing was changed.",
                         hint=f"Is it mounted? If it moved: catalog store add {name} FOLDER --force.")  # fmt: skip
    marker = read_marker(root)
    try:
        guards.check_marker(name, root, marker, known)
    except StoreGuard as error:
        raise StoreGuard(error.message, hint=f"{error.hint} If this is it: catalog store add {name} {root} --force.") from None


@contextlib.contextmanager
def opened(workspace: Workspace, repository: Repository, name: str) -> Iterator[LocalStore]:
    """A store, proved to be the one the catalog knows."""
    known = _record(repository, name)
    root = root_of(workspace, name, known)
    check_present(name, root, known)
    store = LocalStore(name, root)
    try:
        yield store
    finally:
        store.close()


def reachable(workspace: Workspace, repository: Repository) -> dict[str, LocalStore]:
    """Every store that is there now, by name. The others may be unmounted, or offline on a shelf."""
    found = {}
    for name, known in known_stores(repository).items():
        with contextlib.suppress(StoreGuard, UsageError):
            root = root_of(workspace, name, known)
            check_present(name, root, known)
            found[name] = LocalStore(name, root)
    return found


def source_outside(directory: str, workspace: Workspace, known: Iterable[dict[str, Any]]) -> LocalStore:
    """A folder to take files away from. Raises SourceInsideCatalog where any store has, or had, its place in or around it.

    Every marker counts, also that of a store the catalog does not know, and every recorded root, also of a store whose
    marker was lost: what lies there may be the only copy.
    """
    source = guards.check_folder(directory)
    roots = {Path(from_text(record["root"])) for record in known}
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


def claim_root(repository: Repository, name: str, root: Path) -> None:
    """Mark the root on first use, and tell the index where its store is."""
    marker = write_marker(root, name)
    known = _record(repository, name)
    guards.check_marker(name, root, marker, known)
    now = timestamp(datetime.now(UTC))
    record = {**(known or {"added": now}), "name": name, "id": marker, "kind": "local", "root": to_text(str(root))}
    repository.remember_store({**record, "last_run": now})
