"""By what an event of the history is known, and what is told of files before any event."""

from __future__ import annotations

import hashlib

from catalog.domain.document import EventRow

_PARTS = ("action", "hash", "store", "path", "source")
BRINGING, RENAMING = "bring", "rename"
"""Actions in a journal by which a file comes to a path of a store. What a killed run has brought so
and nobody recorded, its undo takes away."""
GIVING_WAY, REPAIR = "give way", "repair"
"""Actions in a journal by which a file goes to the trash so that another comes to its path: an undo
brings it back, or never, because it was bad."""


def event_id(run: str, event: EventRow) -> str:
    """The id of an event: told twice by a run it is one. What takes back two events is two."""
    parts = [run, *(str(event.get(name, "")) for name in _PARTS)]
    key = "\0".join([*parts, event["reverses"]] if "reverses" in event else parts)
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]
