"""What a reconciliation cannot tell by itself: asked of a person where one is there,
else answered so that nothing is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from catalog.features.reconcile.plan import AddCopy, Known, Relocate, Vanish
from catalog.work.report import Report
from catalog.work.sink import Question, SilentSink, Sink


class Questions:
    """Decides what is unclear.

    `ask`: whether a person may be asked at all; how often nobody was is told at the end.
    """

    def __init__(self, sink: Sink | None = None, *, ask: bool = False) -> None:
        self._sink = sink or SilentSink()
        self._ask = ask
        self._unasked: Counter[str] = Counter()

    def moved(
        self, actions: Sequence[Known], unclear: Mapping[str, Sequence[Relocate]]
    ) -> list[Known]:
        """The actions, with a person's choice which of several places a file was moved to,
        and which are copies; `unclear` are the choices by content hash.
        """
        chosen: dict[str, Known] = {}
        for digest, choices in unclear.items():
            goal = next((c for c in choices[:-1] if self._was_moved_to(c, choices)), choices[-1])
            for choice in choices:
                is_goal = choice is goal
                chosen[choice.key] = choice if is_goal else AddCopy(digest, choice.entry)
        return [chosen.get(a.key, a) if isinstance(a, Relocate | AddCopy) else a for a in actions]

    def _was_moved_to(self, choice: Relocate, choices: Sequence[Relocate]) -> bool:
        lines = (
            f"{choice.known.path} is gone, and its content lies at {len(choices)} places:",
            f"  moved to      {choice.entry.path}",
            *(f"  then a copy   {other.entry.path}" for other in choices if other is not choice),
            "Is that so?",
        )
        return self._decide("moved to two places", lines, otherwise=True)

    def stacks(self, actions: Sequence[Known], broken: Mapping[str, Sequence[str]]) -> list[Known]:
        """The actions, with a person's word for each move away from its stack;
        `broken` is where the others of the stack are, by the new path.
        """
        return [
            self._with_stack(a, broken[a.key]) if isinstance(a, Relocate) and a.key in broken else a
            for a in actions
        ]

    def _with_stack(self, move: Relocate, others: Sequence[str]) -> Relocate:
        lines = (
            f"{move.known.path} was moved away from the other files of its shot:",
            f"  it is now at  {move.entry.path}",
            *(f"  others at     {path}" for path in others),
            "Do they stay one shot?",
        )
        stays = self._decide("moved away from its stack", lines, otherwise=True)
        return move if stays else replace(move, leaves_stack=True)

    def vanished(self, fate: Vanish) -> Vanish:
        """The only copy of an asset is gone: whether it is forgotten."""
        lines = (
            f"{fate.known.path} is gone, and its content is nowhere else in the catalog:",
            f"  recorded  {fate.known.size:,} bytes, {fate.hash}",
            "  on disk   nothing",
            "Forget it? (no: it stays in the catalog, marked as missing)",
        )
        forget = self._decide("missing, and nowhere else", lines, otherwise=False)
        return replace(fate, forget=True) if forget else fate

    def _decide(self, kind: str, lines: tuple[str, ...], *, otherwise: bool) -> bool:
        """Whether the proposal is taken; `otherwise` where nobody answers."""
        answer = self._sink.ask(Question(kind, lines)) if self._ask else None
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
