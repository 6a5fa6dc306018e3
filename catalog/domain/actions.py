"""What a run may do, as values: sorted, printable, comparable, and harmless until applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from catalog.domain.asset import Entry


class Action(Protocol):
    """One thing that a plan says is to be done, or is not, with the reason.

    `name` is what the journal and the history call it, `key` what actions are ordered by (mostly a
    path), `hash` the content it is about ("" for none). `counts`: whether it is one of those that a
    limit counts; what is skipped is not.
    """

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def key(self) -> str:
        """What it is ordered by."""
        ...

    @property
    def hash(self) -> str:
        """The content it is about."""
        ...

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        ...

    def describe(self) -> str:
        """One line for a person."""
        ...


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is done with an entry, for a reason.

    `outcome` is `unsupported`, `ignored` or `failed`.
    """

    source: Entry
    reason: str
    outcome: str = "unsupported"
    name: str = "skip"
    hash: str = ""
    counts: bool = False

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.source.path

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.outcome} {self.source.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Amend:
    """The document of an asset becomes another by a command (`name`): `change` in words, "" for
    none.

    `store` and `path` are those of a copy of it. `problem` says why it cannot be.
    """

    name: str
    hash: str
    store: str
    path: str
    change: str = ""
    problem: str = ""

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.hash

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return bool(self.change)

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.path}: {self.change or self.problem or 'unchanged'}"
