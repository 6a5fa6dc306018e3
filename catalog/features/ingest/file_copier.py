"""Copies one file of an upload, records it, and only then lets its source go."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from catalog.domain.asset import Entry
from catalog.domain.copies import copy_row
from catalog.domain.document import CopyRow, SidecarRow
from catalog.domain.names import comparison_key
from catalog.errors import FATAL, Interrupted, StoreError
from catalog.features.ingest.actions import CopyToStore
from catalog.features.ingest.records import Verdict
from catalog.features.ingest.sources import Safe
from catalog.features.ingest.under_way import IngestRun
from catalog.index.client import BulkReply, Line
from catalog.work.outcome import Outcome
from catalog.work.recorder import Record


@dataclass(slots=True)
class Stored:
    """What a copy has put into the store: its target, its sidecars,
    and which of the files are of this run's making.
    """

    action: CopyToStore
    copy: CopyRow
    sidecars: list[SidecarRow] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    problem: str = ""

    @property
    def placed_sidecars(self) -> list[tuple[Entry, str]]:
        """Source entry and path in the store."""
        entries = (entry for entry, _target in self.action.sidecars)
        return [(entry, s["path"]) for entry, s in zip(entries, self.sidecars, strict=False)]


class FileCopier:
    """Copies the new files of one run."""

    def __init__(self, run: IngestRun) -> None:
        self._run = run
        self._placer = run.placer
        self._records = run.records
        self._journal = run.session.journal
        self._id = run.session.run

    def copy(self, action: CopyToStore) -> str:
        """Where the copy came to lie; "" where there is none.

        Raises what must stop the whole run.
        """
        self._journal.started("copy", **_details(action))
        try:
            placed, there = self._placer.place(action)
        except Interrupted:
            self._run.under_way.land(action.hash)
            raise
        except FATAL as error:
            self._give_up(action, str(error))
            raise
        except StoreError as error:
            self._give_up(action, str(error))
            return ""
        now = datetime.now(UTC)
        lies = replace(there, path=placed.target, size=placed.source.size)
        stored = Stored(placed, copy_row(placed.store, lies, now, now))
        if not placed.present:
            stored.written.append(placed.target)
        fatal = self._place_sidecars(stored, action)
        lines = self._records.create_lines(placed, stored.copy, stored.sidecars, self._id)
        paths = [placed.target, *(s["path"] for s in stored.sidecars)]
        settled = partial(self._recorded, stored, lines)
        self._run.recorder.add(Record(lines, settled, paths, partial(self._tell_mates, placed)))
        if fatal is not None:
            raise fatal
        return placed.target

    def _place_sidecars(self, stored: Stored, action: CopyToStore) -> StoreError | None:
        """Put the sidecars beside their photo, which counts even where one of them cannot be had;
        what must stop the run.
        """
        beside = stored.action.target
        for entry, target in action.sidecars:
            wanted = target if beside == action.target else ""
            try:
                row = self._placer.place_sidecar(
                    entry, action.source.name, beside, stored.written, wanted
                )
            except StoreError as error:
                stored.problem = f"stored, but not its sidecar {entry.name}: {error}"
                return error if isinstance(error, FATAL) else None
            stored.sidecars.append(row)
        return None

    def _give_up(self, action: CopyToStore, reason: str) -> None:
        self._run.under_way.land(action.hash, failed=True)
        self._journal.failed("copy", **_details(action), reason=reason)
        self._run.tell(
            Outcome(
                "copy",
                action.source.path,
                "failed",
                action.store,
                action.target,
                action.hash,
                reason,
            )
        )

    # --- recording --------------------------------------------------------------------------------

    def _tell_mates(self, action: CopyToStore) -> None:
        """Make known members part of the stack.

        Before the new one is: once it is known, nobody looks at the stack again.
        """
        for mate, role in action.mates:
            self._records.amend(mate, (), (action.stack[0], role) if action.stack else None)

    def _recorded(self, stored: Stored, lines: list[Line], replies: list[BulkReply]) -> list[Line]:
        """The index has answered: now the copy counts, and only now a source may go.

        What may be remembered of it.
        """
        action = stored.action
        refused = next((r for r in replies if r["status"] >= 300 and r["status"] != 409), None)
        reason = refused["error"].get("reason", refused["error"]) if refused else ""
        if refused is replies[0] and action.is_new:
            self._run.recorder.send(self._records.retraction_lines(lines))
            self._placer.discard(stored.written)
            self._give_up(action, f"the index refused the record: {reason}")
            return []
        if refused:
            stored.problem = stored.problem or f"stored, but not in the history: {reason}"
        outcome, path = "new", action.target
        if not action.is_new or replies[0]["status"] == 409:
            outcome, path = self._merge(stored)
        self._journal.done("copy", **_details(action), outcome=outcome)
        self._run.under_way.land(action.hash, failed=False)
        return self._settle(stored, outcome, path)

    def _settle(self, stored: Stored, outcome: str, path: str) -> list[Line]:
        """Tell what became of a copy, and let its source go; what may be remembered of it."""
        action, source = stored.action, stored.action.source
        told = Outcome(
            "copy",
            source.path,
            outcome,
            action.store,
            path,
            action.hash,
            size=source.size,
            reason=_damage(action),
            stored=source.size if outcome == "new" and not action.present else 0,
        )
        if told.reason:
            self._run.session.report.notice(
                f"{source.path} is stored, and may be damaged: {told.reason}."
            )
        if stored.problem:
            self._run.tell(replace(told, outcome="failed", reason=stored.problem))
            return []
        if action.shot:
            sidecars, moved = stored.placed_sidecars, path != action.target
            safe = Safe(source, action.hash, path, told, sidecars, prove=moved)
            self._run.removal.settle(action.shot, safe)
        else:
            self._run.tell(told)
        return self._records.source_lines(action.hash, source.path, action.fingerprint, self._id)

    def _merge(self, stored: Stored) -> tuple[str, str]:
        """Add the copy to a document that exists: the outcome, and where the copy that counts lies.

        Where another program was faster and its copy is proved, ours goes, and our sidecars move
        beside that one.
        """
        action, records, placer = stored.action, self._records, self._placer
        proved: list[str] = []

        def judge(others: list[str]) -> Verdict:
            paths = [p for p in others if not action.album or _are_neighbours(p, action.target)]
            there = {p for p in paths if placer.target.stat(p) is not None}
            proved[:] = sorted(p for p in there if placer.is_proved(p, action.hash))
            return Verdict(
                bool(proved) and not action.present,
                frozenset(paths) - there,
                frozenset(there.difference(proved)),
            )

        result = records.add_copy(
            action.hash, stored.copy, judge, self._id, stored.sidecars, action.album
        )
        if result == "refused":
            if action.album:
                records.join_album(action.hash, action.album, self._id)
            self._move_sidecars(stored, proved[0])
            return "duplicate", proved[0]
        if action.stack:
            records.amend(action.hash, (), action.stack)
        # "present": another run recorded it first, unless the document was known before and its
        # copy had been lost
        written_again = result == "present" and not (action.present or action.is_new)
        return "new" if written_again or result in ("added", "ours") else "duplicate", action.target

    def _move_sidecars(self, stored: Stored, beside: str) -> None:
        """Place the sidecars beside another copy, record them there,
        and take away what this run wrote elsewhere.
        """
        action, written = stored.action, list[str]()
        owner = action.source.name
        try:
            stored.sidecars = [
                self._placer.place_sidecar(entry, owner, beside, written)
                for entry, _target in action.sidecars
            ]
        except StoreError as error:
            stored.problem = f"a duplicate, but its sidecars cannot be stored: {error}"
            return
        self._placer.target.settle([s["path"] for s in stored.sidecars])
        claimed = self._records.amend(action.hash, stored.sidecars, action.stack)
        self._placer.discard(path for path in stored.written if path not in claimed)


def _are_neighbours(path: str, other: str) -> bool:
    """Whether two paths lie in one folder, of whatever spelling."""
    return comparison_key(path.rpartition("/")[0]) == comparison_key(other.rpartition("/")[0])


def _damage(action: CopyToStore) -> str:
    """Why a picture that is new cannot be decoded, or not wholly; "" where nothing here could."""
    facts = action.asset.facts
    if not action.is_new or not facts.problem:
        return ""
    from catalog.media.pixels import NO_DECODER

    return "" if facts.type in NO_DECODER else facts.problem


def _details(action: CopyToStore) -> dict[str, object]:
    """What the journal says of a copy."""
    return {
        "source": action.source.path,
        "store": action.store,
        "target": action.target,
        "hash": action.hash,
    }
