"""What was handed over to clouds, in words and for programs."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.cli.console import Console
from catalog.domain.names import to_text
from catalog.errors import DONE
from catalog.features.reingest.status import Overview, ReportState, StagingFolder

NAMES_SHOWN = 20


def show(console: Console, found: Overview) -> int:
    """The handovers of each target, then staging folders, then reports."""
    if console.json:
        for event in _events(found):
            console.out_json(event)
        return DONE
    for line in _lines(found):
        console.out(line)
    return DONE


def _events(found: Overview) -> Iterator[dict[str, object]]:
    for (target, state, kind), count in sorted(found.handovers.items()):
        yield {"event": "handovers", "target": target, "state": state, "kind": kind, "count": count}
    for folder in found.folders:
        names = {
            n: [r["name"] for r in getattr(folder, n)] for n in ("waiting", "vanished", "changed")
        }
        yield {"event": "staging", "folder": folder.path, "there": folder.is_there, **names}
    for report in found.reports:
        yield _report_event(report)
    counts = {
        "handovers": sum(found.handovers.values()),
        "staging": len(found.folders),
        "reports": len(found.reports),
    }
    yield {"event": "summary", **counts}


def _report_event(report: ReportState) -> dict[str, object]:
    return {
        "event": "report",
        "report": to_text(str(report.path)),
        "rows": report.rows,
        "actions": dict(report.actions),
        "processed": report.is_processed,
        "done": report.done,
        "failed": report.failed,
    }


def _lines(found: Overview) -> Iterator[str]:
    if not found.handovers:
        yield "Nothing was handed over yet."
    for (target, state, kind), count in sorted(found.handovers.items()):
        yield f"{target}: {count:,} {kind}{'s' if count != 1 else ''} {state}"
    for folder in found.folders:
        yield from _folder_lines(folder)
    for report in found.reports:
        actions = ", ".join(f"{n:,} {action}" for action, n in report.actions.items())
        done = (
            f"processed: {report.done:,} done, {report.failed:,} failed"
            if report.is_processed
            else "not processed"
        )
        yield f"Report {to_text(str(report.path))}: {actions or 'empty'}; {done}"


def _folder_lines(folder: StagingFolder) -> Iterator[str]:
    if not folder.is_there:
        yield (
            f"{folder.path}: not there now; {len(folder.waiting):,} files were staged in it. Is "
            "it mounted?"
        )
        return
    yield (
        f"{folder.path}: {len(folder.waiting):,} files wait to be uploaded, "
        f"{len(folder.vanished):,} have left it"
    )
    for word, records in (("left", folder.vanished), ("changed", folder.changed)):
        for record in records[:NAMES_SHOWN]:
            yield f"  {word}: {record['name']}"
        if len(records) > NAMES_SHOWN:
            yield f"  and {len(records) - NAMES_SHOWN:,} more {word}"
    if folder.vanished:
        yield f"  If they are in the cloud: reingest confirm --emptied {folder.path}"
