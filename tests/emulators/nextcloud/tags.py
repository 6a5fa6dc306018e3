"""System tags: /remote.php/dav/systemtags/ and /remote.php/dav/systemtags-relations/files/ID/TAG
(2c).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..messages import Reply, Request
from .account import Account, Tag
from .multistatus import DAV, OC, Getter, Properties, multistatus, text, wanted, with_folder
from .names import Parts
from .refusals import Refused, bad_request, conflict, not_found, not_implemented
from .tree import Node


def _flag(value: bool) -> str:
    return "true" if value else "false"


_GETTERS: dict[str, Getter[Tag]] = {
    OC + "id": lambda tag: str(tag.number),
    OC + "display-name": lambda tag: text(tag.name),
    OC + "user-visible": lambda tag: _flag(tag.visible),
    OC + "user-assignable": lambda tag: _flag(tag.assignable),
    OC + "can-assign": lambda tag: _flag(tag.assignable),
}
_TAGS = Properties(with_folder(_GETTERS), (DAV + "resourcetype",))


@dataclass
class SystemTags:
    """One request to the tags themselves."""

    account: Account
    request: Request
    base: str
    parts: Parts

    async def answer(self) -> Reply:
        """By method and depth."""
        method = (self.request.method, len(self.parts))
        if method == ("POST", 0):
            return await self._make()
        if method == ("PROPFIND", 0):
            return await listed(self.request, f"{self.base}/", list(self.account.tags.values()))
        if method == ("PROPFIND", 1):
            tag = self._tag()
            names = wanted(await self.request.body.read())
            things: list[tuple[str, Tag | None]] = [(f"{self.base}/{tag.number}", tag)]
            return multistatus(_TAGS.responses(things, names, minimal=False))
        if method == ("DELETE", 1):
            tag = self._tag()
            del self.account.tags[tag.number]
            for node in self.account.tree.by_id.values():
                node.tags.discard(tag.number)
            return Reply(204)
        raise not_implemented(self.request.method)

    def _tag(self) -> Tag:
        return find_tag(self.account, self.parts[0])

    async def _make(self) -> Reply:
        if not self.request.content_type.startswith("application/json"):
            raise Refused(415, "UnsupportedMediaType", "A tag is made by JSON")
        try:
            told: Any = json.loads(await self.request.body.read())
            name = str(told["name"])
        except (ValueError, KeyError, TypeError):
            raise bad_request("Missing name") from None
        if self.account.tag_named(name) is not None:
            raise conflict("Tag already exists")
        tag = self.account.make_tag(
            name,
            visible=bool(told.get("userVisible", True)),
            assignable=bool(told.get("userAssignable", True)),
        )
        return Reply(201, {"Content-Location": f"{self.base}/{tag.number}"})


@dataclass
class Relations:
    """One request to which file has which tag."""

    account: Account
    request: Request
    base: str
    parts: Parts

    async def answer(self) -> Reply:
        """By method and depth."""
        if self.parts[:1] != ("files",) or len(self.parts) not in {2, 3}:
            raise not_found("Only the tags of files are known")
        node = self._node()
        if len(self.parts) == 2:
            if self.request.method != "PROPFIND":
                raise not_implemented(self.request.method)
            tags = [self.account.tags[number] for number in sorted(node.tags)]
            return await listed(self.request, f"{self.base}/files/{node.id}/", tags)
        tag = find_tag(self.account, self.parts[2])
        if self.request.method == "PUT":
            if tag.number in node.tags:
                raise conflict("Tag is already assigned to this object")
            node.tags.add(tag.number)
            return Reply(201)
        if self.request.method == "DELETE":
            if tag.number not in node.tags:
                raise not_found("Tag is not assigned to this object")
            node.tags.discard(tag.number)
            return Reply(204)
        raise not_implemented(self.request.method)

    def _node(self) -> Node:
        told = self.parts[1]
        node = self.account.tree.by_id.get(int(told)) if told.isdigit() else None
        if node is None or not node.is_in(self.account.tree.root):
            raise not_found(f"File {told} is not there")
        return node


def find_tag(account: Account, told: str) -> Tag:
    """A tag by its number; raises 404."""
    tag = account.tags.get(int(told)) if told.isdigit() else None
    if tag is None:
        raise not_found(f"Tag {told} is not there")
    return tag


async def listed(request: Request, href: str, tags: list[Tag]) -> Reply:
    """207: a collection, and the tags in it."""
    things: list[tuple[str, Tag | None]] = [(href, None)]
    if request.headers.get("depth", "1") != "0":
        things += [(f"{href}{tag.number}", tag) for tag in tags]
    names = wanted(await request.body.read())
    return multistatus(_TAGS.responses(things, names, minimal=False))
