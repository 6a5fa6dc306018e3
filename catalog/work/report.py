"""What became of every file: counted, told as it happens, and summed up at the end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from catalog.domain.filetypes import MEDIA_EXTENSIONS, extension_of
from catalog.domain.names import printable
from catalog.errors import DONE, SOME_FAILED

OUTCOMES = ("new", "duplicate", "unsupported", "ignored", "failed")
"""What becomes of a file that is uploaded; other runs have words of their own."""
REASONS_SHOWN = 20
_PROBLEMS = frozenset({"failed", "damaged", "edited", "missing", "unknown", "refused"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file. `outcome` is one of the report's outcomes, or `planned` in a dry run."""

    action: str
    path: str
    outcome: str
    store: str = ""
    target: str = ""
    hash: str = ""
    reason: str = ""
    size: int = 0
    stored: int = 0

    def line(self) -> str:
        """For a person."""
        arrow = f" -> {self.store}:{self.target}" if self.target else ""
        reason = f": {self.reason}" if self.reason else ""
        what = f"{self.outcome} {self.action:<9}" if self.outcome == "planned" else f"{self.outcome:<11}"
        return printable(f"{what} {self.path}{arrow}{reason}")

    def is_problem(self) -> bool:
        """Whether a person should see it: a failure, or a file that is called a photo or video and is none."""
        is_called_media = extension_of(self.path) in MEDIA_EXTENSIONS
        return self.outcome in ("failed", "refused", "damaged", "missing", "unknown", "changed file") or (
            self.outcome == "unsupported" and is_called_media
        )

    def event(self) -> dict[str, Any]:
        """For a program."""
        return {"action": self.action, "store": self.store, "path": self.path, "target": self.target, "hash": self.hash,
                "outcome": self.outcome, "reason": self.reason, "bytes": self.size}  # fmt: skip


@dataclass(slots=True)
class Report:
    """Collects outcomes; tells them to `write` (stdout) as wanted. Safe to use from several threads.

    `outcomes` are those it sums up, `always` those it names where there were none, too, `shown` those of which each file
    is told, `bad` those that make the run end with 3; `done` is what became of bytes.
    """

    write: Callable[[str], None]
    complain: Callable[[str], None]
    json: bool = False
    verbose: bool = False
    quiet: bool = False
    dry: bool = False
    outcomes: tuple[str, ...] = OUTCOMES
    always: tuple[str, ...] = ("new", "duplicate")
    shown: tuple[str, ...] = ()
    done: str = "stored"
    bad: tuple[str, ...] = ("failed", "refused", "damaged", "unknown")
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    bytes_read: int = 0
    bytes_stored: int = 0
    error: str = ""
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, outcome: str, number: int = 1) -> None:
        """Count files that need no line of their own."""
        with self._lock:
            self.counts[outcome] += number

    def add(self, outcome: Outcome) -> None:
        """Count one file and tell of it: problems always, the rest when verbose; every one as JSON."""
        with self._lock:
            self.counts[outcome.outcome] += 1
            self.bytes_read += outcome.size
            self.bytes_stored += outcome.stored
            if outcome.reason and outcome.outcome in (*_PROBLEMS, "unsupported", "skipped"):
                self.reasons[outcome.outcome, outcome.reason] += 1
            if self.json:
                self.write(orjson.dumps(outcome.event()).decode())
            elif outcome.is_problem():
                self.complain(outcome.line())
            elif self.verbose or outcome.outcome == "planned" or (outcome.outcome in self.shown and not self.quiet):
                self.write(outcome.line())

    @property
    def seconds(self) -> float:
        """Since the report was made."""
        return time.monotonic() - self._began

    @property
    def files(self) -> int:
        """Files with an outcome."""
        return self.counts.total()

    def exit_code(self) -> int:
        """0 where every file has the outcome it should have, 3 where some failed."""
        return SOME_FAILED if any(self.counts[o] for o in self.bad) else DONE

    def finish(self, **extra: Any) -> None:
        """Write the summary."""
        if self.json:
            self.write(orjson.dumps(self.summary() | extra).decode())
            return
        for line in self._summary_lines(extra):
            self.write(line)

    def summary(self) -> dict[str, Any]:
        """The last JSON object of a run."""
        seconds = self.seconds
        summary = {
            "event": "summary",
            "files": self.files,
            **{outcome: self.counts[outcome] for outcome in self.outcomes},
            "planned": self.counts["planned"],
            "bytes": self.bytes_stored,
            "bytes_read": self.bytes_read,
            "seconds": round(seconds, 3),
            "files_per_second": round(self.files / seconds, 1) if seconds else 0.0,
            "reasons": [{"outcome": o, "reason": r, "count": n} for (o, r), n in self.reasons.most_common(REASONS_SHOWN)],
        }
        return summary | ({"error": self.error} if self.error else {})

    def _summary_lines(self, extra: dict[str, Any]) -> list[str]:
        seconds = self.seconds
        rate = self.files / seconds if seconds else 0.0
        lines = []
        if self.dry:
            lines.append(f"Dry run: {self.counts['planned']} files would be {self.done}; nothing was changed.")
        parts = [f"{self.counts[o]:,} {o}" for o in self.outcomes if self.counts[o] or (o in self.always and not self.dry)]
        lines.append(f"{self.files:,} files: {', '.join(parts)}." if parts else f"{self.files:,} files.")
        for (outcome, reason), count in self.reasons.most_common(REASONS_SHOWN):
            lines.append(f"  {outcome}: {reason}" + (f" ({count:,} files)" if count > 1 else ""))
        stored = f"{size_text(self.bytes_stored)} {self.done}" if self.bytes_stored or self.done == "stored" else "Done"
        lines.append(f"{stored} in {seconds:.1f} s ({rate:,.0f} files/s).")
        lines += [f"{key.capitalize()}: {value}" for key, value in extra.items()]
        return lines


def size_text(count: int) -> str:
    """Bytes for people: `1.8 MB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{count} B"
