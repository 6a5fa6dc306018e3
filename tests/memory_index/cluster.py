"""Elasticsearch's REST interface over indexes in memory: what a path and a method do."""

from __future__ import annotations

import base64
import itertools
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from .clauses import Clauses
from .mapping import Mapping
from .refusals import NotEmulated, Refused, known
from .search import search, sourced
from .shard import Condition, Document, Shard

_SETTINGS = (
    "number_of_shards",
    "number_of_replicas",
    "auto_expand_replicas",
    "translog.durability",
    "mapping.exclude_source_vectors",
    "refresh_interval",
)
_ILLEGAL_NAME = re.compile(r"[\\/*?\"<>| ,#:A-Z]|^[-_+.]")
Params = dict[str, str]


@dataclass(slots=True)
class Index:
    """One index, with the names it has besides its own."""

    name: str
    shard: Shard
    settings: dict[str, str]
    aliases: set[str] = field(default_factory=set)
    is_blocked: bool = False
    """Whether nothing may be written."""


@dataclass(frozen=True, slots=True)
class _View:
    """An index as it was at one moment."""

    index: Index
    documents: tuple[Document, ...]


class Cluster:
    """All indexes. Thread safe: one request at a time."""

    def __init__(self, user: str, password: str) -> None:
        self._login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._indexes: dict[str, Index] = {}
        self._views: dict[str, _View] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.not_emulated: list[str] = []
        """What was asked for and is not known here."""

    def answer(self, method: str, target: str, login: str, body: bytes) -> tuple[int, bytes]:
        """The status and the JSON that answer a request."""
        parts = urlsplit(target)
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        if login != f"Basic {self._login}":
            refused = Refused(401, "security_exception", "unable to authenticate user")
            return refused.status, orjson.dumps(refused.body)
        try:
            with self._lock:
                reply = self._routed(method, parts.path, params, body)
        except Refused as refused:
            return refused.status, orjson.dumps(refused.body)
        except NotEmulated as unknown:
            return 501, self._unknown(f"{method} {target}: {unknown}")
        except Exception as error:
            return 501, self._unknown(f"{method} {target}: {type(error).__name__} {error}")
        wanted = params.get("filter_path")
        return reply.status, orjson.dumps(_filtered(reply.body, wanted) if wanted else reply.body)

    def _unknown(self, what: str) -> bytes:
        self.not_emulated.append(what)
        return orjson.dumps({"error": {"type": "not_emulated", "reason": what}, "status": 501})

    def _routed(self, method: str, path: str, params: Params, body: bytes) -> _Reply:
        for verb, pattern, handle in _ROUTES:
            found = pattern.fullmatch(path)
            if verb == method and found:
                known("parameters", params, *_PARAMETERS.get(handle.__name__, ()), "filter_path")
                names = [unquote(part) for part in found.groups()]
                return handle(self, names, params, body)
        raise NotEmulated("this path")

    # --- names ------------------------------------------------------------------------------------

    def _matching(self, names: str, *, lenient: bool = False) -> list[Index]:
        """The indexes that names, aliases and patterns with `*` stand for. Raises Refused."""
        found: dict[str, Index] = {}
        for name in names.split(","):
            if "*" in name:
                wanted = re.compile(".*".join(map(re.escape, name.split("*"))))
                some = [
                    i for i in self._indexes.values() if any(map(wanted.fullmatch, self._names(i)))
                ]
            else:
                some = [i for i in self._indexes.values() if name in self._names(i)]
                if not some and not lenient:
                    raise _absent(name)
            found |= {index.name: index for index in some}
        return [found[name] for name in sorted(found)]

    @staticmethod
    def _names(index: Index) -> Iterator[str]:
        yield index.name
        yield from index.aliases

    def _single(self, name: str) -> Index:
        """The one index that a name stands for. Raises Refused."""
        found = self._matching(name)
        if len(found) != 1:
            raise NotEmulated(f"one request about several indexes, {name}")
        return found[0]

    def _writable(self, name: str, *, by_alias: bool) -> Index:
        """The index to which a name leads a write. Raises Refused."""
        if by_alias and not any(name in index.aliases for index in self._indexes.values()):
            raise Refused(
                404,
                "index_not_found_exception",
                f"no such index [{name}] and [require_alias] request flag is [true] and [{name}] "
                "is not an alias",
                index=name,
            )
        if not any(name in self._names(index) for index in self._indexes.values()):
            raise NotEmulated(f"an index made up by a write, {name}")
        index = self._single(name)
        if index.is_blocked:
            raise Refused(
                403,
                "cluster_block_exception",
                f"index [{index.name}] blocked by: [FORBIDDEN/8/index write (api)];",
            )
        return index

    # --- indexes ----------------------------------------------------------------------------------

    def _create(self, names: list[str], _params: Params, body: bytes) -> _Reply:
        (name,) = names
        asked = known("an index", _json(body), "aliases", "settings", "mappings")
        if name in self._indexes:
            raise Refused(
                400, "resource_already_exists_exception", f"index [{name}] already exists"
            )
        if any(name in index.aliases for index in self._indexes.values()):
            raise Refused(
                400,
                "invalid_index_name_exception",
                f"Invalid index name [{name}], already exists as alias",
            )
        if _ILLEGAL_NAME.search(name):
            raise Refused(400, "invalid_index_name_exception", f"Invalid index name [{name}]")
        settings = dict(_flat(asked.get("settings", {}), ""))
        known("settings", settings, *_SETTINGS)
        shard = Shard(name, Mapping(asked.get("mappings", {})))
        made = {"uuid": uuid.uuid4().hex, "provided_name": name, "number_of_shards": "1"}
        index = Index(name, shard, made | settings)
        for alias in known("aliases", asked.get("aliases", {}), *asked.get("aliases", {})):
            index.aliases.add(alias)
        self._indexes[name] = index
        return _Reply({"acknowledged": True, "shards_acknowledged": True, "index": name})

    def _drop(self, names: list[str], _params: Params, _body: bytes) -> _Reply:
        (name,) = names
        if any(name in index.aliases for index in self._indexes.values()):
            raise Refused(400, "illegal_argument_exception", f"[{name}] is an alias")
        if name not in self._indexes:
            raise _absent(name)
        del self._indexes[name]
        return _DONE

    def _describe(self, names: list[str], params: Params, _body: bytes) -> _Reply:
        lenient = params.get("ignore_unavailable") == "true"
        return _Reply(
            {
                index.name: {
                    "aliases": {alias: {} for alias in sorted(index.aliases)},
                    "mappings": index.shard.mapping.described(),
                    "settings": {"index": _deep(index.settings)},
                }
                for index in self._matching(names[0], lenient=lenient)
            }
        )

    def _describe_aliases(self, names: list[str], _params: Params, _body: bytes) -> _Reply:
        return _Reply(
            {
                index.name: {"aliases": {alias: {} for alias in sorted(index.aliases)}}
                for index in self._matching(names[0])
            }
        )

    def _describe_mapping(self, names: list[str], _params: Params, _body: bytes) -> _Reply:
        return _Reply(
            {
                index.name: {"mappings": index.shard.mapping.described()}
                for index in self._matching(names[0])
            }
        )

    def _change_mapping(self, names: list[str], _params: Params, body: bytes) -> _Reply:
        for index in self._matching(names[0]):
            index.shard.mapping.extend(_json(body))
        return _DONE

    def _block(self, names: list[str], _params: Params, _body: bytes) -> _Reply:
        for index in self._matching(names[0]):
            index.is_blocked = True
            index.settings["blocks.write"] = "true"
        return _DONE

    def _change_aliases(self, _names: list[str], _params: Params, body: bytes) -> _Reply:
        """All of the actions, or none."""
        after = {name: set(index.aliases) for name, index in self._indexes.items()}
        for action in known("aliases", _json(body), "actions")["actions"]:
            ((verb, about),) = known("an action", action, "add", "remove").items()
            known(verb, about, "index", "alias", "must_exist")
            index, alias = about["index"], about["alias"]
            if index not in after:
                raise _absent(index)
            if verb == "add":
                after[index].add(alias)
            elif alias in after[index]:
                after[index].remove(alias)
            elif about.get("must_exist"):
                raise Refused(404, "aliases_not_found_exception", f"aliases [{alias}] missing")
        for name, aliases in after.items():
            self._indexes[name].aliases = aliases
        return _DONE

    def _refresh(self, names: list[str], _params: Params, _body: bytes) -> _Reply:
        for index in self._matching(names[0]):
            index.shard.refresh()
        return _Reply({"_shards": {"total": 1, "successful": 1, "failed": 0}})

    def _count_changes(self, names: list[str], params: Params, _body: bytes) -> _Reply:
        """What an index says of its one shard's operations; of documents nothing."""
        if params.get("level") != "shards":
            raise NotEmulated("statistics of whole indexes")
        told = {}
        for index in self._matching(names[0]):
            last = index.shard.last_seq_no
            numbers = dict.fromkeys(("max_seq_no", "local_checkpoint", "global_checkpoint"), last)
            commit = {"user_data": {"history_uuid": index.settings["uuid"]}}
            shard = {"routing": {"primary": True}, "commit": commit, "seq_no": numbers}
            told[index.name] = {"uuid": index.settings["uuid"], "shards": {"0": [shard]}}
        return _Reply({"indices": told})

    def _health(self, names: list[str], params: Params, _body: bytes) -> _Reply:
        if params.get("wait_for_status", "yellow") != "yellow":
            raise NotEmulated("waiting for another health than yellow")
        for name in names:
            self._matching(name)
        return _Reply({"cluster_name": "memory", "status": "green", "timed_out": False})

    # --- documents --------------------------------------------------------------------------------

    def _put(self, names: list[str], params: Params, body: bytes) -> _Reply:
        name, key = names
        index = self._writable(name, by_alias=params.get("require_alias") == "true")
        condition = Condition(
            seq_no=_number(params, "if_seq_no"), primary_term=_number(params, "if_primary_term")
        )
        reply = _stored(index, key, body, condition)
        _refreshed(index, params)
        return reply

    def _update(self, names: list[str], params: Params, body: bytes) -> _Reply:
        name, key = names
        index = self._writable(name, by_alias=False)
        before = index.shard.get(key)
        if before is None:
            raise Refused(404, "document_missing_exception", f"[{key}]: document missing")
        changes = known("an update", _json(body), "doc")["doc"]
        after = _overlaid(before.source, changes)
        reply = (
            _Reply(_about(index, before, "noop"))
            if after == before.source
            else _stored(index, key, orjson.dumps(after), Condition())
        )
        _refreshed(index, params)
        return reply

    def _get(self, names: list[str], _params: Params, _body: bytes) -> _Reply:
        name, key = names
        told = _told(self._single(name), key, True)
        return _Reply(told, 200 if told["found"] else 404)

    def _delete(self, names: list[str], params: Params, _body: bytes) -> _Reply:
        name, key = names
        index = self._writable(name, by_alias=False)
        reply = _removed(index, key, Condition())
        _refreshed(index, params)
        return reply

    def _mget(self, names: list[str], params: Params, body: bytes) -> _Reply:
        wanted: Any = params.get("_source", "true") != "false"
        if "_source_includes" in params:
            wanted = params["_source_includes"].split(",")
        keys = known("mget", _json(body), "ids")["ids"]
        try:
            index = self._single(names[0])
        except Refused as refused:
            about = {"_index": names[0], "error": {"root_cause": [refused.error], **refused.error}}
            return _Reply({"docs": [{"_id": key, **about} for key in keys]})
        return _Reply({"docs": [_told(index, key, wanted) for key in keys]})

    def _bulk(self, _names: list[str], params: Params, body: bytes) -> _Reply:
        lines = iter(body.split(b"\n"))
        items = []
        touched = {}
        for line in lines:
            if not line:
                continue
            ((verb, about),) = known(
                "an operation", orjson.loads(line), "index", "create", "delete"
            ).items()
            known(verb, about, "_index", "_id", "require_alias", "if_seq_no", "if_primary_term")
            document = b"" if verb == "delete" else next(lines)
            try:
                index = self._writable(about["_index"], by_alias=about.get("require_alias", False))
                touched[index.name] = index
                reply = _operation(verb, index, about, document)
                items.append({verb: {**reply.body, "status": reply.status}})
            except Refused as refused:
                told = {"_index": about["_index"], "_id": about["_id"], "status": refused.status}
                items.append({verb: {**told, "error": refused.error}})
        for index in touched.values():
            _refreshed(index, params)
        failed = any("error" in item for each in items for item in each.values())
        return _Reply({"took": 1, "errors": failed, "items": items})

    # --- questions --------------------------------------------------------------------------------

    def _open_view(self, names: list[str], _params: Params, _body: bytes) -> _Reply:
        index = self._single(names[0])
        key = f"view-{next(self._numbers)}"
        self._views[key] = _View(index, index.shard.view)
        return _Reply({"id": key, "_shards": {"total": 1, "successful": 1, "failed": 0}})

    def _close_view(self, _names: list[str], _params: Params, body: bytes) -> _Reply:
        key = known("a point in time", _json(body), "id")["id"]
        if self._views.pop(key, None) is None:
            return _Reply({"succeeded": True, "num_freed": 0}, 404)
        return _Reply({"succeeded": True, "num_freed": 1})

    def _search_view(self, _names: list[str], _params: Params, body: bytes) -> _Reply:
        asked = _json(body)
        pit = known("a point in time", asked.get("pit"), "id", "keep_alive")
        view = self._views.get(pit["id"])
        if view is None:
            raise Refused(
                404, "search_context_missing_exception", f"No search context found for id [{pit}]"
            )
        reply = self._searched(view, asked, pit=True)
        return _Reply({"pit_id": pit["id"], **reply})

    def _search(self, names: list[str], _params: Params, body: bytes) -> _Reply:
        index = self._single(names[0])
        asked = _json(body)
        if "pit" in asked:
            raise NotEmulated("a point in time in a search of an index")
        return _Reply(self._searched(_View(index, index.shard.view), asked, pit=False))

    def _searched(self, view: _View, asked: dict[str, Any], *, pit: bool) -> dict[str, Any]:
        clauses = Clauses(view.index.shard.mapping, datetime.now(UTC))
        return search(view.documents, view.index.name, asked, clauses, pit=pit)

    def _count(self, names: list[str], _params: Params, body: bytes) -> _Reply:
        index = self._single(names[0])
        query = known("count", _json(body), "query").get("query", {"match_all": {}})
        test = Clauses(index.shard.mapping, datetime.now(UTC)).test(query)
        return _Reply({"count": sum(test(document.row) for document in index.shard.view)})


@dataclass(frozen=True, slots=True)
class _Reply:
    body: Any
    status: int = 200


_DONE = _Reply({"acknowledged": True})


def _absent(name: str) -> Refused:
    return Refused(404, "index_not_found_exception", f"no such index [{name}]", index=name)


def _json(body: bytes) -> dict[str, Any]:
    found = orjson.loads(body) if body.strip() else {}
    if not isinstance(found, dict):
        raise NotEmulated(f"a body that is {found!r}")
    return found


def _number(params: Params, name: str) -> int | None:
    return int(params[name]) if name in params else None


# --- documents ------------------------------------------------------------------------------------


def _about(index: Index, document: Document, result: str) -> dict[str, Any]:
    return {
        "_index": index.name,
        "_id": document.key,
        "_version": document.version,
        "result": result,
        "_seq_no": document.seq_no,
        "_primary_term": 1,
    }


def _stored(index: Index, key: str, raw: bytes, condition: Condition) -> _Reply:
    is_new = index.shard.get(key) is None
    written = index.shard.put(key, raw, condition)
    return _Reply(
        _about(index, written, "created" if is_new else "updated"), 201 if is_new else 200
    )


def _removed(index: Index, key: str, condition: Condition) -> _Reply:
    version, seq_no, was_there = index.shard.delete(key, condition)
    told = {
        "_index": index.name,
        "_id": key,
        "_version": version,
        "result": "deleted" if was_there else "not_found",
        "_seq_no": seq_no,
        "_primary_term": 1,
    }
    return _Reply(told, 200 if was_there else 404)


def _operation(verb: str, index: Index, about: dict[str, Any], document: bytes) -> _Reply:
    """One line of a bulk request. Raises Refused."""
    condition = Condition(verb == "create", about.get("if_seq_no"), about.get("if_primary_term"))
    if verb == "delete":
        return _removed(index, about["_id"], condition)
    return _stored(index, about["_id"], document, condition)


def _refreshed(index: Index, params: Params) -> None:
    if params.get("refresh", "false") in ("true", "", "wait_for"):
        index.shard.refresh()


def _told(index: Index, key: str, wanted: Any) -> dict[str, Any]:
    """A document as it is now, for a question by its id."""
    document = index.shard.get(key)
    about = {"_index": index.name, "_id": key}
    if document is None:
        return {**about, "found": False}
    return {
        **about,
        "_version": document.version,
        "_seq_no": document.seq_no,
        "_primary_term": 1,
        "found": True,
        **sourced(document, wanted),
    }


def _overlaid(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """An object with changes in it and in the objects within."""
    after = dict(before)
    for name, value in changes.items():
        there = before.get(name)
        both = isinstance(value, dict) and isinstance(there, dict)
        after[name] = _overlaid(there, value) if both else value  # type: ignore[arg-type]
    return after


# --- settings, and parts of answers ---------------------------------------------------------------


def _flat(settings: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Settings by their full names without `index.`, as Elasticsearch writes them."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield f"{prefix}{name}".removeprefix("index."), text


def _deep(settings: dict[str, str]) -> dict[str, Any]:
    """Settings as objects in each other."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        *path, last = name.split(".")
        inner = found
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return found


def _filtered(body: Any, wanted: str) -> Any:
    """The parts of an answer that `filter_path` names."""
    paths = [path.split(".") for path in wanted.split(",")]
    if any("-" in path or "**" in path for path in wanted.split(",")):
        raise NotEmulated(f"filter_path {wanted}")
    return _chosen(body, paths) or {}


def _chosen(value: Any, paths: list[list[str]]) -> Any:
    """What paths lead to; None where nothing is."""
    if isinstance(value, list):
        return [kept for part in value if (kept := _chosen(part, paths)) is not None] or None
    if not isinstance(value, dict):
        return None
    found: dict[str, Any] = {}
    for name, inner in value.items():
        deeper = [path[1:] for path in paths if path[0] in ("*", name)]
        if any(not path for path in deeper):
            found[name] = inner
        elif deeper and (kept := _chosen(inner, deeper)) is not None:
            found[name] = kept
    return found or None


# --- paths ----------------------------------------------------------------------------------------

_NAMES = r"([^/_][^/]*)"
_KEY = r"([^/]+)"
Handler = Callable[[Cluster, list[str], Params, bytes], _Reply]


def _route(
    methods: str, path: str, handle: Handler
) -> Iterator[tuple[str, re.Pattern[str], Handler]]:
    for method in methods.split():
        yield method, re.compile(path), handle


_ROUTES: list[tuple[str, re.Pattern[str], Handler]] = [
    *_route("PUT", rf"/{_NAMES}", Cluster._create),
    *_route("GET", rf"/{_NAMES}", Cluster._describe),
    *_route("DELETE", rf"/{_NAMES}", Cluster._drop),
    *_route("GET", rf"/{_NAMES}/_alias", Cluster._describe_aliases),
    *_route("GET", rf"/{_NAMES}/_mapping", Cluster._describe_mapping),
    *_route("PUT", rf"/{_NAMES}/_mapping", Cluster._change_mapping),
    *_route("PUT", rf"/{_NAMES}/_block/write", Cluster._block),
    *_route("POST", r"/_aliases", Cluster._change_aliases),
    *_route("POST", rf"/{_NAMES}/_refresh", Cluster._refresh),
    *_route("GET", rf"/{_NAMES}/_stats/docs", Cluster._count_changes),
    *_route("GET", r"/_cluster/health", Cluster._health),
    *_route("GET", rf"/_cluster/health/{_NAMES}", Cluster._health),
    *_route("PUT", rf"/{_NAMES}/_doc/{_KEY}", Cluster._put),
    *_route("POST", rf"/{_NAMES}/_update/{_KEY}", Cluster._update),
    *_route("GET", rf"/{_NAMES}/_doc/{_KEY}", Cluster._get),
    *_route("DELETE", rf"/{_NAMES}/_doc/{_KEY}", Cluster._delete),
    *_route("POST", rf"/{_NAMES}/_mget", Cluster._mget),
    *_route("POST", r"/_bulk", Cluster._bulk),
    *_route("POST", rf"/{_NAMES}/_pit", Cluster._open_view),
    *_route("DELETE", r"/_pit", Cluster._close_view),
    *_route("POST", r"/_search", Cluster._search_view),
    *_route("POST", rf"/{_NAMES}/_search", Cluster._search),
    *_route("GET POST", rf"/{_NAMES}/_count", Cluster._count),
]
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "_describe": ("ignore_unavailable", "expand_wildcards"),
    "_count_changes": ("level",),
    "_health": ("wait_for_status", "timeout"),
    "_put": ("refresh", "require_alias", "if_seq_no", "if_primary_term"),
    "_update": ("refresh",),
    "_delete": ("refresh",),
    "_mget": ("_source", "_source_includes"),
    "_bulk": ("refresh",),
    "_open_view": ("keep_alive",),
}
"""The parameters that each of them knows, beside filter_path."""
