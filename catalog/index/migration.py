"""The indexes of a catalog themselves: made where they are missing, and brought up to date.

An alias stands for the concrete index of a schema version; a later version gets an index of its
own, into which the documents are copied.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from catalog.domain.derivation import with_derived
from catalog.errors import CatalogIndexError, IndexUnavailable, SchemaMismatch
from catalog.index import schema
from catalog.index.client import Connection, Hit
from catalog.index.requests import multi_get, refresh, scan_pages
from catalog.index.schema import Definition

log = logging.getLogger(__name__)
READY_TIMEOUT = "40s"
_SHARDS = "Look at its health (GET /_cat/shards) and its log, then run the command again."
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


def upgrade_document(what: str, document: Any, version: int) -> Any:
    """A document of an older schema version (its index,
    or an export) as one of the present version.
    """
    for step in range(version, schema.SCHEMA_VERSION):
        document = UPGRADES[step].get(what, dict)(document)
    return document


def is_upgradable(version: int) -> bool:
    """Whether documents of a schema version are, or can be made, those of the present one."""
    return all(step in UPGRADES for step in range(version, schema.SCHEMA_VERSION))


class Indexes:
    """The indexes of one catalog: its alias stands for the assets, its companions for the rest."""

    def __init__(self, connection: Connection, alias: str) -> None:
        self._connection = connection
        self._alias = alias

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
        names = {schema.alias_of(self._alias, what): what for what in wanted}
        path = ",".join(quote(name) for name in names)
        reply = self._connection.request("GET", f"/{path}", ignore_unavailable="true")
        found: dict[str, Behind] = {}
        for index, described in reply.items():
            mark = described["mappings"].get("_meta", {})
            # an index of that very name, and the parts of a data stream, have no alias of ours
            aliases = [name for name in names if name in described["aliases"]] or [index]
            for alias in aliases:
                what = names.get(alias, "")
                if mark.get("mark") != schema.MARK or mark.get("holds") != what or alias == index:
                    raise SchemaMismatch(
                        f"The index {alias} on {self._connection.address.url} was not made by this "
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
        alias = schema.alias_of(self._alias, what)
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
        alias = schema.alias_of(self._alias, what)
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
            self._connection.request("PUT", f"/{quote(index)}", body, may_repeat=True)
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
            self._connection.request("GET", path, wait_for_status="yellow", timeout=READY_TIMEOUT)
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
        self._connection.request("PUT", f"/{quote(index)}/_mapping", mapping, may_repeat=True)

    def _migrate(self, what: str, before: Behind) -> None:
        """Copy every document into an index of the new schema, then flip the alias.

        The old index stays as it is.

        May be cut off at any point and begun again, and done by several programs at once: nothing
        in the new index is overwritten, and the alias is taken from the old index only while it
        still points there.
        """
        alias = schema.alias_of(self._alias, what)
        after = schema.successor(before.index, alias, before.version, schema.SCHEMA_VERSION)
        log.info("Bringing %s from schema %d to %d", alias, before.version, schema.SCHEMA_VERSION)
        if not self._put_index(after, schema.body(what, schema.SCHEMA_VERSION)):
            self._check_target(what, after)
        # this request, unlike the setting it makes, returns once the writes under way have ended
        self._connection.request("PUT", f"/{quote(before.index)}/_block/write", may_repeat=True)
        # what was written a moment ago is not in a search yet
        refresh(self._connection, before.index)
        copied = 0
        with contextlib.closing(scan_pages(self._connection, before.index)) as pages:
            for page in pages:
                if self._is_flipped(what, before):
                    return
                self._copy_page(what, before, after, page)
                copied += len(page)
        refresh(self._connection, after)
        count = self._connection.request("GET", f"/{quote(after)}/_count")["count"]
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
        meta = self._connection.request("GET", f"/{quote(after)}/_mapping")[after]["mappings"].get(
            "_meta", {}
        )
        begun, ours = int(meta.get("revision", 0)), schema.meta(what, schema.SCHEMA_VERSION)
        if {**meta, "revision": begun} == {**ours, "revision": min(begun, schema.REVISION)}:
            if begun < schema.REVISION:
                self._extend(what, after)
        else:
            raise SchemaMismatch(
                f"The index {after} on {self._connection.address.url}, which an update of the "
                "catalog needs, was not made by "
                "this program for this purpose.",
                hint="Rename or remove it.",
            )

    def _copy_page(self, what: str, before: Behind, after: str, page: Sequence[Hit[Any]]) -> None:
        wanted = {
            hit["_id"]: upgrade_document(what, hit["_source"], before.version) for hit in page
        }
        lines = [
            line
            for key, document in wanted.items()
            for line in ({"create": {"_index": after, "_id": key}}, document)
        ]
        there: list[str] = []
        for item in self._connection.bulk(lines, may_repeat=True):
            if item["status"] == 409:
                there.append(item["_id"])
            elif item["status"] >= 300:
                raise CatalogIndexError(
                    f"The document {item['_id']} does not fit the new schema: "
                    f"{item['error']['reason']}."
                )
        # what lies there already must be what was to be copied, or else an old leftover would hide
        # newer documents
        replies = multi_get(self._connection, after, there)
        other = next((d["_id"] for d in replies if d.get("_source") != wanted[d["_id"]]), None)
        if other and not self._is_flipped(what, before):
            raise CatalogIndexError(
                f"{after} holds another version of the document {other}; "
                f"{schema.alias_of(self._alias, what)} is unchanged.",
                hint=_LEFTOVER,
            )

    def _is_flipped(self, what: str, before: Behind) -> bool:
        """Whether another program has brought the alias away from the old index."""
        now = self.found([what]).get(what)
        return now is not None and now.index != before.index

    def _flip(self, what: str, before: Behind, after: str) -> None:
        alias = schema.alias_of(self._alias, what)
        remove = {"remove": {"index": before.index, "alias": alias, "must_exist": True}}
        try:
            self._connection.request(
                "POST",
                "/_aliases",
                {"actions": [remove, {"add": {"index": after, "alias": alias}}]},
                may_repeat=True,
            )
        except CatalogIndexError:
            if not self._is_flipped(what, before):
                raise
