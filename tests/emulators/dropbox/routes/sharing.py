"""Public links, as far as clients need them; nobody shares folders with this account."""

from __future__ import annotations

from ..errors import RouteError, union
from ..services import Call, inside
from ..tree import Json, Node, stamp
from .registry import route

_WRITE = "sharing.write"
_READ = "sharing.read"


def _tell(call: Call, url: str, node: Node, expires: str | None) -> Json:
    told = call.tell(node)
    allowed: Json = {"effective": {".tag": "public"}}
    link: Json = {
        ".tag": told[".tag"],
        "url": url,
        "id": told["id"],
        "name": told["name"],
        "path_lower": told.get("path_lower", ""),
        "link_permissions": {
            "can_revoke": True,
            "resolved_visibility": {".tag": "public"},
            "visibility_policies": [],
            "can_set_expiry": True,
            "can_remove_expiry": True,
            "allow_download": True,
            "can_allow_download": True,
            "can_disallow_download": False,
            "allow_comments": True,
            "team_restricts_comments": False,
            "link_access_level": {".tag": "viewer"},
            "requested_visibility": {".tag": "public"},
            "effective_audience": allowed["effective"],
        },
    }
    if expires is not None:
        link["expires"] = expires
    if told[".tag"] == "file":
        link |= {name: told[name] for name in ("client_modified", "server_modified", "rev", "size")}
    return link


def _links(call: Call, entry: str | None) -> list[Json]:
    told = []
    for row in call.account.state.db.execute(
        "SELECT * FROM shared_links ORDER BY rowid"
    ).fetchall():
        node = call.account.tree.by_id(row["id"])
        if node is not None and entry in {None, row["id"]}:
            told.append(_tell(call, row["url"], node, row["expires"]))
    return told


@route("sharing/create_shared_link_with_settings", scope=_WRITE)
def create(call: Call) -> Json:
    """A public link to a file or folder; each has one."""
    with inside("path"):
        node = call.locate(call.arg["path"])
    there = _links(call, node["id"])
    if there:
        raise RouteError(
            {
                ".tag": "shared_link_already_exists",
                "shared_link_already_exists": {".tag": "metadata", "metadata": there[0]},
            }
        )
    settings = call.arg["settings"] or {}
    expires = stamp(settings["expires"]) if settings.get("expires") else None
    url = f"https://www.dropbox.com/scl/fi/{call.account.state.secret(15)}/{node['id'][3:]}?rlkey={call.account.state.secret(18)}&dl=0"
    call.account.state.db.execute(
        "INSERT INTO shared_links VALUES (?, ?, ?)", (url, node["id"], expires)
    )
    return _tell(call, url, node, expires)


@route("sharing/list_shared_links", scope=_READ)
def list_links(call: Call) -> Json:
    """The account's links, or those to one entry."""
    entry = None
    if call.arg["path"]:
        with inside("path"):
            entry = call.locate(call.arg["path"])["id"]
    return {"links": _links(call, entry), "has_more": False}


@route("sharing/get_shared_link_metadata", scope=_READ)
def link_metadata(call: Call) -> Json:
    """What a link leads to."""
    row = call.account.state.db.execute(
        "SELECT * FROM shared_links WHERE url = ?", (call.arg["url"],)
    ).fetchone()
    node = call.account.tree.by_id(row["id"]) if row else None
    if node is None:
        raise RouteError(union("shared_link_not_found"))
    return _tell(call, row["url"], node, row["expires"])


@route("sharing/revoke_shared_link", scope=_WRITE)
def revoke(call: Call) -> None:
    """The link leads nowhere any more."""
    gone = call.account.state.db.execute(
        "DELETE FROM shared_links WHERE url = ?", (call.arg["url"],)
    )
    if not gone.rowcount:
        raise RouteError(union("shared_link_not_found"))


@route("sharing/list_folders", "sharing/list_mountable_folders", scope=_READ)
def list_folders(call: Call) -> Json:
    """No shared folders."""
    return {"entries": []}


@route("sharing/list_received_files", scope=_READ)
def list_received(call: Call) -> Json:
    """No received files."""
    return {"entries": []}
