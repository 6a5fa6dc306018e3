"""Logging in and out, and who is logged in."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from catalog.domain.access import LONGEST_PASSWORD
from catalog.features.access.gate import LoggedIn
from catalog.web.answers import NO_STORE, Refusal
from catalog.web.call import Call
from catalog.web.cookies import drop_session, session_of, set_session
from catalog.web.protection import LOOPBACK_NAMES, name_of


class LogIn(msgspec.Struct, forbid_unknown_fields=True):
    """A user's name and password; or the secret of a link that logs in once."""

    name: str = msgspec.field(default="")
    password: str = msgspec.field(default="")
    link: str = msgspec.field(default="")


class Me(msgspec.Struct):
    """Who is logged in, and what they may do."""

    name: str
    role: str
    scopes: list[str]


def log_in(call: Call) -> Response:
    """Begin a session: its cookie comes with the answer."""
    if not call.secure and name_of(call.request) not in LOOPBACK_NAMES:
        raise Refusal(
            403,
            "The way to here is not protected: a password would be read on it.",
            "Open the address that begins with https:// (a proxy must say X-Forwarded-Proto).",
        )
    asked: LogIn = call.body
    if len(asked.name) > LONGEST_PASSWORD or len(asked.link) > LONGEST_PASSWORD:
        raise Refusal(422, "What was sent is too long.")
    gate, rates = call.services.gate, call.services.rates
    rates.check_login("" if asked.link else asked.name, call.address)
    begun = gate.follow_link(asked.link) if asked.link else gate.log_in(asked.name, asked.password)
    if begun is None:
        told = "This link was used, or is over." if asked.link else "Name or password is not right."
        raise Refusal(401, told, "`catalog user link NAME` makes a new one." if asked.link else "")
    return _begun(call, begun)


def log_out(call: Call) -> Response:
    """End the session of this browser."""
    secret = session_of(call.request, call.secure)
    if secret:
        call.services.gate.log_out(secret)
    response = Response(status_code=204, headers=NO_STORE)
    drop_session(response, call.secure)
    return response


def tell_me(call: Call) -> Me:
    """Who is logged in."""
    who = call.identity
    return Me(who.name, who.role, sorted(who.scopes))


def _begun(call: Call, begun: LoggedIn) -> Response:
    who = begun.identity
    body = msgspec.json.encode(Me(who.name, who.role, sorted(who.scopes)))
    response = Response(body, 200, NO_STORE, "application/json")
    set_session(response, begun.secret, call.secure)
    return response
