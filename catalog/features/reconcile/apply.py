"""Writes the plan of a reconciliation into the index. The files of the store are never touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from catalog.domain import edits
from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.checksums import strongest
from catalog.domain.copies import (
    DAMAGED,
    MISSING,
    OK,
    Held,
    copy_row,
    is_as_recorded,
    sidecar_row,
    timestamp,
)
from catalog.domain.document import AssetDocument, CopyRow, EventNote
from catalog.domain.edits import Change, Edit
from catalog.domain.person import merged, overlaid
from catalog.errors import FixityMismatch, NotFound, StoreError, reason_kind
from catalog.features.reconcile.index import Index
from catalog.features.reconcile.plan import (
    AddCopy,
    Attach,
    Corrupt,
    Load,
    Lose,
    Reconciliation,
    Relocate,
    Touch,
    Vanish,
)
from catalog.features.reconcile.reading import CHANGING, is_unchanged
from catalog.stores.protocol import Store
from catalog.work.contents import content_of
from catalog.work.outcome import Outcome
from catalog.work.session import Session

_OUTCOME_OF = {"touch": "touched", "move": "moved", "copy": "copied", "forget": "forgotten"}


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
        reread: Callable[[Attach], AssetDocument | None],
        *,
        tell: Callable[[Reconciliation, str], Outcome] | None = None,
    ) -> None:
        self._store = store
        self._index = index
        self._edit = run.edit
        self._journal = run.journal
        self._report = run.report
        self._reread = reread
        self._word = tell or told

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
        event: EventNote = {"store": self._store.name, "path": action.key, "effect": "index"}
        if isinstance(action, Attach):
            return self._attach_edits(action, event)
        change = self._change(action)
        if isinstance(action, Relocate):
            event["source"] = action.known.path
        if isinstance(action, Corrupt | Vanish):
            event |= _why(action, self._store.name)
        return [Edit(action.hash, action.name, change, event)] if change else []

    def _change(
        self, action: Touch | Relocate | AddCopy | Corrupt | Lose | Vanish
    ) -> Change | None:
        store = self._store.name
        if isinstance(action, Lose | Vanish):
            entry = self._store.stat(action.known.path)
            if (
                not action.overwritten
                and entry is not None
                and is_as_recorded(entry, action.known)
                and action.known.state == OK
            ):
                return None
            return _absent(action, store)
        return (
            _found(action, store, datetime.now(UTC)) if self._is_unchanged(action.entry) else None
        )

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
            document = overlaid(document, merged(document.get("person", {}), said))
        event: EventNote = {"store": store, "path": action.entry.path, "effect": "index"}
        made = [Edit(action.hash, action.name, edits.created(document), event)]
        if action.stack:
            for mate, role in action.mates:
                made.append(Edit(mate, "stack", edits.with_stack(action.stack[0], role), event))
        return made

    def _attach_edits(self, action: Attach, event: EventNote) -> list[Edit]:
        store = self._store.name
        change = _attached(action, store)
        made = [Edit(action.hash, action.name, change, event)] if action.came or action.gone else []
        facts = self._reread(action) if action.reread else None
        if facts is not None:
            made.append(Edit(action.hash, "reread", edits.described_anew(facts), event))
        return made


def foreseen(
    action: Touch | Relocate | AddCopy | Corrupt | Lose | Vanish | Attach, store: str, now: datetime
) -> Change:
    """The change that an action will be, if nothing happens meanwhile."""
    if isinstance(action, Attach):
        return _attached(action, store)
    return (
        _absent(action, store) if isinstance(action, Lose | Vanish) else _found(action, store, now)
    )


def _absent(action: Lose | Vanish, store: str) -> Change:
    if isinstance(action, Lose):
        return edits.without_copy(store, action.known.path)
    if action.forget:
        return edits.forgotten_without(store, action.known.path)
    return edits.marked(store, action.known.path, MISSING)


def _found(action: Touch | Relocate | AddCopy | Corrupt, store: str, moment: datetime) -> Change:
    if isinstance(action, Corrupt):
        return edits.marked(store, action.known.path, DAMAGED)
    row = copy_row(store, action.entry, moment, moment)
    if isinstance(action, AddCopy):
        return edits.with_copy(row)
    if isinstance(action, Relocate):
        return _relocation(action, row)
    if action.unread:
        row["verified"] = _verified(action.known, row)
    return edits.with_copy(row)


def _relocation(action: Relocate, row: CopyRow) -> Change:
    if action.unread:
        state = DAMAGED if action.known.state == DAMAGED else OK
        row = {**row, "verified": _verified(action.known, row), "state": state}
    moved = edits.with_copy(row, action.known.path)
    return _both(moved, edits.without_stack()) if action.leaves_stack else moved


def _attached(action: Attach, store: str) -> Change:
    rows = [sidecar_row(store, entry, digest) for entry, digest in action.came]
    return edits.with_sidecars([(store, path) for path in action.gone], rows)


def told(action: Reconciliation, store: str) -> Outcome:
    """What the report says of an action."""
    reason = f"still at {action.elsewhere}" if isinstance(action, Lose) else ""
    if isinstance(action, Vanish) and not action.forget:
        reason = "its content is nowhere else; the record is kept, marked as missing"
    if isinstance(action, Corrupt):
        reason = "its bytes changed though nobody wrote to it; see `catalog verify --repair`"
    path, target = (
        (action.known.path, action.entry.path) if isinstance(action, Relocate) else (action.key, "")
    )
    return Outcome(
        action.name,
        path,
        _OUTCOME_OF.get(action.name, action.name),
        store,
        target,
        action.hash,
        reason,
    )


def _why(action: Corrupt | Vanish, store: str) -> EventNote:
    """Why a copy is no longer good, as the history holds it."""
    reason = told(action, store).reason
    kind = reason_kind(FixityMismatch if isinstance(action, Corrupt) else NotFound)
    return {"reason_kind": kind, "reason": reason} if reason else {"reason_kind": kind}


def _verified(known: Held, row: CopyRow) -> str:
    """When the content was last proved: that a file is still the same is no new proof."""
    if not known.verified_ms:
        return row["added"]
    return timestamp(
        datetime.fromtimestamp(known.verified_ms // 1000, UTC).replace(
            microsecond=known.verified_ms % 1000 * 1000
        )
    )


def _both(first: Change, second: Change) -> Change:
    return lambda document: second(first(document))
