"""What holds for every request, whatever it asks for: whose page it may come from, and what a
browser may do with the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request

from catalog.web.answers import Refusal
from catalog.web.route import SAFE

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""For files of the catalog: nothing in them runs."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Of every answer, unless it states them otherwise."""
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def check_host(request: Request, loopback: bool) -> None:
    """Refuse, on the loopback address, a request under another name.

    A name server of somebody else's may say that their page is this machine.
    """
    if loopback and name_of(request) not in LOOPBACK_NAMES:
        raise Refusal(
            421, "This is not the address of the catalog.", "Open the address that it printed."
        )


def check_origin(request: Request) -> None:
    """Refuse a request that changes something and comes from another site's page."""
    if request.method in SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    foreign = site is not None and site not in ("same-origin", "none")
    if foreign or (origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise Refusal(403, "Another site's page sent this; nothing was done.")


def name_of(request: Request) -> str:
    """The host that was asked for, in lower case, without its port."""
    try:
        return (urlsplit(f"//{request.headers.get('host', '')}").hostname or "").lower()
    except ValueError:
        return ""
