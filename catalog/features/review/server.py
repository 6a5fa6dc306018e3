"""The review page for one person on this machine: served on the loopback address alone,
to whoever knows its secret address.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

import orjson

from catalog.domain.decisions import Answer, Decision, contradictions, parse_decision
from catalog.errors import CatalogError, UsageError
from catalog.features.review.page import Page, encode_answer, known_members, policy, why_foreign

Apply: TypeAlias = Callable[[Sequence[Decision]], Sequence[Answer]]
"""Does what was decided, and tells what became of each."""
Pictures: TypeAlias = Callable[[str, bool], bytes | None]
"""The JPEG of a content hash, large or small."""

ADDRESS = "127.0.0.1"
NAMES = (ADDRESS, "localhost")
"""Names under which a browser on this machine may ask.

Another one leads here by a name server's trick.
"""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of a request's body."""
MOST_DECISIONS = 10_000
IDLE_SECONDS = 30.0
CLOSED = "the review has ended"


class Review:
    """What is served: the page, its pictures, and the way its decisions take.

    Safe to use from several threads.

    `ended` is set once a person is done, or a `fault` of the program ended it.
    """

    def __init__(self, page: Page, pictures: Pictures, apply: Apply) -> None:
        self.page = page
        self.pictures = pictures
        self.ended = threading.Event()
        self.fault: Exception | None = None
        self._apply = apply
        self._known = known_members(page.groups)
        self._hashes = frozenset(page.hashes)
        self._answers: dict[tuple[str, str, str], Answer] = {}
        self._lock = threading.Lock()

    def picture(self, content_hash: str, large: bool) -> bytes | None:
        """A picture of this review; None for others."""
        return self.pictures(content_hash, large) if content_hash in self._hashes else None

    @property
    def answers(self) -> list[Answer]:
        """What was decided and applied so far."""
        return list(self._answers.values())

    def decide(self, rows: Sequence[Any]) -> list[Answer]:
        """Apply decisions as they were posted.

        Raises ValueError where one of them cannot be meant: then none is applied.
        """
        if len(rows) > MOST_DECISIONS:
            raise ValueError(f"more than {MOST_DECISIONS:,} decisions at once")
        decisions = [_decision(row) for row in rows]
        problems = [
            *contradictions(decisions).values(),
            *(why for d in decisions if (why := why_foreign(d, self._known))),
        ]
        if problems:
            raise ValueError(problems[0])
        with self._lock:
            if self.ended.is_set():
                raise ValueError(CLOSED)
            given = self._applied(decisions)
            self._answers |= {answer.decision.member: answer for answer in given}
        return given

    def _applied(self, decisions: Sequence[Decision]) -> list[Answer]:
        """Each decision is followed once, however often it is posted."""
        before = {
            d.member: a
            for d in decisions
            if (a := self._answers.get(d.member)) and a.outcome != "failed"
        }
        new = [d for d in decisions if d.member not in before]
        try:
            answers = {a.decision.member: a for a in (self._apply(new) if new else ())}
        except CatalogError as error:
            answers = {d.member: Answer(d, "failed", str(error)) for d in new}
        # a fault of the program: nothing more is applied, and it is told where it is seen
        except Exception as error:
            self.fault = error
            self.ended.set()
            raise
        missing = "it is not known what became of it; see `catalog history`"
        return [
            before.get(d.member) or answers.get(d.member) or Answer(d, "failed", missing)
            for d in decisions
        ]

    def end(self) -> None:
        """No more decisions; what is being applied is done first."""
        with self._lock:
            self.ended.set()


def _decision(row: Any) -> Decision:
    if not isinstance(row, dict):
        raise ValueError("a decision is no object")
    return parse_decision(row)


@contextmanager
def run_server(review: Review, port: int = 0) -> Iterator[str]:
    """Serve a review on a free port, or the one given; its address, which is secret.

    Raises UsageError for a port in use.
    """
    token = secrets.token_urlsafe(32)
    try:
        server = _Server((ADDRESS, port), review, token)
    except OSError as error:
        raise UsageError(
            f"The port {port} of {ADDRESS} cannot be had: {error.strerror}.",
            hint="Name another --serve_port, or none for a free one.",
        ) from None
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="review", daemon=True
    )
    thread.start()
    try:
        yield f"http://{ADDRESS}:{server.server_port}/{token}/"
    finally:
        review.end()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], review: Review, token: str) -> None:
        super().__init__(address, _Handler)
        self.review = review
        self.token = token

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no problem to tell of."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "image-catalog"
    sys_version = ""
    timeout = IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """The page or a picture."""
        asked = self._allowed()
        if asked is None:
            return
        review = self.server.review
        what, _slash, name = asked.partition("/")
        if asked == "":
            body = b"".join(review.page.parts(answers=review.answers))
            self._reply(HTTPStatus.OK, body, "text/html; charset=utf-8")
        elif (
            what in ("preview", "large")
            and (jpeg := review.picture(name, what == "large")) is not None
        ):
            self._reply(HTTPStatus.OK, jpeg, "image/jpeg")
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def do_POST(self) -> None:
        """Decisions, or the word that it is done."""
        asked = self._allowed()
        if asked is None or not self._is_own_post():
            return
        body = self._body()
        if body is None:
            return
        review = self.server.review
        if asked == "done":
            self._json({"done": True})
            review.ended.set()
        elif asked == "decisions":
            self._decide(body)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _decide(self, body: bytes) -> None:
        try:
            value = orjson.loads(body)
            rows = (
                value["decisions"]
                if isinstance(value, dict) and isinstance(value.get("decisions"), list)
                else None
            )
            if rows is None:
                raise ValueError("it holds no list of decisions")
            answers = self.server.review.decide(rows)
        except ValueError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, f"nothing was applied: {error}")
            return
        self._json({"answers": [encode_answer(answer) for answer in answers]})

    # --- who may ask ------------------------------------------------------------------------------

    def _allowed(self) -> str | None:
        """What is asked for, below the secret; None where that was refused."""
        if self.headers.get("Host", "") not in self._hosts():
            self._refuse(HTTPStatus.FORBIDDEN, "this is not the address of the review")
            return None
        token, slash, asked = self.path.removeprefix("/").partition("/")
        if not slash or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "use the address that `catalog review` printed")
            return None
        if self.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            self._refuse(HTTPStatus.FORBIDDEN, "another site asked")
            return None
        return asked.partition("?")[0]

    def _hosts(self) -> list[str]:
        return [f"{name}:{self.server.server_port}" for name in NAMES]

    def _is_own_post(self) -> bool:
        """Whether the page itself sent it; others are refused."""
        own = f"http://{self.headers.get('Host', '')}"
        origin, referrer = self.headers.get("Origin"), self.headers.get("Referer")
        sent_by_page = (
            origin == own if origin is not None else (referrer or "").startswith(f"{own}/")
        )
        if not sent_by_page:
            self._refuse(HTTPStatus.FORBIDDEN, "another site sent it")
        elif self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "it is no JSON")
        else:
            return True
        return False

    def _body(self) -> bytes | None:
        text = self.headers.get("Content-Length", "")
        if not text.isascii() or not text.isdigit():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "its length is not stated")
        elif len(text) > len(str(MOST_BYTES)) or int(text) > MOST_BYTES:
            self._refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"it is longer than {MOST_BYTES:,} bytes"
            )
        else:
            return self.rfile.read(int(text))
        return None

    # --- answers ----------------------------------------------------------------------------------

    def _json(self, value: Mapping[str, object], status: HTTPStatus = HTTPStatus.OK) -> None:
        self._reply(status, orjson.dumps(value), "application/json")

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # what was sent along is not read
        self._json({"error": why}, status)

    def _reply(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Referrer-Policy", "same-origin")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Content-Security-Policy", f"{policy('served')}; frame-ancestors 'none'")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the address holds the secret."""
