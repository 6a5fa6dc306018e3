"""The stores of a catalog: which there are, where they lie,
and whether the folder there is really the store.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypedDict, Unpack

from catalog.domain.asset import UNLISTED
from catalog.domain.copies import timestamp
from catalog.domain.document import StoreRecord, with_value
from catalog.domain.evidence import NO_CTIME, Evidence
from catalog.domain.roots import root_on, store_record, with_root
from catalog.errors import (
    ConfigError,
    LinkedFolder,
    SourceInsideCatalog,
    StoreError,
    StoreGuard,
    StoreUnavailable,
    UsageError,
)
from catalog.index.repository import Repository
from catalog.stores import registry
from catalog.stores.dropbox.root import DropboxKind
from catalog.stores.local.file_system import file_system_of, find_evidence
from catalog.stores.local.root import LocalKind, LocalRoot
from catalog.stores.local.store import LocalStore
from catalog.stores.machine import machine_id, machine_name
from catalog.stores.marker import MARKER, Marker
from catalog.stores.paths import PRIVATE
from catalog.stores.protocol import ManagedStore
from catalog.stores.root import Root
from catalog.work import guards
from catalog.work.known_stores import KnownStores
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

NAS = "nas"
"""The store whose folder the setting nas_root names."""
DROPBOX = "dropbox"
"""The store whose folder in Dropbox the setting dropbox_root names."""
RESTLESS = 3
"""Syncs in a row that find most files of a store with another ctime, until it is not looked at any
more: something gives them new ones again and again.
"""
OWN_FOLDER = "a folder of the catalog itself, by its marker"


class Setting(NamedTuple):
    """The setting that names the root of a store, the kind of the store,
    and how a person is told of it.
    """

    name: str
    kind: str
    told: str
    example: str


SETTINGS = {
    NAS: Setting("nas_root", LocalKind.name, "the folder of the catalog", "FOLDER"),
    DROPBOX: Setting(
        "dropbox_root", DropboxKind.name, "the folder of the catalog in Dropbox", "/photos"
    ),
}
"""The stores whose roots are settings."""


class StoreFacts(TypedDict, total=False):
    """What a run may note of a store; see `StoreRecord`."""

    verifying_since: str | None
    stirred_since: str | None
    stirs: int | None
    removed: bool


class StoreBook(KnownStores):
    """Opens, claims, proves, lists and remembers the stores of a catalog, for one run.

    `tell` is told of stores that are this catalog's from now on, though their markers did not say
    so. `absent` are the stores that `open_present` left out, with what lies in the place of each.
    """

    def __init__(
        self,
        workspace: Workspace,
        repository: Repository | None,
        tell: Callable[[str], object] = str,
    ) -> None:
        super().__init__(repository)
        self._settings = workspace.settings
        self._tell = tell
        self._context = workspace.store_context
        self.absent: dict[str, str] = {}
        self._proved: dict[str, Marker] = {}

    # --- which there are --------------------------------------------------------------------------

    def check_known(self, name: str) -> None:
        """Raise UsageError for a name that no store has; the hint says which there are."""
        if name not in self.known:
            there = (
                f"There are: {', '.join(sorted(self.known))}." if self.known else "There are none."
            )
            raise UsageError(f"There is no store {name}.", hint=there)

    def remember(self, name: str, **facts: Unpack[StoreFacts]) -> None:
        """Note facts of a store; None takes one away.

        A store that the catalog does not know has none.
        """
        assert self.repository is not None
        # as it is now: another program may have moved it since
        record = self.repository.stores.read(name)
        if record is not None:
            for fact, value in facts.items():
                record = with_value(record, fact, value)
            self.repository.stores.write(record)
            self.forget()

    def claim(self, name: str, root: Root | None = None, *, take_over: bool = False) -> None:
        """Mark a store's root on first use,
        and tell the index where it is and that it was looked at.

        Raises UnknownCatalog where it is the store of another catalog, unless it is to `take_over`.
        """
        assert self.repository is not None
        root = root or self.root(name)
        marker = self._claimed(name, root, take_over=take_over)
        now = timestamp(datetime.now(UTC))
        record = store_record(self.known.get(name), name, marker.id, root.kind, root.text, now)
        record["catalog"] = marker.catalog or self.this_catalog()
        if root.folder is not None:
            here = machine_id(), machine_name(), root.text, now
            kept = find_evidence(root.folder).names
            record = with_root(record, *here, file_system_of(root.folder), kept)
        self.repository.stores.write(record)
        self.forget()

    def _claimed(self, name: str, root: Root, *, take_over: bool) -> Marker:
        """The marker of a root, once it names a catalog that the index knows, or will know."""
        marker = self._proved.pop(root.shown, None) or root.marker()
        guards.check_marker(name, root.shown, marker, self.known.get(name))
        if not take_over:
            self.check_catalog(name, root, marker)
        if marker is None:
            marker = root.mark(name, catalog=self.this_catalog())  # or another program's
            self.check_marker(name, root, marker)
        is_new = not any(record.get("catalog") for record in self.records)
        if marker.catalog and (is_new or self.is_known_catalog(marker)):
            return marker  # where it knows of none yet, that catalog is the one that it becomes
        return self._taken_over(name, root, marker)

    def _taken_over(self, name: str, root: Root, marker: Marker) -> Marker:
        """The marker of a root that says nothing of a catalog, or names another one,
        once it names this one; as it is where it cannot be written to.
        """
        own, known = self.this_catalog(), self.known.get(name)
        whose = "is that of another catalog" if marker.catalog else "does not name a catalog"
        what = f"The marker of store {name} at {root.shown} {whose}"
        try:
            after = root.mark(name, marker.id, own)
        except StoreError as error:
            if known is None or known.get("catalog") not in (own, marker.catalog):
                self._tell(f"{what}, and cannot be written: {error} The store is used as it is.")
            return marker
        self._tell(f"{what}; it was changed and names this one now.")
        return after

    def evidence(self, name: str) -> Evidence:
        """Which numbers of a store's files tell anything, as this machine sees them: as the index
        says, else by a look at its file system.
        """
        root = self.root(name)
        if root.folder is None:
            return NO_CTIME
        known = self.known.get(name)
        here = root_on(known, machine_id()) if known is not None else None
        if here is not None and here["root"] == root.text and "evidence" in here:
            found = Evidence.named(here["evidence"])
        else:
            found = find_evidence(root.folder)
        is_restless = known is not None and known.get("stirs", 0) >= RESTLESS
        return replace(found, ctime=False) if is_restless else found

    def is_stirred(self, name: str) -> bool:
        """Whether another ctime, or inode, of a store's file is no sign that somebody wrote to it:
        most have another one, and not all have been read since.
        """
        known = self.known.get(name)
        return known is not None and "stirred_since" in known

    # --- where they lie ---------------------------------------------------------------------------

    def root(self, name: str) -> Root:
        """Where a store lies: as configured, else as the catalog knows it.

        Raises UsageError where neither does, UnknownKind.
        """
        known, configured = self.known.get(name), self.configured_root(name)
        if configured is not None and (known is None or known["kind"] == configured.kind):
            return configured
        if known is not None:
            return registry.root_recorded(known, self._context)
        if (setting := SETTINGS.get(name)) is not None:
            raise ConfigError(
                f"There is no {setting.name}: {setting.told} is not known.",
                hint=f"Give --{setting.name} {setting.example}, or set {setting.name} in "
                "config.json.",
            )
        raise UsageError(
            f"There is no store {name}.",
            hint="`catalog store list` shows those there are; `catalog store add` adds.",
        )

    def configured_root(self, name: str) -> Root | None:
        """The root that a setting names for a store, if there is one.

        Raises UsageError where it cannot be one.
        """
        if name not in SETTINGS:
            return None
        given = getattr(self._settings, SETTINGS[name].name)
        kind = registry.kind_called(SETTINGS[name].kind, name)
        return None if given is None else kind.root(kind.parse(str(given)), self._context)

    def _roots(self, configured: str) -> list[Root]:
        """Where stores lie, or lay, on whatever machine; and where a setting says that one does."""
        recorded = (
            root
            for record in self.records
            for root in registry.roots_recorded(record, self._context)
        )
        return [*recorded, *filter(None, [self.configured_root(configured)])]

    # --- whether they are there -------------------------------------------------------------------

    def prove(self, name: str, root: Root) -> Marker | None:
        """The marker of a store. Raises StoreGuard where its folder is missing,
        or is not the store that the catalog knows; LinkedFolder where it has links of its own.
        """
        if not root.is_there():
            raise StoreGuard(
                f"The folder {root.shown} of store {name} is not there; nothing was changed.",
                hint=_where_else(name, root),
            )
        marker = root.marker()
        self.check_marker(name, root, marker)
        if marker is not None:
            self._proved[root.shown] = marker
        return marker

    def check_marker(self, name: str, root: Root, marker: Marker | None) -> None:
        """Raise StoreGuard where a root is not the store that the catalog knows under this name,
        UnknownCatalog where it is the store of a catalog that the index does not know.
        """
        self.check_catalog(name, root, marker)
        try:
            guards.check_marker(name, root.shown, marker, self.known.get(name))
        except StoreGuard as error:
            hint = f"{error.hint} If this is it: catalog store add {name} {root.shown} --force."
            raise StoreGuard(error.message, hint=hint) from None

    def check_apart(self, name: str, root: Root) -> None:
        """Raise SourceInsideCatalog where another store lies in a root, or around it:
        its files would count twice.
        """
        for other in self.known:
            if other != name:
                guards.check_apart(root, self.root(other))

    def list_absent(self, stores: Mapping[str, ManagedStore]) -> list[str]:
        """The names of the stores that are not among those that are there now."""
        return sorted(self.known.keys() - stores.keys())

    def tell_absent(self, stores: Mapping[str, ManagedStore], sink: Sink) -> None:
        """Tell which stores were left out because they are not there now."""
        for name in self.list_absent(stores):
            sink.notice(describe_absence(name, self.absent.get(name, "")))

    # --- opening ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def open(self, name: str, *, dry: bool = False) -> Iterator[ManagedStore]:
        """A store, proved to be the one the catalog knows.

        Where its kind says so, its first use makes it one, unless `dry`.
        """
        root = self.root(name)
        is_new = name not in self.known and registry.kind_called(root.kind, name).claims_itself
        if not is_new:
            marker = self.prove(name, root)
            if marker is not None and not marker.catalog and not dry:
                self.claim(name, root)
        else:
            self.check_apart(name, root)
            if not dry:
                self.claim(name, root)
            else:
                self.check_marker(name, root, root.marker())
        with contextlib.closing(root.store(name, is_new=is_new and dry)) as store:
            yield store

    @contextlib.contextmanager
    def open_present(self, *, writes: bool = False) -> Iterator[dict[str, ManagedStore]]:
        """Every store that is there now, by name.

        The others may be unmounted, or offline on a shelf. A run that `writes` sweeps away what
        killed runs left in them. Raises LinkedFolder.
        """
        with contextlib.ExitStack() as stack:
            stores = {}
            for name in self.known:
                try:
                    root = self.root(name)
                    try:
                        self.prove(name, root)
                    except LinkedFolder:
                        raise
                    except StoreGuard:
                        self.absent[name] = _what_is_there(root, self.records)
                        continue
                    stores[name] = stack.enter_context(contextlib.closing(root.store(name)))
                except LinkedFolder:
                    raise
                except (StoreGuard, UsageError, StoreUnavailable) as error:
                    self.absent[name] = error.message
            for store in stores.values() if writes else ():
                store.sweep()
            yield stores

    def open_source(self, directory: str) -> ManagedStore:
        """A folder to take files away from: of this machine, or of the service that its prefix
        names. Raises SourceInsideCatalog, UsageError.
        """
        kind = registry.kind_named_by(directory)
        return self.open_outside_afar(directory) if kind.prefix else self.open_outside(directory)

    def open_outside(self, directory: str) -> LocalStore:
        """A folder of this machine to take files away from.

        Raises SourceInsideCatalog where any store has, or had, its root in or around it. Every
        marker counts, also that of a store the catalog does not know, and every recorded root, also
        of a store whose marker was lost: what lies there may be the only copy.
        """
        source = LocalRoot(guards.check_folder(directory))
        roots = {root.text: root for root in self._roots(NAS) if root.folder is not None}
        _check_outside(source, [roots[text] for text in sorted(roots)])
        return LocalStore("source", source.folder, managed=False, avoid=why_left_out)

    def open_outside_afar(self, folder: str) -> ManagedStore:
        """A folder of a service, by its name with the prefix of its kind, that is no part of the
        catalog, to read from or to take files away from.

        Raises SourceInsideCatalog where a store has, or had, its root in or around it; UsageError
        where there is none.
        """
        source = registry.root_named(folder, self._context)
        if not source.is_there():
            raise UsageError(
                f"There is no folder {source.shown}.",
                hint="Check the spelling; it is named from the account's root.",
            )
        _check_outside(source, self._roots(DROPBOX))
        store = source.store("source", managed=False)
        if any(PurePosixPath(e.path).match(f"*/{PRIVATE}/{MARKER}") for e in store.list()):
            raise SourceInsideCatalog(
                f"In the folder {source.shown} lies a store, by its marker; nothing was changed.",
                hint="Name the folders beside it one by one.",
            )
        return store


def _check_outside(source: Root, roots: Iterable[Root]) -> None:
    """Raise SourceInsideCatalog where a folder lies in one of some roots or around it, or in a
    store by its marker.
    """
    for root in roots:
        guards.check_apart(source, root)
    if any(is_marked(root) for root in source.upwards()):
        raise SourceInsideCatalog(
            f"The folder {source.shown} lies inside a store, by its marker; nothing was changed.",
            hint="Name a folder outside it.",
        )


def describe_absence(name: str, reason: str = "") -> str:
    """What is told of a store that is not there now, and of what was found in its place."""
    tried = f" ({reason})" if reason else ""
    return (
        f"Store {name} is not there now{tried}, and is left out. "
        "`catalog store list` says where it was."
    )


def is_marked(root: Root, markers: set[str] | None = None) -> bool:
    """Whether a folder is the root of a store, or of one of some stores,
    as a second mount of a share may show it.
    """
    try:
        marker = root.marker()
    except LinkedFolder:  # that may lead to a marker, or to something that is none of ours
        return root.folder is None or (root.folder / PRIVATE / MARKER).exists()
    except StoreGuard:
        return True  # a damaged marker is one
    return marker is not None and (markers is None or marker.id in markers)


def _what_is_there(root: Root, records: Iterable[StoreRecord]) -> str:
    """What a root has in place of the store that was looked for."""
    if not root.is_there():
        return f"{root.shown} is not there"
    if (marker := root.marker()) is None:
        return f"{root.shown} has no marker"
    owners = [record["name"] for record in records if record["id"] == marker.id]
    owner = owners[0] if owners else f"{marker.store or 'a store'} of another catalog"
    return f"{root.shown} has the marker of {owner}"


def why_left_out(folder: Path, markers: set[str] | None = None) -> str:
    """Why a folder of a source is not listed, or "": it is a store, or cannot be looked into, so
    that nobody knows.
    """
    if not is_marked(LocalRoot(folder), markers):
        return ""
    return f"{UNLISTED}: permission denied" if guards.is_shut(folder) else OWN_FOLDER


def _where_else(name: str, root: Root) -> str:
    if name == DROPBOX and root.kind == SETTINGS[name].kind:
        return "Was it renamed in Dropbox? Then set dropbox_root to its new name."
    return f"Is it mounted? If it moved: catalog store add {name} FOLDER --force."
