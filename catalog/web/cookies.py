"""The cookie of a session.

Over TLS it is `__Host-catalog`, which a browser keeps only if it is Secure, for this host alone and
for every path. Over plain HTTP, which is served to this machine alone, no browser would keep that:
there it is `catalog`, without Secure. Neither can be read by script, and neither is sent with what
another site's page asks for, but for a link that a person follows.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from catalog.features.access.gate import SESSION_DAYS

SECURE_NAME, PLAIN_NAME = "__Host-catalog", "catalog"


def cookie_name(secure: bool) -> str:
    """What the cookie is called."""
    return SECURE_NAME if secure else PLAIN_NAME


def session_of(request: Request, secure: bool) -> str:
    """The secret of the session that a request belongs to, or ""."""
    return request.cookies.get(cookie_name(secure), "")


def set_session(response: Response, secret: str, secure: bool) -> None:
    """Have the browser keep a session."""
    response.set_cookie(
        cookie_name(secure),
        secret,
        max_age=SESSION_DAYS * 86_400,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def drop_session(response: Response, secure: bool) -> None:
    """Have the browser forget it."""
    response.delete_cookie(
        cookie_name(secure), path="/", secure=secure, httponly=True, samesite="lax"
    )
