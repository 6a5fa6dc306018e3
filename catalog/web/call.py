"""What a handler is given: who asks, and what for, checked by the route's own schemas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog.domain.access import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from catalog.web.services import Services

NOBODY = Identity("", "", frozenset())


@dataclass(frozen=True, slots=True)
class Call:
    """One request, proved and parsed.

    `path` are the texts of the names in braces, `query` and `body` the structs of the route.
    `address` is who asks, as the server or a trusted proxy says; `secure` whether over TLS.
    """

    services: Services
    identity: Identity
    path: Mapping[str, str]
    query: Any
    body: Any
    address: str
    secure: bool
    request: Request

    @property
    def person(self) -> str | None:
        """To whom what is private is shown; None for nobody."""
        return self.identity.name or None
