"""One route of the web program, and what it needs to be told of itself before it may be served."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

from catalog.domain.access import DECIDE, FRAME, OWN, UPLOAD, VIEW

if TYPE_CHECKING:
    from catalog.web.call import Call

OPEN = "open"
"""The scope of what anybody may ask for, without a log-in."""
SCOPES = (OPEN, VIEW, DECIDE, UPLOAD, FRAME, OWN)
SAFE = ("GET", "HEAD")
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


class RouteFault(Exception):
    """A route that lacks what each must have: a fault of the program, found at its start."""


@dataclass(frozen=True, slots=True)
class Binary:
    """An answer that is no JSON: its media type, and what it is."""

    media_type: str
    summary: str


@dataclass(frozen=True, slots=True)
class Route:
    """What is answered at a path.

    `handler` takes a `Call` and gives an answer of the type `answer` (None: nothing, status 204),
    or a response of its own. `query` and `body` are msgspec structs that what is asked must fit;
    names in braces of the `path` are texts. `scope` is what one must be allowed. `refusals` are
    statuses that it may answer besides those of every route, `other_statuses` those of answers that
    are no refusal, such as 206.
    """

    method: str
    path: str
    handler: Callable[[Call], Any]
    scope: str
    summary: str
    answer: Any
    query: type[Any] | None = None
    body: type[Any] | None = None
    refusals: tuple[int, ...] = ()
    status: int = 200
    other_statuses: tuple[int, ...] = ()

    @property
    def parameters(self) -> list[str]:
        """The names in braces of the path."""
        return _PARAMETER.findall(self.path)

    @property
    def template(self) -> str:
        """The path as documents write it."""
        return _PARAMETER.sub(r"{\1}", self.path)


def check_routes(routes: tuple[Route, ...]) -> None:
    """Raise RouteFault where one has no scope or no schema, or two are one."""
    seen = set()
    for route in routes:
        where = f"{route.method} {route.path}"
        if route.scope not in SCOPES:
            raise RouteFault(f"{where} does not say who may use it")
        if not isinstance(route.answer, Binary) and not _is_schema(route.answer):
            raise RouteFault(f"{where} does not say what it answers")
        if route.body is not None and not _is_schema(route.body):
            raise RouteFault(f"{where} does not say what it is sent")
        if not route.summary:
            raise RouteFault(f"{where} does not say what it is for")
        shape = (route.method, _PARAMETER.sub("{}", route.path))
        if shape in seen:
            raise RouteFault(f"{where} is there twice")
        seen.add(shape)


def _is_schema(wanted: Any) -> bool:
    return wanted is None or hasattr(wanted, "__struct_fields__") or is_dataclass(wanted)
