"""Taking catalog files away: out of the index, then into the trash of their store; and back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog.domain import edits
from catalog.domain.copies import OK, copy_row, sidecar_row
from catalog.domain.document import AssetDocument, CopyRow, EventNote, EventRow, SidecarRow
from catalog.domain.edits import Edit
from catalog.errors import NotFound, StoreError, UsageError
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.stores.trash import Trashed
from catalog.work.session import Session
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Taken:
    """A file of an asset that is to go: its row in `copies`, or in `sidecars`."""

    hash: str
    row: CopyRow | SidecarRow

    @property
    def is_sidecar(self) -> bool:
        """Whether it is a sidecar of the asset."""
        return "hash" in self.row

    @property
    def digest(self) -> str:
        """Its own content hash."""
        return str(self.row.get("hash", self.hash))

    @property
    def store_path(self) -> tuple[str, str]:
        """Store and path."""
        return self.row["store"], self.row["path"]

    def leaving(self, trash: str, note: EventNote) -> Edit:
        """The change that the file is no longer recorded; `trash` is what it is called there,
        "" where there is none.
        """
        store, path = self.store_path
        change = (
            edits.with_sidecars([self.store_path], ())
            if self.is_sidecar
            else edits.without_copy(store, path)
        )
        event: EventNote = {**note, "store": store, "path": path, "effect": "file"}
        if trash:
            event["trash"] = trash
        return Edit(self.hash, "trash", change, event)

    def coming_back(self) -> Edit:
        """The change that it is recorded again: it could not be taken away."""
        store, path = self.store_path
        row = self.row
        change = edits.with_sidecars((), [row]) if "hash" in row else edits.with_copy(row)
        return Edit(self.hash, "keep", change, {"store": store, "path": path, "effect": "index"})


def take_away(
    run: Session,
    stores: Mapping[str, ManagedStore],
    files: Sequence[Taken],
    *,
    reason: str = "",
    reason_kind: str = "",
) -> list[str]:
    """Bring files into the trash; for each why it could not be, or "".

    `reason` and its kind are what their events say besides.
    """
    note: EventNote = {"reason": reason, "reason_kind": reason_kind} if reason else {}
    problems = obstacles(run.repository, stores, files)
    for file in files:
        run.journal.started(
            "trash", store=file.store_path[0], path=file.store_path[1], hash=file.hash
        )
    going = [number for number, problem in enumerate(problems) if not problem]
    keys = [f"{run.run}/{f.store_path[1]}" if _has_trash(run, stores, f) else "" for f in files]
    for number, answer in zip(
        going, run.edit([files[n].leaving(keys[n], note) for n in going]), strict=True
    ):
        problems[number] = "" if answer in ("done", "unchanged") else answer
    for number in going:
        if not problems[number]:
            problems[number] = _take(run, stores, files[number])
    for file, problem in zip(files, problems, strict=True):
        store, path = file.store_path
        if problem:
            run.journal.failed("trash", store=store, path=path, hash=file.hash, reason=problem)
        else:
            run.journal.done("trash", store=store, path=path, hash=file.hash)
    return problems


def _has_trash(run: Session, stores: Mapping[str, ManagedStore], file: Taken) -> bool:
    """Whether a file can come back; a person is told where it cannot."""
    store = stores.get(file.store_path[0])
    if store is None or store.capabilities.trash:
        return True
    run.report.notice(f"Store {store.name} has no trash: what is removed there is gone for good.")
    return False


def obstacles(
    repository: Repository, stores: Mapping[str, ManagedStore], files: Sequence[Taken]
) -> list[str]:
    """Why each file cannot be taken away, or ""."""
    claimed = queries.claimants(repository, [f.store_path for f in files])
    return [_why_not(f, stores, claimed) for f in files]


def finish_taking(run: Session, stores: Mapping[str, ManagedStore], hashes: Sequence[str]) -> None:
    """Bring to the trash what of some assets a run that was cut off had no longer recorded, and not
    yet removed.
    """
    taken = [
        (event, row["store"], row["path"], str(row.get("hash", event["hash"])))
        for event in run.repository.history.taken_files(hashes)
        for row in _rows_taken(event)
        if row["store"] in stores
    ]
    places = [(store, path) for _event, store, path, _digest in taken]
    claimed = queries.claimants(run.repository, places) if places else {}
    for event, name, path, digest in taken:
        store = stores[name]
        with contextlib.suppress(StoreError):
            if claimed[name, path] or store.stat(path) is None or store.checksum(path) != digest:
                continue
            about = {"store": name, "path": path, "hash": event["hash"]}
            run.journal.started("trash", **about)
            store.remove(path, event.get("trash", "").partition("/")[0])
            run.journal.done("trash", **about)


def _rows_taken(event: EventRow) -> Sequence[CopyRow | SidecarRow]:
    """The files that an event says went to the trash."""
    before = event.get("before") or {}
    return [*(before.get("copies") or []), *(before.get("sidecars") or [])]


def _why_not(
    file: Taken, stores: Mapping[str, ManagedStore], claimed: Mapping[tuple[str, str], set[str]]
) -> str:
    """Why a file cannot be taken away, or "": what lies there must be what is recorded,
    and of this asset alone.
    """
    store, path = file.store_path
    if store not in stores:
        return f"store {store} cannot be reached"
    if claimed.get(file.store_path, set()) - {file.hash}:
        return f"{path} belongs to another asset, too"
    try:
        found = stores[store].stat(path)
        if found is not None and stores[store].checksum(path) != file.digest:
            return f"{path} has other content now"
    except StoreError as error:
        return str(error)
    return ""


def _take(run: Session, stores: Mapping[str, ManagedStore], file: Taken) -> str:
    store, path = file.store_path
    try:
        stores[store].remove(path, run.run)
    except StoreError as error:
        run.edit([file.coming_back()])
        return str(error)
    return ""


# --- looking into it, and bringing back ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TrashList:
    """What lies in the trash of stores, oldest first; `absent` are those not there now."""

    absent: tuple[str, ...]
    files: Iterator[tuple[str, Trashed]]


def list_trash(workspace: Workspace, store: str | None = None) -> TrashList:
    """Look into the trash of one store, or of all. Raises UsageError for one that is not there."""
    book = StoreBook(workspace, workspace.existing_repository)
    with contextlib.ExitStack() as stack:
        there = stack.enter_context(book.open_present())
        stores = choose_stores(there, store)
        absent = book.list_absent(there) if store is None else []
        return TrashList(tuple(absent), _listed(stores, stack.pop_all()))


def _listed(
    stores: Mapping[str, ManagedStore], stack: contextlib.ExitStack
) -> Iterator[tuple[str, Trashed]]:
    with stack:
        for name, store in stores.items():
            for trashed in store.trashed():
                yield name, trashed


def choose_stores(
    stores: Mapping[str, ManagedStore], name: str | None
) -> Mapping[str, ManagedStore]:
    """The store of a name, or all of them. Raises UsageError for one that is not among them."""
    if name is None:
        return stores
    if name not in stores:
        raise UsageError(
            f"Store {name} is not there.", hint=f"There are: {', '.join(sorted(stores)) or 'none'}."
        )
    return {name: stores[name]}


@dataclass(frozen=True, slots=True)
class Recalled:
    """Whose a file in the trash is: its asset's document, or the one that was forgotten.

    `owners` are the assets whose sidecar it was.
    """

    document: AssetDocument | None
    past: AssetDocument | None
    owners: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether it is anybody's."""
        return bool(self.document or self.past or self.owners)


def recall(repository: Repository, store: str, path: str, digest: str) -> Recalled:
    """Whose a file is that lay at a path of a store, by its content."""
    owners = queries.owners_of_sidecar(repository, store, path, digest)
    found = repository.documents([digest]).get(digest)
    past = repository.history.forgotten_document(digest) if found is None and not owners else None
    return Recalled(found[0] if found is not None else None, past, tuple(owners))


def restore_one(
    run: Session, store: ManagedStore, key: str, path: str, digest: str, was: str = ""
) -> tuple[str, bool]:
    """Bring one file back and record it: why not, or "", and whether its asset is known.

    `was` is where it lay before, if that is not the path to which it comes back.
    """
    run.journal.started("restore", store=store.name, path=path, hash=digest)
    try:
        with run.journal.coming(store.name, path, digest, f"trash:{key}"):
            store.restore(key, path)
        known = record_back(run, store, key, path, digest, was)
    except StoreError as error:
        run.journal.failed("restore", store=store.name, path=path, hash=digest, reason=str(error))
        return str(error), True
    run.journal.done("restore", store=store.name, path=path, hash=digest)
    return "", known


def record_back(
    run: Session, store: ManagedStore, key: str, path: str, digest: str, was: str = ""
) -> bool:
    """Record a file that is back from the trash, where it was `key`, if it is not recorded; whether
    its asset is known. Raises NotFound where it vanished.

    `was` is where it lay before, if that is not `path`.
    """
    entry = store.stat(path)
    if entry is None:
        raise NotFound(f"{path} vanished right after it came back.", path=path)
    now = datetime.now(UTC)
    event: EventNote = {
        "store": store.name,
        "path": path,
        "effect": "file",
        "source": f"trash:{key}",
    }
    recalled = recall(run.repository, store.name, was or path, digest)
    change = edits.with_copy(copy_row(store.name, entry, now, now))
    if recalled.document is not None:
        rows = recalled.document.get("copies", [])
        if not any(
            (r["store"], r["path"]) == (store.name, path) and r["state"] == OK for r in rows
        ):
            run.edit([Edit(digest, "restore", change, event)])
    elif recalled.past is not None:
        whole = change({**recalled.past, "copies": []})
        run.edit([Edit(digest, "restore", edits.created(whole or recalled.past), event)])
    row = sidecar_row(store.name, entry, digest)
    for owner in recalled.owners:
        run.edit([Edit(owner, "restore", edits.with_sidecars((), [row]), event)])
    return recalled.is_known
