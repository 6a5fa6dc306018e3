"""The one driver of every run that has a plan: plan, then show it or apply it.

What is shown is what would be applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from catalog.domain.actions import Action
from catalog.errors import StoreError
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session, open_report, session
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

A = TypeVar("A", bound=Action)


class Work(Protocol[A]):
    """What a feature does with some stores and the index, in the three moves."""

    def plans(self) -> Iterator[Sequence[A]]:
        """What is to be done, part by part, each in order, no more than was asked for; only reads.

        A part is planned as if those before it had been done, or while they are.
        """
        ...

    def foresee(self, action: A) -> Outcome:
        """What will become of an action where it is only shown: `planned`, or why it is left.

        Said part by part, in order.
        """
        ...

    def apply(self, run: Session, plans: Iterator[Sequence[A]]) -> None:
        """Do it: the only writer.

        What concerns one file is reported; raises what must stop the run.
        """
        ...

    def conclude(self, report: Report) -> None:
        """Tell what else there is to say once the plan was shown or applied, or was cut off."""
        ...


def execute(
    workspace: Workspace,
    work: Work[A],
    sink: Sink,
    command: str,
    *,
    dry: bool,
    details: Mapping[str, object] | None = None,
    begin: Callable[[], None] | None = None,
) -> RunResult:
    """Show what a work plans, if `dry`, or apply it in a session.

    `details` and `begin` are those of the session.
    """
    if dry:
        with open_report(sink, command, dry=True) as report:
            show(work, report)
        return report.result()
    with session(workspace, sink, command, details=details, begin=begin) as run:
        try:
            work.apply(run, work.plans())
        finally:
            work.conclude(run.report)
    return run.result


def show(work: Work[A], report: Report) -> None:
    """Tell what a work plans; nothing that could write exists."""
    for plan in work.plans():
        for action in plan:
            report.add(work.foresee(action))
            report.sink.progress.advance()
    work.conclude(report)


def in_parts(actions: Iterable[A], size: int) -> Iterator[list[A]]:
    """A plan part by part.

    Where planning is cut off, what was planned, and perhaps answered, before that comes first.
    """
    part: list[A] = []
    stopped: BaseException | None = None
    try:
        for action in actions:
            part.append(action)
            if len(part) == size:
                yield part
                part = []
    except (KeyboardInterrupt, StoreError) as error:
        stopped = error
    if part:
        yield part
    if stopped is not None:
        raise stopped


def limit_plans(plans: Iterator[Sequence[A]], limit: int) -> Iterator[Sequence[A]]:
    """The plans up to the first `limit` actions that count; 0 means all.

    What does not count stays, up to the place of the cut, but not what is about the content of an
    action that was cut off.
    """
    left = limit
    for plan in plans:
        if not limit:
            yield plan
            continue
        kept: list[A] = []
        for action in plan:
            if action.counts:
                if not left:
                    break
                left -= 1
            kept.append(action)
        cut = {action.hash for action in plan[len(kept) :] if action.counts}
        yield [
            action for action in kept if action.counts or not action.hash or action.hash not in cut
        ]
        if not left:
            return
