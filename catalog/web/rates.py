"""How often one may ask: in this process's memory, by a window that moves."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from catalog.web.answers import Refusal

LOGINS = RateLimitItemPerMinute(10, 5)
"""Log-ins of one user, and from one address, in five minutes."""
STRANGERS = RateLimitItemPerMinute(60)
"""Requests with a session or token that is none, from one address."""
CALLS = RateLimitItemPerMinute(20_000)
"""Requests of one person or program: scrolling through a million pictures stays below it."""


class Rates:
    """The limits of one server. Safe to use from several threads."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check_login(self, name: str, address: str) -> None:
        """Count a log-in by address, and by account where one is named: a link names none, and
        cannot be guessed. Raises Refusal where there were too many.
        """
        if name:
            self._hit(LOGINS, "account", name.casefold())
        self._hit(LOGINS, "address", address)

    def check_stranger(self, address: str) -> None:
        """Count a request of somebody unknown."""
        self._hit(STRANGERS, "stranger", address)

    def check_call(self, name: str) -> None:
        """Count a request of somebody known."""
        self._hit(CALLS, "call", name)

    def _hit(self, limit: RateLimitItemPerMinute, *who: str) -> None:
        if not self._limiter.hit(limit, *who):
            seconds = str(limit.get_expiry())
            raise Refusal(
                429, "That was too often.", f"Try again in {seconds} s.", {"Retry-After": seconds}
            )
