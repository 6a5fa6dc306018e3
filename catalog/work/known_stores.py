"""What the index of a catalog knows of its stores, and which catalog it is."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from functools import cached_property

from catalog.domain.copies import timestamp
from catalog.domain.document import StoreRecord
from catalog.index.repository import Repository
from catalog.stores.marker import Marker
from catalog.stores.root import Root
from catalog.work import guards


class KnownStores:
    """The stores that a catalog knows, read once, when first asked for.

    Without a `repository` there is no catalog yet, and no store is known.
    """

    def __init__(self, repository: Repository | None) -> None:
        self.repository = repository

    @cached_property
    def records(self) -> list[StoreRecord]:
        """What is known of every store, also of those that were removed."""
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[list[StoreRecord], str]:
        """The records of all stores, and the id of the catalog, or "" where it has none yet."""
        return ([], "") if self.repository is None else self.repository.stores.read_with_catalog()

    @cached_property
    def known(self) -> dict[str, StoreRecord]:
        """What is known of every store, by name, without those that were removed."""
        return {record["name"]: record for record in self.records if not record.get("removed")}

    def forget(self) -> None:
        """What was read is no longer so."""
        for name in ("records", "known", "_read"):
            vars(self).pop(name, None)

    def this_catalog(self, found: str = "") -> str:
        """The id of the catalog; made where it has none yet, or `found` in a marker.

        The index has it before any marker does.
        """
        if not self._read[1]:
            assert self.repository is not None
            now = timestamp(datetime.now(UTC))
            self.repository.stores.name_catalog(
                {"catalog": found or uuid.uuid4().hex, "added": now}
            )
            self.forget()
        return self._read[1]

    def check_catalog(self, name: str, root: Root, marker: Marker | None) -> None:
        """Raise UnknownCatalog where a marker names a catalog that the index does not know."""
        if marker is None or self._knows(marker):
            return
        self.forget()  # another program may have named it since
        if not self._knows(marker):
            index = "this index" if self.repository is None else self.repository.shown
            raise guards.unknown_catalog(name, root, marker, self.known.get(name), index)

    def _knows(self, marker: Marker) -> bool:
        records, own = self._read
        return guards.is_known_catalog(marker, own, records)
