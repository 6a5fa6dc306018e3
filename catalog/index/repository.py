"""The catalog's indexes as the rest of the program sees them: look up, record, scan, migrate."""

from __future__ import annotations

import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, overload
from urllib.parse import quote

from catalog.domain.asset import KnownAsset
from catalog.domain.derivation import with_derived
from catalog.domain.document import AssetDocument, EventRow, StoreRecord
from catalog.errors import AssetNotFound, CatalogIndexError, IndexUnavailable, SchemaMismatch
from catalog.index import schema
from catalog.index.client import BulkReply, Connection, Hit, Line, Query, Reply
from catalog.index.schema import Definition

log = logging.getLogger(__name__)
SCAN_PAGE = 1000
MOST_STORES = 10_000
"""More than anybody has, and what one search may answer."""
READY_TIMEOUT = "40s"
_SHARDS = "Look at its health (GET /_cat/shards) and its log, then run the command again."
Sort: TypeAlias = str | Sequence[Query]
Upgrade = Callable[[Any], Any]
UPGRADES: dict[int, dict[str, Upgrade]] = {1: {}, 2: {}, 3: {schema.ASSETS: with_derived}}
"""How documents of schema version N become those of N + 1, by what their index holds;
the others stay as they are.

Called twice, an upgrade must give the same: a migration that was cut off is done again.
"""
_TAKEN = frozenset({"resource_already_exists_exception", "invalid_index_name_exception"})
"""Types of Elasticsearch's errors where an index, or an alias, of that name is there."""
_LEFTOVER = "If it is left from an update long ago, delete it; then run the command again."


@dataclass(frozen=True, slots=True)
class Behind:
    """The concrete index behind an alias, and the version and revision of its schema."""

    index: str
    version: int
    revision: int = 0

    @property
    def is_newer(self) -> bool:
        """Whether it holds what this program does not know of,
        and would lose or spoil by writing.
        """
        return is_newer(self.version, self.revision)

    @property
    def schema(self) -> str:
        """The version and revision, for a person."""
        return schema_text(self.version, self.revision)


def is_newer(version: int, revision: int) -> bool:
    """Whether a schema is newer than this program's."""
    return (version, revision) > (schema.SCHEMA_VERSION, schema.REVISION)


def schema_text(version: int, revision: int) -> str:
    """`4`, or `4.1` where something was added."""
    return f"{version}.{revision}" if revision else f"{version}"


def upgraded(what: str, document: Any, version: int) -> Any:
    """A document of an older schema version (its index,
    or an export) as one of the present version.
    """
    for step in range(version, schema.SCHEMA_VERSION):
        document = UPGRADES[step].get(what, dict)(document)
    return document


def is_upgradable(version: int) -> bool:
    """Whether documents of a schema version are, or can be made, those of the present one."""
    return all(step in UPGRADES for step in range(version, schema.SCHEMA_VERSION))


class Repository:
    """One catalog: the alias, its companions, and every question asked of them."""

    def __init__(self, connection: Connection, alias: str = "catalog") -> None:
        self.connection = connection
        self.alias = alias

    # --- the indexes themselves -------------------------------------------------------------------

    def ensure(self) -> None:
        """Create what is missing, and bring an older schema up to date.

        Refuses an index that is not ours.
        """
        found = self.checked()
        if found:
            self._await(*(index.index for index in found.values()))
        for what in schema.PROPERTIES:
            if what not in found:
                self._create(what)
            elif found[what].version < schema.SCHEMA_VERSION:
                self._migrate(what, found[what])
            elif found[what].revision < schema.REVISION:
                self._extend(what, found[what].index)

    def checked(self) -> dict[str, Behind]:
        """The indexes that are there, by what they hold;
        refuses those of a version that this program cannot bring up to date.
        """
        found = self.found()
        for what, index in found.items():
            self._check_version(what, index)
        return found

    def schema_version(self) -> int | None:
        """The version of the schema behind the alias,
        or None where there is no index of that name.
        """
        index = self.found([schema.ASSETS]).get(schema.ASSETS)
        return index.version if index else None

    def found(self, wanted: Iterable[str] = schema.PROPERTIES) -> dict[str, Behind]:
        """The indexes of the catalog that are there, by what they hold.

        Refuses others that have one of its names.
        """
        names = {schema.alias_of(self.alias, what): what for what in wanted}
        path = ",".join(quote(name) for name in names)
        reply = self.connection.request("GET", f"/{path}", ignore_unavailable="true")
        found: dict[str, Behind] = {}
        for index, described in reply.items():
            mark = described["mappings"].get("_meta", {})
            # an index of that very name, and the parts of a data stream, have no alias of ours
            aliases = [name for name in names if name in described["aliases"]] or [index]
            for alias in aliases:
                what = names.get(alias, "")
                if mark.get("mark") != schema.MARK or mark.get("holds") != what or alias == index:
                    raise SchemaMismatch(
                        f"The index {alias} on {self.connection.address.url} was not made by this "
                        "program for this purpose.",
                        hint="Name another catalog with --index.",
                    )
                if what in found:
                    raise SchemaMismatch(
                        f"The alias {alias} stands for two indexes, {found[what].index} and "
                        f"{index}.",
                        hint="Take it from the one that is not the catalog.",
                    )
                found[what] = Behind(index, int(mark["schema"]), int(mark.get("revision", 0)))
        return found

    def _check_version(self, what: str, index: Behind) -> None:
        alias = schema.alias_of(self.alias, what)
        if index.is_newer:
            raise SchemaMismatch(
                f"The index {alias} was made by a newer version of this program (schema "
                f"{index.schema}).",
                hint="Install that version or a later one.",
            )
        if not is_upgradable(index.version):
            raise SchemaMismatch(
                f"The index {alias} is too old for this version of the program (schema "
                f"{index.version}).",
                hint="Bring it up to date with an earlier version first.",
            )

    def _create(self, what: str) -> None:
        """Create an index with its alias in one step,
        so that the alias never stands for nothing or for two.
        """
        alias = schema.alias_of(self.alias, what)
        index = schema.concrete_name(alias, schema.SCHEMA_VERSION)
        if not self._put_index(
            index, schema.body(what, schema.SCHEMA_VERSION, alias)
        ) and what not in self.found([what]):
            raise SchemaMismatch(
                f"The index {index} is there, but the alias {alias} does not point to it.",
                hint="Give it that alias, if it is the catalog; otherwise name another catalog "
                "with --index.",
            )

    def _put_index(self, index: str, body: Definition) -> bool:
        """Create an index; False where it exists, and then it is ready as well."""
        try:
            self.connection.request("PUT", f"/{quote(index)}", body)
        except CatalogIndexError as error:
            if error.kind not in _TAKEN:
                raise
            self._await(index)
            return False
        return True

    def _await(self, *indexes: str) -> None:
        """Until the indexes can be asked:
        one that another program has just made waits for its shard, as after a restart.
        """
        path = f"/_cluster/health/{','.join(quote(index) for index in indexes)}"
        try:
            self.connection.request("GET", path, wait_for_status="yellow", timeout=READY_TIMEOUT)
        except CatalogIndexError as error:
            if error.status != 408:
                raise
            names = ", ".join(indexes)
            raise IndexUnavailable(
                f"Elasticsearch cannot read {names}: not all shards are there.", hint=_SHARDS
            ) from error

    # --- migration --------------------------------------------------------------------------------

    def _extend(self, what: str, index: str) -> None:
        """Put the fields of a later revision on an index in use.

        Whoever was faster, or is cut off, has done no harm.
        """
        log.info(
            "Adding fields of schema %s to %s",
            schema_text(schema.SCHEMA_VERSION, schema.REVISION),
            index,
        )
        mapping = {
            "_meta": schema.meta(what, schema.SCHEMA_VERSION),
            "properties": schema.PROPERTIES[what],
        }
        self.connection.request("PUT", f"/{quote(index)}/_mapping", mapping)

    def _migrate(self, what: str, before: Behind) -> None:
        """Copy every document into an index of the new schema, then flip the alias.

        The old index stays as it is.

        May be cut off at any point and begun again, and done by several programs at once: nothing
        in the new index is overwritten, and the alias is taken from the old index only while it
        still points there.
        """
        alias = schema.alias_of(self.alias, what)
        after = schema.successor(before.index, alias, before.version, schema.SCHEMA_VERSION)
        log.info("Bringing %s from schema %d to %d", alias, before.version, schema.SCHEMA_VERSION)
        if not self._put_index(after, schema.body(what, schema.SCHEMA_VERSION)):
            self._check_target(what, after)
        # this request, unlike the setting it makes, returns once the writes under way have ended
        self.connection.request("PUT", f"/{quote(before.index)}/_block/write")
        self.refresh(before.index)  # what was written a moment ago is not in a search yet
        copied = 0
        with contextlib.closing(self.scan_pages(index=before.index)) as pages:
            for page in pages:
                if self._is_flipped(what, before):
                    return
                self._copy_page(what, before, after, page)
                copied += len(page)
        self.refresh(after)
        count = self.connection.request("GET", f"/{quote(after)}/_count")["count"]
        if count != copied and not self._is_flipped(what, before):
            raise CatalogIndexError(
                f"{after} holds {count} documents instead of {copied}; {alias} is unchanged.",
                hint=_LEFTOVER,
            )
        self._flip(what, before, after)

    def _check_target(self, what: str, after: str) -> None:
        """Refuse to copy into an index that is not the one a migration begun before has made,
        perhaps of an earlier revision.
        """
        meta = self.connection.request("GET", f"/{quote(after)}/_mapping")[after]["mappings"].get(
            "_meta", {}
        )
        begun, ours = int(meta.get("revision", 0)), schema.meta(what, schema.SCHEMA_VERSION)
        if {**meta, "revision": begun} == {**ours, "revision": min(begun, schema.REVISION)}:
            if begun < schema.REVISION:
                self._extend(what, after)
        else:
            raise SchemaMismatch(
                f"The index {after} on {self.connection.address.url}, which an update of the "
                "catalog needs, was not made by "
                "this program for this purpose.",
                hint="Rename or remove it.",
            )

    def _copy_page(self, what: str, before: Behind, after: str, page: Sequence[Hit[Any]]) -> None:
        wanted = {hit["_id"]: upgraded(what, hit["_source"], before.version) for hit in page}
        lines = [
            line
            for key, document in wanted.items()
            for line in ({"create": {"_index": after, "_id": key}}, document)
        ]
        there: list[str] = []
        for item in self.connection.bulk(lines):
            if item["status"] == 409:
                there.append(item["_id"])
            elif item["status"] >= 300:
                raise CatalogIndexError(
                    f"The document {item['_id']} does not fit the new schema: "
                    f"{item['error']['reason']}."
                )
        # what lies there already must be what was to be copied, or else an old leftover would hide
        # newer documents
        replies = self._mget(after, there) if there else []
        other = next((d["_id"] for d in replies if d.get("_source") != wanted[d["_id"]]), None)
        if other and not self._is_flipped(what, before):
            raise CatalogIndexError(
                f"{after} holds another version of the document {other}; "
                f"{schema.alias_of(self.alias, what)} is unchanged.",
                hint=_LEFTOVER,
            )

    def _is_flipped(self, what: str, before: Behind) -> bool:
        """Whether another program has brought the alias away from the old index."""
        now = self.found([what]).get(what)
        return now is not None and now.index != before.index

    def _flip(self, what: str, before: Behind, after: str) -> None:
        alias = schema.alias_of(self.alias, what)
        remove = {"remove": {"index": before.index, "alias": alias, "must_exist": True}}
        try:
            self.connection.request(
                "POST",
                "/_aliases",
                {"actions": [remove, {"add": {"index": after, "alias": alias}}]},
            )
        except CatalogIndexError:
            if not self._is_flipped(what, before):
                raise

    def refresh(self, *indexes: str) -> None:
        """Make what was written visible to searches."""
        names = indexes or tuple(schema.alias_of(self.alias, what) for what in schema.PROPERTIES)
        self.connection.request("POST", f"/{','.join(quote(n) for n in names)}/_refresh")

    # --- questions --------------------------------------------------------------------------------

    def known(self, hashes: Sequence[str]) -> dict[str, KnownAsset]:
        """Those of the content hashes that the catalog holds; one request,
        up to date without a refresh.
        """
        if not hashes:
            return {}
        return {
            d["_id"]: KnownAsset(
                d["_id"],
                tuple(d["_source"].get("copies", ())),
                d["_seq_no"],
                d["_primary_term"],
                d["_source"].get("checksums", {}),
            )
            for d in self._mget(self.alias, hashes, _source_includes="copies,checksums")
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
        return {
            int(bucket["key"]) for bucket in self.search(body)["aggregations"]["sizes"]["buckets"]
        }

    def _mget(self, index: str, ids: Sequence[str], **params: Any) -> list[Reply]:
        """One reply an id.

        Raises IndexUnavailable where one cannot be had: that is not the same as not found.
        """
        reply = self.connection.request(
            "POST", f"/{quote(index)}/_mget", {"ids": list(ids)}, **params
        )
        documents: list[Reply] = reply["docs"]
        failed = next((d["error"] for d in documents if "error" in d), None)
        if failed:
            reason = failed.get("reason") or failed.get("type")
            raise IndexUnavailable(
                f"Elasticsearch cannot read the index {index} ({reason}).", hint="Try again later."
            )
        return documents

    def documents(self, hashes: Sequence[str]) -> dict[str, tuple[AssetDocument, int, int]]:
        """The documents of those assets that the catalog holds,
        with sequence number and primary term, by content hash.
        """
        return self.versioned_sources(schema.ASSETS, hashes)

    def parts_of(self, hashes: Sequence[str], fields: Sequence[str]) -> dict[str, AssetDocument]:
        """Some fields of those assets that the catalog holds, by content hash."""
        found = self._mget(self.alias, hashes, _source_includes=",".join(fields)) if hashes else []
        return {d["_id"]: d["_source"] for d in found if d["found"]}

    def sources_of(self, what: str, keys: Sequence[str], *, whole: bool) -> dict[str, Any]:
        """Those of the documents of one index that are there, by id;
        empty ones unless they are wanted whole.
        """
        params = {} if whole else {"_source": "false"}
        found = self._mget(schema.alias_of(self.alias, what), keys, **params) if keys else []
        return {d["_id"]: d.get("_source", {}) for d in found if d["found"]}

    def versioned_sources(self, what: str, keys: Sequence[str]) -> dict[str, tuple[Any, int, int]]:
        """As `sources_of`, whole, with sequence number and primary term for a
        conditional change.
        """
        found = self._mget(schema.alias_of(self.alias, what), keys) if keys else []
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
        found = self._mget(self.alias, [content_hash])[0]
        if not found["found"]:
            raise AssetNotFound(f"Nothing in the catalog has the hash {content_hash}.")
        return found["_source"], found["_seq_no"], found["_primary_term"]

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
        name = quote(index or self.alias)
        pit = self.connection.request("POST", f"/{name}/_pit", keep_alive="5m")["id"]
        body: Query = {
            "sort": sort,
            "_source": source,
            "track_total_hits": False,
            "query": query or {"match_all": {}},
        }
        left = limit
        try:
            while True:
                body |= {
                    "size": min(SCAN_PAGE, left) if limit else SCAN_PAGE,
                    "pit": {"id": pit, "keep_alive": "5m"},
                }
                reply = self.connection.request("POST", "/_search", body)
                hits = reply["hits"]["hits"]
                if hits:
                    yield hits
                left -= len(hits)
                if len(hits) < body["size"] or (limit and left <= 0):
                    return
                pit, body["search_after"] = reply["pit_id"], hits[-1]["sort"]
        finally:
            with contextlib.suppress(
                CatalogIndexError
            ):  # it ends by itself; what went wrong before must be told
                self.connection.request("DELETE", "/_pit", {"id": pit})

    def history(self, content_hash: str) -> list[EventRow]:
        """What happened to an asset, oldest first."""
        pages = self.scan_pages(
            {"term": {"hash": content_hash}},
            index=schema.companion(self.alias, "events"),
            sort=[{"at": "asc"}],
        )
        return [hit["_source"] for page in pages for hit in page]

    def forgotten_document(self, content_hash: str) -> AssetDocument | None:
        """The document of an asset as it was when it was last forgotten, or None."""
        for event in reversed(self.history(content_hash)):
            document = (event.get("before") or {}).get("document")
            if document:
                return document
        return None

    def events_of(self, run: str) -> list[EventRow]:
        """What one run did, oldest first."""
        pages = self.scan_pages(
            {"term": {"run": run}},
            index=schema.companion(self.alias, "events"),
            sort=[{"at": "asc"}],
        )
        return [hit["_source"] for page in pages for hit in page]

    def events_undoing(self, run: str) -> list[EventRow]:
        """What was done to take a run back."""
        pages = self.scan_pages(
            {"term": {"undoes": run}}, index=schema.companion(self.alias, "events")
        )
        return [hit["_source"] for page in pages for hit in page]

    # --- stores -----------------------------------------------------------------------------------

    def store_record(self, name: str) -> StoreRecord | None:
        """What is known of a store, or None."""
        index = schema.companion(self.alias, "stores")
        found = self._mget(index, [name])[0]
        return found["_source"] if found["found"] else None

    def remember_store(self, record: StoreRecord) -> None:
        """Write what is known of a store; the later writer wins, as both saw the same marker."""
        index = schema.companion(self.alias, "stores")
        path = f"/{quote(index)}/_doc/{quote(record['name'], safe='')}"
        self.connection.request("PUT", path, record, refresh="true", require_alias="true")

    def stores(self) -> list[StoreRecord]:
        """Every known store."""
        index = schema.companion(self.alias, "stores")
        found = self.connection.request(
            "POST", f"/{quote(index)}/_search", {"size": MOST_STORES, "sort": ["_doc"]}
        )
        return [hit["_source"] for hit in found["hits"]["hits"]]

    def store_ids(self) -> dict[str, str]:
        """The id of every store by name; a record that lacks either says nothing."""
        return {r["name"]: r["id"] for r in self.stores() if "name" in r and "id" in r}

    def bulk(self, lines: Iterable[Line]) -> list[BulkReply]:
        """Several writes in one request; the replies in order."""
        return self.connection.bulk(list(lines))
