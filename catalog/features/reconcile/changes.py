"""What an action of a reconciliation does to its document, and what is told of it.

Everything here is pure.
"""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.domain import edits
from catalog.domain.copies import (
    DAMAGED,
    MISSING,
    OK,
    RecordedFile,
    copy_row,
    sidecar_row,
    timestamp,
)
from catalog.domain.document import CopyRow, EventNote
from catalog.domain.edits import Change
from catalog.domain.evidence import as_proved
from catalog.errors import FixityMismatch, NotFound, reason_kind
from catalog.features.reconcile.plan import (
    AddCopy,
    Attach,
    Corrupt,
    Lose,
    Reconciliation,
    Relocate,
    Touch,
    Vanish,
)
from catalog.work.outcome import Outcome

_OUTCOME_OF = {"touch": "touched", "move": "moved", "copy": "copied", "forget": "forgotten"}


Lasting = Touch | Relocate | AddCopy | Corrupt | Lose | Vanish | Attach
"""What changes a document that exists: every action but one that loads a new asset."""


def change_of(action: Lasting, store: str, now: datetime) -> Change:
    """The change of a document that an action is, if nothing happens meanwhile."""
    if isinstance(action, Attach):
        rows = [sidecar_row(store, entry, digest) for entry, digest in action.came]
        return edits.with_sidecars([(store, path) for path in action.gone], rows)
    if isinstance(action, Lose | Vanish):
        return _absent(action, store)
    return _found(action, store, now)


def event_of(action: Lasting, store: str) -> EventNote:
    """What the history says of an action, besides the values before and after."""
    event: EventNote = {"store": store, "path": action.key, "effect": "index"}
    if isinstance(action, Relocate):
        event["source"] = action.known.path
    if isinstance(action, Corrupt | Vanish):
        event["reason_kind"] = reason_kind(
            FixityMismatch if isinstance(action, Corrupt) else NotFound
        )
        if reason := outcome_of(action, store).reason:
            event["reason"] = reason
    return event


def _absent(action: Lose | Vanish, store: str) -> Change:
    if isinstance(action, Lose):
        return edits.without_copy(store, action.known.path)
    if action.forget:
        return edits.forgotten_without(store, action.known.path)
    return edits.marked(store, action.known.path, MISSING)


def _found(action: Touch | Relocate | AddCopy | Corrupt, store: str, moment: datetime) -> Change:
    if isinstance(action, Corrupt):
        return edits.marked(store, action.known.path, DAMAGED)
    if isinstance(action, AddCopy):
        return edits.with_copy(copy_row(store, action.entry, moment, moment))
    entry = as_proved(action.entry, action.known) if action.unread else action.entry
    row = copy_row(store, entry, moment, moment)
    if isinstance(action, Relocate):
        return _relocation(action, row)
    if action.unread:
        row["verified"] = verified_of(action.known, row)
    return edits.with_copy(row)


def _relocation(action: Relocate, row: CopyRow) -> Change:
    if action.unread:
        state = DAMAGED if action.known.state == DAMAGED else OK
        row = {**row, "verified": verified_of(action.known, row), "state": state}
    moved = edits.with_copy(row, action.known.path)
    return _both(moved, edits.without_stack()) if action.leaves_stack else moved


def outcome_of(action: Reconciliation, store: str) -> Outcome:
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


def verified_of(known: RecordedFile, row: CopyRow) -> str:
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
