"""The page itself and its files, and what a server says of its own state."""

from __future__ import annotations

import msgspec
from starlette.responses import RedirectResponse, Response

from catalog.version import __version__
from catalog.web.answers import NO_STORE, Refusal
from catalog.web.call import NOBODY, Call
from catalog.web.static_files import IMMUTABLE, StaticFile

HOME, LOGIN, ICON = "index.html", "login.html", "icon.svg"


class Health(msgspec.Struct):
    """That the server answers, and whether its index does."""

    ok: bool
    index: str
    version: str


def show_home(call: Call) -> Response:
    """The page, or the review where one is served; the log-in page for who is not logged in."""
    if call.identity is NOBODY:
        return RedirectResponse("/login", 303, headers=NO_STORE)
    if call.services.review is not None:
        return RedirectResponse("/review/", 303, headers=NO_STORE)
    return _page(call, HOME)


def show_login(call: Call) -> Response:
    """The log-in page."""
    return _page(call, LOGIN)


def send_icon(call: Call) -> Response:
    """The icon, for pages that name none."""
    return _page(call, ICON)


def send_static(call: Call) -> Response:
    """A script, style, text or library of the page."""
    path = call.path["path"]
    found = call.services.static.find(path)
    if found is None:
        raise Refusal(404, "There is no such file.")
    kept = IMMUTABLE if call.services.static.is_versioned(path) else "no-cache"
    return _file(call, found, kept)


def tell_health(call: Call) -> Health:
    """Whether the server and its index answer; status 503 where the index does not."""
    services = call.services
    services.repository.connection.request("GET", "/_cluster/health", timeout="1s")
    return Health(True, "answers", __version__)


def tell_figures(call: Call) -> Response:
    """The figures for Prometheus."""
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return Response(call.services.figures.text(), 200, {**NO_STORE, "Content-Type": kind})


def _page(call: Call, name: str) -> Response:
    found = call.services.static.find(name)
    if found is None:
        raise Refusal(404, "There is no such page.")
    return _file(call, found, "no-store")


def _file(call: Call, found: StaticFile, kept: str) -> Response:
    headers = {
        "Cache-Control": kept,
        "Content-Type": found.media_type,
        "Vary": "Accept-Encoding",
    }
    accepted = call.request.headers.get("accept-encoding", "")
    if found.compressed is not None and "gzip" in accepted:
        return Response(found.compressed, 200, {**headers, "Content-Encoding": "gzip"})
    return Response(found.data, 200, headers)
