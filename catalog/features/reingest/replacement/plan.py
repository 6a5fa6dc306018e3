"""How a converted video takes the place of its original: the steps that are left, from what lies where."""

from __future__ import annotations

from dataclasses import dataclass

NOTHING, ORIGINAL, RENDITION, OTHER = "nothing", "original", "rendition", "other"
"""What can lie at a place: no file, the recorded original or converted file, or something else."""
BACK_UP, CHECK, TAKE, PUT, RECORD, VERIFY = "back up", "check", "take away", "put", "record", "verify"
"""The steps, in this order: the original is copied to the failsafe folder; the converted file is looked at once more; the
original goes out of the way; the converted file takes its place; the catalog is told; all is looked at again."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: at the original's place, and at that of the converted file (which may be the same).

    `backed_up`: the failsafe folder, or the file that was moved aside, holds the original. `staged`: the converted file is
    where it was made.
    """

    place: str
    target: str
    same: bool
    backed_up: bool
    staged: bool


@dataclass(frozen=True, slots=True)
class Replacement:
    """The steps that are left, or the reason why none is taken."""

    steps: tuple[str, ...] = ()
    problem: str = ""


def plan_replacement(found: Found) -> Replacement:
    """The steps from here to the end: those of the beginning, or what a run that was killed has left to do."""
    if found.place == OTHER:
        return Replacement(problem="its content changed since it was evaluated")
    if found.target == OTHER:
        return Replacement(problem="another file lies where the converted one should be")
    there = found.target == RENDITION
    if found.place == ORIGINAL and (there or found.staged):
        return Replacement((BACK_UP, CHECK, TAKE, *(() if there else (PUT,)), RECORD, VERIFY))
    if found.place == ORIGINAL:
        return Replacement(
            problem="its converted file is not in the staging folder any more: `process-videos --again` makes it once more"
        )
    if not found.backed_up:
        return Replacement(problem="neither the original nor its backup is there")
    if there:
        return Replacement((RECORD, VERIFY))
    if found.staged:
        return Replacement((CHECK, PUT, RECORD, VERIFY))
    return Replacement(problem="neither the original nor its converted file is there; its backup is in the failsafe folder")


@dataclass(frozen=True, slots=True)
class Undoing:
    """Whether a replacement in a folder is to be taken back, wholly or the rest of it, or the reason why it cannot be."""

    is_needed: bool = False
    problem: str = ""


def plan_undo(found: Found, *, waiting: bool) -> Undoing:
    """What an undo has to do, from what lies where. `waiting`: one that was killed had moved the converted file aside."""
    if found.place == OTHER:
        return Undoing(problem="another file lies where the original did")
    if found.place == ORIGINAL:
        return Undoing(found.backed_up and (waiting or found.target == RENDITION))
    if found.target == OTHER:
        return Undoing(problem="the converted file has changed, or another one lies in its place")
    if not found.backed_up:
        return Undoing(problem="neither the original nor its backup is there")
    return Undoing(is_needed=True)
