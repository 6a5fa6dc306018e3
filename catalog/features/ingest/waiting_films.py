"""Films that state their time in UTC alone wait for the rest of their folder: photos of the same
device in later batches may tell their offset, and with it their name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from catalog.domain.neighbour_clocks import home_of
from catalog.domain.stacks import Member, group_stacks
from catalog.features.ingest.batch import Batch
from catalog.work.description import Describer, is_open

_MOST = 1000
"""Files that wait at most; further ones are dated by what is known."""


@dataclass(slots=True)
class _Waiting:
    """A shot that waits: its files as each states itself, and what its batch knew of it."""

    home: str
    members: list[Member] = field(default_factory=list)
    shots: dict[str, str] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)


class WaitingFilms:
    """The shots of one survey that wait."""

    def __init__(self, describer: Describer) -> None:
        self._describer = describer
        self._waiting: dict[str, _Waiting] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def hold_back(
        self, members: Sequence[Member], stacks: Sequence[tuple[Member, ...]], batch: Batch
    ) -> list[tuple[Member, ...]]:
        """The stacks of some members that need not wait; the others are taken out of their
        batch.
        """
        held = sum(len(waiting.members) for waiting in self._waiting.values())
        keys = _open_shots(stacks, batch.shots) if held < _MOST else set[str]()
        for path in [path for path, key in batch.shots.items() if key in keys]:
            key = batch.shots.pop(path)
            waiting = self._waiting.setdefault(key, _Waiting(self._home(path)))
            waiting.shots[path] = key
            if path in batch.fingerprints:
                waiting.fingerprints[path] = batch.fingerprints[path]
            waiting.unchanged |= batch.unchanged & {path}
        paths = {path for key in keys for path in self._waiting[key].shots}
        for member in members:
            if member.entry.path in paths:
                key = next(k for k in keys if member.entry.path in self._waiting[k].shots)
                self._waiting[key].members.append(member)
        return [stack for stack in stacks if stack[0].entry.path not in paths]

    def release(self, batch: Batch, paths: Iterable[str]) -> list[tuple[Member, ...]]:
        """The stacks whose folder is done, now that files at some paths are looked at; they become
        part of the batch.
        """
        if not self._waiting:
            return []
        homes = {self._home(path) for path in paths}
        done = [key for key, waiting in self._waiting.items() if waiting.home not in homes]
        members: list[Member] = []
        for key in done:
            waiting = self._waiting.pop(key)
            batch.shots |= waiting.shots
            batch.fingerprints |= waiting.fingerprints
            batch.unchanged |= waiting.unchanged
            members += map(self._settled, waiting.members)
        folders = dict.fromkeys(m.entry.folder for m in members)
        return [
            stack
            for folder in folders
            for stack in group_stacks([m for m in members if m.entry.folder == folder])
        ]

    def _settled(self, member: Member) -> Member:
        return replace(member, asset=self._describer.settle(member.asset, member.entry))

    def _home(self, path: str) -> str:
        return home_of(path.rpartition("/")[0], self._describer.video_folder)


def _open_shots(stacks: Sequence[tuple[Member, ...]], shots: Mapping[str, str]) -> Set[str]:
    """The shots that wait: those of stacks with a film whose offset is open, and of stacks that
    have a shot with such in common.
    """
    found: set[str] = set()
    rest = [({shots[m.entry.path] for m in s}, any(is_open(m.asset) for m in s)) for s in stacks]
    while more := [keys for keys, is_waiting in rest if is_waiting or keys & found]:
        rest = [(keys, False) for keys, _ in rest if keys not in more]
        found = found.union(*more)
    return found
