"""What of a run can be taken back, as far as files and records tell before anything is done."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set

import orjson

from catalog.domain.copies import OK
from catalog.domain.document import AssetDocument, EventRow
from catalog.domain.filetypes import SIDECAR_EXTENSIONS, extension_of
from catalog.errors import StoreError
from catalog.features.undo.handovers import TakingBack
from catalog.features.undo.plan import (
    FROM_TRASH,
    HANDOVER,
    MOVE_BACK,
    NEVER,
    PUT_BACK,
    TO_TRASH,
    SourceBack,
    Step,
    TakeBack,
    steps,
)
from catalog.features.undo.preconditions import NO_PLACE, UndoPreconditions, reversal
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.workspace import Workspace

UPLOADS = ("upload_to_nas_from_disk", "upload_to_dropbox_from_dropbox")
AT_ONCE = 500
"""Assets that the catalog is asked about together."""


def survey_steps(
    repository: Repository,
    sight: UndoPreconditions,
    run: str,
    events: Sequence[EventRow],
    records: Mapping[str, AssetDocument | None],
) -> list[TakeBack]:
    """Each step, latest event first, tried on the records of its assets in memory."""
    begun = {_identity(event) for event in repository.history.undoing(run)}
    handed = TakingBack(repository, events)
    now = dict(records)
    leaving: set[tuple[str, str, str]] = set()
    found = []
    for step in steps(events):
        event, problem = step.event, step.reason
        is_begun = step.kind in (TO_TRASH, FROM_TRASH) and _identity(event) in begun
        if step.kind == HANDOVER:
            problem = handed.foresee(event)
        elif step.kind != NEVER:
            problem = _file_problem(step, sight, leaving)
        if step.kind == TO_TRASH and not problem:
            leaving |= set(step.files)
        if not problem and step.kind not in (NEVER, HANDOVER) and not is_begun:
            try:
                now[event["hash"]] = reversal(step)(now.get(event["hash"]))
            except ValueError as error:
                problem = str(error)
        found.append(TakeBack(step, problem, is_begun))
    return found


def survey_sources(workspace: Workspace, repository: Repository, run: str) -> list[SourceBack]:
    """The sources that an upload removed, or was about to, by its journal on this machine."""
    removed = _removed(workspace, run)
    documents = read_records(repository, {owner for owner, _device in removed.values()})
    return [
        SourceBack(
            source, owner, device, tuple(_places_like(source, owner, documents[owner] or {}))
        )
        for source, (owner, device) in removed.items()
    ]


def read_records(repository: Repository, hashes: Set[str]) -> dict[str, AssetDocument | None]:
    """The documents of assets by hash; None where the catalog has none."""
    names = sorted(hashes)
    found: dict[str, AssetDocument | None] = dict.fromkeys(names)
    for start in range(0, len(names), AT_ONCE):
        part = repository.documents(names[start : start + AT_ONCE])
        found |= {name: document for name, (document, *_version) in part.items()}
    return found


def _identity(event: EventRow) -> tuple[str, str]:
    """By what an event and its reverse are known to belong together: the asset, and the file."""
    return event["hash"], event.get("path", "")


def _file_problem(step: Step, sight: UndoPreconditions, leaving: Set[tuple[str, str, str]]) -> str:
    """Why the files of a step cannot be brought back to where they were, or "".

    `leaving` are the files that steps before it take away.
    """
    event, stores = step.event, sight.stores
    if step.kind in (FROM_TRASH, MOVE_BACK, PUT_BACK) or step.files:
        names = {store for store, _path, _hash in step.files} or {event["store"]}
        if absent := sorted(names - stores.keys()):
            return sight.why_absent(absent[0])
    if step.kind == MOVE_BACK:
        back = event["source"]
        found = (
            _content_problem(stores[store], path, digest, back)
            for store, path, digest in step.files
        )
        return next(filter(None, found), "")
    if step.kind == FROM_TRASH:
        instead = {(store, path): digest for store, path, digest in (*leaving, *step.instead)}
        found = (
            _trash_problem(
                stores[store], f"{step.trash}/{path}", path, digest, instead.get((store, path), "")
            )
            for store, path, digest in step.files
        )
        return next(filter(None, found), "")
    if step.kind == PUT_BACK:
        return "" if sight.outside.has_place(event["source"], event["before"]) else NO_PLACE
    return ""


def _content_problem(store: ManagedStore, path: str, digest: str, back: str) -> str:
    """Why a renamed file cannot go back, or "": it must be what was renamed, or be back already."""
    with contextlib.suppress(StoreError):
        for place in (path, back):
            if store.stat(place) is not None:
                return "" if store.checksum(place) == digest else f"{place} has other content now"
    return f"{path} is not there"


def _trash_problem(store: ManagedStore, key: str, path: str, digest: str, instead: str) -> str:
    with contextlib.suppress(StoreError):
        if store.stat(path) is not None and store.checksum(path) == digest:
            return ""  # it came back already
        if store.stat(path) is not None and (not instead or store.checksum(path) != instead):
            return f"another file lies at {path}"
        return (
            "" if store.trash_checksum(key) == digest else f"{path} in the trash has other content"
        )
    return "it is no longer in the trash"


def _removed(workspace: Workspace, run: str) -> dict[str, tuple[str, int | None]]:
    """The removed sources of an upload, each with the hash of its asset and its device."""
    path = workspace.journal_dir / f"{run}.jsonl"
    base, command, found = "", "", dict[str, tuple[str, int | None]]()
    with contextlib.suppress(OSError, orjson.JSONDecodeError):
        for line in path.read_bytes().splitlines():
            row = orjson.loads(line)
            if row["action"] == "run" and row["state"] == "started":
                base, command = row.get("source", ""), row.get("command", "")
            elif row["action"] == "remove" and row["state"] == "started":
                found[f"{base}/{row['source']}"] = row["hash"], row.get("device")
    return found if command in UPLOADS else {}


def _places_like(source: str, owner: str, document: AssetDocument) -> list[tuple[str, str, str]]:
    """Where the catalog may hold what a removed source was: a copy, or a sidecar of its type."""
    extension = extension_of(source.rpartition("/")[2])
    if extension in SIDECAR_EXTENSIONS:
        return [
            (row["store"], row["path"], row["hash"])
            for row in document.get("sidecars", [])
            if extension_of(row["path"]) == extension
        ]
    copies = [row for row in document.get("copies", []) if row["state"] == OK]
    return [(row["store"], row["path"], owner) for row in copies]
