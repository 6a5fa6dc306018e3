"""From an HTTP request to a reply: which part of the server it is for, and who may ask."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..faults import Fault
from ..messages import Reply, Request
from ..traffic import Asked, Traffic, Work
from . import files, reports, services
from .account import INSTANCE, Account
from .multistatus import wanted
from .names import Parts, below, decode, encode
from .refusals import Refused, not_found, not_implemented
from .tags import Relations, SystemTags
from .trashbin import Trashbin
from .uploads import Uploads

_DAV = "/remote.php/dav"
_NAMES = {
    401: "NotAuthenticated",
    403: "Forbidden",
    404: "NotFound",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
    507: "InsufficientStorage",
}


class Seen(NamedTuple):
    """What the log keeps of a call: its path in its area, its headers in lower case, its query."""

    path: str
    headers: dict[str, str]
    query: dict[str, str]


class _Place(NamedTuple):
    """A part of the server, its address, and where in it."""

    area: str
    base: str
    path: str


@dataclass(kw_only=True)
class Application(Traffic):
    """Everything behind the HTTP connections of one account; `mount` is the server's folder."""

    account: Account
    mount: str = ""

    async def handle(self, request: Request) -> Reply:
        """The reply to a request; raises `Cut` where a fault drops the connection."""
        place = self._place(request.path)
        path = "/" + "/".join(_decoded(place.path))
        seen = Seen(path, dict(request.headers), request.query)
        work = self._work(place)
        return await self.around(request, Asked(f"{place.area}/{request.method}", seen, path), work)

    def _place(self, path: str) -> _Place:
        for area, base in self._areas():
            rest = below(path, base)
            if rest is not None:
                return _Place(area, base, rest)
        return _Place("none", "", path)

    def _areas(self) -> Iterator[tuple[str, str]]:
        """The parts of the server with their addresses, those within others first."""
        user, mount = encode((self.account.user,)), self.mount
        if not self.account.dialect.clouded:
            yield "files", mount
            return
        yield "files", f"{mount}{_DAV}/files{user}"
        yield "files", f"{mount}/remote.php/webdav"
        yield "uploads", f"{mount}{_DAV}/uploads{user}"
        yield "ocs", f"{mount}/ocs"
        yield "status", f"{mount}/status.php"
        if self.account.dialect.extended:
            yield "trashbin", f"{mount}{_DAV}/trashbin{user}"
            yield "systemtags-relations", f"{mount}{_DAV}/systemtags-relations"
            yield "systemtags", f"{mount}{_DAV}/systemtags"
            yield "preview", f"{mount}/index.php/core/preview"
        yield "dav", mount + _DAV

    def _work(self, place: _Place) -> Work:
        async def work(request: Request) -> Reply:
            try:
                return await self._answer(request, place)
            except Refused as refused:
                return refused.reply()

        return work

    async def _answer(self, request: Request, place: _Place) -> Reply:
        if place.area == "none":
            return services.nothing_there()
        if place.area == "status":
            return services.status(self.account)
        cookie = self._authenticate(request)
        reply = await self._area(request, place)
        if cookie:
            reply.headers["Set-Cookie"] = cookie
        return reply

    async def _area(self, request: Request, place: _Place) -> Reply:
        account = self.account
        if place.area == "ocs":
            return services.ocs(account, request, place.path)
        if place.area == "preview":
            return await services.preview(account, request)
        base, parts = place.base, account.parts(place.path)
        if place.area == "dav":
            return await self._root(request, base, parts)
        if place.area == "uploads":
            return await Uploads(account, request, base, self._files_base, parts).answer()
        if place.area == "trashbin":
            return await Trashbin(account, request, base, parts).answer()
        if place.area == "systemtags":
            return await SystemTags(account, request, base, parts).answer()
        if place.area == "systemtags-relations":
            return await Relations(account, request, base, parts).answer()
        return await files.Files(account, request, base, parts).answer()

    @property
    def _files_base(self) -> str:
        return next(self._areas())[1]

    async def _root(self, request: Request, base: str, parts: Parts) -> Reply:
        """/remote.php/dav itself: SEARCH over the files, and what is asked of its root."""
        if parts:
            raise not_found("/".join(parts))
        body = await request.body.read()
        if request.method == "SEARCH" and self.account.dialect.extended:
            found, names = reports.search(self.account, body)
            things = files.addressed(self._files_base, found)
            return files.answer(self.account, request, things, names)
        if request.method == "PROPFIND":
            things = [(f"{base}/", self.account.tree.root)]
            return files.answer(self.account, request, things, wanted(body))
        raise not_implemented(request.method)

    # Who asks

    def _authenticate(self, request: Request) -> str | None:
        """The session's cookie where it is new; raises 401.

        2c: a session's cookie is enough, even beside a password that is wrong.
        """
        account = self.account
        cookie = request.headers.get("cookie", "")
        account.kept_cookies += bool(cookie)
        kept = {part.strip().partition("=")[2] for part in cookie.split(";")}
        if kept & account.sessions:
            return None
        if account.is_expired or _basic(request) != (account.user, account.password):
            raise self._unauthenticated()
        if not account.dialect.clouded:
            return None
        session = secrets.token_hex(16)
        account.sessions.add(session)
        return f"{INSTANCE}={session}; path=/; HttpOnly; SameSite=Lax"

    def _unauthenticated(self) -> Refused:
        refused = Refused(401, "NotAuthenticated", "Cannot authenticate")
        realm = self.account.dialect.realm
        refused.headers["WWW-Authenticate"] = f'Basic realm="{realm}", charset="UTF-8"'
        return refused

    def refusal(self, fault: Fault) -> Reply:
        """The reply a fault wants instead of the work."""
        assert fault.status is not None
        if fault.status == 401:
            return self._unauthenticated().reply()
        name = _NAMES.get(fault.status, "ServiceUnavailable")
        if fault.status == 423:
            name = "OCA\\DAV\\Connector\\Sabre\\Exception\\FileLocked"
        reply = Refused(fault.status, name, fault.reason or "Injected fault").reply()
        if fault.status == 429:
            reply.headers["Retry-After"] = str(fault.retry_after)
        reply.headers.update(fault.headers or {})
        return reply


def _decoded(path: str) -> Parts:
    try:
        return decode(path)
    except Refused:
        return (path,)


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, told = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(told).decode("utf-8").partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None
