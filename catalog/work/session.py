"""What every run that changes something has: an id, a journal, a report, and the way its changes reach the index."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from catalog.cli.console import Screen
from catalog.domain.edits import Edit
from catalog.domain.names import to_text
from catalog.errors import INTERRUPTED, CatalogError, Interrupted
from catalog.index.editor import Editor
from catalog.index.repository import Repository
from catalog.work.journal import Journal
from catalog.work.recorder import patiently
from catalog.work.report import Report
from catalog.work.workspace import Workspace, new_run

T = TypeVar("T")


@dataclass
class Session:
    """One run. `status` is its exit status once the work has ended."""

    workspace: Workspace
    run: str
    command: str
    repository: Repository
    journal: Journal
    report: Report
    status: int = 0

    def edit(self, edits: Sequence[Edit]) -> list[str]:
        """What became of each edit; see `Editor.apply`. Waits while Elasticsearch is away."""
        editor = Editor(self.repository, run=self.run, command=self.command)
        return self.patiently(lambda: editor.apply(edits))

    def tell(self, events: Sequence[dict[str, Any]]) -> None:
        """Events that change no document."""
        editor = Editor(self.repository, run=self.run, command=self.command)
        self.patiently(lambda: editor.tell(events))

    def patiently(self, call: Callable[[], T]) -> T:
        """The result of a question to the index, waited for while it is away."""
        return patiently(call, self.workspace.settings.retry_seconds, self.workspace.reconnect)

    def work(self, work: Callable[[], object]) -> int:
        """Do the work, tell what stopped it, and sum up; the exit status."""
        self.status = guarded(work, self.report)
        self.workspace.progress.close()
        with contextlib.suppress(CatalogError):
            self.repository.refresh()
        self.report.finish(run=self.run, journal=to_text(str(self.journal.path)))
        self.journal.done("run", **self.report.counts, status=self.status)
        return self.status


@contextlib.contextmanager
def session(workspace: Workspace, screen: Screen, command: str, words: dict[str, Any], **details: Any) -> Iterator[Session]:
    """A run begins: its journal is opened before anything is changed. `details` are what the journal says of it."""
    run = new_run()
    repository = workspace.repository
    journal = Journal(workspace.journal_dir, run)
    try:
        journal.started("run", command=command, **details)
        yield Session(workspace, run, command, repository, journal, screen.report(workspace.progress, **words))
    finally:
        journal.close()


def guarded(work: Callable[[], object], report: Report) -> int:
    """The exit status of the work; what stopped it is told before the summary."""
    try:
        work()
    except (KeyboardInterrupt, Interrupted):
        report.error = "interrupted"
        report.complain("Interrupted; what was done is recorded. Run the command again to go on.")
        return INTERRUPTED
    except CatalogError as error:
        report.error = str(error)
        report.complain(f"Error: {error}")
        return error.exit_code
    return report.exit_code()
