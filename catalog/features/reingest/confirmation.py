"""A person's word that what was handed over has arrived in the cloud."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.domain.copies import timestamp
from catalog.domain.document import HandoverRow
from catalog.domain.fixity import is_content_hash
from catalog.domain.names import to_text
from catalog.errors import StoreGuard, UsageError
from catalog.features.reingest.reports import read_table
from catalog.index.handovers import CONFIRMED, STAGED, Handovers, staged_path
from catalog.stores.local.store import LocalStore
from catalog.work.driver import execute
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.staging_marker import identity_of
from catalog.work.workspace import Workspace

COMMAND = "reingest confirm"
CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class ConfirmRequest:
    """What has arrived: `what` names reports, staged names or patterns, content hashes, or archived
    files; else it is all that was staged in the folder `emptied` and has left it."""

    what: tuple[str, ...] = ()
    emptied: str | None = None
    dryrun: bool = False


@dataclass(frozen=True, slots=True)
class Confirm:
    """What is done with the record of a handover: it is `confirmed`, or stays as it is, `unchanged`
    or `still there`.

    A word that nothing was handed over by is `unknown`.
    """

    record: HandoverRow
    outcome: str
    name: str = CONFIRM

    @property
    def counts(self) -> bool:
        """Whether a record is changed."""
        return self.outcome == "confirmed"

    @property
    def key(self) -> str:
        """The staged file, or the word."""
        return staged_path(self.record) if self.record["folder"] else self.record["name"]

    @property
    def hash(self) -> str:
        """The content that was handed over."""
        return self.record["hash"]

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.outcome} {self.key}"


def run_confirm(workspace: Workspace, request: ConfirmRequest, sink: Sink) -> RunResult:
    """Record that what was handed over is in the cloud."""
    if bool(request.what) == bool(request.emptied):
        raise UsageError(
            "Name what has arrived, or the folder that was emptied.",
            hint="See --help for examples.",
        )
    workspace.existing_repository.refresh()
    records = list(Handovers(workspace.existing_repository).all(workspace.settings.reingest_target))
    found = _emptied(records, request.emptied) if request.emptied else _named(records, request.what)
    return execute(workspace, Confirmation(list(found)), sink, COMMAND, dry=request.dryrun)


def _emptied(records: Sequence[HandoverRow], emptied: str) -> Iterator[Confirm]:
    """The records of a staging folder whose files have left it.

    Raises StoreGuard where that cannot be told.
    """
    folder = Path(emptied).expanduser().absolute()
    identity = identity_of(folder)
    if identity is None:
        raise StoreGuard(
            f"{folder} is not there, or has no marker of a staging folder; nothing was changed.",
            hint="Is it mounted? Files can be named one by one instead.",
        )
    store = LocalStore("staging", folder, managed=False)
    for record in records:
        if record.get("staging") == identity and record["state"] == STAGED:
            yield Confirm(record, "still there" if store.stat(record["name"]) else "confirmed")


def _named(records: Sequence[HandoverRow], what: Sequence[str]) -> Iterator[Confirm]:
    """The records that words mean: a report, a staged name or pattern, a content hash, or an
    archived file."""
    told: set[str] = set()
    for word in what:
        found = (
            [r for r in records if _is_meant(r, word)]
            if not word.endswith(".csv")
            else _of_report(records, Path(word))
        )
        if not found:
            yield Confirm({"name": word, "hash": "", "target": "", "folder": ""}, "unknown")
        for record in found:
            if record["hash"] not in told:
                told.add(record["hash"])
                yield Confirm(record, "confirmed" if record["state"] == STAGED else "unchanged")


def _is_meant(record: HandoverRow, word: str) -> bool:
    if is_content_hash(word.lower()):
        return word.lower() in (record["hash"], record["staged"])
    text = to_text(word)
    absolute = to_text(str(Path(word).absolute()))
    is_name = fnmatch.fnmatchcase(record["name"], text) or text == record["name"]
    return is_name or absolute in (record["source"], staged_path(record))


def _of_report(records: Sequence[HandoverRow], path: Path) -> list[HandoverRow]:
    """Those of the rows of a report, or of what was processed of it."""
    rows = read_table(path, ("file",), ("hash",)).rows
    hashes = {row.get("hash").lower() for row in rows}
    files = {row.cells["file"] for row in rows}
    return [r for r in records if r["hash"] in hashes or r["source"] in files]


class Confirmation:
    """The work of one confirmation."""

    def __init__(self, actions: Sequence[Confirm]) -> None:
        self._actions = actions

    def plans(self) -> Iterator[Sequence[Confirm]]:
        """Everything that was named, in one part."""
        yield self._actions

    def foresee(self, action: Confirm) -> Outcome:
        """What is told of a plan."""
        return _outcome(action, "planned" if action.counts else action.outcome)

    def apply(self, run: Session, plans: Iterator[Sequence[Confirm]]) -> None:
        """Change the records."""
        for part in plans:
            for action in part:
                if action.counts:
                    _confirm(run, action)
                run.report.add(_outcome(action, action.outcome))

    def conclude(self, report: Report) -> None:
        """Nothing."""


def _confirm(run: Session, action: Confirm) -> None:
    now = timestamp(datetime.now(UTC))

    def change(before: HandoverRow | None) -> HandoverRow | None:
        if before is None or before["state"] == CONFIRMED:
            return before
        return {**before, "state": CONFIRMED, "confirmed": now}

    handovers, target = Handovers(run.repository), action.record["target"]
    run.journal.started(CONFIRM, hash=action.hash, path=action.key)
    run.patiently(
        lambda: handovers.change(
            target, action.hash, change, CONFIRM, run=run.run, command=run.command
        )
    )
    run.journal.done(CONFIRM, hash=action.hash, path=action.key)


def _outcome(action: Confirm, outcome: str) -> Outcome:
    reason = "nothing of this name was handed over" if action.outcome == "unknown" else ""
    return Outcome(
        action.name,
        action.key,
        outcome,
        action.record["target"],
        hash=action.hash,
        reason=reason,
    )
