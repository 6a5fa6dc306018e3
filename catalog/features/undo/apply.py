"""Taking back what a run did, step by step; each is looked at once more before it is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog.domain.copies import MISSING, OK
from catalog.domain.document import AssetDocument, EventNote, EventRow
from catalog.domain.edits import Change, Edit, difference, marked, reversed_change
from catalog.errors import StoreError
from catalog.features.lookalikes.decisions import unremember
from catalog.features.undo.handovers import take_back
from catalog.features.undo.plan import (
    FROM_TRASH,
    HANDOVER,
    PUT_BACK,
    TAKES_AWAY,
    TO_TRASH,
    UNDECIDE,
    UNRECORDED,
    SourceBack,
    Step,
    TakeBack,
    Undo,
)
from catalog.features.undo.preconditions import UndoPreconditions, reversal
from catalog.features.undo.renames import in_groups, is_rename
from catalog.work.empty_folders import remove_empty_folders
from catalog.work.outcome import Outcome
from catalog.work.session import Session


@dataclass(slots=True)
class Undoer:
    """Takes back the run `undone`. `last_copies`: also what has no other copy goes to the trash."""

    run: Session
    sight: UndoPreconditions
    undone: str
    last_copies: bool
    _kept: dict[str, str] = field(default_factory=dict)

    def take(self, plan: Sequence[Undo]) -> None:
        """Some steps, in order; what cannot be done is told, and the rest goes on."""
        for actions in in_groups(plan):
            renames = [action for action in actions if is_rename(action)]
            if renames:
                problems = self._rename_back(renames)
            else:
                problems = ["" if action.done else self._taken(action) for action in actions]
            for action, problem in zip(actions, problems, strict=True):
                self.run.report.add(tell(action, "undone", problem))

    def _taken(self, action: Undo) -> str:
        """Why something could not be taken back, or ""."""
        if isinstance(action, SourceBack):
            return self._bring_source(action)
        return action.problem or self._step(action)

    def _bring_source(self, action: SourceBack) -> str:
        problem = self.sight.source_problem(action, self._put_source_back)
        if kept := self.sight.why_kept(action, problem):
            self._kept[action.hash] = kept
        return problem

    def _step(self, action: TakeBack) -> str:
        step, journal = action.step, self.run.journal
        journal.started("undo", event=step.event["action"], path=step.path, hash=action.hash)
        try:
            problem = self._reverse(action)
        except (StoreError, OSError) as error:
            problem = str(error)
        (journal.failed if problem else journal.done)(
            "undo", path=step.path, hash=action.hash, reason=problem
        )
        return problem

    def _reverse(self, action: TakeBack) -> str:
        """Reverse one event; why it could not be, or ""."""
        step, event = action.step, action.step.event
        about: EventNote = {"undoes": self.undone, "reverses": step.id}
        if step.kind == HANDOVER:
            return take_back(self.run, self.sight, event, about, last_copies=self.last_copies)
        note: EventNote = {
            **about,
            "store": event.get("store", ""),
            "path": event.get("path", ""),
            "source": event.get("source", ""),
        }
        if step.kind == UNDECIDE:
            self.run.patiently(
                lambda: unremember(self.run.repository, event["source"], self.undone)
            )
            told: EventNote = {**note, "effect": "index", "before": {}, "after": {}}
            self.run.tell([{**told, "action": "undo", "hash": action.hash}])
            return ""
        if step.kind == PUT_BACK:
            return self._put_back(event["source"], event["before"]["hash"], event, about)
        if step.kind == FROM_TRASH:
            return self._bring_from_trash(action, note)
        if step.kind in TAKES_AWAY and (
            kept := why_kept(self.sight, action, self._kept, last_copies=self.last_copies)
        ):
            return kept
        if step.kind == UNRECORDED:
            self._take_unrecorded(action, note)
            return ""
        if step.kind == TO_TRASH:
            return self._bring_to_trash(action, note)
        change = self._as_it_lies(step) if event["action"] == "forget" else None
        return self._edit(step, "undo", {**note, "effect": "index"}, change)

    def _edit(self, step: Step, action: str, note: EventNote, change: Change | None = None) -> str:
        back = change or reversal(step)
        (answer,) = self.run.edit([Edit(step.event["hash"], action, back, note)])
        return _problem_of(answer)

    # --- renames ------------------------------------------------------------------------------

    def _rename_back(self, actions: Sequence[TakeBack]) -> list[str]:
        """Give files their names back, and record that together; why each could not have it, or
        "".
        """
        journal, problems = self.run.journal, dict[int, str]()
        wanted: list[tuple[int, Edit]] = []
        for number, action in enumerate(actions):
            journal.started("undo", event="move", path=action.key, hash=action.hash)
            try:
                wanted.append((number, self._renamed_back(action.step)))
            except (StoreError, OSError) as error:
                problems[number] = str(error)
        answers = self.run.edit([edit for _number, edit in wanted])
        for (number, _edit), answer in zip(wanted, answers, strict=True):
            problems[number] = _problem_of(answer)
        for number, action in enumerate(actions):
            say = journal.failed if problems[number] else journal.done
            say("undo", path=action.key, hash=action.hash, reason=problems[number])
        return [problems[number] for number in range(len(actions))]

    def _renamed_back(self, step: Step) -> Edit:
        """The change of the record, once the file has its name back."""
        event = step.event
        name, was = event["store"], event["source"]
        store, place = self.sight.stores[name], self.sight.place(name, was)
        if store.stat(event["path"]) is not None:
            store.move(event["path"], place)
        remove_empty_folders(store, [event["path"]])
        note: EventNote = {
            "undoes": self.undone,
            "reverses": step.id,
            "store": name,
            "effect": "file",
            "path": place,
            "source": event["path"],
        }
        return Edit(event["hash"], "move", reversal(step, {(name, was): place}), note)

    # --- what no record knows, and the trash --------------------------------------------------

    def _take_unrecorded(self, action: TakeBack, note: EventNote) -> None:
        """Take away a file that no record knows, or give it back the name that is recorded.

        It is told first: of a file that is gone nobody would know that it went.
        """
        step = action.step
        event, store = step.event, self.sight.stores[step.event["store"]]
        if step.is_rename:
            store.move(event["path"], self.sight.place(store.name, event["source"]))
            remove_empty_folders(store, [event["path"]])
            return
        if not action.told:
            key = f"{self.run.run}/{event['path']}" if store.capabilities.trash else ""
            told: EventNote = {**note, "effect": "file", "trash": key, "before": {}, "after": {}}
            self.run.tell([{**told, "action": "trash", "hash": event["hash"]}])
        store.remove(event["path"], self.run.run)

    def _bring_from_trash(self, action: TakeBack, note: EventNote) -> str:
        """Bring back the files that a run took away; why not, or ""."""
        step, stores = action.step, self.sight.stores
        for store, path, digest in step.instead:
            if stores[store].stat(path) is not None and stores[store].checksum(path) == digest:
                stores[store].remove(path, self.run.run)
        places = {(s, path): self.sight.place(s, path) for s, path, _digest in step.files}
        for store, path, digest in step.files:
            place = places[store, path]
            if stores[store].stat(place) is None:
                key = f"{step.trash}/{path}"
                with self.run.journal.coming(store, place, digest, f"trash:{key}"):
                    stores[store].restore(key, place)
            elif stores[store].checksum(place) != digest:
                return f"another file lies at {place}"
        if action.begun:
            return ""
        note = {**note, "effect": "file", "source": f"trash:{step.trash}"}
        return self._edit(step, "restore", note, reversal(step, places))

    def _bring_to_trash(self, action: TakeBack, note: EventNote) -> str:
        """Take away the files that a run brought: the record first, then the files.

        If these cannot go, the record comes back.
        """
        step = action.step
        before = self.sight.document(action.hash)
        if not action.begun:
            stores = {self.sight.stores[store] for store, _path, _digest in step.files}
            comes_back = all(store.capabilities.trash for store in stores)
            note = {**note, "effect": "file"}
            if comes_back:
                note["trash"] = f"{self.run.run}/{note['path']}"
            problem = self._edit(step, "trash", note)
            if problem:
                return problem
        try:
            for store, path, _digest in step.files:
                self.sight.stores[store].remove(path, self.run.run)
        except StoreError:
            if before is not None and not action.begun:
                about: EventNote = {"effect": "index", "path": note["path"]}
                taken = difference(before, reversal(step)(before))
                if taken is not None:  # what was said of the asset meanwhile stays
                    self.run.edit([Edit(action.hash, "keep", reversed_change(*taken), about)])
            raise
        return ""

    def _put_source_back(self, source: str, digest: str, event: EventRow) -> str:
        return self._put_back(source, digest, event, {"undoes": self.undone})

    def _put_back(self, source: str, digest: str, event: EventRow, about: EventNote) -> str:
        """Copy a file from the catalog to where it was, if it is not there; why not, or ""."""
        problem, held = self.sight.way_back(source, digest, event)
        if problem:
            return problem
        path = event["path"]
        if held is not None:
            store, entry = held
            path = entry.path
            mtime = int((event.get("before") or {}).get("mtime_ns") or entry.mtime_ns)
            self.sight.outside.put(source, store, entry, mtime, digest)
        told: EventRow = {
            **about,
            "action": "putback",
            "hash": event["hash"],
            "store": held[0].name if held else event["store"],
            "path": path,
            "source": self.sight.outside.place(source),
            "effect": "file",
            "before": {},
            "after": {},
        }
        self.run.tell([told])
        return ""

    def _as_it_lies(self, step: Step) -> Change:
        """The change that a forgotten asset comes back, with the copies whose files did not come
        back marked."""
        stores, back = self.sight.stores, reversal(step)

        def change(document: AssetDocument | None) -> AssetDocument | None:
            found = back(document)
            for row in (found or {}).get("copies", []):
                name, path = row["store"], row["path"]
                if row["state"] == OK and name in stores and stores[name].stat(path) is None:
                    found = marked(name, path, MISSING)(found)
            return found

        return change


def _problem_of(answer: str) -> str:
    """Why a change of a record could not be made, or ""."""
    return "" if answer in ("done", "unchanged") else answer


def why_kept(
    sight: UndoPreconditions, action: TakeBack, kept: Mapping[str, str], *, last_copies: bool
) -> str:
    """Why the files that a run brought stay, or "".

    `kept` says so by asset, where a source could not be put back.
    """
    if problem := kept.get(action.hash, ""):
        return problem
    unsafe = "" if last_copies else sight.last_copy_problem(action.step)
    return unsafe or sight.changed_problem(action.step)


def tell(action: Undo, became: str, problem: str) -> Outcome:
    """What is told of a step that was taken, or will be (`planned`), unless there is a problem."""
    store = "" if isinstance(action, SourceBack) else action.step.event.get("store", "")
    return Outcome(
        action.name,
        action.key,
        "failed" if problem else "already" if action.done else became,
        store,
        hash=action.hash,
        reason=problem,
    )
