"""Listing folders, following changes, searching, revisions."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json

from .. import paths
from ..cursors import Cursor, Garbage
from ..errors import BadInput, RouteError, union
from ..services import Call, inside
from ..tree import Json, Node, stamp
from .registry import METADATA_READ, route

_CATEGORIES = {
    "image": {
        "jpg",
        "jpeg",
        "png",
        "gif",
        "heic",
        "heif",
        "tif",
        "tiff",
        "webp",
        "bmp",
        "cr2",
        "nef",
        "arw",
        "dng",
    },
    "video": {"mp4", "mov", "avi", "mkv", "m4v", "3gp", "mts", "webm"},
    "audio": {"mp3", "wav", "flac", "m4a", "ogg"},
    "document": {"doc", "docx", "txt", "rtf", "odt", "md"},
    "pdf": {"pdf"},
}


def _begin(call: Call) -> Cursor:
    arg = call.arg
    if arg["shared_link"] is not None:
        raise BadInput("request body: shared_link: listing shared links is not emulated")
    if arg["path"] == "/":
        raise BadInput(
            'request body: path: Specify the root folder as an empty string rather than as "/".'
        )
    with inside("path"):
        folder = call.resolve(arg["path"])
        there = call.account.tree.find(folder)
        if folder and there is None:
            raise RouteError(union("not_found"))
        if there is not None and not there["folder"]:
            raise RouteError(union("not_folder"))
    return call.account.cursors.start(folder, arg, call.base)


def _page(call: Call, cursor: Cursor) -> Json:
    page = call.account.cursors.page(cursor)
    return {
        "entries": page.entries,
        "cursor": call.account.cursors.encode(page.cursor),
        "has_more": page.more,
    }


@route("files/list_folder", scope=METADATA_READ)
def list_folder(call: Call) -> Json:
    """The first page of a folder."""
    return _page(call, _begin(call))


@route("files/list_folder/get_latest_cursor", scope=METADATA_READ)
def get_latest_cursor(call: Call) -> Json:
    """A cursor behind everything there is."""
    cursors = call.account.cursors
    return {"cursor": cursors.encode(cursors.latest(_begin(call)))}


def _cursor(call: Call) -> Cursor:
    try:
        return call.account.cursors.decode(call.arg["cursor"])
    except Garbage:
        raise BadInput(
            'Invalid "cursor" parameter: this cursor is not one of this account'
        ) from None


@route("files/list_folder/continue", scope=METADATA_READ)
def list_folder_continue(call: Call) -> Json:
    """The next page, or what has changed since the last."""
    return _page(call, _cursor(call))


@route("files/list_folder/longpoll", scope=None)
async def longpoll(call: Call) -> Json:
    """Waits until there is something to tell, or as long as the client wants."""
    cursor = _cursor(call)
    if cursor.media_info:
        raise BadInput(
            "request body: cursor: cursors made with include_media_info are not supported"
        )
    account = call.account
    try:
        async with asyncio.timeout(account.longpoll or call.arg["timeout"]), account.changed:
            await account.changed.wait_for(lambda: account.cursors.pending(_cursor(call)))
    except TimeoutError:
        return {"changes": False}
    return {"changes": True}


@route("files/list_revisions", scope=METADATA_READ)
def list_revisions(call: Call) -> Json:
    """The revisions of a path (live or deleted) or of an id."""
    arg, tree = call.arg, call.account.tree
    with inside("path"):
        path = call.resolve(arg["path"])
        there, grave = tree.find(path), tree.grave(path)
        if there is None and grave is None:
            raise RouteError(union("not_found"))
        if (there or grave)["folder"]:  # type: ignore[index]
            raise RouteError(union("not_file"))
    by_id = arg["mode"][".tag"] == "id"
    before = None
    if arg["before_rev"] is not None:
        if by_id:
            raise RouteError(union("before_rev_not_supported"))
        bound = tree.revision(arg["before_rev"])
        if bound is None or bound["key"] != paths.key_of(path):
            raise RouteError(union("invalid_before_rev"))
        before = bound["number"]
    entry = (there or grave)["id"]  # type: ignore[index]
    found = (
        tree.revisions(entry=entry)
        if by_id
        else tree.revisions(key=paths.key_of(path), before=before)
    )
    told = [call.tell(row, tagged=False) for row in found[: arg["limit"]]]
    result: Json = {
        "is_deleted": there is None,
        "entries": told,
        "has_more": len(found) > arg["limit"],
    }
    if there is None and grave is not None:
        result["server_deleted"] = stamp(grave["deleted"])
    return result


# Search: by name; the cursor of a search names the search and how many matches were told


@route("files/search_v2", scope=METADATA_READ)
def search(call: Call) -> Json:
    """Entries with every word of the query in their names."""
    options = call.arg["options"] or {}
    asked = {
        "query": call.arg["query"],
        "path": options.get("path") or "",
        "limit": options.get("max_results", 100),
        "extensions": options.get("file_extensions"),
        "categories": [category[".tag"] for category in options.get("file_categories") or []],
        "deleted": (options.get("file_status") or {}).get(".tag") == "deleted",
        "newest": (options.get("order_by") or {}).get(".tag") == "last_modified_time",
    }
    return _search(call, asked, 0)


@route("files/search/continue_v2", scope=METADATA_READ)
def search_continue(call: Call) -> Json:
    """The next matches of a search."""
    try:
        asked, told = json.loads(base64.urlsafe_b64decode(call.arg["cursor"]))
    except (ValueError, binascii.Error):
        raise BadInput('Invalid "cursor" parameter') from None
    return _search(call, asked, told)


def _search(call: Call, asked: Json, told: int) -> Json:
    with inside("path"):
        folder = call.resolve(asked["path"]) if asked["path"] else call.base
    found = _matches(call, asked, folder)
    page = found[told : told + asked["limit"]]
    matches = []
    for row in page:
        entry = (
            {".tag": "deleted", "name": paths.name_of(row["path"])}
            if asked["deleted"]
            else call.tell(row)
        )
        matches.append(
            {
                "metadata": {".tag": "metadata", "metadata": entry},
                "match_type": {".tag": "filename"},
            }
        )
    result: Json = {"matches": matches, "has_more": len(found) > told + len(page)}
    if result["has_more"]:
        result["cursor"] = base64.urlsafe_b64encode(
            json.dumps([asked, told + len(page)]).encode()
        ).decode()
    return result


def _matches(call: Call, asked: Json, folder: str) -> list[Node]:
    words = asked["query"].lower().split()
    extensions = {extension.lstrip(".").lower() for extension in asked["extensions"] or ()}
    for category in asked["categories"]:
        extensions |= _CATEGORIES.get(category, set())
    table, order = (
        ("graves", "key")
        if asked["deleted"]
        else ("nodes", "server_modified DESC" if asked["newest"] else "key")
    )
    low, high = paths.below(paths.key_of(folder))
    rows = call.account.state.db.execute(
        f"SELECT * FROM {table} WHERE key > ? AND key < ? ORDER BY {order}", (low, high)
    )
    found = []
    for row in rows:
        name = paths.name_of(row["key"])
        extension = name.rpartition(".")[2] if "." in name else ""
        if all(word in name for word in words) and (
            not extensions or (not row["folder"] and extension in extensions)
        ):
            found.append(row)
    return found
