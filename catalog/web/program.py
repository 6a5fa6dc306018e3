"""The web program of one catalog: its routes, behind what guards them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp

from catalog.web.access_log import AccessLog
from catalog.web.answers import Refusal, refuse
from catalog.web.dispatch import THREADS, Dispatcher
from catalog.web.protection import HEADERS
from catalog.web.route import Route, check_routes
from catalog.web.routes import ROUTES
from catalog.web.services import Services


def make_program(
    services: Services,
    log: AccessLog,
    fault: Callable[[BaseException], object],
    routes: Sequence[Route] = ROUTES,
) -> ASGIApp:
    """The ASGI application. `fault` is told of what should not have happened.

    Raises RouteFault for a route that does not say what each must.
    """
    check_routes(tuple(routes))

    @cache  # one for all, made in the loop that it belongs to
    def limiter() -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(THREADS)

    found = [
        StarletteRoute(
            route.path,
            Dispatcher(route, services, log, limiter, fault),
            methods=[route.method],
        )
        for route in routes
    ]
    return Starlette(routes=found, exception_handlers={404: _unknown, 405: _unknown})


async def _unknown(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    told = "There is nothing here." if status == 404 else f"{request.method} means nothing here."
    response = refuse(Refusal(status, told, headers=dict(getattr(error, "headers", None) or {})))
    response.headers.update(HEADERS)
    return response
