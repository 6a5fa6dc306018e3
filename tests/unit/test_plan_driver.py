"""The driver of runs with a plan: a plan that is only shown, and one that is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.errors import DONE, SOME_FAILED, CatalogError, StoreGuard, exit_status
from catalog.work.driver import execute
from catalog.work.outcome import Outcome, RunResult
from catalog.work.progress import NoProgress
from catalog.work.report import Report
from catalog.work.session import open_report
from catalog.work.sink import SilentSink


class Bar(NoProgress):
    """Keeps how far it is, and whether it is open."""

    def __init__(self) -> None:
        self.seen = 0
        self.is_open = False

    def files(self, total: int) -> None:
        self.is_open = True

    def advance(self, count: int = 1) -> None:
        self.seen += count

    def close(self) -> None:
        self.is_open = False


class Sink(SilentSink):
    """Keeps what it is told, and closes the progress at the end, as a terminal does."""

    def __init__(self) -> None:
        super().__init__(Bar())
        self.ends: list[RunResult] = []

    @property
    def bar(self) -> Bar:
        return cast("Bar", self.progress)

    def end(self, result: RunResult) -> None:
        self.bar.close()
        self.ends.append(result)


class Work:
    """Some files to skip, and then perhaps an error."""

    def __init__(self, sink: Sink, error: BaseException | None = None) -> None:
        self.sink = sink
        self.error = error

    def plans(self) -> Iterator[Sequence[Skip]]:
        self.sink.progress.files(3)
        yield [Skip(Entry(name), "hidden", "ignored") for name in "ab"]
        if self.error is not None:
            raise self.error
        yield [Skip(Entry("c"), "broken", "failed")]

    def foresee(self, action: Skip) -> Outcome:
        return Outcome(action.name, action.key, action.outcome, reason=action.reason)

    def apply(self, run: Any, plans: Any) -> None:
        raise AssertionError("a dry run applies nothing")

    def conclude(self, report: Report) -> None:
        report.count("unchanged", 7)


def shown(work: Work, sink: Sink) -> RunResult:
    return execute(cast("Any", None), work, sink, "sync", dry=True)


def test_a_plan_is_shown_to_its_end_and_summed_up():
    sink = Sink()
    result = shown(Work(sink), sink)
    assert result.counts == {"ignored": 2, "failed": 1, "unchanged": 7}
    assert (result.dry, result.run, result.problems) == (True, "", 1)
    assert [end.counts for end in sink.ends] == [result.counts]
    assert sink.bar.seen == 3 and not sink.bar.is_open


@pytest.mark.parametrize("error", [StoreGuard("too much is gone"), KeyboardInterrupt()])
def test_a_plan_that_is_refused_leaves_no_bar_open_and_is_not_summed_up(error: BaseException):
    sink = Sink()
    with pytest.raises(type(error)):
        shown(Work(sink, error), sink)
    assert sink.bar.seen == 2 and not sink.bar.is_open and sink.ends == []


def test_a_report_of_what_changes_nothing_ends_the_same_way():
    sink = Sink()
    with open_report(sink, "evaluate") as report:
        sink.progress.files(1)
        report.add(Outcome("evaluate", "a.jpg", "move"))
    assert [(end.command, end.dry) for end in sink.ends] == [("evaluate", False)]
    with pytest.raises(CatalogError), open_report(sink, "evaluate"):
        sink.progress.files(1)
        raise CatalogError("the report cannot be written")
    assert not sink.bar.is_open and len(sink.ends) == 1


def test_the_exit_status_says_whether_files_failed():
    assert (exit_status(0), exit_status(2)) == (DONE, SOME_FAILED)
