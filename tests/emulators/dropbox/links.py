"""Temporary links to contents."""

from __future__ import annotations

import mimetypes
import time

from ..messages import Reply, Request, plain
from ..ranges import ranged
from . import paths
from .services import Account


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
