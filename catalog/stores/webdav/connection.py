"""One WebDAV server: every request goes through here, waits where the server says so, and is
repeated where it may help.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import http.cookiejar
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from catalog.stores.patience import Patience, Verdict, growing
from catalog.stores.webdav.answers import Resource, read_resources, request_body
from catalog.stores.webdav.failures import Refused, is_untrusted, of_exception
from catalog.version import __version__

CONNECT, READ, LONG = 10.0, 60.0, 3600.0
"""Seconds until a connection is made; without a byte; and for what a server works at by itself."""
AT_ONCE = 8
"""Requests without the bytes of files that run at once."""
REDIRECTS = 5
_MESSAGE = re.compile(rb"<s:message>(.{1,300}?)</s:message>", re.DOTALL)
_BUSY = frozenset({429, 502, 503, 504})
_BY_ITSELF = frozenset({"MOVE", "COPY", "PATCH"})
"""What a server may work at for long before it answers."""
_SEND_ON = frozenset({301, 302, 307, 308})
_BLOCK = 256 * 1024
_TOLD = 16 * 1024
"""Bytes of an answer that says why, which are read."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, which is never shown."""

    username: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """How a request states it (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass
class Line:
    """The connections to a server, which all threads and stores share.

    `origin` is its scheme, host and port; the login goes nowhere else. `transfers`: files that
    travel there at once, and as many may travel back: a file may be read here while it is written
    here, and neither waits for the other. A file travels until its last byte is sent; the server
    may be at work on a few more that are there already.
    """

    origin: str
    login: Login | None
    ca_cert: Path | None = None
    transfers: int = 4

    def __post_init__(self) -> None:
        self.uploads_at_once = threading.BoundedSemaphore(self.transfers)
        self.puts_at_once = threading.BoundedSemaphore(max(self.transfers, AT_ONCE))
        self.downloads_at_once = threading.BoundedSemaphore(self.transfers)
        self.calls_at_once = threading.BoundedSemaphore(AT_ONCE)

    @cached_property
    def client(self) -> httpx.Client:
        """What sends requests."""
        context = ssl.create_default_context(cafile=str(self.ca_cert) if self.ca_cert else None)
        nothing = http.cookiejar.DefaultCookiePolicy(allowed_domains=[])
        most = 2 * (self.transfers + AT_ONCE)
        return httpx.Client(
            verify=context,
            cookies=http.cookiejar.CookieJar(nothing),  # a session would outlive a wrong password
            timeout=httpx.Timeout(READ, connect=CONNECT, pool=None),
            limits=httpx.Limits(max_connections=most, max_keepalive_connections=most),
            headers={"User-Agent": f"image-catalog/{__version__}", "Accept-Encoding": "identity"}
            | ({"Authorization": self.login.header} if self.login else {}),
        )

    def close(self) -> None:
        """Close the connections, if there are any."""
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()


@dataclass
class Connection:
    """A server as one store uses it.

    `seconds`: for which a request is repeated while the server cannot be reached or asks to wait.
    Once `interrupted` is set nothing is waited for any more.
    """

    line: Line
    store: str = "webdav"
    seconds: float = 900.0
    interrupted: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.patience = Patience(
            self.host,
            self.store,
            self.seconds,
            judge,
            lambda error, path: of_exception(error, self.host, self.store, path),
            self.interrupted,
        )

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server."""
        return self.line.origin

    @property
    def login(self) -> Login | None:
        """Who asks."""
        return self.line.login

    @property
    def host(self) -> str:
        """The server, for a person."""
        return urlsplit(self.origin).netloc

    def ask(
        self,
        method: str,
        url: str,
        path: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] = b"",
        is_once: bool = False,
    ) -> httpx.Response:
        """The answer to a request, read whole.

        `path` is what the store calls what it is about, for errors. A `body` that is not of bytes
        is sent once only, and needs its length among the `headers`. Raises StoreError; with
        `is_once`, Ambiguous where the reply was lost.
        """

        def request() -> httpx.Response:
            return self._answered(method, url, headers or {}, body)

        with self.line.puts_at_once if method == "PUT" else self.line.calls_at_once:
            return self.patience.repeat(request, path, is_once=is_once)

    def list(
        self,
        url: str,
        depth: str,
        properties: Iterable[str],
        path: str = "",
        *,
        method: str = "PROPFIND",
    ) -> list[Resource]:
        """What the server says of a file or folder, and with depth "1" of what is in it."""
        headers = {"Depth": depth, "Content-Type": "application/xml; charset=utf-8"}
        answer = self.ask(method, url, path, headers=headers, body=request_body(properties))
        return [*read_resources(answer.content, self.store)]

    def transfer(self, *, is_check: bool = False) -> AbstractContextManager[object]:
        """While one more file travels here, whose bytes are read after its request.

        `is_check`: it is read only to be compared, maybe while another one travels that the same
        work waits for; so it waits among the requests that end by themselves.
        """
        return self.line.calls_at_once if is_check else self.line.downloads_at_once

    def stream(self, url: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
        """The answer to a GET whose bytes are read afterwards, within a transfer; to be closed."""

        def request() -> httpx.Response:
            return self._sent("GET", url, headers)

        return self.patience.repeat(request, path)

    def _answered(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes],
    ) -> httpx.Response:
        with contextlib.ExitStack() as travelling:
            if method == "PUT":
                travelling.enter_context(self.line.uploads_at_once)
                if isinstance(body, bytes):
                    headers, body = {**headers, "Content-Length": str(len(body))}, _blocks(body)
                body = _before(body, travelling.close)
            response = self._sent(method, url, headers, body)
        try:
            response.read()
        finally:
            response.close()
        return response

    def _sent(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] = b"",
    ) -> httpx.Response:
        """An answer that is a success; the server may send on what only asks, but not elsewhere."""
        seconds = LONG if method in _BY_ITSELF else READ
        limits = httpx.Timeout(seconds, connect=CONNECT, pool=None)
        for _step in range(REDIRECTS):
            request = self.line.client.build_request(
                method, url, headers=dict(headers), content=body or None, timeout=limits
            )
            response = self.line.client.send(request, stream=True, follow_redirects=False)
            if response.is_success:
                return response
            refusal = _refusal(response)
            if refusal.status not in _SEND_ON or method not in ("GET", "PROPFIND", "OPTIONS"):
                raise refusal
            url = urljoin(url, refusal.location)
            if not url.startswith(f"{self.origin}/"):
                raise refusal
        raise refusal

    def close(self) -> None:
        """Close the connections, if there are any."""
        self.line.close()


def judge(error: Exception, attempt: int) -> Verdict | None:
    """What a failed request is worth."""
    if isinstance(error, Refused):
        if error.status not in _BUSY and error.status != 500:
            pause = growing(attempt) if error.status == 423 and attempt < 5 else None
            return Verdict(pause, is_answer=True)
        wait = growing(attempt) if error.wait is None else max(error.wait, 0.1)
        # a proxy speaks for a server that may still be at it
        is_lost = error.status in (500, 502, 504)
        if error.status == 500 and attempt >= 3:
            return Verdict(None, is_answer=True, is_lost=is_lost)
        return Verdict(wait, error.status in (429, 503), is_answer=True, is_lost=is_lost)
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Verdict(None)
    if isinstance(error, httpx.HTTPError):
        is_unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        return Verdict(None if is_untrusted(error) else growing(attempt), is_lost=not is_unsent)
    return None


def _blocks(data: bytes) -> Iterator[bytes]:
    """Bytes in blocks: of each that the line does not take at once the rest is copied."""
    return (data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK))


def _before(pieces: Iterable[bytes], then: Callable[[], object]) -> Iterator[bytes]:
    """The same pieces; `then` is called once they are sent."""
    yield from pieces
    then()


def _refusal(response: httpx.Response) -> Refused:
    told = b""
    with contextlib.suppress(httpx.HTTPError):
        for piece in response.iter_bytes(_TOLD):
            told += piece
            if len(told) >= _TOLD:
                break
    response.close()
    found = _MESSAGE.search(told)
    reason = " ".join(found[1].decode(errors="replace").split()) if found else ""
    location = response.headers.get("Location", "")
    return Refused(
        response.status_code,
        reason or response.reason_phrase,
        location,
        _seconds(response.headers.get("Retry-After", "")),
    )


def _seconds(text: str) -> float | None:
    """What Retry-After asks for: seconds, or a date (RFC 9110, section 10.2.3)."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
