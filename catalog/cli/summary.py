"""The words of a run: a line for each file as it has its outcome, and the summary at the end, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalog.domain.amounts import size_text
from catalog.domain.filetypes import MEDIA_EXTENSIONS, extension_of
from catalog.domain.names import printable, to_text
from catalog.errors import Interrupted
from catalog.work.report import Outcome, Report

REASONS_SHOWN = 20
_TOLD = frozenset({"failed", "refused", "damaged", "missing", "unknown", "changed file"})
"""Outcomes that a person is told of without asking."""


@dataclass(frozen=True, slots=True)
class Words:
    """How a run is summed up.

    `outcomes` are those that are counted, `always` those that are named where there were none, too, `shown` those of which
    each file is told. `done` is what became of bytes. `sends`: a dry run says how much would travel.
    """

    outcomes: tuple[str, ...] = ("new", "duplicate", "unsupported", "ignored", "failed")
    always: tuple[str, ...] = ("new", "duplicate")
    shown: tuple[str, ...] = ()
    done: str = "stored"
    dry_done: str = ""
    sends: bool = False


def outcome_line(outcome: Outcome) -> str:
    """One file for a person."""
    arrow = f" -> {outcome.store}:{outcome.target}" if outcome.target else ""
    reason = f": {outcome.reason}" if outcome.reason else ""
    is_planned = outcome.outcome == "planned"
    what = f"{outcome.outcome} {outcome.action:<9}" if is_planned else f"{outcome.outcome:<11}"
    return printable(f"{what} {outcome.path}{arrow}{reason}")


def is_problem(outcome: Outcome) -> bool:
    """Whether a person should see it: a failure, or a file that is called a photo or video and is none."""
    is_called_media = extension_of(outcome.path) in MEDIA_EXTENSIONS
    return outcome.outcome in _TOLD or (outcome.outcome == "unsupported" and is_called_media)


def summary_object(report: Report, words: Words) -> dict[str, Any]:
    """The last JSON object of a run."""
    seconds = report.seconds
    summary: dict[str, Any] = {
        "event": "summary",
        "files": report.files,
        **{outcome: report.counts[outcome] for outcome in words.outcomes},
        "planned": report.counts["planned"],
        "bytes": report.bytes_stored,
        "bytes_read": report.bytes_read,
        "seconds": round(seconds, 3),
        "files_per_second": round(report.files / seconds, 1) if seconds else 0.0,
        "reasons": [
            {"outcome": outcome, "reason": reason, "count": count}
            for (outcome, reason), count in report.reasons.most_common(REASONS_SHOWN)
        ],
    }
    if report.stopped is not None:
        summary["error"] = "interrupted" if isinstance(report.stopped, Interrupted) else str(report.stopped)
    if report.run:
        summary |= {"run": report.run, "journal": to_text(str(report.journal))}
    if report.dry and words.sends:
        summary["bytes_planned"] = report.bytes_planned
    return summary | report.further


def summary_lines(report: Report, words: Words) -> list[str]:
    """The end of a run for a person."""
    seconds = report.seconds
    rate = report.files / seconds if seconds else 0.0
    lines = []
    if report.dry:
        done = words.dry_done or words.done
        lines.append(f"Dry run: {report.counts['planned']} files would be {done}; nothing was changed.")
    counts = report.counts
    parts = [
        f"{counts[outcome]:,} {outcome}"
        for outcome in words.outcomes
        if counts[outcome] or (outcome in words.always and not report.dry)
    ]
    lines.append(f"{report.files:,} files: {', '.join(parts)}." if parts else f"{report.files:,} files.")
    for (outcome, reason), count in report.reasons.most_common(REASONS_SHOWN):
        lines.append(f"  {outcome}: {reason}" + (f" ({count:,} files)" if count > 1 else ""))
    stored = f"{size_text(report.bytes_stored)} {words.done}" if report.bytes_stored or words.done == "stored" else "Done"
    lines.append(f"{stored} in {seconds:.1f} s ({rate:,.0f} files/s).")
    if report.run:
        lines += [f"Run: {report.run}", f"Journal: {to_text(str(report.journal))}"]
    if report.dry and words.sends:
        lines.append(f"To send: {size_text(report.bytes_planned)}")
    lines += [f"{key.capitalize()}: {value}" for key, value in report.further.items()]
    return lines
