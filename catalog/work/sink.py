"""Who is told what a run does while it does it, and who answers its questions: a terminal, a page,
a test, or nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from catalog.work.outcome import Outcome, RunResult
from catalog.work.progress import NoProgress, Progress


class Level(Enum):
    """Whom a notice is for: everybody, everybody who did not ask for quiet,
    or who asked for every detail.
    """

    WARNING = "warning"
    INFO = "info"
    DETAIL = "detail"


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can decide.

    `kind` is the same for questions that one answer may settle together.

    `lines` say what is proposed and why. `yes_no`: it is the only one of its kind.
    """

    kind: str
    lines: tuple[str, ...]
    yes_no: bool = False


class Sink(Protocol):
    """Where a run's outcomes, notices, progress and questions go. Called from several threads."""

    @property
    def progress(self) -> Progress:
        """Who is told how far the run is."""
        ...

    def add(self, outcome: Outcome) -> None:
        """One file, or asset, has its outcome."""
        ...

    def notice(self, text: str, level: Level = Level.WARNING) -> None:
        """Something about the run as a whole, worded as errors are."""
        ...

    def ask(self, question: Question) -> bool | None:
        """Whether a person agrees; None where nobody is there to answer.

        Raises KeyboardInterrupt where he ends the run.
        """
        ...

    def end(self, result: RunResult) -> None:
        """A run has ended, by itself or by `result.stopped`; what it came to."""
        ...


@dataclass(slots=True)
class SilentSink:
    """Tells nobody, or a program: `on_outcome` is called with each outcome,
    `on_notice` with each notice.
    """

    progress: Progress = field(default_factory=NoProgress)
    on_outcome: Callable[[Outcome], None] | None = None
    on_notice: Callable[[str], None] | None = None

    def add(self, outcome: Outcome) -> None:
        """Hand the outcome over, if somebody wants it."""
        if self.on_outcome is not None:
            self.on_outcome(outcome)

    def notice(self, text: str, level: Level = Level.WARNING) -> None:
        """Hand the notice over, if somebody wants it."""
        if self.on_notice is not None and level is not Level.DETAIL:
            self.on_notice(text)

    def ask(self, question: Question) -> bool | None:  # noqa: ARG002 - nobody reads it
        """Nobody is there to answer."""
        return None

    def end(self, result: RunResult) -> None:
        """Nothing: the run's result says it."""
