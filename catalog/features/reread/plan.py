"""What an asset's document becomes when its file is read again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.domain.actions import Amend
from catalog.domain.assignments import describe_change
from catalog.domain.document import AssetDocument, Captured
from catalog.domain.edits import described_anew, difference, with_captured

COMMAND = "reread"
NOT_THERE = "no copy of it can be read now"
INCOMPLETE = "it lies far away, and what it states is in more parts than are fetched of a file"
OTHER_BYTES = "its bytes are not as recorded: a sync says what they are"


@dataclass(frozen=True, slots=True)
class Describe(Amend):
    """An asset is described anew by `facts`, a document as its bytes alone make it; None where it
    was not read. `captured`: only its capture time becomes that of its shot. `change` is "" also
    where that is nothing but which version has read it. `in_part`: its look was not read.
    """

    facts: AssetDocument | None = None
    in_part: bool = False
    captured: Captured | None = None


def plan_description(
    store: str, path: str, document: AssetDocument, facts: AssetDocument, *, in_part: bool = False
) -> Describe:
    """What a document becomes with what was read; what a person said, and what links the asset to
    others, stays.
    """
    changed = difference(document, described_anew(facts, in_part=in_part)(document))
    change = describe_change(*changed) if changed else ""
    name = document["hash"]
    return Describe(COMMAND, name, store, path, change, facts=facts, in_part=in_part)


def plan_following(document: AssetDocument, captured: Captured) -> Describe:
    """What a document becomes whose time another file of its shot leads."""
    changed = difference(document, with_captured(captured)(document))
    change = describe_change(*changed) if changed else ""
    row = next(iter(document["copies"]), None)
    store, path = (row["store"], row["path"]) if row else ("", document["hash"])
    return Describe(COMMAND, document["hash"], store, path, change, captured=captured)
