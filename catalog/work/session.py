"""What every run that changes something has: an id, a journal, a report,
and the way its changes reach the index.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from catalog.domain.document import EventRow
from catalog.domain.edits import Edit
from catalog.errors import CatalogError, Interrupted, exit_status
from catalog.index.editor import Editor
from catalog.index.repository import Repository
from catalog.work.journal import Journal
from catalog.work.outcome import BAD, RunResult
from catalog.work.report import Report
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace, make_run_id

T = TypeVar("T")
Ask = Callable[[Callable[[], Any]], Any]
"""How a question to the index is put: at once, or waiting while it is away."""


def at_once(call: Callable[[], T]) -> T:
    """Put a question to the index, and no more: for what is only shown."""
    return call()


@dataclass(frozen=True, slots=True)
class Session:
    """One run; `by` is the user of the web program who has it do something, or ""."""

    workspace: Workspace
    sink: Sink
    run: str
    command: str
    repository: Repository
    journal: Journal
    report: Report
    by: str = ""

    def edit(self, edits: Sequence[Edit]) -> list[str]:
        """What became of each edit; see `Editor.apply`. Waits while Elasticsearch is away."""
        editor = Editor(self.repository, run=self.run, command=self.command, by=self.by)
        return self.patiently(lambda: editor.apply(edits))

    def tell(self, events: Sequence[EventRow]) -> None:
        """Events that change no document."""
        editor = Editor(self.repository, run=self.run, command=self.command, by=self.by)
        self.patiently(lambda: editor.tell(events))

    def patiently(self, call: Callable[[], T]) -> T:
        """The result of a question to the index, waited for while it is away."""
        return self.workspace.elasticsearch.patiently(call)

    @property
    def result(self) -> RunResult:
        """What the run has come to so far."""
        return self.report.result()


@contextlib.contextmanager
def session(
    workspace: Workspace,
    sink: Sink,
    command: str,
    *,
    bad: tuple[str, ...] = BAD,
    details: Mapping[str, object] | None = None,
    begin: Callable[[], None] | None = None,
) -> Iterator[Session]:
    """A run: its journal is opened before anything is changed,
    and the sink is told when it has ended, however it did.

    `bad` are the outcomes that no file should have; `details` are what the journal says of the run.
    `begin` comes after that and before anything else: what it raises ends a run that has not begun,
    and nothing is summed up. What ends the run before its time is raised when all is settled: a
    CatalogError as it is, a person's Ctrl-C as Interrupted.
    """
    repository = workspace.repository

    def settle() -> None:
        with contextlib.suppress(CatalogError):
            repository.refresh()

    logged = open_log(
        workspace, sink, command, bad=bad, details=details, begin=begin, settle=settle
    )
    with logged as (journal, report):
        yield Session(workspace, sink, report.run, command, repository, journal, report)


@contextlib.contextmanager
def open_log(
    workspace: Workspace,
    sink: Sink,
    command: str,
    *,
    bad: tuple[str, ...] = BAD,
    details: Mapping[str, object] | None = None,
    begin: Callable[[], None] | None = None,
    settle: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Journal, Report]]:
    """The journal and the report of a run that needs no index.

    All else as in `session`; `settle` comes before its end is told.
    """
    run = make_run_id()
    with contextlib.closing(Journal(workspace.journal_dir, run)) as journal:
        journal.started("run", command=command, **(details or {}))
        if begin is not None:
            begin()
        report = Report(sink, command, run, journal.path, bad=bad)
        try:
            yield journal, report
        except (KeyboardInterrupt, CatalogError) as error:
            report.stopped = (
                make_interrupted() if isinstance(error, KeyboardInterrupt | Interrupted) else error
            )
            settle()
            _end(journal, report)
            raise report.stopped from error
        settle()
        _end(journal, report)


def make_interrupted() -> Interrupted:
    """What is raised where a run was asked to end."""
    return Interrupted(
        "Interrupted; what was done is recorded.", hint="Run the command again to go on."
    )


def _end(journal: Journal, report: Report) -> None:
    report.sink.end(report.result())
    journal.done("run", **report.counts, status=_status(report))


def _status(report: Report) -> int:
    """How the run ended, as its journal says it: with the number that the error has,
    or that stands for failures.
    """
    if report.stopped is not None:
        return report.stopped.exit_code
    return exit_status(report.problems)


@contextlib.contextmanager
def open_report(sink: Sink, command: str, *, dry: bool = False) -> Iterator[Report]:
    """The report of a run that changes nothing of the catalog or of a store, or (`dry`) only shows
    its plan: it has neither an id nor a journal.

    The sink is told of its end, or shows no progress any more where an error ends it.
    """
    report = Report(sink, command, dry=dry)
    try:
        yield report
    except BaseException:
        sink.progress.close()
        raise
    sink.end(report.result())
