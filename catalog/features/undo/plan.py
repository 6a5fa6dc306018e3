"""What takes a run back: from the events it left, the steps that reverse them, latest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from catalog.domain.document import EventRow, EventSide
from catalog.domain.events import RENAMING, event_id
from catalog.domain.shapes import find_problem

NOTHING, TO_TRASH, FROM_TRASH, MOVE_BACK, PUT_BACK, NEVER = (
    "nothing",
    "to trash",
    "from trash",
    "move back",
    "put back",
    "never",
)
UNRECORDED = "unrecorded"
"""A step for a file that a killed run brought, or renamed, before it had recorded that."""
TAKES_AWAY = TO_TRASH, UNRECORDED
"""Steps that take files from where they lie."""
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
_REVERSED_BY = {
    TO_TRASH: "trash",
    FROM_TRASH: "restore",
    MOVE_BACK: "move",
    PUT_BACK: "putback",
    HANDOVER: "take back",
}
"""The action of the event that takes back a step of a kind; of the other kinds it is "undo"."""


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

    @property
    def is_rename(self) -> bool:
        """Whether nobody recorded that a file was renamed, and its name comes back."""
        return self.kind == UNRECORDED and self.event["action"] == RENAMING

    @property
    def id(self) -> str:
        """The id of the event, by which it is known what takes it back."""
        return event_id(self.event.get("run", ""), self.event)

    @property
    def reversal_key(self) -> tuple[str, str, str]:
        """By what an event is known to take it back that does not name it (`key_of_reversal`)."""
        event = self.event
        path = event.get("path", "")
        if self.kind in (MOVE_BACK, PUT_BACK):
            path = event.get("source", "")
        return _REVERSED_BY.get(self.kind, "undo"), event["hash"], path


def key_of_reversal(event: EventRow) -> tuple[str, str, str]:
    """What an event of an undo has done: its action, the asset and the file."""
    is_outside = event["action"] == "putback"
    path = event.get("source", "") if is_outside else event.get("path", "")
    return event["action"], event["hash"], path


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What earlier undos have taken back of a run, and which was not brought back since.

    `ids` are the events of the run, `keys` those of which undos of earlier versions did not say the
    id, and `sources` the files outside the stores that were put back.
    """

    ids: frozenset[str]
    keys: frozenset[tuple[str, str, str]]
    sources: frozenset[str]

    def has(self, step: Step) -> bool:
        """Whether a step was taken: of one with files, that its record was changed."""
        return step.id in self.ids or step.reversal_key in self.keys


def taken_back(events: Iterable[EventRow]) -> TakenBack:
    """What the events of undos say."""
    told = list(events)
    return TakenBack(
        frozenset(e["reverses"] for e in told if "reverses" in e),
        frozenset(key_of_reversal(e) for e in told if "reverses" not in e),
        frozenset(e.get("source", "") for e in told if e["action"] == "putback"),
    )


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A step that can be taken, or the reason why not (`problem`).

    `begun`: an undo that was cut off has changed the record already, or there is none. `told`: of
    that it has told already. `done`: nothing is left to do.
    """

    step: Step
    problem: str = ""
    begun: bool = False
    done: bool = False
    told: bool = False

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
        return not (self.problem or self.done)

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.key}" + (f": {self.problem}" if self.problem else "")


@dataclass(frozen=True, slots=True)
class SourceBack:
    """A source that an upload removed comes back to where it lay, on the disk `device`.

    `hash` is that of its asset; `places` are those of the catalog that may hold it, each a store, a
    path and a content hash. `mtime_ns` is the time that it had, None where nobody knows. `done`: an
    earlier undo has put it back.
    """

    source: str
    hash: str
    device: int | str | None
    places: tuple[tuple[str, str, str], ...]
    mtime_ns: int | None = None
    done: bool = False
    name: str = "undo remove"

    @property
    def counts(self) -> bool:
        """Whether a limit counts it."""
        return not self.done

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
_NEVER_RECORDED = "it was never recorded; `catalog trash restore` brings it back from the trash"


def steps(events: Iterable[EventRow]) -> list[Step]:
    """The steps, latest event first. Events that changed nothing have none."""
    ordered = sorted(
        enumerate(events), key=lambda told: (told[1].get("at", ""), told[0]), reverse=True
    )
    return [_step(e) for _number, e in ordered if e["action"] not in _TELL_ONLY]


def _step(event: EventRow) -> Step:
    problem = find_problem(event, EventRow)
    step = Step(event, NEVER, reason=f"its event {problem}") if problem else _step_of(event)
    lacking = _lacking(step)
    return Step(event, NEVER, reason=f"its event does not say {lacking}") if lacking else step


def _lacking(step: Step) -> str:
    """What an event must say so that a step can be taken, and does not; "" where it says all."""
    event, kind = step.event, step.kind
    if kind == HANDOVER:
        sides = [_side(event, name).get("handover") for name in ("before", "after")]
        whole = [
            _says(side, "target", "hash", "folder", "name", "staged", "source")
            for side in sides
            if side is not None
        ]
        return "" if whole and all(whole) else "what was handed over"
    if kind == UNDECIDE:
        return "" if _says(event, "source") else "what was decided"
    if kind in (PUT_BACK, MOVE_BACK) and not _says(event, "store", "path"):
        return "which file it was"
    if kind == PUT_BACK and not (_says(event, "source") and _says(_side(event, "before"), "hash")):
        return "what lay there before"
    if kind == MOVE_BACK and not _says(event, "source"):
        return "where the file was before"
    if kind in (FROM_TRASH, TO_TRASH) and not step.files and not step.instead:
        return "which files it took away" if kind == FROM_TRASH else "which files it brought"
    return ""


def _side(event: EventRow, name: Literal["before", "after"]) -> EventSide:
    return event.get(name) or {}


def _says(row: Mapping[str, object], *names: str) -> bool:
    """Whether a row has text in these fields."""
    return all(isinstance(row.get(name), str) and row.get(name) for name in names)


def _step_of(event: EventRow) -> Step:
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
            reason="it tells what lay there; `catalog sync` records what lies there now",
        )
    if event["action"] == "decide":
        return Step(event, UNDECIDE)
    if event.get("effect") != "file":
        return Step(event, NOTHING)
    action = event["action"]
    if action == "remove":
        return Step(event, PUT_BACK)
    if action in _STAYS:
        return Step(event, NEVER, reason=_STAYS[action])
    if action == "trash" and event.get("before") == {}:
        return Step(event, NEVER, reason=_NEVER_RECORDED)
    if event.get("trash") and action in ("trash", "sidecar", "copy"):
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
    told = _side(event, side)
    rows = told.get("document") or told
    copies, sidecars = rows.get("copies") or [], rows.get("sidecars") or []
    return (
        *((row["store"], row["path"], event["hash"]) for row in copies),
        *((row["store"], row["path"], row["hash"]) for row in sidecars),
    )
