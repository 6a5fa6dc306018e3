"""Fields that boxes of movies share (ISO/IEC 14496-12): clocks, time scales, durations."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta

_MAC_EPOCH = datetime(1904, 1, 1)
_UNIX_EPOCH = datetime(1970, 1, 1)
_EPOCH_GAP = 2_082_844_800


def clock(value: int) -> datetime | None:
    """A QuickTime clock (seconds since 1904) as naive UTC, or None where it is unset or impossible.

    Some writers count from 1970 by mistake: a value whose year is sensible only that way is taken
    so.
    """
    if not 0 < value < 1 << 33:
        return None
    for epoch, first in ((_MAC_EPOCH, 1990), (_UNIX_EPOCH, 1990), (_MAC_EPOCH, 1971)):
        moment = epoch + timedelta(seconds=value)
        if first <= moment.year < 2036:
            return None if value == _EPOCH_GAP else moment
    return None


def full_box_times(payload: bytes) -> tuple[int, int, int] | None:
    """Creation clock, time scale and duration (in units of it) of an `mvhd` or `mdhd` payload,
    version 0 or 1.
    """
    if len(payload) >= 32 and payload[0] == 1:
        created, _, scale, duration = struct.unpack_from(">QQIQ", payload, 4)
        return created, scale, 0 if duration == (1 << 64) - 1 else duration
    if len(payload) >= 20 and payload[0] != 1:
        created, _, scale, duration = struct.unpack_from(">IIII", payload, 4)
        return created, scale, 0 if duration == 0xFFFFFFFF else duration
    return None
