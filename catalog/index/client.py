"""One connection to Elasticsearch, and the translation of its errors into ours."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import elastic_transport
import elasticsearch
import orjson

from catalog.errors import AccessDenied, CatalogIndexError, DocumentConflict, IndexUnavailable, QuerySyntaxError

REQUEST_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Address:
    """Where Elasticsearch answers, and what to say to it. The secrets stay out of the repr."""

    url: str
    user: str = ""
    password: str = ""
    api_key: str = ""
    ca_cert: Path | None = None

    def __repr__(self) -> str:
        return f"Address(url={self.url!r}, user={self.user!r})"


class Connection:
    """Elasticsearch's REST interface as we use it: JSON in, JSON out, our errors. Safe to use from several threads."""

    def __init__(self, address: Address, *, timeout: float = REQUEST_SECONDS) -> None:
        self.address = address
        options: dict[str, Any] = {"request_timeout": timeout, "max_retries": 0, "retry_on_timeout": False}
        if address.api_key:
            options["api_key"] = address.api_key
        elif address.user:
            options["basic_auth"] = (address.user, address.password)
        if address.ca_cert:
            options["ca_certs"] = str(address.ca_cert)
        try:
            self._client = elasticsearch.Elasticsearch(address.url, **options)
        except ValueError as error:
            raise IndexUnavailable(f"{address.url} is no address of Elasticsearch: {error}.") from error

    def request(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """The parsed reply of one request. `body` is a JSON value, or bytes for NDJSON."""
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        with translated(self.address.url):
            reply = self._client.perform_request(method, path, params=params or None, headers=headers, body=body)
        return reply.body

    def exists(self, path: str) -> bool:
        """Whether HEAD finds something at the path."""
        with translated(self.address.url):
            reply = self._client.perform_request("HEAD", path, headers={"accept": "application/json"})
        return reply.meta.status == 200

    def bulk(self, lines: Sequence[Any], **params: Any) -> list[dict[str, Any]]:
        """The items of a bulk request's reply, in order; a refused item is a reply too, not an error.

        Raises IndexUnavailable where one was not taken for the moment; to send all of them again is harmless.
        """
        payload = b"\n".join(orjson.dumps(line) for line in lines) + b"\n"
        reply = self.request("POST", "/_bulk", payload, **params)
        items = [next(iter(item.values())) for item in reply["items"]]
        for item in items:
            if item["status"] in _BUSY or item.get("error", {}).get("type") == _BLOCKED:
                reason = item.get("error", {}).get("reason", "")
                raise IndexUnavailable(
                    f"Elasticsearch at {self.address.url} did not take everything ({item['status']}: {reason}).",
                    hint="Try again later.",
                )
        return items

    def close(self) -> None:
        """End the connections."""
        self._client.close()


@contextlib.contextmanager
def translated(url: str) -> Iterator[None]:
    """Raise our errors for those of the Elasticsearch client."""
    try:
        yield
    except elasticsearch.ApiError as error:
        raise _from_status(error, url) from error
    except elastic_transport.ConnectionError as error:
        raise IndexUnavailable(f"Elasticsearch at {url} does not answer ({_short(error)}).", hint=_UNREACHABLE) from error
    except elastic_transport.TransportError as error:
        raise IndexUnavailable(f"Elasticsearch at {url} gave no usable answer ({_short(error)}).", hint=_UNREACHABLE) from error


_UNREACHABLE = "Check that it runs and that host, port or CATALOG_ELASTICSEARCH_URL are right, then run the command again."


_BUSY = frozenset({429, 502, 503, 504})
_BLOCKED = "cluster_block_exception"
"""An index that is not writable for a while: its disk is nearly full, or it is being brought to a newer schema."""


def _from_status(error: elasticsearch.ApiError, url: str) -> CatalogIndexError:
    status = error.status_code
    reason = _reason(error)
    if _type(error) == _BLOCKED:
        return IndexUnavailable(
            f"Elasticsearch at {url} takes no writes for now ({reason}).",
            hint="Its disk may be nearly full, or the catalog is being brought to a newer schema. Try again later.",
        )
    if status in _BUSY:
        return IndexUnavailable(
            f"Elasticsearch at {url} is overloaded or not ready ({status}: {reason}).", hint="Try again later."
        )
    if status in (401, 403):
        return AccessDenied(
            f"Elasticsearch at {url} refused the login ({status}).",
            hint="Set CATALOG_ELASTICSEARCH_USER and CATALOG_ELASTICSEARCH_PASSWORD, or CATALOG_ELASTICSEARCH_API_KEY.",
        )
    if status == 409:
        return DocumentConflict(f"Another program changed the document first ({reason}).")
    if status == 400 and any(
        word in str(error.body) for word in ("query_shard_exception", "parse_exception", "parsing_exception")
    ):
        return QuerySyntaxError(f"Elasticsearch does not understand the query: {reason}.")
    return CatalogIndexError(f"Elasticsearch at {url} refused the request ({status}: {reason}).")


def _type(error: elasticsearch.ApiError) -> str:
    body = error.body
    return str(body["error"].get("type")) if isinstance(body, dict) and isinstance(body.get("error"), dict) else ""


def _reason(error: elasticsearch.ApiError) -> str:
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        whole = body["error"]
        shard = (whole.get("failed_shards") or [{}])[0].get("reason", {})
        # the cause on a shard is the only one to say where a query goes wrong
        causes = (shard.get("caused_by"), *(whole.get("root_cause") or ()), whole, whole.get("caused_by"))
        return str(next((c["reason"] for c in causes if c and c.get("reason")), whole.get("type")))[:500]
    return str(error.message)[:500]


def _short(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error)
    return text.splitlines()[0][:200] if text else type(error).__name__
