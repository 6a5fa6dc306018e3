"""From an HTTP request to a reply: which call it is, who may make it, what faults hit it,
and its handler.
"""

from __future__ import annotations

import inspect
import json
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..faults import Fault
from ..messages import Body, Reply, Request, as_json, plain
from ..ranges import ranged
from ..traffic import Asked, Made, Traffic, Work
from . import links
from .arguments import parse
from .content import Spool
from .errors import AuthFailure, BadInput, PathRootFailure, RouteError, Union, summary, union
from .routes import ROUTES
from .routes.reading import Download
from .routes.registry import Route
from .services import Account, Call
from .sessions import MAX_REQUEST

_RPC_TYPES = {
    "application/json",
    "application/json;charset=utf-8",
    "text/plain;charset=dropbox-cors-hack",
}
_UPLOAD_TYPES = {"application/octet-stream", "text/plain;charset=dropbox-cors-hack"}
_DOWNLOAD_TYPES = {
    "",
    "text/plain",
    "text/plain;charset=utf-8",
    "application/octet-stream",
    "application/octet-stream;charset=utf-8",
}
_OFFICIAL = (".dropboxapi.com", ".dropbox.com")


class RateLimit(NamedTuple):
    """At most so many calls in so many seconds."""

    calls: int
    seconds: float


@dataclass(kw_only=True)
class Application(Traffic):
    """Everything behind the HTTP connections of one account."""

    account: Account
    rate_limit: RateLimit | None = None
    _recent: deque[float] = field(default_factory=deque)

    async def handle(self, request: Request) -> Reply:
        """The reply to a request; raises `Cut` where a fault drops the connection."""
        path = request.path
        if path.startswith("/2/"):
            reply = await self._api(request, path[3:])
        elif path in {"/oauth2/token", "/1/oauth2/token"}:
            reply = await self._around(request, "oauth2/token", None, self.account.oauth.token_call)
        elif path in {"/oauth2/authorize", "/1/oauth2/authorize"}:
            reply = await self._around(request, "oauth2/authorize", request.query, self._authorize)
        elif path.startswith("/cd/0/get/"):
            reply = await self._around(request, "temporary_link", None, self._temporary_link)
        else:
            reply = plain(404, "Not found")
        reply.headers["X-Dropbox-Request-Id"] = uuid.uuid4().hex
        return reply

    async def _around(self, request: Request, name: str, argument: Any, work: Work) -> Reply:
        return await self.around(request, Asked(name, argument, _path(argument)), work)

    def refusal(self, fault: Fault) -> Reply:
        """The reply a fault wants instead of the work."""
        if fault.action == "error":
            assert fault.error is not None
            return failure(409, fault.error)
        if fault.status == 429 and not fault.text:
            return _too_many(fault.reason or "too_many_requests", fault.retry_after)
        if fault.status == 429:
            return plain(429, "Too many requests", Retry_After=str(fault.retry_after))
        if fault.status == 401:
            return failure(401, union(fault.reason or "expired_access_token"))
        assert fault.status is not None
        return plain(fault.status, fault.reason or "Injected fault")

    async def _authorize(self, request: Request) -> Reply:
        try:
            with self.account.state.transaction():
                return self.account.oauth.authorize_page(request.query)
        except BadInput as error:
            return plain(400, str(error))

    async def _temporary_link(self, request: Request) -> Reply:
        return links.temporary(self.account, request)

    # API calls

    async def _api(self, request: Request, name: str) -> Reply:
        route = ROUTES.get(name)
        if route is None:
            self.calls.append(Made(name, None, 400))
            return plain(400, f'Unknown API function: "{name}"')
        raw, problem = None, None
        try:
            _check_form(request, route)
            raw = await self._raw_argument(request, route)
        except BadInput as error:
            problem = error
        api = _Api(self, route, raw, problem)
        return await self._around(request, name, raw, api.answer)

    @staticmethod
    async def _raw_argument(request: Request, route: Route) -> Any:
        query = request.query
        if route.spec.style == "rpc":
            text = (
                (await request.body.read()).decode("utf-8", "replace")
                if "arg" not in query
                else query["arg"]
            )
            place = "request body"
            text = text or "null"
        elif "arg" in query:
            text, place = query["arg"], 'URL parameter "arg"'
        else:
            text, place = (
                request.headers.get("dropbox-api-arg", ""),
                'HTTP header "Dropbox-API-Arg"',
            )
            if not text:
                raise BadInput('Must provide HTTP header "Dropbox-API-Arg" or URL parameter "arg".')
        try:
            return parse(text)
        except BadInput as error:
            raise BadInput(f"{place}: {error}") from None

    def limited(self) -> Reply | None:
        """429 where the rate limit is exceeded."""
        if self.rate_limit is None:
            return None
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - self.rate_limit.seconds:
            self._recent.popleft()
        if len(self._recent) >= self.rate_limit.calls:
            wait = max(1, round(self._recent[0] + self.rate_limit.seconds - now + 0.5))
            return _too_many("too_many_requests", wait)
        self._recent.append(now)
        return None


@dataclass
class _Api:
    """One API call."""

    app: Application
    route: Route
    raw: Any
    problem: BadInput | None

    async def answer(self, request: Request) -> Reply:
        name = self.route.spec.name
        limited = self.app.limited()
        if limited is not None:
            return limited
        try:
            return await self._answer(request)
        except BadInput as error:
            return plain(400, f'Error in call to API function "{name}": {error}')
        except AuthFailure as failed:
            return failure(401, failed.error)
        except PathRootFailure as failed:
            return failure(422, failed.error)
        except RouteError as error:
            return failure(409, error.error)

    async def _answer(self, request: Request) -> Reply:
        account, spec = self.app.account, self.route.spec
        authorization = request.headers.get("authorization") or request.query.get("authorization")
        if spec.auth == "app":
            account.oauth.require_app(authorization)
        elif spec.auth != "noauth":
            account.oauth.require(authorization, self.route.scope)
        if self.problem is not None:
            raise self.problem
        root = request.headers.get("dropbox-api-path-root") or request.query.get("path_root")
        base = account.base(parse(root) if root else None)
        try:
            arg = spec.check(self.raw)
        except BadInput as error:
            place = "request body" if spec.style == "rpc" else 'HTTP header "Dropbox-API-Arg"'
            raise BadInput(f"{place}: {error}") from None
        call = Call(
            account,
            spec.name,
            arg,
            base,
            _authority(request.host),
            request.headers,
            authorization or "",
            request.effect,
        )
        if spec.style != "upload":
            return _told(account, request, await self._run(call))
        call.spool = account.state.spool((arg.get("cursor") or arg).get("offset", 0))
        try:
            await _receive(request.body, call.spool)
            return _told(account, request, await self._run(call))
        finally:
            call.spool.discard()

    async def _run(self, call: Call) -> Any:
        handler = self.route.handler
        if inspect.iscoroutinefunction(handler):
            return await handler(call)
        failed: RouteError | None = None
        with call.account.state.transaction():
            try:
                result = handler(call)
            except RouteError as error:
                if not error.keep:
                    raise
                failed = error
        if failed is not None:
            raise failed
        return result


def _check_form(request: Request, route: Route) -> None:
    """Method, host and content type, as the route's style wants them."""
    style = route.spec.style
    methods = {"POST", "GET", "HEAD"} if style == "download" else {"POST"}
    if request.method not in methods:
        raise BadInput(
            f'Your request\'s HTTP request method is "{request.method}". This function only '
            'accepts the method "POST".'
        )
    host = request.host.partition(":")[0].lower()
    if host.endswith(_OFFICIAL) and host != f"{route.spec.host}.dropboxapi.com":
        raise BadInput(
            f'You called "{host}", but this function is on "{route.spec.host}.dropboxapi.com".'
        )
    kinds = {"rpc": _RPC_TYPES, "upload": _UPLOAD_TYPES, "download": _DOWNLOAD_TYPES}[style]
    kind = request.content_type or (
        request.query.get("reject_cors_preflight", "") and "application/octet-stream"
    )
    if (
        style == "rpc"
        and not request.content_type
        and ("arg" in request.query or not request.body.length)
    ):
        return
    if kind not in kinds:
        expected = ", ".join(f'"{one}"' for one in sorted(kinds) if one)
        raise BadInput(
            f'Bad HTTP "Content-Type" header: "{request.headers.get("content-type", "")}". '
            f"Expecting one of {expected}."
        )


def _authority(host: str) -> str:
    """Where links to contents lead: the content host,
    or the emulator's own address if the client uses that.
    """
    return "content.dropboxapi.com" if host.partition(":")[0].lower().endswith(_OFFICIAL) else host


async def _receive(body: Body, spool: Spool) -> None:
    """A body to disk; raises `payload_too_large` after reading it all,
    so that the client gets to hear of it.
    """
    async for chunk in body:
        if body.consumed <= MAX_REQUEST and (body.length or 0) <= MAX_REQUEST:
            spool.write(chunk)
    spool.close()
    if body.consumed > MAX_REQUEST:
        raise RouteError(union("payload_too_large"))


def _told(account: Account, request: Request, result: Any) -> Reply:
    if not isinstance(result, Download):
        return as_json(200, result)
    headers = {"Dropbox-API-Result": _header_json(result.result), "Content-Type": result.kind}
    if result.etag is not None:
        headers["ETag"] = f'W/"{result.etag}"'
    if result.data is not None:
        data = result.data
        return ranged(request, headers, len(data), lambda start, stop: iter([data[start:stop]]))
    return ranged(
        request,
        headers,
        result.size,
        lambda start, stop: account.state.read(result.content, start, stop),
    )


def _path(argument: Any) -> str | None:
    if not isinstance(argument, dict):
        return None
    commit = argument.get("commit")
    found = (
        argument.get("path")
        or argument.get("from_path")
        or (commit.get("path") if isinstance(commit, dict) else None)
    )
    return found.lower() if isinstance(found, str) else None


def failure(status: int, error: Union) -> Reply:
    """An error union."""
    return as_json(status, {"error_summary": summary(error), "error": error})


def _header_json(value: Any) -> str:
    """JSON that fits into a header: everything outside ASCII escaped."""
    return json.dumps(value).replace("\x7f", "\\u007f")


def _too_many(reason: str, wait: int) -> Reply:
    error = {"reason": {".tag": reason}, "retry_after": wait}
    return as_json(429, {"error_summary": f"{reason}/...", "error": error}, Retry_After=str(wait))
