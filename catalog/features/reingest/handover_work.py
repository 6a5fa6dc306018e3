"""What every processing has whose files come into a staging folder: what lies ready for it, and how
its rows are gone through."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from catalog.domain.actions import Action
from catalog.domain.asset import Entry
from catalog.domain.spreadsheets import Row
from catalog.features.reingest.handover import KnownHandovers
from catalog.features.reingest.locations import Located, Locations, catalog_of
from catalog.features.reingest.reports import Processed, read_table
from catalog.features.reingest.row_state import HAND_OVER, LeftRow
from catalog.features.reingest.rows import (
    Check,
    Sources,
    Validated,
    folders_of,
    leave,
    outcome_of,
    validate,
)
from catalog.features.reingest.staging import (
    Names,
    Staging,
    check_apart,
    check_folder,
    open_staging,
)
from catalog.index.repository import Repository
from catalog.work.outcome import Outcome
from catalog.work.report import Report
from catalog.work.session import Session, at_once
from catalog.work.workspace import Workspace

S = TypeVar("S", bound=Action)
"""The actions by which one kind of file is staged."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a report: those it must have, all that the program knows, and those that its
    progress adds."""

    needed: tuple[str, ...]
    known: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Processing:
    """What lies ready for a processing.

    `files` are those that the `rows` name, with what they are now, `known` what the cloud was given
    of their contents, and `processed` what earlier runs said. `folder` is the staging folder, which
    need not be there yet, and `names` those in it. `repository` is None where there is no catalog
    yet.
    """

    workspace: Workspace
    repository: Repository | None
    folder: Path
    rows: Validated
    files: Mapping[str, tuple[Located, Entry]]
    processed: Processed
    known: KnownHandovers
    names: Names


@contextlib.contextmanager
def prepare(
    workspace: Workspace,
    report: Path,
    staging: str,
    columns: Columns,
    actions: Sequence[str],
    check: Check,
    *,
    dry: bool,
) -> Iterator[Processing]:
    """Look at every row of a report before anything is done.

    `check` says what else a row must be, besides its file. Raises UsageError for a report or a
    folder that cannot be used, SourceInsideCatalog where the folder is not apart from stores and
    archives. Unless `dry`, the report is locked against a second run.
    """
    table = read_table(report, columns.needed, (*columns.known, *columns.added))
    folder = check_folder(staging)
    repository = catalog_of(workspace)
    with contextlib.closing(Locations(workspace, repository)) as locations:
        sources = Sources(locations)
        rows = validate(table, actions, [check, sources.check])
        check_apart(folder, folders_of(table), repository)
        processed = Processed(report, table.columns, columns.added)
        known = KnownHandovers(workspace.settings.reingest_target)
        with processed.opened(dry=dry):
            yield Processing(
                workspace, repository, folder, rows, sources.found, processed, known, Names(folder)
            )


class Stager(Protocol[S]):
    """What is particular to one kind of file."""

    def digest(self, row: Row) -> str:
        """The content hash of a row's file; "" where it cannot be had, or is of no concern."""
        ...

    def is_told(self, row: Row) -> bool:
        """Whether what an earlier run said of a row is still true."""
        ...

    def plan(self, row: Row) -> LeftRow | S:
        """What is to be done with a row, or why nothing is; only reads."""
        ...

    def foresee(self, action: S) -> Outcome:
        """What is told of an action that is only shown; rows after it are planned as if it had been
        done."""
        ...

    def stage(self, run: Session, staging: Staging, action: S) -> None:
        """Stage a file, verify it, record that, and tell it. Raises what must stop the run."""
        ...


class HandoverWork(Generic[S]):
    """The work of one processing: row after row, each planned when those before it are done, or are
    shown."""

    def __init__(self, processing: Processing, stager: Stager[S]) -> None:
        self._processing = processing
        self._stager = stager
        self._repository = processing.repository
        self._ask = at_once

    def plans(self) -> Iterator[Sequence[LeftRow | S]]:
        """The refused rows, in one part, once all that is known of the others was asked for; then
        row by row."""
        rows = self._processing.rows
        self._processing.known.look(
            self._repository, map(self._stager.digest, rows.rows), self._ask
        )
        yield rows.refusals(HAND_OVER)
        for row in rows.rows:
            yield [self._stager.plan(row)]

    def foresee(self, action: LeftRow | S) -> Outcome:
        """What is told of a plan."""
        return outcome_of(action) if isinstance(action, LeftRow) else self._stager.foresee(action)

    def apply(self, run: Session, plans: Iterator[Sequence[LeftRow | S]]) -> None:
        """Do each row, and say what became of it before the next one."""
        self._repository, self._ask = run.repository, run.patiently
        rows, processed = self._processing.rows.rows, self._processing.processed
        with open_staging(self._processing.folder) as staging:
            self._do(run, staging, next(plans))
            processed.begin(row.cells["file"] for row in rows if not self._stager.is_told(row))
            run.sink.progress.files(len(rows))
            for part in plans:
                self._do(run, staging, part)
                run.sink.progress.advance()

    def _do(self, run: Session, staging: Staging, actions: Sequence[LeftRow | S]) -> None:
        for action in actions:
            if isinstance(action, LeftRow):
                if action.outcome == "failed":
                    run.journal.failed(action.name, path=action.key, reason=action.reason)
                leave(action, self._processing.processed, run.report)
            else:
                self._stager.stage(run, staging, action)

    def conclude(self, report: Report) -> None:
        """Nothing."""
