"""Users, tokens, sessions and links that log in, by id."""

from __future__ import annotations

from urllib.parse import quote

from catalog.domain.document import AccessRow
from catalog.errors import CatalogIndexError
from catalog.index import schema
from catalog.index.repository import Repository


class AccessRecords:
    """The access records of one catalog; what is written is seen by all at once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._index = schema.companion(repository.alias, "access")

    def find(self, key: str) -> AccessRow | None:
        """One record, or None; up to date without a refresh."""
        return self.find_versioned(key)[0]

    def find_versioned(self, key: str) -> tuple[AccessRow | None, dict[str, int]]:
        """The same, with what makes a change of it conditional."""
        found = self._repository.versioned_sources("access", [key]).get(key)
        if found is None:
            return None, {}
        row, number, term = found
        return row, {"if_seq_no": number, "if_primary_term": term}

    def list_all(self, kind: str) -> dict[str, AccessRow]:
        """Every record of a kind by id, in the order of their names."""
        query = {"term": {"kind": kind}}
        pages = self._repository.scan_pages(query, index=self._index, sort=[{"name": "asc"}])
        return {hit["_id"]: hit["_source"] for page in pages for hit in page}

    def create(self, key: str, row: AccessRow) -> bool:
        """Write a new record; False where there is one."""
        return self._write({"create": {"_index": self._index, "_id": key}}, row)

    def replace(self, key: str, row: AccessRow, version: dict[str, int]) -> bool:
        """Write a record anew; False where it is no longer the one of that version."""
        return self._write({"index": {"_index": self._index, "_id": key, **version}}, row)

    def remove(self, key: str, version: dict[str, int] | None = None) -> bool:
        """Take a record away; False where it is not there, or no longer the one of that version."""
        return self._write({"delete": {"_index": self._index, "_id": key, **(version or {})}})

    def remove_all(self, keys: list[str]) -> None:
        """Take several away, whether they are there or not."""
        for key in keys:
            self.remove(key)

    def _write(self, operation: dict[str, dict[str, object]], row: AccessRow | None = None) -> bool:
        (about,) = operation.values()
        if row is not None:
            about["require_alias"] = True
        lines = [operation] if row is None else [operation, row]
        (reply,) = self._repository.connection.bulk(lines, refresh="true")
        if reply["status"] in (404, 409):
            return False
        if reply["status"] >= 300:
            reason = reply["error"].get("reason", reply["error"])
            raise CatalogIndexError(f"The index refused {quote(self._index)}: {reason}.")
        return True
