"""What every evaluation has: an archive to look at, what the cloud has already, and a report that
is written at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.domain.capture_time import DAY, SECOND, parse_date
from catalog.domain.names import to_text
from catalog.domain.spreadsheets import proof_date
from catalog.errors import UsageError
from catalog.features.reingest import archive as archives
from catalog.features.reingest.archive import ArchiveScope, Subject
from catalog.features.reingest.dates import format_modified, local_time
from catalog.features.reingest.plan import EvaluatedFile, Proposal, Rules
from catalog.features.reingest.reports import check_writable, write_report
from catalog.features.reingest.row_state import describe_handover
from catalog.index.handovers import Handovers
from catalog.index.repository import Repository
from catalog.work.outcome import Outcome, RunResult
from catalog.work.session import open_report
from catalog.work.sink import Sink
from catalog.work.workspace import Workspace

EVALUATED = "evaluate"
"""The name of what is told of each file."""
COLUMNS = ("taken", "offset", "source", "hash", "size", "modified", "archive")
"""Columns of every report besides its own: the proposed date and offset in a form that no
spreadsheet changes, what states them, what the file was, by which it is known to be the same when
the report is processed, and what was looked at."""

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What is looked at, and which report is written.

    `until`: only what was taken before this date, as a person writes it, is offered. `replace` a
    report that is there already.
    """

    scope: ArchiveScope
    report: Path
    until: str | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation came to: its counts, the report that it wrote, and how many photos or
    videos it looked at."""

    run: RunResult
    report: Path
    looked_at: int

    @property
    def problems(self) -> int:
        """Files with an outcome that none should have."""
        return self.run.problems


@dataclass(frozen=True, slots=True)
class EvaluatedSubject:
    """A subject with what a decision about it needs."""

    subject: Subject
    shot: EvaluatedFile


def rules_of(workspace: Workspace, until: str | None) -> Rules:
    """The rules in force. Raises UsageError for a date that is none."""
    parsed = parse_date(until) if until else None
    if until and (parsed is None or parsed.precision not in (SECOND, DAY)):
        raise UsageError(f"--until {until} is no date.", hint="Write it as 2019-01-01.")
    return Rules(parsed[0] if parsed else None, workspace.settings.reingest_skip)


Decide = Callable[[EvaluatedSubject, Rules], tuple[Proposal, Mapping[str, str]]]
"""Gives the decision of one file, and the cells of the columns that only its kind of report has."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a command looks at every "image" or "video" of an archive, and the columns of its report.

    Unless `decide` needs them `whole`, subjects are kept without facts and documents: there may be
    a million.
    """

    command: str
    kind: str
    columns: Sequence[str]
    decide: Decide
    whole: bool = True


def evaluate(
    workspace: Workspace, request: EvaluateRequest, sink: Sink, evaluation: Evaluation
) -> Evaluated:
    """Look at an archive and write the report. Nothing else is changed."""
    request.scope.check()
    rules = rules_of(workspace, request.until)
    check_writable(request.report, replace=request.replace)
    with open_report(sink, evaluation.command) as report:
        with archives.open_archive(workspace, request.scope, sink.progress) as archive:
            archive.announce()
            subjects = sorted(
                (s if evaluation.whole else _slim(s) for s in archive.subjects(evaluation.kind)),
                key=lambda s: s.file,
            )
            found = _found(workspace, archive.repository, subjects)
            location = archive.location
        rows = []
        for one in found:
            decision, further = evaluation.decide(one, rules)
            rows.append({**_cells(one.subject, decision), "archive": location, **further})
            report.add(_outcome(one.subject, decision))
        sink.progress.close()
        write_report(request.report, evaluation.columns, rows, replace=request.replace)
        report.further["report"] = to_text(str(request.report))
    return Evaluated(report.result(), request.report, len(found))


def _outcome(subject: Subject, decision: Proposal) -> Outcome:
    size = subject.entry.size
    return Outcome(
        EVALUATED,
        subject.file,
        decision.action,
        hash=subject.hash,
        reason=decision.reason,
        size=size,
    )


def _slim(subject: Subject) -> Subject:
    return replace(subject, asset=None, document=None)


def _found(
    workspace: Workspace, repository: Repository | None, subjects: Iterable[Subject]
) -> list[EvaluatedSubject]:
    subjects = list(subjects)
    target = workspace.settings.reingest_target
    hashes = [s.hash for s in subjects if s.hash]
    handovers = Handovers(repository) if repository else None
    known = (
        {**handovers.of_staged(target, hashes), **handovers.known(target, hashes)}
        if handovers
        else {}
    )
    first: dict[str, str] = {}
    found = []
    for subject in subjects:
        same = first.setdefault(subject.hash, subject.file) if subject.hash else ""
        record = known.get(subject.hash)
        shot = EvaluatedFile(
            subject.folders,
            subject.type,
            subject.captured,
            local_time(workspace, subject.entry.mtime_ns),
            describe_handover(record) if record else "",
            same if same != subject.file else "",
            subject.problem,
        )
        found.append(EvaluatedSubject(subject, shot))
    return found


def _cells(subject: Subject, decision: Proposal) -> Cells:
    wall = decision.wall
    return {
        "file": subject.file,
        "datetime": f"{wall:%Y-%m-%d %H:%M:%S}" if wall else "",
        "action": decision.action,
        "reason": decision.reason,
        "taken": proof_date(wall),
        "offset": "" if decision.offset is None else str(decision.offset),
        "source": decision.source,
        "hash": subject.hash,
        "size": str(subject.entry.size),
        "modified": format_modified(subject.entry.mtime_ns)
        if not subject.problem or subject.entry.mtime_ns
        else "",
    }
