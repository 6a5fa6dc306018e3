"""Which handler serves which route, with what scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..arguments import SPECS, Spec
from ..services import Handler

METADATA_READ = "files.metadata.read"
CONTENT_READ = "files.content.read"
CONTENT_WRITE = "files.content.write"


@dataclass(frozen=True)
class Route:
    """A served route."""

    spec: Spec
    scope: str | None
    handler: Handler


ROUTES: dict[str, Route] = {}


def route(*names: str, scope: str | None) -> Callable[[Handler], Handler]:
    """Registers a handler for routes of one scope."""

    def register(handler: Handler) -> Handler:
        for name in names:
            ROUTES[name] = Route(SPECS[name], scope, handler)
        return handler

    return register
