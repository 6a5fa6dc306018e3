"""Passwords, kept as Argon2 makes of them."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from catalog.domain.access import LONGEST_PASSWORD, SHORTEST_PASSWORD
from catalog.domain.document import PasswordRow
from catalog.errors import UsageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_ONE_AT_A_TIME = threading.Lock()
"""Each takes 64 MiB: a crowd of guesses waits in line."""


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher
    from argon2.profiles import RFC_9106_LOW_MEMORY

    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


def make_password(text: str) -> PasswordRow:
    """What is kept of a password. Raises UsageError for one that is too short or too long."""
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        raise UsageError(
            f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; this one has "
            f"{len(text)}.",
            hint="Some words in a row are good, and easy to remember.",
        )
    with _ONE_AT_A_TIME:
        return {"argon2": _hasher().hash(text)}


def is_password(text: str, kept: PasswordRow | None) -> bool:
    """Whether it is the password that was kept; for None it takes as long, and is not."""
    from argon2.exceptions import InvalidHashError, VerificationError

    known = kept["argon2"] if kept else _nobodys()
    if len(text) > LONGEST_PASSWORD:
        return False
    with _ONE_AT_A_TIME:
        try:
            matches = _hasher().verify(known, text)
        except (VerificationError, InvalidHashError):
            return False
    return matches and kept is not None


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")
