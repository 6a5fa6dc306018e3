"""The files of the account: /remote.php/dav/files/USER/ and /remote.php/webdav/, or the whole of a
plain server.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import quote

from ..messages import Body, Reply, Request, plain
from ..ranges import ranged
from . import changes, multistatus, reports
from .account import Account
from .contents import Content
from .kinds import kind_of
from .names import Parts, below, encode
from .properties import of_nodes
from .refusals import (
    Refused,
    bad_request,
    conflict,
    forbidden,
    not_allowed,
    not_found,
    not_implemented,
    precondition_failed,
)
from .times import sane_time
from .tree import Node

_METHODS = ["OPTIONS", "GET", "HEAD", "PUT", "DELETE", "MKCOL", "MOVE", "COPY"]
_METHODS += ["PROPFIND", "PROPPATCH"]
_CLOUDED = ["REPORT", "PATCH"]
_ALGORITHMS = ("md5", "sha1", "sha256")
_HASHES = {"all": _ALGORITHMS} | {name: (name,) for name in _ALGORITHMS}


@dataclass(frozen=True)
class Destination:
    """Where a MOVE or COPY leads, and whether what is there may go."""

    parts: Parts
    overwrite: bool


@dataclass
class Files:
    """One request to the files: `base` is the address of their root."""

    account: Account
    request: Request
    base: str
    parts: Parts

    async def answer(self) -> Reply:
        """By method."""
        method = self.request.method
        if method not in self._methods:
            raise not_implemented(method)  # 2b: LOCK too
        reply: Reply = await getattr(self, f"_{method.lower()}")()
        return reply

    @property
    def _methods(self) -> list[str]:
        return _METHODS + _CLOUDED if self.account.dialect.clouded else _METHODS

    # What is there

    def _node(self) -> Node:
        node = self.account.tree.find(self.parts)
        if node is None:
            raise not_found(f"File with name {encode(self.parts)} could not be located")
        return node

    def _check_conditions(self, node: Node | None) -> None:
        """If-Match and If-None-Match of what would change something (RFC 9110 13.1; 2c: 412)."""
        match = self.request.headers.get("if-match")
        if match is not None and (node is None or not _names(match, node)):
            raise precondition_failed("If-Match")
        none = self.request.headers.get("if-none-match")
        if none is not None and node is not None and _names(none, node):
            raise precondition_failed("If-None-Match")

    # Methods

    async def _options(self) -> Reply:
        features = self.account.dialect.features
        headers = {"DAV": features, "Allow": ", ".join(self._methods), "MS-Author-Via": "DAV"}
        return Reply(200, headers | {"Accept-Ranges": "bytes"})

    async def _get(self) -> Reply:
        node = self._node()
        content = node.content
        if content is None:  # source: a word to who looks at it with a browser
            return plain(200, "This is the WebDAV interface.")
        match = self.request.headers.get("if-match")
        if match is not None and not _names(match, node):
            raise precondition_failed("If-Match")
        headers = {
            "Content-Type": kind_of(node.name),
            "Last-Modified": formatdate(node.modified, usegmt=True),
            **written_headers(self.account, node),
        }
        if self.account.dialect.clouded:
            named = quote(node.name, safe="")
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{named}"
            if node.checksums:
                headers["OC-Checksum"] = node.checksums
        return ranged(self.request, headers, content.size, content.read)

    _head = _get

    async def _put(self) -> Reply:
        request, account, parts = self.request, self.account, self.parts
        if "content-range" in request.headers:
            raise bad_request("Content-Range on PUT requests are forbidden.")
        node = account.tree.find(parts)
        if not parts or (node is not None and node.is_folder):
            raise conflict("PUT is not allowed on non-files.")
        account.tree.folder(parts)
        self._check_conditions(node)
        account.check_new(parts)
        account.check_unlocked(parts)
        account.tree.check_space(promised_size(request))
        content = await receive(account, request.body)
        await check_checksum(account, request, content)
        self._check_conditions(account.tree.find(parts))  # others came meanwhile
        reply = store(account, request, parts, content)
        if account.dialect.extended:
            asked = _HASHES.get(request.headers.get("x-hash", ""), ())
            for algorithm in asked:  # 2c: computed by the server, of what it has
                digest = await asyncio.to_thread(content.hash, algorithm)
                reply.headers[f"X-Hash-{algorithm.upper()}"] = digest
        return reply

    async def _mkcol(self) -> Reply:
        """2c: 201; 405 where something is, 409 without a parent."""
        account, parts = self.account, self.parts
        body = await self.request.body.read()
        if body and not self.request.content_type.startswith(("application/xml", "text/xml")):
            raise Refused(415, "UnsupportedMediaType", "MKCOL with a body that is no XML")
        if account.tree.find(parts) is not None:
            raise not_allowed("The resource you tried to create already exists")
        account.tree.folder(parts)
        account.check_new(parts)
        account.check_unlocked(parts)
        node = account.tree.add(parts, None)
        return Reply(201, written_headers(account, node))

    async def _delete(self) -> Reply:
        node = self._node()
        if node.parent is None:
            raise forbidden("The root cannot be deleted")
        self._check_conditions(node)
        self.account.check_unlocked(self.parts)
        skip = self.request.headers.get("x-nc-skip-trashbin") == "true"  # source
        self.account.remove(node, for_good=skip)
        return Reply(204)

    async def _move(self) -> Reply:
        node = self._node()
        destination = self._destination(node)
        self.account.check_unlocked(self.parts)
        replaced = self._make_way(destination)
        self.account.tree.move(node, destination.parts)
        return Reply(204 if replaced else 201, written_headers(self.account, node))

    async def _copy(self) -> Reply:
        node = self._node()
        destination = self._destination(node)
        self.account.tree.check_space(node.size)
        replaced = self._make_way(destination)
        deep = self.request.headers.get("depth", "infinity") != "0"
        made = self.account.tree.copy(node, destination.parts, deep=deep)
        return Reply(204 if replaced else 201, written_headers(self.account, made))

    def _destination(self, node: Node) -> Destination:
        """Where it shall go; raises where it may not (RFC 4918 9.8.5, 9.9.4)."""
        destination = find_destination(self.account, self.request, self.base)
        parts = destination.parts
        there = self.account.tree.find(parts)
        self._check_conditions(node)
        if there is node or node.parent is None or not parts:
            raise forbidden("Source and destination are the same, or the root")
        if self.account.tree.folder(parts).is_in(node):
            raise conflict("The destination may not be part of the source")
        if there is not None and node.is_in(there):
            raise forbidden("The source lies in the destination")
        self.account.check_new(parts)
        self.account.check_unlocked(parts)
        if there is not None and not destination.overwrite:
            raise precondition_failed("Overwrite")  # 2c
        return destination

    def _make_way(self, destination: Destination) -> bool:
        """Whether something was in the way; a server with a trash keeps it there (source)."""
        there = self.account.tree.find(destination.parts)
        if there is not None:
            self.account.remove(there)
        return there is not None

    async def _propfind(self) -> Reply:
        names = multistatus.wanted(await self.request.body.read())
        node = self._node()
        nodes = self._selected(node)
        return answer(self.account, self.request, addressed(self.base, nodes), names)

    def _selected(self, node: Node) -> Iterable[Node]:
        depth = self.request.headers.get("depth", self.account.dialect.default_depth).lower()
        if depth == "0":
            return [node]
        if depth == "1":
            return [node, *(node.children or {}).values()]
        if depth != "infinity":
            raise bad_request(f"Depth {depth}")
        if not self.account.dialect.infinite_depth:  # RFC 4918 9.1
            raise forbidden("propfind-finite-depth")
        return node.walk()

    async def _proppatch(self) -> Reply:
        body = await self.request.body.read()
        node = self._node()
        self.account.check_unlocked(self.parts)
        href = addressed(self.base, [node])[0][0]
        return changes.apply(self.account, node, href, body)

    async def _report(self) -> Reply:
        body = await self.request.body.read()
        found, names = reports.filter_files(self.account, self._node(), body)
        return answer(self.account, self.request, addressed(self.base, found), names)

    async def _patch(self) -> Reply:
        """2c: the server computes a digest, and keeps it as the checksum."""
        node = self._node()
        algorithm = self.request.headers.get("x-recalculate-hash", "").lower()
        if not self.account.dialect.extended or node.content is None or not algorithm:
            raise not_implemented("PATCH")
        try:
            digest = await asyncio.to_thread(node.content.hash, algorithm)
        except ValueError:
            raise not_implemented("PATCH") from None
        node.checksums = f"{algorithm.upper()}:{digest}"
        return Reply(204, {"OC-Checksum": node.checksums})


def addressed(base: str, nodes: Iterable[Node]) -> list[tuple[str, Node]]:
    """Each node with its address; folders end with a slash.

    A node's parent comes before it, or its address is made of all its names.
    """
    known: dict[int, str] = {}
    found = []
    for node in nodes:
        above = known.get(node.parent.id) if node.parent is not None else None
        path = above + encode((node.name,)) if above is not None else base + encode(node.parts)
        if node.is_folder:
            known[node.id] = path
        found.append((f"{path}/" if node.is_folder else path, node))
    return found


def answer(
    account: Account,
    request: Request,
    things: list[tuple[str, Node]],
    names: list[str] | None,
) -> Reply:
    """207 for nodes, in pages where a client asks for that (2c: nc-paginate; how: source)."""
    minimal = "return=minimal" in request.headers.get("prefer", "").replace(" ", "")
    pages = account.pages.page(request, things) if account.dialect.extended else None
    if pages is not None:
        things = pages.things
    found = of_nodes(account).responses(things, names, minimal)
    reply = multistatus.multistatus(found, DAV=account.dialect.features)
    if pages is not None:
        reply.headers.update(pages.headers)
    return reply


def _names(header: str, node: Node) -> bool:
    """Whether a condition's header names what is there."""
    if header.strip() == "*":
        return True
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")}
    return node.etag in tags


def find_destination(account: Account, request: Request, base: str) -> Destination:
    """What the headers Destination and Overwrite say; a whole address, or only its path.

    It lies below the same one of the addresses of the files: else 403 (source).
    """
    told = request.headers.get("destination")
    if not told:
        raise bad_request("The destination header was not supplied")
    overwrite = request.headers.get("overwrite", "T").upper()
    if overwrite not in {"T", "F"}:
        raise bad_request('The HTTP Overwrite header should be either "T" or "F"')
    path = below(re.sub(r"^[A-Za-z]+://[^/]*", "", told), base)
    if path is None:
        raise forbidden(f"{told} is out of the base address")
    return Destination(account.parts(path), overwrite == "T")


def promised_size(request: Request) -> int:
    """The bytes that a request says will come (source: the largest of three headers)."""
    told = ("content-length", "oc-total-length", "x-expected-entity-length")
    sizes = [request.headers.get(name, "") for name in told]
    return max((int(size) for size in sizes if size.isdigit()), default=0)


async def receive(account: Account, body: Body) -> Content:
    """A body to where contents are; nothing is left of one that breaks off."""
    if body.length is None:
        account.take_unsized()
    spool = account.spool()
    try:
        async for chunk in body:
            spool.write(chunk)
    except BaseException:
        spool.discard()
        raise
    if body.length is None and account.chunked_coding == "empties":
        spool.discard()
        spool = account.spool()
    return spool.close()


async def check_checksum(account: Account, request: Request, content: Content) -> None:
    """ownCloud: raises 400 where what came is something else."""
    algorithm, _, digest = request.headers.get("oc-checksum", "").partition(":")
    if not algorithm or not account.dialect.checks_checksums:
        return
    try:
        found = await asyncio.to_thread(content.hash, algorithm.lower())
    except ValueError:
        return
    if found != digest.lower():
        raise bad_request("The computed checksum does not match the one received from the client.")


def store(account: Account, request: Request, parts: Parts, content: Content) -> Reply:
    """Write a content, with what the headers say of it: a file that is there stays the same file.

    2c: 201 new, 204 replaced; a checksum is kept as it came, true or not. A time that is none, or
    of the epoch's first day, is a 500 after the content was written (source).
    """
    node, headers = account.tree.find(parts), {}
    status = 201 if node is None else 204
    if node is None:
        node = account.tree.add(parts, content)
    else:
        account.tree.write(node, content)
    if account.dialect.clouded:
        node.checksums = request.headers.get("oc-checksum", "")
        node.uploaded = node.modified
        if "x-oc-mtime" in request.headers:
            node.modified = sane_time(request.headers["x-oc-mtime"])
            headers["X-OC-MTime"] = "accepted"
        if "x-oc-ctime" in request.headers:
            node.created = sane_time(request.headers["x-oc-ctime"])
            headers["X-OC-CTime"] = "accepted"
    return Reply(status, written_headers(account, node) | headers)


def written_headers(account: Account, node: Node) -> dict[str, str]:
    """2c: ETag = OC-ETag, OC-FileId is the padded number and the instance."""
    etag = f'"{node.etag}"'
    if not account.dialect.clouded:
        return {"ETag": etag}
    return {"ETag": etag, "OC-ETag": etag, "OC-FileId": account.long_id(node)}
