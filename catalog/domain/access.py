"""Who may do what: people with a role, programs with a token, and what each role allows."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

VIEW: Final = "view"
DECIDE: Final = "decide"
UPLOAD: Final = "upload"
FRAME: Final = "frame"
OWN: Final = "own"
TOKEN_SCOPES = (VIEW, DECIDE, UPLOAD, FRAME)
"""What a token may be for: a program never changes who may come in."""

VIEWER, CURATOR, OWNER = "viewer", "curator", "owner"
ROLES: dict[str, frozenset[str]] = {
    VIEWER: frozenset({VIEW}),
    CURATOR: frozenset({VIEW, DECIDE, UPLOAD}),
    OWNER: frozenset({VIEW, DECIDE, UPLOAD, FRAME, OWN}),
}
"""The scopes of each role: a viewer looks, a curator decides and uploads as well, an owner does
everything.
"""
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024
"""Characters; so that nobody keeps the server busy with a book."""
_NAME = re.compile(r"[^\W_][\w.@-]{0,63}")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, and what they may do. `token` is the name of the program's token, or ""."""

    name: str
    role: str
    scopes: frozenset[str]
    token: str = ""

    def can(self, scope: str) -> bool:
        """Whether a scope is among theirs."""
        return scope in self.scopes


def identity_of(name: str, role: str, scopes: frozenset[str] | None = None) -> Identity:
    """A person with all that their role allows, or with some of it; an unknown role allows
    nothing.
    """
    allowed = ROLES.get(role, frozenset())
    return Identity(name, role, allowed if scopes is None else allowed & scopes)


def is_user_name(text: str) -> bool:
    """Whether it names a person: a letter or digit, then those and `. @ - _`, at most 64."""
    return _NAME.fullmatch(text) is not None


def digest_of(secret: str) -> str:
    """What is kept of a token's, session's or link's secret: its SHA-256, in hex.

    The secrets are random and of 256 bits: nothing slower is needed to keep them from being
    guessed.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
