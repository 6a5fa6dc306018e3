"""The terminal: how one command talks, to stdout its results, to stderr everything else."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from catalog.cli import terminal
from catalog.cli.bars import Bar, Lines, StepLines
from catalog.errors import DONE, INTERRUPTED, CatalogError, Interrupted, exit_status
from catalog.work.sink import Level, Question, Sink

if TYPE_CHECKING:
    from catalog.cli.interruption import Interruption
    from catalog.cli.summary import SummaryFormat
    from catalog.config import Loaded
    from catalog.work.outcome import Outcome, RunResult
    from catalog.work.workspace import Workspace

SETTINGS = (
    "host",
    "port",
    "index",
    "nas_root",
    "dropbox_root",
    "transfers",
    "bwlimit",
    "max_transfer",
    "max_duration",
)
"""Options that are settings, for this once."""
Request = TypeVar("Request")


class Finished(Protocol):
    """What a run returns: how many files have an outcome that none should have."""

    @property
    def problems(self) -> int:
        """How many."""
        ...


@dataclass(frozen=True)
class Console:
    """How one command talks.

    `settings` are those that options name, `config` the file of the others.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)
    config: Path | None = None
    interruption: Interruption | None = None

    @classmethod
    def from_flags(cls, flags: Mapping[str, object]) -> Console:
        """From the shared options of the command that is being run."""
        context = click.get_current_context(silent=True)
        config = flags.get("config")
        return cls(
            bool(flags.get("json")),
            bool(flags.get("quiet")),
            bool(flags.get("verbose")),
            {name: flags[name] for name in SETTINGS if name in flags},
            config if isinstance(config, Path) else None,
            context.find_root().obj if context is not None else None,
        )

    def workspace(self, **overrides: Any) -> Workspace:
        """The workspace for the settings in force, the options and what else is given."""
        from catalog.work.workspace import Workspace

        asked = self.interruption.asked if self.interruption is not None else threading.Event()
        made = Workspace(self.load(**overrides).settings, self.progress(), asked)
        if (context := click.get_current_context(silent=True)) is not None:
            context.call_on_close(made.close_services)
        return made

    def load(self, **overrides: Any) -> Loaded:
        """The settings in force, the options and what else is given, with where each comes from."""
        from catalog.config import load_traced

        _set_up_logging(self.verbose)
        return load_traced(self.config, **self.settings, **overrides)

    def progress(self) -> Lines:
        """A bar on a terminal; lines for what takes long otherwise; nothing when quiet."""
        if self.quiet:
            return Lines()
        return Bar() if sys.stderr.isatty() and not self.json else StepLines()

    def carry_out(
        self,
        run: Callable[[Workspace, Request, Sink], Finished],
        workspace: Workspace,
        request: Request,
        words: SummaryFormat,
    ) -> int:
        """The exit status of a run, which is told as it goes and summed up in its words
        at its end.
        """
        sink = self.sink(words)
        try:
            result = run(workspace, request, sink)
        except CatalogError as error:
            if not any(error is told for told in sink.told):
                raise
            return error.exit_code
        return exit_status(result.problems)

    def serve(self, service: Callable[[], Finished]) -> int:
        """The exit status of a service, which runs until it is asked to end:
        by SIGTERM is as it should be.
        """
        try:
            result = service()
        except (KeyboardInterrupt, Interrupted):
            if self._is_terminated:
                return DONE
            raise
        return DONE if self._is_terminated else exit_status(result.problems)

    def serve_run(
        self,
        run: Callable[[Workspace, Request, Sink], Finished],
        workspace: Workspace,
        request: Request,
        words: SummaryFormat,
    ) -> int:
        """The exit status of a run that is a service, told as `carry_out` does."""
        status = self.carry_out(run, workspace, request, words)
        return DONE if self._is_terminated else status

    @property
    def _is_terminated(self) -> bool:
        return self.interruption is not None and self.interruption.number == signal.SIGTERM

    def sink(self, words: SummaryFormat) -> TerminalSink:
        """Where a run tells this terminal of itself."""
        return TerminalSink(self, words, self.progress())

    @property
    def is_logged(self) -> bool:
        """Whether a service says on stderr what it is asked: where a journal reads that, or a
        person wants to see it.
        """
        return self.verbose or (not self.quiet and not sys.stderr.isatty())

    @property
    def can_ask(self) -> bool:
        """Whether a person is there to answer."""
        return not self.quiet and not self.json and sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, question: str, answers: str) -> str:
        """One of the letters of `answers`, as a person chose; asked until it is one.

        An end of input is "q".
        """
        while True:
            *before, last = question.split("\n")
            for line in before:
                terminal.complain(line)
            terminal.complain(f"{last} [{'/'.join(answers)}] ", end="")
            line = sys.stdin.readline()
            answer = line.strip().lower()[:1]
            if not line:
                return "q"
            if answer and answer in answers:
                return answer

    def out(self, line: str) -> None:
        """Print a result on one line, whatever is in it."""
        terminal.write_line(line)

    def out_data(self, text: str) -> None:
        """Print a result for programs, as it is."""
        terminal.write_data(text)

    def out_json(self, value: Any) -> None:
        """Print a result as JSON."""
        terminal.write_json(value)

    def complain(self, line: str) -> None:
        """Print what a person should see, on stderr."""
        terminal.complain(line)


@dataclass(slots=True)
class TerminalSink:
    """What a run tells, on a terminal, in the words of that run.

    `told` are errors that ended it.
    """

    console: Console
    words: SummaryFormat
    progress: Lines
    told: list[CatalogError] = field(default_factory=list)
    _always: set[str] = field(default_factory=set)

    def add(self, outcome: Outcome) -> None:
        """Problems always, the rest when verbose; every one as JSON."""
        from catalog.cli.summary import is_problem, outcome_line

        console, became = self.console, outcome.outcome
        if console.json:
            terminal.tell_json(outcome.event())
        elif is_problem(outcome):
            self.progress.write(outcome_line(outcome))
        elif (
            console.verbose
            or became == "planned"
            or (became in self.words.shown and not console.quiet)
        ):
            terminal.tell_line(outcome_line(outcome))

    def notice(self, text: str, level: Level = Level.WARNING) -> None:
        """On stderr, without tearing a bar apart."""
        console = self.console
        if level is Level.WARNING or (
            not console.quiet and (level is Level.INFO or console.verbose)
        ):
            self.progress.write(text)

    def ask(self, question: Question) -> bool | None:
        """Yes, no, all of this kind, or quit; of what is asked but once, yes or no."""
        if not self.console.can_ask:
            return None
        if question.yes_no:
            return self.console.ask("\n".join(question.lines), "yn") == "y"
        if question.kind in self._always:
            return True
        answer = self.console.ask("\n".join(question.lines), "ynaq")
        if answer == "q":
            raise KeyboardInterrupt
        if answer == "a":
            self._always.add(question.kind)
        return answer in "ya"

    def end(self, result: RunResult) -> None:
        """What ended it, if it was not done; then the summary."""
        from catalog.cli.summary import summary_lines, summary_object

        self.progress.close()
        if result.stopped is not None:
            self.told.append(result.stopped)
            is_asked = result.stopped.exit_code == INTERRUPTED
            self.progress.write(f"{result.stopped}" if is_asked else f"Error: {result.stopped}")
        if self.console.json:
            terminal.tell_json(summary_object(result, self.words))
            return
        for line in summary_lines(result, self.words):
            terminal.tell_line(line)


def _set_up_logging(verbose: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(terminal.LogFormat("%(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[handler])
    for noisy in ("elastic_transport", "elasticsearch", "urllib3", "PIL", "watchfiles", "dropbox"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
