"""Writes the plan of a reconciliation into the index. The files of the store are never touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from catalog.domain import edits
from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.checksums import strongest
from catalog.domain.copies import OK, RecordedFile, copy_row, is_as_recorded, sidecar_row
from catalog.domain.document import AssetDocument, EventNote
from catalog.domain.edits import Edit
from catalog.domain.person import lay_over, merge
from catalog.errors import StoreError
from catalog.features.reconcile.changes import change_of, event_of, outcome_of
from catalog.features.reconcile.file_reader import CHANGING, is_unchanged
from catalog.features.reconcile.index import Index
from catalog.features.reconcile.plan import Attach, Load, Lose, Reconciliation, Vanish
from catalog.stores.protocol import Store
from catalog.work.contents import content_of
from catalog.work.outcome import Outcome
from catalog.work.session import Session
from catalog.work.shot_records import Following


class ReadAgain(NamedTuple):
    """What was read again: documents as the bytes make them, by hash, and the other files of their
    shots whose time these lead.
    """

    documents: Mapping[str, AssetDocument]
    following: Sequence[Following] = ()


NOTHING_READ = ReadAgain({})


class Applier:
    """Writes a plan into the index, some hundred actions at a time.

    The files of the store are never touched.

    `tell` words the outcomes.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        run: Session,
        reread: Callable[[Attach], ReadAgain],
        *,
        tell: Callable[[Reconciliation, str], Outcome] | None = None,
    ) -> None:
        self._store = store
        self._index = index
        self._edit = run.edit
        self._journal = run.journal
        self._report = run.report
        self._reread = reread
        self._word = tell or outcome_of

    def apply(self, plans: Iterable[Sequence[Reconciliation | Skip]]) -> None:
        """Do all of it, a part at a time; what cannot be done is told, and the rest goes on."""
        for plan in plans:
            self._apply_some(plan)

    def _apply_some(self, batch: Sequence[Reconciliation | Skip]) -> None:
        wanted: list[tuple[Reconciliation, list[Edit]]] = []
        for action in batch:
            if isinstance(action, Skip):
                self._report.add(
                    Outcome("skip", action.source.path, action.outcome, reason=action.reason)
                )
                continue
            self._journal.started(
                action.name, store=self._store.name, path=action.key, hash=action.hash
            )
            try:
                wanted.append((action, self._edits(action)))
            except StoreError as error:
                self._tell(action, str(error))
        replies = iter(self._edit([e for _action, parts in wanted for e in parts]))
        for action, parts in wanted:
            answers = [next(replies) for _part in parts]
            refused = next((a for a in answers if a not in ("done", "unchanged")), "")
            self._tell(action, refused if parts else CHANGING)

    def _tell(self, action: Reconciliation, problem: str) -> None:
        details = {"store": self._store.name, "path": action.key, "hash": action.hash}
        if problem:
            self._journal.failed(action.name, **details, reason=problem)
            self._report.add(
                Outcome(
                    action.name,
                    action.key,
                    "failed",
                    self._store.name,
                    hash=action.hash,
                    reason=problem,
                )
            )
            return
        self._journal.done(action.name, **details)
        self._report.add(self._word(action, self._store.name))

    def _edits(self, action: Reconciliation) -> list[Edit]:
        """The changes of documents that an action is;
        none where the store is not as it was when the plan was made.
        """
        if isinstance(action, Load):
            return self._load_edits(action)
        if isinstance(action, Attach):
            return self._attach_edits(action)
        if isinstance(action, Lose | Vanish):
            holds = action.overwritten or not self._is_there(action.known)
        else:
            holds = self._is_unchanged(action.entry)
        store = self._store.name
        change = change_of(action, store, datetime.now(UTC))
        return [Edit(action.hash, action.name, change, event_of(action, store))] if holds else []

    def _is_there(self, known: RecordedFile) -> bool:
        """Whether a file that was gone lies there again, as it is recorded."""
        entry = self._store.stat(known.path)
        return entry is not None and is_as_recorded(entry, known) and known.state == OK

    def _is_unchanged(self, entry: Entry) -> bool:
        """Whether a file is still as it was listed.

        A listing that states contents is itself what the index shall say.

        To ask a store far away about each file again would take longer than all the rest.
        """
        return bool(strongest(entry.checksums)) or is_unchanged(self._store, entry)

    def _load_edits(self, action: Load) -> list[Edit]:
        if not self._is_unchanged(action.entry):
            return []
        store, moment = self._store.name, datetime.now(UTC)
        sidecars = [sidecar_row(store, s, content_of(self._store, s)) for s in action.sidecars]
        rows = [copy_row(store, action.entry, moment, moment)]
        document = self._index.document(
            action.asset, action.entry.path, rows, sidecars, action.stack
        )
        said = self._index.said_once(action.hash)
        if said:
            document = lay_over(document, merge(document.get("person", {}), said))
        event: EventNote = {"store": store, "path": action.entry.path, "effect": "index"}
        made = [Edit(action.hash, action.name, edits.created(document), event)]
        if action.stack:
            for mate, role in action.mates:
                made.append(Edit(mate, "stack", edits.with_stack(action.stack[0], role), event))
        return made

    def _attach_edits(self, action: Attach) -> list[Edit]:
        store, made = self._store.name, list[Edit]()
        event = event_of(action, store)
        if action.came or action.gone:
            change = change_of(action, store, datetime.now(UTC))
            made.append(Edit(action.hash, action.name, change, event))
        again = self._reread(action) if action.reread else NOTHING_READ
        for digest, facts in again.documents.items():
            made.append(Edit(digest, "reread", edits.described_anew(facts), event))
        for document, captured in again.following:
            made.append(Edit(document["hash"], "reread", edits.with_captured(captured), event))
        return made
