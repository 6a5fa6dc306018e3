"""What taking a run back depends on: files outside the stores, copies elsewhere, and records."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from catalog.domain.asset import Entry
from catalog.domain.copies import CopyKey
from catalog.domain.document import AssetDocument, EventRow
from catalog.domain.edits import Change, relocated, reversed_change
from catalog.domain.filetypes import SIDECAR_EXTENSIONS, extension_of
from catalog.errors import AlreadyExists, StoreError
from catalog.features.undo.plan import (
    FROM_TRASH,
    HANDOVER,
    MOVE_BACK,
    PUT_BACK,
    RENDITION,
    TAKES_AWAY,
    UNDECIDE,
    SourceBack,
    Step,
    TakeBack,
)
from catalog.features.undo.source_files import SourceFiles
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.folder_names import FolderNames
from catalog.work.proof import Prover, is_same_file
from catalog.work.workspace import Workspace

NO_PLACE = "the disk it lay on is not there"
FORGOTTEN = "its asset was forgotten since"
LAST_COPY = "its source is not there any more, and there is no other copy"
NOWHERE: Mapping[CopyKey, str] = MappingProxyType({})
Holder = tuple[ManagedStore, Entry]
"""A file of the catalog, and the store that it lies in."""
Attempt = Callable[[str, str, EventRow], str]
"""From a source, its hash and its event (see `Sight.way_back`) to why it is not back, or ""."""


class UndoPreconditions:
    """Looks at what there is; what is foreseen of a plan that is only shown counts as done."""

    def __init__(
        self,
        workspace: Workspace,
        repository: Repository,
        stores: Mapping[str, ManagedStore],
        absent: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.outside = SourceFiles(workspace)
        self.stores = stores
        self._absent = absent
        self._repository = repository
        self._folders = {name: FolderNames(store) for name, store in stores.items()}
        self._sources: dict[str, str] = {}
        self._gone: set[CopyKey] = set()
        self._back: set[CopyKey] = set()
        self._documents: dict[str, AssetDocument | None] = {}

    # --- what there is ------------------------------------------------------------------------

    def content(self, source: str) -> str | None:
        """The content hash of what lies at a place outside; see `SourceFiles.content`."""
        return self._sources.get(source) or self.outside.content(source)

    def place(self, store: str, path: str) -> str:
        """Where a file of a store comes back to: in the folder that is there under an equal
        name."""
        return self._folders[store].spell(path)

    def why_absent(self, name: str) -> str:
        """Why a store cannot be asked: what was found where it was looked for."""
        reason = self._absent.get(name, "")
        return f"store {name} cannot be reached" + (f": {reason}" if reason else "")

    def document(self, content_hash: str) -> AssetDocument | None:
        """The record of an asset, or None."""
        if content_hash in self._documents:
            return self._documents[content_hash]
        found = self._repository.documents([content_hash]).get(content_hash)
        return found[0] if found else None

    def is_safe(self, content_hash: str, without: frozenset[CopyKey] = frozenset()) -> bool:
        """Whether the catalog has a good copy of a content, read now, but at some places."""
        gone = self._gone | without
        rows = (self.document(content_hash) or {}).get("copies", [])
        left = [row for row in rows if (row["store"], row["path"]) not in gone]
        if any((row["store"], row["path"]) in self._back for row in left):
            return True
        return bool(Prover(self.stores).prove(content_hash, left, 1).good)

    def way_back(self, source: str, digest: str, event: EventRow) -> tuple[str, Holder | None]:
        """Why a source cannot be put back, or ""; and the file to make it of, if one is needed.

        `event` says whose it is, where a copy was, and (`before`) on which disk the source lay.
        """
        there = self.content(source)
        if there is not None:
            return ("" if there == digest else "another file lies there now"), None
        if not self.outside.has_place(source, event.get("before") or {}):
            return NO_PLACE, None
        held = self._holder(event, digest)
        return ("" if held else "no copy of its content answers"), held

    def _holder(self, event: EventRow, digest: str) -> Holder | None:
        """Where a content can be had: at the event's path, or from another file of the asset."""
        document = self.document(event["hash"]) or {}
        rows = [*document.get("copies", []), *document.get("sidecars", [])]
        places = [(event["store"], event["path"]), *((r["store"], r["path"]) for r in rows)]
        for name, path in dict.fromkeys(places):
            store = self.stores.get(name)
            with contextlib.suppress(StoreError):
                entry = store.stat(path) if store is not None else None
                if store is not None and entry is not None and store.checksum(path) == digest:
                    return store, entry
        return None

    # --- why not ------------------------------------------------------------------------------

    def source_problem(self, action: SourceBack, attempt: Attempt) -> str:
        """Why a source comes back from no place, or ""; `attempt` does it, or foresees it."""
        problem = FORGOTTEN
        for store, path, digest in action.places:
            event: EventRow = {
                "action": action.name,
                "hash": action.hash,
                "store": store,
                "path": path,
                "before": {"device": action.device},
            }
            if action.mtime_ns is not None:
                event["before"]["mtime_ns"] = action.mtime_ns
            try:
                problem = attempt(action.source, digest, event)
            except (StoreError, OSError) as error:
                problem = str(error)
            if not problem:
                break
        return problem

    def why_kept(self, action: SourceBack, problem: str) -> str:
        """Why what an upload brought stays: its source is not back; "" where a file lies there."""
        if not problem or self.content(action.source) is not None:
            return ""
        return f"kept: the source {action.source} cannot be put back ({problem})"

    def last_copy_problem(self, step: Step) -> str:
        """Why what a run brought must stay, or "": its source or another copy is needed."""
        event = step.event
        if event["action"] == RENDITION:  # what it was made of comes back in its place
            return ""
        if step.is_rename:
            return ""
        if self.content(str(event.get("source", ""))) == event["hash"]:
            return ""
        places = frozenset((store, path) for store, path, _hash in step.files)
        if not any(digest == event["hash"] and not _is_sidecar(p) for _s, p, digest in step.files):
            return ""
        if self.is_safe(event["hash"], places):
            return ""
        return f"kept: {LAST_COPY}; --yes brings it to the trash all the same"

    def changed_problem(self, step: Step) -> str:
        """Why the files that a run brought are not those any more, or ""."""
        for store, path, digest in step.files:
            if (store, path) in self._gone or self.stores[store].stat(path) is None:
                continue
            if self.stores[store].checksum(path) != digest:
                return f"{path} has other content now, and is kept"
        return ""

    def obstacle(self, action: TakeBack) -> str:
        """What will keep a step from being taken, or "": a file in its way, a changed record."""
        step = action.step
        if step.kind == PUT_BACK:
            return self.way_back(step.event["source"], step.event["before"]["hash"], step.event)[0]
        if step.kind == FROM_TRASH and (problem := self._in_the_way(step)):
            return problem
        if step.kind == MOVE_BACK and (problem := self._taken_place(step)):
            return problem
        if step.kind in (HANDOVER, UNDECIDE) or action.begun:
            return ""
        try:
            reversal(step)(self.document(action.hash))
        except ValueError as error:
            return str(error)
        return ""

    def _in_the_way(self, step: Step) -> str:
        instead = {(store, path): digest for store, path, digest in step.instead}
        for store, path, digest in step.files:
            place = self.place(store, path)
            if (store, path) in self._gone or self.stores[store].stat(place) is None:
                continue
            if self.stores[store].checksum(place) not in (digest, instead.get((store, path))):
                return f"another file lies at {path}"
        return ""

    def _taken_place(self, step: Step) -> str:
        name = step.event["store"]
        old = self.place(name, step.event["source"])
        store = self.stores[name]
        moved, there = store.stat(step.event["path"]), store.stat(old)
        if (
            moved is None
            or there is None
            or (name, old) in self._gone
            or is_same_file(moved, there)
        ):
            return ""
        return str(AlreadyExists(f"{old} is already in store {name}."))

    # --- what is foreseen ---------------------------------------------------------------------

    def suppose(self, records: Mapping[str, AssetDocument | None]) -> None:
        """The records of assets are these, so that nobody asks for them one by one."""
        self._documents |= records

    def assume_back(self, source: str, digest: str, event: EventRow) -> str:
        """A source is back, if it can be; else why not."""
        problem, _held = self.way_back(source, digest, event)
        if not problem:
            self._sources[source] = digest
        return problem

    def assume(self, action: TakeBack) -> None:
        """A step was taken."""
        step = action.step
        places = {(store, path) for store, path, _hash in step.files}
        if step.kind in (*TAKES_AWAY, MOVE_BACK):
            self._gone |= places
            self._back -= places
        if step.kind == FROM_TRASH:
            self._back |= places
            self._gone -= places
        if step.kind == MOVE_BACK:
            self._back.add((step.event["store"], step.event["source"]))
        if step.kind == PUT_BACK:
            self._sources[step.event["source"]] = step.event["before"]["hash"]
        if step.kind in (PUT_BACK, UNDECIDE, HANDOVER) or action.begun:
            return
        self._documents[action.hash] = reversal(step)(self.document(action.hash))


def _is_sidecar(path: str) -> bool:
    return extension_of(path) in SIDECAR_EXTENSIONS


def reversal(step: Step, places: Mapping[CopyKey, str] = NOWHERE) -> Change:
    """How the record of an asset becomes what it was; as it is where a step is about none.

    `places` are the paths of files that came back to another one than they had.
    """
    event = step.event
    if step.kind in (PUT_BACK, UNDECIDE):
        return lambda document: document
    back = reversed_change(event.get("before") or {}, event.get("after") or {})
    return relocated(back, places) if places else back
