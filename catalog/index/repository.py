"""The catalog's indexes as the rest of the program sees them: look up, scan, record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from typing import Any, overload
from urllib.parse import quote

from catalog.domain.asset import KnownAsset
from catalog.domain.document import AssetDocument
from catalog.errors import AssetNotFound, CatalogError
from catalog.index import schema
from catalog.index.client import BulkReply, Connection, Hit, Line, Query, Reply, Sort
from catalog.index.history import History
from catalog.index.migration import Indexes
from catalog.index.requests import multi_get, read_progress, refresh, scan_pages
from catalog.index.stores import StoreRecords


class Repository:
    """One catalog. `alias` stands for its assets.

    `indexes` are where they and the rest lie, `history` what happened to them, `stores` what is
    known of the stores that hold them.
    """

    def __init__(self, connection: Connection, alias: str = "catalog") -> None:
        self.connection = connection
        self.alias = alias
        self.indexes = Indexes(connection, alias)
        self.history = History(connection, alias)
        self.stores = StoreRecords(connection, alias)

    @property
    def shown(self) -> str:
        """The index of the catalog and where it is, for a person."""
        return f"the index {self.alias} on {self.connection.address.url}"

    def refresh(self, *indexes: str) -> None:
        """Make what was written visible to searches; to all of them, if none is named."""
        names = indexes or (schema.alias_of(self.alias, what) for what in schema.PROPERTIES)
        refresh(self.connection, *names)

    def change_mark(self) -> str:
        """A text that is another one after any change of an asset's document: the index, its
        history, and the number of the last operation there; "" where that cannot be told.
        """
        try:
            progress = read_progress(self.connection, self.alias)
        except (CatalogError, KeyError, ValueError):
            return ""
        if not progress.is_settled or len(progress.reached) != 1:  # another program is writing
            return ""
        return f"{progress.index} {progress.reached[0]}"

    def known(self, hashes: Sequence[str]) -> dict[str, KnownAsset]:
        """Those of the content hashes that the catalog holds; one request,
        up to date without a refresh.
        """
        return {
            d["_id"]: KnownAsset(
                d["_id"],
                tuple(d["_source"].get("copies", ())),
                d["_seq_no"],
                d["_primary_term"],
                d["_source"].get("checksums", {}),
            )
            for d in self._get_many(self.alias, hashes, _source_includes="copies,checksums")
            if d["found"]
        }

    def known_by(self, kind: str, values: Sequence[str]) -> dict[str, str]:
        """The content hash of the one asset that has each of some checksums of a kind, by checksum;
        as of the last refresh.

        A checksum that two assets have tells nothing.
        """
        found: dict[str, set[str]] = defaultdict(set)
        query = {"terms": {f"checksums.{kind}": list(values)}}
        for page in self.scan_pages(query, source=[f"checksums.{kind}"]) if values else ():
            for hit in page:
                found[hit["_source"]["checksums"][kind]].add(hit["_id"])
        return {value: next(iter(hashes)) for value, hashes in found.items() if len(hashes) == 1}

    def known_sources(self, fingerprints: Sequence[str]) -> dict[str, str]:
        """The content hash of each source file that was read before and is unchanged,
        by fingerprint.
        """
        index = schema.companion(self.alias, "sources")
        found = self._get_many(index, fingerprints, _source_includes="hash")
        return {d["_id"]: d["_source"]["hash"] for d in found if d["found"]}

    def known_sizes(self, sizes: Sequence[int]) -> set[int]:
        """Those of the file sizes that some asset has; as of the last refresh."""
        if not sizes:
            return set()
        body = {
            "size": 0,
            "query": {"terms": {"size": list(sizes)}},
            "aggs": {"sizes": {"terms": {"field": "size", "size": len(sizes)}}},
        }
        return {
            int(bucket["key"]) for bucket in self.search(body)["aggregations"]["sizes"]["buckets"]
        }

    def documents(self, hashes: Sequence[str]) -> dict[str, tuple[AssetDocument, int, int]]:
        """The documents of those assets that the catalog holds,
        with sequence number and primary term, by content hash.
        """
        return self.versioned_sources(schema.ASSETS, hashes)

    def parts_of(self, hashes: Sequence[str], fields: Sequence[str]) -> dict[str, AssetDocument]:
        """Some fields of those assets that the catalog holds, by content hash."""
        found = self._get_many(self.alias, hashes, _source_includes=",".join(fields))
        return {d["_id"]: d["_source"] for d in found if d["found"]}

    def sources_of(self, what: str, keys: Sequence[str], *, whole: bool) -> dict[str, Any]:
        """Those of the documents of one index that are there, by id;
        empty ones unless they are wanted whole.
        """
        params = {} if whole else {"_source": "false"}
        found = self._get_many(schema.alias_of(self.alias, what), keys, **params)
        return {d["_id"]: d.get("_source", {}) for d in found if d["found"]}

    def versioned_sources(self, what: str, keys: Sequence[str]) -> dict[str, tuple[Any, int, int]]:
        """As `sources_of`, whole, with sequence number and primary term for a
        conditional change.
        """
        found = self._get_many(schema.alias_of(self.alias, what), keys)
        return {
            d["_id"]: (d["_source"], d["_seq_no"], d["_primary_term"]) for d in found if d["found"]
        }

    def get(self, content_hash: str) -> AssetDocument:
        """The document of an asset. Raises AssetNotFound."""
        return self.get_versioned(content_hash)[0]

    def get_versioned(self, content_hash: str) -> tuple[AssetDocument, int, int]:
        """The document of an asset with its sequence number and primary term,
        for a conditional change.
        """
        found = self._get_many(self.alias, [content_hash])[0]
        if not found["found"]:
            raise AssetNotFound(f"Nothing in the catalog has the hash {content_hash}.")
        return found["_source"], found["_seq_no"], found["_primary_term"]

    def _get_many(self, index: str, ids: Sequence[str], **params: Any) -> list[Reply]:
        return multi_get(self.connection, index, ids, **params)

    def search(self, body: Query, index: str | None = None) -> Reply:
        """One search request as it is; for questions whose answer fits one page."""
        reply: Reply = self.connection.request(
            "POST", f"/{quote(index or self.alias)}/_search", body
        )
        return reply

    def count(self, query: Query) -> int:
        """How many assets match."""
        return int(
            self.connection.request("POST", f"/{quote(self.alias)}/_count", {"query": query})[
                "count"
            ]
        )

    @overload
    def scan_pages(
        self,
        query: Query | None = None,
        *,
        index: None = None,
        sort: Sort = "_shard_doc",
        source: Sequence[str] | bool = True,
        limit: int = 0,
    ) -> Generator[list[Hit[AssetDocument]], None, None]: ...
    @overload
    def scan_pages(
        self,
        query: Query | None = None,
        *,
        index: str,
        sort: Sort = "_shard_doc",
        source: Sequence[str] | bool = True,
        limit: int = 0,
    ) -> Generator[list[Hit[Any]], None, None]: ...
    def scan_pages(
        self,
        query: Query | None = None,
        *,
        index: str | None = None,
        sort: Sort = "_shard_doc",
        source: Sequence[str] | bool = True,
        limit: int = 0,
    ) -> Generator[list[Hit[Any]], None, None]:
        """Every hit, in pages, from one point in time; nothing stops at 10,000.

        Hits are assets, unless another `index` is named. `limit` 0 means all.
        """
        return scan_pages(
            self.connection, index or self.alias, query, sort=sort, source=source, limit=limit
        )

    def bulk(self, lines: Iterable[Line]) -> list[BulkReply]:
        """Several writes in one request; the replies in order."""
        return self.connection.bulk(list(lines))
