"""Exports and imports: files or standard streams, what could not be brought in, and the sums."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from catalog.cli.console import Console, TerminalSink
from catalog.cli.summary import SummaryFormat
from catalog.cli.terminal import ByteOutput, complain, json_text, tell_line
from catalog.domain.amounts import size_text
from catalog.domain.names import to_text
from catalog.errors import DONE, INTERRUPTED, SOME_FAILED
from catalog.features.backup.export import ExportRequest, ExportResult, run_export
from catalog.features.backup.imports import (
    DocumentOutcome,
    ImportRequest,
    ImportResult,
    run_import,
)
from catalog.features.backup.packed_files import PackedInput, Target
from catalog.features.backup.stream import FAILED, MERGED, NEW, OUTCOMES
from catalog.index import schema
from catalog.work.outcome import Outcome, RunResult
from catalog.work.sink import SilentSink
from catalog.work.workspace import Workspace

STANDARD = "-"
"""The name that stands for stdin or stdout."""
FAILURES_SHOWN = 20
_CALLED = {
    schema.ASSETS: "assets",
    "events": "events",
    "stores": "stores",
    "sources": "read files",
    "decisions": "decisions",
    "handovers": "handovers",
    schema.ACCESS: "users and tokens",
}
"""What the documents of each index are, in the order in which they are told."""


def write_export(
    console: Console, workspace: Workspace, file: str, *, force: bool, with_access: bool
) -> int:
    """Write an export; where stdout is taken by it, the summary goes to stderr."""
    target = Target(ByteOutput(), "stdout") if file == STANDARD else None
    request = ExportRequest(file, force=force, target=target, with_access=with_access)
    done = run_export(workspace, request, SilentSink(console.progress()))
    line = _export_line(console, file, done)
    if target is not None:
        complain(line)
    else:
        console.out(line)
    return DONE


def _export_line(console: Console, file: str, done: ExportResult) -> str:
    if console.json:
        summary = {"event": "summary", "documents": done.documents, **done.counts}
        summary |= {"bytes": done.bytes, "file": to_text(file)}
        return json_text(summary | _timed(done.documents, done.seconds))
    where = "stdout" if file == STANDARD else file
    size = f"{size_text(done.bytes)} before packing{_rate(done.documents, done.seconds)}"
    return f"Exported {_listed(done.counts)} to {where}: {size}."


def read_import(
    console: Console, workspace: Workspace, file: str, *, dryrun: bool, with_access: bool
) -> int:
    """Bring an export in, and sum up; 3 where documents could not be brought in."""
    source = PackedInput(sys.stdin.buffer, "stdin") if file == STANDARD else None
    request = ImportRequest(file, dryrun=dryrun, source=source, with_access=with_access)
    result = run_import(
        workspace, request, ImportSink(console, SummaryFormat(), console.progress())
    )
    tell_line(_import_json(result) if console.json else _import_line(result))
    return SOME_FAILED if result.problems else DONE


class ImportSink(TerminalSink):
    """Tells of documents that were merged (as JSON) or could not be brought in; no sums."""

    _failures = 0

    def add(self, outcome: Outcome) -> None:
        """The first failures for a person, all of them for a program."""
        assert isinstance(outcome, DocumentOutcome)
        if outcome.outcome not in (MERGED, FAILED):
            return
        if self.console.json:
            super().add(outcome)
        elif outcome.outcome == FAILED and self._failures < FAILURES_SHOWN:
            self._failures += 1
            where = f"Line {outcome.line} was not imported"
            what = f"{_CALLED[outcome.what]} {outcome.path}"
            self.progress.write(f"{where}: {what}: {outcome.reason}")

    def end(self, result: RunResult) -> None:
        """That it was interrupted; any other error is told by the program."""
        self.progress.close()
        if result.stopped is not None and result.stopped.exit_code == INTERRUPTED:
            self.progress.write(str(result.stopped))


def _import_json(result: ImportResult) -> str:
    run, outcomes = result.run, _outcomes(result)
    total = sum(outcomes.values())
    summary = {"event": "summary", "dryrun": run.dry, "documents": total, **outcomes}
    summary |= result.documents
    summary |= {"run": run.run} if run.run else {}
    return json_text(summary | _timed(total, run.seconds))


def _import_line(result: ImportResult) -> str:
    outcomes = _outcomes(result)
    total = sum(outcomes.values())
    would = "Dry run, nothing was changed: " if result.run.dry else ""
    named = (f"{n:,} {outcome}" for outcome, n in outcomes.items() if n or outcome == NEW)
    new = _listed({what: counts[NEW] for what, counts in result.documents.items()})
    rate = _rate(total, result.run.seconds)
    return f"{would}{total:,} documents: {', '.join(named)}{rate}. New: {new}."


def _outcomes(result: ImportResult) -> dict[str, int]:
    """How many documents of all indexes had each outcome."""
    documents = result.documents.values()
    return {outcome: sum(counts[outcome] for counts in documents) for outcome in OUTCOMES}


def _timed(total: int, seconds: float) -> dict[str, float]:
    rate = round(total / seconds, 1) if seconds else 0.0
    return {"seconds": round(seconds, 3), "documents_per_second": rate}


def _rate(total: int, seconds: float) -> str:
    return f" in {seconds:.1f} s ({total / seconds:,.0f} documents/s)" if seconds else ""


def _listed(counts: Mapping[str, int]) -> str:
    """`1,200 assets, 2,000 events`; those that are none are left out."""
    parts = (f"{counts[what]:,} {called}" for what, called in _CALLED.items() if counts.get(what))
    return ", ".join(parts) or "nothing"
