"""Changes of documents, many at a time: each conditional, repeated where others were faster,
told in the history.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from catalog.domain.copies import timestamp
from catalog.domain.document import AssetDocument, EventRow
from catalog.domain.edits import Edit, difference
from catalog.domain.events import event_id
from catalog.errors import DocumentConflict
from catalog.index import schema
from catalog.index.client import BulkReply, Line
from catalog.index.repository import Repository

ATTEMPTS = 20
PAUSE = 0.02
AT_ONCE = 500
"""Documents in one request."""


def event_lines(alias: str, event: EventRow, *, run: str, command: str, by: str = "") -> list[Line]:
    """The lines that write an event of a run into the history of a catalog.

    `by` is the user of the web program who had it done, or "".
    """
    index = schema.companion(alias, "events")
    where = {"_index": index, "_id": event_id(run, event), "require_alias": True}
    now = timestamp(datetime.now(UTC))
    stamped: EventRow = {"at": now, "run": run, "command": command, "outcome": "done", **event}
    if by:
        stamped["by"] = by
    return [{"index": where}, stamped]


_Operation: TypeAlias = tuple[str, list[Line]]
"""Lines of one write, and the document that it is; "" for an event."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A change that was sent, and not answered: the document after it, its events, and what became
    of each edit then."""

    after: AssetDocument | None
    events: list[EventRow]
    outcomes: dict[int, str]


class Editor:
    """Applies edits for one run, and one user of the web program where `by` names one.

    May be asked to apply the same edits again: what is done already is left as it is. Where the
    node died with half of a request done, a change that is there is told again.
    """

    def __init__(self, repository: Repository, *, run: str, command: str, by: str = "") -> None:
        self._repository = repository
        self._run = run
        self._command = command
        self._by = by
        self._sent: dict[str, _Sent] = {}

    def apply(self, edits: Sequence[Edit]) -> list[str]:
        """What became of each edit, in order: "done", "unchanged",
        or the reason why it cannot be done.

        Raises IndexUnavailable, and DocumentConflict where a document changes faster than it can be
        edited.
        """
        outcome = ["unchanged"] * len(edits)
        by_hash: dict[str, list[int]] = defaultdict(list)
        for number, edit in enumerate(edits):
            by_hash[edit.hash].append(number)
        names = list(by_hash)
        for start in range(0, len(names), AT_ONCE):
            self._apply_some(
                {name: by_hash[name] for name in names[start : start + AT_ONCE]}, edits, outcome
            )
        return outcome

    def tell(self, events: Sequence[EventRow]) -> None:
        """Add events that change no document."""
        lines = [line for event in events for line in self._event_lines(event)]
        if lines:
            self._repository.bulk(lines)

    def _apply_some(
        self, pending: dict[str, list[int]], edits: Sequence[Edit], outcome: list[str]
    ) -> None:
        told: set[str] = set()
        for attempt in range(1, ATTEMPTS + 1):
            found = self._repository.documents(list(pending))
            operations = [
                operation
                for name, numbers in pending.items()
                for operation in self._operations(
                    name, numbers, found.get(name, (None, 0, 0)), edits, outcome, told
                )
            ]
            lines = [line for _owner, some in operations for line in some]
            replies = self._repository.bulk(lines) if lines else []
            for name in pending:
                self._sent.pop(name, None)
            owners = [owner for owner, _lines in operations]
            again = self._refused(dict(zip(owners, replies, strict=True)), pending, outcome)
            if not again:
                return
            told |= {
                event_id(self._run, self._event_of(edits[n]))
                for numbers in again.values()
                for n in numbers
            }
            pending = again
            time.sleep(random.uniform(0, PAUSE * min(attempt, 10)))  # noqa: S311 - so that several programs take turns
        raise DocumentConflict(
            f"The document {next(iter(pending))} changes faster than it can be amended."
        )

    def _operations(
        self,
        name: str,
        numbers: list[int],
        version: tuple[AssetDocument | None, int, int],
        edits: Sequence[Edit],
        outcome: list[str],
        told: set[str],
    ) -> list[_Operation]:
        """What changes a document and tells of it; of one that was changed by a request without an
        answer, what tells of it.

        `told` are events that were told before the document was refused.
        """
        document, seq_no, primary_term = version
        sent = self._sent.get(name)
        if sent is not None and document == sent.after:
            for number, answer in sent.outcomes.items():
                outcome[number] = answer
            return [("", self._event_lines(event)) for event in sent.events]
        after, events = self._changed(document, numbers, edits, outcome)
        stale = told.intersection(event_id(self._run, self._event_of(edits[n])) for n in numbers)
        operations: list[_Operation] = []
        if after != document:
            stamped = None if after is None else self._stamped(after)
            lines = self._document_lines(name, document, stamped, seq_no, primary_term)
            operations.append((name, lines))
            operations += [("", self._event_lines(event)) for event in events]
            stale -= {event_id(self._run, event) for event in events}
            self._sent[name] = _Sent(stamped, events, {n: outcome[n] for n in numbers})
        index = schema.companion(self._repository.alias, "events")
        operations += [("", [{"delete": {"_index": index, "_id": key}}]) for key in stale]
        return operations

    @staticmethod
    def _refused(
        replies: Mapping[str, BulkReply], pending: dict[str, list[int]], outcome: list[str]
    ) -> dict[str, list[int]]:
        """The documents that others changed in between; where the index refused one, the outcome
        says so."""
        again: dict[str, list[int]] = {}
        for owner, reply in replies.items():
            if owner and reply["status"] == 409:
                again[owner] = pending[owner]
            elif owner and reply["status"] >= 300 and reply["status"] != 404:
                error = reply["error"].get("reason", reply["error"])
                for number in pending[owner]:
                    outcome[number] = f"the index refused the record: {error}"
        return again

    def _changed(
        self,
        document: AssetDocument | None,
        numbers: list[int],
        edits: Sequence[Edit],
        outcome: list[str],
    ) -> tuple[AssetDocument | None, list[EventRow]]:
        """The document after all of its edits, and their events."""
        events: list[EventRow] = []
        now = document
        for number in numbers:
            edit = edits[number]
            try:
                after = edit.change(now)
            except ValueError as error:
                outcome[number] = str(error)
                continue
            changed = difference(now, after)
            outcome[number] = "done" if changed else "unchanged"
            if changed:
                now = after
                if not edit.untold:
                    events.append(
                        {**self._event_of(edit), "before": changed[0], "after": changed[1]}
                    )
        return now, events

    @staticmethod
    def _event_of(edit: Edit) -> EventRow:
        return {"action": edit.action, "hash": edit.hash, **edit.event}

    def _document_lines(
        self,
        name: str,
        before: AssetDocument | None,
        after: AssetDocument | None,
        seq_no: int,
        primary_term: int,
    ) -> list[Line]:
        where = {"_index": self._repository.alias, "_id": name}
        if before is None:
            return [{"create": {**where, "require_alias": True}}, after or {}]
        version = {"if_seq_no": seq_no, "if_primary_term": primary_term}
        if after is None:
            return [{"delete": {**where, **version}}]
        return [{"index": {**where, **version, "require_alias": True}}, after]

    def _stamped(self, document: AssetDocument) -> AssetDocument:
        return {**document, "updated": timestamp(datetime.now(UTC))}

    def _event_lines(self, event: EventRow) -> list[Line]:
        alias = self._repository.alias
        return event_lines(alias, event, run=self._run, command=self._command, by=self._by)
