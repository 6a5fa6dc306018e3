"""The timeline: how many there are, how they lie, and what is near the screen."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from starlette.responses import Response

from catalog.errors import IndexUnavailable
from catalog.features.renditions.store import VERSION
from catalog.features.timeline.view import View, ViewRequest, open_view
from catalog.web.answers import Refusal
from catalog.web.call import Call

MOST_AT_ONCE = 1000
LONGEST_QUERY = 2000
_ID = re.compile(r"[0-9a-f]{16}(?:[0-9a-f]{48})?")
Place = Annotated[int, msgspec.Meta(ge=0, le=2**31)]


class Order(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which pictures, and in which order: `q` is in the words of `catalog search`."""

    sort: Literal["taken", "added", "size", "quality", "random"] = "taken"
    group: Literal["day", "place", "folder", "camera", "none"] = "day"
    q: Annotated[str, msgspec.Meta(max_length=LONGEST_QUERY)] = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    ascending: bool = False


class Window(Order, kw_only=True, forbid_unknown_fields=True):
    """The pictures from one position up to another, at most a thousand."""

    start: Place
    stop: Place


class Where(Order, kw_only=True, forbid_unknown_fields=True):
    """A picture by the first digits of its hash, or the first of a day, month or year."""

    id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    date: Annotated[str, msgspec.Meta(max_length=10)] = ""


class Mark(msgspec.Struct):
    """Where a month, or another group, begins."""

    key: str
    position: int


class State(msgspec.Struct):
    """Whether the timeline is being made, and how far that is."""

    building: bool
    done: int
    of: int


class Timeline(msgspec.Struct):
    """What there is to see: how many, since when, and where its parts begin.

    `version` is that of the pictures, and part of their addresses.
    """

    etag: str
    count: int
    marks: list[Mark]
    version: int
    state: State


class Position(msgspec.Struct):
    """Where something stands."""

    position: int


def tell_timeline(call: Call) -> Timeline:
    """What there is to see; nothing yet while the first timeline is being built."""
    try:
        view = _view(call, call.query)
    except IndexUnavailable:
        state = call.services.timeline.state
        if not state.building:
            raise
        return Timeline("", 0, [], VERSION, State(True, state.done, state.of))
    state = call.services.timeline.state
    return Timeline(
        view.etag,
        view.count,
        [Mark(**mark) for mark in view.marks()],
        VERSION,
        State(state.building, state.done, state.of),
    )


def send_layout(call: Call) -> Response:
    """One byte a picture: its shape, and whether a group begins with it."""
    view = _view(call, call.query)
    if call.request.headers.get("if-none-match", "") == _tag(view):
        return Response(status_code=304, headers=_headers(view))
    return Response(view.layout(), 200, _headers(view), "application/octet-stream")


def send_window(call: Call) -> Response:
    """Sixteen bytes a picture: its id, time, colour, kinds and shape.

    Status 412 where the timeline is no longer the one that `If-Match` names.
    """
    asked: Window = call.query
    view = _view(call, asked)
    wanted = call.request.headers.get("if-match", "")
    if wanted and wanted not in ("*", _tag(view)):
        raise Refusal(412, "The timeline has changed.", "Load its layout again.")
    if not asked.start <= asked.stop <= asked.start + MOST_AT_ONCE:
        raise Refusal(422, f"A window has at most {MOST_AT_ONCE:,} pictures.")
    data = view.window(asked.start, asked.stop)
    return Response(data, 200, _headers(view), "application/octet-stream")


def find_position(call: Call) -> Position:
    """Where a picture or a day stands; status 404 where it is not in the view."""
    asked: Where = call.query
    view = _view(call, asked)
    if bool(asked.id) == bool(asked.date):
        raise Refusal(422, "Say id or date, one of them.")
    if asked.date:
        return Position(view.position_at(asked.date))
    if not _ID.fullmatch(asked.id):
        raise Refusal(422, "An id has 16 or 64 hex digits.")
    found = view.position_of(bytes.fromhex(asked.id))
    if found is None:
        raise Refusal(404, "This picture is not among them.")
    return Position(found)


def _view(call: Call, order: Order) -> View:
    request = ViewRequest(order.sort, order.group, order.q, order.seed, not order.ascending)
    services = call.services
    return open_view(services.column(), services.workspace, request, call.person)


def _tag(view: View) -> str:
    return f'"{view.etag}"'


def _headers(view: View) -> dict[str, str]:
    return {"ETag": _tag(view), "Cache-Control": "private, no-cache", "Vary": "Cookie"}
