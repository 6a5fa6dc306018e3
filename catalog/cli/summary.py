"""The words of a run: a line for each file as it has its outcome, and the summary at the end,
for people and for programs.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.domain.amounts import size_text
from catalog.domain.filetypes import MEDIA_EXTENSIONS, extension_of
from catalog.domain.names import printable, to_text
from catalog.errors import Interrupted
from catalog.work.outcome import Outcome, RunResult

REASONS_SHOWN = 20
_TOLD = frozenset({"failed", "refused", "damaged", "held", "missing", "unknown", "changed file"})
"""Outcomes that a person is told of without asking."""


@dataclass(frozen=True, slots=True)
class SummaryFormat:
    """How a run is summed up.

    `outcomes` are those that are counted, `always` those that are named where there were none, too,
    `shown` those of which each file is told. `done` is what became of bytes. `sends`: a dry run
    says how much would travel.
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
    """Whether a person should see it: a failure,
    or a file that is called a photo or video and is none.
    """
    is_called_media = extension_of(outcome.path) in MEDIA_EXTENSIONS
    return outcome.outcome in _TOLD or (outcome.outcome == "unsupported" and is_called_media)


def summary_object(result: RunResult, words: SummaryFormat) -> dict[str, object]:
    """The last JSON object of a run."""
    seconds = result.seconds
    summary: dict[str, object] = {
        "event": "summary",
        "files": result.files,
        **{outcome: result.counts[outcome] for outcome in words.outcomes},
        "planned": result.counts["planned"],
        "bytes": result.bytes,
        "bytes_read": result.bytes_read,
        "seconds": round(seconds, 3),
        "files_per_second": round(result.files / seconds, 1) if seconds else 0.0,
        "reasons": [
            {"outcome": outcome, "reason": reason, "count": count}
            for (outcome, reason), count in result.reasons.most_common(REASONS_SHOWN)
        ],
    }
    if result.stopped is not None:
        summary["error"] = (
            "interrupted" if isinstance(result.stopped, Interrupted) else str(result.stopped)
        )
    if result.run:
        summary |= {"run": result.run, "journal": to_text(str(result.journal))}
    if result.dry and words.sends:
        summary["bytes_planned"] = result.bytes_planned
    return {**summary, **result.further}


def summary_lines(result: RunResult, words: SummaryFormat) -> list[str]:
    """The end of a run for a person."""
    seconds = result.seconds
    rate = result.files / seconds if seconds else 0.0
    lines = []
    if result.dry:
        done = words.dry_done or words.done
        lines.append(
            f"Dry run: {result.counts['planned']} files would be {done}; nothing was changed."
        )
    counts = result.counts
    parts = [
        f"{counts[outcome]:,} {outcome}"
        for outcome in words.outcomes
        if counts[outcome] or (outcome in words.always and not result.dry)
    ]
    lines.append(
        f"{result.files:,} files: {', '.join(parts)}." if parts else f"{result.files:,} files."
    )
    for (outcome, reason), count in result.reasons.most_common(REASONS_SHOWN):
        lines.append(f"  {outcome}: {reason}" + (f" ({count:,} files)" if count > 1 else ""))
    stored = (
        f"{size_text(result.bytes)} {words.done}"
        if result.bytes or words.done == "stored"
        else "Done"
    )
    lines.append(f"{stored} in {seconds:.1f} s ({rate:,.0f} files/s).")
    if result.run:
        lines += [f"Run: {result.run}", f"Journal: {to_text(str(result.journal))}"]
    if result.dry and words.sends:
        lines.append(f"To send: {size_text(result.bytes_planned)}")
    lines += [f"{key.capitalize()}: {value}" for key, value in result.further.items()]
    return lines
