"""A part of a file, as a request names it (RFC 9110, section 14): one, or the whole."""

from __future__ import annotations

import re

from catalog.web.answers import Refusal

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None for the whole, also where several parts are
    asked for, or something else than bytes.

    Raises Refusal 416 where there is no such part.
    """
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if found[1]:
        start, stop = int(found[1]), int(found[2] or size - 1) + 1
        if stop <= start and start < size:
            return None
    else:
        start, stop = max(0, size - int(found[2])), size
    if start >= size or start >= stop:
        raise Refusal(416, "There is no such part.", headers={"Content-Range": f"bytes */{size}"})
    return start, min(stop, size)
