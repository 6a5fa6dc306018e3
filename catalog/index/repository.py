"""The catalog's indexes as the rest of the program sees them: look up, record, scan, migrate."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from catalog.domain.asset import KnownAsset
from catalog.errors import AssetNotFound, CatalogIndexError, IndexUnavailable, SchemaMismatch
from catalog.index import schema
from catalog.index.client import Connection

log = logging.getLogger(__name__)
SCAN_PAGE = 1000
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
UPGRADES: dict[int, Upgrade] = {}
"""How a document of schema version N becomes one of N + 1."""


class Repository:
    """One catalog: the alias, its companions, and every question asked of them."""

    def __init__(self, connection: Connection, alias: str = "catalog") -> None:
        self.connection = connection
        self.alias = alias

    # --- the indexes themselves ------------------------------------------------------------------------------------

    def ensure(self) -> None:
        """Create what is missing, and bring an older schema up to date. Refuses an index that is not ours."""
        version = self.schema_version()
        if version is None:
            self._create(schema.concrete_name(self.alias, schema.SCHEMA_VERSION), self.alias, schema.ASSET_PROPERTIES)
        elif version > schema.SCHEMA_VERSION:
            raise SchemaMismatch(
                f"The index {self.alias} was made by a newer version of this program (schema {version}).",
                hint="Install that version or a later one.",
            )
        elif version < schema.SCHEMA_VERSION:
            self.migrate(version)
        for what, properties in schema.COMPANION_PROPERTIES.items():
            alias = schema.companion(self.alias, what)
            if version is None or not self.connection.exists(f"/{quote(alias)}"):
                self._create(schema.concrete_name(alias), alias, properties)

    def schema_version(self) -> int | None:
        """The version of the schema behind the alias, or None where there is no index of that name."""
        if not self.connection.exists(f"/{quote(self.alias)}"):
            return None
        reply = self.connection.request("GET", f"/{quote(self.alias)}/_mapping")
        marks = [index["mappings"].get("_meta", {}) for index in reply.values()]
        if len(reply) != 1 or marks[0].get("mark") != schema.MARK or self.alias in reply:
            raise SchemaMismatch(
                f"The index {self.alias} on {self.connection.address.url} was not made by this program.",
                hint="Name another one with --index.",
            )
        return int(marks[0]["schema"])

    def migrate(self, old: int) -> None:
        """Copy every document into an index of the new schema, then flip the alias. The old index stays as it is."""
        before, after = (schema.concrete_name(self.alias, version) for version in (old, schema.SCHEMA_VERSION))
        log.info("Bringing %s from schema %d to %d", self.alias, old, schema.SCHEMA_VERSION)
        self.connection.request("PUT", f"/{quote(before)}/_settings", {"index.blocks.write": True})
        self._create(after, None, schema.ASSET_PROPERTIES)
        copied = self._copy_documents(before, after, old)
        self.refresh(after)
        count = self.connection.request("GET", f"/{quote(after)}/_count")["count"]
        if count < copied:  # more, where another program was faster and the catalog is in use again
            raise CatalogIndexError(f"Only {count} of {copied} documents reached {after}; {self.alias} is unchanged.")
        actions = [{"remove": {"index": before, "alias": self.alias}}, {"add": {"index": after, "alias": self.alias}}]
        self.connection.request("POST", "/_aliases", {"actions": actions})

    def _copy_documents(self, before: str, after: str, version: int) -> int:
        copied = 0
        for page in self.scan_pages(index=before):
            lines: list[Any] = []
            for hit in page:
                document = hit["_source"]
                for step in range(version, schema.SCHEMA_VERSION):
                    document = UPGRADES[step](document)
                lines += [{"create": {"_index": after, "_id": hit["_id"]}}, document]
            for item in self.connection.bulk(lines):
                if item["status"] not in (200, 201, 409):
                    raise CatalogIndexError(f"The document {item['_id']} does not fit the new schema: {item['error']['reason']}.")
            copied += len(page)
        return copied

    def _create(self, index: str, alias: str | None, properties: dict[str, Any]) -> None:
        body = schema.body(properties, alias=alias or "unused", version=schema.SCHEMA_VERSION)
        if alias is None:
            del body["aliases"]
        try:
            self.connection.request("PUT", f"/{quote(index)}", body)
        except CatalogIndexError as error:
            if "already exists" not in str(error):
                raise

    def refresh(self, *indexes: str) -> None:
        """Make what was written visible to searches."""
        names = indexes or (self.alias, *(schema.companion(self.alias, c) for c in schema.COMPANIONS))
        self.connection.request("POST", f"/{','.join(quote(n) for n in names)}/_refresh")

    # --- questions -------------------------------------------------------------------------------------------------

    def known(self, hashes: Sequence[str]) -> dict[str, KnownAsset]:
        """Those of the content hashes that the catalog holds; one request, up to date without a refresh."""
        if not hashes:
            return {}
        return {
            d["_id"]: KnownAsset(d["_id"], tuple(d["_source"].get("copies", ())), d["_seq_no"], d["_primary_term"])
            for d in self._mget(self.alias, hashes, _source_includes="copies")
            if d["found"]
        }

    def known_sources(self, fingerprints: Sequence[str]) -> dict[str, str]:
        """The content hash of each source file that was read before and is unchanged, by fingerprint."""
        if not fingerprints:
            return {}
        index = schema.companion(self.alias, "sources")
        found = self._mget(index, fingerprints, _source_includes="hash")
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
        return {int(bucket["key"]) for bucket in self.search(body)["aggregations"]["sizes"]["buckets"]}

    def _mget(self, index: str, ids: Sequence[str], **params: Any) -> list[dict[str, Any]]:
        """One reply an id. Raises IndexUnavailable where one cannot be had: that is not the same as not found."""
        reply = self.connection.request("POST", f"/{quote(index)}/_mget", {"ids": list(ids)}, **params)
        documents: list[dict[str, Any]] = reply["docs"]
        failed = next((d["error"] for d in documents if "error" in d), None)
        if failed:
            reason = failed.get("reason") or failed.get("type")
            raise IndexUnavailable(f"Elasticsearch cannot read the index {index} ({reason}).", hint="Try again later.")
        return documents

    def get(self, content_hash: str) -> dict[str, Any]:
        """The document of an asset. Raises AssetNotFound."""
        return self.get_versioned(content_hash)[0]

    def get_versioned(self, content_hash: str) -> tuple[dict[str, Any], int, int]:
        """The document of an asset with its sequence number and primary term, for a conditional change."""
        found = self._mget(self.alias, [content_hash])[0]
        if not found["found"]:
            raise AssetNotFound(f"Nothing in the catalog has the hash {content_hash}.")
        return dict(found["_source"]), found["_seq_no"], found["_primary_term"]

    def search(self, body: dict[str, Any], index: str | None = None) -> dict[str, Any]:
        """One search request as it is; for questions whose answer fits one page."""
        reply: dict[str, Any] = self.connection.request("POST", f"/{quote(index or self.alias)}/_search", body)
        return reply

    def count(self, query: dict[str, Any]) -> int:
        """How many assets match."""
        return int(self.connection.request("POST", f"/{quote(self.alias)}/_count", {"query": query})["count"])

    def scan_pages(
        self, query: dict[str, Any] | None = None, *, index: str | None = None, sort: Any = "_shard_doc",
        source: Sequence[str] | bool = True, limit: int = 0,
    ) -> Iterator[list[dict[str, Any]]]:  # fmt: skip
        """Every hit, in pages, from one point in time; nothing stops at 10,000. `limit` 0 means all."""
        name = quote(index or self.alias)
        pit = self.connection.request("POST", f"/{name}/_pit", keep_alive="5m")["id"]
        body: dict[str, Any] = {"sort": sort, "_source": source, "track_total_hits": False, "query": query or {"match_all": {}}}
        left = limit
        try:
            while True:
                body |= {"size": min(SCAN_PAGE, left) if limit else SCAN_PAGE, "pit": {"id": pit, "keep_alive": "5m"}}
                reply = self.connection.request("POST", "/_search", body)
                hits = reply["hits"]["hits"]
                if hits:
                    yield hits
                left -= len(hits)
                if len(hits) < body["size"] or (limit and left <= 0):
                    return
                pit, body["search_after"] = reply["pit_id"], hits[-1]["sort"]
        finally:
            self.connection.request("DELETE", "/_pit", {"id": pit})

    def history(self, content_hash: str) -> list[dict[str, Any]]:
        """What happened to an asset, oldest first."""
        pages = self.scan_pages(
            {"term": {"hash": content_hash}}, index=schema.companion(self.alias, "events"), sort=[{"at": "asc"}]
        )
        return [hit["_source"] for page in pages for hit in page]

    # --- stores ----------------------------------------------------------------------------------------------------

    def store_record(self, name: str) -> dict[str, Any] | None:
        """What is known of a store, or None."""
        index = schema.companion(self.alias, "stores")
        found = self._mget(index, [name])[0]
        return dict(found["_source"]) if found["found"] else None

    def remember_store(self, record: dict[str, Any]) -> None:
        """Write what is known of a store; the later writer wins, as both saw the same marker."""
        index = schema.companion(self.alias, "stores")
        self.connection.request("PUT", f"/{quote(index)}/_doc/{quote(record['name'], safe='')}", record, refresh="true")

    def stores(self) -> list[dict[str, Any]]:
        """Every known store."""
        pages = self.scan_pages(index=schema.companion(self.alias, "stores"))
        return [hit["_source"] for page in pages for hit in page]

    def bulk(self, lines: Iterable[Any]) -> list[dict[str, Any]]:
        """Several writes in one request; the replies in order."""
        return self.connection.bulk(list(lines))
