"""Metadata, downloads, links to contents, thumbnails."""

from __future__ import annotations

import asyncio
import base64
import html
import io
import re
import time
import zipfile
from dataclasses import dataclass, field

from ... import images
from .. import paths
from ..content import content_hash
from ..errors import BadInput, RouteError, Union, union
from ..services import Call, inside
from ..tree import EXPORTS, MAX_ENTRIES, Json, Node, deleted_metadata
from .registry import CONTENT_READ, METADATA_READ, route

_LINK_LIFETIME = 4 * 3600
_MAX_THUMBNAILS = 25


@dataclass
class Download:
    """The result of a download-style call: bytes at hand, or a stored content of `size` bytes."""

    result: Json
    size: int
    content: int | None = None
    data: bytes | None = None
    etag: str | None = None
    kind: str = "application/octet-stream"
    extra: dict[str, str] = field(default_factory=dict)


@route("files/get_metadata", "files/alpha/get_metadata", scope=METADATA_READ)
async def get_metadata(call: Call) -> Json:
    """What is at a path, of an id, or of a revision."""
    raw = call.arg["path"]
    if raw == "/":
        raise BadInput("request body: path: The root folder is unsupported.")
    with inside("path"):
        if raw.startswith("rev:"):
            node: Node | None = call.locate_file(raw)
        else:
            path = call.resolve(raw)
            node = call.account.tree.find(path)
            grave = call.account.tree.grave(path)
            if node is None and grave is not None and call.arg["include_deleted"]:
                return deleted_metadata(grave, call.base)
        if node is None:
            raise RouteError(union("not_found"))
    told = call.tell(node)
    if call.arg["include_media_info"] and told[".tag"] == "file":
        info = await _media_info(call, node)
        if info is not None:
            told["media_info"] = info
    return told


async def _media_info(call: Call, node: Node) -> Json | None:
    """MediaInfo of photos; videos stay `pending`, other files have none."""
    name = paths.name_of(node["path"])
    if images.is_video(name):
        return {".tag": "pending"}
    if not images.is_photo(name) or node["size"] > images.MAX_SIZE:
        return None
    metadata = await asyncio.to_thread(images.photo_info, _bytes(call, node))
    return {".tag": "metadata", "metadata": metadata} if metadata else {".tag": "pending"}


def _bytes(call: Call, node: Node) -> bytes:
    return b"".join(call.account.state.read(node["content"], 0, node["size"]))


@route("files/download", scope=CONTENT_READ)
def download(call: Call) -> Download:
    """A file's bytes, or those of a revision."""
    path = call.arg["path"]
    if call.arg["rev"] is not None:
        path = "rev:" + call.arg["rev"]
    with inside("path"):
        node = call.locate_file(path)
    if node["export"]:
        raise RouteError(union("unsupported_file"))
    return Download(call.tell(node, tagged=False), node["size"], node["content"], etag=node["rev"])


@route("files/download_zip", scope=CONTENT_READ)
def download_zip(call: Call) -> Download:
    """A folder as a zip."""
    with inside("path"):
        folder = call.locate(call.arg["path"])
        if not folder["folder"]:
            raise RouteError(union("not_folder"))
    rows = call.account.tree.subtree(folder["key"])
    if len(rows) >= MAX_ENTRIES:
        raise RouteError(union("too_many_files"))
    if sum(row["size"] or 0 for row in rows) > 1 << 30:
        raise RouteError(union("too_large"))
    cut = len(paths.parent_of(folder["path"])) + 1
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.mkdir(folder["path"][cut:])
        for row in rows:
            if row["folder"]:
                archive.mkdir(row["path"][cut:])
            else:
                archive.writestr(row["path"][cut:], _bytes(call, row))
    return Download(
        {"metadata": call.tell(folder, tagged=False)},
        made.tell(),
        data=made.getvalue(),
        kind="application/zip",
    )


@route("files/get_temporary_link", scope=CONTENT_READ)
def get_temporary_link(call: Call) -> Json:
    """A link to a file's bytes that needs no token, good for four hours."""
    with inside("path"):
        node = call.locate_file(call.arg["path"])
    if node["export"]:
        raise RouteError(union("unsupported_file"))
    token = call.account.state.secret(48)
    call.account.state.db.execute(
        "INSERT INTO links VALUES (?, ?, ?)", (token, node["rev"], time.time() + _LINK_LIFETIME)
    )
    return {
        "metadata": call.tell(node, tagged=False),
        "link": f"https://{call.authority}/cd/0/get/{token}/file",
    }


@route("files/export", scope=CONTENT_READ)
def export(call: Call) -> Download:
    """A document that cannot be downloaded, in one of the formats its metadata names."""
    with inside("path"):
        node = call.locate_file(call.arg["path"])
    if not node["export"]:
        raise RouteError(union("non_exportable"))
    wanted = call.arg["export_format"] or node["export"]
    if wanted not in EXPORTS:
        raise RouteError(union("invalid_export_format"))
    text = _bytes(call, node)
    data = text if wanted == node["export"] else as_html(text.decode("utf-8", "replace")).encode()
    name = paths.name_of(node["path"]).rpartition(".")[0] + (".html" if wanted == "html" else ".md")
    told = {"name": name, "size": len(data), "export_hash": content_hash(data), "paper_revision": 1}
    return Download(
        {"export_metadata": told, "file_metadata": call.tell(node, tagged=False)},
        len(data),
        data=data,
    )


def as_html(markdown: str) -> str:
    """Markdown's headings, bold words and links as HTML:
    as much as an export needs to be recognised.
    """
    text = html.escape(markdown)
    text = re.sub(r"^# (.*)$", r"<h1>\1</h1>", text, flags=re.MULTILINE)
    text = re.sub(r"__(.+?)__", r"<b>\1</b>", text)
    text = re.sub(r"\[(.+?)\]\((.+?)\)", r'<a href="\2">\1</a>', text)
    return f"<html><body>{text}</body></html>"


# Thumbnails


async def _thumbnail(call: Call, path: str, arg: Json) -> tuple[Json, bytes]:
    """The file's metadata and a thumbnail of it; raises a ThumbnailError."""
    with inside("path"):
        node = call.locate_file(path)
    if not images.is_photo(paths.name_of(node["path"])):
        raise RouteError(union("unsupported_extension"))
    if node["size"] > images.MAX_SIZE:
        raise RouteError(union("unsupported_image"))
    wanted = images.Wanted(arg["size"][".tag"], arg["mode"][".tag"], arg["format"][".tag"])
    try:
        data = await asyncio.to_thread(images.thumbnail, _bytes(call, node), wanted)
    except images.NotAnImage:
        raise RouteError(union("unsupported_image")) from None
    return call.tell(node, tagged=False), data


@route("files/get_thumbnail", scope=CONTENT_READ)
async def get_thumbnail(call: Call) -> Download:
    """The old form: by path only."""
    told, data = await _thumbnail(call, call.arg["path"], call.arg)
    return Download(told, len(data), data=data)


@route("files/get_thumbnail_v2", scope=CONTENT_READ)
async def get_thumbnail_v2(call: Call) -> Download:
    """A thumbnail of a file."""
    if call.arg["resource"][".tag"] != "path":
        raise RouteError(union("not_found"))
    if call.arg["preserve_transparency"] and call.arg["format"][".tag"] == "jpeg":
        raise RouteError(union("unsupported_output_format"))
    told, data = await _thumbnail(call, call.arg["resource"]["path"], call.arg)
    return Download({"file_metadata": told}, len(data), data=data)


@route("files/get_thumbnail_batch", scope=CONTENT_READ)
async def get_thumbnail_batch(call: Call) -> Json:
    """Up to 25 thumbnails, each with its own result."""
    if len(call.arg["entries"]) > _MAX_THUMBNAILS:
        raise RouteError(union("too_many_files"))
    entries: list[Json] = []
    for number, arg in enumerate(call.arg["entries"]):
        fault: Union | None = call.entry_fault(number)
        try:
            if fault is not None:
                raise RouteError(fault)
            told, data = await _thumbnail(call, arg["path"], arg)
        except RouteError as error:
            entries.append({".tag": "failure", "failure": error.error})
        else:
            entries.append(
                {".tag": "success", "metadata": told, "thumbnail": base64.b64encode(data).decode()}
            )
    return {"entries": entries}
