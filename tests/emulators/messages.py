"""HTTP requests and replies as the emulators see them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .faults import Effect

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


class Cut(Exception):
    """The connection is dropped at once, without another byte (only faults do that)."""


class Body:
    """A request's body; read once. `consumed` counts its bytes."""

    def __init__(self, chunks: AsyncIterator[bytes], length: int | None) -> None:
        self.length = length
        self.consumed = 0
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.consumed += len(chunk)
            yield chunk

    @classmethod
    def of(cls, data: bytes) -> Body:
        """A body that has come already."""

        async def chunks() -> AsyncIterator[bytes]:
            if data:
                yield data

        return cls(chunks(), len(data))

    async def read(self) -> bytes:
        """All of it at once: for the small bodies of JSON calls."""
        return b"".join([chunk async for chunk in self])


@dataclass
class Request:
    """One HTTP request."""

    method: str
    target: str
    headers: dict[str, str]
    body: Body
    effect: Effect = field(default_factory=Effect)

    @property
    def path(self) -> str:
        """The target without its query."""
        if self.target.startswith("/"):  # where two slashes begin no host
            return self.target.partition("?")[0]
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, the first value of each."""
        return {
            name: values[0]
            for name, values in parse_qs(
                urlsplit(self.target).query, keep_blank_values=True
            ).items()
        }

    @property
    def host(self) -> str:
        """The host the client believes it talks to, with its port where one was given."""
        return self.headers.get("host", "")

    @property
    def content_type(self) -> str:
        """The media type without spaces, lower case, with its parameters."""
        return self.headers.get("content-type", "").replace(" ", "").lower()


@dataclass
class Reply:
    """One HTTP reply: `body` in chunks, `size` bytes altogether.

    `cut`: drop the connection after so many bytes of the body (-1: before the reply); `stall`: send
    nothing for so many seconds there instead; `rate`: bytes a second.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Iterator[bytes] = field(default_factory=lambda: iter(()))
    size: int = 0
    cut: int | None = None
    stall: float | None = None
    rate: float | None = None


def plain(status: int, text: str, **headers: str) -> Reply:
    """A text."""
    return whole(status, TEXT, text.encode(), headers)


def page(status: int, html: str) -> Reply:
    """A web page."""
    return whole(status, "text/html; charset=utf-8", html.encode(), {})


def as_json(status: int, value: Any, **headers: str) -> Reply:
    """JSON, with exactly the content type the service uses."""
    return whole(status, JSON, json.dumps(value).encode(), headers)


def whole(status: int, kind: str, data: bytes, headers: dict[str, str]) -> Reply:
    """Bytes at hand; an underscore in the name of a header stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(
        status, {"Content-Type": kind, **named}, iter([data]) if data else iter(()), len(data)
    )
