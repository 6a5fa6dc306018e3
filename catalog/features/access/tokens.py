"""Tokens, by which programs come in: random, shown once, kept as their digest."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog.domain.access import ROLES, TOKEN_SCOPES, digest_of
from catalog.domain.copies import timestamp
from catalog.domain.document import AccessRow
from catalog.errors import UsageError
from catalog.features.access.users import TOKEN, find_user
from catalog.index.access import AccessRecords
from catalog.index.repository import Repository

PREFIX = "catalog_"
"""How a token begins, so that scanners of files and logs know one when they see it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is listed: what it is called, whose it is, what it may do, and until when."""

    label: str
    name: str
    scopes: tuple[str, ...]
    added: str
    expires: str = ""


def add_token(
    records: AccessRecords,
    label: str,
    name: str,
    scopes: Sequence[str],
    days: float | None = None,
    *,
    by: str = "",
) -> str:
    """A new token of a user, which is not shown again; `label` is what it is called.

    Raises UsageError where the user is unknown or may not do that, and for a label that is taken.
    """
    owner = find_user(records, name)
    if not label.strip() or len(label) > 100:
        raise UsageError("A token is called by 1 to 100 characters.", hint="Such as kitchen.")
    beyond = [s for s in scopes if s not in ROLES.get(owner.role, frozenset())]
    if beyond or not scopes or not set(scopes) <= set(TOKEN_SCOPES):
        raise UsageError(
            f"{owner.name}, a {owner.role}, cannot give a token for "
            f"{', '.join(beyond) or 'nothing'}.",
            hint=f"Scopes are {', '.join(TOKEN_SCOPES)}.",
        )
    if label in {row.get("label") for row in records.list_all(TOKEN).values()}:
        raise UsageError(f"There is a token {label} already.", hint=f"catalog token revoke {label}")
    now = datetime.now(UTC)
    row: AccessRow = {
        "kind": TOKEN,
        "name": owner.name,
        "label": label,
        "scopes": sorted(set(scopes)),
        "at": timestamp(now),
    }
    if by:
        row["by"] = by
    if days is not None:
        row["expires"] = timestamp(now + timedelta(days=days))
    token = PREFIX + secrets.token_urlsafe(32)
    records.create(token_key(token), row)
    return token


def list_tokens(repository: Repository) -> list[Token]:
    """Every token, by its user."""
    return [_token_of(row) for row in AccessRecords(repository).list_all(TOKEN).values()]


def revoke_token(records: AccessRecords, label: str) -> Token:
    """End a token at once. Raises UsageError where there is none of that name."""
    for key, row in records.list_all(TOKEN).items():
        if row.get("label") == label:
            records.remove(key)
            return _token_of(row)
    raise UsageError(f"There is no token {label}.", hint="`catalog token list` shows them.")


def token_key(token: str) -> str:
    """The id of a token's record."""
    return f"{TOKEN}:{digest_of(token)}"


def _token_of(row: AccessRow) -> Token:
    return Token(
        row.get("label", ""),
        row["name"],
        tuple(row.get("scopes", ())),
        row.get("at", ""),
        row.get("expires", ""),
    )
