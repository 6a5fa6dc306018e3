"""Doing what a person decided about duplicates and bad shots: the keeper takes over what is known,
the rest goes to the trash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalog.domain.decisions import DROP, KEEP, NOT_DUPLICATE, Answer, Decision
from catalog.errors import ConfirmationNeeded
from catalog.features.lookalikes.decisions import key_of, remember
from catalog.features.lookalikes.table import DecisionFile, read_decisions
from catalog.features.review.dropper import DROPPED_BEFORE, Dropper
from catalog.features.review.plan import FollowDecision, Refuse, pair_decisions
from catalog.index.repository import Repository
from catalog.work.driver import execute
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Sink
from catalog.work.store_book import StoreBook
from catalog.work.workspace import Workspace

AT_ONCE = 500
COMMAND = "resolve"
_BECAME = {DROP: "dropped", KEEP: "kept", NOT_DUPLICATE: "apart"}


@dataclass(frozen=True, slots=True)
class ResolveRequest:
    """Which table of decisions is followed.

    `yes` agrees to more than the setting move_limit, and to groups of which nothing stays.
    """

    csv: Path
    dryrun: bool = False
    yes: bool = False


def run_resolve(workspace: Workspace, request: ResolveRequest, sink: Sink) -> RunResult:
    """Follow the decisions of a CSV; rows that cannot be understood are refused by line number,
    the others are done.
    """
    found = read_decisions(request.csv)
    repository = workspace.existing_repository
    repository.refresh()
    check_number(workspace, found.decisions, yes=request.yes)
    with StoreBook(workspace, repository).open_present(writes=not request.dryrun) as stores:
        dropper = Dropper(workspace, repository, stores, sure=request.yes)
        work = Resolving(repository, found, dropper)
        details = {"decisions": len(found.rows)}
        return execute(workspace, work, sink, COMMAND, dry=request.dryrun, details=details)


def check_number(workspace: Workspace, decisions: Sequence[Decision], *, yes: bool) -> None:
    """Raise ConfirmationNeeded where more would go than a person may have meant."""
    count = sum(d.decision == DROP for d in decisions)
    if count > workspace.settings.move_limit and not yes:
        raise ConfirmationNeeded(
            f"{count:,} photos and videos would go to the trash; nothing was changed.",
            hint="Add --yes if that is meant, or raise move_limit in the configuration.",
        )


class Resolving:
    """One table of decisions that is followed."""

    def __init__(self, repository: Repository, found: DecisionFile, dropper: Dropper) -> None:
        self._repository = repository
        self._found = found
        self._dropper = dropper

    def plans(self) -> Iterator[Sequence[Refuse | FollowDecision]]:
        """The rows that are refused; then all the others, as one decision may speak of another."""
        yield [Refuse(line, problem) for line, problem in sorted(self._found.problems.items())]
        places = self._places()
        yield [
            FollowDecision(d, d.path or places.get(d.hash, d.hash)) for d in self._found.decisions
        ]

    def _places(self) -> dict[str, str]:
        """Where the assets that are decided about have a copy, by hash."""
        names = list(dict.fromkeys(decision.hash for decision in self._found.decisions))
        found: dict[str, str] = {}
        for start in range(0, len(names), AT_ONCE):
            for name, document in self._repository.parts_of(
                names[start : start + AT_ONCE], ["copies"]
            ).items():
                found[name] = next(
                    (f"{r['store']}:{r['path']}" for r in document.get("copies", [])), name
                )
        return found

    def foresee(self, action: Refuse | FollowDecision) -> Outcome:
        """What will become of a decision, as far as it can be told before."""
        if isinstance(action, Refuse):
            return _refused(action)
        decision, dropper = action.decision, self._dropper
        is_drop = decision.decision == DROP
        problem = dropper.foresee(decision, self._found.decisions) if is_drop else ""
        return _outcome(action, _answer(decision, problem), dropped="planned")

    def apply(self, run: Session, plans: Iterator[Sequence[Refuse | FollowDecision]]) -> None:
        """Follow them."""
        for plan in plans:
            for refused in (action for action in plan if isinstance(action, Refuse)):
                run.report.add(_refused(refused))
            followed = [action for action in plan if isinstance(action, FollowDecision)]
            answers = follow(run, self._dropper, [action.decision for action in followed])
            for action, answer in zip(followed, answers, strict=True):
                run.report.add(_outcome(action, answer))

    def conclude(self, report: Report) -> None:
        """Nothing more."""


def follow(run: Session, dropper: Dropper, decisions: Sequence[Decision]) -> Iterator[Answer]:
    """What became of each decision; what they say for good is remembered before anything goes."""
    _remember(run, decisions)
    for decision in decisions:
        problem = dropper.drop(run, decision, decisions) if decision.decision == DROP else ""
        yield _answer(decision, problem)


def _remember(run: Session, decisions: Sequence[Decision]) -> None:
    """Record what is no duplicate, what is wanted all the same, and what is not bad."""
    said = run.patiently(lambda: remember(run.repository, pair_decisions(decisions), run.run))
    run.tell(
        [
            {
                "action": "decide",
                "effect": "index",
                "before": {},
                "after": {},
                "hash": one,
                "source": key_of(kind, one, other),
                "reason": f"{kind} {other}",
                "reason_kind": kind,
            }
            for kind, one, other in said
        ]
    )


def _answer(decision: Decision, problem: str) -> Answer:
    """What became of a decision; `problem` says why it could not be followed, or ""."""
    outcome = "unchanged" if problem == DROPPED_BEFORE else "failed" if problem else "done"
    return Answer(decision, outcome, problem)


def _refused(action: Refuse) -> Outcome:
    return Outcome(action.name, action.key, "refused", reason=action.reason)


def _outcome(action: FollowDecision, answer: Answer, *, dropped: str = "dropped") -> Outcome:
    done = dropped if action.counts else _BECAME[action.name]
    outcome = answer.outcome if answer.outcome in ("failed", "unchanged") else done
    return Outcome(action.name, action.subject, outcome, hash=action.hash, reason=answer.reason)
