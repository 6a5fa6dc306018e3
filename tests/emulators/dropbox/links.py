"""Temporary links, and replies with a part of a content (Range)."""

from __future__ import annotations

import mimetypes
import re
import time
from collections.abc import Callable, Iterator

from . import paths
from .messages import Reply, Request, plain
from .services import Account

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


def temporary(account: Account, request: Request) -> Reply:
    """GET of a link that get_temporary_link gave."""
    token = request.path.split("/")[4]
    row = account.state.db.execute("SELECT * FROM links WHERE token = ?", (token,)).fetchone()
    if row is None:
        return plain(404, "Not found")
    if row["expires"] <= time.time():
        return plain(410, "Gone")
    node = account.tree.revision(row["rev"])
    assert node is not None
    kind = mimetypes.guess_type(paths.name_of(node["path"]))[0] or "application/octet-stream"
    headers = {"Content-Type": kind, "ETag": f'W/"{node["rev"]}"'}
    return ranged(
        request,
        headers,
        node["size"],
        lambda start, stop: account.state.read(node["content"], start, stop),
    )
