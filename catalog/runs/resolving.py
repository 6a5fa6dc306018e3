"""Doing what a person decided about duplicates and bad shots: the keeper takes over what is known, the rest goes to the trash."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.console import Screen
from catalog.domain import edits
from catalog.domain.copies import MISSING, OK
from catalog.domain.decisions import BAD, DROP, EXACT, KEEP, NOT_BAD, NOT_DUPLICATE, WANTED, Answer, Decision
from catalog.domain.duplicates import pair
from catalog.domain.edits import Document, Edit
from catalog.domain.inheriting import inheriting
from catalog.errors import ConfirmationNeeded
from catalog.execution.proof import Prover
from catalog.execution.report import Outcome
from catalog.index.repository import Repository
from catalog.runs import storing
from catalog.runs.decided import key_of, remember
from catalog.runs.decisions import read_decisions
from catalog.runs.session import Session, session
from catalog.runs.trashing import Taken, take_away
from catalog.stores.protocol import ManagedStore
from catalog.wiring import Workspace

COMMAND = "resolve"
WORDS = {"outcomes": ("dropped", "kept", "apart", "refused", "failed"), "always": ("dropped",), "done": "dropped",
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
        resolver = Resolver(workspace, repository, None)
        for answer in resolver.foreseen(found.decisions):
            report.add(_outcome(answer, resolver.places, dry=True))
        report.finish()
        return report.exit_code()
    with session(workspace, screen, COMMAND, WORDS, decisions=len(found.rows)) as run:

        def work() -> None:
            for line, problem in sorted(found.problems.items()):
                run.report.add(Outcome("read", f"line {line}", "refused", reason=problem))
            resolver = Resolver(workspace, repository, run)
            for answer in resolver.resolve(found.decisions):
                run.report.add(_outcome(answer, resolver.places))

        return run.work(work)


Decide = Callable[[Sequence[Decision]], list[Answer]]


@contextlib.contextmanager
def deciding(workspace: Workspace) -> Iterator[Decide]:
    """Something that follows decisions as they are made, all in one run that begins with the first of them."""
    with contextlib.ExitStack() as stack:
        runs: list[Session] = []
        one_at_a_time = threading.Lock()

        def decide(decisions: Sequence[Decision]) -> list[Answer]:
            with one_at_a_time:
                if not runs:
                    runs.append(stack.enter_context(session(workspace, Screen(quiet=True), "review", WORDS)))
                runs[0].repository.refresh()
                return Resolver(workspace, runs[0].repository, runs[0]).resolve(decisions)

        yield decide


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
    outcome = "failed" if answer.outcome == "failed" else done
    place = decision.path or places.get(decision.hash, decision.hash)
    return Outcome(decision.decision, place, outcome, hash=decision.hash, reason=answer.reason)


@dataclass(slots=True)
class Resolver:
    """Follows decisions. Without a `run` it only says what would be done. `places` tells where what it looked at lay."""

    workspace: Workspace
    repository: Repository
    run: Session | None
    stores: Mapping[str, ManagedStore] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    _proved: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stores = self.stores or storing.reachable(self.workspace, self.repository)

    def foreseen(self, decisions: Sequence[Decision]) -> list[Answer]:
        """What would become of each decision, as far as it can be told before."""
        return [Answer(d, "failed" if (why := self._why_not(d, decisions)) else "done", why) for d in decisions]

    def resolve(self, decisions: Sequence[Decision]) -> list[Answer]:
        """What became of each decision, in order."""
        assert self.run is not None
        answers: dict[int, Answer] = {}
        self._remember(self.run, decisions)
        for number, decision in enumerate(decisions):
            problem = self._why_not(decision, decisions) if decision.decision == DROP else ""
            if decision.decision == DROP and not problem:
                problem = self._drop(self.run, decision)
            answers[number] = Answer(decision, "failed" if problem else "done", problem)
        return [answers[number] for number in range(len(decisions))]

    # --- whether ---------------------------------------------------------------------------------------------------

    def _why_not(self, decision: Decision, decisions: Sequence[Decision]) -> str:
        """Why something cannot be dropped now, or "": rules 3 and 6 of the design."""
        if decision.decision != DROP:
            return ""
        found = self.repository.documents([decision.hash, *([decision.keeper] if decision.keeper else [])])
        if decision.hash not in found:
            return "it is not in the catalog any more"
        document = found[decision.hash][0]
        self.places[decision.hash] = next((f"{r['store']}:{r['path']}" for r in document.get("copies", [])), decision.hash)
        if absent := sorted({r["store"] for r in self._going(decision, document)} - self.stores.keys()):
            return f"kept: store {absent[0]} cannot be reached"
        if decision.kind == EXACT:
            return self._why_not_copy(decision, document, decisions)
        if lonely := self._left_alone(document, decisions):
            return f"kept: {lonely} is of the same shot, and would be left alone"
        if decision.kind == BAD or not decision.keeper:  # a person wants none of a group
            return ""
        if decision.keeper not in found:
            return "kept: the one to keep is not in the catalog any more"
        if any(d.decision == DROP and d.hash == decision.keeper and d.kind != EXACT for d in decisions):
            return "kept: the one to keep is to be dropped, too"
        return self._why_unsafe(decision.keeper, found[decision.keeper][0].get("copies", []), "the one to keep")

    def _why_not_copy(self, decision: Decision, document: Document, decisions: Sequence[Decision]) -> str:
        going = {d.path for d in decisions if d.decision == DROP and d.kind == EXACT and d.hash == decision.hash}
        if not self._going(decision, document):
            return "no such copy is recorded any more"
        rest = [row for row in document["copies"] if f"{row['store']}:{row['path']}" not in going]
        return self._why_unsafe(decision.hash, rest, "it")

    def _why_unsafe(self, content_hash: str, rows: Sequence[Mapping[str, Any]], what: str) -> str:
        """Why a content is not safe enough for something else to go, or "": its copies are read now, once a run."""
        places = " ".join(sorted(f"{r['store']}:{r['path']}" for r in rows))
        key = f"{content_hash} {places}"
        if key not in self._proved:
            needed = self.workspace.settings.removal_copies
            proof = Prover(self.stores).prove(content_hash, rows, needed)
            self._proved[key] = proof.why_not(needed)
        reason = self._proved[key]
        return f"kept: of {what}, {reason} (setting removal_copies)" if reason else ""

    def _left_alone(self, document: Document, decisions: Sequence[Decision]) -> str:
        """A file of the same shot that is not to be dropped as well, or ""."""
        stack = document.get("stack", {}).get("id")
        if not stack:
            return ""
        going = {d.hash for d in decisions if d.decision == DROP and d.kind != EXACT}
        hits = [hit for page in self.repository.scan_pages({"term": {"stack.id": stack}}, source=["paths"]) for hit in page]
        staying = [hit for hit in hits if hit["_id"] not in going]
        return str(next(iter(staying[0]["_source"].get("paths", [])), staying[0]["_id"])) if staying else ""

    @staticmethod
    def _going(decision: Decision, document: Document) -> list[Mapping[str, Any]]:
        """The rows of the copies that go."""
        rows = [row for row in document.get("copies", []) if row["state"] != MISSING]
        if decision.kind != EXACT:
            return rows
        return [row for row in rows if f"{row['store']}:{row['path']}" == decision.path and row["state"] == OK]

    # --- doing -----------------------------------------------------------------------------------------------------

    def _drop(self, run: Session, decision: Decision) -> str:
        """Bring a member to the trash; why it could not be, or ""."""
        document = self.repository.documents([decision.hash])[decision.hash][0]
        if decision.kind not in (EXACT, BAD) and decision.keeper:
            (answer,) = run.edit([Edit(decision.keeper, "inherit", inheriting(document), {
                "effect": "index", "reason": f"from its duplicate {decision.hash}"})])  # fmt: skip
            if answer not in ("done", "unchanged"):
                return answer
        files = [Taken(decision.hash, row) for row in self._going(decision, document)]
        if decision.kind != EXACT:
            files += [Taken(decision.hash, row, is_sidecar=True) for row in document.get("sidecars", [])]
        reason = f"{decision.kind}, by decision" + (f"; kept is {decision.keeper}" if decision.keeper else "")
        problems = take_away(run, self.stores, files, reason=reason)
        failed = [p for file, p in zip(files, problems, strict=True) if p and not file.is_sidecar]
        if failed or decision.kind == EXACT:
            return failed[0] if failed else ""
        (answer,) = run.edit([Edit(decision.hash, "forget", edits.forgotten(), {"effect": "index", "reason": reason})])
        return "" if answer in ("done", "unchanged") else answer

    def _remember(self, run: Session, decisions: Sequence[Decision]) -> None:
        """Record what is no duplicate, what is wanted although it is one, and what is not bad, so that it is not asked again."""
        said = remembered(decisions)
        run.patiently(lambda: remember(self.repository, said, run.run))
        event = {"action": "decide", "effect": "index", "before": {}, "after": {}}
        run.tell([
            {**event, "hash": one, "source": key_of(kind, one, other), "reason": f"{kind} {other}"} for kind, one, other in said
        ])  # fmt: skip


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
