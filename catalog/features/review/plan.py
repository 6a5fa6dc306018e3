"""What follows from decisions about groups, and what is remembered of them for good. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.domain.decisions import (
    BAD,
    DROP,
    EXACT,
    KEEP,
    NOT_BAD,
    NOT_DUPLICATE,
    WANTED,
    Decision,
)
from catalog.features.lookalikes.groups import pair


@dataclass(frozen=True, slots=True)
class Refuse:
    """A row of a table of decisions that cannot be understood."""

    line: int
    reason: str
    name: str = "read"
    hash: str = ""
    counts: bool = False

    @property
    def key(self) -> str:
        """What it is known by."""
        return f"line {self.line}"

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FollowDecision:
    """A decision is followed; `place` is the `store:path` of what it is about, or its hash."""

    decision: Decision
    subject: str

    @property
    def name(self) -> str:
        """What was decided."""
        return self.decision.decision

    @property
    def key(self) -> str:
        """What it is known by."""
        return self.subject

    @property
    def hash(self) -> str:
        """The content it is about."""
        return self.decision.hash

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return self.decision.decision == DROP

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.subject}"


def pair_decisions(decisions: Sequence[Decision]) -> list[tuple[str, str, str]]:
    """What decisions say for good: (kind, hash, other hash), the lesser hash first."""
    groups: dict[str, list[Decision]] = {}
    for decision in decisions:
        groups.setdefault(decision.group, []).append(decision)
    found: set[tuple[str, str, str]] = set()
    for members in groups.values():
        whole = [d for d in members if d.kind != EXACT]
        staying = {d.hash for d in whole if d.decision != NOT_DUPLICATE} | {
            d.keeper for d in whole if d.keeper
        }
        kept = {d.hash for d in whole if d.decision == KEEP}
        for member in members:
            if member.kind == BAD:
                found |= {(NOT_BAD, member.hash, member.hash)} if member.decision == KEEP else set()
            elif member.kind == EXACT:
                if member.decision == NOT_DUPLICATE:
                    found.add((NOT_DUPLICATE, member.hash, member.hash))
            elif member.decision == NOT_DUPLICATE:
                found |= {
                    (NOT_DUPLICATE, *pair(member.hash, other)) for other in staying - {member.hash}
                }
            elif member.decision == KEEP:
                found |= {(WANTED, *pair(member.hash, other)) for other in kept - {member.hash}}
    return sorted(found)
