"""What every evaluation has: an archive to look at, what the cloud has already, and a report that is written at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from catalog.cli.console import Screen
from catalog.domain.capture_time import file_time, parse_date
from catalog.domain.names import to_text
from catalog.domain.spreadsheets import proof_date
from catalog.errors import UsageError
from catalog.features.reingest import archive as archives
from catalog.features.reingest.archive import Scope, Subject
from catalog.features.reingest.handover import told
from catalog.features.reingest.images.plan import Decision, Rules, Shot
from catalog.features.reingest.tables import check_writable, write_report
from catalog.index.handovers import Handovers
from catalog.index.repository import Repository
from catalog.work.report import Outcome
from catalog.work.workspace import Workspace

WORDS = {"outcomes": ("move", "convert", "skip"), "always": ("move", "skip"), "done": "evaluated"}
COLUMNS = ("taken", "offset", "source", "hash", "size", "modified", "archive")
"""Columns of every report besides its own: the proposed date and offset in a form that no spreadsheet changes, what states
them, what the file was, by which it is known to be the same when the report is processed, and what was looked at."""

Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class EvaluateRequest:
    """What the command line asks for. `until` is a date as typed; `replace` the report that is there already."""

    scope: Scope
    report: Path
    until: str | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A subject with what a decision about it needs."""

    subject: Subject
    shot: Shot


def rules_of(workspace: Workspace, until: str | None) -> Rules:
    """The rules in force. Raises UsageError for a date that is none."""
    parsed = parse_date(until) if until else None
    if until and parsed is None:
        raise UsageError(f"--until {until} is no date.", hint="Write it as 2019-01-01.")
    return Rules(parsed[0] if parsed else None, workspace.settings.reingest_skip)


def evaluate(
    workspace: Workspace, request: EvaluateRequest, screen: Screen, kind: str, columns: Sequence[str],
    decide: Callable[[Found, Rules], tuple[Decision, Mapping[str, str]]], *, whole: bool = True,
) -> int:  # fmt: skip
    """Look at every "image" or "video" of the archive and write the report; the exit status. Nothing else is changed.

    `decide` gives the decision of one file, and the cells of the columns that only this kind of report has. Unless it needs
    them `whole`, subjects are kept without facts and documents: there may be a million.
    """
    request.scope.check()
    rules = rules_of(workspace, request.until)
    check_writable(request.report, replace=request.replace)
    report = screen.report(workspace.progress, **WORDS)
    with archives.opened(workspace, request.scope) as archive:
        archive.announce()
        subjects = sorted((s if whole else _slim(s) for s in archive.subjects(kind)), key=lambda s: s.file)
        found = _found(workspace, archive.repository, subjects)
        place = archive.place
    rows = []
    for one in found:
        decision, further = decide(one, rules)
        rows.append({**_cells(one.subject, decision), "archive": place, **further})
        report.add(Outcome("evaluate", one.subject.file, decision.action, hash=one.subject.hash, reason=decision.reason,
                           size=one.subject.entry.size))  # fmt: skip
    workspace.progress.close()
    write_report(request.report, columns, rows, replace=request.replace)
    report.finish(report=to_text(str(request.report)))
    return report.exit_code()


def _slim(subject: Subject) -> Subject:
    return replace(subject, asset=None, document=None)


def _found(workspace: Workspace, repository: Repository | None, subjects: Iterable[Subject]) -> list[Found]:
    subjects = list(subjects)
    target = workspace.settings.reingest_target
    hashes = [s.hash for s in subjects if s.hash]
    handovers = Handovers(repository) if repository else None
    known = {**handovers.of_staged(target, hashes), **handovers.known(target, hashes)} if handovers else {}
    first: dict[str, str] = {}
    found = []
    for subject in subjects:
        same = first.setdefault(subject.hash, subject.file) if subject.hash else ""
        record = known.get(subject.hash)
        shot = Shot(
            subject.folders, subject.type, subject.captured, local_time(workspace, subject.entry.mtime_ns),
            told(record) if record else "", same if same != subject.file else "", subject.problem,
        )  # fmt: skip
        found.append(Found(subject, shot))
    return found


def local_time(workspace: Workspace, mtime_ns: int) -> datetime:
    """A file's time as the wall clock at home."""
    utc = file_time(mtime_ns)
    return utc + timedelta(minutes=workspace.gazetteer.offset_at(workspace.settings.home_zone, utc) or 0)


def modified_text(mtime_ns: int) -> str:
    """A file's time in UTC, to the second, in a form that no spreadsheet changes."""
    return f"{proof_date(file_time(mtime_ns).replace(tzinfo=UTC))}Z"


def _cells(subject: Subject, decision: Decision) -> Cells:
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
        "modified": modified_text(subject.entry.mtime_ns) if not subject.problem or subject.entry.mtime_ns else "",
    }
