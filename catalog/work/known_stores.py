"""What the index of a catalog knows of its stores, and which catalog it is."""

from __future__ import annotations

from functools import cached_property

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
        return [] if self.repository is None else self.repository.stores.read_all()

    @cached_property
    def known(self) -> dict[str, StoreRecord]:
        """What is known of every store, by name, without those that were removed."""
        return {record["name"]: record for record in self.records if not record.get("removed")}

    def forget(self) -> None:
        """What was read is no longer so."""
        for name in ("records", "known"):
            vars(self).pop(name, None)

    def this_catalog(self) -> str:
        """The id of the catalog, by which the markers of its stores name it: that with which it
        marked the first of them, else that of the index in which they are recorded.

        So two programs that mark its first stores at once give it one id; and as the records of its
        stores hold it, exports, backups and migrations take it along.
        """
        named = [record for record in self.records if record.get("catalog")]
        if named:
            return min(named, key=lambda record: (record["added"], record["name"]))["catalog"]
        return "" if self.repository is None else self.repository.stores.read_uuid()

    def is_known_catalog(self, marker: Marker) -> bool:
        """Whether the catalog that a marker names is this one, or that of a store in its records,
        as an import brings them.

        A marker of a version that named none is anybody's. A store whose record is of such a
        version, as an old backup brings it back, is known by its own id.
        """
        catalogs = {record.get("catalog", "") for record in self.records}
        if marker.catalog in ("", *catalogs):
            return True
        if any(r["id"] == marker.id and "catalog" not in r for r in self.records):
            return True
        return marker.catalog == self.this_catalog()

    def check_catalog(self, name: str, root: Root, marker: Marker | None) -> None:
        """Raise UnknownCatalog where a marker names a catalog that the index does not know."""
        if marker is None or self.is_known_catalog(marker):
            return
        self.forget()  # another program may have recorded it since
        if not self.is_known_catalog(marker):
            index = "this index" if self.repository is None else self.repository.shown
            raise guards.unknown_catalog(name, root, marker, self.known.get(name), index)
