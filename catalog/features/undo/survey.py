"""What of a run can be taken back, as far as files and records tell before anything is done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence, Set

from catalog.domain.copies import OK, CopyKey
from catalog.domain.document import AssetDocument, EventRow
from catalog.domain.events import BRINGING, GIVING_WAY, RENAMING
from catalog.domain.filetypes import SIDECAR_EXTENSIONS, extension_of
from catalog.errors import StoreError
from catalog.features.undo.deeds import Came, Deeds, Removed
from catalog.features.undo.handovers import TakingBack
from catalog.features.undo.plan import (
    FROM_TRASH,
    HANDOVER,
    MOVE_BACK,
    NEVER,
    PUT_BACK,
    TO_TRASH,
    UNRECORDED,
    SourceBack,
    Step,
    TakeBack,
    TakenBack,
    steps,
    taken_back,
)
from catalog.features.undo.preconditions import NO_PLACE, UndoPreconditions, reversal
from catalog.index import queries
from catalog.index.history import History
from catalog.index.repository import Repository
from catalog.stores.protocol import ManagedStore
from catalog.work.replaced_files import Replaced, find_holder, find_told

UPLOADS = ("upload", "upload_to_nas_from_disk", "upload_to_dropbox_from_dropbox")
AT_ONCE = 500
"""Assets that the catalog is asked about together."""
UNKNOWN_HERE = "the journal of this machine does not know that it lay there"


def find_taken_back(history: History, run: str) -> TakenBack:
    """What earlier undos have taken back of a run, and which was not brought back since."""
    return taken_back(_reversals(history, run, frozenset({run})))


def _reversals(history: History, run: str, seen: Set[str]) -> list[EventRow]:
    """The events that took back a run, without those that were taken back themselves."""
    events = [event for event in history.undoing(run) if event.get("run", "") not in seen]
    standing: list[EventRow] = []
    for undo in sorted({event["run"] for event in events}):
        again = taken_back(_reversals(history, undo, seen | {undo}))
        mine = [event for event in events if event["run"] == undo]
        back = {step.id for step in steps(mine) if again.has(step)}
        standing += [event for event in mine if Step(event, NEVER).id not in back]
    return standing


class StepSurvey:
    """Looks at each step of a run: its files, and its record as it will be in its turn.

    `before` is what earlier undos have taken back, and `records` are the documents of its assets.
    """

    def __init__(
        self,
        repository: Repository,
        sight: UndoPreconditions,
        before: TakenBack,
        deeds: Deeds,
        records: Mapping[str, AssetDocument | None],
    ) -> None:
        self._repository = repository
        self._sight = sight
        self._before = before
        self._deeds = deeds
        self._now = dict(records)
        self._leaving: set[tuple[str, str, str]] = set()
        self._unrecorded: set[tuple[str, str, str]] = set()
        self._moved: dict[CopyKey, str] = {}

    def look(self, events: Sequence[EventRow]) -> list[TakeBack]:
        """Each step, latest event first, tried on the records of its assets in memory."""
        found = steps(events)
        begun = {step.id for step in found if self._is_begun(step)}
        left = self._left_files([step for step in found if step.id in begun])
        handed = TakingBack(self._repository, [s.event for s in found if s.id not in begun])
        return [
            self._begun(step, left) if step.id in begun else self._fresh(step, handed)
            for step in found
        ]

    def unrecorded(self, run: str, events: Sequence[EventRow]) -> list[TakeBack]:
        """The files that a run brought to a store, or renamed there, and that nobody recorded: it
        was killed in between; and what gave way to them. To be asked for before the other steps,
        which they may be in the way of.
        """
        begun = {file[:2] for s in steps(events) if self._is_begun(s) for file in s.files}
        replaced = self._untold()
        left = [c for c in dict.fromkeys(self._deeds.came) if (c.store, c.path) not in begun]
        names = {c: self._deeds.former_names(c) for c in left}
        places = [(c.store, name) for c in left for name in (c.path, *names[c])]
        claimed = queries.claimants(self._repository, list(dict.fromkeys(places)))
        found = []
        for came in left:
            recorded = (name for name in names[came] if claimed[came.store, name])
            source = next(recorded, names[came][-1])
            is_claimed = claimed[came.store, came.path] and (came.store, came.path) not in replaced
            if is_claimed or not self._lies(came.store, came.path, came.hash):
                continue
            if came.renamed and self._sight.stores[came.store].stat(source) is not None:
                continue
            files = ((came.store, came.path, came.hash),)
            self._unrecorded |= {*files}
            if came.renamed:
                self._moved[came.store, source] = came.path
            step = Step(_event(run, came, source), UNRECORDED, files)
            found.append(TakeBack(step, begun=True, told=self._before.has(step)))
        return [*found, *(self._coming_back(run, *each) for each in replaced.values())]

    def _untold(self) -> dict[CopyKey, tuple[Replaced, str]]:
        """By where they lay, the files that gave way and are recorded there still, each with its
        asset."""
        told = find_told(self._repository, self._deeds.replaced)
        left = [r for r in self._deeds.replaced if (r.store, r.trash) not in told]
        left = [r for r in left if not self._lies(r.store, r.path, r.hash)]
        owners = [(file, find_holder(self._repository, file)) for file in left]
        return {(file.store, file.path): (file, owner) for file, owner in owners if owner}

    def _coming_back(self, run: str, file: Replaced, owner: str) -> TakeBack:
        event: EventRow = {
            "run": run,
            "action": GIVING_WAY,
            "hash": owner,
            "store": file.store,
            "path": file.path,
            "effect": "file",
        }
        files = ((file.store, file.path, file.hash),)
        step = Step(event, FROM_TRASH, files, file.trash.partition("/")[0])
        return TakeBack(step, self._file_problem(step), begun=True)

    def _is_begun(self, step: Step) -> bool:
        """Whether its record was taken back already, and not because its files could not go: the
        very rows that it brought are recorded again then."""
        if step.kind == NEVER or not self._before.has(step):
            return False
        return step.kind != TO_TRASH or not self._rows_of(step, self._now)

    def _rows_of(self, step: Step, records: Mapping[str, AssetDocument | None]) -> bool:
        """Whether a record has a row that a step brought."""
        after = step.event.get("after") or {}
        came = (after.get("document") or after).get("copies") or []
        rows = (records.get(step.event["hash"]) or {}).get("copies", [])
        places = {(row["store"], row["path"], row.get("added")) for row in rows}
        return any((row["store"], row["path"], row.get("added")) in places for row in came)

    def _left_files(self, begun: Sequence[Step]) -> dict[str, list[CopyKey]]:
        """By step, the files that an undo had no longer recorded and not yet taken away; those that
        came again since belong to somebody."""
        taking = [step for step in begun if step.kind == TO_TRASH]
        places = sorted({(store, path) for step in taking for store, path, _hash in step.files})
        claimed = queries.claimants(self._repository, places) if places else {}
        return {
            step.id: [
                (store, path)
                for store, path, digest in step.files
                if not claimed[store, path] and self._lies(store, path, digest)
            ]
            for step in taking
        }

    def _lies(self, name: str, path: str, digest: str) -> bool:
        store = self._sight.stores.get(name)
        with contextlib.suppress(StoreError):
            return (
                store is not None
                and store.stat(path) is not None
                and store.checksum(path) == digest
            )
        return False

    def _begun(self, step: Step, left: Mapping[str, Sequence[CopyKey]]) -> TakeBack:
        """A step whose record was changed before."""
        if not left.get(step.id):
            return TakeBack(step, begun=True, done=True)
        self._leaving |= set(step.files)
        return TakeBack(step, begun=True)

    def _fresh(self, step: Step, handed: TakingBack) -> TakeBack:
        event, problem = step.event, step.reason
        if step.kind == TO_TRASH and self._unrecorded.issuperset(step.files):
            return TakeBack(step, begun=True, done=True)  # told, and cut off before the record
        if step.kind == HANDOVER:
            problem = handed.foresee(event)
        elif step.kind != NEVER:
            problem = self._file_problem(step)
        if step.kind == TO_TRASH and not problem:
            self._leaving |= set(step.files)
        if not problem and step.kind not in (NEVER, HANDOVER):
            try:
                self._now[event["hash"]] = reversal(step)(self._now.get(event["hash"]))
            except ValueError as error:
                problem = str(error)
        return TakeBack(step, problem)

    def _file_problem(self, step: Step) -> str:
        """Why the files of a step cannot be brought back to where they were, or ""."""
        event, stores = step.event, self._sight.stores
        if step.kind in (FROM_TRASH, MOVE_BACK, PUT_BACK) or step.files:
            names = {store for store, _path, _hash in step.files} or {event["store"]}
            if absent := sorted(names - stores.keys()):
                return self._sight.why_absent(absent[0])
        if step.kind == MOVE_BACK:
            return self._rename_problem(step)
        if step.kind == FROM_TRASH:
            rows = (*self._leaving, *self._unrecorded, *step.instead)
            instead = {(store, path): digest for store, path, digest in rows}
            found = (
                _trash_problem(
                    stores[store],
                    f"{step.trash}/{path}",
                    self._sight.place(store, path),
                    digest,
                    instead.get((store, path), ""),
                )
                for store, path, digest in step.files
            )
            return next(filter(None, found), "")
        return self._source_problem(event) if step.kind == PUT_BACK else ""

    def _rename_problem(self, step: Step) -> str:
        """Why a renamed file cannot go back, or "": it must be what was renamed, or be back
        already. One that was renamed again by the run lies where that brought it, until it is taken
        back in its turn.
        """
        was, problems = step.event["source"], list[str]()
        for name, path, digest in step.files:
            places = (self._moved.pop((name, path), path), self._sight.place(name, was))
            found, problem = _find_renamed(self._sight.stores[name], places, digest)
            self._moved[name, was] = found
            problems.append(problem)
        return next(filter(None, problems), "")

    def _source_problem(self, event: EventRow) -> str:
        """Why a file outside the stores is not put back, or "": only where this machine has written
        down that it lay there."""
        removed = self._deeds.removed.get(event["source"])
        if removed is None or removed.hash != event["hash"]:
            return UNKNOWN_HERE
        is_there = self._sight.outside.has_place(event["source"], event.get("before") or {})
        return "" if is_there else NO_PLACE


def _event(run: str, came: Came, source: str) -> EventRow:
    """What the history would have told of a file."""
    return {
        "run": run,
        "action": RENAMING if came.renamed else BRINGING,
        "hash": came.hash,
        "store": came.store,
        "path": came.path,
        "source": source,
        "effect": "file",
    }


def survey_sources(
    deeds: Deeds,
    repository: Repository,
    sight: UndoPreconditions,
    before: TakenBack,
    found: Iterable[TakeBack],
) -> list[SourceBack]:
    """The sources that an upload removed, or was about to, by its journal on this machine.

    Those that were put back by an earlier undo are done with; where a copy is recorded still that
    goes as `found` tells, only while they are there.
    """
    if deeds.command not in UPLOADS:
        return []
    documents = read_records(repository, {file.hash for file in deeds.removed.values()})
    going = {a.hash for a in found if a.step.kind == TO_TRASH and not a.begun}
    return [
        SourceBack(
            source,
            file.hash,
            file.device,
            tuple(_places_like(source, file, documents[file.hash] or {})),
            file.mtime_ns,
            not before.sources.isdisjoint({source, sight.outside.place(source)})
            and (file.hash not in going or sight.content(source) is not None),
        )
        for source, file in deeds.removed.items()
    ]


def read_records(repository: Repository, hashes: Set[str]) -> dict[str, AssetDocument | None]:
    """The documents of assets by hash; None where the catalog has none."""
    names = sorted(hashes)
    found: dict[str, AssetDocument | None] = dict.fromkeys(names)
    for start in range(0, len(names), AT_ONCE):
        part = repository.documents(names[start : start + AT_ONCE])
        found |= {name: document for name, (document, *_version) in part.items()}
    return found


def _find_renamed(store: ManagedStore, places: tuple[str, str], digest: str) -> tuple[str, str]:
    """At which of two places a renamed file lies, and why it cannot go back, or ""."""
    path = places[0]
    problem = f"{path} is not there"
    for place in places:
        with contextlib.suppress(StoreError):
            if store.stat(place) is not None:
                if store.checksum(place) == digest:
                    return place, ""
                problem = f"{path} has other content now" if place == path else problem
    return path, problem


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


def _places_like(
    source: str, removed: Removed, document: AssetDocument
) -> list[tuple[str, str, str]]:
    """Where the catalog may hold what a removed source was, best first: a copy, or a sidecar of its
    type and size."""
    extension = extension_of(source.rpartition("/")[2])
    if extension in SIDECAR_EXTENSIONS:
        rows = [
            (row["path"] != removed.target, row["store"], row["path"], row["hash"])
            for row in document.get("sidecars", [])
            if extension_of(row["path"]) == extension and removed.size in (None, row.get("size"))
        ]
    else:
        rows = [
            (row["path"] != removed.target, row["store"], row["path"], removed.hash)
            for row in document.get("copies", [])
            if row["state"] == OK
        ]
    return [(store, path, digest) for _other, store, path, digest in sorted(rows)]
