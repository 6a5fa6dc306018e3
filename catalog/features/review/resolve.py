"""Doing what a person decided about duplicates and bad shots: the keeper takes over what is known, the rest goes to the trash."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog.cli.console import Screen
from catalog.domain.decisions import BAD, DROP, EXACT, KEEP, NOT_BAD, NOT_DUPLICATE, WANTED, Answer, Decision
from catalog.domain.names import to_text
from catalog.errors import SOME_FAILED, ConfirmationNeeded
from catalog.features.lookalikes.decisions import key_of, remember
from catalog.features.lookalikes.groups import pair
from catalog.features.lookalikes.table import read_decisions
from catalog.features.review.removal import DROPPED_BEFORE, Dropper
from catalog.index.repository import Repository
from catalog.work import store_book as storing
from catalog.work.report import Outcome
from catalog.work.session import Session, session
from catalog.work.workspace import Workspace

AT_ONCE = 500
COMMAND = "resolve"
WORDS = {"outcomes": ("dropped", "unchanged", "kept", "apart", "refused", "failed"), "always": ("dropped",), "done": "dropped",
         "bad": ("refused", "failed")}  # fmt: skip


def run_resolve(workspace: Workspace, csv: Path, screen: Screen, *, dryrun: bool, yes: bool) -> int:
    """Follow the decisions of a CSV; rows that cannot be understood are refused by line number, the others are done."""
    found = read_decisions(csv)
    repository = workspace.existing_repository
    repository.refresh()
    check_number(workspace, found.decisions, yes=yes)
    report = screen.report(workspace.progress, **WORDS) if dryrun else None
    if report is not None:
        report.dry = True
        for line, problem in sorted(found.problems.items()):
            report.add(Outcome("read", f"line {line}", "refused", reason=problem))
        resolver = Resolver(workspace, repository, None, yes)
        for answer in resolver.foreseen(found.decisions):
            report.add(_outcome(answer, resolver.places, dry=True))
        report.finish()
        return report.exit_code()
    with session(workspace, screen, COMMAND, WORDS, decisions=len(found.rows)) as run:

        def work() -> None:
            for line, problem in sorted(found.problems.items()):
                run.report.add(Outcome("read", f"line {line}", "refused", reason=problem))
            resolver = Resolver(workspace, repository, run, yes)
            for answer in resolver.resolve(found.decisions):
                run.report.add(_outcome(answer, resolver.places))

        return run.work(work)


class Deciding:
    """Follows decisions as they are made, all in one run that begins with the first of them. Call it from any thread."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stack = contextlib.ExitStack()
        self._one_at_a_time = threading.Lock()
        self._failed = False
        self.run: Session | None = None

    def __call__(self, decisions: Sequence[Decision]) -> list[Answer]:
        """What became of each; see `Resolver.resolve`. A person was asked where of a group nothing stays."""
        with self._one_at_a_time:
            if self.run is None:
                self.run = self._stack.enter_context(session(self._workspace, Screen(quiet=True), "review", WORDS))
            self.run.repository.refresh()
            answers = Resolver(self._workspace, self.run.repository, self.run, sure=True).resolve(decisions)
            self._failed |= any(answer.outcome == "failed" for answer in answers)
            return answers

    def close(self) -> dict[str, str]:
        """End the run, and tell what it is called and where its journal is; nothing where there was none."""
        with self._one_at_a_time, self._stack:
            if self.run is None:
                return {}
            self.run.journal.done("run", status=SOME_FAILED if self._failed else 0)
            return {"run": self.run.run, "journal": to_text(str(self.run.journal.path))}


def check_number(workspace: Workspace, decisions: Sequence[Decision], *, yes: bool) -> None:
    """Raise ConfirmationNeeded where more would go than a person may have meant."""
    count = sum(d.decision == DROP for d in decisions)
    if count > workspace.settings.move_limit and not yes:
        raise ConfirmationNeeded(
            f"{count:,} photos and videos would go to the trash; nothing was changed.",
            hint="Add --yes if that is meant, or raise move_limit in the configuration.",
        )


def _outcome(answer: Answer, places: Mapping[str, str], *, dry: bool = False) -> Outcome:
    decision = answer.decision
    done = {DROP: "planned" if dry else "dropped", KEEP: "kept", NOT_DUPLICATE: "apart"}[decision.decision]
    outcome = {"failed": "failed", "unchanged": "unchanged"}.get(answer.outcome, done)
    place = decision.path or places.get(decision.hash, decision.hash)
    return Outcome(decision.decision, place, outcome, hash=decision.hash, reason=answer.reason)


@dataclass(slots=True)
class Resolver:
    """Follows decisions. Without a `run` it only says what would be done. `places` tells where what it looked at lay."""

    workspace: Workspace
    repository: Repository
    run: Session | None
    sure: bool = False
    places: dict[str, str] = field(default_factory=dict)
    _dropper: Dropper = field(init=False)

    def __post_init__(self) -> None:
        stores = storing.reachable(self.workspace, self.repository)
        self._dropper = Dropper(self.workspace, self.repository, stores, self.sure)

    def foreseen(self, decisions: Sequence[Decision]) -> list[Answer]:
        """What would become of each decision, as far as it can be told before."""
        self._find_places(decisions)
        return [_answer(d, self._dropper.why_not(d, decisions) if d.decision == DROP else "") for d in decisions]

    def resolve(self, decisions: Sequence[Decision]) -> list[Answer]:
        """What became of each decision, in order."""
        assert self.run is not None
        run = self.run
        self._find_places(decisions)
        self._remember(run, decisions)
        return [_answer(d, self._dropper.drop(run, d, decisions) if d.decision == DROP else "") for d in decisions]

    def _find_places(self, decisions: Sequence[Decision]) -> None:
        names = list(dict.fromkeys(d.hash for d in decisions))
        for start in range(0, len(names), AT_ONCE):
            for name, document in self.repository.parts_of(names[start : start + AT_ONCE], ["copies"]).items():
                self.places[name] = next((f"{r['store']}:{r['path']}" for r in document.get("copies", [])), name)

    def _remember(self, run: Session, decisions: Sequence[Decision]) -> None:
        """Record what is no duplicate, what is wanted although it is one, and what is not bad, so that it is not asked again."""
        said = run.patiently(lambda: remember(self.repository, remembered(decisions), run.run))
        event = {"action": "decide", "effect": "index", "before": {}, "after": {}}
        run.tell([
            {**event, "hash": one, "source": key_of(kind, one, other), "reason": f"{kind} {other}"} for kind, one, other in said
        ])  # fmt: skip


def _answer(decision: Decision, problem: str) -> Answer:
    return Answer(decision, "unchanged" if problem == DROPPED_BEFORE else "failed" if problem else "done", problem)


def remembered(decisions: Sequence[Decision]) -> list[tuple[str, str, str]]:
    """What decisions say for good: (kind, hash, other hash), the lesser hash first."""
    groups: dict[str, list[Decision]] = {}
    for decision in decisions:
        groups.setdefault(decision.group, []).append(decision)
    found: set[tuple[str, str, str]] = set()
    for members in groups.values():
        staying = {d.hash for d in members if d.decision != NOT_DUPLICATE} | {d.keeper for d in members if d.keeper}
        kept = {d.hash for d in members if d.decision == KEEP}
        for member in members:
            if member.kind == BAD:
                found |= {(NOT_BAD, member.hash, member.hash)} if member.decision == KEEP else set()
            elif member.kind == EXACT:
                if member.decision == NOT_DUPLICATE:
                    found.add((NOT_DUPLICATE, member.hash, member.hash))
            elif member.decision == NOT_DUPLICATE:
                found |= {(NOT_DUPLICATE, *pair(member.hash, other)) for other in staying - {member.hash}}
            elif member.decision == KEEP:
                found |= {(WANTED, *pair(member.hash, other)) for other in kept - {member.hash}}
    return sorted(found)
