"""What an asset's document becomes when its file is read again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.domain.assignments import describe_change
from catalog.domain.document import AssetDocument
from catalog.domain.edits import described_anew, difference

COMMAND = "reread"
NOT_HERE = "no copy of it can be read on this machine now"
OTHER_BYTES = "its bytes are not as recorded: a sync says what they are"


@dataclass(frozen=True, slots=True)
class Describe:
    """An asset is described anew by `facts`, a document as its bytes alone make it; None where
    nothing could be read, which is its `problem`. `change` says in words what becomes another,
    "" where that is nothing but which version has read it.
    """

    hash: str
    path: str = ""
    store: str = ""
    facts: AssetDocument | None = None
    change: str = ""
    problem: str = ""
    name: str = COMMAND

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


def plan_description(
    store: str, path: str, document: AssetDocument, facts: AssetDocument
) -> Describe:
    """What a document becomes with what was read; what a person said, and what links the asset to
    others, stays.
    """
    changed = difference(document, described_anew(facts)(document))
    change = describe_change(*changed) if changed else ""
    return Describe(document["hash"], path, store, facts, change)
