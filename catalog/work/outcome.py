"""What becomes of one file in a run, and what the run comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from catalog.domain.actions import Amend
from catalog.errors import CatalogError

BAD = ("failed", "refused", "damaged", "held", "unknown")
"""Outcomes that no file should have, unless a run says otherwise."""

NAMES_STAY = "Files keep their names; `catalog refile` gives them those that go with it."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file, or what will be in a dry run (`planned`).

    `size` bytes were read for it, `stored` written.
    """

    action: str
    path: str
    outcome: str
    store: str = ""
    target: str = ""
    hash: str = ""
    reason: str = ""
    size: int = 0
    stored: int = 0

    def event(self) -> dict[str, object]:
        """For a program."""
        return {
            "action": self.action,
            "store": self.store,
            "path": self.path,
            "target": self.target,
            "hash": self.hash,
            "outcome": self.outcome,
            "reason": self.reason,
            "bytes": self.size,
        }


def amendment_outcome(action: Amend, became: str, problem: str = "") -> Outcome:
    """What became of a document that was to change; its change is told where it came, or will."""
    reason = problem or (action.change if became in ("planned", "changed") else "")
    return Outcome(action.name, action.path, became, action.store, hash=action.hash, reason=reason)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to.

    `run` is its id and `journal` its file; both are empty for a dry run, which changed nothing.

    `counts` are files by outcome (0 for one that none had); `problems`, how many of them have one
    that they should not have. `reasons` are counted by outcome and reason. `bytes` were written,
    `bytes_read` read, `bytes_planned` would be written in a dry run. `further` is what its end says
    besides, in this order; `stopped` what ended the run before its time.
    """

    command: str
    run: str
    journal: Path | None
    dry: bool
    counts: Counter[str]
    problems: int
    reasons: Counter[tuple[str, str]]
    bytes: int
    bytes_read: int
    bytes_planned: int
    seconds: float
    further: Mapping[str, object] = field(default_factory=dict)
    stopped: CatalogError | None = None

    @property
    def files(self) -> int:
        """Files with an outcome."""
        return self.counts.total()
