"""Who is asking: by password or link at a log-in, by session or token ever after."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog.domain.access import Identity, digest_of, identity_of
from catalog.domain.copies import timestamp
from catalog.domain.document import AccessRow
from catalog.features.access.passwords import is_password
from catalog.features.access.tokens import token_key
from catalog.features.access.users import LINK, SESSION, find_user, key_of
from catalog.index.access import AccessRecords
from catalog.index.repository import Repository

SESSION_DAYS = 30
LINK_MINUTES = 15
REMEMBERED_SECONDS = 5.0
"""For so long a session or token that was proved is not asked for again; one that is ended in
another program lives so much longer.
"""
MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session that began: the secret that the browser keeps, and whose it is."""

    secret: str
    identity: Identity


class Gate:
    """Lets people and programs into one catalog. Safe to use from several threads."""

    def __init__(self, repository: Repository) -> None:
        self._records = AccessRecords(repository)
        self._remembered: dict[str, tuple[float, Identity | None]] = {}
        self._lock = threading.Lock()

    def log_in(self, name: str, password: str) -> LoggedIn | None:
        """A session for who knows the password of a user; None otherwise, after as long a time."""
        row = self._records.find(key_of(name))
        if not is_password(password, row.get("password") if row else None) or row is None:
            return None
        return self._begin_session(row)

    def follow_link(self, secret: str) -> LoggedIn | None:
        """A session for who has the secret of a link that was not followed before."""
        key = f"{LINK}:{digest_of(secret)}"
        row, version = self._records.find_versioned(key)
        if row is None or not self._records.remove(key, version) or _is_over(row):
            return None
        user = self._records.find(key_of(row["name"]))
        return self._begin_session(user) if user is not None else None

    def identify_session(self, secret: str) -> Identity | None:
        """Whose session it is; None where it is none, or over."""
        return self._identify(f"{SESSION}:{digest_of(secret)}")

    def identify_token(self, secret: str) -> Identity | None:
        """Whose token it is; None where it is none, or over."""
        return self._identify(token_key(secret))

    def log_out(self, secret: str) -> None:
        """End a session."""
        key = f"{SESSION}:{digest_of(secret)}"
        self._records.remove(key)
        with self._lock:
            self._remembered.pop(key, None)

    def forget(self) -> None:
        """Ask for everybody again: somebody's rights changed."""
        with self._lock:
            self._remembered.clear()

    def _begin_session(self, user: AccessRow) -> LoggedIn:
        secret, now = secrets.token_urlsafe(32), datetime.now(UTC)
        row: AccessRow = {
            "kind": SESSION,
            "name": user["name"],
            "at": timestamp(now),
            "expires": timestamp(now + timedelta(days=SESSION_DAYS)),
        }
        self._records.create(f"{SESSION}:{digest_of(secret)}", row)
        return LoggedIn(secret, identity_of(user["name"], user.get("role", "")))

    def _identify(self, key: str) -> Identity | None:
        now = time.monotonic()
        with self._lock:
            until, identity = self._remembered.get(key, (0.0, None))
            if now < until:
                return identity
        identity = self._looked_up(key)
        with self._lock:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = (now + REMEMBERED_SECONDS, identity)
        return identity

    def _looked_up(self, key: str) -> Identity | None:
        row = self._records.find(key)
        if row is None or _is_over(row):
            return None
        user = self._records.find(key_of(row["name"]))
        if user is None:
            return None
        scopes = frozenset(row["scopes"]) if "scopes" in row else None
        found = identity_of(user["name"], user.get("role", ""), scopes)
        return Identity(found.name, found.role, found.scopes, row.get("label", ""))

    def remove_expired(self) -> int:
        """Take away what is over; how many."""
        over = [
            key
            for kind in (SESSION, LINK)
            for key, row in self._records.list_all(kind).items()
            if _is_over(row)
        ]
        self._records.remove_all(over)
        return len(over)


def make_link(records: AccessRecords, name: str) -> str:
    """The secret of a link that logs a user in, once, within a quarter of an hour.

    Raises UsageError where there is no such user.
    """
    user = find_user(records, name)
    secret = secrets.token_urlsafe(32)
    until = datetime.now(UTC) + timedelta(minutes=LINK_MINUTES)
    row: AccessRow = {"kind": LINK, "name": user.name, "expires": timestamp(until)}
    records.create(f"{LINK}:{digest_of(secret)}", row)
    return secret


def _is_over(row: AccessRow) -> bool:
    until = row.get("expires")
    return until is not None and datetime.fromisoformat(until) <= datetime.now(UTC)
