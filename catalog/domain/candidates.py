"""Which entries of a folder may be photos and videos,
and what is passed over without being read.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from catalog.domain.actions import Skip
from catalog.domain.asset import Entry
from catalog.domain.filetypes import (
    IGNORED_FOLDERS,
    IGNORED_NAMES,
    LIBRARIES,
    UNFINISHED,
    extension_of,
)
from catalog.domain.stacks import Candidate, attach_sidecars


def _why_ignored(path: str) -> str:
    """Why a file is passed over by its path alone, or ""."""
    parts = path.lower().split("/")
    if any(part.endswith(LIBRARIES) for part in parts[:-1]):
        return "a file of a photo program's own library"
    if extension_of(parts[-1]) in UNFINISHED:
        return "not yet received whole, by its extension"
    if any(part in IGNORED_FOLDERS for part in parts[:-1]) or parts[-1] in IGNORED_NAMES:
        return "a file that the system keeps for itself"
    return "hidden" if any(part.startswith(".") for part in parts) else ""


def sort_candidates(
    rows: Iterable[Entry], recorded: Container[str] = ()
) -> tuple[list[Candidate], list[Skip]]:
    """The candidates of one folder, and what is skipped without being read.

    What is `recorded` at its path is a candidate whatever its name.
    """
    wanted: list[Entry] = []
    skipped: list[Skip] = []
    for entry in rows:
        if entry.path not in recorded and (reason := _why_ignored(entry.path)):
            skipped.append(Skip(entry, reason, "ignored"))
        else:
            wanted.append(entry)
    candidates, orphans = attach_sidecars(wanted)
    skipped += [Skip(e, "a sidecar without its photo or video", "ignored") for e in orphans]
    return candidates, skipped
