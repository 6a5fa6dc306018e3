"""What takes a run back: from the events it left, the steps that reverse them, latest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from catalog.domain.document import EventRow

NOTHING, TO_TRASH, FROM_TRASH, MOVE_BACK, PUT_BACK, NEVER = (
    "nothing",
    "to trash",
    "from trash",
    "move back",
    "put back",
    "never",
)
HANDOVER, UNDECIDE = "handover", "undecide"
"""Steps for what was handed over to a cloud (its record, and the staged copy),
and for what a person decided.
"""
RENDITION = "rendition"
"""The action of events by which a converted file came to be in the place of its original."""
_TELL_ONLY = frozenset({"duplicate", "keep"})
_SEEN = frozenset(
    {
        "touch",
        "move",
        "copy",
        "gone",
        "missing",
        "damaged",
        "sidecars",
        "new",
        "changed",
        "verify",
        "reread",
        "stack",
    }
)
"""What a look at a disk has recorded."""


@dataclass(frozen=True, slots=True)
class Step:
    """The reverse of one event: what is done with files (`kind`), and with which;
    the document is reversed besides.

    `files` are (store, path, content hash) of those that the run brought, or took away into
    `trash`, its part of the trash; `instead` are those it put in their place.
    """

    event: EventRow
    kind: str
    files: tuple[tuple[str, str, str], ...] = ()
    trash: str = ""
    instead: tuple[tuple[str, str, str], ...] = ()
    reason: str = ""

    @property
    def path(self) -> str:
        """What a person knows it by."""
        event = self.event
        source = event.get("source", "")
        return source if self.kind == PUT_BACK else event.get("path") or source


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A step that can be taken, or the reason why not (`problem`).

    `begun`: an undo that was cut off has changed the record already.
    """

    step: Step
    problem: str = ""
    begun: bool = False

    @property
    def name(self) -> str:
        """What it is called."""
        return f"undo {self.step.event['action']}"

    @property
    def key(self) -> str:
        """What a person knows it by."""
        return self.step.path

    @property
    def hash(self) -> str:
        """The content it is about."""
        return self.step.event["hash"]

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return not self.problem

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.key}" + (f": {self.problem}" if self.problem else "")


@dataclass(frozen=True, slots=True)
class SourceBack:
    """A source that an upload removed comes back to where it lay, on the disk `device`.

    `hash` is that of its asset; `places` are those of the catalog that may hold it, each a store, a
    path and a content hash.
    """

    source: str
    hash: str
    device: int | None
    places: tuple[tuple[str, str, str], ...]
    name: str = "undo remove"
    counts: bool = True

    @property
    def key(self) -> str:
        """What a person knows it by."""
        return self.source

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.source}"


Undo = TakeBack | SourceBack


_STAYS = {
    "empty": "what was removed from the trash is gone for good",
    "putback": "a file that was put back stays where it is",
    "repair": "a repaired copy is not made bad again; the bad one lies in the trash",
}
"""What is never taken back, and why."""


def steps(events: Iterable[EventRow]) -> list[Step]:
    """The steps, latest event first. Events that changed nothing have none."""
    ordered = sorted(
        enumerate(events), key=lambda told: (told[1].get("at", ""), told[0]), reverse=True
    )
    return [_step(e) for _number, e in ordered if e["action"] not in _TELL_ONLY]


def _step(event: EventRow) -> Step:
    if event.get("effect") == "handover":
        if event.get("after"):
            return Step(event, HANDOVER)
        return Step(
            event,
            NEVER,
            reason="a handover that was taken back is made again by processing its report",
        )
    if event.get("effect") != "file" and event["action"] in _SEEN:
        return Step(
            event,
            NEVER,
            reason="it tells what lay on the disk; sync_catalog_with_disk records what lies there "
            "now",
        )
    if event["action"] == "decide":
        return Step(event, UNDECIDE)
    if event.get("effect") != "file":
        return Step(event, NOTHING)
    action = event["action"]
    if action == "remove":
        return Step(event, PUT_BACK, ((event["store"], event["path"], event["hash"]),))
    if action in _STAYS:
        return Step(event, NEVER, reason=_STAYS[action])
    if event.get("trash") and action in ("trash", "sidecar"):
        part = event["trash"].partition("/")[0]
        return Step(event, FROM_TRASH, _files(event, "before"), part, _files(event, "after"))
    if action == "trash":
        return Step(
            event, NEVER, reason="its store has no trash: what was removed there is gone for good"
        )
    if action == "move":
        return Step(event, MOVE_BACK, _files(event, "after"))
    return Step(event, TO_TRASH, _files(event, "after"))


def _files(event: EventRow, side: Literal["before", "after"]) -> tuple[tuple[str, str, str], ...]:
    """The files that an event says went ("before") or came ("after"):
    rows of copies and sidecars.
    """
    told = event.get(side) or {}
    rows = told.get("document") or told
    copies, sidecars = rows.get("copies", []), rows.get("sidecars", [])
    return (
        *((row["store"], row["path"], event["hash"]) for row in copies),
        *((row["store"], row["path"], row["hash"]) for row in sidecars),
    )
