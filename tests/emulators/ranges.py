"""Replies with a part of a content (Range)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .messages import Reply, Request, plain

Reader = Callable[[int, int], Iterator[bytes]]


def ranged(request: Request, headers: dict[str, str], size: int, reader: Reader) -> Reply:
    """The whole content (200), the part the client asks for (206),
    or 416 where there is no such part.
    """
    headers["Accept-Ranges"] = "bytes"
    etag = headers.get("ETag")
    if etag is not None and request.headers.get("if-none-match") == etag:
        return Reply(304, headers)
    wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", "").replace(" ", ""))
    if wanted is None or not any(wanted.groups()):
        return Reply(200, headers, reader(0, size), size)
    first, last = wanted.groups()
    if first:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
    else:
        start, stop = max(0, size - int(last)), size
    if start >= stop:
        return plain(416, "Requested range not satisfiable", Content_Range=f"bytes */{size}")
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return Reply(206, headers, reader(start, stop), stop - start)
