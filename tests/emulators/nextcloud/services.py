"""What a Nextcloud answers beside WebDAV: capabilities, its status, previews."""

from __future__ import annotations

import asyncio
from typing import Any
from xml.sax.saxutils import escape

from .. import images
from ..messages import Reply, Request, as_json, plain, whole
from .account import Account

VERSION = {"nextcloud": (32, 0, 1), "owncloud": (10, 15, 0)}


def capabilities(account: Account) -> dict[str, Any]:
    """2c: chunks of at most 100 MB, five at a time; chunking 1.0, bulk upload 1.0 (which is told,
    and not there).
    """
    files = {"bigfilechunking": True, "undelete": account.dialect.extended}
    if not account.dialect.extended:
        kinds = {"supportedTypes": ["SHA1"], "preferredUploadType": "SHA1"}
        return {"dav": {"chunking": "1.0"}, "files": files, "checksums": kinds}
    chunks = {"max_size": 104857600, "max_parallel_count": 5}
    return {
        "dav": {"chunking": "1.0", "bulkupload": "1.0"},
        "files": files | {"chunked_upload": chunks},
        "systemtags": {"enabled": True},
    }


def status(account: Account) -> Reply:
    """/status.php, which needs no login."""
    version = VERSION[account.dialect.name]
    told = {
        "installed": True,
        "maintenance": False,
        "needsDbUpgrade": False,
        "version": ".".join(map(str, (*version, 0))),
        "versionstring": ".".join(map(str, version)),
        "edition": "",
        "productname": account.dialect.realm,
        "extendedSupport": False,
    }
    return as_json(200, told)


def ocs(account: Account, request: Request, path: str) -> Reply:
    """/ocs/v1.php and /ocs/v2.php; 2c: 412 without OCS-APIRequest."""
    if request.headers.get("ocs-apirequest", "").lower() != "true":
        return as_json(412, {"message": "CSRF check failed"})
    version, _, call = path.strip("/").partition("/")
    found: dict[str, Any] | None = None
    if call == "cloud/capabilities":
        major, minor, micro = VERSION[account.dialect.name]
        told: dict[str, Any] = {"major": major, "minor": minor, "micro": micro}
        told |= {"string": f"{major}.{minor}.{micro}", "edition": "", "extendedSupport": False}
        found = {"version": told, "capabilities": capabilities(account)}
    elif call == "cloud/user":
        used, free = account.tree.root.size, account.tree.free
        quota = {"used": used, "free": free, "quota": account.tree.quota}
        found = {"id": account.user, "display-name": account.user, "quota": quota}
    return _enveloped(request, version, found)


def _enveloped(request: Request, version: str, found: dict[str, Any] | None) -> Reply:
    good = {"status": "ok", "statuscode": 100 if version == "v1.php" else 200, "message": "OK"}
    bad = {"status": "failure", "statuscode": 998, "message": "Invalid query"}
    status = 404 if found is None and version == "v2.php" else 200
    told: dict[str, Any] = {"ocs": {"meta": bad if found is None else good, "data": found or []}}
    accepts_json = "json" in request.headers.get("accept", "")
    if request.query.get("format", "json" if accepts_json else "xml") == "json":
        return as_json(status, told)
    text = f'<?xml version="1.0"?>\n{_as_xml("ocs", told["ocs"])}\n'
    return whole(status, "application/xml; charset=utf-8", text.encode(), {})


def _as_xml(name: str, value: Any) -> str:
    if isinstance(value, dict):
        inner = "".join(_as_xml(key, one) for key, one in value.items())
    elif isinstance(value, list):
        inner = "".join(_as_xml("element", one) for one in value)
    else:
        inner = "" if value is None else escape(str(int(value) if value is True else value))
    return f"<{name}>{inner}</{name}>"


async def preview(account: Account, request: Request) -> Reply:
    """/index.php/core/preview?fileId=ID&x=WIDTH&y=HEIGHT&a=1: no larger than that; without `a` it
    is square.
    """
    query = request.query
    try:
        number = int(query["fileId"])
        width, height = int(query.get("x", "32")), int(query.get("y", "32"))
    except (KeyError, ValueError):
        return as_json(400, [])
    node = account.tree.by_id.get(number)
    if width <= 0 or height <= 0:
        return as_json(400, [])
    if node is None or node.content is None or not images.is_photo(node.name):
        return as_json(404, [])
    mode = "strict" if query.get("a") in {"1", "true"} else "bestfit"
    made = images.Wanted(f"w{width}h{height}", mode, "jpeg")
    try:
        data = await asyncio.to_thread(images.thumbnail, node.content.bytes(), made)
    except images.NotAnImage:
        return as_json(404, [])
    return whole(200, "image/jpeg", data, {"ETag": f'"{node.etag}"'})


def nothing_there() -> Reply:
    """404."""
    return plain(404, "Not found")
