"""What lies where before an original gives way to what was made of it, or comes back."""

from __future__ import annotations

from catalog.domain.asset import Entry
from catalog.domain.names import to_text
from catalog.features.reingest.replacement.jobs import Job
from catalog.features.reingest.replacement.plan import (
    NOTHING,
    ORIGINAL,
    OTHER,
    RENDITION,
    ReplacementState,
)
from catalog.stores.local.store import LocalStore


def look(job: Job, backup: Entry | None) -> ReplacementState:
    """What lies at the places of a job; `backup` is the original in a failsafe folder. Only reads.

    Raises StoreError.
    """
    same = job.path == job.target
    place = job.content_at(job.path)
    target = place if same else job.content_at(job.target)
    if same:
        place, target = (NOTHING, RENDITION) if place == RENDITION else (place, NOTHING)
    is_folder = not job.located.is_catalog
    return ReplacementState(
        place,
        OTHER if target == ORIGINAL else target,
        same,
        backup is not None,
        _staged(job),
        _grows(job, backup),
        job.content_at(job.aside(ORIGINAL)) if is_folder else NOTHING,
        job.content_at(job.aside(RENDITION)) if is_folder else NOTHING,
    )


def _staged(job: Job) -> str:
    """What lies where the converted file was made."""
    if not job.staged.is_file():
        return NOTHING
    store = LocalStore("staging", job.staged.parent, managed=False)
    return OTHER if job.content_at(to_text(job.staged.name), store) != RENDITION else RENDITION


def sizes(job: Job, backup: Entry | None) -> tuple[int, int] | None:
    """Bytes of the original and of the converted file, wherever they lie; None where one of them is
    nowhere."""
    entry = backup or job.store.stat(job.path) or job.store.stat(job.aside(ORIGINAL))
    if job.staged.is_file():
        made: int | None = job.staged.stat().st_size
    else:
        there = job.store.stat(job.target)
        made = there.size if there is not None else None
    return None if entry is None or made is None else (entry.size, made)


def _grows(job: Job, backup: Entry | None) -> bool:
    known = sizes(job, backup)
    return known is not None and known[1] >= known[0]
