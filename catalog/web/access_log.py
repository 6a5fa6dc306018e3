"""Who asked for what, as one JSON object a request.

Without what stands behind the question mark, and with the route in the place of a path that holds
a secret: nobody else should read either.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from catalog.domain.copies import timestamp

SECRET_PATHS = ("/share/", "/frame/")


class AccessLog:
    """Gives each line to `write`, or none where that is None."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write

    def add(self, *, path: str, route: str, **told: object) -> None:
        """One request that was answered."""
        if self._write is None:
            return
        shown = route if path.startswith(SECRET_PATHS) else path
        moment = timestamp(datetime.now(UTC))
        self._write(orjson.dumps({"at": moment, "path": shown, **told}).decode())
