"""One connection to Elasticsearch, and the translation of its errors into ours.

Of the package `elasticsearch` only the layer below is imported, `elastic_transport`: connections,
TLS, and a pool of nodes in which a dead one is left out and tried again later. The client above it
has a method for each of some 500 interfaces; the program sends paths and bodies and uses none of
them, while they cost 0.06 s of CPU at every start. Only the nodes that are named are asked: the
addresses that a cluster gives of itself ("sniffing") often mean nothing outside of it.
"""

from __future__ import annotations

import contextlib
import logging
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NotRequired, TypeAlias, TypedDict, TypeVar
from urllib.parse import quote, urlencode

import elastic_transport
import orjson
from elastic_transport import NodeConfig, Transport, TransportApiResponse, Urllib3HttpNode
from elastic_transport.client_utils import basic_auth_to_header, url_to_node_config
from urllib3 import Timeout
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from catalog.errors import (
    AccessDenied,
    CatalogError,
    CatalogIndexError,
    DocumentConflict,
    IndexUnavailable,
    QuerySyntaxError,
)

log = logging.getLogger(__name__)
REQUEST_SECONDS = 60
CONNECT_SECONDS = 10
PAUSES = (0.2, 0.8, 3.2)
"""Seconds before a request is made once more, at most so often. Up to half is left off by chance,
so that programs which were refused together do not come back together."""
LONGEST_PAUSE = 8.0
"""Seconds between two attempts of one that is patient."""
_BUSY = frozenset({429, 502, 503, 504})
_NOT_BEGUN = frozenset({429, 503})
"""Statuses of a request that was not begun; after 502 and 504, of a server between, it may be."""
_QUESTIONS = frozenset({"_search", "_count", "_mget", "_refresh", "_pit"})
"""Ends of paths to which a POST changes no document."""

Query: TypeAlias = dict[str, Any]
"""A query, or another part of a request, in Elasticsearch's own words."""
Reply: TypeAlias = dict[str, Any]
"""An answer, or a part of one, in Elasticsearch's own words."""
Sort: TypeAlias = str | Sequence[Query]
"""The order of what a search finds."""
Line: TypeAlias = Mapping[str, Any]
"""One line of a bulk request: an operation, or the document after it."""
Row = TypeVar("Row")


class Hit(TypedDict, Generic[Row]):
    """One answer of a search: the id of a document, and as much of it as was asked for."""

    _id: str
    _source: Row
    sort: NotRequired[list[Any]]


class Cause(TypedDict, total=False):
    """Why something was refused: a type for a program, a reason for a person."""

    type: str
    reason: str
    caused_by: Cause


class BulkReply(TypedDict):
    """What became of one operation of a bulk request."""

    _id: str
    status: int
    error: NotRequired[Cause]


@dataclass(frozen=True, slots=True)
class Address:
    """Where Elasticsearch answers, each url a node of one cluster, and what to say to it.

    The secrets stay out of the repr.
    """

    urls: tuple[str, ...]
    user: str = ""
    password: str = ""
    api_key: str = ""
    ca_cert: Path | None = None

    @property
    def url(self) -> str:
        """All of the urls, for a person to read."""
        return ", ".join(self.urls)

    def __repr__(self) -> str:
        return f"Address(urls={self.urls!r}, user={self.user!r})"


class Connection:
    """Elasticsearch's REST interface as we use it: JSON in, JSON out, our errors. Thread safe.

    A node that cannot be reached is left out, and tried again after a while that doubles (1 to 30
    seconds); a request fails for that only where no other node takes it. Where a node is busy, or
    the line breaks, it is made again after each of `pauses`, and then until `patience` (seconds)
    has passed, unless it may have changed something already: whether to write again is for those
    who can look first. One with patience waits as well for a node that has answered and is gone,
    and tries to `recover` it.
    """

    def __init__(
        self,
        address: Address,
        *,
        timeout: float = REQUEST_SECONDS,
        pauses: Sequence[float] = PAUSES,
        patience: float = 0.0,
        recover: Callable[[], None] | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.address = address
        self._pauses = pauses
        self.patience = patience
        self._recover = recover
        self._sleep = sleep
        self._has_answered = False
        try:
            self._transport = Transport(_nodes(address, timeout), node_class=_Node, max_retries=0)
        except ValueError as error:
            raise IndexUnavailable(
                f"{address.url} is no address of Elasticsearch: {error}."
            ) from error

    def request(
        self, method: str, path: str, body: Any = None, *, may_repeat: bool = False, **params: Any
    ) -> Any:
        """The parsed reply of one request. `body` is a JSON value, or bytes for NDJSON.

        `may_repeat`: it is a write that may be done twice.
        """
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = (
                "application/x-ndjson" if isinstance(body, bytes) else "application/json"
            )
        target = f"{path}?{urlencode(params, quote_via=quote)}" if params else path
        may_repeat |= method == "GET" or path.rpartition("/")[2] in _QUESTIONS
        with _translated(self.address.url):
            reply = self._answer(
                may_repeat, method=method, target=target, body=body, headers=headers
            )
        _check(reply, self.address.url)
        return reply.body

    def bulk(self, lines: Sequence[Line], **params: Any) -> list[BulkReply]:
        """The items of a bulk request's reply, in order; a refused item is a reply, not an error.

        Raises IndexUnavailable where one was not taken for the moment, or nobody knows; to send all
        of them again is harmless.
        """
        payload = b"\n".join(orjson.dumps(line) for line in lines) + b"\n"
        reply = self.request("POST", "/_bulk", payload, **params)
        items: list[BulkReply] = [next(iter(item.values())) for item in reply["items"]]
        for item in items:
            error = item.get("error", {})
            if item["status"] in _BUSY or error.get("type") == _BLOCKED:
                reason = error.get("reason", "")
                raise IndexUnavailable(
                    f"Elasticsearch at {self.address.url} did not take everything "
                    f"({item['status']}: {reason}).",
                    hint="Try again later.",
                )
        return items

    def close(self) -> None:
        """End the connections."""
        for node in self._transport.node_pool.all():
            node.close()

    def _answer(self, may_repeat: bool, **request: Any) -> TransportApiResponse:
        """The first answer that is worth something, else the last. Raises as the transport does."""
        pauses = self._waits()
        others = len(self._transport.node_pool) - 1
        while True:
            try:
                reply = self._transport.perform_request(**request)
            except elastic_transport.TransportError as error:
                if _is_unsent(error) and others:
                    others -= 1
                    continue
                pause = next(pauses, None) if self._is_worth_waiting(error, may_repeat) else None
                if pause is None:
                    raise
                others = len(self._transport.node_pool) - 1
            else:
                self._has_answered = True
                passing = _BUSY if may_repeat else _NOT_BEGUN
                pause = next(pauses, None) if reply.meta.status in passing else None
                if pause is None:
                    return reply
            self._sleep(pause)

    def _is_worth_waiting(self, error: elastic_transport.TransportError, may_repeat: bool) -> bool:
        """Whether a request that failed so may be made again; what can be mended has been."""
        if _is_unsent(error):
            is_worth = self._has_answered and self.patience > 0
        else:
            is_worth = may_repeat and _is_broken_line(error)
        if is_worth and self._recover is not None:
            try:
                self._recover()
            except CatalogError as problem:
                log.warning("%s", problem.message)
        return is_worth

    def _waits(self) -> Iterator[float]:
        """How long to wait before each further attempt."""
        waited, began = 0.0, time.monotonic()
        for pause in self._pauses:
            # so that several programs take turns
            waited += (chosen := random.uniform(pause / 2, pause))  # noqa: S311
            yield chosen
        if (left := self.patience - max(waited, time.monotonic() - began)) > 0:
            log.warning("Elasticsearch at %s is busy or away. Waiting.", self.address.url)
        while left > 0:
            waited += (chosen := min(random.uniform(LONGEST_PAUSE / 2, LONGEST_PAUSE), left))  # noqa: S311
            yield chosen
            left = self.patience - max(waited, time.monotonic() - began)


class _Node(Urllib3HttpNode):
    """A node that is given up sooner where nobody takes the line than where an answer is slow."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self.pool.timeout = Timeout(connect=CONNECT_SECONDS, total=config.request_timeout)


def _nodes(address: Address, timeout: float) -> list[NodeConfig]:
    """How to reach each node once. Raises ValueError for a url that is none."""
    headers = {}
    if address.api_key:
        headers["authorization"] = f"ApiKey {address.api_key}"
    elif address.user:
        headers["authorization"] = basic_auth_to_header((address.user, address.password))
    found = []
    for url in address.urls:
        node = url_to_node_config(url).replace(request_timeout=timeout, headers=headers)
        found.append(
            node.replace(ca_certs=str(address.ca_cert))
            if address.ca_cert and node.scheme == "https"
            else node
        )
    return list(dict.fromkeys(found))


def _is_unsent(error: elastic_transport.TransportError) -> bool:
    """Whether no byte of the request can have arrived: nobody took the line, or was trusted."""
    return _met(error, NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)


def _is_broken_line(error: elastic_transport.TransportError) -> bool:
    """Whether a line was there and broke, so that nobody knows how far the request came."""
    if isinstance(error, elastic_transport.TlsError):
        return _met(error, ssl.SSLEOFError)
    return isinstance(error, elastic_transport.ConnectionError) and not _is_unsent(error)


def _met(error: elastic_transport.TransportError, *causes: type[Exception]) -> bool:
    """Whether one of the causes is what happened to the line, bare or in an error about it."""
    found = error.__cause__
    return found is not None and any(isinstance(part, causes) for part in (found, *found.args))


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    """Raise our errors for those of the transport."""
    try:
        yield
    except elastic_transport.ConnectionError as error:
        what = f"does not answer ({_short(error)})"
        raise IndexUnavailable(f"Elasticsearch at {url} {what}.", hint=_UNREACHABLE) from error
    except elastic_transport.TransportError as error:
        what = f"gave no usable answer ({_short(error)})"
        raise IndexUnavailable(f"Elasticsearch at {url} {what}.", hint=_UNREACHABLE) from error


_UNREACHABLE = (
    "Check that it runs and that host, port or CATALOG_ELASTICSEARCH_URL are right, "
    "then run the command again."
)
_LOGIN = (
    "Set CATALOG_ELASTICSEARCH_USER and CATALOG_ELASTICSEARCH_PASSWORD, or "
    "CATALOG_ELASTICSEARCH_API_KEY."
)
_FULL = (
    "Its disk may be nearly full, or the catalog is being brought to a newer schema. Try "
    "again later."
)
_BLOCKED = "cluster_block_exception"
"""Type of the error where an index is not writable for a while, for one of the reasons above."""
_SYNTAX = frozenset(
    {"query_shard_exception", "parse_exception", "parsing_exception", "x_content_parse_exception"}
)
"""Types of the errors of a query that is not understood, wherever in the reply."""
_PRODUCT = "Elasticsearch"


def _check(reply: TransportApiResponse, url: str) -> None:
    """Raise for an answer that is none of a request that was done."""
    status = reply.meta.status
    if not 200 <= status < 300:
        said = elastic_transport.ApiError(f"status {status}", reply.meta, reply.body)
        raise _refusal(status, reply.body, url) from said
    if reply.meta.headers.get("x-elastic-product") != _PRODUCT:
        raise CatalogIndexError(f"What answers at {url} is not Elasticsearch.", hint=_UNREACHABLE)


def _refusal(status: int, body: Any, url: str) -> CatalogIndexError:
    """Our error for a status and a body, by what they say in their types."""
    told = body.get("error", body) if isinstance(body, dict) else body
    error = told if isinstance(told, dict) else {}
    kind, reason = str(error.get("type", "")), _reason(error) or str(told)[:500]
    if kind == _BLOCKED:
        return IndexUnavailable(
            f"Elasticsearch at {url} takes no writes for now ({reason}).", hint=_FULL
        )
    if status in _BUSY:
        return IndexUnavailable(
            f"Elasticsearch at {url} is overloaded or not ready ({status}: {reason}).",
            hint="Try again later.",
        )
    if status in (401, 403):
        return AccessDenied(f"Elasticsearch at {url} refused the login ({status}).", hint=_LOGIN)
    if status == 409:
        return DocumentConflict(f"Another program changed the document first ({reason}).")
    if status == 400 and not _SYNTAX.isdisjoint(_kinds(error)):
        return QuerySyntaxError(f"Elasticsearch does not understand the query: {reason}.")
    what = f"refused the request ({status}: {reason})"
    return CatalogIndexError(f"Elasticsearch at {url} {what}.", status=status, kind=kind)


def _kinds(error: Reply) -> Iterator[str]:
    """The types of an error and of all its causes."""
    yield str(error.get("type", ""))
    shards = (part.get("reason") for part in error.get("failed_shards") or ())
    for cause in (error.get("caused_by"), *(error.get("root_cause") or ()), *shards):
        if isinstance(cause, dict):
            yield from _kinds(cause)


def _reason(error: Reply) -> str:
    shard = (error.get("failed_shards") or [{}])[0].get("reason", {})
    # the cause on a shard is the only one to say where a query goes wrong
    causes = (
        shard.get("caused_by"),
        *(error.get("root_cause") or ()),
        error,
        error.get("caused_by"),
    )
    reasons = (cause["reason"] for cause in causes if cause and cause.get("reason"))
    return str(next(reasons, error.get("type", "")))[:500]


def _short(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error)
    return text.splitlines()[0][:200] if text else type(error).__name__
