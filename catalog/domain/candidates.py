"""Which entries of a folder may be photos and videos,
and what is passed over without being read.
"""

from __future__ import annotations

from collections.abc import Iterable

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.filetypes import IGNORED_FOLDERS, IGNORED_NAMES
from catalog.domain.stacks import Candidate, attach_sidecars


def _why_ignored(entry: Entry) -> str:
    """Why an entry is passed over by its name alone, or ""."""
    parts = entry.path.lower().split("/")
    if any(part in IGNORED_FOLDERS for part in parts[:-1]) or parts[-1] in IGNORED_NAMES:
        return "a file that the system keeps for itself"
    return "hidden" if any(part.startswith(".") for part in parts) else ""


def sort_candidates(rows: Iterable[Entry]) -> tuple[list[Candidate], list[Skip]]:
    """The candidates of one folder, and what is skipped without being read."""
    wanted: list[Entry] = []
    skipped: list[Skip] = []
    for entry in rows:
        if reason := _why_ignored(entry):
            skipped.append(Skip(entry, reason, "ignored"))
        else:
            wanted.append(entry)
    candidates, orphans = attach_sidecars(wanted)
    skipped += [Skip(e, "a sidecar without its photo or video", "ignored") for e in orphans]
    return candidates, skipped
