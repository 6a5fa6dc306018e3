"""What is in an album or below a folder, made private to persons: `catalog set --album`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from catalog.domain.assignments import Assignment, parse_assignments
from catalog.domain.document import EventRow
from catalog.domain.privacy import ALBUM, FOLDER, PrivacyRule
from catalog.errors import UsageError
from catalog.index import schema
from catalog.index.privacy import read_rules, record_rules, ruled_by
from catalog.index.repository import Repository
from catalog.work.description import utc_now
from catalog.work.driver import execute
from catalog.work.outcome import Outcome, RunResult
from catalog.work.report import Report
from catalog.work.session import Session
from catalog.work.sink import Level, Sink
from catalog.work.workspace import Workspace

EMPTY = "Nothing is in {name} yet: what comes there will be private."


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """Which albums (by name) and folders (by their paths in any store) are private, and to whom:
    `private=anna,bert`, `private+=anna`, `private-=anna`; `private=` to nobody any more.
    """

    albums: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    dryrun: bool = False


def run_privacy(workspace: Workspace, request: PrivacyRequest, sink: Sink) -> RunResult:
    """Make rules, or end them. Raises UsageError for other values."""
    assignments = parse_assignments(request.values, utc_now())
    if any(one.key != "private" for one in assignments):
        raise UsageError(
            "An album or a folder can only be private; nothing was changed.",
            hint="Write private=NAME; to say more of what is in an album use --query 'album:NAME'.",
        )
    named = [(ALBUM, name.strip()) for name in request.albums]
    named += [(FOLDER, name.strip().strip("/")) for name in request.folders]
    if not all(name for _kind, name in named):
        raise UsageError("An album or a folder has no name; nothing was changed.")
    repository = workspace.existing_repository
    repository.refresh(schema.companion(repository.alias, "decisions"), repository.alias)
    rules = read_rules(repository)
    plan = [_planned(repository, rules, kind, name, assignments) for kind, name in named]
    return execute(workspace, _Ruling(plan), sink, "set", dry=request.dryrun)


@dataclass(frozen=True, slots=True)
class Rule:
    """What is in an album, or below a folder, becomes private to some persons (none: to nobody).

    `count` assets are there now.
    """

    kind: str
    about: str
    before: tuple[str, ...]
    persons: tuple[str, ...]
    count: int
    name: str = "set"
    hash: str = ""

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return f"{self.kind} {self.about}"

    @property
    def counts(self) -> bool:
        """Whether anything is another than before."""
        return self.persons != self.before

    def describe(self) -> str:
        """One line for a person."""
        before, after = (", ".join(names) or "nobody" for names in (self.before, self.persons))
        return f"private: {before} -> {after}, {self.count:,} there now"


def _planned(
    repository: Repository,
    rules: Sequence[PrivacyRule],
    kind: str,
    name: str,
    assignments: Sequence[Assignment],
) -> Rule:
    before = {rule.person for rule in rules if (rule.kind, rule.name) == (kind, name)}
    after = set(before)
    for one in assignments:
        given = set(one.value or ())
        after = {"=": given, "+=": after | given, "-=": after - given}[one.operator]
    count = repository.count(ruled_by([PrivacyRule(kind, name, "")]))
    return Rule(kind, name, tuple(sorted(before)), tuple(sorted(after)), count)


class _Ruling:
    """Some rules that are made."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules

    def plans(self) -> Iterator[Sequence[Rule]]:
        """All of them."""
        yield self._rules

    def foresee(self, action: Rule) -> Outcome:
        """What will become of one."""
        return _outcome(action, "planned" if action.counts else "unchanged")

    def apply(self, run: Session, plans: Iterator[Sequence[Rule]]) -> None:
        """Record them, and tell of each."""
        for action in (each for plan in plans for each in plan):
            if action.counts:
                run.journal.started("set", path=action.key)
                run.tell(run.patiently(partial(_recorded, run, action)))
                run.journal.done("set", path=action.key)
            run.report.add(_outcome(action, "changed" if action.counts else "unchanged"))

    def conclude(self, report: Report) -> None:
        """Tell of what is empty: its name may be another one."""
        for rule in self._rules:
            if rule.persons and not rule.count:
                report.notice(EMPTY.format(name=rule.key), Level.INFO)


def _recorded(run: Session, rule: Rule) -> list[EventRow]:
    made = record_rules(run.repository, rule.kind, rule.about, rule.persons, run.run)
    return [
        {
            "action": "decide",
            "effect": "index",
            "before": {},
            "after": {},
            "hash": rule.about,
            "source": key,
            "reason": rule.describe(),
            "reason_kind": row["kind"],
        }
        for key, row in made
    ]


def _outcome(rule: Rule, became: str) -> Outcome:
    return Outcome(rule.name, rule.key, became, reason=rule.describe() if rule.counts else "")
