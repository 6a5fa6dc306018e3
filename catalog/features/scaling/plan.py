"""Which pictures are taken up, and when: pure rules over what looks at the folder saw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from catalog.domain.asset import Entry

SETTLED = 60.0
"""Seconds since its last change after which a file counts as whole at the first look; a younger one
does where the next look sees it unchanged.
"""
ABANDONED = 600.0
"""Seconds without a change after which nobody is still writing a file that is cut short."""
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 3600.0
"""Seconds until a file that failed is tried again; after so long it is not any more."""

Version = tuple[int, int, int, str]
"""By what another version of a file is told: size, mtime, ctime, and what the store states."""


def version_of(entry: Entry) -> Version:
    """The version of a file as a listing states it."""
    stated = entry.revision or entry.content_hash
    return entry.size, entry.mtime_ns, entry.ctime_ns, stated


def wanted(entries: Iterable[Entry], prefixes: Sequence[str]) -> list[Entry]:
    """The files of a folder whose names begin so."""
    return [entry for entry in entries if entry.name.startswith(tuple(prefixes))]


@dataclass(slots=True)
class Looks:
    """What the looks so far saw. `moment` counts seconds from anywhere, `now_ns` nanoseconds since
    1970.
    """

    _since: dict[str, tuple[Version, float]] = field(default_factory=dict)
    _seen_before: set[str] = field(default_factory=set)

    def take(self, entries: Iterable[Entry], moment: float) -> None:
        """One more look; what is gone is forgotten."""
        since: dict[str, tuple[Version, float]] = {}
        self._seen_before = set()
        for entry in entries:
            version, before = version_of(entry), self._since.get(entry.path)
            if before is not None and before[0] == version:
                since[entry.path] = before
                self._seen_before.add(entry.path)
            else:
                since[entry.path] = version, moment
        self._since = since

    def is_settled(self, entry: Entry, now_ns: int) -> bool:
        """Whether a file that the last look saw is no longer being written."""
        return entry.path in self._seen_before or _age(entry, now_ns) >= SETTLED

    def is_abandoned(self, entry: Entry, moment: float, now_ns: int) -> bool:
        """Whether it has been as it is for so long that nobody is still writing it."""
        _version, since = self._since.get(entry.path, ((), moment))
        return max(moment - since, _age(entry, now_ns)) >= ABANDONED


def _age(entry: Entry, now_ns: int) -> float:
    return (now_ns - entry.mtime_ns) / 1e9


@dataclass(slots=True)
class Troubles:
    """Files that could not be scaled: they are left alone for a while that grows, and then until
    they change.
    """

    _known: dict[str, tuple[Version, float, float]] = field(default_factory=dict)

    def add(self, entry: Entry, moment: float, *, for_good: bool) -> bool:
        """One more; whether it is the first time in this version."""
        known = self._known.get(entry.path)
        is_known = known is not None and known[0] == version_of(entry)
        pause = min(2 * known[2], _LONGEST_PAUSE) if known and is_known else _FIRST_PAUSE
        until = math.inf if for_good or pause >= _LONGEST_PAUSE else moment + pause
        self._known[entry.path] = version_of(entry), until, pause
        return not is_known

    def is_due(self, entry: Entry, moment: float) -> bool:
        """Whether a file is to be tried now."""
        known = self._known.get(entry.path)
        return known is None or known[0] != version_of(entry) or moment >= known[1]

    def keep(self, entries: Iterable[Entry]) -> None:
        """Forget those that are gone."""
        paths = {entry.path for entry in entries}
        self._known = {path: known for path, known in self._known.items() if path in paths}
