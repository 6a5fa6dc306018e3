"""What a run may do, as values: sorted, printable, comparable, and harmless until applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from catalog.domain.asset import Entry


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is done with an entry, for a reason. `outcome` is `unsupported`, `ignored` or `failed`."""

    source: Entry
    reason: str
    outcome: str = "unsupported"

    name: ClassVar[str] = "skip"

    @property
    def key(self) -> str:
        """What actions are ordered and limited by."""
        return self.source.path

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.outcome} {self.source.path}: {self.reason}"
