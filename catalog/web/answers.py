"""What is said where a request cannot be answered: a sentence and what to do, never a trace."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from starlette.responses import Response

from catalog.errors import (
    AssetNotFound,
    CatalogError,
    IndexUnavailable,
    MediaError,
    NoCatalog,
    NotFound,
    PlanRefused,
    QuerySyntaxError,
    SecretUnavailable,
    StoreUnavailable,
    UsageError,
)

NO_STORE = {"Cache-Control": "no-store"}


class Refusal(Exception):
    """A request that is not answered, and why.

    `headers` go with the answer.
    """

    def __init__(
        self, status: int, message: str, hint: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.hint = hint
        self.headers = headers or {}


_STATUSES: tuple[tuple[type[CatalogError], HTTPStatus], ...] = (
    (AssetNotFound, HTTPStatus.NOT_FOUND),
    (NotFound, HTTPStatus.NOT_FOUND),
    (QuerySyntaxError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (SecretUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (MediaError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (PlanRefused, HTTPStatus.CONFLICT),
    (NoCatalog, HTTPStatus.SERVICE_UNAVAILABLE),
    (IndexUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (StoreUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)


def refusal_of(error: CatalogError) -> Refusal:
    """How an error of a feature is told to who asked."""
    status = next(
        (status for kind, status in _STATUSES if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    headers = {"Retry-After": "2"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Refusal(status, error.message, error.hint or "", headers)


def refuse(refusal: Refusal) -> Response:
    """The answer to a request that is refused."""
    told = {"error": refusal.message} | ({"hint": refusal.hint} if refusal.hint else {})
    return Response(
        orjson.dumps(told),
        refusal.status,
        {**NO_STORE, **refusal.headers},
        "application/json",
    )
