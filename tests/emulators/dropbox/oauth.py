"""OAuth 2: the authorization page, the token call, and the tokens themselves.

One app is known, by key and secret (the emulator's options). Codes are good once, for ten minutes;
access tokens expire after four hours unless the account's fixed token is used, which does not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import json
import secrets
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from ..messages import Reply, Request, as_json, page
from .errors import AuthFailure, BadInput, union
from .state import State

SCOPES = (
    "account_info.read account_info.write files.content.read files.content.write "
    "files.metadata.read files.metadata.write "
    "files.permanent_delete sharing.read sharing.write file_requests.read file_requests.write "
    "contacts.read contacts.write"
)
EXPIRES_IN = 14400
_CODE_LIFETIME = 600


class Refused(Exception):
    """400 of the token call: an OAuth error code and a description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True)
class Grant:
    """What a user gave an app."""

    access_token: str
    refresh_token: str | None
    scopes: str


class OAuth:
    """Tokens of one account and one app."""

    def __init__(
        self, state: State, account_id: str, app_key: str, app_secret: str, token: str
    ) -> None:
        self._state = state
        self._db = state.db
        self._account_id = account_id
        self._app = (app_key, app_secret)
        self.expires_in: float = EXPIRES_IN
        self._db.execute(
            "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, NULL, NULL)", (token, app_key, SCOPES)
        )

    # Calls

    def require(self, authorization: str | None, scope: str | None) -> None:
        """Raises AuthFailure unless the header names a living token that has the scope."""
        kind, _, token = (authorization or "").strip().partition(" ")
        row = self._db.execute("SELECT * FROM tokens WHERE token = ?", (token.strip(),)).fetchone()
        if kind.lower() != "bearer" or row is None:
            raise AuthFailure(union("invalid_access_token"))
        if row["expires"] is not None and row["expires"] <= time.time():
            raise AuthFailure(union("expired_access_token"))
        if scope is not None and scope not in row["scopes"].split():
            raise AuthFailure(union("missing_scope", required_scope=scope))

    def require_app(self, authorization: str | None) -> None:
        """Raises AuthFailure unless the header names the app by its key and secret."""
        if _basic(authorization) != self._app:
            raise AuthFailure(union("invalid_access_token"))

    def revoke_token(self, authorization: str) -> None:
        """End the token of this header, its refresh token,
        and every other token that came from that.
        """
        token = authorization.strip().partition(" ")[2].strip()
        row = self._db.execute("SELECT refresh FROM tokens WHERE token = ?", (token,)).fetchone()
        self._db.execute("DELETE FROM tokens WHERE token = ?", (token,))
        if row is not None and row["refresh"] is not None:
            self._db.execute("DELETE FROM tokens WHERE refresh = ?", (row["refresh"],))
            self._db.execute("DELETE FROM refresh_tokens WHERE token = ?", (row["refresh"],))

    # Tests' own hands

    def grant(
        self, scopes: str | None = None, *, offline: bool = True, expires_in: float | None = None
    ) -> Grant:
        """Tokens as if a user had just gone through the authorization."""
        given = scopes or SCOPES
        refresh = self._new_refresh(given, pkce=False) if offline else None
        return Grant(self._new_access(given, refresh, expires_in), refresh, given)

    def expire_all(self) -> None:
        """Every access token given out so far has expired; refresh tokens live on."""
        self._db.execute("UPDATE tokens SET expires = 0")

    def revoke_all(self) -> None:
        """The user has unlinked the app: no token of any kind is known any more."""
        self._db.execute("DELETE FROM tokens")
        self._db.execute("DELETE FROM refresh_tokens")
        self._db.execute("DELETE FROM codes")

    # The page

    def authorize(self, query: dict[str, str]) -> str:
        """A code for what an authorization URL asks;
        raises BadInput where the page would show an error.
        """
        if query.get("client_id") != self._app[0]:
            raise BadInput("Invalid client_id")
        if query.get("response_type") != "code":
            raise BadInput('Invalid response_type: only "code" is supported')
        method = query.get("code_challenge_method", "plain")
        if "code_challenge" in query and method not in {"S256", "plain"}:
            raise BadInput("Invalid code_challenge_method")
        scopes = query.get("scope", SCOPES)
        unknown = set(scopes.split()) - set(SCOPES.split())
        if unknown:
            raise BadInput(f"Invalid scope: {' '.join(sorted(unknown))}")
        access = query.get("token_access_type", "online")
        if access not in {"online", "offline", "legacy"}:
            raise BadInput("Invalid token_access_type")
        code = secrets.token_urlsafe(32)
        self._db.execute(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                code,
                query["client_id"],
                query.get("redirect_uri"),
                query.get("code_challenge"),
                method,
                scopes,
                access,
                time.time() + _CODE_LIFETIME,
            ),
        )
        return code

    def authorize_page(self, query: dict[str, str]) -> Reply:
        """The user's page: shows the code, or sends the browser back to the app with it."""
        code = self.authorize(query)
        if "redirect_uri" not in query:
            return page(
                200,
                f'<h1>Access code</h1><input id="auth-code" readonly value="{html.escape(code)}">',
            )
        answer = {"code": code} | ({"state": query["state"]} if "state" in query else {})
        joint = "&" if urlsplit(query["redirect_uri"]).query else "?"
        return Reply(
            302,
            {
                "Location": f"{query['redirect_uri']}{joint}{urlencode(answer)}",
                "Content-Type": "text/html",
            },
        )

    # The token call

    async def token_call(self, request: Request) -> Reply:
        """POST /oauth2/token: code or refresh token to access token."""
        form = await _parameters(request)
        try:
            with self._state.transaction():
                answer = self._answer(form, _basic(request.headers.get("authorization")))
        except Refused as refused:
            return as_json(400, {"error": refused.error, "error_description": str(refused)})
        return as_json(200, answer)

    def _answer(self, form: dict[str, str], basic: tuple[str, str] | None) -> dict[str, Any]:
        client, secret = basic or (form.get("client_id"), form.get("client_secret"))
        if client != self._app[0] or secret not in {None, self._app[1]}:
            raise Refused("invalid_client", "Invalid client_id or client_secret")
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._redeem(form, has_secret=secret is not None)
        if kind == "refresh_token":
            return self._refresh(form, has_secret=secret is not None)
        raise Refused(
            "unsupported_grant_type", 'grant_type must be "authorization_code" or "refresh_token"'
        )

    def _redeem(self, form: dict[str, str], *, has_secret: bool) -> dict[str, Any]:
        row = self._db.execute("SELECT * FROM codes WHERE code = ?", (form.get("code"),)).fetchone()
        if row is None or row["expires"] <= time.time():
            raise Refused("invalid_grant", "code doesn't exist or has expired")
        if (row["redirect"] or None) != (form.get("redirect_uri") or None):
            raise Refused("invalid_grant", "redirect_uri mismatch")
        self._check_challenge(row, form.get("code_verifier"), has_secret=has_secret)
        self._db.execute("DELETE FROM codes WHERE code = ?", (row["code"],))
        pkce = row["challenge"] is not None
        refresh = (
            self._new_refresh(row["scopes"], pkce=pkce) if row["access"] == "offline" else None
        )
        answer = self._told(self._new_access(row["scopes"], refresh, None), row["scopes"])
        return answer | ({"refresh_token": refresh} if refresh else {})

    @staticmethod
    def _check_challenge(row: sqlite3.Row, verifier: str | None, *, has_secret: bool) -> None:
        if row["challenge"] is None:
            if not has_secret:
                raise Refused("invalid_request", 'missing parameter "client_secret"')
            if verifier is not None:
                raise Refused(
                    "invalid_grant",
                    "code_verifier given, but the code was asked for without a challenge",
                )
            return
        if verifier is None:
            raise Refused("invalid_request", 'missing parameter "code_verifier"')
        made = verifier
        if row["method"] == "S256":
            made = (
                base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
                .decode()
                .rstrip("=")
            )
        if not secrets.compare_digest(made, row["challenge"]):
            raise Refused("invalid_grant", "invalid code verifier")

    def _refresh(self, form: dict[str, str], *, has_secret: bool) -> dict[str, Any]:
        row = self._db.execute(
            "SELECT * FROM refresh_tokens WHERE token = ?", (form.get("refresh_token"),)
        ).fetchone()
        if row is None:
            raise Refused("invalid_grant", "refresh token is invalid or revoked")
        if not has_secret and not row["pkce"]:
            raise Refused("invalid_client", "Invalid client_id or client_secret")
        asked = form.get("scope") or row["scopes"]
        if set(asked.split()) - set(row["scopes"].split()):
            raise Refused("invalid_scope", "scope was not granted")
        return self._told(self._new_access(asked, row["token"], None), asked)

    def _told(self, access: str, scopes: str) -> dict[str, Any]:
        return {
            "access_token": access,
            "token_type": "bearer",
            "expires_in": int(self.expires_in),
            "scope": scopes,
            "uid": "1234567",
            "account_id": self._account_id,
        }

    def _new_access(self, scopes: str, refresh: str | None, expires_in: float | None) -> str:
        token = "sl." + secrets.token_urlsafe(40)
        expires = time.time() + (self.expires_in if expires_in is None else expires_in)
        self._db.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?)",
            (token, self._app[0], scopes, expires, refresh),
        )
        return token

    def _new_refresh(self, scopes: str, *, pkce: bool) -> str:
        token = secrets.token_urlsafe(48)
        self._db.execute(
            "INSERT INTO refresh_tokens VALUES (?, ?, ?, ?)", (token, self._app[0], scopes, pkce)
        )
        return token


async def _parameters(request: Request) -> dict[str, str]:
    """The parameters, wherever clients put them: a form (Python, Go),
    the URL's query or a JSON object (JavaScript).
    """
    body = (await request.body.read()).decode("utf-8", "replace")
    found = dict(request.query)
    if body.lstrip().startswith("{"):
        with suppress(ValueError):
            found |= {name: str(value) for name, value in json.loads(body).items()}
        return found
    return found | {name: values[0] for name, values in parse_qs(body).items()}


def _basic(authorization: str | None) -> tuple[str, str] | None:
    kind, _, value = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret
