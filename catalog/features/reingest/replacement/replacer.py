"""Where originals give way to what was made of them: a store of the catalog, or any folder."""

from __future__ import annotations

from typing import Protocol

from catalog.domain.asset import Entry
from catalog.features.reingest.replacement.jobs import Job
from catalog.features.reingest.videos.converter import Converter
from catalog.stores.protocol import ManagedStore


class Replacer(Protocol):
    """Where originals give way to what was made of them."""

    @property
    def store(self) -> ManagedStore:
        """Where the files lie."""
        ...

    def bring_back(self, job: Job) -> None:
        """Bring back what a run that was killed had moved aside."""
        ...

    def take(self, job: Job) -> None:
        """Bring the original out of the way.

        Raises StoreError or MediaError; then it lies where it was.
        """
        ...

    def give_back(self, job: Job) -> None:
        """Bring it back, and what took its place away. Raises StoreError."""
        ...

    def record(self, job: Job, there: Entry, films: Converter) -> None:
        """Tell the catalog what lies at the target now."""
        ...

    def settle(self, job: Job) -> None:
        """All is verified: what was moved aside may go, as its backup is there."""
        ...

    def close(self) -> None:
        """Leave nothing of a run but what it was for."""
        ...
