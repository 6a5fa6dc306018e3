"""From a request to its handler and back: who asks, whether they may, and what they ask for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from catalog.domain.access import Identity
from catalog.errors import CatalogError
from catalog.web.access_log import AccessLog
from catalog.web.answers import NO_STORE, Refusal, refusal_of, refuse
from catalog.web.call import NOBODY, Call
from catalog.web.cookies import session_of
from catalog.web.protection import HEADERS, check_host, check_origin
from catalog.web.route import OPEN, Route
from catalog.web.services import Services

MOST_BYTES = 4 * 1024 * 1024
"""Of the body of a request that has a schema."""
THREADS = 16
"""Handlers that work at the same time; more wait."""


@dataclass(slots=True)
class _Told:
    """What is logged of a request once it is known."""

    user: str = ""
    status: int = 0
    size: int = 0


class Dispatcher:
    """Answers the requests of one route, as an ASGI application."""

    def __init__(
        self,
        route: Route,
        services: Services,
        log: AccessLog,
        limiter: Callable[[], anyio.CapacityLimiter],
        fault: Callable[[BaseException], object],
    ) -> None:
        self._route = route
        self._services = services
        self._log = log
        self._limiter = limiter
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, with what every answer states and what is told of it."""
        began, told = time.perf_counter(), _Told()
        request = Request(scope, receive)

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                told.status = message["status"]
                _complete(message)
                self._services.figures.count(
                    self._route.path, request.method, told.status, time.perf_counter() - began
                )
            elif message["type"] == "http.response.body":
                told.size += len(message.get("body", b""))
            await send(message)

        response = await self._response(request, told)
        try:
            await response(scope, receive, guarded)
        finally:
            self._log.add(
                path=request.url.path,
                route=self._route.path,
                method=request.method,
                status=told.status,
                bytes=told.size,
                ms=round((time.perf_counter() - began) * 1000, 1),
                user=told.user,
                address=_address(request),
            )

    async def _response(self, request: Request, told: _Told) -> Response:
        try:
            return await self._answered(request, told)
        except Refusal as refusal:
            return refuse(refusal)
        except CatalogError as error:
            return refuse(refusal_of(error))
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            self._fault(error)
            return refuse(Refusal(500, "The catalog made a mistake; its log says which."))

    async def _answered(self, request: Request, told: _Told) -> Response:
        check_host(request, self._services.loopback)
        check_origin(request)
        secure = request.url.scheme == "https"
        address = _address(request)
        identity = await self._in_thread(lambda: self._identify(request, secure, address))
        told.user = identity.name
        self._check_scope(identity)
        call = Call(
            self._services,
            identity,
            request.path_params,
            _parsed_query(self._route, request),
            await _parsed_body(self._route, request),
            address,
            secure,
            request,
        )
        answer = await self._in_thread(lambda: self._route.handler(call))
        if isinstance(answer, Response):
            return answer
        if answer is None:
            return Response(status_code=204, headers=NO_STORE)
        body = msgspec.json.encode(answer)
        return Response(body, self._route.status, NO_STORE, "application/json")

    def _in_thread(self, work: Callable[[], Any]) -> Awaitable[Any]:
        return anyio.to_thread.run_sync(work, limiter=self._limiter())

    def _identify(self, request: Request, secure: bool, address: str) -> Identity:
        """Who asks, by a program's token or else by a browser's session."""
        gate, rates = self._services.gate, self._services.rates
        kind, _space, secret = request.headers.get("authorization", "").partition(" ")
        if secret:
            known = gate.identify_token(secret.strip()) if kind.lower() == "bearer" else None
            if known is None:
                rates.check_stranger(address)
                raise Refusal(
                    401,
                    "This token is none, or has ended.",
                    "`catalog token add` makes one.",
                    {"WWW-Authenticate": "Bearer"},
                )
        else:
            session = session_of(request, secure)
            known = gate.identify_session(session) if session else None
            if session and known is None:
                rates.check_stranger(address)
        if known is None:
            return NOBODY
        rates.check_call(known.token or known.name)
        return known

    def _check_scope(self, identity: Identity) -> None:
        scope = self._route.scope
        if scope == OPEN or identity.can(scope):
            return
        if identity is NOBODY:
            raise Refusal(
                401, "Nobody is logged in.", "Open /login.", {"WWW-Authenticate": "Bearer"}
            )
        raise Refusal(403, f"{identity.name} may not do that: it needs the right to {scope}.")


def _parsed_query(route: Route, request: Request) -> Any:
    given = request.query_params
    if route.query is None:
        if given:
            raise Refusal(422, f"{next(iter(given))} means nothing here.")
        return None
    try:
        return msgspec.convert(dict(given), route.query, strict=False)
    except msgspec.ValidationError as error:
        raise Refusal(422, f"What stands behind the question mark: {_lowered(error)}.") from None


async def _parsed_body(route: Route, request: Request) -> Any:
    if route.body is None:
        return None
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refusal(415, "What was sent is no JSON.", "Content-Type: application/json")
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise Refusal(411, "The length of what is sent is not stated.")
    if len(length) > 10 or int(length) > MOST_BYTES:
        raise Refusal(413, f"What was sent is longer than {MOST_BYTES:,} bytes.")
    try:
        return msgspec.json.decode(await request.body(), type=route.body)
    except msgspec.ValidationError as error:
        raise Refusal(422, f"What was sent: {_lowered(error)}.") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refusal(400, "What was sent is no JSON.") from None


def _lowered(error: Exception) -> str:
    text = str(error).replace("`", "")
    return text[:1].lower() + text[1:]


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _complete(message: Any) -> None:
    """Add the headers of every answer, where it does not state them itself."""
    stated = {name.lower() for name, _value in message["headers"]}
    message["headers"] = [
        *message["headers"],
        *(
            (name.lower().encode(), value.encode())
            for name, value in HEADERS.items()
            if name.lower().encode() not in stated
        ),
    ]
