"""How a converted video takes the place of its original, and how that is taken back: from what lies
where."""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.domain.spreadsheets import Row

NOTHING, ORIGINAL, RENDITION, OTHER = "nothing", "original", "rendition", "other"
"""What can lie at a place: no file, the recorded original or converted file, or something else."""
BRING_BACK, BACK_UP, CHECK, TAKE, PUT, RECORD, VERIFY = (
    "bring back",
    "back up",
    "check",
    "take away",
    "put",
    "record",
    "verify",
)
"""The steps, in this order: what a run that was killed had moved aside comes back; the original is
copied to the failsafe folder; the converted file is looked at once more; the original goes out of
the way; the converted file takes its place; the catalog is told; all is looked at again."""
REPLACE, UNDO = "replace", "undo"
"""The names of the actions."""


@dataclass(frozen=True, slots=True)
class ReplacementState:
    """What was found: at the original's place, and at that of the converted file (which may be the
    same).

    `backed_up`: the failsafe folder holds the original. `staged` is what lies where the converted
    file was made, `grows`: that is no smaller than the original. `aside` and `waiting` lie beside
    their places, where a run that was killed had moved them: the original while it was replaced,
    the converted file while that was undone.
    """

    place: str
    target: str
    same: bool
    backed_up: bool
    staged: str
    grows: bool = False
    aside: str = NOTHING
    waiting: str = NOTHING


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps that are left, or the reason why none is taken, but perhaps the first; and what to
    do about that."""

    steps: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""


def plan_replacement(found: ReplacementState, *, larger: bool = False) -> Steps:
    """The steps from here to the end: those of the beginning, or what a run that was killed has
    left to do.

    `larger`: the converted file need not be smaller.
    """
    if found.place == found.target == NOTHING and found.aside != NOTHING:
        return _after(BRING_BACK, replace(found, place=found.aside), larger=larger)
    if found.place == found.target == NOTHING and found.waiting != NOTHING:
        return _after(BRING_BACK, replace(found, target=found.waiting), larger=larger)
    return _steps(found, larger=larger)


def _after(first: str, found: ReplacementState, *, larger: bool) -> Steps:
    rest = _steps(found, larger=larger)
    return replace(rest, steps=(first, *rest.steps))


def _steps(found: ReplacementState, *, larger: bool) -> Steps:
    if found.place == OTHER:
        return Steps(problem="its content changed since it was evaluated")
    if found.target == OTHER:
        return Steps(problem="another file lies where the converted one should be")
    there = found.target == RENDITION
    if found.place == ORIGINAL and not there and found.staged == NOTHING:
        return Steps(
            problem="its converted file is not in the staging folder any more: `process-videos "
            "--again` makes it once more"
        )
    if found.place == ORIGINAL:
        return _checked(
            found, (BACK_UP, CHECK, TAKE, *(() if there else (PUT,)), RECORD, VERIFY), larger=larger
        )
    if not found.backed_up:
        return Steps(problem="neither the original nor its backup is there")
    if there:
        return Steps((RECORD, VERIFY))
    if found.staged == NOTHING:
        return Steps(
            problem="neither the original nor its converted file is there; its backup is in the "
            "failsafe folder"
        )
    return _checked(found, (CHECK, PUT, RECORD, VERIFY), larger=larger)


def _checked(found: ReplacementState, steps: tuple[str, ...], *, larger: bool) -> Steps:
    """Steps with a check, where what can be told beforehand does not speak against them."""
    if found.staged == OTHER:
        return Steps(problem="its converted file is not the one that was made: process it again")
    if found.grows and not larger:
        return Steps(
            problem="nothing would be gained in size", hint="--larger replaces it all the same."
        )
    return Steps(steps)


@dataclass(frozen=True, slots=True)
class ReplacementUndo:
    """Whether a replacement in a folder is to be taken back, wholly or the rest of it, or the
    reason why it cannot be."""

    is_needed: bool = False
    problem: str = ""
    hint: str = ""


def plan_undo(found: ReplacementState) -> ReplacementUndo:
    """What an undo has to do, from what lies where."""
    if found.place == OTHER:
        return ReplacementUndo(problem="another file lies where the original did")
    if found.place == ORIGINAL:
        return ReplacementUndo(
            found.backed_up and (found.waiting != NOTHING or found.target == RENDITION)
        )
    if found.target == OTHER:
        return ReplacementUndo(
            problem="the converted file has changed, or another one lies in its place"
        )
    if not found.backed_up:
        return ReplacementUndo(problem="neither the original nor its backup is there")
    return ReplacementUndo(is_needed=True)


@dataclass(frozen=True, slots=True)
class Replace:
    """A converted file takes the place of its original: the content `hash` gives way to `target`, a
    path of the store.

    `saved` bytes are gained. With a `problem`, of the type `kind`, it ends after its steps.
    """

    row: Row
    store: str
    target: str
    hash: str
    steps: tuple[str, ...] = ()
    saved: int = 0
    problem: str = ""
    kind: str = "ConversionFailed"
    name: str = REPLACE

    @property
    def counts(self) -> bool:
        """Whether it is done."""
        return not self.problem

    @property
    def key(self) -> str:
        """The original."""
        return self.row.cells["file"]

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.key} by {self.target}: {self.problem or ', '.join(self.steps)}"


@dataclass(frozen=True, slots=True)
class TakeOriginalBack:
    """A replacement in a folder is taken back: the content `hash` comes back to `path`, if that
    `is_needed` and can be."""

    row: Row
    store: str
    path: str
    hash: str
    is_needed: bool
    problem: str = ""
    name: str = UNDO

    @property
    def counts(self) -> bool:
        """Whether it is done."""
        return self.is_needed and not self.problem

    @property
    def key(self) -> str:
        """The original."""
        return self.row.cells["file"]

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.key}" + (f": {self.problem}" if self.problem else "")
