"""Taking catalog files away: out of the index first, then into the trash of their store. And looking into that trash."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog.cli.console import Screen
from catalog.domain import edits
from catalog.domain.amounts import age, size_text
from catalog.domain.copies import copy_row, sidecar_row
from catalog.domain.edits import Edit
from catalog.errors import DONE, ConfirmationNeeded, NotFound, StoreError, UsageError
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.stores.trash import Trashed
from catalog.work import store_book as storing
from catalog.work.proof import Prover
from catalog.work.report import Outcome
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Taken:
    """A file of an asset that is to go: its row in `copies`, or with `is_sidecar` in `sidecars`."""

    hash: str
    row: Mapping[str, Any]
    is_sidecar: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """Store and path."""
        return self.row["store"], self.row["path"]

    def leaving(self, trash: str, note: Mapping[str, Any]) -> Edit:
        """The change that the file is no longer recorded; `trash` is what it is called there, "" where there is none."""
        store, path = self.place
        change = edits.with_sidecars([self.place], ()) if self.is_sidecar else edits.without_copy(store, path)
        event = {"store": store, "path": path, "effect": "file", **({"trash": trash} if trash else {}), **note}
        return Edit(self.hash, "trash", change, event)

    def coming_back(self) -> Edit:
        """The change that it is recorded again: it could not be taken away."""
        store, path = self.place
        change = edits.with_sidecars((), [dict(self.row)]) if self.is_sidecar else edits.with_copy(dict(self.row))
        return Edit(self.hash, "keep", change, {"store": store, "path": path, "effect": "index"})


def take_away(run: Session, stores: Mapping[str, ManagedStore], files: Sequence[Taken], **note: Any) -> list[str]:
    """Bring files into the trash; for each why it could not be, or "". `note` is what their events say besides."""
    problems = obstacles(run.repository, stores, files)
    for file in files:
        run.journal.started("trash", store=file.place[0], path=file.place[1], hash=file.hash)
    going = [number for number, problem in enumerate(problems) if not problem]
    keys = [f"{run.run}/{f.place[1]}" if _has_trash(run, stores, f) else "" for f in files]
    for number, answer in zip(going, run.edit([files[n].leaving(keys[n], note) for n in going]), strict=True):
        problems[number] = "" if answer in ("done", "unchanged") else answer
    for number in going:
        if not problems[number]:
            problems[number] = _take(run, stores, files[number])
    for file, problem in zip(files, problems, strict=True):
        store, path = file.place
        if problem:
            run.journal.failed("trash", store=store, path=path, hash=file.hash, reason=problem)
        else:
            run.journal.done("trash", store=store, path=path, hash=file.hash)
    return problems


def _has_trash(run: Session, stores: Mapping[str, ManagedStore], file: Taken) -> bool:
    """Whether a file can come back; a person is told where it cannot."""
    store = stores.get(file.place[0])
    if store is None or store.capabilities.trash:
        return True
    run.report.notice(f"Store {store.name} has no trash: what is removed there is gone for good.")
    return False


def obstacles(repository: Repository, stores: Mapping[str, ManagedStore], files: Sequence[Taken]) -> list[str]:
    """Why each file cannot be taken away, or ""."""
    claimed = queries.claimants(repository, [f.place for f in files])
    return [_why_not(f, stores, claimed) for f in files]


def finish_taking(run: Session, stores: Mapping[str, ManagedStore], content_hash: str) -> None:
    """Bring to the trash what a run that was cut off had no longer recorded, and not yet removed."""
    document = run.repository.documents([content_hash]).get(content_hash, ({}, 0, 0))[0]
    recorded = {(row["store"], row["path"]) for row in document.get("copies", [])}
    for event in run.repository.history(content_hash):
        place = str(event.get("store")), str(event.get("path"))
        is_taken = event["action"] == "trash" and event.get("effect") == "file" and (event.get("before") or {}).get("copies")
        if not is_taken or place in recorded or place[0] not in stores:
            continue
        store, path = stores[place[0]], place[1]
        if queries.claimants(run.repository, [place])[place] - {content_hash}:
            continue
        with contextlib.suppress(StoreError):
            if store.stat(path) is not None and store.checksum(path) == content_hash:
                store.remove(path, str(event.get("trash", "")).partition("/")[0])


def _why_not(file: Taken, stores: Mapping[str, ManagedStore], claimed: Mapping[tuple[str, str], set[str]]) -> str:
    """Why a file cannot be taken away, or "": what lies there must be what is recorded, and of this asset alone."""
    store, path = file.place
    if store not in stores:
        return f"store {store} cannot be reached"
    if claimed.get(file.place, set()) - {file.hash}:
        return f"{path} belongs to another asset, too"
    digest = file.row["hash"] if file.is_sidecar else file.hash
    try:
        found = stores[store].stat(path)
        if found is not None and stores[store].checksum(path) != digest:
            return f"{path} has other content now"
    except StoreError as error:
        return str(error)
    return ""


def _take(run: Session, stores: Mapping[str, ManagedStore], file: Taken) -> str:
    store, path = file.place
    try:
        stores[store].remove(path, run.run)
    except StoreError as error:
        run.edit([file.coming_back()])
        return str(error)
    return ""


# --- the commands of the trash -----------------------------------------------------------------------------------------

WORDS = {"outcomes": ("restored", "emptied", "kept", "failed"), "always": (), "shown": ("kept",), "done": "freed"}


def run_list(workspace: Workspace, store: str | None, screen: Screen) -> int:
    """Print what lies in the trash."""
    count = size = 0
    for name, trashed in _everything(workspace, workspace.existing_repository, store, screen):
        count += 1
        size += trashed.size
        if screen.json:
            screen.out_json(
                {"store": name, "key": trashed.key, "run": trashed.batch, "path": trashed.path, "bytes": trashed.size}
            )
        else:
            screen.out_line(f"{size_text(trashed.size):>10}  {name}:{trashed.key}")
    if screen.json:
        screen.out_json({"event": "summary", "files": count, "bytes": size})
    else:
        screen.out(f"{count:,} files, {size_text(size)}, in the trash." if count else "The trash is empty.")
    return DONE


def _everything(workspace: Workspace, repository: Repository, store: str | None, screen: Screen) -> Iterator[tuple[str, Trashed]]:
    for name, found in _stores(workspace, repository, store, screen).items():
        for trashed in found.trashed():
            yield name, trashed


def _stores(workspace: Workspace, repository: Repository, store: str | None, screen: Screen) -> dict[str, ManagedStore]:
    stores = storing.reachable(workspace, repository)
    if store is not None and store not in stores:
        known = ", ".join(sorted(stores)) or "none"
        raise UsageError(f"Store {store} is not there.", hint=f"There are: {known}.")
    if store is None:
        storing.tell_absent(repository, stores, screen)
    return {store: stores[store]} if store is not None else stores


def run_restore(workspace: Workspace, wanted: Sequence[str], store: str | None, screen: Screen, *, dryrun: bool) -> int:
    """Bring files back from the trash to where they lay, and into the index."""
    repository = workspace.existing_repository
    repository.refresh()
    stores = _stores(workspace, repository, store, screen)
    found = [(n, t) for n, s in stores.items() for t in s.trashed() if any(_is_meant(n, t, w) for w in wanted)]
    missing = [w for w in wanted if not any(_is_meant(n, t, w) for n, t in found)]
    if missing:
        raise NotFound(f"Nothing in the trash is called {missing[0]}.", hint="`catalog trash list` shows keys, runs and paths.")
    if dryrun:
        report = screen.report(workspace.progress, **WORDS)
        report.dry = True
        for name, trashed in found:
            report.add(Outcome("restore", trashed.key, "planned", name, trashed.path))
        report.finish()
        return DONE
    with session(workspace, screen, "trash restore", WORDS) as run:
        return run.work(lambda: _restore_all(run, stores, found))


def _is_meant(store: str, trashed: Trashed, wanted: str) -> bool:
    names = {trashed.key, trashed.batch, trashed.path}
    return wanted in names or wanted in {f"{store}:{name}" for name in names}


def _restore_all(run: Session, stores: Mapping[str, ManagedStore], found: Sequence[tuple[str, Trashed]]) -> None:
    for name, trashed in found:
        try:
            digest = stores[name].trash_checksum(trashed.key)
            problem, known = restore_one(run, stores[name], trashed.key, trashed.path, digest)
        except StoreError as error:
            problem, known, digest = str(error), True, ""
        reason = problem or ("" if known else "the catalog does not know it any more: sync_catalog_with_disk loads it anew")
        outcome = "failed" if problem else "restored"
        run.report.add(Outcome("restore", trashed.key, outcome, name, trashed.path, digest, reason))


def restore_one(run: Session, store: ManagedStore, key: str, path: str, digest: str) -> tuple[str, bool]:
    """Bring one file back and record it: why not, or "", and whether its asset is known."""
    run.journal.started("restore", store=store.name, path=path, hash=digest)
    try:
        store.restore(key, path)
    except StoreError as error:
        run.journal.failed("restore", store=store.name, path=path, hash=digest, reason=str(error))
        return str(error), True
    entry = store.stat(path)
    assert entry is not None
    now = datetime.now(UTC)
    event = {"store": store.name, "path": path, "effect": "file", "source": f"trash:{key}"}
    owners = queries.owners_of_sidecar(run.repository, store.name, path, digest)
    document = run.repository.documents([digest]).get(digest)
    past = run.repository.forgotten_document(digest) if document is None and not owners else None
    change = edits.with_copy(copy_row(store.name, entry, now, now))
    if document is not None:
        run.edit([Edit(digest, "restore", change, event)])
    elif past is not None:
        whole = change({**past, "copies": []})
        run.edit([Edit(digest, "restore", edits.created(whole or past), event)])
    for owner in owners:
        run.edit([Edit(owner, "restore", edits.with_sidecars((), [sidecar_row(store.name, entry, digest)]), event)])
    run.journal.done("restore", store=store.name, path=path, hash=digest)
    return "", bool(document or past or owners)


def run_empty(
    workspace: Workspace, store: str | None, run_id: str | None, older_than: str | None, screen: Screen, *, yes: bool,
    last_copies: bool,
) -> int:  # fmt: skip
    """Remove what lies in the trash for good."""
    repository = workspace.existing_repository
    stores = _stores(workspace, repository, store, screen)
    limit = datetime.now(UTC) - age(older_than) if older_than else None
    found = [
        (n, t)
        for n, s in stores.items()
        for t in s.trashed()
        if (run_id is None or t.batch == run_id) and (limit is None or _moment(t) < limit)
    ]
    size = sum(t.size for _n, t in found)
    question = f"{len(found):,} files, {size_text(size)}, would be removed for good."
    if found and not yes and not (screen.can_ask and screen.ask(f"{question} Go on?", "yn") == "y"):
        raise ConfirmationNeeded(f"{question} Nothing was changed.", hint="Add --yes if that is meant.")
    with session(workspace, screen, "trash empty", WORDS) as run:
        everywhere = storing.reachable(workspace, repository)
        return run.work(lambda: _empty_all(run, stores, found, None if last_copies else everywhere))


def _empty_all(
    run: Session,
    stores: Mapping[str, ManagedStore],
    found: Sequence[tuple[str, Trashed]],
    proving: Mapping[str, ManagedStore] | None,
) -> None:
    """Empty the trash; with `proving` (the stores to look in) only of what is proved to be elsewhere, or to be rotten."""
    run.repository.refresh()
    rotten = queries.repaired(run.repository)
    for name, trashed in found:
        run.journal.started("empty", store=name, path=trashed.key)
        try:
            digest = stores[name].trash_checksum(trashed.key)
            if proving is not None and trashed.key not in rotten and not _is_elsewhere(run, digest, proving):
                reason = "no good copy of it is elsewhere; --last-copies removes it all the same"
                run.report.add(Outcome("empty", trashed.key, "kept", name, hash=digest, reason=reason))
                continue
            run.tell([{"action": "empty", "hash": digest, "store": name, "path": trashed.path, "trash": trashed.key,
                       "effect": "file", "before": {}, "after": {}}])  # fmt: skip
            stores[name].empty(trashed.key)
        except StoreError as error:
            run.journal.failed("empty", store=name, path=trashed.key, reason=str(error))
            run.report.add(Outcome("empty", trashed.key, "failed", name, reason=str(error)))
            continue
        run.journal.done("empty", store=name, path=trashed.key)
        run.report.add(Outcome("empty", trashed.key, "emptied", name, hash=digest, stored=trashed.size))


def _is_elsewhere(run: Session, digest: str, stores: Mapping[str, ManagedStore]) -> bool:
    """Whether a content has a copy that answers, as an asset or as a sidecar."""
    found = run.repository.documents([digest]).get(digest)
    rows = found[0].get("copies", []) if found else queries.sidecar_rows(run.repository, digest)
    return bool(Prover(stores).prove(digest, [{"state": "ok", **row} for row in rows], 1).good)


def _moment(trashed: Trashed) -> datetime:
    """When a file went to the trash: its batch begins with the time; else when the file was last changed."""
    match = re.match(r"(\d{8}T\d{6})\d*Z", trashed.batch)
    if match:
        return datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return datetime.fromtimestamp(trashed.mtime_ns / 1e9, UTC)
