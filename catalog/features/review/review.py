"""A review that is being served: its page, its pictures, and the way its decisions take."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from catalog.domain.decisions import Answer, Decision, contradictions, parse_decision
from catalog.errors import CatalogError
from catalog.features.review.page import Page, known_members, why_foreign

Apply: TypeAlias = Callable[[Sequence[Decision], str], Sequence[Answer]]
"""Does what a user decided, and tells what became of each."""
Pictures: TypeAlias = Callable[[str, bool], bytes | None]
"""The WebP of a content hash, large or small."""

MOST_DECISIONS = 10_000
CLOSED = "the review has ended"


class Review:
    """What is served: the page, its pictures, and the way its decisions take.

    Safe to use from several threads.

    `ended` is set once a person is done, or a `fault` of the program ended it.
    """

    def __init__(self, page: Page, pictures: Pictures, apply: Apply) -> None:
        self.page = page
        self.pictures = pictures
        self.ended = threading.Event()
        self.fault: Exception | None = None
        self._apply = apply
        self._known = known_members(page.groups)
        self._hashes = frozenset(page.hashes)
        self._answers: dict[tuple[str, str, str], Answer] = {}
        self._lock = threading.Lock()

    def picture(self, content_hash: str, large: bool) -> bytes | None:
        """A picture of this review; None for others."""
        return self.pictures(content_hash, large) if content_hash in self._hashes else None

    @property
    def answers(self) -> list[Answer]:
        """What was decided and applied so far."""
        return list(self._answers.values())

    def decide(self, rows: Sequence[Any], by: str = "") -> list[Answer]:
        """Apply decisions as a user posted them.

        Raises ValueError where one of them cannot be meant: then none is applied.
        """
        if len(rows) > MOST_DECISIONS:
            raise ValueError(f"more than {MOST_DECISIONS:,} decisions at once")
        decisions = [_decision(row) for row in rows]
        problems = [
            *contradictions(decisions).values(),
            *(why for d in decisions if (why := why_foreign(d, self._known))),
        ]
        if problems:
            raise ValueError(problems[0])
        with self._lock:
            if self.ended.is_set():
                raise ValueError(CLOSED)
            given = self._applied(decisions, by)
            self._answers |= {answer.decision.member: answer for answer in given}
        return given

    def _applied(self, decisions: Sequence[Decision], by: str) -> list[Answer]:
        """Each decision is followed once, however often it is posted."""
        before = {
            d.member: a
            for d in decisions
            if (a := self._answers.get(d.member)) and a.outcome != "failed"
        }
        new = [d for d in decisions if d.member not in before]
        try:
            answers = {a.decision.member: a for a in (self._apply(new, by) if new else ())}
        except CatalogError as error:
            answers = {d.member: Answer(d, "failed", str(error)) for d in new}
        # a fault of the program: nothing more is applied, and it is told where it is seen
        except Exception as error:
            self.fault = error
            self.ended.set()
            raise
        missing = "it is not known what became of it; see `catalog history`"
        return [
            before.get(d.member) or answers.get(d.member) or Answer(d, "failed", missing)
            for d in decisions
        ]

    def end(self) -> None:
        """No more decisions; what is being applied is done first."""
        with self._lock:
            self.ended.set()


def _decision(row: Any) -> Decision:
    if not isinstance(row, dict):
        raise ValueError("a decision is no object")
    return parse_decision(row)
