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
from .names import Parts, check_name, decode, encode, normal
from .properties import of_nodes
from .refusals import (
    Refused,
    bad_request,
    conflict,
    forbidden,
    locked,
    not_allowed,
    not_found,
    not_implemented,
    precondition_failed,
)
from .times import sane_time
from .tree import Node

METHODS: tuple[str, ...] = ("OPTIONS", "GET", "HEAD", "PUT", "DELETE", "MKCOL", "MOVE", "COPY")
METHODS += ("PROPFIND", "PROPPATCH")
_CLOUDED = ("REPORT", "PATCH")
_HASHES = {"all": ("md5", "sha1", "sha256"), "md5": ("md5",), "sha1": ("sha1",)}
_HASHES["sha256"] = ("sha256",)


@dataclass
class Destination:
    """Where a MOVE or COPY leads, and whether what is there may go."""

    parts: Parts
    overwrite: bool


@dataclass
class Files:
    """One request to the files: `base` is the address of their root, `bases` are all such."""

    account: Account
    request: Request
    base: str
    bases: tuple[str, ...]
    parts: Parts

    async def answer(self) -> Reply:
        """By method."""
        method = self.request.method
        if method not in self._methods:
            raise not_implemented(method)  # 2b: LOCK too
        reply: Reply = await getattr(self, f"_{method.lower()}")()
        return reply

    @property
    def _methods(self) -> tuple[str, ...]:
        return METHODS + _CLOUDED if self.account.dialect.clouded else METHODS

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

    def _check_unlocked(self, *paths: Parts) -> None:
        for parts in paths:
            if self.account.is_locked(parts):
                raise locked(encode(parts))

    def _written_headers(self, node: Node) -> dict[str, str]:
        """2c: ETag = OC-ETag, OC-FileId is the padded number and the instance."""
        etag = f'"{node.etag}"'
        if not self.account.dialect.clouded:
            return {"ETag": etag}
        return {"ETag": etag, "OC-ETag": etag, "OC-FileId": self.account.long_id(node)}

    # Methods

    async def _options(self) -> Reply:
        features = self.account.dialect.features
        headers = {"DAV": features, "Allow": ", ".join(self._methods), "MS-Author-Via": "DAV"}
        return plain_empty(200, headers | {"Accept-Ranges": "bytes"})

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
            **self._written_headers(node),
        }
        if self.account.dialect.clouded:
            named = quote(node.name, safe="")
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{named}"
            if node.checksums:
                headers["OC-Checksum"] = node.checksums
        return ranged(self.request, headers, content.size, content.read)

    _head = _get

    async def _put(self) -> Reply:
        request, account, parts = self.request, self.account, normal(self.parts)
        if "content-range" in request.headers:
            raise bad_request("Content-Range on PUT requests are forbidden.")
        node = account.tree.find(parts)
        if not parts or (node is not None and node.is_folder):
            raise conflict("PUT is not allowed on non-files.")
        account.tree.folder(parts)
        self._check_conditions(node)
        check_name(parts[-1])
        self._check_unlocked(parts)
        account.tree.check_space(promised_size(request))
        content = await receive(account, request.body)
        node = account.tree.find(parts)  # others came meanwhile
        self._check_conditions(node)
        return await self._store(node, parts, content)

    async def _store(self, node: Node | None, parts: Parts, content: Content) -> Reply:
        account, request = self.account, self.request
        checksum = request.headers.get("oc-checksum", "") if account.dialect.clouded else ""
        if checksum and account.dialect.checks_checksums:
            await check_checksum(checksum, content)
        existed = node is not None
        if node is None:
            node = account.tree.add(parts, content)
        else:
            account.tree.write(node, content)
        headers = finish_write(account, request, node, checksum)
        if account.dialect.states_hashes:
            asked = _HASHES.get(request.headers.get("x-hash", ""), ())
            for algorithm in asked:  # 2c: computed by the server, of what it has
                digest = await asyncio.to_thread(content.hash, algorithm)
                headers[f"X-Hash-{algorithm.upper()}"] = digest
        return plain_empty(204 if existed else 201, self._written_headers(node) | headers)

    async def _mkcol(self) -> Reply:
        """2c: 201; 405 where something is, 409 without a parent."""
        account, parts = self.account, normal(self.parts)
        body = await self.request.body.read()
        if body and not self.request.content_type.startswith(("application/xml", "text/xml")):
            raise Refused(415, "UnsupportedMediaType", "MKCOL with a body that is no XML")
        if account.tree.find(parts) is not None:
            raise not_allowed("The resource you tried to create already exists")
        account.tree.folder(parts)
        check_name(parts[-1])
        self._check_unlocked(parts)
        node = account.tree.add(parts, None)
        return plain_empty(201, self._written_headers(node))

    async def _delete(self) -> Reply:
        node = self._node()
        if node.parent is None:
            raise forbidden("The root cannot be deleted")
        self._check_conditions(node)
        self._check_unlocked(*(one.parts for one in node.walk()))
        skip = self.request.headers.get("x-nc-skip-trashbin") == "true"  # source
        self.account.remove(node, for_good=skip)
        return plain_empty(204, {})

    async def _move(self) -> Reply:
        node = self._node()
        destination = self._destination(node)
        self._check_unlocked(self.parts, destination.parts)
        replaced = self._make_way(destination)
        self.account.tree.move(node, destination.parts)
        return plain_empty(204 if replaced else 201, self._written_headers(node))

    async def _copy(self) -> Reply:
        node = self._node()
        destination = self._destination(node)
        self._check_unlocked(destination.parts)
        self.account.tree.check_space(node.size)
        replaced = self._make_way(destination)
        deep = self.request.headers.get("depth", "infinity") != "0"
        made = self.account.tree.copy(node, destination.parts, deep=deep)
        return plain_empty(204 if replaced else 201, self._written_headers(made))

    def _destination(self, node: Node) -> Destination:
        """Where it shall go; raises where it may not (RFC 4918 9.8.5, 9.9.4)."""
        destination = find_destination(self.request, self.bases)
        parts = destination.parts
        there = self.account.tree.find(parts)
        self._check_conditions(node)
        if there is node or node.parent is None or not parts:
            raise forbidden("Source and destination are the same, or the root")
        self.account.tree.folder(parts)
        if self.account.tree.folder(parts).is_in(node):
            raise conflict("The destination may not be part of the source")
        if there is not None and node.is_in(there):
            raise forbidden("The source lies in the destination")
        check_name(parts[-1])
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
        return answer(self.account, self.request, self._addressed(nodes), names)

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

    def _addressed(self, nodes: Iterable[Node]) -> list[tuple[str, Node]]:
        """Each with its address; folders end with a slash."""
        return addressed(self.base, nodes)

    async def _proppatch(self) -> Reply:
        body = await self.request.body.read()
        node = self._node()
        self._check_unlocked(self.parts)
        href = addressed(self.base, [node])[0][0]
        return changes.apply(self.account, node, href, body)

    async def _report(self) -> Reply:
        body = await self.request.body.read()
        found, names = reports.filter_files(self.account, self._node(), body)
        return answer(self.account, self.request, self._addressed(found), names)

    async def _patch(self) -> Reply:
        """2c: the server computes a digest, and keeps it as the checksum."""
        node = self._node()
        algorithm = self.request.headers.get("x-recalculate-hash", "").lower()
        if not self.account.dialect.states_hashes or node.content is None or not algorithm:
            raise not_implemented("PATCH")
        try:
            digest = await asyncio.to_thread(node.content.hash, algorithm)
        except ValueError:
            raise not_implemented("PATCH") from None
        node.checksums = f"{algorithm.upper()}:{digest}"
        return plain_empty(204, {"OC-Checksum": node.checksums})


def plain_empty(status: int, headers: dict[str, str]) -> Reply:
    """No body."""
    return Reply(status, headers)


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
    pages = account.pages.page(request, things) if account.dialect.trash else None
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


def find_destination(request: Request, bases: tuple[str, ...]) -> Destination:
    """What the headers Destination and Overwrite say; a whole address, or only its path."""
    told = request.headers.get("destination")
    if not told:
        raise bad_request("The destination header was not supplied")
    overwrite = request.headers.get("overwrite", "T").upper()
    if overwrite not in {"T", "F"}:
        raise bad_request('The HTTP Overwrite header should be either "T" or "F"')
    path = re.sub(r"^[A-Za-z]+://[^/]*", "", told)
    for base in bases:
        if path == base or path.startswith(f"{base}/"):
            return Destination(normal(decode(path[len(base) :])), overwrite == "T")
    raise forbidden(f"{told} is out of the base address")


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


async def check_checksum(told: str, content: Content) -> None:
    """ownCloud: 400 where what came is something else."""
    algorithm, _, digest = told.partition(":")
    try:
        found = await asyncio.to_thread(content.hash, algorithm.lower())
    except ValueError:
        return
    if found != digest.lower():
        raise bad_request("The computed checksum does not match the one received from the client.")


def finish_write(account: Account, request: Request, node: Node, checksum: str) -> dict[str, str]:
    """What the headers say of a new content: times and checksum.

    2c: a checksum is kept as it came, true or not. A time that is none, or of the epoch's first
    day, is a 500 after the content was written (source).
    """
    headers: dict[str, str] = {}
    if not account.dialect.clouded:
        return headers
    node.checksums = checksum
    node.uploaded = node.modified
    told = request.headers.get("x-oc-mtime")
    if told is not None:
        node.modified = sane_time(told)
        headers["X-OC-MTime"] = "accepted"
    made = request.headers.get("x-oc-ctime")
    if made is not None:
        node.created = sane_time(made)
        headers["X-OC-CTime"] = "accepted"
    return headers
