"""What is removed of a folder outside the catalog, and what stays. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.copies import CopyKey
from catalog.domain.filetypes import SIDECAR_EXTENSIONS, extension_of
from catalog.domain.stacks import Candidate

KEPT, FAILED, IGNORED = "kept", "failed", "ignored"
"""Outcomes of files that stay."""


@dataclass(frozen=True, slots=True)
class SafetyFinding:
    """What was found out about one file: its content hash, and where that is safe.

    `reason` says why the file stays, "" where it may go; `outcome` is what is said of it then.
    `vacant` are recorded places of its catalog copies where no file lies, or lay, which are filled
    with it first; `safe` are these and the copies that were read now and found right, in recorded
    order.
    """

    candidate: Candidate
    hash: str = ""
    reason: str = ""
    outcome: str = KEPT
    vacant: tuple[CopyKey, ...] = ()
    safe: tuple[CopyKey, ...] = ()

    @property
    def entry(self) -> Entry:
        """The file."""
        return self.candidate.entry


@dataclass(frozen=True, slots=True)
class Keep:
    """A file stays, for a reason."""

    entry: Entry
    reason: str
    hash: str = ""
    outcome: str = KEPT
    name: str = "keep"
    counts: bool = False

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.entry.path

    def describe(self) -> str:
        """One line for a person."""
        return f"keep {self.entry.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Remove:
    """A file goes, with its sidecars that no file needs any more, and their content hashes.

    `beside` are the paths of all of its sidecars; `vacant` and `safe` are as in `SafetyFinding`.
    """

    entry: Entry
    hash: str
    vacant: tuple[CopyKey, ...]
    safe: tuple[CopyKey, ...]
    sidecars: tuple[tuple[Entry, str], ...] = ()
    beside: tuple[str, ...] = ()
    counts: bool = True

    @property
    def name(self) -> str:
        """Whether it is put into the catalog's own place before."""
        return "repair" if self.vacant else "remove"

    @property
    def key(self) -> str:
        """What actions are ordered by."""
        return self.entry.path

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.name} {self.entry.path}: it is at {':'.join(self.safe[0])}"


Prune = Keep | Remove


def plan_skips(skips: Sequence[Skip]) -> list[Keep]:
    """What is said of files that are not looked at; a sidecar without its photo is kept."""
    return [Keep(skip.source, skip.reason, outcome=_outcome_of(skip)) for skip in skips]


def _outcome_of(skip: Skip) -> str:
    return KEPT if extension_of(skip.source.name) in SIDECAR_EXTENSIONS else IGNORED


def plan_shot(shot: Sequence[SafetyFinding], proved: Mapping[str, str]) -> list[Prune]:
    """What becomes of the files of one shot: first those that stay, then those that go.

    `proved` are the content hashes of its sidecars by path, "" for one that is not safe. A sidecar
    goes with the last file that it speaks for, if none of these stays.
    """
    staying = [found for found in shot if found.reason]
    going = [found for found in shot if not found.reason]
    needed = {sidecar.path for found in staying for sidecar in found.candidate.sidecars}
    actions: list[Prune] = [Keep(f.entry, f.reason, f.hash, f.outcome) for f in staying]
    for number, found in enumerate(going):
        later = {
            sidecar.path for other in going[number + 1 :] for sidecar in other.candidate.sidecars
        }
        sidecars = found.candidate.sidecars
        free = tuple((s, proved[s.path]) for s in sidecars if s.path not in needed | later)
        beside = tuple(sidecar.path for sidecar in sidecars)
        actions.append(Remove(found.entry, found.hash, found.vacant, found.safe, free, beside))
    return actions
