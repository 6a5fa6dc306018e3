"""Adding, listing and removing stores, and which copies there are."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from catalog.cli.console import Screen
from catalog.domain import edits
from catalog.domain.amounts import size_text
from catalog.domain.copies import OK
from catalog.domain.edits import Edit
from catalog.errors import (
    DONE,
    SOME_FAILED,
    ConfigError,
    ConfirmationNeeded,
    StoreGuard,
    StoreUnavailable,
    UnknownKind,
    UsageError,
)
from catalog.index import queries
from catalog.index.repository import Repository
from catalog.stores import registry
from catalog.stores.dropbox.root import DropboxRoot
from catalog.stores.local_root import LocalRoot
from catalog.stores.marker import read_marker, write_marker
from catalog.stores.root import Overlap, Root
from catalog.work import guards
from catalog.work import store_book as storing
from catalog.work.report import Outcome
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")
BATCH = 500


def run_add(workspace: Workspace, name: str, folder: Path, screen: Screen, *, force: bool) -> int:
    """Make a folder a store of the catalog, or tell the catalog where a known one lies now."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name} is no name for a store.", hint="Use small letters, digits, - and _.")
    named = registry.root_named(str(folder), workspace.store_context)
    if named.folder is None:
        return _add_afar(workspace, name, named, screen, force=force)
    root = guards.check_folder(str(folder.expanduser()))
    repository = workspace.repository
    known = storing.known_stores(repository)
    for other, record in known.items():
        there = storing.root_of(workspace, other, record) if other != name else None
        if there is not None and there.folder is not None and there.folder.is_dir():
            guards.check_apart(LocalRoot(root), there)
    marker = read_marker(root)
    owner = next((n for n, r in known.items() if marker is not None and r["id"] == marker), None)
    if owner is not None and owner != name:
        if not force:
            raise StoreGuard(
                f"{root} has the marker of store {owner}; nothing was changed.",
                hint="If it is a copy of that disk, and to be a store of its own, add --force.",
            )
        write_marker(root, name, known[name]["id"] if name in known else uuid.uuid4().hex)
        marker = read_marker(root)
    if name in known and marker != known[name]["id"]:
        if not force:
            raise StoreGuard(
                f"{root} does not have the marker of store {name}, which the catalog knows at {known[name]['root']}; "
                "nothing was changed.",
                hint="Is it the right folder? If its marker was lost, or the disk replaced, add --force.",
            )
        write_marker(root, name, known[name]["id"])
    before = (registry.folder_recorded(known[name]) if name in known else None) or root
    if not force and before.is_dir() and not before.samefile(root) and read_marker(before) == known[name]["id"]:
        raise StoreGuard(f"Store {name} is still there at {before}; nothing was changed.",
                         hint="A copy of it gets a name of its own: catalog store add OTHER FOLDER --force.")  # fmt: skip
    storing.claim_root(repository, name, LocalRoot(root))
    screen.out_line(f"Store {name} is at {root}. To record what lies there: sync_catalog_with_disk --store {name}")
    return DONE


def _add_afar(workspace: Workspace, name: str, root: Root, screen: Screen, *, force: bool) -> int:
    """The same for a folder that is far away; it is made where it is not there, if its kind says so."""
    repository = workspace.repository
    known = storing.known_stores(repository)
    kind = registry.kind_called(root.kind, name)
    its_kind = known[name]["kind"] if name in known else LocalRoot.kind if name == storing.NAS else kind.name
    if its_kind != kind.name:
        its = registry.kind_called(its_kind, name)
        raise UsageError(f"Store {name} is {its.title}, not of {kind.title}.", hint="Choose another name.")
    configured = storing.configured_root(workspace, name)
    if configured is not None and configured.kind == kind.name and configured.overlap(root) is not Overlap.SAME:
        setting = storing.SETTINGS[name].name
        raise UsageError(f"{setting} says that store {name} is at {configured.text}.", hint=f"Change {setting} instead.")
    is_there = root.is_there()
    if not (is_there or kind.claims_itself):
        raise UsageError(f"There is no folder {root.shown}.", hint="Check the spelling.")
    storing.check_apart_from_others(workspace, repository, name, root)
    marker = root.marker() if is_there else None
    owner = next((n for n, r in known.items() if marker is not None and r["id"] == marker), None)
    expected = known[name]["id"] if name in known else None
    if not force and ((owner is not None and owner != name) or (expected is not None and marker != expected)):
        what = f"has the marker of store {owner}" if owner and owner != name else f"does not have the marker of store {name}"
        raise StoreGuard(f"{root.shown} {what}; nothing was changed.", hint="If that is meant, add --force.")
    if force and marker != expected:
        root.mark(name, expected or uuid.uuid4().hex)
    storing.claim_root(repository, name, root)
    command = "sync_catalog_with_dropbox" if kind.name == DropboxRoot.kind else "sync_catalog_with_disk"
    screen.out_line(f"Store {name} is at {root.shown}. To record what lies there: {command} --store {name}")
    return DONE


def run_list(workspace: Workspace, screen: Screen) -> int:
    """Print every store: where it is, whether it is there, and what the catalog says of it."""
    repository = workspace.existing_repository
    repository.refresh()
    counts = queries.totals(repository, 1)["stores"]
    for name, record in sorted(storing.known_stores(repository).items()):
        shown, state = _where(workspace, name, record)
        part = counts.get(name, {"copies": 0, "bytes": 0, "not_ok": 0})
        row = {"store": name, "root": shown, "state": state, **part, "last_run": record.get("last_run", "")}
        if screen.json:
            screen.out_json(row)
        else:
            screen.out_line(f"{name:<12} {state:<12} {part['copies']:>10,} copies {size_text(part['bytes']):>10}  {shown}")
    return DONE


def _where(workspace: Workspace, name: str, record: dict[str, Any]) -> tuple[str, str]:
    """Where a store lies, as a person would name it, and whether it is there."""
    try:
        root = storing.root_of(workspace, name, record)
    except UnknownKind:
        return registry.shown(record), "unknown kind"
    return root.shown, _state(name, root, record)


def _state(name: str, root: Root, record: dict[str, Any]) -> str:
    try:
        if not root.is_there():
            return "offline"
        storing.check_present(name, root, record)
    except StoreGuard:
        return "other disk"
    except (StoreUnavailable, ConfigError):
        return "offline"
    return "there"


def run_remove(workspace: Workspace, name: str, screen: Screen, *, forget_copies: bool) -> int:
    """Take a store out of the catalog. Its files are not touched."""
    repository = workspace.existing_repository
    repository.refresh()
    known = storing.known_stores(repository)
    if name not in known:
        raise UsageError(f"There is no store {name}.", hint=f"There are: {', '.join(sorted(known)) or 'none'}.")
    count, only = _copies_of(repository, name)
    if count and not forget_copies:
        raise ConfirmationNeeded(
            f"Store {name} has {count:,} recorded copies, {only:,} of them the only one of their asset; nothing was changed.",
            hint="An offline store can stay known. To drop its records (no file is touched), add --forget-copies.",
        )
    words = {"outcomes": ("dropped", "failed"), "always": ("dropped",), "done": "dropped"}
    with session(workspace, screen, "store remove", words, store=name) as run:
        return run.work(lambda: _drop(run, name, known[name]))


def _copies_of(repository: Repository, name: str) -> tuple[int, int]:
    count = only = 0
    for document in _documents(repository, name):
        rows = [r for r in document["_source"].get("copies", []) if r["state"] == OK]
        mine = [r for r in rows if r["store"] == name]
        count += len(mine)
        only += bool(mine) and len(mine) == len(rows)
    return count, only


def _documents(repository: Repository, name: str) -> Iterator[dict[str, Any]]:
    return (hit for page in repository.scan_pages(queries.of_store(name), source=["copies", "sidecars"]) for hit in page)


def _drop(run: Session, name: str, record: dict[str, Any]) -> None:
    stream = _documents(run.repository, name)
    while part := list(itertools.islice(stream, BATCH)):
        wanted = [edit for hit in part for edit in _dropping(hit["_id"], hit["_source"], name)]
        for edit, answer in zip(wanted, run.edit(wanted), strict=True):
            problem = "" if answer in ("done", "unchanged") else answer
            outcome = "failed" if problem else "dropped"
            run.report.add(Outcome("drop", edit.event["path"], outcome, name, hash=edit.hash, reason=problem))
    run.repository.remember_store({**record, "removed": True})


def _dropping(content_hash: str, document: dict[str, Any], name: str) -> list[Edit]:
    copies = [r["path"] for r in document.get("copies", []) if r["store"] == name]
    sidecars = [r["path"] for r in document.get("sidecars", []) if r["store"] == name]
    event = {"store": name, "effect": "index"}
    return [
        *(Edit(content_hash, "drop", edits.without_copy(name, p), {**event, "path": p}) for p in copies),
        *(Edit(content_hash, "drop", edits.with_sidecars([(name, p)], ()), {**event, "path": p}) for p in sidecars),
    ]


# --- which copies there are --------------------------------------------------------------------------------------------


def run_copies(workspace: Workspace, query: str, missing: Sequence[str], fewer: int, limit: int, screen: Screen) -> int:
    """Print the assets, with where their copies are; only those that lack something where that is asked for."""
    repository = workspace.existing_repository
    known = storing.known_stores(repository)
    unknown = [m for m in missing if m not in known and m != "dropbox"]
    if unknown:
        raise UsageError(f"There is no store {unknown[0]}.", hint=f"There are: {', '.join(sorted(known)) or 'none'}.")
    repository.refresh(repository.alias)
    lacking = queries.lacking(repository, queries.build(query), fewer, list(missing))
    count = 0
    order = [{"paths": {"order": "asc", "missing": "_last"}}, {"hash": "asc"}]
    for page in repository.scan_pages(lacking, sort=order, limit=limit):
        for hit in page:
            count += 1
            _print_copies(hit["_source"], screen)
    if not screen.json:
        screen.out(f"{count:,} found." if count else "Nothing found.")
    return DONE


def _print_copies(document: dict[str, Any], screen: Screen) -> None:
    rows = document.get("copies", [])
    if screen.json:
        kept = ("store", "path", "state", "verified")
        screen.out_json({"hash": document["hash"], "copies": [{k: r[k] for k in kept} for r in rows]})
        return
    places = [f"{r['store']}:{r['path']}" + ("" if r["state"] == OK else f" ({r['state']})") for r in rows]
    screen.out_line(f"{document['hash'][:12]}  {'  '.join(places) or '(no copy)'}")


def run_check(workspace: Workspace, screen: Screen) -> int:
    """Whether every asset has the copies it should have; for cron."""
    repository = workspace.existing_repository
    repository.refresh(repository.alias)
    known = {*storing.known_stores(repository), "dropbox"}
    unknown = sorted({name for policy in workspace.policies for name in policy.stores} - known)
    if unknown:
        raise ConfigError(
            f"copy_policies names a store {unknown[0]} that there is not.", hint=f"There are: {', '.join(sorted(known))}."
        )
    found = queries.shortfalls(repository, workspace.policies)
    for row in found:
        if screen.json:
            screen.out_json(row)
        elif row["assets"]:
            screen.complain(f"{queries.told(row)}: {row['see']}")
    total = sum(row["assets"] for row in found)
    if screen.json:
        screen.out_json({"event": "summary", "shortfalls": total})
    elif not screen.quiet and not total:
        screen.out("Every asset has the copies it should have.")
    return SOME_FAILED if total else DONE
