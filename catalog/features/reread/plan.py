"""What an asset's document becomes when its file is read again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.domain.actions import Amend
from catalog.domain.assignments import describe_change
from catalog.domain.document import AssetDocument
from catalog.domain.edits import described_anew, difference

COMMAND = "reread"
NOT_HERE = "no copy of it can be read on this machine now"
OTHER_BYTES = "its bytes are not as recorded: a sync says what they are"


@dataclass(frozen=True, slots=True)
class Describe(Amend):
    """An asset is described anew by `facts`, a document as its bytes alone make it; None where
    nothing could be read. `change` is "" also where that is nothing but which version has read it.
    """

    facts: AssetDocument | None = None


def plan_description(
    store: str, path: str, document: AssetDocument, facts: AssetDocument
) -> Describe:
    """What a document becomes with what was read; what a person said, and what links the asset to
    others, stays.
    """
    changed = difference(document, described_anew(facts)(document))
    change = describe_change(*changed) if changed else ""
    return Describe(COMMAND, document["hash"], store, path, change, facts=facts)
