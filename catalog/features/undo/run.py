"""Taking a run back, as far as the trash, the journal and what happened since allow."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import orjson

from catalog.cli.console import Screen
from catalog.domain.asset import Entry
from catalog.domain.copies import MISSING, OK
from catalog.domain.edits import Document, Edit, marked, reversed_change
from catalog.domain.filetypes import SIDECAR_EXTENSIONS, extension_of
from catalog.errors import DONE, SOME_FAILED, StoreError, UsageError
from catalog.features.lookalikes.decisions import unremember
from catalog.features.undo.handovers import TakingBack, take_back
from catalog.features.undo.outside import Outside
from catalog.features.undo.plan import (
    FROM_TRASH,
    HANDOVER,
    MOVE_BACK,
    NEVER,
    PUT_BACK,
    RENDITION,
    TO_TRASH,
    UNDECIDE,
    Step,
    steps,
)
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work import guards
from catalog.work import store_book as storing
from catalog.work.proof import Prover
from catalog.work.report import Outcome
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

NO_PLACE = "the disk it lay on is not there"
UPLOADS = ("upload_to_nas_from_disk", "upload_to_dropbox_from_dropbox")
WORDS = {"outcomes": ("undone", "failed"), "always": ("undone",), "done": "brought back"}


@dataclass(frozen=True, slots=True)
class Undoing:
    """A step that can be taken, or the reason why not. `begun`: an undo that was cut off has changed the record already."""

    step: Step
    problem: str = ""
    begun: bool = False


def run_undo(workspace: Workspace, run_id: str, screen: Screen, *, dryrun: bool, yes: bool) -> int:
    """Say what cannot be taken back, then take the rest back."""
    repository = workspace.existing_repository
    repository.refresh()
    events = repository.events_of(run_id)
    if not events:
        raise UsageError(
            f"There is no run {run_id} in the history, or it changed nothing.", hint="`catalog history` lists the runs."
        )
    stores = storing.reachable(workspace, repository)
    removed = _removed_sources(workspace, run_id)
    begun = {_identity(e) for e in repository.events_undoing(run_id)}
    outside = Outside(workspace)
    handed = TakingBack(repository, events)
    plan = _planned(steps(events), _documents(repository, {e["hash"] for e in events}), stores, begun, outside, handed)
    if dryrun:
        report = screen.report(workspace.progress, **WORDS)
        report.dry = True
        for undoing in plan:
            outcome = "failed" if undoing.problem else "planned"
            report.add(_outcome(undoing.step, outcome, undoing.problem))
        report.finish()
        return SOME_FAILED if any(u.problem for u in plan) else DONE
    taken = sum(1 for u in plan if u.step.kind == TO_TRASH and not u.problem)
    guards.check_removals(taken, workspace.settings.move_limit, yes=yes)
    with session(workspace, screen, "undo", WORDS, undoes=run_id) as run:
        return run.work(lambda: _undo(run, plan, stores, removed, run_id, last_copies=yes))


def _documents(repository: Repository, hashes: set[str]) -> dict[str, Document]:
    names = sorted(hashes)
    parts = (names[start : start + 500] for start in range(0, len(names), 500))
    return {name: found[0] for part in parts for name, found in repository.documents(part).items()}


def _identity(event: Mapping[str, Any]) -> tuple[str, str]:
    """By what an event and its reverse are known to belong together: the asset, and the file."""
    return event["hash"], event.get("path", "")


def _planned(
    wanted: Sequence[Step], documents: Mapping[str, Document], stores: Mapping[str, ManagedStore],
    begun: set[tuple[str, str]], outside: Outside, handed: TakingBack,
) -> list[Undoing]:  # fmt: skip
    """Each step tried on the documents in memory, so that what cannot be done is known before anything is."""
    now: dict[str, Document | None] = dict(documents)
    leaving: set[tuple[str, str, str]] = set()
    plan = []
    for step in wanted:
        event, problem = step.event, step.reason
        is_begun = step.kind in (TO_TRASH, FROM_TRASH) and _identity(event) in begun
        if step.kind == HANDOVER:
            problem = handed.foresee(event)
        elif step.kind != NEVER:
            problem = _file_problem(step, stores, outside, leaving)
        if step.kind == TO_TRASH and not problem:
            leaving |= set(step.files)
        if not problem and step.kind not in (NEVER, HANDOVER) and not is_begun:
            try:
                now[event["hash"]] = _reversal(step)(now.get(event["hash"]))
            except ValueError as error:
                problem = str(error)
        plan.append(Undoing(step, problem, is_begun))
    return plan


def _reversal(step: Step) -> Any:
    event = step.event
    before, after = event.get("before") or {}, event.get("after") or {}
    if step.kind in (PUT_BACK, UNDECIDE):  # no document was changed
        return lambda document: document
    return reversed_change(before, after)


def _file_problem(step: Step, stores: Mapping[str, ManagedStore], outside: Outside, leaving: Set[tuple[str, str, str]]) -> str:
    """Why the files of a step cannot be brought back to where they were, or "".

    `leaving` are the files that steps before it take away.
    """
    event = step.event
    if step.kind in (FROM_TRASH, MOVE_BACK, PUT_BACK) or step.files:
        names = {s for s, _p, _h in step.files} or {event["store"]}
        if absent := sorted(names - stores.keys()):
            return f"store {absent[0]} cannot be reached"
    if step.kind == MOVE_BACK:
        return next((p for s, path, h in step.files if (p := _content_problem(stores[s], path, h, event["source"]))), "")
    if step.kind == FROM_TRASH:
        instead = {(s, p): h for s, p, h in (*leaving, *step.instead)}
        found = (_trash_problem(stores[s], f"{step.trash}/{p}", p, h, instead.get((s, p), "")) for s, p, h in step.files)
        return next(filter(None, found), "")
    if step.kind == PUT_BACK:
        return "" if outside.has_place(event["source"], event["before"].get("device")) else NO_PLACE
    return ""


def _content_problem(store: ManagedStore, path: str, digest: str, back: str) -> str:
    """Why a renamed file cannot go back, or "": it must be what was renamed, or lie at its old place already."""
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
        return "" if store.trash_checksum(key) == digest else f"{path} in the trash has other content"
    return "it is no longer in the trash"


def _removed_sources(workspace: Workspace, run_id: str) -> dict[str, tuple[str, int | None]]:
    """The source files that an upload with --move removed, or was about to, with the hash of their asset and their device.

    From its journal on this machine.
    """
    path = workspace.journal_dir / f"{run_id}.jsonl"
    base, command, found = "", "", dict[str, tuple[str, int | None]]()
    with contextlib.suppress(OSError, orjson.JSONDecodeError):
        for line in path.read_bytes().splitlines():
            row = orjson.loads(line)
            if row["action"] == "run" and row["state"] == "started":
                base, command = row.get("source", ""), row.get("command", "")
            elif row["action"] == "remove" and row["state"] == "started":
                found[f"{base}/{row['source']}"] = row["hash"], row.get("device")
    return found if command in UPLOADS else {}


def _undo(
    run: Session, plan: Sequence[Undoing], stores: Mapping[str, ManagedStore], removed: Mapping[str, tuple[str, int | None]],
    undone: str, *, last_copies: bool,
) -> None:  # fmt: skip
    for undoing in (u for u in plan if u.problem):
        run.report.add(_outcome(undoing.step, "failed", undoing.problem))
    kept = _put_sources_back(run, stores, removed, undone)
    for undoing in (u for u in plan if not u.problem):
        step = undoing.step
        run.journal.started("undo", event=step.event["action"], path=step.path, hash=step.event["hash"])
        problem = kept.get(step.event["hash"], "") if step.kind == TO_TRASH else ""
        try:
            if step.kind == TO_TRASH and not problem and not last_copies:
                problem = _last_copy_problem(run, step, stores)
            if step.kind == HANDOVER:
                problem = take_back(run, step.event, undone, stores, last_copies=last_copies)
            else:
                problem = problem or _take_back(run, undoing, stores, undone)
        except (StoreError, OSError) as error:
            problem = str(error)
        (run.journal.failed if problem else run.journal.done)("undo", path=step.path, hash=step.event["hash"], reason=problem)
        run.report.add(_outcome(step, "failed" if problem else "undone", problem))


def _last_copy_problem(run: Session, step: Step, stores: Mapping[str, ManagedStore]) -> str:
    """Why the files that a run brought must stay, or "": without its source, or another copy, a content is not taken away."""
    event = step.event
    if event["action"] == RENDITION:  # what it was made of comes back in its place
        return ""
    if Outside(run.workspace).content(str(event.get("source", ""))) == event["hash"]:
        return ""
    places = {(s, p) for s, p, _h in step.files}
    found = run.repository.documents([event["hash"]]).get(event["hash"])
    rows = [r for r in (found[0].get("copies", []) if found else []) if (r["store"], r["path"]) not in places]
    if not any(h == event["hash"] for _s, _p, h in step.files) or Prover(stores).prove(event["hash"], rows, 1).good:
        return ""
    return "kept: its source is not there any more, and there is no other copy; --yes brings it to the trash all the same"


def _put_sources_back(
    run: Session, stores: Mapping[str, ManagedStore], removed: Mapping[str, tuple[str, int | None]], undone: str
) -> dict[str, str]:
    """Bring back, before anything else, the sources that a run had removed; by asset, why one could not be."""
    kept: dict[str, str] = {}
    documents = _documents(run.repository, {owner for owner, _device in removed.values()})
    for source, (owner, device) in removed.items():
        problem = "its asset was forgotten since"
        for row, digest in _rows_like(source, owner, documents.get(owner, {})):
            event = {"hash": owner, "store": row["store"], "path": row["path"], "before": {"device": device}}
            try:
                problem = _put_back(run, source, digest, stores, event, {"undoes": undone})
            except (StoreError, OSError) as error:
                problem = str(error)
            if not problem:
                break
        if problem and Outside(run.workspace).content(source) is None:
            kept[owner] = f"kept: the source {source} cannot be put back ({problem})"
        run.report.add(Outcome("undo remove", source, "failed" if problem else "undone", hash=owner, reason=problem))
    return kept


def _rows_like(source: str, owner: str, document: Document) -> list[tuple[Mapping[str, Any], str]]:
    """Where the catalog may hold what a removed source was, with its content hash: a copy, or a sidecar of its type."""
    extension = extension_of(source.rpartition("/")[2])
    if extension in SIDECAR_EXTENSIONS:
        return [(r, r["hash"]) for r in document.get("sidecars", []) if extension_of(r["path"]) == extension]
    return [(r, owner) for r in document.get("copies", []) if r["state"] == OK]


def _outcome(step: Step, outcome: str, problem: str) -> Outcome:
    event = step.event
    return Outcome(f"undo {event['action']}", step.path, outcome, event.get("store", ""), hash=event["hash"], reason=problem)


def _take_back(run: Session, undoing: Undoing, stores: Mapping[str, ManagedStore], undone: str) -> str:
    """Reverse one event; why it could not be, or ""."""
    step, event = undoing.step, undoing.step.event
    note = {"undoes": undone, "store": event.get("store", ""), "path": event.get("path", ""), "source": event.get("source", "")}
    if step.kind == UNDECIDE:
        run.patiently(lambda: unremember(run.repository, event["source"], undone))
        run.tell([{"action": "undo", "effect": "index", "hash": event["hash"], **note, "before": {}, "after": {}}])
        return ""
    if step.kind == PUT_BACK:
        return _put_back(run, event["source"], event["before"]["hash"], stores, event, {"undoes": undone})
    if step.kind == FROM_TRASH:
        return _bring_from_trash(run, undoing, stores, note)
    if step.kind == MOVE_BACK:
        if stores[event["store"]].stat(event["path"]) is not None:
            stores[event["store"]].move(event["path"], event["source"])
        return _edit(run, step, "move", {**note, "effect": "file", "path": event["source"], "source": event["path"]})
    if step.kind == TO_TRASH:
        return _bring_to_trash(run, undoing, stores, note)
    problem = _edit(run, step, "undo", {**note, "effect": "index"})
    if not problem and event["action"] == "forget":
        _look(run, event["hash"], stores)
    return problem


def _bring_from_trash(run: Session, undoing: Undoing, stores: Mapping[str, ManagedStore], note: Mapping[str, Any]) -> str:
    """Bring back the files that a run took away; why not, or ""."""
    step = undoing.step
    for store, path, digest in step.instead:
        if stores[store].stat(path) is not None and stores[store].checksum(path) == digest:
            stores[store].remove(path, run.run)
    for store, path, digest in step.files:
        if stores[store].stat(path) is None:
            stores[store].restore(f"{step.trash}/{path}", path)
        elif stores[store].checksum(path) != digest:
            return f"another file lies at {path}"
    if undoing.begun:
        return ""
    return _edit(run, step, "restore", {**note, "effect": "file", "source": f"trash:{step.trash}"})


def _look(run: Session, content_hash: str, stores: Mapping[str, ManagedStore]) -> None:
    """Mark the copies of a document that came back whose files did not."""
    found = run.repository.documents([content_hash]).get(content_hash)
    rows = [r for r in (found[0]["copies"] if found else []) if r["state"] == OK and r["store"] in stores]
    gone = [r for r in rows if stores[r["store"]].stat(r["path"]) is None]
    run.edit([
        Edit(content_hash, "missing", marked(r["store"], r["path"], MISSING),
             {"store": r["store"], "path": r["path"], "effect": "index"})
        for r in gone
    ])  # fmt: skip


def _edit(run: Session, step: Step, action: str, note: Mapping[str, Any]) -> str:
    (answer,) = run.edit([Edit(step.event["hash"], action, _reversal(step), note)])
    return "" if answer in ("done", "unchanged") else answer


def _bring_to_trash(run: Session, undoing: Undoing, stores: Mapping[str, ManagedStore], note: Mapping[str, Any]) -> str:
    """Take away the files that a run brought: the record first, then the files; if these cannot go, the record comes back."""
    step = undoing.step
    for store, path, digest in step.files:
        there = stores[store].stat(path)
        if there is not None and stores[store].checksum(path) != digest:
            return f"{path} has other content now, and is kept"
    owner = step.event["hash"]
    before = run.repository.documents([owner]).get(owner)
    comes_back = all(stores[store].capabilities.trash for store, _path, _digest in step.files)
    where = {"trash": f"{run.run}/{note['path']}"} if comes_back else {}
    problem = "" if undoing.begun else _edit(run, step, "trash", {**note, "effect": "file", **where})
    if problem:
        return problem
    try:
        for store, path, _digest in step.files:
            stores[store].remove(path, run.run)
    except StoreError:
        if before is not None and not undoing.begun:
            run.edit([Edit(owner, "keep", lambda _document: before[0], {"effect": "index", "path": note["path"]})])
        raise
    return ""


def _put_back(
    run: Session, source: str, digest: str, stores: Mapping[str, ManagedStore], event: Mapping[str, Any], note: Mapping[str, Any]
) -> str:
    """Copy a file from the catalog to where it was before; why not, or ""."""
    outside = Outside(run.workspace)
    there = outside.content(source)
    if there is not None:
        return "" if there == digest else "another file lies there now"
    if not outside.has_place(source, (event.get("before") or {}).get("device")):
        return NO_PLACE
    held = _holder(run, stores, event, digest)
    if held is None:
        return "no copy of its content answers"
    store, entry = held
    outside.put(source, store, entry, int((event.get("before") or {}).get("mtime_ns") or entry.mtime_ns), digest)
    about = {"hash": event["hash"], "store": store.name, "path": entry.path, "source": source}
    run.tell([{"action": "putback", "effect": "file", "before": {}, "after": {}, **about, **note}])
    return ""


def _holder(
    run: Session, stores: Mapping[str, ManagedStore], event: Mapping[str, Any], digest: str
) -> tuple[ManagedStore, Entry] | None:
    """Where the content can be had: at the event's own path, or at another copy or sidecar of the asset."""
    found = run.repository.documents([event["hash"]]).get(event["hash"])
    rows = [*found[0].get("copies", []), *found[0].get("sidecars", [])] if found else []
    places = [(event["store"], event["path"]), *((r["store"], r["path"]) for r in rows)]
    for name, path in dict.fromkeys(places):
        store = stores.get(name)
        with contextlib.suppress(StoreError):
            entry = store.stat(path) if store is not None else None
            if store is not None and entry is not None and store.checksum(path) == digest:
                return store, entry
    return None
