"""The review as a service: what is decided on the page is done at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType

from catalog.domain.decisions import DROP, KEEP, NOT_DUPLICATE, Answer, Decision
from catalog.features.renditions.maker import RenditionMaker
from catalog.features.review.dropper import Dropper
from catalog.features.review.groups import NO_GROUPS, ReviewRequest, gather_groups
from catalog.features.review.page import Page
from catalog.features.review.pictures import Pictures
from catalog.features.review.resolve import follow
from catalog.features.review.review import Review
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session, session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

COMMAND = "review"
_BECAME = {KEEP: "kept", DROP: "dropped", NOT_DUPLICATE: "not duplicates"}


@dataclass(slots=True)
class OpenReview:
    """A review for as long as it is served, and what it came to afterwards."""

    review: Review
    result: RunResult | None = None


@contextlib.contextmanager
def open_review(
    workspace: Workspace, request: ReviewRequest, sink: Sink, previews: RenditionMaker
) -> Iterator[OpenReview | None]:
    """What is to be reviewed; None where there are no groups, which the sink is told.

    What is decided is done at once. `result` is there when this is left, where a mistake of the
    program is raised.
    """
    shown = gather_groups(workspace, request, sink.progress)
    if not shown.groups:
        sink.notice(NO_GROUPS)
        yield None
        return
    page = Page(shown.groups, "served")
    with Deciding(workspace, sink, shown.files) as decide:
        pictures = Pictures(previews, shown.documents)
        opened = OpenReview(Review(page, pictures.one, decide))
        _make_ahead(opened.review, pictures)
        yield opened
        opened.review.end()
        if opened.review.fault is not None:
            raise opened.review.fault
    opened.result = decide.result


def _make_ahead(review: Review, pictures: Pictures) -> None:
    """Make the pictures in the order of the page: most are there before they are asked for."""

    def work() -> None:
        for _made in pictures.all(review.page.hashes):
            if review.ended.is_set():
                return

    threading.Thread(target=work, name="previews", daemon=True).start()


class Deciding:
    """Follows decisions as they are made, in one run that begins with the first of them.

    Use as a context manager, whose end is that of the run; call it from any thread. `files` are the
    places of what is decided about, by hash.
    """

    def __init__(
        self, workspace: Workspace, sink: Sink, files: Mapping[str, Sequence[str]]
    ) -> None:
        self._workspace = workspace
        self._sink = sink
        self._files = files
        self._stack = contextlib.ExitStack()
        self._one_at_a_time = threading.Lock()
        self._run: Session | None = None
        self._without_run = Report(sink, COMMAND)

    def __enter__(self) -> Deciding:
        return self

    def __call__(self, decisions: Sequence[Decision], by: str = "") -> list[Answer]:
        """What became of each that a user decided; that of some groups nothing stays was asked on
        the page.
        """
        with self._one_at_a_time:
            if self._run is None:
                self._run = self._stack.enter_context(session(self._workspace, self._sink, COMMAND))
            run = replace(self._run, by=by)
            run.repository.refresh()
            with StoreBook(self._workspace, run.repository).open_present() as stores:
                dropper = Dropper(self._workspace, run.repository, stores, sure=True)
                return [self._told(run, answer) for answer in follow(run, dropper, decisions)]

    def _told(self, run: Session, answer: Answer) -> Answer:
        run.report.add(self._outcome(answer))
        return answer

    def _outcome(self, answer: Answer) -> Outcome:
        decision = answer.decision
        outcome = "failed" if answer.outcome == "failed" else _BECAME[decision.decision]
        place = decision.path or next(iter(self._files.get(decision.hash, ())), "")
        store, _colon, path = place.partition(":")
        name, about = decision.decision, decision.hash
        return Outcome(name, path or about, outcome, store, hash=about, reason=answer.reason)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._one_at_a_time:
            self._stack.__exit__(kind, error, trace)
        if self._run is None and error is None:
            self._sink.end(self._without_run.result())

    @property
    def result(self) -> RunResult:
        """What became of all of them."""
        return (self._run.report if self._run is not None else self._without_run).result()
