"""What a reconciliation cannot tell by itself: asked of a person where one is there,
else answered so that nothing is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from catalog.work.report import Report
from catalog.work.sink import Question, Sink


class Judge:
    """Decides what is unclear.

    `ask`: whether a person may be asked at all; how often nobody was is told at the end.
    """

    def __init__(self, sink: Sink, *, ask: bool) -> None:
        self._sink = sink
        self._ask = ask
        self._unasked: Counter[str] = Counter()

    def decide(self, kind: str, lines: Sequence[str], otherwise: bool) -> bool:
        """Whether the proposal is taken; `otherwise` where nobody answers."""
        answer = self._sink.ask(Question(kind, tuple(lines))) if self._ask else None
        if answer is None:
            self._unasked[kind] += 1
            return otherwise
        return answer

    def sum_up(self, report: Report) -> None:
        """Tell how much was decided without a person."""
        for kind, count in self._unasked.items():
            report.notice(
                f"{count:,} unclear ({kind}): nothing was asked, and the answer that loses "
                "nothing was taken."
            )
