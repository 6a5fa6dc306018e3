"""Times that clients state."""

from __future__ import annotations

from .refusals import Refused

_DAY = 24 * 60 * 60


def sane_time(told: str) -> int:
    """Seconds of a header or a property; raises 500 for none, or one of the epoch's first day
    (source).
    """
    try:
        seconds = int(float(told))
    except ValueError:
        seconds = 0
    if seconds <= _DAY:
        raise Refused(500, "\\InvalidArgumentException", f"{told} is no valid time")
    return seconds
