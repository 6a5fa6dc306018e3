"""What happened to an asset, as the index keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.domain.document import EventRow, EventSide


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the history. `document` is all that was recorded; what that lacks is ""."""

    document: EventRow

    @property
    def at(self) -> str:
        """When, in ISO 8601 UTC."""
        return self.document["at"]

    @property
    def run(self) -> str:
        """The run that did it."""
        return self.document["run"]

    @property
    def action(self) -> str:
        """What was done: `add`, `move`, `trash` and so on."""
        return self.document["action"]

    @property
    def hash(self) -> str:
        """The asset."""
        return self.document["hash"]

    @property
    def store(self) -> str:
        """The store it was done in."""
        return self.document.get("store", "")

    @property
    def path(self) -> str:
        """The path there, afterwards."""
        return self.document.get("path", "")

    @property
    def source(self) -> str:
        """The path that the file had before, or was brought from."""
        return self.document.get("source", "")

    @property
    def trash(self) -> str:
        """Its name in the trash."""
        return self.document.get("trash", "")

    @property
    def by(self) -> str:
        """The user of the web program who had it done."""
        return self.document.get("by", "")

    @property
    def undoes(self) -> str:
        """The run that was taken back."""
        return self.document.get("undoes", "")

    @property
    def before(self) -> EventSide:
        """Values that were changed, as they were."""
        return self.document.get("before") or {}

    @property
    def after(self) -> EventSide:
        """Values that were changed, as they became."""
        return self.document.get("after") or {}
